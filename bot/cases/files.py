"""The case store behind its door: cases are found for those entitled to them, shown, and changed with their notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import uuid4

import structlog

from bot.cases.model import About, CaseView, Kind, NoRoute, Refused, Route, Stale, Urgency
from bot.cases.moves import UNTAKEN, Standing
from bot.cases.record import Act, Case, Event
from bot.cases.reference import as_reference
from bot.cases.routing import Numbers, Roster, Table, closed_to, route, rule_for
from bot.cases.views import plain_hours, standing, view
from bot.model import Destination, Person
from bot.notices.model import Notice, NoticeKind
from bot.ports import CaseStore, Clock

log = structlog.get_logger()

Patience = Callable[[Kind, Urgency, datetime, bool], datetime]
"""When a case of this kind and urgency that waits from a moment, with or without danger, must have been taken."""

CHARTER = Person("charter", "Charter", frozenset())
"""Who does what nobody in the school did."""

LEADERSHIP = Destination()


@dataclass
class Files:
    """What the desk stands on. `roster` may be replaced at any time: rights follow it at once."""

    store: CaseStore
    roster: Roster
    clock: Clock
    numbers: Numbers
    table: Table
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    patience: Patience = plain_hours

    async def entitled(self, ref: str, person: Person, need: Standing | None = None) -> Case | None:
        """The case if it is there and the person has the standing needed, or any; nothing else is told apart."""
        known = as_reference(ref)
        case = await self.store.find(known) if known else None
        found = self.standing(case, person.id) if case else Standing.NONE
        if case is not None and found is not Standing.NONE and need in (None, found):
            return case
        log.warning("case_refused", ref=known, person=person.id)
        return None

    def standing(self, case: Case, person: str) -> Standing:
        """What this person is to the case now."""
        return standing(case, person, self.roster)

    async def shown(self, case: Case, viewer: Person) -> CaseView:
        """The view, with the handler's reading on record before anything is shown."""
        if self.standing(case, viewer.id) is Standing.HANDLER:
            await self.store.append(case.ref, self.event(Act.OPENED, viewer))
        return await self.view(case, viewer)

    async def view(self, case: Case, viewer: Person) -> CaseView:
        """The view alone, for what was just done."""
        story = await self.store.story(case.ref)
        return view(case, story, self.standing(case, viewer.id), self.roster, self.clock.now())

    async def overtaken(self, ref: str, by: Person) -> Refused | Stale:
        """How the case stands after somebody else's change, if it is still theirs to see."""
        case = await self.entitled(ref, by)
        return Refused() if case is None else Stale(await self.shown(case, by))

    async def write(self, case: Case, event: Event, notices: tuple[Notice, ...]) -> bool:
        """Store a change with its event and notices and wake who delivers them. False when somebody else was first."""
        if not await self.store.write(case, event, notices):
            return False
        log.info("case_moved", ref=case.ref, act=event.act.value)
        self.wake.set()
        return True

    def event(self, act: Act, by: Person, words: str = "", outcome: str = "") -> Event:
        """An event of now."""
        return Event(act, by.id, self.clock.now(), by.name, words, outcome)

    def notices(self, kind: NoticeKind, ref: str, people: Iterable[str], channel: bool = False) -> tuple[Notice, ...]:
        """A notice to each of these people, once, and to the leadership channel first where it may stand there."""
        now = self.clock.now()
        to = (*((LEADERSHIP,) if channel else ()), *(Destination(person) for person in dict.fromkeys(people)))
        return tuple(Notice(uuid4().hex, destination, kind, ref, now) for destination in to)

    def waiting(self, case: Case) -> Case:
        """The case at the beginning of a wait to be taken; one that is taken waits for nobody."""
        if case.state not in UNTAKEN:
            return replace(case, due=None, step=0)
        due = self.patience(case.kind, case.urgency, self.clock.now(), case.concern.danger)
        return replace(case, due=due, step=0)

    def person(self, id: str) -> Person:
        """The person as the roster has them now; somebody without name or role when it does not."""
        return self.roster.get(id) or Person(id, "", frozenset())

    def route(self, case: Case) -> Route | NoRoute:
        """Where such a case would go now, kept from everybody it was ever kept from."""
        told = case.concern
        kept, reporter = told.excluded | told.closed_to, self.person(case.reporter)
        return route(
            case.kind, told.about, reporter, told.subject, kept, self.roster, self.numbers, self.table, told.joined
        )

    def to_ring(
        self, kind: Kind, about: About, reporter: Person, subject: str | None, kept_from: frozenset[str]
    ) -> tuple[str, ...]:
        """The numbers for a reporter whom nobody hears, without those answered by somebody it is kept from."""
        rule = rule_for(kind, about, reporter, subject, self.roster, self.table)
        kept = closed_to(rule, reporter, subject, kept_from, self.roster)
        return self.numbers.lines(rule.ring, kept | {reporter.id}, rule.closed_to)
