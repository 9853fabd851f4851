"""A small school, a clock that is moved by hand and a case store in memory, for tests of the desk and what stands on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from bot.cases.model import About, Filing, Kind, State, Urgency
from bot.cases.record import Case, Event
from bot.cases.routing import Line, Numbers, Roster
from bot.model import Person, Platform, Role
from bot.notices.model import Notice


def person(id: str, *roles: Role, account: bool = True) -> Person:
    """Somebody whose name is the id with a capital."""
    accounts = {Platform.WEB: id} if account else {}
    return Person(id, id.capitalize(), frozenset(roles or {Role.STAFF}), accounts)


HEAD = person("hannah", Role.HEADTEACHER)
SAM = person("sam", Role.SLT)
SITA = person("sita", Role.SLT, Role.DSL)
CHAIR = person("chloe", Role.CHAIR)
GOVERNOR = person("gus", Role.GOVERNOR)
TESS = person("tess")
TOM = person("tom")
IDA = person("ida", Role.IT)
DORA = person("dora", Role.DEPUTY_DSL)
PEOPLE = (HEAD, SAM, SITA, CHAIR, GOVERNOR, TESS, TOM, IDA)
ROSTER = Roster(PEOPLE)
WITH_DORA = Roster([*PEOPLE, DORA])
"""The same school once it has a deputy safeguarding lead."""

NUMBERS = Numbers(
    school=(Line("Headteacher: 1", "hannah"), Line("Safeguarding lead: 2", "sita")),
    above_head=(Line("Chair of governors: 3", "chloe"), Line("LADO: 4"), Line("NSPCC: 5")),
    adult=(Line("Adult social care: 6"),),
)

_DRAFTS = count()


def without(*gone: Person, plus: Sequence[Person] = ()) -> Roster:
    """The school without some people, and with others."""
    ids = {each.id for each in gone}
    return Roster([*(each for each in PEOPLE if each.id not in ids), *plus])


def filing(
    about: About = About.STUDENT,
    reporter: Person = TESS,
    kind: Kind = Kind.REPORT,
    subject: str | None = None,
    excluded: frozenset[str] = frozenset(),
    draft: str | None = None,
    answers: Mapping[str, str] | None = None,
    urgency: Urgency = Urgency.NORMAL,
    public_text: str | None = None,
) -> Filing:
    """A submission, of a draft of its own unless one is named."""
    return Filing(
        draft=draft or f"draft-{next(_DRAFTS)}",
        kind=kind,
        about=about,
        reporter=reporter,
        answers=answers or {"What happened?": "A pupil asked to follow me."},
        subject=subject,
        excluded=excluded,
        urgency=urgency,
        public_text=public_text,
    )


class HandClock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.time = datetime(2025, 3, 3, 9, tzinfo=UTC)

    def now(self) -> datetime:
        """The time set."""
        return self.time

    def forward(self, **by: float) -> None:
        """Let time pass."""
        self.time += timedelta(**by)


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        """Now."""
        return datetime.now(UTC)


class MemoryCaseStore:
    """A `CaseStore` that works, in memory; `notices` are what it would have sent."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.stories: dict[str, list[Event]] = {}
        self.drafts: dict[tuple[str, str], str] = {}
        self.notices: list[Notice] = []

    async def filed(self, reporter: str, draft: str) -> Case | None:
        """As the port says."""
        ref = self.drafts.get((reporter, draft))
        return self.cases[ref] if ref else None

    async def create(self, case: Case, draft: str, first: Event, notices: Sequence[Notice]) -> Case | None:
        """As the port says."""
        earlier = await self.filed(case.reporter, draft)
        if earlier or case.ref in self.cases:
            return earlier
        self.cases[case.ref] = case
        self.drafts[case.reporter, draft] = case.ref
        self.stories[case.ref] = [first]
        self.notices.extend(notices)
        return case

    async def find(self, ref: str) -> Case | None:
        """As the port says."""
        return self.cases.get(ref)

    async def story(self, ref: str) -> tuple[Event, ...]:
        """As the port says."""
        return tuple(self.stories[ref])

    async def write(self, case: Case, event: Event, notices: Sequence[Notice]) -> bool:
        """As the port says."""
        if self.cases[case.ref].version != case.version:
            return False
        self.cases[case.ref] = replace(case, version=case.version + 1)
        self.stories[case.ref].append(event)
        self.notices.extend(notices)
        return True

    async def append(self, ref: str, event: Event) -> None:
        """As the port says."""
        self.stories[ref].append(event)

    async def reported_by(self, person: str, limit: int | None = None) -> tuple[Case, ...]:
        """As the port says."""
        return tuple(sorted(self._sent(person), key=lambda case: case.opened, reverse=True)[:limit])

    async def count_reported(self, person: str) -> int:
        """As the port says."""
        return len(self._sent(person))

    async def handled_by(
        self,
        person: str,
        kinds: frozenset[Kind] = frozenset(Kind),
        closed: bool = False,
        limit: int = 50,
        roles: frozenset[Role] = frozenset(Role),
    ) -> tuple[Case, ...]:
        """As the port says."""
        return tuple(sorted(self._given(person, kinds, closed, roles), key=_soonest)[:limit])

    async def count_handled(
        self,
        person: str,
        kinds: frozenset[Kind] = frozenset(Kind),
        closed: bool = False,
        roles: frozenset[Role] = frozenset(Role),
    ) -> int:
        """As the port says."""
        return len(self._given(person, kinds, closed, roles))

    async def overdue(self, now: datetime, limit: int = 50) -> tuple[Case, ...]:
        """As the port says."""
        waiting = [(case.due, case) for case in self.cases.values() if case.due is not None and case.due <= now]
        return tuple(case for _, case in sorted(waiting, key=lambda pair: pair[0])[:limit])

    def _sent(self, person: str) -> list[Case]:
        return [case for case in self.cases.values() if case.reporter == person]

    def _given(self, person: str, kinds: frozenset[Kind], closed: bool, roles: frozenset[Role]) -> list[Case]:
        return [
            case
            for case in self.cases.values()
            if person in case.handlers
            and case.kind in kinds
            and (closed or case.state is not State.CLOSED)
            and _enough(roles, case.concern.needs(person))
        ]


def _enough(roles: frozenset[Role], needed: frozenset[Role] | None) -> bool:
    return needed is None or not roles.isdisjoint(needed)


def _soonest(case: Case) -> tuple[bool, bool, datetime, datetime]:
    return case.state is State.CLOSED, case.due is None, case.due or case.opened, case.opened
