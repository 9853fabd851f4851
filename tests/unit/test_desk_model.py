"""Random people do random things to the desk, beside a model so simple that it can be read.

The model's rights are written out by hand here and know nothing of the routing table.
"""

import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
import structlog
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bot.cases import pointers, routing, views
from bot.cases.desk import Desk
from bot.cases.model import About, CaseView, Illegal, Kind, NoRoute, Receipt, Refused, Stale, State, Urgency
from bot.cases.routing import Roster
from bot.model import Person, Role
from tests.guards import without_guard
from tests.small_school import NUMBERS, PEOPLE, HandClock, MemoryCaseStore, filing, person

T = TypeVar("T")
SECRET = "xylophone"
INTERNAL = "quokka"
NEW = person("nia", Role.SLT, Role.DEPUTY_DSL)
EVERYBODY = (*PEOPLE, NEW)
BY_ID = {each.id: each for each in EVERYBODY}
ROLES = {each.id: each.roles for each in EVERYBODY}
OTHER_ROLES = (frozenset({Role.STAFF}), frozenset({Role.SLT}), frozenset({Role.HEADTEACHER}), frozenset({Role.CHAIR}))

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

_PERSON = st.sampled_from([each.id for each in EVERYBODY])
_SUBJECT = st.sampled_from([None, None, "tom", "gus", "sam", "sita", "hannah", "chloe"])
_ABOUT = st.sampled_from([*About])
_CASE = st.integers(0, 2)
_APT = st.sampled_from([True, True, False])
"""Whether somebody acts who may, so that stories go far; who may not is tried as well."""


def now(work: Coroutine[Any, Any, T]) -> T:
    """What work gives that never waits."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("it waited")


def wanted(kind: Kind, about: About, reporter: str, subject: str | None, roles: Mapping[str, frozenset[Role]]) -> Role:
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


def described(roles: frozenset[Role]) -> About:
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
    given: dict[str, frozenset[Role]]
    never: set[str]
    excluded: frozenset[str]
    state: State = State.SUBMITTED
    owner: str | None = None
    withdrawn: bool = False
    hold: bool = False
    urgent: bool = False
    line: list[str] = field(default_factory=list)
    above: list[str] = field(default_factory=list)


class DeskMachine(RuleBasedStateMachine):
    """The desk with a store in memory, and the model beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.roles = {each.id: each.roles for each in PEOPLE}
        self.store, self.clock = MemoryCaseStore(), HandClock()
        self.desk = Desk(self.store, self.roster(), self.clock, NUMBERS)
        self.cases: list[Known] = []
        self.touched: Known | None = None

    def roster(self) -> Roster:
        return Roster([Person(id, BY_ID[id].name, roles, BY_ID[id].accounts) for id, roles in self.roles.items()])

    # What the model expects

    def handles(self, case: Known, who: str) -> bool:
        return (
            who in self.roles
            and who in case.given
            and who not in case.never
            and who != case.reporter
            and bool(case.given[who] & self.roles[who])
        )

    def granted(self, role: Role, case_never: set[str], reporter: str) -> dict[str, frozenset[Role]]:
        accepted = frozenset({Role.SLT, Role.HEADTEACHER} if role is Role.SLT else {role})
        if role is Role.IT:
            return {}
        return {
            who: accepted
            for who, roles in self.roles.items()
            if roles & accepted and who not in case_never and who != reporter
        }

    def above(self, decides: Role, without: set[str]) -> list[str]:
        """Who is next when a headteacher who has it alone steps back."""
        chairs = [who for who, roles in self.roles.items() if Role.CHAIR in roles and who not in without]
        return chairs if decides is Role.HEADTEACHER else []

    def free(self, case: Known, gone: set[str]) -> list[str]:
        """Who is on the roster, never barred, and not there already."""
        return [who for who in self.roles if who not in case.never | gone | {case.reporter} and who not in case.given]

    def never(self, kind: Kind, about: About, reporter: str, subject: str | None, excluded: frozenset[str]) -> set[str]:
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

    def pick(self, number: int) -> Known:
        case = self.cases[number % len(self.cases)]
        self.touched = case
        return case

    def apt(self, case: Known, by: str, apt: bool) -> str:
        handlers = [who for who in BY_ID if self.handles(case, who)]
        return handlers[list(BY_ID).index(by) % len(handlers)] if apt and handlers else by

    def unchanged(self, case: Known) -> Callable[[], bool]:
        before, story = self.store.cases[case.ref], len(self.store.stories[case.ref])
        return lambda: self.store.cases[case.ref] == before and len(self.store.stories[case.ref]) == story

    # What people do

    @precondition(lambda self: len(self.cases) < 3)
    @rule(
        kind=st.sampled_from([Kind.REPORT] * 5 + [*Kind]),
        about=_ABOUT,
        reporter=_PERSON,
        subject=_SUBJECT,
        excluded=st.frozensets(_PERSON, max_size=2),
        urgent=st.booleans(),
    )
    def file(
        self, kind: Kind, about: About, reporter: str, subject: str | None, excluded: frozenset[str], urgent: bool
    ) -> None:
        what = filing(
            about,
            BY_ID[reporter],
            kind,
            subject,
            excluded,
            answers={"What happened?": SECRET},
            urgency=Urgency.HIGH if urgent else Urgency.NORMAL,
        )
        receipt = now(self.desk.file(what))
        if reporter not in self.roles:
            assert isinstance(receipt, NoRoute)
            return
        never = self.never(kind, about, reporter, subject, excluded)
        given = self.granted(wanted(kind, about, reporter, subject, self.roles), never, reporter)
        assert isinstance(receipt, Receipt) == bool(given), (receipt, given)
        if isinstance(receipt, Receipt):
            assert {each.id for each in receipt.route.handlers} == set(given)
            line = [each.id for each in receipt.route.on_silence]
            assert not never & set(line)
            assert not (receipt.route.channel and any(self.desk.roster.reads_channel(who) for who in never))
            assert reporter not in line
            above = self.above(wanted(kind, about, reporter, subject, self.roles), {*never, *given, *line, reporter})
            assert [each.id for each in receipt.route.on_recusal] == above
            case = Known(receipt.ref, kind, reporter, given, never, excluded, urgent=urgent, line=line, above=above)
            self.cases.append(case)
            self.touched = case

    @precondition(lambda self: self.cases)
    @rule(
        which=_CASE,
        apt=_APT,
        by=_PERSON,
        action=st.sampled_from([*HANDLERS_MAY, *REPORTERS_MAY, "acknowledge", "acknowledge"]),
    )
    def act(self, which: int, apt: bool, by: str, action: str) -> None:
        case = self.pick(which)
        by = case.reporter if apt and action in REPORTERS_MAY else self.apt(case, by, apt)
        same = self.unchanged(case)
        answer = now(self._do(action, case.ref, BY_ID[by]))
        if not self._may(case, by, action):
            assert answer == Refused()
            assert same()
        elif self._legal(case, action):
            assert isinstance(answer, CaseView), answer
            self._did(case, by, action)
        elif action == "acknowledge" and case.state in TAKEN:
            assert isinstance(answer, CaseView if case.owner == by else Stale)
        else:
            assert isinstance(answer, Illegal), answer

    @precondition(lambda self: self.cases)
    @rule(which=_CASE, apt=_APT, by=_PERSON, to=_PERSON)
    def assign(self, which: int, apt: bool, by: str, to: str) -> None:
        case = self.pick(which)
        by = self.apt(case, by, apt)
        same = self.unchanged(case)
        answer = now(self.desk.assign(case.ref, BY_ID[by], to))
        if not self.handles(case, by):
            assert answer == Refused()
            assert same()
        elif not self.handles(case, to) or case.state is State.CLOSED:
            assert isinstance(answer, Illegal)
        else:
            assert isinstance(answer, CaseView)
            if by == to:
                case.state = State.ACKNOWLEDGED if case.state in UNTAKEN else case.state
            else:
                case.state = case.state if case.state in UNTAKEN else State.SUBMITTED
            case.owner = to

    @precondition(lambda self: self.cases)
    @rule(which=_CASE, apt=_APT, by=_PERSON)
    def recuse(self, which: int, apt: bool, by: str) -> None:
        case = self.pick(which)
        by = self.apt(case, by, apt)
        same = self.unchanged(case)
        answer = now(self.desk.recuse(case.ref, BY_ID[by], INTERNAL))
        if not self.handles(case, by):
            assert answer == Refused()
            assert same()
            return
        others = [who for who in case.given if who != by and self.handles(case, who)]
        heirs = self._heirs(case, {by})
        above = [who for who in case.above if who in self.free(case, {by}) and Role.CHAIR in self.roles[who]]
        if not others and not heirs and not above:
            assert isinstance(answer, Illegal)
            return
        assert answer is None
        case.never.add(by)
        if not others and heirs:
            self._inherit(case, heirs[0])
        elif not others:
            case.given[above[0]] = frozenset({Role.CHAIR})
        if case.owner == by:
            case.owner = None
            case.state = case.state if case.state in (State.CLOSED, State.REOPENED) else State.SUBMITTED

    @precondition(lambda self: self.cases)
    @rule(which=_CASE, apt=_APT, by=_PERSON, about=_ABOUT, subject=_SUBJECT)
    def reroute(self, which: int, apt: bool, by: str, about: About, subject: str | None) -> None:
        case = self.pick(which)
        by = self.apt(case, by, apt)
        same = self.unchanged(case)
        answer = now(self.desk.reroute(case.ref, BY_ID[by], about, subject, INTERNAL))
        if not self.handles(case, by):
            assert answer == Refused()
            assert same()
            return
        unknown = subject is not None and subject not in self.roles
        if case.kind is not Kind.REPORT or about is About.NOBODY or case.state is State.CLOSED or unknown:
            assert isinstance(answer, Illegal)
            return
        case.never |= self.never(Kind.REPORT, about, case.reporter, subject, frozenset())
        roles = {case.reporter: frozenset[Role]()} | self.roles
        decides = wanted(Kind.REPORT, about, case.reporter, subject, roles)
        case.given = self.granted(decides, case.never, case.reporter)
        case.line = list(self.store.cases[case.ref].concern.on_silence)
        case.above = self.above(decides, {*case.never, *case.given, *case.line, case.reporter})
        if not case.given:
            assert isinstance(answer, NoRoute)
            case.given, case.above = {by: frozenset(Role)}, []
        else:
            assert isinstance(answer, CaseView if self.handles(case, by) else type(None))
        case.state, case.owner = State.SUBMITTED, None

    @precondition(lambda self: self.cases)
    @rule(which=_CASE, hours=st.sampled_from([1, 30, 60]))
    def silence(self, which: int, hours: int) -> None:
        case = self.pick(which)
        self.clock.forward(hours=hours)
        due = self.store.cases[case.ref].due
        waits = case.state in UNTAKEN and due is not None and due <= self.clock.now()
        step = self.store.cases[case.ref].step
        heirs = self._heirs(case, set(), step)
        notices = len(self.store.notices)
        assert now(self.desk.escalate(case.ref)) == waits
        assert not now(self.desk.escalate(case.ref))
        assert all(each.destination.person for each in self.store.notices[notices:])
        if waits and heirs:
            self._inherit(case, heirs[0])

    @rule(who=_PERSON, roles=st.sampled_from([None, "back", *OTHER_ROLES]))
    def change_roster(self, who: str, roles: frozenset[Role] | str | None) -> None:
        if roles is None:
            self.roles.pop(who, None)
        else:
            self.roles[who] = ROLES[who] if isinstance(roles, str) else roles
        self.desk.roster = self.roster()
        self.touched = self.cases[0] if self.cases else None

    # What always holds

    @invariant()
    def only_the_entitled_see_the_case(self) -> None:
        case = self.touched
        if case is None:
            return
        stored = self.store.cases[case.ref]
        assert (stored.state, stored.owner, stored.withdrawn, stored.hold) == (
            case.state,
            case.owner,
            case.withdrawn,
            case.hold,
        )
        handlers = {who for who in BY_ID if self.handles(case, who)}
        for who, each in BY_ID.items():
            seen = now(self.desk.open(case.ref, each))
            reports = who == case.reporter and who in self.roles
            assert isinstance(seen, CaseView) == (who in handlers or reports), (who, seen)
            assert seen == Refused() or isinstance(seen, CaseView)
            eligible = {one.id for one in now(self.desk.eligible(case.ref, each))}
            assert eligible == (handlers if who in handlers else set())
            if isinstance(seen, CaseView):
                assert {one.id for one in seen.handlers} == handlers
            if reports:
                self._reads_nothing_internal(seen)

    @invariant()
    def lists_and_counts_are_what_is_visible(self) -> None:
        for who, each in BY_ID.items():
            given = {one.ref for one in self.cases if one.state is not State.CLOSED and self.handles(one, who)}
            queue = now(self.desk.queue(each))
            assert {one.ref for one in queue.cases} == given
            assert queue.total == len(given)
            assert now(self.desk.queue(each, 1)).total == len(given)
            sent = {one.ref for one in self.cases if one.reporter == who} if who in self.roles else set()
            own = now(self.desk.own(each))
            assert {one.ref for one in own.cases} == sent
            assert own.total == len(sent)
            for kind in (Kind.DECLARATION, Kind.JUSTIFICATION, Kind.REPORT):
                mine = {one.ref for one in self.cases if one.kind is kind and self.handles(one, who)}
                register = now(self.desk.register(each, kind))
                assert {one.ref for one in register.cases} == (mine if kind is not Kind.REPORT else set())

    @invariant()
    def notices_tell_nobody_what_is_not_theirs(self) -> None:
        for notice in self.store.notices[-12:]:
            case = next((one for one in self.cases if one.ref == notice.ref), None)
            assert case, "a notice of nothing"
            pointer, to = now(self.desk.pointer(notice)), notice.destination.person
            if to is not None:
                entitled = self.handles(case, to) or (to == case.reporter and to in self.roles)
                assert (pointer is not None) == entitled
            elif pointer is not None:
                assert not any(self.desk.roster.reads_channel(who) for who in case.never)
            assert SECRET not in f"{notice}{pointer}"
            assert INTERNAL not in f"{notice}{pointer}"

    def _reads_nothing_internal(self, seen: object) -> None:
        assert isinstance(seen, CaseView)
        assert INTERNAL not in repr(seen)
        assert {entry.what for entry in seen.story} <= REPORTER_READS
        assert not seen.summary.hold
        assert seen.may <= {"add", "withdraw"}

    # How it is done

    def _may(self, case: Known, by: str, action: str) -> bool:
        if action in REPORTERS_MAY:
            return by == case.reporter and by in self.roles
        return self.handles(case, by)

    def _legal(self, case: Known, action: str) -> bool:
        marks = {
            "withdraw": not case.withdrawn,
            "hold": not case.hold,
            "release": case.hold,
            "urgent": not case.urgent,
        }
        return case.state in (HANDLERS_MAY | REPORTERS_MAY)[action] and marks.get(action, True)

    def _did(self, case: Known, by: str, action: str) -> None:
        if action == "add" and case.state is State.WAITING:
            case.state = State.IN_PROGRESS
        case.state = BECOMES.get(action, case.state)
        case.owner = {"acknowledge": by, "reopen": None}.get(action, case.owner)
        case.withdrawn |= action == "withdraw"
        case.hold = {"hold": True, "release": False}.get(action, case.hold)
        case.urgent |= action == "urgent"

    def _do(self, action: str, ref: str, by: Person) -> Coroutine[Any, Any, object]:
        desk = self.desk
        if action == "acknowledge":
            return desk.acknowledge(ref, by)
        if action == "urgent":
            return desk.set_urgency(ref, by, Urgency.HIGH, INTERNAL)
        if action == "close":
            return desk.close(ref, by, INTERNAL, INTERNAL)
        words = "said to the reporter" if action in ("reply", "ask", "add", "withdraw") else INTERNAL
        work: Coroutine[Any, Any, object] = getattr(desk, action)(ref, by, words)
        return work

    def _heirs(self, case: Known, gone: set[str], step: int | None = None) -> list[str]:
        """Who may still be given it: on the roster, never barred, not there already, with the role of the line."""
        line = case.line[self.store.cases[case.ref].step if step is None else step :]
        later = {Role.DSL, Role.DEPUTY_DSL}
        return [who for who in line if who in self.free(case, gone) and self.roles[who] & later]

    def _inherit(self, case: Known, who: str) -> None:
        case.given[who] = frozenset({Role.DSL, Role.DEPUTY_DSL})


def _quiet(_logger: object, _name: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every line of the log is looked at, and none is kept."""
    assert SECRET not in repr(event)
    assert INTERNAL not in repr(event)
    assert not any(each.name in repr(event) for each in EVERYBODY)
    raise structlog.DropEvent


@pytest.fixture(autouse=True)
def watched_log() -> Any:
    """The log of these tests."""
    before = structlog.get_config()
    structlog.configure(processors=[_quiet])
    yield
    structlog.configure(**before)


STORIES = int(os.environ.get("CHARTER_STORIES", "800"))
"""How many random stories are told; `make prove` tells thousands."""


def test_whatever_people_do_the_model_holds() -> None:
    """Rights, states, exclusion, counts, notices and logs over many random stories."""
    run_state_machine_as_test(
        DeskMachine,
        settings=settings(max_examples=STORIES, stateful_step_count=10, deadline=None, database=None),
    )


@pytest.mark.parametrize(
    ("guard", "instead"),
    [
        pytest.param(routing.closed_to, lambda *_: frozenset(), id="who a case is kept from"),
        pytest.param(views.holds, lambda case, person: person.id in case.handlers, id="roles lost"),
        pytest.param(views.shows, lambda *_: True, id="internal events"),
        pytest.param(pointers.may_know, lambda *_: True, id="notices of cases lost"),
        pytest.param(routing.in_channel, lambda rule, *_: rule.channel, id="pointer in the channel"),
    ],
)
def test_without_a_guard_the_model_is_broken(
    guard: Callable[..., Any], instead: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stories above would find each guard missing."""
    without_guard(monkeypatch, guard, instead)
    once = settings(
        max_examples=1500,
        stateful_step_count=12,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        derandomize=True,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(DeskMachine, settings=once)
