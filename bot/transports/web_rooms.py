"""The preview's rooms: who may read which, what is said in them, and who is listening now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bot.model import Delivery, Destination, Gone, Page, Person, Reply, Role, Sent
from bot.ports import Clock
from bot.preview import Content, Line, MessageLog

LEADERSHIP = "leadership"
LEADERS = frozenset({Role.SLT, Role.HEADTEACHER})
"""Who stands in the leadership channel."""


@dataclass(frozen=True)
class Arrival:
    """A new line in a room."""

    room: str
    line: Line


@dataclass(frozen=True)
class Opening:
    """A page for one person, to be seen now and kept nowhere."""

    person: str
    page: Page


Happening = Arrival | Opening


class Listener:
    """One open browser page. A page too slow to follow is let go: it connects again and reads the room afresh."""

    def __init__(self) -> None:
        self.open = True
        self._waiting: asyncio.Queue[Happening | None] = asyncio.Queue(256)

    def hear(self, happening: Happening | None) -> None:
        """Pass something on; None, or having fallen too far behind, ends the listening."""
        if happening is None or self._waiting.full():
            self.open = False
        if not self._waiting.full():
            self._waiting.put_nowait(happening)

    async def next(self, seconds: float) -> Happening | None:
        """What happens next, or None when nothing does for that long."""
        try:
            return await asyncio.wait_for(self._waiting.get(), seconds)
        except TimeoutError:
            return None


def private_room(person: str) -> str:
    """Where a person talks with Charter."""
    return f"dm:{person}"


class Rooms:
    """Lines are kept in `log` first and shown to listeners second."""

    def __init__(self, people: Sequence[Person], log: MessageLog, clock: Clock) -> None:
        self.people = {person.id: person for person in people}
        self._log = log
        self._clock = clock
        self._listeners: set[Listener] = set()

    def readable_by(self, person: Person) -> tuple[str, ...]:
        """The rooms that this person may read."""
        own = private_room(person.id)
        return (own, LEADERSHIP) if person.has(*LEADERS) else (own,)

    async def post(self, room: str, key: str, author: str | None, content: Content) -> Line | None:
        """Add a line and show it; None when its key was there already."""
        line = Line(key, author, self._clock.now(), content)
        if not await self._log.append(room, line):
            return None
        self.show(Arrival(room, line))
        return line

    async def replace(self, room: str, key: str, content: Content) -> bool:
        """Change a line where it stands. False when it is not there."""
        line = await self._log.replace(key, content)
        if line is not None:
            self.show(Arrival(room, line))
        return line is not None

    def mention(self, room: str, key: str, reply: Reply) -> None:
        """Show a reply to those who listen now, and keep it nowhere."""
        self.show(Arrival(room, Line(key, None, self._clock.now(), reply)))

    async def history(self, room: str) -> Sequence[Line]:
        """What was said in a room, oldest first."""
        return await self._log.history(room)

    async def count(self, room: str) -> int:
        """How many lines a room holds."""
        return await self._log.count(room)

    def show(self, happening: Happening) -> None:
        """Tell everybody who listens now; whether they may see it is checked as it is written out."""
        for listener in self._listeners:
            listener.hear(happening)

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Listen until the block ends."""
        listener = Listener()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End all listening, so that the server can stop."""
        for listener in self._listeners:
            listener.hear(None)


class WebMessenger:
    """Implements `Messenger`: the leadership channel and private messages are rooms of the preview."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Put the reply in the room, once per key."""
        if destination.person is None:
            room = LEADERSHIP
        elif destination.person in self._rooms.people:
            room = private_room(destination.person)
        else:
            return Gone("nobody with that id")
        await self._rooms.post(room, f"notice:{key}", None, reply)
        return Sent(key)

    async def update(self, ref: str, reply: Reply) -> Delivery:
        """Change a notice in the leadership channel where it stands."""
        return Sent(ref) if await self._rooms.replace(LEADERSHIP, f"notice:{ref}", reply) else Gone("no such message")
