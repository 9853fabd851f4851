"""Delivers notices: each one until it is sent or can never be, in order for each destination, none waiting for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.model import Delivery, Gone, Later, Reply, Sent
from bot.notices.cards import Cards
from bot.notices.model import Claimed, Notice, NoticeKind
from bot.ports import Clock, Messenger, Outbox

log = structlog.get_logger()

Compose = Callable[[Notice], Awaitable[Reply | None]]
"""From a notice to what is shown. None: its destination has no right to know any more, so nothing is sent."""


@dataclass(frozen=True)
class Withheld:
    """Not sent: its destination has no right to know."""


@dataclass(frozen=True)
class Unsure:
    """Perhaps sent: nothing was heard of it."""


_Result = Delivery | Withheld | Unsure

_FIRST_WAIT = 1.0
_LONGEST_WAIT = 900.0
_LONGEST_SLEEP = 60.0


class Worker:
    """Claims due notices and delivers them.

    `wake` is set by whoever writes notices. `lease` is how long, in seconds, a notice stays with a worker that says
    nothing: after a crash it is sent again, under the same key, when the lease has run out. `gap` is how long, in
    seconds, this worker waits between two messages to the same destination. A notice takes at most its lease: a quarter
    each for the gap and for its words, half for the messenger. `cards` are those in the leadership channel to be put right.
    """

    def __init__(
        self,
        outbox: Outbox,
        messenger: Messenger,
        compose: Compose,
        clock: Clock,
        wake: asyncio.Event | None = None,
        lease: float = 60.0,
        gap: float = 0.0,
        cards: Cards | None = None,
    ) -> None:
        if gap > lease / 4:
            raise ValueError(f"a gap of {gap} s does not fit into a quarter of a lease of {lease} s")
        self._outbox = outbox
        self._messenger = messenger
        self._compose = compose
        self._clock = clock
        self._wake = wake or asyncio.Event()
        self._lease = lease
        self._gap = gap
        self._cards = cards or Cards(self._wake)
        self._next_turn: dict[str, float] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Deliver until cancelled. A fault of the database or of one destination is logged and tried again."""
        try:
            while True:
                self._wake.clear()
                await self._sleep(await self._round())
        finally:
            await self._stop()

    async def deliver_due(self) -> int:
        """Deliver everything that is due now, whole lines of it, and say how many deliveries were tried."""
        tried = 0
        while claimed := await self._claim():
            await asyncio.gather(*(self._deliver(each) for each in claimed))
            tried += len(claimed)
        await asyncio.gather(*(self._put_right(ref) for ref in self._cards.take()))
        return tried

    async def _round(self) -> float:
        """Start what is due; return how many seconds may pass before the next look."""
        try:
            for claimed in await self._claim():
                self._start(self._deliver(claimed))
            for ref in self._cards.take():
                self._start(self._put_right(ref))
            due = await self._outbox.next_due()
        except Exception as error:
            log.error("notices_unavailable", error=type(error).__name__)
            return _FIRST_WAIT
        return _LONGEST_SLEEP if due is None else (due - self._clock.now()).total_seconds()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._finished)

    async def _claim(self) -> tuple[Claimed, ...]:
        return await self._outbox.claim(self._clock.now(), timedelta(seconds=self._lease))

    def _finished(self, task: asyncio.Task[None]) -> None:
        """The next notice of the same line may go now."""
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("notice_verdict_lost", error=type(error).__name__)
        self._wake.set()

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(min(max(seconds, 0.0), _LONGEST_SLEEP)):
                await self._wake.wait()

    async def _stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _deliver(self, claimed: Claimed) -> None:
        """Send one notice and write down what came of it."""
        delivery = await self._send(claimed.notice)
        now = self._clock.now()
        match delivery:
            case Sent(ref):
                await self._outbox.sent(claimed, ref, now)
            case Gone():
                await self._outbox.gone(claimed, now)
            case Later(seconds):
                due = now + self._pause(claimed, seconds)
                await self._outbox.later(claimed, due, unsure=claimed.notice.repeat)
            case Withheld():
                await self._outbox.withheld(claimed)
            case Unsure():
                await self._outbox.later(claimed, now + self._pause(claimed), unsure=True)
        if claimed.notice.destination.person and isinstance(delivery, Sent | Gone | Withheld):
            self._cards.mark(claimed.notice.ref)
        told = type(delivery).__name__.lower()
        log.info("notice", result=told, notice=claimed.notice.id, ref=claimed.notice.ref, attempt=claimed.attempt)

    async def _put_right(self, ref: str) -> None:
        """Let the pointers in the leadership channel say how their case stands now. One that fails waits for the next news.

        Where the channel may not know of the case any more, they say that and no more.
        """
        try:
            async with asyncio.timeout(self._lease / 2):
                for pointer, message in await self._outbox.cards(ref):
                    elsewhere = replace(pointer, kind=NoticeKind.ELSEWHERE)
                    if reply := await self._compose(pointer) or await self._compose(elsewhere):
                        await self._messenger.update(message, reply)
        except Exception as error:
            log.warning("card_not_updated", ref=ref, error=type(error).__name__)
        finally:
            self._cards.done(ref)

    async def _send(self, notice: Notice) -> _Result:
        """What became of it. A fault is named by its type: its text may hold content.

        A fault before the messenger was called is no doubt: surely nothing was shown.
        """
        try:
            async with asyncio.timeout(self._lease / 4):
                reply = await self._compose(notice)
        except Exception as error:
            log.warning("notice_not_composed", notice=notice.id, ref=notice.ref, error=type(error).__name__)
            return Later(0)
        if reply is None:
            return Withheld()
        await self._wait_turn(notice.destination.name)
        try:
            async with asyncio.timeout(self._lease / 2):
                return await self._messenger.send(notice.destination, reply, notice.id)
        except Exception as error:
            log.warning("notice_failed", notice=notice.id, ref=notice.ref, error=type(error).__name__)
            return Unsure()

    async def _wait_turn(self, destination: str) -> None:
        """Keep the gap. One line has one notice under way, so nobody else waits for this turn."""
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next_turn.get(destination, now))
        self._next_turn[destination] = turn + self._gap
        await asyncio.sleep(turn - now)

    @staticmethod
    def _pause(claimed: Claimed, at_least: float = 0.0) -> timedelta:
        doubled = _FIRST_WAIT * 2 ** min(claimed.attempt - 1, 20)
        return timedelta(seconds=max(at_least, min(doubled, _LONGEST_WAIT)))
