"""What must become of cases, so simple that it can be read: rights written out by hand, without the routing table."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.cases.model import About, Kind, State
from bot.model import Role
from tests.small_school import PEOPLE, person

Roles = frozenset[Role]

NEW = person("nia", Role.SLT, Role.DEPUTY_DSL)
EVERYBODY = (*PEOPLE, NEW)
BY_ID = {each.id: each for each in EVERYBODY}
LATER: Roles = frozenset({Role.DSL, Role.DEPUTY_DSL})
"""The roles by which somebody has a case that came to them along the line."""

UNTAKEN = {State.SUBMITTED, State.REOPENED}
TAKEN = {State.ACKNOWLEDGED, State.IN_PROGRESS, State.WAITING}
HANDLERS_MAY = {
    "acknowledge": UNTAKEN,
    "reply": TAKEN,
    "ask": TAKEN,
    "note": {*State},
    "hold": {*State},
    "release": {*State},
    "urgent": UNTAKEN | TAKEN,
    "close": TAKEN,
    "reopen": {State.CLOSED},
}
REPORTERS_MAY = {"add": {*State}, "withdraw": UNTAKEN | TAKEN}
BECOMES = {
    "acknowledge": State.ACKNOWLEDGED,
    "reply": State.IN_PROGRESS,
    "ask": State.WAITING,
    "close": State.CLOSED,
    "reopen": State.REOPENED,
}
REPORTER_READS = {"filed", "acknowledged", "replied", "asked", "added", "withdrawn", "closed", "reopened"}


def wanted(kind: Kind, about: About, reporter: str, subject: str | None, roles: Mapping[str, Roles]) -> Role:
    """Which role decides: SLT for the leadership team with its head, IT for nobody at all."""
    if kind is Kind.QUESTION:
        return Role.SLT if about is About.NOBODY else Role.IT
    if kind is not Kind.REPORT:
        return (
            (Role.CHAIR if Role.HEADTEACHER in roles[reporter] else Role.HEADTEACHER)
            if about is About.SELF
            else Role.IT
        )
    if about in (About.ADULT_AT_RISK, About.CONFLICT):
        return Role.IT
    if subject in roles:
        about = About.SELF if subject == reporter else described(roles[subject])
    if about is About.NOBODY:
        return Role.IT
    if about in (About.STUDENT, About.PARENT, About.UNKNOWN):
        return Role.SLT
    if about is About.HEADTEACHER:
        return Role.CHAIR
    return Role.CHAIR if Role.HEADTEACHER in roles[reporter] and about is not About.CHAIR else Role.HEADTEACHER


def described(roles: Roles) -> About:
    """The class of a person."""
    for role, about in ((Role.HEADTEACHER, About.HEADTEACHER), (Role.CHAIR, About.CHAIR)):
        if role in roles:
            return about
    if roles & {Role.SLT, Role.DSL, Role.DEPUTY_DSL}:
        return About.SLT_OR_DSL
    return About.GOVERNOR if Role.GOVERNOR in roles else About.COLLEAGUE


@dataclass
class Known:
    """What the model knows of a case: who was given it and by which roles, and who must never see it."""

    ref: str
    kind: Kind
    reporter: str
    given: dict[str, Roles]
    never: set[str]
    excluded: frozenset[str]
    state: State = State.SUBMITTED
    owner: str | None = None
    withdrawn: bool = False
    hold: bool = False
    urgent: bool = False
    line: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)

    def legal(self, action: str) -> bool:
        """Whether it stands so that this can be done."""
        marks = {
            "withdraw": not self.withdrawn,
            "hold": not self.hold,
            "release": self.hold,
            "urgent": not self.urgent,
        }
        return self.state in (HANDLERS_MAY | REPORTERS_MAY)[action] and marks.get(action, True)

    def did(self, by: str, action: str) -> None:
        """Somebody did what they may and what is legal."""
        if action == "add" and self.state is State.WAITING:
            self.state = State.IN_PROGRESS
        self.state = BECOMES.get(action, self.state)
        self.owner = {"acknowledge": by, "reopen": None}.get(action, self.owner)
        self.withdrawn |= action == "withdraw"
        self.hold = {"hold": True, "release": False}.get(action, self.hold)
        self.urgent |= action == "urgent"

    def assigned(self, by: str, to: str) -> None:
        """Whoever assigns it to themselves takes it; anybody else must take it first."""
        if by == to:
            self.state = State.ACKNOWLEDGED if self.state in UNTAKEN else self.state
        else:
            self.state = self.state if self.state in UNTAKEN else State.SUBMITTED
        self.owner = to

    def inherited(self, who: str) -> None:
        """It came to the next in line."""
        self.given[who] = LATER

    def recused(self, by: str, heirs: Mapping[str, Roles]) -> None:
        """Somebody stepped back for good, and these have it instead."""
        self.never.add(by)
        self.given |= heirs
        if self.owner == by:
            self.owner = None
            self.state = self.state if self.state in (State.CLOSED, State.REOPENED) else State.SUBMITTED


@dataclass
class Model:
    """The roster and the cases, as they must be."""

    roles: dict[str, Roles] = field(default_factory=lambda: {each.id: each.roles for each in PEOPLE})
    cases: list[Known] = field(default_factory=list)

    def handles(self, case: Known, who: str) -> bool:
        """Whether somebody may open it and act on it."""
        return (
            who in self.roles
            and who in case.given
            and who not in case.never
            and who != case.reporter
            and bool(case.given[who] & self.roles[who])
        )

    def handlers(self, case: Known) -> list[str]:
        """Everybody who may."""
        return [who for who in BY_ID if self.handles(case, who)]

    def reports(self, case: Known, who: str) -> bool:
        """Whether it is somebody's own, and they are still in school."""
        return who == case.reporter and who in self.roles

    def may(self, case: Known, by: str, action: str) -> bool:
        """Whether it is theirs to do."""
        return self.reports(case, by) if action in REPORTERS_MAY else self.handles(case, by)

    def granted(self, role: Role, never: set[str], reporter: str) -> dict[str, Roles]:
        """Who is given a case that this role decides."""
        accepted: Roles = frozenset({Role.SLT, Role.HEADTEACHER} if role is Role.SLT else {role})
        if role is Role.IT:
            return {}
        return {
            who: accepted
            for who, roles in self.roles.items()
            if roles & accepted and who not in never and who != reporter
        }

    def above(self, decides: Role, without: set[str]) -> list[str]:
        """Who is next when a headteacher who has it alone steps back."""
        chairs = [who for who, roles in self.roles.items() if Role.CHAIR in roles and who not in without]
        return chairs if decides is Role.HEADTEACHER else []

    def never(self, kind: Kind, about: About, reporter: str, subject: str | None, excluded: frozenset[str]) -> set[str]:
        """Who must not see it whatever their roles: kept out, named, or of the class it is about."""
        found = set(excluded) | ({subject} if subject else set())
        if kind is Kind.REPORT and about not in (About.ADULT_AT_RISK, About.CONFLICT) and subject in self.roles:
            about = About.SELF if subject == reporter else described(self.roles[subject])
        closed = {
            About.HEADTEACHER: {Role.HEADTEACHER},
            About.CHAIR: {Role.CHAIR},
            About.CONFLICT: {Role.HEADTEACHER, Role.CHAIR},
        }
        if kind is Kind.REPORT:
            found |= {who for who, roles in self.roles.items() if roles & closed.get(about, set())}
        return found - {reporter}

    def free(self, case: Known, gone: set[str]) -> list[str]:
        """Who is on the roster, never barred, and not there already."""
        return [who for who in self.roles if who not in case.never | gone | {case.reporter} and who not in case.given]

    def next_in_line(self, case: Known, gone: set[str], step: int) -> list[str]:
        """Who may still be given it from this step on: free, and with the role of the line."""
        return [who for who in case.line[step:] if who in self.free(case, gone) and self.roles[who] & LATER]

    def heirs(self, case: Known, by: str, step: int) -> dict[str, Roles] | None:
        """Whom it goes to when somebody steps back: no one new while others have it; None where nobody could."""
        if any(self.handles(case, who) for who in case.given if who != by):
            return {}
        if line := self.next_in_line(case, {by}, step):
            return {line[0]: LATER}
        above = [who for who in case.above if who in self.free(case, {by}) and Role.CHAIR in self.roles[who]]
        return {above[0]: frozenset({Role.CHAIR})} if above else None

    def reroutable(self, case: Known, about: About, subject: str | None) -> bool:
        """Whether it can be sent that way: an open report, about somebody the school knows."""
        known = subject is None or subject in self.roles
        return case.kind is Kind.REPORT and about is not About.NOBODY and case.state is not State.CLOSED and known

    def rerouted(self, case: Known, by: str, about: About, subject: str | None, line: list[str]) -> bool:
        """It was sent that way, with this line behind it; whether anybody has it, or it stays with who sent it."""
        case.never |= self.never(Kind.REPORT, about, case.reporter, subject, frozenset())
        roles = {case.reporter: frozenset[Role]()} | self.roles
        decides = wanted(Kind.REPORT, about, case.reporter, subject, roles)
        case.given, case.line = self.granted(decides, case.never, case.reporter), line
        case.above = self.above(decides, {*case.never, *case.given, *line, case.reporter})
        case.state, case.owner = State.SUBMITTED, None
        if case.given:
            return True
        case.given, case.above = {by: frozenset(Role)}, []
        return False
