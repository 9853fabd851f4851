"""Servers for the measurement of Teams, one a process: python -m benchmarks.teams_server KIND PORT FOLDER.

echo       the gateway that says back what it hears, through the library's adapter and its client: the floor
transport  Charter's way through Teams alone: every question gets one ready-made answer, and nothing is stored
reader     the same with questions read, decided and put into words; memory, inbox and shelf in this process
charter    all of it, stored in SQLite as a school's would be

All are in development: no token is checked on either side.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from botbuilder.schema import Activity, ActivityTypes  # type: ignore[import-untyped]
from botframework.connector.aio import ConnectorClient  # type: ignore[import-untyped]
from botframework.connector.auth import MicrosoftAppCredentials  # type: ignore[import-untyped]
from cryptography.fernet import Fernet

import app
from benchmarks.slack_server import READY_MADE, Handle, QuickInbox, QuickMemory
from bot.cases.desk import Desk
from bot.cases.routing import Roster
from bot.casework import Casework
from bot.clock import SystemClock
from bot.consider import Consider
from bot.formwork import Formwork
from bot.model import ConversationState, Event, Outcome, Person, Platform, Role
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
from bot.storage.shelf import SqlShelf
from bot.talk import Talk
from bot.transports.health import Metrics
from bot.transports.teams_activity import Incoming
from bot.transports.teams_gateway import Gateway
from bot.transports.teams_places import Shelf
from bot.transports.teams_port import InvokeReply
from bot.transports.teams_settings import TeamsSettings
from bot.transports.teams_setup import set_up
from bot.transports.teams_showing import Standing
from bot.turn import Charter
from guidance_kb.library import Library

STAFF = 800
SETTINGS = TeamsSettings(development=True, hosts=())


def account(number: int) -> str:
    """The Entra object id of one of the staff."""
    return f"00000000-0000-0000-0000-{number:012d}"


def staffed() -> School:
    """The example school with many more staff, all of them in Teams."""
    school = load_school(EXAMPLE_SCHOOL)
    more = tuple(
        Person(f"p{n}", f"Person {n}", frozenset({Role.STAFF}), {Platform.TEAMS: account(n)}) for n in range(STAFF)
    )
    return school.model_copy(update={"people": school.people + more})


@dataclass
class QuickShelf:
    """A `Shelf` in this process."""

    texts: dict[str, str] = field(default_factory=dict)

    async def get(self, name: str) -> str | None:
        """As the port says."""
        return self.texts.get(name)

    async def put(self, name: str, text: str) -> None:
        """As the port says."""
        self.texts[name] = text

    async def add(self, name: str, text: str) -> bool:
        """As the port says."""
        return self.texts.setdefault(name, text) is text

    async def drop(self, name: str) -> None:
        """As the port says."""
        self.texts.pop(name, None)


async def _charter(kind: str, folder: Path) -> web.Application:
    school, clock, words = staffed(), SystemClock(), TemplateWords.load()
    library = Library.load(ROOT / "guidance_kb")
    reader, replies = app.reader(), Replies(words, library, school.contacts)
    database, sealer = await open_database(f"sqlite:///{folder / 'bench.sqlite3'}"), Sealer([Fernet.generate_key()])
    roster = Roster(school.people, connected=frozenset({Platform.TEAMS}))
    desk = Desk(SqlCaseStore(database, sealer), roster, clock, school.numbers())
    stored = kind == "charter"
    memory: Memory = SqlMemory(database, sealer, clock) if stored else QuickMemory()
    inbox: Inbox = SqlInbox(database, sealer, clock) if stored else QuickInbox()
    shelf: Shelf = SqlShelf(database, sealer) if stored else QuickShelf()
    charter = Charter(
        Talk(Consider(reader, library), replies, memory),
        Formwork(desk, replies, memory, reader, school, clock),
        Casework(desk, replies, words, school, clock),
    )
    ready_made = replies.reply(Consider(reader, library).message(READY_MADE, ConversationState()).decision)

    async def answer(_: Event) -> Outcome:
        return ready_made

    handle: Handle = answer if kind == "transport" else charter.handle
    plain = replies.plain
    standing = Standing(plain("about"), plain("unlisted"), plain("no_files"), plain("not_stored"), plain("trouble"))
    served = web.Application()
    set_up(SETTINGS, handle, school.people, inbox, shelf, standing, Metrics()).register(served)
    return served


def _echo() -> web.Application:
    """What the library and the handler themselves cost: one activity in, one text out by the library's client."""
    served = web.Application()
    clients: dict[str, ConnectorClient] = {}

    async def receive(incoming: Incoming) -> InvokeReply | None:
        service = incoming.place.service_url
        if service not in clients:
            clients[service] = ConnectorClient(MicrosoftAppCredentials("", ""), base_url=service)
        said = Activity(type=ActivityTypes.message, text=incoming.text)
        await clients[service].conversations.send_to_conversation(incoming.place.conversation, said)
        return None

    Gateway(SETTINGS, receive).register(served)
    return served


async def _serve(kind: str, port: int, folder: Path) -> None:
    served = _echo() if kind == "echo" else await _charter(kind, folder)
    runner = web.AppRunner(served, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
    await asyncio.Event().wait()


def main(kind: str, port: str, folder: str) -> None:
    """Serve until ended."""
    asyncio.run(_serve(kind, int(port), Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
