"""Takes each activity once: written to the inbox, then carried out, one at a time per person."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from time import monotonic

from bot.model import Outcome
from bot.ports import Inbox
from bot.transports.guards import note_failure
from bot.transports.health import Metrics
from bot.transports.teams_activity import Incoming

SECONDS_TO_STORE = 2.0
ALIKE_SECONDS = 10.0
"""For so long after one activity, the same words from the same person are that activity sent again."""

_REMEMBERED = 500


@dataclass(frozen=True)
class Failed:
    """The turn broke; the activity stays in the inbox. `reference` finds it in the log."""

    reference: str


@dataclass(frozen=True)
class Known:
    """It was carried out before, or another process has it in hand."""


Result = Outcome | Failed | Known | None
"""What came of an activity; None when there is nothing to show."""

CarryOut = Callable[[Incoming], Awaitable[Outcome | None]]
Fail = Callable[[Incoming, str], Awaitable[None]]


@dataclass(frozen=True)
class Work:
    """One activity under way. `stored` is done when it is safe; `result` when it is carried out."""

    stored: asyncio.Task[bool]
    result: asyncio.Task[Result]


class Turns:
    """Carries out activities. `fail` tells the person when theirs broke; it is carried out again at the next start."""

    def __init__(self, carry_out: CarryOut, fail: Fail, inbox: Inbox, metrics: Metrics) -> None:
        self._carry_out = carry_out
        self._fail = fail
        self._inbox = inbox
        self._metrics = metrics
        self._works: dict[str, Work] = {}
        self._last: dict[str, tuple[str, float, Work]] = {}
        self._in_turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def take(self, incoming: Incoming) -> Work:
        """Store and carry out an activity; the same one again joins the work under way or done."""
        if work := self._works.get(incoming.key) or self._alike(incoming):
            self._metrics.count("teams", incoming.kind, "repeat")
            return work
        work = self._begin(incoming, asyncio.create_task(self._store(incoming)))
        self._last[incoming.user] = (incoming.likeness, monotonic(), work)
        return work

    async def resume(self, given_up: Callable[[Incoming], bool]) -> list[Work]:
        """Carry out what an earlier run accepted and did not finish, but for what is no longer worth it."""
        begun = []
        for key, payload in await self._inbox.pending():
            if not key.startswith("teams:"):
                continue
            try:
                incoming = Incoming.from_json(payload)
            except (TypeError, ValueError, KeyError) as error:
                note_failure("event_given_up", error)
                await self._inbox.done(key)
                continue
            if given_up(incoming):
                await self._inbox.done(key)
            else:
                begun.append(self._begin(incoming, asyncio.create_task(_already())))
        return begun

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while running := [work.result for work in self._works.values() if not work.result.done()]:
            await asyncio.wait(running)

    async def finish(self, seconds: float = 5) -> None:
        """Give what is under way a little time to end. What does not end stays in the inbox."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.settled(), seconds)
        running = [work.result for work in self._works.values() if not work.result.done()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _alike(self, incoming: Incoming) -> Work | None:
        """The work of the person's last activity, when this one says the same: Teams may re-send under another id."""
        likeness, at, work = self._last.get(incoming.user, ("", 0.0, None))
        if likeness != incoming.likeness or work is None:
            return None
        failed = work.result.done() and (work.result.cancelled() or isinstance(work.result.result(), Failed))
        return None if failed or monotonic() - at > ALIKE_SECONDS else work

    def _begin(self, incoming: Incoming, stored: asyncio.Task[bool]) -> Work:
        work = Work(stored, asyncio.create_task(self._once(incoming, stored)))
        self._works[incoming.key] = work
        work.result.add_done_callback(lambda task: self._ended(incoming, task))
        return work

    def _ended(self, incoming: Incoming, task: asyncio.Task[Result]) -> None:
        """Keep a good result for repeats; after a failure the next try starts anew."""
        if task.cancelled() or isinstance(task.result(), Failed):
            self._works.pop(incoming.key, None)
        for old in list(islice(self._works, max(0, len(self._works) - _REMEMBERED))):
            if self._works[old].result.done():
                del self._works[old]
        if len(self._last) > _REMEMBERED:
            del self._last[next(iter(self._last))]

    async def _store(self, incoming: Incoming) -> bool:
        """Whether the activity is new. Raises whatever the inbox raises, or TimeoutError."""
        async with asyncio.timeout(SECONDS_TO_STORE):
            return await self._inbox.accept(incoming.key, incoming.to_json())

    async def _once(self, incoming: Incoming, stored: asyncio.Task[bool]) -> Result:
        try:
            if not await stored:
                self._metrics.count("teams", incoming.kind, "repeat")
                return Known()
        except Exception as error:  # whoever waits for `stored` gets it too, and refuses the activity
            return Failed(note_failure("event_not_stored", error))
        async with self._in_turn[incoming.user]:
            return await self._carried_out(incoming)

    async def _carried_out(self, incoming: Incoming) -> Result:
        try:
            with self._metrics.timed(incoming.kind):
                outcome = await self._carry_out(incoming)
            await self._inbox.done(incoming.key)
        except Exception as error:
            return await self._failed(incoming, note_failure("turn_failed", error))
        self._metrics.count("teams", incoming.kind, type(outcome).__name__.lower())
        return outcome

    async def _failed(self, incoming: Incoming, reference: str) -> Failed:
        self._metrics.count("teams", incoming.kind, "failed")
        try:
            await self._fail(incoming, reference)
        except Exception as error:
            note_failure("trouble_not_told", error)
        return Failed(reference)


async def _already() -> bool:
    return True
