"""The example school in Slack: the whole product in this process, on a real database, and a workspace with everybody."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from cryptography.fernet import Fernet

from bot.cases.desk import Desk
from bot.cases.routing import Roster
from bot.casework import Casework
from bot.consider import Consider
from bot.formwork import Formwork
from bot.model import Event, Outcome, Person, Platform
from bot.notices.compose import Composer
from bot.notices.worker import Worker
from bot.ports import Reader
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import EXAMPLE_SCHOOL, ROOT, load_school
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, open_database
from bot.storage.inbox import SqlInbox
from bot.storage.memory import SqlMemory
from bot.storage.outbox import SqlOutbox
from bot.storage.sealing import Sealer
from bot.talk import Talk
from bot.transports.health import Metrics
from bot.transports.slack import SlackSettings, SlackTransport
from bot.turn import Charter
from guidance_kb.facts import VOCABULARY, Facts, parse_facts
from intents.model import Intent, Reading, Risk
from tests.guidance import library
from tests.slack.block_kit import Json
from tests.slack.fake_api import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from tests.slack.workspace import BOT, Workspace

LIBRARY = library()
MANIFEST: Json = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
STARTERS = ("May I accept a friend request?", "May I post a photo?", "May I text a parent?", "Five?", "Six?")
KEY = Fernet.generate_key()


def account(id: str) -> str:
    """The Slack account of somebody in the example school."""
    return f"U0{id.upper()}"


_EXAMPLE = load_school(EXAMPLE_SCHOOL)
SCHOOL = _EXAMPLE.model_copy(
    update={"people": tuple(replace(p, accounts={Platform.SLACK: account(p.id)}) for p in _EXAMPLE.people)}
)
WORDS = TemplateWords.load()
REPLIES = Replies(WORDS, LIBRARY, SCHOOL.contacts)
PRIYA, DAN, SAM, RUTH, AMARA, HELEN, PETER, NADIA = (account(person.id) for person in SCHOOL.people)
"""Teacher, teaching assistant, two leaders, safeguarding lead, headteacher, chair of governors (a guest), IT."""
BY_ACCOUNT = {account(person.id): person for person in SCHOOL.people}
EVE, NEW = "U0EVE", "U0NEW"
"""A stranger from another organisation, and a colleague whom nobody has put on the roster."""
QUESTION = "can I accept a friend request from a student?"
LEADERS, STAFF_ROOM, SHARED, ELSEWHERE = "C0LEADERS", "C0STAFF", "C0SHARED", "C0ELSEWHERE"


def furnish(workspace: Workspace) -> None:
    """Everybody, and four channels: the leaders' own, the staff room, one shared with others, one without the app."""
    for person in SCHOOL.people:
        workspace.add_user(account(person.id), person.name, restricted=person.id == "peter")
    workspace.add_user(EVE, "eve", stranger=True)
    workspace.add_user(NEW, "new")
    everybody = (*(account(person.id) for person in SCHOOL.people), NEW)
    workspace.add_channel(LEADERS, SAM, RUTH, AMARA, HELEN, BOT, name="leadership", private=True)
    workspace.add_channel(STAFF_ROOM, *everybody, BOT, name="staff-room")
    workspace.add_channel(SHARED, *everybody, EVE, BOT, name="shared", shared=True)
    workspace.add_channel(ELSEWHERE, *everybody, name="elsewhere")


class Phrasebook:
    """A `Reader` that knows a few phrases and takes them at their word; what it does not know it does not guess."""

    PHRASES = (
        (r"friend request|follow|befriend", "matter", "connect"),
        (r"\bphoto", "matter", "student_pictures"),
        (r"former student", "who", "leaver"),
        (r"\bparent", "who", "parent"),
        (r"(?<!former )student", "who", "student"),
        (r"my own daughter", "tie", "own_child"),
        (r"\b17\b", "age", "under_18"),
        (r"\b2\d\b", "age", "adult"),
    )

    def read(self, text: str, earlier: Sequence[str] = (), known: Facts | None = None) -> Reading:
        """As the port says. "What if …" goes on with the question before."""
        follows = bool(earlier) and text.lower().startswith("what if")
        facts: Facts = {**(known or {}), **self._told(text)}
        if follows:
            facts = {**{fact: value for turn in earlier for fact, value in self._told(turn).items()}, **facts}
        alarm = bool(re.search(r"beats him|scared to go home", text))
        return Reading(
            intents={Intent.REPORT if "want to report" in text else Intent.QUESTION: 1.0},
            risk=Risk(alarm, float(alarm)),
            facts={name: {facts.get(name): 1.0} for name in VOCABULARY},
            follows_on=follows,
        )

    def _told(self, text: str) -> Facts:
        told = {fact: value for phrase, fact, value in self.PHRASES if re.search(phrase, text, re.IGNORECASE)}
        return parse_facts(told)


class RunningClock:
    """A Monday morning in term, from which real time passes; `forward` lets more pass."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._more = timedelta()

    def now(self) -> datetime:
        """The time."""
        passed = timedelta(seconds=time.monotonic() - self._start)
        return datetime(2026, 11, 30, 10, tzinfo=UTC) + passed + self._more

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self._more += timedelta(**by)


@dataclass
class Office:
    """Charter at work in a workspace, with what stands behind it at hand."""

    transport: SlackTransport
    desk: Desk
    charter: Charter
    worker: Worker
    inbox: SqlInbox
    store: SqlCaseStore
    metrics: Metrics
    clock: RunningClock
    url: str

    async def delivered(self) -> None:
        """Wait until nothing is under way and every notice that is due is delivered."""
        await self.transport.settled()
        while await self.worker.deliver_due():
            await self.transport.settled()


Handle = Callable[[Event], Awaitable[Outcome]]


def settings(api_url: str, *, socket: bool) -> SlackSettings:
    """As an installer would give them."""
    return SlackSettings(BOT_TOKEN, SIGNING_SECRET, APP_TOKEN if socket else "", LEADERS, api_url)


@asynccontextmanager
async def open_office(
    given: SlackSettings,
    database: Database,
    reader: Reader | None = None,
    around: Callable[[Handle], Handle] = lambda handle: handle,
    port: int = 0,
    grace: float = 20.0,
    people: Sequence[Person] = SCHOOL.people,
) -> AsyncIterator[Office]:
    """Charter, started; stopped when the block ends. `around` may stand between the transport and the one door."""
    clock, sealer, metrics, wake = RunningClock(), Sealer([KEY]), Metrics(), asyncio.Event()
    store, inbox, outbox = SqlCaseStore(database, sealer), SqlInbox(database, sealer, clock), SqlOutbox(database)
    roster = Roster(people, connected=frozenset({Platform.SLACK}))
    desk = Desk(store, roster, clock, SCHOOL.numbers(), wake, patience=SCHOOL.calendar.due)
    memory = SqlMemory(database, sealer, clock)
    reading = reader or Phrasebook()
    charter = Charter(
        Talk(Consider(reading, LIBRARY), REPLIES, memory),
        Formwork(desk, REPLIES, memory, reading, SCHOOL, clock),
        Casework(desk, REPLIES, WORDS, SCHOOL, clock),
    )
    transport = SlackTransport(
        given, around(charter.handle), people, inbox, metrics, REPLIES.plain, STARTERS, patience=0.5, grace=grace
    )
    async with _served(transport, port) as url:
        composer = Composer(desk, WORDS, clock, SCHOOL.calendar)
        worker = Worker(outbox, transport.messenger, composer.compose, clock, wake, lease=10)
        yield Office(transport, desk, charter, worker, inbox, store, metrics, clock, url)


@asynccontextmanager
async def _served(transport: SlackTransport, port: int) -> AsyncIterator[str]:
    app = web.Application()
    transport.register(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await transport.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await transport.stop()
        await runner.cleanup()


class Shelves:
    """Databases for tests: one is made with the schema, and every test is given a copy of its own."""

    def __init__(self, folder: Path) -> None:
        self._made = folder / "empty.sqlite3"

    @asynccontextmanager
    async def database(self, folder: Path) -> AsyncIterator[Database]:
        """A fresh database."""
        if not self._made.exists():
            await (await open_database(f"sqlite+aiosqlite:///{self._made}")).close()
        mine = folder / "charter.sqlite3"
        shutil.copy(self._made, mine)
        database = await open_database(f"sqlite+aiosqlite:///{mine}")
        try:
            yield database
        finally:
            await database.close()
