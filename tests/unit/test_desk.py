"""The desk: who may do what, in which order, and who is told."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bot.cases.model import (
    About,
    CaseView,
    Illegal,
    Kind,
    Listing,
    NoRoute,
    Receipt,
    Refused,
    Stale,
    State,
    Urgency,
)
from bot.cases.moves import MOVES
from bot.cases.reference import ALPHABET, as_reference, new_reference
from bot.model import Role
from bot.notices.model import NoticeKind
from tests.office import Office, seen
from tests.small_school import (
    HEAD,
    PEOPLE,
    SAM,
    SITA,
    TESS,
    TOM,
    MemoryCaseStore,
    filing,
    person,
    without,
)

SECRET = "xylophone"


async def test_filing_gives_a_receipt_with_the_real_handlers(office: Office) -> None:
    """The receipt names who can open it, and the desk wakes the worker."""
    receipt = await office.desk.file(filing())
    assert isinstance(receipt, Receipt)
    assert {each.id for each in receipt.route.handlers} == {"hannah", "sam", "sita"}
    assert office.wake.is_set()


async def test_filing_one_draft_twice_stores_it_once(office: Office) -> None:
    """A second press of the button gives the same receipt and no second notice."""
    what = filing(draft="d1")
    first, second = await asyncio.gather(office.desk.file(what), office.desk.file(what))
    assert first == second == await office.desk.file(what)
    assert len(office.store.cases) == 1
    assert len(office.store.notices) == 1


async def test_another_persons_draft_id_opens_nothing_of_theirs(office: Office) -> None:
    """A forged draft id makes a case of one's own."""
    theirs = await office.filed(filing(draft="d1", reporter=TOM))
    assert await office.filed(filing(draft="d1", reporter=TESS)) != theirs


async def test_without_a_route_nothing_is_stored(office: Office) -> None:
    """No safe recipient: no case, no notice."""
    found = await office.desk.file(filing(About.CHAIR, excluded=frozenset({"hannah"})))
    assert isinstance(found, NoRoute)
    assert not office.store.cases
    assert not office.store.notices


async def test_a_stranger_gets_numbers_only(office: Office) -> None:
    """Somebody who is not on the roster files nothing."""
    assert isinstance(await office.desk.file(filing(reporter=person("stranger"))), NoRoute)
    assert not office.store.cases


async def test_roles_come_from_the_roster_not_from_the_caller(office: Office) -> None:
    """A person object that claims a role gains nothing by it."""
    ref = await office.filed()
    assert await office.desk.open(ref, person("tom", Role.HEADTEACHER)) == Refused()


async def test_a_reference_that_is_taken_is_drawn_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """References are unique."""
    drawn = iter(["CC-CCC", "CC-CCC", "DD-DDD"])
    monkeypatch.setattr("bot.cases.intake.new_reference", lambda: next(drawn))
    assert [await office.filed(), await office.filed()] == ["CC-CCC", "DD-DDD"]


async def test_the_pointer_goes_to_the_channel_or_to_each_handler(office: Office) -> None:
    """One pointer in the channel; where it may not stand there, one to each handler in private."""
    await office.filed()
    assert office.told(NoticeKind.POINTER) == {"leadership"}
    office.store.notices.clear()
    await office.filed(filing(excluded=frozenset({"sam"})))
    assert office.told(NoticeKind.POINTER) == {"person:hannah", "person:sita"}


async def test_a_case_about_staff_leaves_no_trace_but_with_the_headteacher(office: Office) -> None:
    """One private pointer; every queue but the headteacher's is empty."""
    await office.filed(filing(About.SLT_OR_DSL, subject="sam"))
    assert office.told(NoticeKind.POINTER) == {"person:hannah"}
    assert [each.id for each in PEOPLE if (await office.desk.queue(each)).total] == ["hannah"]


async def test_a_handler_reads_everything_and_the_reading_is_on_record(office: Office) -> None:
    """Every opening by a handler is an event."""
    ref = await office.filed()
    view = await office.desk.open(ref, SAM)
    assert isinstance(view, CaseView)
    assert view.answers == {"What happened?": "A pupil asked to follow me."}
    assert view.reporter == "Tess"
    assert [(entry.what, entry.by) for entry in view.story] == [("filed", "Tess"), ("opened", "Sam")]
    assert view.may == {"acknowledge", "assign", "note", "urgency", "hold", "recuse", "reroute"}


async def test_a_case_that_is_not_yours_looks_like_none(office: Office) -> None:
    """The answer is the same for somebody else's case, for none and for nonsense."""
    ref = await office.filed()
    answers = [await office.desk.open(asked, TOM) for asked in (ref, "CC-CCC", "'; --", "")]
    assert answers == [Refused()] * 4


async def test_a_reference_is_found_as_people_type_it(office: Office) -> None:
    """Small letters and a space do."""
    ref = await office.filed()
    assert isinstance(await office.desk.open(ref.lower().replace("-", " "), SAM), CaseView)


async def test_taking_a_case_tells_the_reporter_and_names_the_owner(office: Office) -> None:
    """Acknowledged means that a named person has it."""
    ref = await office.filed()
    view = seen(await office.desk.acknowledge(ref, SAM))
    assert view.summary.state is State.ACKNOWLEDGED
    assert view.summary.owner == "Sam"
    assert view.may == {"assign", "reply", "ask", "note", "urgency", "hold", "recuse", "reroute", "close"}
    assert office.told(NoticeKind.ACKNOWLEDGED) == {"person:tess"}


async def test_two_who_take_a_case_at_once_get_one_yes_and_one_no() -> None:
    """One wins; the other is told how it stands."""

    class Meeting(MemoryCaseStore):
        """Both have read the case before either writes."""

        def __init__(self) -> None:
            super().__init__()
            self.both = asyncio.Barrier(2)

        async def write(self, *args, **kwargs) -> bool:  # type: ignore[no-untyped-def]
            await self.both.wait()
            return await super().write(*args, **kwargs)

    office = Office(store=Meeting())
    ref = await office.filed()
    answers = await asyncio.gather(office.desk.acknowledge(ref, SAM), office.desk.acknowledge(ref, SITA))
    winner = next(each for each in answers if isinstance(each, CaseView))
    loser = next(each for each in answers if isinstance(each, Stale))
    assert winner.summary.owner == loser.now.summary.owner
    assert len([n for n in office.store.notices if n.kind is NoticeKind.ACKNOWLEDGED]) == 1


async def test_the_later_of_two_is_told_that_it_is_taken(office: Office) -> None:
    """A stale button says who has the case; one's own second press is harmless."""
    ref = await office.taken(SAM)
    late = await office.desk.acknowledge(ref, SITA)
    assert isinstance(late, Stale)
    assert late.now.summary.owner == "Sam"
    assert seen(await office.desk.acknowledge(ref, SAM)).summary.owner == "Sam"


async def test_a_reply_reaches_the_reporter_without_its_words_in_the_notice(office: Office) -> None:
    """The reporter reads it in their own view; the notice carries none of it."""
    ref = await office.taken()
    seen(await office.desk.reply(ref, SAM, SECRET))
    assert office.told(NoticeKind.REPLIED) == {"person:tess"}
    assert SECRET not in repr(office.store.notices)
    view = await office.desk.open(ref, TESS)
    assert isinstance(view, CaseView)
    assert [entry.words for entry in view.story if entry.what == "replied"] == [SECRET]


async def test_the_reporter_adds_and_the_owner_is_told(office: Office) -> None:
    """Before anybody has it every handler is told, afterwards the owner alone; a closed case takes additions too."""
    ref = await office.filed()
    assert seen(await office.desk.add(ref, TESS, "one more thing")).story[-1].words == "one more thing"
    assert office.told(NoticeKind.ADDED) == {"person:hannah", "person:sam", "person:sita"}
    office.store.notices.clear()
    seen(await office.desk.acknowledge(ref, SITA))
    seen(await office.desk.close(ref, SITA, "Advice given", "told"))
    assert seen(await office.desk.add(ref, TESS, "and another")).summary.state is State.CLOSED
    assert office.told(NoticeKind.ADDED) == {"person:sita"}


async def test_the_reporter_never_sees_what_is_internal(office: Office) -> None:
    """Neither outcome nor reason nor who opened it."""
    ref = await office.taken()
    await office.desk.open(ref, SITA)
    seen(await office.desk.close(ref, SAM, "Advice given", SECRET))
    seen(await office.desk.reopen(ref, SAM, SECRET))
    view = await office.desk.open(ref, TESS)
    assert isinstance(view, CaseView)
    assert SECRET not in repr(view)
    assert "Advice given" not in repr(view)
    assert [entry.what for entry in view.story] == ["filed", "acknowledged", "closed", "reopened"]
    assert view.may == {"add", "withdraw"}


@pytest.mark.parametrize(("outcome", "reason"), [("", "why"), ("Advice given", ""), ("  ", "why"), ("x", " \n")])
async def test_closing_needs_outcome_and_reason(office: Office, outcome: str, reason: str) -> None:
    """Without either the case stays open."""
    ref = await office.taken()
    answer = await office.desk.close(ref, SAM, outcome, reason)
    assert isinstance(answer, Illegal)
    assert answer.now.summary.state is State.ACKNOWLEDGED


async def test_a_reopened_case_waits_to_be_taken_anew(office: Office) -> None:
    """It has no owner, it stands in the queues again, and reporter and other handlers are told."""
    ref = await office.taken()
    seen(await office.desk.close(ref, SAM, "Advice given", "told"))
    assert await office.desk.queue(SITA) == Listing((), 0)
    view = seen(await office.desk.reopen(ref, SITA, "more came in"))
    assert view.summary.state is State.REOPENED
    assert view.summary.owner is None
    assert office.told(NoticeKind.REOPENED) == {"person:tess", "person:hannah", "person:sam"}
    assert [case.ref for case in (await office.desk.queue(SAM)).cases] == [ref]
    assert seen(await office.desk.acknowledge(ref, HEAD)).summary.owner == "Hannah"


async def test_moves_out_of_order_change_nothing(office: Office) -> None:
    """A case nobody has taken is not replied to, closed or reopened."""
    ref = await office.filed()
    before = office.store.cases[ref]
    for answer in (
        await office.desk.reply(ref, SAM, "hello"),
        await office.desk.close(ref, SAM, "Advice given", "told"),
        await office.desk.reopen(ref, SAM, "why not"),
    ):
        assert isinstance(answer, Illegal)
        assert answer.now.may == {"acknowledge", "assign", "note", "urgency", "hold", "recuse", "reroute"}
    assert office.store.cases[ref] == before


async def test_reporter_and_handler_do_not_do_each_others_work(office: Office) -> None:
    """A reporter cannot close, a handler cannot add in the reporter's name."""
    ref = await office.taken()
    assert await office.desk.close(ref, TESS, "Advice given", "told") == Refused()
    assert await office.desk.add(ref, SAM, "words") == Refused()


async def test_somebody_taken_off_the_roster_sees_nothing(office: Office) -> None:
    """Handler and reporter alike, at once, even in what was theirs."""
    ref = await office.taken()
    office.desk.roster = without(SAM, TESS)
    for gone in (SAM, TESS):
        assert await office.desk.open(ref, gone) == Refused()
        assert await office.desk.queue(gone) == Listing((), 0)
        assert await office.desk.own(gone) == Listing((), 0)


async def test_a_handler_who_lost_the_role_sees_nothing(office: Office) -> None:
    """A former leader is like anybody else; a former headteacher keeps nothing that went to the headteacher alone."""
    ref = await office.filed()
    private = await office.filed(filing(About.COLLEAGUE))
    office.desk.roster = without(SAM, HEAD, plus=[person("sam"), person("hannah", Role.SLT)])
    assert await office.desk.open(ref, SAM) == Refused()
    assert await office.desk.open(private, HEAD) == Refused()
    assert isinstance(await office.desk.open(ref, HEAD), CaseView)


async def test_whom_a_case_is_closed_to_sees_nothing_even_as_a_handler(office: Office) -> None:
    """Exclusion beats every grant: when it comes later than the grant it holds at once, for notices too."""
    ref = await office.filed(filing(excluded=frozenset({"tom", "sita"})))
    case = office.store.cases[ref]
    office.store.cases[ref] = replace(case, concern=replace(case.concern, closed_to=frozenset({"sam"})))
    assert await office.desk.open(ref, SAM) == Refused()
    assert await office.desk.acknowledge(ref, SAM) == Refused()
    assert await office.desk.queue(SAM) == Listing((), 0)
    pointers = {n.destination.person: await office.desk.pointer(n) for n in office.store.notices}
    assert (pointers["sam"], pointers["hannah"] is None) == (None, False)


async def test_a_new_leader_gains_nothing_about_old_cases(office: Office) -> None:
    """Rights are given case by case, not by joining."""
    ref = await office.filed()
    newcomer = person("nia", Role.SLT)
    office.desk.roster = without(plus=[newcomer])
    assert await office.desk.open(ref, newcomer) == Refused()
    assert await office.desk.queue(newcomer) == Listing((), 0)


async def test_queues_show_the_overdue_first_then_the_oldest(office: Office) -> None:
    """An urgent case that waits too long comes before older ones that may wait."""
    question = await office.filed(filing(About.NOBODY, kind=Kind.QUESTION))
    office.clock.forward(hours=1)
    older = await office.filed()
    office.clock.forward(minutes=1)
    urgent = await office.filed(filing(urgency=Urgency.HIGH))
    office.clock.forward(hours=2)
    queue = (await office.desk.queue(SAM)).cases
    assert [case.ref for case in queue] == [urgent, question, older]
    assert [case.overdue for case in queue] == [True, False, False]


async def test_people_see_their_own_cases_newest_first(office: Office) -> None:
    """And nobody else's."""
    first = await office.filed()
    office.clock.forward(minutes=1)
    second = await office.filed()
    await office.filed(filing(reporter=TOM))
    assert [case.ref for case in (await office.desk.own(TESS)).cases] == [second, first]


async def test_a_notice_carries_the_approved_text_of_a_question_in_the_channel_only(office: Office) -> None:
    """A report's notice, and a private one, never say more than the summary."""
    await office.filed(filing(About.NOBODY, kind=Kind.QUESTION, public_text="May we use group chats?"))
    await office.filed(filing(public_text=SECRET))
    await office.filed(filing(About.NOBODY, kind=Kind.QUESTION, public_text=SECRET, excluded=frozenset({"sam"})))
    pointers = [await office.desk.pointer(notice) for notice in office.store.notices]
    texts = [pointer.public_text for pointer in pointers if pointer]
    assert texts == ["May we use group chats?", None, None, None]


async def test_a_notice_for_somebody_without_rights_has_no_pointer(office: Office) -> None:
    """Whoever lost the case between filing and delivery is not told of it."""
    await office.filed(filing(excluded=frozenset({"sita"})))
    office.desk.roster = without(SAM)
    pointers = {n.destination.person: await office.desk.pointer(n) for n in office.store.notices}
    assert pointers["sam"] is None
    assert pointers["hannah"] is not None


async def test_logs_hold_ids_and_no_words(office: Office) -> None:
    """Neither content nor names nor what an intruder typed."""
    with capture_logs() as logs:
        ref = await office.taken(what=filing(answers={"What happened?": SECRET}))
        await office.desk.reply(ref, SAM, SECRET)
        await office.desk.open(SECRET, TOM)
        await office.desk.open(ref, TOM)
    assert {"case_filed", "case_moved", "case_refused"} == {each["event"] for each in logs}
    assert SECRET not in repr(logs)
    assert "Tess" not in repr(logs)


def test_references_are_short_speakable_and_recognised() -> None:
    """Each is found again as typed; none uses signs that look alike."""
    drawn = {new_reference() for _ in range(300)}
    assert len(drawn) > 295
    assert all(as_reference(f" {ref.lower()} ") == ref for ref in drawn)
    assert not set("01258ABEGILOSUVZ") & set(ALPHABET)
    assert as_reference("K7-QM3") == "K7-QM3"
    assert as_reference("K7-QM3\nK7-QM3") is None


def test_every_state_can_be_left() -> None:
    """No case ends where nobody can do anything with it."""
    for state in State:
        assert any(move.by.value == "handler" and state in move.to for move in MOVES.values())
