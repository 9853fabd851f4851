"""Stepping back: whoever does loses the case for good; where nobody else had it, it goes to whoever stands above."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.changes import Change, changed
from bot.cases.model import About, CaseView, Filing, Illegal, Kind, Receipt, Refused, State
from bot.notices.model import NoticeKind
from tests.office import Office, seen
from tests.small_school import CHAIR, DORA, GOVERNOR, HEAD, PEOPLE, SAM, SITA, TESS, TOM, WITH_DORA, filing

SECRET = "xylophone"


@pytest.mark.parametrize("taken", [False, True], ids=["untaken", "taken"])
@pytest.mark.parametrize(
    "what",
    [
        filing(About.SELF),
        filing(About.COLLEAGUE, subject="tom"),
        filing(About.GOVERNOR, subject="gus"),
        filing(About.SLT_OR_DSL, subject="sam"),
        filing(About.SELF, kind=Kind.DECLARATION),
        filing(About.SELF, kind=Kind.JUSTIFICATION),
    ],
    ids=lambda what: f"{what.kind} {what.about}",
)
async def test_what_the_head_alone_handles_goes_to_the_chair_when_the_head_steps_back(
    office: Office, what: Filing, taken: bool
) -> None:
    """As the reporter was shown before sending; the chair alone, who is told and must take it in time, and reads why."""
    receipt = await office.desk.file(what)
    assert isinstance(receipt, Receipt)
    assert receipt.route.on_recusal == (CHAIR,)
    if taken:
        seen(await office.desk.acknowledge(receipt.ref, HEAD))
    office.clock.forward(days=9)
    office.store.notices.clear()
    assert await office.desk.recuse(receipt.ref, HEAD, SECRET) is None
    assert {(each.kind, each.destination.name) for each in office.store.notices} == {
        (NoticeKind.POINTER, "person:chloe")
    }
    for each in PEOPLE:
        if each not in (CHAIR, TESS):
            assert await office.desk.open(receipt.ref, each) == Refused()
    view = seen(await office.desk.acknowledge(receipt.ref, CHAIR))
    assert [(entry.by, entry.words) for entry in view.story if entry.what == "recused"] == [("Hannah", SECRET)]


async def test_the_wait_begins_anew_for_whom_a_stepping_back_brings_in(office: Office) -> None:
    """Also when the time of the one who left had run out for good."""
    ref = await office.filed(filing(About.COLLEAGUE))
    office.store.cases[ref] = replace(office.store.cases[ref], due=None, step=4)
    assert await office.desk.recuse(ref, HEAD, "I know them") is None
    assert (office.store.cases[ref].due, office.store.cases[ref].step) == (office.clock.now() + timedelta(days=1), 0)


@pytest.mark.parametrize(
    "what",
    [
        filing(About.COLLEAGUE, excluded=frozenset({"chloe"})),
        filing(About.CHAIR),
        filing(About.GOVERNOR, subject="chloe"),
        filing(About.COLLEAGUE, reporter=CHAIR),
    ],
    ids=["kept out", "about the chair", "about the chair by name", "sent by the chair"],
)
async def test_a_chair_who_may_not_have_it_is_not_given_it(office: Office, what: Filing) -> None:
    """Exclusion beats the line above too: the head keeps it, and can only send it another way."""
    receipt = await office.desk.file(what)
    assert isinstance(receipt, Receipt)
    assert receipt.route.on_recusal == ()
    assert isinstance(await office.desk.recuse(receipt.ref, HEAD, "I know them"), Illegal)
    assert isinstance(await office.desk.open(receipt.ref, HEAD), CaseView)


async def test_a_school_names_who_is_next_when_the_chair_steps_back() -> None:
    """A vice-chair by id, for a report about the headteacher, who never sees it."""
    table = changed([Change(Kind.REPORT, About.HEADTEACHER, on_recusal=("gus",))], PEOPLE)
    office = Office(table=table)
    receipt = await office.desk.file(filing(About.HEADTEACHER))
    assert isinstance(receipt, Receipt)
    assert receipt.route.on_recusal == (GOVERNOR,)
    assert await office.desk.recuse(receipt.ref, CHAIR, "We are friends") is None
    assert isinstance(await office.desk.open(receipt.ref, GOVERNOR), CaseView)
    assert await office.desk.open(receipt.ref, HEAD) == Refused()


def test_a_line_above_that_would_tell_those_it_may_be_about_stops_the_start() -> None:
    """Held to the same rules as the other lines."""
    with pytest.raises(ValueError, match="send it to chair"):
        changed([Change(Kind.REPORT, About.CHAIR, on_recusal=("chair",))], PEOPLE)


async def test_a_handler_who_steps_back_loses_the_case_for_good(office: Office) -> None:
    """The others have it to take; the reporter does not learn of it; a re-route does not bring it back."""
    ref = await office.taken()
    office.store.notices.clear()
    assert await office.desk.recuse(ref, SAM, SECRET) is None
    assert await office.desk.open(ref, SAM) == Refused()
    assert office.told(NoticeKind.POINTER) == {"person:hannah", "person:sita"}
    view = await office.desk.open(ref, TESS)
    assert isinstance(view, CaseView)
    assert (view.summary.state, view.summary.owner) == (State.SUBMITTED, None)
    assert "recused" not in repr(view)
    seen(await office.desk.reroute(ref, SITA, About.PARENT, None, "a parent"))
    assert await office.desk.open(ref, SAM) == Refused()


async def test_the_last_handler_cannot_step_back_into_nothing(office: Office) -> None:
    """Where nobody else could have it the case stays; where somebody stands in line they get it."""
    alone = await office.filed(filing(About.HEADTEACHER))
    assert isinstance(await office.desk.recuse(alone, CHAIR, "I know them"), Illegal)
    office.desk.roster = WITH_DORA
    ref = await office.filed()
    for each in (SAM, SITA, HEAD):
        assert await office.desk.recuse(ref, each, "I know them") is None
    assert isinstance(await office.desk.open(ref, DORA), CaseView)
    assert "person:dora" in office.told(NoticeKind.POINTER)


async def test_stepping_back_needs_a_reason_and_a_case(office: Office) -> None:
    """Blank reasons change nothing; strangers learn nothing."""
    ref = await office.filed()
    assert isinstance(await office.desk.recuse(ref, SAM, "  "), Illegal)
    assert await office.desk.recuse(ref, TOM, "why") == Refused()
    assert await office.desk.recuse("CC-CCC", SAM, "why") == Refused()
