"""Who may see what, decided before any words are taken: one table, then exclusion, which beats everything.

Staff → headteacher and headteacher → chair of governors follow Keeping children safe in education, part four; the other
rows are this product's defaults, for the school to sign off and to change in its settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from bot.cases.model import HANDLING_ROLES, SAFEGUARDING, About, Kind, NoRoute, Route, Urgency
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
    """A number to ring, in words. It is not shown against who answers it: the person of that id, or the holder of `role`."""

    words: str
    person: str | None = None
    role: Role | None = None


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

    def lines(
        self, ring: Ring, kept_from: frozenset[str] = frozenset(), closed_to: frozenset[Role] = frozenset()
    ) -> tuple[str, ...]:
        """The lines of one list, without those answered by somebody it is kept from; never empty if any line is left."""
        lists = {Ring.SCHOOL: self.school, Ring.ABOVE_HEAD: self.above_head, Ring.ADULT: self.adult}
        for lines in (lists[ring], self.above_head):
            left = tuple(line.words for line in lines if line.person not in kept_from and line.role not in closed_to)
            if left:
                return left
        return ()


@dataclass(frozen=True)
class Rule:
    """One row: who handles it, by role and by name, whether a pointer stands in the channel, and whom it is closed to.

    `on_silence` are those who are given it next when nobody takes it, in this order: a role, or a person's id; `on_recusal`
    those who are next when everybody before them has stepped back. `joined` are roles that the type of incident or a child
    at risk adds to those who handle it. `urgency` is the least it has. `ring` are the numbers shown when nobody can handle
    it.
    """

    roles: frozenset[Role]
    channel: bool = False
    closed_to: frozenset[Role] = frozenset()
    ring: Ring = Ring.ABOVE_HEAD
    not_to: str = ""
    people: tuple[str, ...] = ()
    on_silence: tuple[Role | str, ...] = ()
    on_recusal: tuple[Role | str, ...] = ()
    joined: frozenset[Role] = frozenset()
    urgency: Urgency = Urgency.NORMAL


Table = Mapping[tuple[Kind, About], Rule]
"""Every row; what is not in it has no route."""

QUESTION = Rule(
    HANDLING_ROLES, channel=True, ring=Ring.SCHOOL, not_to="Nobody outside the leadership team can open it."
)
LEADERSHIP = replace(QUESTION, on_silence=(Role.DSL, Role.DEPUTY_DSL))
HEAD_ONLY = Rule(
    frozenset({Role.HEADTEACHER}),
    on_recusal=(Role.CHAIR,),
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
ADULT = Rule(frozenset(), ring=Ring.ADULT, urgency=Urgency.HIGH)
NOBODY_INSIDE = Rule(frozenset(), closed_to=frozenset({Role.HEADTEACHER, Role.CHAIR}))
UNKNOWN_CASE = Rule(frozenset())

TABLE: Table = MappingProxyType(
    {
        (Kind.QUESTION, About.NOBODY): QUESTION,
        (Kind.REPORT, About.SELF): HEAD_ONLY,
        (Kind.REPORT, About.STUDENT): LEADERSHIP,
        (Kind.REPORT, About.PARENT): LEADERSHIP,
        (Kind.REPORT, About.UNKNOWN): LEADERSHIP,
        (Kind.REPORT, About.COLLEAGUE): HEAD_ONLY,
        (Kind.REPORT, About.GOVERNOR): HEAD_ONLY,
        (Kind.REPORT, About.SLT_OR_DSL): HEAD_ONLY,
        (Kind.REPORT, About.HEADTEACHER): CHAIR_NOT_HEAD,
        (Kind.REPORT, About.CHAIR): HEAD_NOT_CHAIR,
        (Kind.REPORT, About.ADULT_AT_RISK): ADULT,
        (Kind.REPORT, About.CONFLICT): NOBODY_INSIDE,
        (Kind.DECLARATION, About.SELF): HEAD_ONLY,
        (Kind.JUSTIFICATION, About.SELF): HEAD_ONLY,
    }
)
"""The defaults. Colleagues include volunteers, contractors and supply staff."""

LEADERS = frozenset({Role.SLT, Role.DSL, Role.DEPUTY_DSL})
_CLASS_OF: tuple[tuple[frozenset[Role], About], ...] = (
    (frozenset({Role.HEADTEACHER}), About.HEADTEACHER),
    (frozenset({Role.CHAIR}), About.CHAIR),
    (LEADERS, About.SLT_OR_DSL),
    (frozenset({Role.GOVERNOR}), About.GOVERNOR),
)
_WHATEVER_THE_PERSON = frozenset({About.ADULT_AT_RISK, About.CONFLICT})
_JOINED = frozenset({About.STUDENT, About.PARENT, About.UNKNOWN, About.SELF})
"""Classes to which recipients may be added: never a report about another member of staff or a governor."""


def class_of(person: Person) -> About:
    """The class of a report about this person, by the highest of the person's roles."""
    return next((found for roles, found in _CLASS_OF if person.has(*roles)), About.COLLEAGUE)


def rule_for(
    kind: Kind,
    about: About,
    reporter: Person,
    subject: str | None,
    roster: Roster,
    table: Table = TABLE,
    also: frozenset[Role] = frozenset(),
) -> Rule:
    """The row that applies. A named member of staff decides the class, whatever class was tapped.

    A headteacher's own report that only the headteacher would handle, and whatever a headteacher says of themself, goes to
    the chair of governors. `also` are roles added by the type of incident or a child at risk, honoured where that gives
    nobody away.
    """
    about = _true_class(kind, about, reporter, subject, roster)
    rule = table.get((kind, about), UNKNOWN_CASE)
    head_alone = rule.roles == {Role.HEADTEACHER} and Role.CHAIR not in rule.closed_to
    if rule is not UNKNOWN_CASE and reporter.has(Role.HEADTEACHER) and (head_alone or about is About.SELF):
        return CHAIR_ONLY
    if kind is not Kind.REPORT or about not in _JOINED:
        return rule
    return replace(rule, joined=also, channel=rule.channel and also.isdisjoint(SAFEGUARDING))


def _true_class(kind: Kind, about: About, reporter: Person, subject: str | None, roster: Roster) -> About:
    person = roster.get(subject) if subject else None
    if person is None or kind is not Kind.REPORT or about in _WHATEVER_THE_PERSON:
        return about
    return About.SELF if person.id == reporter.id else class_of(person)


def closed_to(
    rule: Rule, reporter: Person, subject: str | None, excluded: frozenset[str], roster: Roster
) -> frozenset[str]:
    """The ids a case is kept from, whatever their roles. The reporter keeps the reporter's own view."""
    named = excluded | ({subject} if subject else set()) | {person.id for person in roster.having(rule.closed_to)}
    return named - {reporter.id}


def in_channel(rule: Rule, kept_from: frozenset[str], roster: Roster) -> bool:
    """Whether a pointer may stand in the leadership channel: not where somebody it is kept from reads it."""
    return rule.channel and not any(roster.reads_channel(person) for person in kept_from)


def route(
    kind: Kind,
    about: About,
    reporter: Person,
    subject: str | None,
    excluded: frozenset[str],
    roster: Roster,
    numbers: Numbers,
    table: Table = TABLE,
    also: frozenset[Role] = frozenset(),
) -> Route | NoRoute:
    """Where a case would go, or the numbers to ring when nobody can safely be told. Pure: asked before any free text.

    `subject` and `excluded` are person ids. The reporter never handles their own case, and only people with an account
    on a connected platform are named: the list is the real one.
    """
    rule = rule_for(kind, about, reporter, subject, roster, table, also)
    kept_from = closed_to(rule, reporter, subject, excluded, roster)
    never = kept_from | {reporter.id}
    handlers = _reached((*roster.having(rule.roles), *_named(rule.people, roster)), never, roster)
    if not handlers:
        return NoRoute(numbers.lines(rule.ring, never, rule.closed_to))
    joined = _reached(roster.having(rule.joined), never | {person.id for person in handlers}, roster)
    handlers, channel = (*handlers, *joined), in_channel(rule, kept_from, roster)
    line = _reached(_named(rule.on_silence, roster), never | {person.id for person in handlers}, roster)
    others = never | {person.id for person in (*handlers, *line)}
    return Route(
        handlers,
        channel,
        _not_to(replace(rule, not_to=nobody_else(channel)) if joined else rule, kept_from, roster),
        line,
        _reached(_named(rule.on_recusal, roster), others, roster),
    )


def rights(rule: Rule, where: Route) -> dict[str, frozenset[Role]]:
    """Those of a route who hold it by another right than the rule's roles: id → the roles that carry it, none if named."""
    lines = (*rule.on_silence, *rule.on_recusal)
    named = {who for who in (*rule.people, *lines) if not isinstance(who, Role)}
    later = rule.joined | frozenset(who for who in lines if isinstance(who, Role))
    people = (*where.handlers, *where.on_silence, *where.on_recusal)
    return {
        person.id: frozenset() if person.id in named else later
        for person in people
        if person.id in named or not person.has(*rule.roles)
    }


def nobody_else(channel: bool) -> str:
    """What holds of any list of recipients."""
    return "Nobody else can open it." if channel else "Nobody else can open it, and nothing appears in any channel."


def _named(who: Iterable[Role | str], roster: Roster) -> tuple[Person, ...]:
    """The people whom a list of roles and ids names, in its order; who is not on the roster is left out."""
    found: list[Person] = []
    for each in who:
        if isinstance(each, Role):
            found.extend(roster.having({each}))
        elif person := roster.get(each):
            found.append(person)
    return tuple(found)


def _reached(people: Iterable[Person], never: frozenset[str], roster: Roster) -> tuple[Person, ...]:
    once = {person.id: person for person in people if person.id not in never and roster.reachable(person)}
    return tuple(once.values())


def _not_to(rule: Rule, kept_from: frozenset[str], roster: Roster) -> str:
    names = sorted(person.name for id in kept_from if (person := roster.get(id)) and not person.has(*rule.closed_to))
    if not names:
        return rule.not_to
    listed = " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    return f"{rule.not_to} It does not go to {listed}."
