"""What a case store promises: the one of the unit tests, SQLite's and PostgreSQL's alike."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.cases.desk import Desk
from bot.cases.model import About, CaseView, Illegal, Kind, Receipt, Refused, Stale, State, Urgency
from bot.cases.record import Act, Case, Concern, Event
from bot.model import Destination, Role
from bot.notices.model import Notice, NoticeKind
from bot.ports import CaseStore
from bot.storage.rows import role_bits
from tests.shelf import Shelf
from tests.small_school import HEAD as HEADTEACHER
from tests.small_school import (
    NUMBERS,
    ROSTER,
    SAM,
    SITA,
    TESS,
    TOM,
    HandClock,
    filing,
)

NOW = HandClock().now()


async def test_a_case_comes_back_as_it_was_filed(store: CaseStore) -> None:
    """Every part of it, words verbatim and in order, handlers in the order shown."""
    desk = Desk(store, ROSTER, HandClock(), NUMBERS)
    answers = {"Zwei": "  “quoted” \n😀 ", "A": "<b>&amp;"}
    what = filing(answers=answers, urgency=Urgency.HIGH, subject=None, excluded=frozenset({"tom"}))
    receipt = await desk.file(what)
    assert isinstance(receipt, Receipt)
    view = await desk.open(receipt.ref, SAM)
    assert isinstance(view, CaseView)
    assert list(view.answers.items()) == list(answers.items())
    assert (view.summary.kind, view.summary.urgency, view.summary.state) == (Kind.REPORT, Urgency.HIGH, State.SUBMITTED)
    assert await desk.file(what) == receipt
    assert [each.id for each in receipt.route.handlers] == ["hannah", "sam", "sita"]


async def test_both_stores_tell_one_story(store: CaseStore) -> None:
    """A whole life of a case, with what is refused on the way."""
    clock = HandClock()
    desk = Desk(store, ROSTER, clock, NUMBERS)
    receipt = await desk.file(filing())
    assert isinstance(receipt, Receipt)
    ref = receipt.ref
    answers = [
        await desk.acknowledge(ref, SAM),
        await desk.acknowledge(ref, SITA),
        await desk.reply(ref, SITA, "hello"),
        await desk.reply(ref, TOM, "hello"),
        await desk.add(ref, TESS, "more"),
        await desk.close(ref, SAM, "Advice given", "told"),
        await desk.close(ref, SAM, "Advice given", "told"),
        await desk.reopen(ref, HEADTEACHER, "again"),
    ]
    kinds = [type(each) for each in answers]
    assert kinds == [CaseView, Stale, CaseView, Refused, CaseView, CaseView, Illegal, CaseView]
    last = answers[-1]
    assert isinstance(last, CaseView)
    told = [(entry.what, entry.by, entry.words) for entry in last.story if entry.what != "opened"]
    assert told == [
        ("filed", "Tess", ""),
        ("acknowledged", "Sam", ""),
        ("replied", "Sita", "hello"),
        ("added", "Tess", "more"),
        ("closed", "Sam", "Advice given: told"),
        ("reopened", "Hannah", "again"),
    ]
    assert [each.ref for each in await store.handled_by("sita")] == [ref]
    assert [each.ref for each in await store.reported_by("tess")] == [ref]


async def test_a_change_to_an_older_version_is_not_written(store: CaseStore) -> None:
    """Compare-and-set: the second of two writers of one version changes nothing."""
    receipt = await Desk(store, ROSTER, HandClock(), NUMBERS).file(filing())
    assert isinstance(receipt, Receipt)
    case = await store.find(receipt.ref)
    assert case is not None
    (event,) = await store.story(receipt.ref)
    assert await store.write(replace(case, owner="sam"), event, ())
    assert not await store.write(replace(case, owner="sita"), event, ())
    after = await store.find(receipt.ref)
    assert after is not None
    assert (after.owner, after.version) == ("sam", case.version + 1)
    assert len(await store.story(receipt.ref)) == 2


def given(ref: str, *handlers: str, needs: Role = Role.SLT, **changed: object) -> Case:
    """A case as the desk would write it."""
    case = Case(ref, Kind.REPORT, Urgency.NORMAL, "tess", NOW, handlers, Concern(About.STUDENT, frozenset({needs})))
    return replace(case, **changed)


async def keep(store: CaseStore, *cases: Case) -> None:
    """Store them."""
    for case in cases:
        assert await store.create(case, f"draft of {case.ref}", Event(Act.FILED, case.reporter, NOW, "Tess"), ())


def refs(cases: tuple[Case, ...]) -> list[str]:
    """Their references."""
    return [case.ref for case in cases]


async def test_everything_that_may_change_is_written(store: CaseStore) -> None:
    """Handlers, concern and every mark; what was before is gone."""
    case = given("K7-QM3", "hannah", "sam", "sita", due=NOW)
    await keep(store, case)
    concern = replace(
        case.concern, about=About.COLLEAGUE, subject="sam", closed_to=frozenset({"sam"}), on_silence=("chloe",)
    )
    changed = replace(
        case,
        concern=concern,
        handlers=("chloe", "hannah"),
        urgency=Urgency.HIGH,
        state=State.WAITING,
        owner="hannah",
        due=NOW + timedelta(hours=1),
        step=2,
        hold=True,
        withdrawn=True,
        review=date(2025, 4, 1),
    )
    assert await store.write(changed, Event(Act.REROUTED, "hannah", NOW, "Hannah"), ())
    assert await store.find(case.ref) == replace(changed, version=2)
    assert refs(await store.handled_by("sam")) == []
    assert refs(await store.handled_by("chloe")) == [case.ref]


async def test_a_line_shows_what_is_due_first_and_closed_ones_last(store: CaseStore) -> None:
    """Due soonest, then without a due time the oldest, then closed; never more than asked for, but all are counted."""
    hours = [timedelta(hours=number) for number in range(4)]
    await keep(
        store,
        given("CC-CCC", "sam", opened=NOW + hours[2]),
        given("DD-DDD", "sam", opened=NOW + hours[1]),
        given("FF-FFF", "sam", opened=NOW + hours[3], due=NOW + hours[3]),
        given("HH-HHH", "sam", opened=NOW, due=NOW + hours[3]),
        given("JJ-JJJ", "sam", opened=NOW + hours[3], due=NOW + hours[1]),
        given("KK-KKK", "sam", opened=NOW, state=State.CLOSED),
        given("MM-MMM", "sita", opened=NOW),
        given("NN-NNN", "sam", kind=Kind.DECLARATION, opened=NOW + hours[3]),
    )
    line = ["JJ-JJJ", "HH-HHH", "FF-FFF", "DD-DDD", "CC-CCC", "NN-NNN"]
    assert refs(await store.handled_by("sam")) == line
    assert refs(await store.handled_by("sam", closed=True)) == [*line, "KK-KKK"]
    assert refs(await store.handled_by("sam", limit=2, closed=True)) == line[:2]
    assert refs(await store.handled_by("sam", frozenset({Kind.DECLARATION}))) == ["NN-NNN"]
    assert [await store.count_handled("sam", closed=closed) for closed in (False, True)] == [6, 7]
    assert await store.count_handled("sam", frozenset({Kind.DECLARATION, Kind.QUESTION})) == 1


async def test_closing_and_opening_again_moves_a_case_in_its_line(store: CaseStore) -> None:
    """The line follows the case."""
    await keep(store, given("CC-CCC", "sam", due=NOW), given("DD-DDD", "sam", due=NOW + timedelta(hours=1)))
    event = Event(Act.CLOSED, "sam", NOW, "Sam")
    assert await store.write(given("CC-CCC", "sam", state=State.CLOSED), event, ())
    assert refs(await store.handled_by("sam")) == ["DD-DDD"]
    assert refs(await store.overdue(NOW)) == []
    again = given("CC-CCC", "sam", state=State.REOPENED, due=NOW + timedelta(hours=2), version=2)
    assert await store.write(again, event, ())
    assert refs(await store.handled_by("sam")) == ["DD-DDD", "CC-CCC"]


async def test_a_line_holds_only_what_the_roles_open(store: CaseStore) -> None:
    """A role that was lost takes its cases out of list and count; one who is named needs none."""
    named = Concern(About.GOVERNOR, frozenset({Role.CHAIR}), also={"sam": frozenset()})
    other = Concern(About.STUDENT, frozenset({Role.SLT}), also={"sam": frozenset({Role.DPO, Role.DSL})})
    await keep(
        store,
        given("CC-CCC", "sam"),
        given("DD-DDD", "sam", needs=Role.DSL, opened=NOW + timedelta(hours=1)),
        given("FF-FFF", "sam", concern=named, opened=NOW + timedelta(hours=2)),
        given("HH-HHH", "sam", concern=other, opened=NOW + timedelta(hours=3)),
        given("JJ-JJJ", "sam", concern=Concern(About.STUDENT, frozenset())),
    )
    expected = {Role.SLT: ["CC-CCC", "FF-FFF"], Role.DSL: ["DD-DDD", "FF-FFF", "HH-HHH"], Role.STAFF: ["FF-FFF"]}
    for role, opened in expected.items():
        assert refs(await store.handled_by("sam", roles=frozenset({role}))) == opened
        assert await store.count_handled("sam", roles=frozenset({role})) == len(opened)
    assert refs(await store.handled_by("sam", roles=frozenset())) == ["FF-FFF"]


def test_each_role_has_a_bit_of_its_own() -> None:
    """They stand in databases, so they never change."""
    assert [role_bits(frozenset({role})) for role in Role] == [2**place for place in range(len(Role))]


async def test_overdue_cases_come_longest_first(store: CaseStore) -> None:
    """At the minute itself a case is overdue; one that nobody waits for never is."""
    minute = timedelta(minutes=1)
    await keep(
        store,
        given("CC-CCC", "sam", due=NOW),
        given("DD-DDD", "sam", due=NOW - minute),
        given("FF-FFF", "sam", due=NOW + minute),
        given("HH-HHH", "sam"),
    )
    assert refs(await store.overdue(NOW)) == ["DD-DDD", "CC-CCC"]
    assert refs(await store.overdue(NOW, limit=1)) == ["DD-DDD"]


async def test_own_cases_come_newest_first(store: CaseStore) -> None:
    """As many as are asked for, and counted."""
    await keep(
        store,
        given("CC-CCC", "sam"),
        given("DD-DDD", "sam", opened=NOW + timedelta(hours=1)),
        given("FF-FFF", "sam", reporter="tom"),
    )
    assert refs(await store.reported_by("tess")) == ["DD-DDD", "CC-CCC"]
    assert refs(await store.reported_by("tess", limit=1)) == ["DD-DDD"]
    assert await store.count_reported("tess") == 2


async def test_many_who_take_a_case_at_once_have_one_winner(shelf: Shelf) -> None:
    """On the real database, on several connections."""
    ref = await shelf.filed()
    answers = await asyncio.gather(*(shelf.desk.acknowledge(ref, each) for each in (SAM, SITA, HEADTEACHER)))
    assert sorted(type(each).__name__ for each in answers) == ["CaseView", "Stale", "Stale"]
    assert await shelf.rows("SELECT count(*) FROM case_events WHERE act = 'acknowledged'") == [(1,)]
    assert await shelf.rows("SELECT count(*) FROM notices WHERE kind = 'acknowledged'") == [(1,)]


async def test_one_draft_filed_many_times_at_once_is_one_case(shelf: Shelf) -> None:
    """On the real database, on several connections."""
    receipts = await asyncio.gather(*(shelf.desk.file(filing(draft="d")) for _ in range(8)))
    assert len({repr(each) for each in receipts}) == 1
    assert await shelf.rows("SELECT count(*) FROM cases") == [(1,)]
    assert await shelf.rows("SELECT count(*) FROM notices") == [(1,)]


async def test_a_filing_that_fails_leaves_nothing(shelf: Shelf) -> None:
    """Case, event, content, notice and the draft's removal are one transaction."""
    await shelf.memory.save_draft("d", TESS, "report", {"what": "words"})
    now = shelf.clock.now()
    case = Case("K7-QM3", Kind.REPORT, Urgency.NORMAL, "tess", now, ("sam",), Concern(About.STUDENT, frozenset()))
    twice = Notice("n", Destination("sam"), NoticeKind.POINTER, case.ref, now)
    with pytest.raises(IntegrityError):
        await shelf.cases.create(case, "d", Event(Act.FILED, "tess", now, "Tess"), [twice, twice])
    counts = """
        SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM case_handlers), (SELECT count(*) FROM case_events),
               (SELECT count(*) FROM case_content), (SELECT count(*) FROM notices)
    """
    assert await shelf.rows(counts) == [(0, 0, 0, 0, 0)]
    assert await shelf.memory.load_draft("d", TESS) is not None


async def test_events_cannot_be_changed_or_removed(shelf: Shelf) -> None:
    """The database itself refuses."""
    await shelf.filed()
    for change in (
        "UPDATE case_events SET person = 'x'",
        "DELETE FROM case_events",
        "INSERT INTO case_events SELECT * FROM case_events",
    ):
        with pytest.raises(IntegrityError, match=r"append-only|duplicate key"):
            async with shelf.database.writing() as tx:
                await tx.execute(text(change))


async def test_content_can_go_while_the_events_stay(shelf: Shelf) -> None:
    """What retention will delete leaves a story without words, and a case that still opens."""
    ref = await shelf.filed()
    async with shelf.database.writing() as tx:
        await tx.execute(text("DELETE FROM case_content"))
    view = await shelf.desk.open(ref, SAM)
    assert isinstance(view, CaseView)
    assert [entry.what for entry in view.story] == ["filed", "opened"]
    assert not view.answers
