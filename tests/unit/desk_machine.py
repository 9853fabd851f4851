"""A machine in which random people do random things to the desk, and after each step the model beside it must hold."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.cases.desk import Desk
from bot.cases.model import About, CaseView, Illegal, Kind, NoRoute, Receipt, Refused, Stale, State, Urgency
from bot.cases.routing import Roster
from bot.model import Person, Role
from tests.small_school import NUMBERS, HandClock, MemoryCaseStore, filing
from tests.unit.desk_model import (
    BY_ID,
    EVERYBODY,
    HANDLERS_MAY,
    REPORTER_READS,
    REPORTERS_MAY,
    TAKEN,
    UNTAKEN,
    Known,
    Model,
    wanted,
)

T = TypeVar("T")
SECRET = "xylophone"
INTERNAL = "quokka"
OTHER_ROLES = (frozenset({Role.STAFF}), frozenset({Role.SLT}), frozenset({Role.HEADTEACHER}), frozenset({Role.CHAIR}))

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


class DeskMachine(RuleBasedStateMachine):
    """The desk with a store in memory, and the model beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.store, self.clock = MemoryCaseStore(), HandClock()
        self.desk = Desk(self.store, self.roster(), self.clock, NUMBERS)
        self.touched: Known | None = None

    def roster(self) -> Roster:
        """The model's, as the desk reads it."""
        people = self.model.roles.items()
        return Roster([Person(id, BY_ID[id].name, roles, BY_ID[id].accounts) for id, roles in people])

    def pick(self, number: int) -> Known:
        """One of the cases, which is looked at afterwards."""
        self.touched = self.model.cases[number % len(self.model.cases)]
        return self.touched

    def apt(self, case: Known, by: str, apt: bool) -> str:
        """Somebody, or when it shall be apt one of the handlers."""
        handlers = self.model.handlers(case)
        return handlers[list(BY_ID).index(by) % len(handlers)] if apt and handlers else by

    def unchanged(self, case: Known) -> Callable[[], bool]:
        """Says later whether the case is stored as it is now."""
        before, story = self.store.cases[case.ref], len(self.store.stories[case.ref])
        return lambda: self.store.cases[case.ref] == before and len(self.store.stories[case.ref]) == story

    # What people do

    @initialize(about=st.sampled_from([About.STUDENT, About.PARENT, About.UNKNOWN]), taken=st.booleans(), by=_PERSON)
    def begin(self, about: About, taken: bool, by: str) -> None:
        """Every story has a case, and in every other one somebody has taken it: most of what can happen comes after that."""
        self.file(Kind.REPORT, about, "tess", None, frozenset(), False)
        if taken:
            self.act(0, True, by, "acknowledge")

    @precondition(lambda self: len(self.model.cases) < 3)
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
        if reporter not in self.model.roles:
            assert isinstance(receipt, NoRoute)
            return
        never = self.model.never(kind, about, reporter, subject, excluded)
        decides = wanted(kind, about, reporter, subject, self.model.roles)
        given = self.model.granted(decides, never, reporter)
        assert isinstance(receipt, Receipt) == bool(given), (receipt, given)
        if isinstance(receipt, Receipt):
            assert {each.id for each in receipt.route.handlers} == set(given)
            line = [each.id for each in receipt.route.on_silence]
            assert not never & set(line)
            assert not (receipt.route.channel and any(self.desk.roster.reads_channel(who) for who in never))
            assert reporter not in line
            above = self.model.above(decides, {*never, *given, *line, reporter})
            assert [each.id for each in receipt.route.on_recusal] == above
            case = Known(receipt.ref, kind, reporter, given, never, excluded, urgent=urgent, line=line, above=above)
            self.model.cases.append(case)
            self.touched = case

    @precondition(lambda self: self.model.cases)
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
        if not self.model.may(case, by, action):
            assert answer == Refused()
            assert same()
        elif case.legal(action):
            assert isinstance(answer, CaseView), answer
            case.did(by, action)
        elif action == "acknowledge" and case.state in TAKEN:
            assert isinstance(answer, CaseView if case.owner == by else Stale)
        else:
            assert isinstance(answer, Illegal), answer

    @precondition(lambda self: self.model.cases)
    @rule(which=_CASE, by=_PERSON, action=st.sampled_from([*HANDLERS_MAY, *REPORTERS_MAY, "ask", "close", "reopen"]))
    def act_as_one_may(self, which: int, by: str, action: str) -> None:
        self.act(which, True, by, action)

    @precondition(lambda self: self.model.cases)
    @rule(which=_CASE, apt=_APT, by=_PERSON, to=_PERSON)
    def assign(self, which: int, apt: bool, by: str, to: str) -> None:
        case = self.pick(which)
        by = self.apt(case, by, apt)
        same = self.unchanged(case)
        answer = now(self.desk.assign(case.ref, BY_ID[by], to))
        if not self.model.handles(case, by):
            assert answer == Refused()
            assert same()
        elif not self.model.handles(case, to) or case.state is State.CLOSED:
            assert isinstance(answer, Illegal)
        else:
            assert isinstance(answer, CaseView)
            case.assigned(by, to)

    @precondition(lambda self: self.model.cases)
    @rule(which=_CASE, apt=_APT, by=_PERSON)
    def recuse(self, which: int, apt: bool, by: str) -> None:
        case = self.pick(which)
        by = self.apt(case, by, apt)
        same = self.unchanged(case)
        answer = now(self.desk.recuse(case.ref, BY_ID[by], INTERNAL))
        if not self.model.handles(case, by):
            assert answer == Refused()
            assert same()
            return
        heirs = self.model.heirs(case, by, self.store.cases[case.ref].step)
        if heirs is None:
            assert isinstance(answer, Illegal)
        else:
            assert answer is None
            case.recused(by, heirs)

    @precondition(lambda self: self.model.cases)
    @rule(which=_CASE, apt=_APT, by=_PERSON, about=_ABOUT, subject=_SUBJECT)
    def reroute(self, which: int, apt: bool, by: str, about: About, subject: str | None) -> None:
        case = self.pick(which)
        by = self.apt(case, by, apt)
        same = self.unchanged(case)
        answer = now(self.desk.reroute(case.ref, BY_ID[by], about, subject, INTERNAL))
        if not self.model.handles(case, by):
            assert answer == Refused()
            assert same()
        elif not self.model.reroutable(case, about, subject):
            assert isinstance(answer, Illegal)
        elif self.model.rerouted(case, by, about, subject, list(self.store.cases[case.ref].concern.on_silence)):
            assert isinstance(answer, CaseView if self.model.handles(case, by) else type(None))
        else:
            assert isinstance(answer, NoRoute)

    @precondition(lambda self: self.model.cases)
    @rule(which=_CASE, hours=st.sampled_from([1, 30, 60]))
    def silence(self, which: int, hours: int) -> None:
        case = self.pick(which)
        self.clock.forward(hours=hours)
        due = self.store.cases[case.ref].due
        waits = case.state in UNTAKEN and due is not None and due <= self.clock.now()
        line = self.model.next_in_line(case, set(), self.store.cases[case.ref].step)
        notices = len(self.store.notices)
        assert now(self.desk.escalate(case.ref)) == waits
        assert not now(self.desk.escalate(case.ref))
        assert all(each.destination.person for each in self.store.notices[notices:])
        if waits and line:
            case.inherited(line[0])

    @rule(who=_PERSON, roles=st.sampled_from([None, "back", *OTHER_ROLES]))
    def change_roster(self, who: str, roles: frozenset[Role] | str | None) -> None:
        if roles is None:
            self.model.roles.pop(who, None)
        else:
            self.model.roles[who] = BY_ID[who].roles if isinstance(roles, str) else roles
        self.desk.roster = self.roster()
        self.touched = self.model.cases[0] if self.model.cases else None

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
        handlers = {*self.model.handlers(case)}
        for who, each in BY_ID.items():
            seen = now(self.desk.open(case.ref, each))
            reports = self.model.reports(case, who)
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
            handled = [one for one in self.model.cases if self.model.handles(one, who)]
            given = {one.ref for one in handled if one.state is not State.CLOSED}
            queue = now(self.desk.queue(each))
            assert {one.ref for one in queue.cases} == given
            assert queue.total == len(given)
            assert now(self.desk.queue(each, 1)).total == len(given)
            sent = {one.ref for one in self.model.cases if self.model.reports(one, who)}
            own = now(self.desk.own(each))
            assert {one.ref for one in own.cases} == sent
            assert own.total == len(sent)
            for kind in (Kind.DECLARATION, Kind.JUSTIFICATION, Kind.REPORT):
                mine = {one.ref for one in handled if one.kind is kind}
                register = now(self.desk.register(each, kind))
                assert {one.ref for one in register.cases} == (mine if kind is not Kind.REPORT else set())

    @invariant()
    def notices_tell_nobody_what_is_not_theirs(self) -> None:
        for notice in self.store.notices[-12:]:
            case = next((one for one in self.model.cases if one.ref == notice.ref), None)
            assert case, "a notice of nothing"
            pointer, to = now(self.desk.pointer(notice)), notice.destination.person
            if to is not None:
                assert (pointer is not None) == (self.model.handles(case, to) or self.model.reports(case, to))
            elif pointer is not None:
                assert not any(self.desk.roster.reads_channel(who) for who in case.never)
            assert SECRET not in f"{notice}{pointer}"
            assert INTERNAL not in f"{notice}{pointer}"

    # How it is done

    def _reads_nothing_internal(self, seen: object) -> None:
        assert isinstance(seen, CaseView)
        assert INTERNAL not in repr(seen)
        assert {entry.what for entry in seen.story} <= REPORTER_READS
        assert not seen.summary.hold
        assert seen.may <= {"add", "withdraw"}

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
