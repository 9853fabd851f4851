"""A running preview, spoken to over HTTP: its turn answers with an echo, and its log and its inbox are in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from bot.model import Choice, Event, Opened, Outcome, Page, Pressed, Reply, Said, Submitted
from bot.preview import Line, MessageLog
from bot.transports.health import Metrics, register_health
from bot.transports.web import WebTransport
from bot.transports.web_rooms import Rooms
from bot.transports.web_turns import Turns
from tests.small_school import PEOPLE, HandClock

TROUBLE = Reply("That did not work.", footnote="Ring 1.")
FORM = Page("draft:1", "Report", buttons=(Choice("Next", "next"),))
SECRET = "xylophone"


class MemoryLog:
    """A `MessageLog` that works, in memory."""

    def __init__(self) -> None:
        self.rooms: dict[str, list[Line]] = {}

    async def append(self, room: str, line: Line) -> bool:
        """As the port says."""
        if any(line.key == other.key for lines in self.rooms.values() for other in lines):
            return False
        self.rooms.setdefault(room, []).append(line)
        return True

    async def history(self, room: str) -> Sequence[Line]:
        """As the port says."""
        return self.rooms.get(room, [])[-200:]

    async def count(self, room: str) -> int:
        """As the port says."""
        return len(self.rooms.get(room, []))


class MemoryInbox:
    """An `Inbox` that works, in memory; while `broken` it stores nothing."""

    def __init__(self) -> None:
        self.seen: dict[str, str | None] = {}
        self.broken: Exception | None = None
        self.slow = 0.0

    async def accept(self, event_id: str, payload: str) -> bool:
        """As the port says."""
        await asyncio.sleep(self.slow)
        if self.broken:
            raise self.broken
        if event_id in self.seen:
            return False
        self.seen[event_id] = payload
        return True

    async def done(self, event_id: str) -> None:
        """As the port says."""
        self.seen[event_id] = None

    async def pending(self) -> tuple[tuple[str, str], ...]:
        """As the port says."""
        return tuple((id, payload) for id, payload in self.seen.items() if payload is not None)


@dataclass
class Turn:
    """Stands where `turn.handle` does: echoes, and keeps what it was given. `before` runs first."""

    events: list[Event] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None

    async def handle(self, event: Event) -> Outcome:
        """Answer in a way that shows which event it was."""
        if self.before:
            await self.before()
        self.events.append(event)
        match event:
            case Said(text=text):
                return Reply(f"You said {text}"[:40])
            case Pressed(action="open"):
                return FORM
            case Pressed(action=action):
                return Reply(f"You pressed {action}")
            case Submitted(values=values):
                return Reply(f"You sent {len(values)} fields")
            case Opened(page="form"):
                return FORM
            case Opened():
                return Reply("Not there.")


@dataclass
class Preview:
    """A running preview and everything behind it."""

    client: TestClient[web.Request, web.Application]
    turn: Turn
    log: MemoryLog
    inbox: MemoryInbox
    rooms: Rooms
    turns: Turns

    async def post(self, kind: str, **body: object) -> ClientResponse:
        """Send an event as Tess in her own room, unless the body says otherwise."""
        return await self.client.post(f"/preview/{kind}", json=event(**body))

    async def settled(self) -> None:
        """Wait until every event that was taken is carried out."""
        await self.turns.finish()

    def leads(self, room: str) -> list[str]:
        """What stands in a room: words said, and the leads of replies."""
        lines = self.log.rooms.get(room, [])
        return [line.content if isinstance(line.content, str) else line.content.lead for line in lines]


def event(**body: object) -> dict[str, object]:
    """An event's body, with an id of its own."""
    return {"as": "tess", "room": "dm", "event": str(uuid4()), **body}


def build(turn: Turn, log: MessageLog, inbox: MemoryInbox, **options: float) -> tuple[web.Application, Rooms, Turns]:
    """A preview as `app.py` puts it together."""
    metrics = Metrics()
    rooms = Rooms(PEOPLE, log, HandClock())
    turns = Turns(turn.handle, rooms, inbox, metrics, TROUBLE)
    app = web.Application()

    async def ready() -> bool:
        return inbox.broken is None

    register_health(app, ready, metrics)
    WebTransport(rooms, turns, ["May I accept a friend request?"], TROUBLE, "Elm", **options).register(app)
    return app, rooms, turns
