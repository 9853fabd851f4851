"""Takes each event once: written to the inbox, then carried out, and its outcome put where it belongs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import islice

from bot.model import Event, Outcome, Reply, Said
from bot.ports import Inbox
from bot.transports.guards import note_failure
from bot.transports.health import Metrics
from bot.transports.web_events import Incoming, Kind
from bot.transports.web_rooms import Opening, Rooms, private_room

Handle = Callable[[Event], Awaitable[Outcome]]

SECONDS_TO_STORE = 2.0
_REMEMBERED = 500


@dataclass(frozen=True)
class Failed:
    """The turn broke; the event stays in the inbox. `reference` finds it in the log."""

    reference: str


@dataclass(frozen=True)
class Known:
    """The event was carried out before."""


Result = Outcome | Failed | Known


@dataclass(frozen=True)
class Work:
    """One event under way. `stored` is done when it is safe; `result` when it is carried out."""

    stored: asyncio.Task[bool]
    result: asyncio.Task[Result]


class Turns:
    """Carries out events, one at a time per person. `trouble` is what a person reads when their message broke."""

    def __init__(self, handle: Handle, rooms: Rooms, inbox: Inbox, metrics: Metrics, trouble: Reply) -> None:
        self._handle = handle
        self._rooms = rooms
        self._inbox = inbox
        self._metrics = metrics
        self._trouble = trouble
        self._works: dict[str, Work] = {}
        self._in_turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def take(self, coming: Incoming) -> Work:
        """Store and carry out an event; the same one again joins the work under way or done."""
        if work := self._works.get(coming.key):
            self._metrics.count("web", coming.kind, "repeat")
            return work
        stored = asyncio.create_task(self._store(coming))
        return self._begin(coming, stored)

    async def look(self, coming: Incoming) -> Result:
        """Carry out an event that changes nothing, such as opening a page."""
        return await self._carried_out(coming)

    async def pending(self) -> list[tuple[str, str]]:
        """The preview's own events that an earlier run left unfinished."""
        return [(key, payload) for key, payload in await self._inbox.pending() if key.startswith("web:")]

    def resume(self, coming: Incoming) -> Work:
        """Carry out an event that is in the inbox already."""
        return self._begin(coming, asyncio.create_task(_already()))

    async def forget(self, key: str) -> None:
        """Strike out an event that nobody can carry out any more."""
        await self._inbox.done(key)

    async def finish(self, seconds: float = 5) -> None:
        """Give what is under way a little time to end. What does not end stays in the inbox."""
        under_way = [work.result for work in self._works.values() if not work.result.done()]
        if under_way:
            await asyncio.wait(under_way, timeout=seconds)
        for task in under_way:
            task.cancel()

    def _begin(self, coming: Incoming, stored: asyncio.Task[bool]) -> Work:
        work = Work(stored, asyncio.create_task(self._once(coming, stored)))
        self._works[coming.key] = work
        work.result.add_done_callback(lambda task: self._ended(coming.key, task))
        return work

    def _ended(self, key: str, task: asyncio.Task[Result]) -> None:
        """Keep a good result for repeats; after a failure the next try starts anew."""
        if task.cancelled() or task.exception() or isinstance(task.result(), Failed):
            self._works.pop(key, None)
        for old in list(islice(self._works, max(0, len(self._works) - _REMEMBERED))):
            if self._works[old].result.done():
                del self._works[old]

    async def _store(self, coming: Incoming) -> bool:
        """Whether the event still has to be carried out. Raises whatever the inbox raises, or TimeoutError."""
        async with asyncio.timeout(SECONDS_TO_STORE):
            if await self._inbox.accept(coming.key, coming.payload):
                return True
            return any(key == coming.key for key, _ in await self._inbox.pending())

    async def _once(self, coming: Incoming, stored: asyncio.Task[bool]) -> Result:
        if not await stored:
            self._metrics.count("web", coming.kind, "repeat")
            return Known()
        async with self._in_turn[coming.event.person.id]:
            result = await self._carried_out(coming)
            if not isinstance(result, Failed):
                await self._inbox.done(coming.key)
            return result

    async def _carried_out(self, coming: Incoming) -> Result:
        try:
            with self._metrics.timed(coming.kind):
                result = await self._outcome(coming)
        except Exception as error:
            return self._failed(coming, note_failure("turn_failed", error))
        self._metrics.count("web", coming.kind, type(result).__name__.lower())
        return result

    async def _outcome(self, coming: Incoming) -> Outcome:
        event = coming.event
        if isinstance(event, Said):
            await self._rooms.post(event.room.id, f"{coming.key}:said", event.person.id, event.text)
        outcome = await self._handle(event)
        if isinstance(outcome, Reply):
            await self._keep(coming, outcome)
        elif isinstance(event, Said):
            self._rooms.show(Opening(event.person.id, outcome))
        return outcome

    async def _keep(self, coming: Incoming, reply: Reply) -> None:
        """A message is answered where it stands; a press or a form is answered in private, whatever room it came from."""
        if coming.kind is Kind.OPEN:
            return
        event = coming.event
        room = event.room.id if isinstance(event, Said) else private_room(event.person.id)
        await self._rooms.post(room, f"{coming.key}:reply", None, reply)

    def _failed(self, coming: Incoming, reference: str) -> Failed:
        """Say so in the room without keeping it: the real reply may still come, from a second try or the next start."""
        self._metrics.count("web", coming.kind, "failed")
        if isinstance(coming.event, Said):
            reply = replace(self._trouble, footnote=f"{self._trouble.footnote} Reference: {reference}".strip())
            key = f"{coming.key}:trouble"
            self._rooms.mention(coming.event.room.id, key, reply)
        return Failed(reference)


async def _already() -> bool:
    return True
