"""The whole of Charter in Teams on stores in memory, spoken to over HTTP, with Microsoft's side faked on this computer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.cases.desk import Desk
from bot.cases.routing import Roster
from bot.model import Delivery, Person, Platform
from bot.notices.cards import Cards
from bot.notices.compose import Composer
from bot.notices.worker import Worker
from bot.ports import Reader
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import EXAMPLE_SCHOOL, load_school
from bot.transports.health import Metrics
from bot.transports.teams_settings import TeamsSettings
from bot.transports.teams_setup import Teams, set_up
from bot.transports.teams_showing import Standing
from guidance_kb.facts import parse_facts
from tests.contract.microsoft import TENANT, Microsoft, activity, invoke
from tests.fakes import FactsReader, FakeMemory, assemble
from tests.guidance import library
from tests.small_school import MemoryCaseStore, WallClock
from tests.teams.stores import DictShelf, ListInbox, MemoryOutbox

LIBRARY = library()
CHANNEL = "19:slt@thread.tacv2"
FACTS = parse_facts({"matter": "connect", "who": "student", "age": "under_18"})
SURE = FactsReader(FACTS)
SCHOOL = load_school(EXAMPLE_SCHOOL)
PEOPLE = {
    one.id: replace(one, accounts={Platform.TEAMS: f"00000000-0000-0000-0000-{number:012d}"})
    for number, one in enumerate(SCHOOL.people)
}


class Side(Protocol):
    """Microsoft's side: where its Connector is, and what it was sent."""

    @property
    def service(self) -> str:
        """The Connector's address."""
        ...

    calls: list[tuple[str, str, dict[str, Any]]]


class School:
    """Charter in Teams, and the people of the example school who write to it."""

    def __init__(self, side: Side, reader: Reader) -> None:
        self.side = side
        self.microsoft: Microsoft
        self.store, self.inbox, self.shelf, self.clock = MemoryCaseStore(), ListInbox(), DictShelf(), WallClock()
        people = tuple(PEOPLE.values())
        roster = Roster(people, frozenset({Platform.TEAMS}))
        self.desk = Desk(self.store, roster, self.clock, SCHOOL.numbers())
        school = SCHOOL.model_copy(update={"people": people})
        self.charter = assemble(reader, LIBRARY, self.desk, FakeMemory(), school, self.clock)
        self.composer = Composer(self.desk, TemplateWords.load(), self.clock)
        settings = TeamsSettings(
            tenant=TENANT, leadership=CHANNEL, service_url=side.service, development=True, hosts=()
        )
        self.metrics = Metrics()
        self.cards, self.outbox = Cards(asyncio.Event()), MemoryOutbox(self.store)
        self.teams = self._set_up(settings, people)
        self.worker = Worker(
            self.outbox, self.teams.messenger, self.composer.compose, self.clock, lease=10, cards=self.cards
        )
        self.client: TestClient[web.Request, web.Application]
        self.status = 0

    def _set_up(self, settings: TeamsSettings, people: tuple[Person, ...]) -> Teams:
        plain = Replies(TemplateWords.load(), LIBRARY, SCHOOL.contacts).plain
        standing = Standing(
            plain("about"),
            plain("unlisted"),
            plain("no_files"),
            plain("not_stored"),
            plain("trouble"),
            starters=("May I add a parent?", "May I text a student?"),
        )
        handle = self.cards.following(self.charter.handle)
        return set_up(settings, handle, people, self.inbox, self.shelf, standing, self.metrics)

    def likes(self) -> float:
        """How many answers were found helpful."""
        labels = {"platform": "teams", "kind": "feedback", "outcome": "like"}
        return self.metrics.registry.get_sample_value("charter_events_total", labels) or 0.0

    # What people do

    async def say(self, person: str, text: str, **changes: object) -> list[dict[str, Any]]:
        """Write to Charter; what it sends."""
        return await self.post(person, activity(text=text, **changes))

    async def press(self, person: str, data: object, card: str = "m1", **changes: object) -> list[dict[str, Any]]:
        """Press a button on a card in a chat; what Charter sends."""
        return await self.post(person, activity(text=None, value=data, replyToId=card, **changes))

    async def invoke(self, person: str, name: str, value: object, **changes: object) -> Any:
        """Open or send a dialog; the answer's body."""
        await self.post(person, invoke(name, value, **changes))
        return json.loads(self.answer) if self.answer else None

    async def post(self, person: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Send an activity from somebody and wait until all of it is carried out; what Charter sent meanwhile."""
        before = len(self.side.calls)
        account = PEOPLE[person].accounts[Platform.TEAMS] if person in PEOPLE else "somebody-else"
        body = {**body, "serviceUrl": self.side.service, "from": {"id": f"29:{person}", "aadObjectId": account}}
        if body["conversation"]["conversationType"] == "personal":
            body["conversation"] = {**body["conversation"], "id": f"a:{person}"}
        async with self.client.post("/api/messages", json=body) as response:
            self.status, self.answer = response.status, await response.text()
        await self.teams.transport.settled()
        return [sent for _, _, sent in self.side.calls[before:] if sent.get("type") != "typing"]

    async def deliver(self) -> list[Delivery]:
        """Deliver every notice written since the last time, and put cards right; what became of each notice."""
        before = len(self.outbox.verdicts)
        await self.worker.deliver_due()
        return self.outbox.verdicts[before:]


@asynccontextmanager
async def running(side: Side, reader: Reader = SURE) -> AsyncIterator[School]:
    """A school with Charter running, beside what stands for Microsoft."""
    made = School(side, reader)
    app = web.Application()
    made.teams.register(app)
    async with TestClient(TestServer(app)) as made.client:
        yield made


@asynccontextmanager
async def school(reader: Reader = SURE) -> AsyncIterator[School]:
    """A school with Charter running, beside the fake."""
    microsoft = Microsoft()
    async with microsoft.server, running(microsoft, reader) as made:
        made.microsoft = microsoft
        yield made


def card(message: dict[str, Any]) -> dict[str, Any]:
    """The card of a message, or of a dialog's answer."""
    if "task" in message:
        return dict(message["task"]["value"]["card"]["content"])
    [attached] = message["attachments"]
    return dict(attached["content"])


def words(message: object) -> str:
    """Everything a person can read on a card, in order."""
    if isinstance(message, dict):
        own = [message[name] for name in ("text", "label", "title") if isinstance(message.get(name), str)]
        return "\n".join([*own, *filter(None, (words(one) for name, one in message.items() if name != "data"))])
    return "\n".join(filter(None, map(words, message))) if isinstance(message, list) else ""


def buttons(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What can be pressed on a card: words → data, rows included."""
    found: dict[str, dict[str, Any]] = {}

    def look(part: object) -> None:
        if isinstance(part, dict):
            if part.get("type") == "Action.Submit":
                found.setdefault(part["title"] if part["title"] not in found else part["tooltip"], part["data"])
            for one in part.values():
                look(one)
        elif isinstance(part, list):
            for one in part:
                look(one)

    look(card(message))
    return found


def fields(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The inputs of a card by id."""
    return {one["id"]: one for one in card(message)["body"] if one["type"].startswith("Input.")}
