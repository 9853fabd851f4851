"""Servers for the measurement of Slack, one a process: python -m benchmarks.slack_server KIND PORT API_URL FOLDER.

echo       a bare Bolt app that says back what it hears, on one shared session: the floor
transport  Charter's way through Slack alone: every question gets one ready-made answer, and nothing is stored
reader     the same with questions read, decided and put into words; memory and inbox in this process
charter    all of it, stored in SQLite as a school's would be
api        a stand-in for Slack's Web API, which notes when each answer came
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import aiohttp
from aiohttp import web
from cryptography.fernet import Fernet
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

import app
from bot.cases.desk import Desk
from bot.cases.routing import Roster
from bot.casework import Casework
from bot.clock import SystemClock
from bot.consider import Consider
from bot.formwork import Formwork
from bot.model import ConversationState, Draft, Event, Outcome, Person, Platform, Role, Room
from bot.ports import Inbox, Memory
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.school import School
from bot.settings import EXAMPLE_SCHOOL, ROOT, load_school
from bot.storage.cases import SqlCaseStore
from bot.storage.database import open_database
from bot.storage.inbox import SqlInbox
from bot.storage.memory import SqlMemory
from bot.storage.sealing import Sealer
from bot.talk import Talk
from bot.transports.health import Metrics
from bot.transports.slack import EVENTS_PATH, SlackSettings, SlackTransport
from bot.turn import Charter
from guidance_kb.library import Library

STAFF = 200
"""People in the school that is asked from."""
TEAM, BOT, SECRET = "T0BENCH", "U0CHARTER", "a signing secret"
READY_MADE = "can I accept a friend request from a parent in my social circle?"

Handle: TypeAlias = Callable[[Event], Awaitable[Outcome]]


def account(number: int) -> str:
    """The Slack account of one of the staff."""
    return f"U{number:05}"


def staffed() -> School:
    """The example school with many more staff."""
    school = load_school(EXAMPLE_SCHOOL)
    known = tuple(replace(person, accounts={Platform.SLACK: f"U0{person.id.upper()}"}) for person in school.people)
    more = tuple(
        Person(f"p{n}", f"Person {n}", frozenset({Role.STAFF}), {Platform.SLACK: account(n)}) for n in range(STAFF)
    )
    return school.model_copy(update={"people": known + more})


@dataclass
class QuickMemory:
    """A `Memory` in this process, to tell what storing costs."""

    states: dict[tuple[str, Room], ConversationState] = field(default_factory=dict)

    async def recall(self, person: Person, room: Room) -> ConversationState:
        """As the port says."""
        return self.states.get((person.id, room), ConversationState())

    async def remember(self, person: Person, room: Room, state: ConversationState) -> None:
        """As the port says."""
        self.states[person.id, room] = state

    async def save_draft(self, draft: str, person: Person, form: str, values: Mapping[str, str]) -> None:
        """No form is opened here."""
        raise NotImplementedError

    async def load_draft(self, draft: str, person: Person) -> tuple[str, Mapping[str, str]] | None:
        """No form is opened here."""
        raise NotImplementedError

    async def latest_draft(self, person: Person, form: str, having: str) -> Draft | None:
        """No form is opened here."""
        raise NotImplementedError

    async def drop_draft(self, draft: str, person: Person) -> None:
        """No form is opened here."""
        raise NotImplementedError


@dataclass
class QuickInbox:
    """An `Inbox` in this process."""

    seen: set[str] = field(default_factory=set)

    async def accept(self, event_id: str, payload: str) -> bool:  # noqa: ARG002
        """As the port says."""
        new = event_id not in self.seen
        self.seen.add(event_id)
        return new

    async def done(self, event_id: str) -> None:
        """As the port says."""

    async def pending(self) -> tuple[tuple[str, str], ...]:
        """As the port says."""
        return ()


async def _charter(kind: str, api_url: str, folder: Path) -> SlackTransport:
    school, clock, words = staffed(), SystemClock(), TemplateWords.load()
    library = Library.load(ROOT / "guidance_kb")
    reader, replies = app.reader(), Replies(words, library, school.contacts)
    database, sealer = await open_database(f"sqlite:///{folder / 'bench.sqlite3'}"), Sealer([Fernet.generate_key()])
    roster = Roster(school.people, connected=frozenset({Platform.SLACK}))
    desk = Desk(SqlCaseStore(database, sealer), roster, clock, school.numbers())
    stored = kind == "charter"
    memory: Memory = SqlMemory(database, sealer, clock) if stored else QuickMemory()
    inbox: Inbox = SqlInbox(database, sealer, clock) if stored else QuickInbox()
    charter = Charter(
        Talk(Consider(reader, library), replies, memory),
        Formwork(desk, replies, memory, reader, school, clock),
        Casework(desk, replies, words, school, clock),
    )
    ready_made = replies.reply(Consider(reader, library).message(READY_MADE, ConversationState()).decision)

    async def answer(_: Event) -> Outcome:
        return ready_made

    handle: Handle = answer if kind == "transport" else charter.handle
    given = SlackSettings("xoxb-bench", SECRET, api_url=api_url)
    return SlackTransport(given, handle, school.people, inbox, Metrics(), replies.plain)


async def _serve_charter(kind: str, port: int, api_url: str, folder: Path) -> None:
    transport, served = await _charter(kind, api_url, folder), web.Application()
    transport.register(served)
    await transport.start()
    await _serve(served, port)


async def _serve_echo(port: int, api_url: str) -> None:
    """What Bolt itself costs: signature, dispatch, one call of the Web API on a shared session."""
    session = aiohttp.ClientSession()
    client = AsyncWebClient(token="xoxb-bench", base_url=api_url, session=session)  # noqa: S106
    bolt = AsyncApp(client=client, signing_secret=SECRET)

    @bolt.event("message")
    async def echo(event: dict[str, str]) -> None:
        said = {"channel": event["channel"], "text": event["text"], "thread_ts": event["ts"]}
        await client.api_call("chat.postMessage", json=said)

    async def receive(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await bolt.async_dispatch(await to_bolt_request(request)))

    served = web.Application()
    served.router.add_post(EVENTS_PATH, receive)
    await _serve(served, port)


async def _serve_api(port: int) -> None:
    """Says yes to everything, and keeps the time at which each thread was answered, for whoever asks for it."""
    answered: dict[str, list[float]] = {}

    async def call(request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body = await request.json() if request.content_type == "application/json" else dict(request.query)
        if method == "chat.postMessage":
            answered.setdefault(body["thread_ts"], []).append(time.monotonic())
        return web.json_response({"ok": True, **_told(method, body)})

    async def times(_: web.Request) -> web.Response:
        found = json.dumps(answered)
        answered.clear()
        return web.Response(text=found)

    served = web.Application(client_max_size=2**22)
    served.add_routes([web.route("*", "/api/{method}", call), web.get("/answered", times)])
    await _serve(served, port)


def _told(method: str, body: Mapping[str, str]) -> dict[str, object]:
    match method:
        case "auth.test":
            return {"team_id": TEAM, "user_id": BOT, "bot_id": "B0", "team": "Bench"}
        case "users.info":
            return {"user": {"id": body["user"], "team_id": TEAM, "is_bot": False, "deleted": False}}
        case "chat.postMessage":
            return {"ts": f"{time.time():.6f}", "channel": body["channel"]}
    return {}


async def _serve(served: web.Application, port: int) -> None:
    runner = web.AppRunner(served, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


def main(kind: str, port: str, api_url: str, folder: str) -> None:
    """Serve until ended."""
    match kind:
        case "api":
            asyncio.run(_serve_api(int(port)))
        case "echo":
            asyncio.run(_serve_echo(int(port), api_url))
        case _:
            asyncio.run(_serve_charter(kind, int(port), api_url, Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
