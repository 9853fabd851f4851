"""Who may see what, decided before any words are taken: one table, then exclusion, which beats everything.

Staff → headteacher and headteacher → chair of governors follow Keeping children safe in education, part four; the other
rows are this product's defaults, for the school to sign off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from bot.cases.model import HANDLING_ROLES, About, Kind, NoRoute, Route
from bot.model import Person, Platform, Role


class Roster:
    """The school's people as its settings name them now, and which of them can be reached."""

    def __init__(
        self,
        people: Iterable[Person],
        connected: frozenset[Platform] = frozenset(Platform),
        in_channel: frozenset[str] = frozenset(),
    ) -> None:
        """Take the people, the platforms that are connected, and ids known to be in the leadership channel.

        Raises ValueError when two people share an id.
        """
        self._people: dict[str, Person] = {}
        for person in people:
            if person.id in self._people:
                raise ValueError(f"two people on the roster share the id {person.id!r}")
            self._people[person.id] = person
        self._connected = connected
        self._in_channel = in_channel

    def get(self, person: str) -> Person | None:
        """The person with this id, or None."""
        return self._people.get(person)

    def having(self, roles: Iterable[Role]) -> tuple[Person, ...]:
        """Everybody with any of the roles, in the settings' order."""
        wanted = frozenset(roles)
        return tuple(person for person in self._people.values() if person.has(*wanted))

    def reachable(self, person: Person) -> bool:
        """Whether the person has an account on a connected platform."""
        return not self._connected.isdisjoint(person.accounts)

    def reads_channel(self, person: str) -> bool:
        """Whether this id may be able to read the leadership channel; somebody unknown counts as able."""
        known = self._people.get(person)
        return known is None or known.has(*_CHANNEL_ROLES) or person in self._in_channel


_CHANNEL_ROLES = HANDLING_ROLES | {Role.DSL, Role.DEPUTY_DSL}


@dataclass(frozen=True)
class Line:
    """A number to ring, in words. `person` is the roster id of who answers: it is not shown against that person."""

    words: str
    person: str | None = None


class Ring(StrEnum):
    """Which numbers stand in when nobody can safely be told through Charter."""

    SCHOOL = "school"
    ABOVE_HEAD = "above_head"
    ADULT = "adult"


@dataclass(frozen=True)
class Numbers:
    """The numbers to ring: within school, above the headteacher (chair, LADO, NSPCC), for an adult at risk."""

    school: tuple[Line, ...]
    above_head: tuple[Line, ...]
    adult: tuple[Line, ...]

    def lines(self, ring: Ring, kept_from: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """The lines of one list, without those answered by somebody it is kept from; never empty if any line is left."""
        lists = {Ring.SCHOOL: self.school, Ring.ABOVE_HEAD: self.above_head, Ring.ADULT: self.adult}
        for lines in (lists[ring], self.above_head):
            left = tuple(line.words for line in lines if line.person is None or line.person not in kept_from)
            if left:
                return left
        return ()


@dataclass(frozen=True)
class Rule:
    """One row: the roles that handle it, whether a pointer stands in the channel, and the roles it is closed to."""

    roles: frozenset[Role]
    channel: bool = False
    closed_to: frozenset[Role] = frozenset()
    ring: Ring = Ring.ABOVE_HEAD
    not_to: str = ""


LEADERSHIP = Rule(
    HANDLING_ROLES, channel=True, ring=Ring.SCHOOL, not_to="Nobody outside the leadership team can open it."
)
HEAD_ONLY = Rule(
    frozenset({Role.HEADTEACHER}),
    not_to="It does not go to the rest of the leadership team, and nothing appears in any channel.",
)
HEAD_NOT_CHAIR = Rule(
    frozenset({Role.HEADTEACHER}),
    closed_to=frozenset({Role.CHAIR}),
    not_to="It does not go to the chair of governors, and nothing appears in any channel.",
)
CHAIR_ONLY = Rule(
    frozenset({Role.CHAIR}),
    not_to="It does not go to the leadership team, and nothing appears in any channel.",
)
CHAIR_NOT_HEAD = Rule(
    frozenset({Role.CHAIR}),
    closed_to=frozenset({Role.HEADTEACHER}),
    not_to="It does not go to the headteacher or the leadership team, and nothing appears in any channel.",
)
NUMBERS_ONLY = Rule(frozenset(), ring=Ring.ADULT)
UNKNOWN_CASE = Rule(frozenset())

TABLE: Mapping[tuple[Kind, About], Rule] = MappingProxyType(
    {
        (Kind.QUESTION, About.NOBODY): LEADERSHIP,
        (Kind.REPORT, About.SELF): HEAD_ONLY,
        (Kind.REPORT, About.STUDENT): LEADERSHIP,
        (Kind.REPORT, About.PARENT): LEADERSHIP,
        (Kind.REPORT, About.UNKNOWN): LEADERSHIP,
        (Kind.REPORT, About.COLLEAGUE): HEAD_ONLY,
        (Kind.REPORT, About.GOVERNOR): HEAD_ONLY,
        (Kind.REPORT, About.SLT_OR_DSL): HEAD_ONLY,
        (Kind.REPORT, About.HEADTEACHER): CHAIR_NOT_HEAD,
        (Kind.REPORT, About.CHAIR): HEAD_NOT_CHAIR,
        (Kind.REPORT, About.ADULT_AT_RISK): NUMBERS_ONLY,
        (Kind.DECLARATION, About.SELF): HEAD_ONLY,
        (Kind.JUSTIFICATION, About.SELF): HEAD_ONLY,
    }
)
"""What is not in the table has no route."""

_CLASS_OF: tuple[tuple[frozenset[Role], About], ...] = (
    (frozenset({Role.HEADTEACHER}), About.HEADTEACHER),
    (frozenset({Role.CHAIR}), About.CHAIR),
    (frozenset({Role.SLT, Role.DSL, Role.DEPUTY_DSL}), About.SLT_OR_DSL),
    (frozenset({Role.GOVERNOR}), About.GOVERNOR),
    (frozenset(Role), About.COLLEAGUE),
)


def rule_for(kind: Kind, about: About, reporter: Person, subject: str | None, roster: Roster) -> Rule:
    """The row that applies. A named member of staff decides the class, whatever class was tapped.

    A headteacher's own report that only the headteacher would handle goes to the chair of governors.
    """
    rule = TABLE.get((kind, _true_class(kind, about, reporter, subject, roster)), UNKNOWN_CASE)
    if reporter.has(Role.HEADTEACHER) and rule is HEAD_ONLY:
        return CHAIR_ONLY
    return rule


def _true_class(kind: Kind, about: About, reporter: Person, subject: str | None, roster: Roster) -> About:
    person = roster.get(subject) if subject else None
    if person is None or kind is not Kind.REPORT or about is About.ADULT_AT_RISK:
        return about
    if person.id == reporter.id:
        return About.SELF
    return next((found for roles, found in _CLASS_OF if person.has(*roles)), About.COLLEAGUE)


def closed_to(
    rule: Rule, reporter: Person, subject: str | None, excluded: frozenset[str], roster: Roster
) -> frozenset[str]:
    """The ids a case is kept from, whatever their roles. The reporter keeps the reporter's own view."""
    named = excluded | ({subject} if subject else set()) | {person.id for person in roster.having(rule.closed_to)}
    return named - {reporter.id}


def route(
    kind: Kind,
    about: About,
    reporter: Person,
    subject: str | None,
    excluded: frozenset[str],
    roster: Roster,
    numbers: Numbers,
) -> Route | NoRoute:
    """Where a case would go, or the numbers to ring when nobody can safely be told. Pure: asked before any free text.

    `subject` and `excluded` are person ids. The reporter never handles their own case, and only people with an account
    on a connected platform are named: the list is the real one.
    """
    rule = rule_for(kind, about, reporter, subject, roster)
    kept_from = closed_to(rule, reporter, subject, excluded, roster)
    handlers = tuple(
        person
        for person in roster.having(rule.roles)
        if person.id != reporter.id and person.id not in kept_from and roster.reachable(person)
    )
    if not handlers:
        return NoRoute(numbers.lines(rule.ring, kept_from | {reporter.id}))
    channel = rule.channel and not any(roster.reads_channel(person) for person in kept_from)
    return Route(handlers, channel, _not_to(rule, kept_from, roster))


def _not_to(rule: Rule, kept_from: frozenset[str], roster: Roster) -> str:
    names = sorted(person.name for id in kept_from if (person := roster.get(id)) and not person.has(*rule.closed_to))
    if not names:
        return rule.not_to
    listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{rule.not_to} It does not go to {listed}."
