"""The case desk: every action on a case goes through here, and every right is checked here, at the time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import structlog

from bot.cases.model import (
    About,
    CaseSummary,
    CaseView,
    Filing,
    Illegal,
    Kind,
    NoRoute,
    Pointer,
    Receipt,
    Refused,
    Route,
    Stale,
    State,
)
from bot.cases.moves import MOVES, Action, Move, Standing
from bot.cases.record import Act, Case, Concern, Event
from bot.cases.reference import as_reference, new_reference
from bot.cases.routing import Numbers, Ring, Roster, closed_to, route, rule_for
from bot.cases.views import handlers_now, standing, summary, view
from bot.model import Destination, Person
from bot.notices.model import Notice, NoticeKind
from bot.ports import CaseStore, Clock

log = structlog.get_logger()

Answer = CaseView | Refused | Illegal | Stale
"""CaseView: done. Refused: not theirs or not there. Illegal: not as the case stands. Stale: somebody else was first."""

LEADERSHIP = Destination()


class Desk:
    """Files cases and lets those with rights work on them.

    `roster` may be replaced when the settings change: rights follow it at once. `wake` is set when notices are written.
    Words are stored as given; blank words, outcomes or reasons make an action Illegal.
    """

    def __init__(
        self, store: CaseStore, roster: Roster, clock: Clock, numbers: Numbers, wake: asyncio.Event | None = None
    ) -> None:
        self.roster = roster
        self._store = store
        self._clock = clock
        self._numbers = numbers
        self._wake = wake or asyncio.Event()

    def route_for(
        self,
        kind: Kind,
        about: About,
        reporter: Person,
        subject: str | None = None,
        excluded: frozenset[str] = frozenset(),
    ) -> Route | NoRoute:
        """Where such a case would go now: to be shown before any words are taken. `file` decides again."""
        known = self.roster.get(reporter.id)
        if known is None:
            return NoRoute(self._numbers.lines(Ring.SCHOOL))
        return route(kind, about, known, subject, excluded, self.roster, self._numbers)

    async def file(self, filing: Filing) -> Receipt | NoRoute:
        """Store a submission: case, content, event and notices, and its draft removed, in one transaction.

        The same draft of the same reporter gives the same receipt however often it is filed. Nothing is stored when
        there is no route. Raises what the store raises when it cannot store: nothing is half written.
        """
        known = self.roster.get(filing.reporter.id)
        earlier = await self._store.filed(known.id, filing.draft) if known else None
        if earlier is not None:
            return self._receipt(earlier)
        where = self.route_for(filing.kind, filing.about, filing.reporter, filing.subject, filing.excluded)
        if isinstance(where, NoRoute):
            log.info("case_without_route", kind=filing.kind.value)
            return where
        case = await self._create(replace(filing, reporter=known or filing.reporter), where)
        self._wake.set()
        return self._receipt(case)

    async def open(self, ref: str, viewer: Person) -> CaseView | Refused:
        """The case as this person may see it. A handler's opening is written to its story first."""
        case = await self._entitled(ref, viewer)
        return Refused() if case is None else await self._shown(case, viewer)

    async def acknowledge(self, ref: str, by: Person) -> Answer:
        """Take the case: `by` owns it and the reporter is told. Pressing twice is harmless.

        Stale when another handler took it first.
        """
        case = await self._entitled(ref, by, Standing.HANDLER)
        if case is None:
            return Refused()
        if case.owner is None or case.state is State.CLOSED:
            answer = await self._move(case, Action.ACKNOWLEDGE, by)
            return await self.acknowledge(ref, by) if isinstance(answer, Stale) else answer
        shown = await self._shown(case, by)
        return shown if case.owner == by.id else Stale(shown)

    async def reply(self, ref: str, by: Person, words: str) -> Answer:
        """Write to the reporter, who is told privately that there is a reply, not what it says. Handlers only."""
        return await self._act(Action.REPLY, ref, by, words)

    async def add(self, ref: str, by: Person, words: str) -> Answer:
        """Add to one's own case, in any state; whoever has it is told. Reporter only."""
        return await self._act(Action.ADD, ref, by, words)

    async def close(self, ref: str, by: Person, outcome: str, reason: str) -> Answer:
        """Close the case with an outcome and a reason, both for the record only. Handlers only."""
        if not outcome.strip():
            reason = ""
        return await self._act(Action.CLOSE, ref, by, reason, outcome)

    async def reopen(self, ref: str, by: Person, reason: str) -> Answer:
        """Open a closed case again, to be taken anew; reporter and the other handlers are told. Handlers only."""
        return await self._act(Action.REOPEN, ref, by, reason)

    async def own(self, person: Person) -> tuple[CaseSummary, ...]:
        """The cases this person sent, newest first."""
        if self.roster.get(person.id) is None:
            return ()
        cases = await self._store.reported_by(person.id)
        newest = sorted(cases, key=lambda case: case.opened, reverse=True)
        return tuple(summary(case, self.roster, self._clock.now()) for case in newest)

    async def queue(self, person: Person) -> tuple[CaseSummary, ...]:
        """The open cases this person handles now: overdue first, then oldest first."""
        mine = [
            case
            for case in await self._store.handled_by(person.id)
            if standing(case, person.id, self.roster) is Standing.HANDLER
        ]
        found = (summary(case, self.roster, self._clock.now()) for case in mine)
        return tuple(sorted(found, key=lambda case: (not case.overdue, case.opened)))

    async def pointer(self, notice: Notice) -> Pointer | None:
        """What a notice may say: no content, except the approved text of a question in the leadership channel.

        None when its destination has no right to know of the case any more. For the notices' composer alone.
        """
        case = await self._store.find(notice.ref)
        if case is None or not self._may_know(case, notice.destination):
            return None
        return Pointer(summary(case, self.roster, self._clock.now()), await self._public_text(case, notice))

    def _may_know(self, case: Case, destination: Destination) -> bool:
        if destination.person is None:
            return case.concern.channel
        return standing(case, destination.person, self.roster) is not Standing.NONE

    async def _public_text(self, case: Case, notice: Notice) -> str | None:
        if case.kind is not Kind.QUESTION or notice.destination != LEADERSHIP:
            return None
        story = await self._store.story(case.ref)
        return next((event.public_text for event in story if event.act is Act.FILED), None)

    async def _create(self, filing: Filing, where: Route) -> Case:
        event = self._event(Act.FILED, filing.reporter)
        first = replace(event, answers=filing.answers, public_text=filing.public_text)
        for _ in range(_TRIES):
            case = self._new_case(filing, where, first)
            stored = await self._store.create(case, filing.draft, first, self._pointers(case))
            if stored is not None:
                log.info("case_filed", ref=stored.ref)
                return stored
        raise RuntimeError("no free reference was found")

    def _new_case(self, filing: Filing, where: Route, first: Event) -> Case:
        rule = rule_for(filing.kind, filing.about, filing.reporter, filing.subject, self.roster)
        concern = Concern(
            about=filing.about,
            roles=rule.roles,
            closed_to=closed_to(rule, filing.reporter, filing.subject, filing.excluded, self.roster),
            subject=filing.subject,
            excluded=filing.excluded,
            channel=where.channel,
            not_to=where.not_to,
        )
        handlers = tuple(person.id for person in where.handlers)
        return Case(new_reference(), filing.kind, filing.urgency, filing.reporter.id, first.at, handlers, concern)

    def _pointers(self, case: Case) -> tuple[Notice, ...]:
        private = tuple(Destination(person) for person in case.handlers)
        return self._notices(case, NoticeKind.POINTER, (LEADERSHIP,) if case.concern.channel else private)

    async def _act(self, action: Action, ref: str, by: Person, words: str, outcome: str = "") -> Answer:
        case = await self._entitled(ref, by, MOVES[action].by)
        if case is None:
            return Refused()
        if not words.strip():
            return Illegal(await self._shown(case, by))
        return await self._move(case, action, by, words, outcome)

    async def _move(self, case: Case, action: Action, by: Person, words: str = "", outcome: str = "") -> Answer:
        move = MOVES[action]
        if case.state not in move.to:
            return Illegal(await self._shown(case, by))
        event = replace(self._event(move.act, by), words=words, outcome=outcome)
        moved = replace(case, state=move.to[case.state], owner=_owner_after(case, action, by))
        notices = self._notices(case, move.notice, self._told(moved, move, by))
        if not await self._store.write(moved, event, notices):
            return await self._overtaken(case.ref, by)
        log.info("case_moved", ref=case.ref, act=move.act.value)
        self._wake.set()
        return await self._view(moved, by)

    async def _overtaken(self, ref: str, by: Person) -> Answer:
        """How the case stands after somebody else's change, if it is still theirs to see."""
        now = await self.open(ref, by)
        return now if isinstance(now, Refused) else Stale(now)

    def _told(self, case: Case, move: Move, by: Person) -> tuple[Destination, ...]:
        """Whom a move tells; what goes to handlers goes to the owner where there is one."""
        handlers = handlers_now(case, self.roster)
        people = (case.owner,) if case.owner in handlers and case.owner else handlers
        told = people if Standing.HANDLER in move.tells else ()
        told += (case.reporter,) if Standing.REPORTER in move.tells else ()
        if not handlers:
            log.warning("case_without_handler", ref=case.ref)
        return tuple(Destination(person) for person in told if person != by.id)

    def _notices(self, case: Case, kind: NoticeKind, to: tuple[Destination, ...]) -> tuple[Notice, ...]:
        now = self._clock.now()
        return tuple(Notice(uuid4().hex, destination, kind, case.ref, now) for destination in to)

    async def _entitled(self, ref: str, person: Person, need: Standing | None = None) -> Case | None:
        """The case if it is there and the person has the standing needed, or any; nothing else is told apart."""
        known = as_reference(ref)
        case = await self._store.find(known) if known else None
        found = standing(case, person.id, self.roster) if case else Standing.NONE
        if case is not None and found is not Standing.NONE and need in (None, found):
            return case
        log.warning("case_refused", ref=known, person=person.id)
        return None

    async def _shown(self, case: Case, viewer: Person) -> CaseView:
        """The view, with the handler's reading on record before anything is shown."""
        if standing(case, viewer.id, self.roster) is Standing.HANDLER:
            await self._store.append(case.ref, self._event(Act.OPENED, viewer))
        return await self._view(case, viewer)

    async def _view(self, case: Case, viewer: Person) -> CaseView:
        story = await self._store.story(case.ref)
        return view(case, story, standing(case, viewer.id, self.roster), self.roster, self._clock.now())

    def _receipt(self, case: Case) -> Receipt:
        people = tuple(person for id in case.handlers if (person := self.roster.get(id)))
        return Receipt(case.ref, Route(people, case.concern.channel, case.concern.not_to))

    def _event(self, act: Act, by: Person) -> Event:
        return Event(act, by.id, self._clock.now(), by.name)


_TRIES = 20


def _owner_after(case: Case, action: Action, by: Person) -> str | None:
    if MOVES[action].drops_owner:
        return None
    return by.id if action is Action.ACKNOWLEDGE else case.owner
