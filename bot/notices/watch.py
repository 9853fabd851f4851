"""Watches for silence: a case that nobody takes in time goes on along its chain, and no notice fails unseen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

import structlog

from bot.calendar import Calendar
from bot.cases.desk import Desk
from bot.cases.files import CHARTER
from bot.cases.moves import UNTAKEN
from bot.cases.record import Act, Case, Event
from bot.cases.views import handlers_now
from bot.model import Destination
from bot.notices.failures import Gauges, failures
from bot.notices.model import Failure, Notice, NoticeKind
from bot.ports import CaseStore, Clock, Outbox

log = structlog.get_logger()

REMINDERS = 3
"""How often the handlers are reminded once everybody along the chain has been given the case: this product's default."""

GIVEN_UP = "Nobody took it. The sender was told whom to ring."

_EVERY = 60.0


class Watch:
    """Looks at what is overdue while school is open, and at notices that did not arrive at any time.

    Any number of processes may watch one database: each step is a compare-and-set on the case, and each word of a lost
    notice has an id that follows from that notice. `wake` is set when notices were written.
    """

    def __init__(
        self,
        desk: Desk,
        store: CaseStore,
        outbox: Outbox,
        clock: Clock,
        calendar: Calendar,
        gauges: Gauges,
        wake: asyncio.Event | None = None,
        every: float = _EVERY,
    ) -> None:
        self._desk = desk
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._calendar = calendar
        self._gauges = gauges
        self._wake = wake or asyncio.Event()
        self._every = every

    async def run(self) -> None:
        """Look every minute until cancelled. A fault is logged by its type and looked at again."""
        while True:
            try:
                await self.look()
            except Exception as error:
                log.error("watch_unavailable", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Move every overdue case one step on, tell of lost notices and set the gauges.

        Nobody is reminded while school is closed: a case that came due in a power cut waits for the morning.
        """
        now = self._clock.now()
        if self._calendar.is_open(now):
            for case in await self._store.overdue(now):
                await self._step(case, now)
        await self._tell_lost(now)

    async def _step(self, case: Case, now: datetime) -> None:
        """One case; a fault with it must not keep the others waiting."""
        try:
            if case.step < len(case.concern.on_silence) + REMINDERS:
                await self._desk.escalate(case.ref)
            elif case.state in UNTAKEN:
                await self._give_up(case, now)
        except Exception as error:
            log.error("watch_failed", ref=case.ref, error=type(error).__name__)

    async def _give_up(self, case: Case, now: datetime) -> None:
        """Stop reminding, and tell the reporter the truth. The case stays where it is, with no time limit any more."""
        event = Event(Act.ESCALATED, CHARTER.id, now, CHARTER.name, GIVEN_UP)
        told = Notice(
            _id(case.ref, str(case.version)), Destination(case.reporter), NoticeKind.UNANSWERED, case.ref, now
        )
        if await self._store.write(replace(case, due=None), event, (told,)):
            log.warning("case_unanswered", ref=case.ref)
            self._gauges.unanswered()
            self._wake.set()

    async def _tell_lost(self, now: datetime) -> None:
        lost = await failures(self._outbox, now)
        stuck = frozenset(failure.notice.destination for failure in lost if not failure.gone)
        words = [notice for failure in lost for notice in await self._words_of(failure, stuck, now)]
        if words and await self._outbox.add(words):
            self._wake.set()
        self._gauges.show(await self._outbox.backlog(), len(lost), now)

    async def _words_of(self, failure: Failure, stuck: frozenset[Destination], now: datetime) -> tuple[Notice, ...]:
        """Word to the case's other handlers, but those whose own line is stuck; the loss of such word is told to nobody."""
        lost = failure.notice
        case = None if lost.kind is NoticeKind.UNDELIVERED else await self._store.find(lost.ref)
        handlers = handlers_now(case, self._desk.roster) if case else ()
        return tuple(
            Notice(_id(lost.id, handler), Destination(handler), NoticeKind.UNDELIVERED, lost.ref, now)
            for handler in handlers
            if Destination(handler) not in stuck | {lost.destination}
        )


def _id(*of: str) -> str:
    """An id that every process gives the same notice."""
    return uuid5(NAMESPACE_OID, "/".join(of)).hex
