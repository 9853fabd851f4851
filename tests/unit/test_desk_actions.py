"""What handlers and reporters do with a case once it is there, and how somebody asks to speak in person."""

import pytest

from bot.cases.model import About, CaseView, Illegal, Kind, NoRoute, Receipt, Refused, State, Urgency
from bot.notices.model import NoticeKind
from tests.office import Office, seen
from tests.small_school import HEAD, SAM, SITA, TESS, TOM, filing, without

SECRET = "xylophone"


async def test_a_handler_hands_the_case_to_another_who_must_take_it(office: Office) -> None:
    """The other is told and owns it; it waits for them from now, as a case nobody has taken."""
    ref = await office.taken()
    office.clock.forward(hours=5)
    view = seen(await office.desk.assign(ref, SAM, "sita"))
    assert (view.summary.owner, view.summary.state) == ("Sita", State.SUBMITTED)
    assert office.told(NoticeKind.ASSIGNED) == {"person:sita"}
    assert office.store.cases[ref].due == office.clock.now().replace(day=4)
    assert seen(await office.desk.acknowledge(ref, SITA)).summary.state is State.ACKNOWLEDGED
    assert office.store.cases[ref].due is None


async def test_a_handler_takes_a_case_over_and_it_goes_on(office: Office) -> None:
    """Assigned to oneself, a case that is being looked at stays so; one that waits is taken."""
    ref = await office.taken()
    seen(await office.desk.reply(ref, SAM, "hello"))
    view = seen(await office.desk.assign(ref, SITA, "sita"))
    assert (view.summary.owner, view.summary.state) == ("Sita", State.IN_PROGRESS)
    other = await office.filed()
    assert seen(await office.desk.assign(other, HEAD, "hannah")).summary.state is State.ACKNOWLEDGED


@pytest.mark.parametrize("to", ["tom", "tess", "chloe", "nobody", ""])
async def test_a_case_is_assigned_to_its_handlers_only(office: Office, to: str) -> None:
    """Neither to staff, nor to the reporter, nor to somebody who is not there."""
    ref = await office.taken()
    assert isinstance(await office.desk.assign(ref, SAM, to), Illegal)
    assert to not in {each.id for each in await office.desk.eligible(ref, SAM)}


async def test_the_assign_list_is_the_handlers_as_they_are_now(office: Office) -> None:
    """Whoever is excluded, has left or lost the role does not stand in it; nobody else gets a list."""
    ref = await office.filed(filing(excluded=frozenset({"sita"})))
    assert {each.id for each in await office.desk.eligible(ref, SAM)} == {"sam", "hannah"}
    office.desk.roster = without(HEAD)
    assert {each.id for each in await office.desk.eligible(ref, SAM)} == {"sam"}
    for other in (SITA, TESS, TOM, HEAD):
        assert await office.desk.eligible(ref, other) == ()


async def test_a_question_to_the_reporter_waits_for_the_answer(office: Office) -> None:
    """Asked: waiting for the reporter, who is told; what they add answers it and the owner is told."""
    ref = await office.taken()
    assert seen(await office.desk.ask(ref, SAM, "When was that?")).summary.state is State.WAITING
    assert office.told(NoticeKind.ASKED) == {"person:tess"}
    view = seen(await office.desk.add(ref, TESS, "On Monday."))
    assert view.summary.state is State.IN_PROGRESS
    assert [entry.words for entry in view.story if entry.words] == ["When was that?", "On Monday."]
    assert office.told(NoticeKind.ADDED) == {"person:sam"}


async def test_internal_notes_are_for_handlers(office: Office) -> None:
    """The other handlers read them, the reporter does not know of them, and nobody is told."""
    ref = await office.filed()
    before = len(office.store.notices)
    seen(await office.desk.note(ref, SAM, SECRET))
    assert len(office.store.notices) == before
    for_sita, for_tess = await office.desk.open(ref, SITA), await office.desk.open(ref, TESS)
    assert isinstance(for_sita, CaseView)
    assert [(entry.words, entry.internal) for entry in for_sita.story if entry.what == "noted"] == [(SECRET, True)]
    assert SECRET not in repr(for_tess)
    assert "noted" not in repr(for_tess)


async def test_a_withdrawn_case_is_kept_and_its_handlers_are_told(office: Office) -> None:
    """It is marked, it stays in the queue and can be worked on; it is withdrawn once."""
    ref = await office.filed()
    view = seen(await office.desk.withdraw(ref, TESS, "It was a misunderstanding."))
    assert view.summary.withdrawn
    assert office.told(NoticeKind.WITHDRAWN) == {"person:hannah", "person:sam", "person:sita"}
    assert isinstance(await office.desk.withdraw(ref, TESS, "again"), Illegal)
    assert [case.ref for case in (await office.desk.queue(SAM)).cases] == [ref]
    assert seen(await office.desk.acknowledge(ref, SAM)).answers
    assert await office.desk.withdraw(ref, SAM, "not mine") == Refused()


async def test_urgency_is_changed_with_a_reason_and_the_wait_begins_anew(office: Office) -> None:
    """Those who have it are told in private when it becomes urgent; the reporter never reads why."""
    ref = await office.filed()
    office.store.notices.clear()
    assert isinstance(await office.desk.set_urgency(ref, SAM, Urgency.HIGH, " "), Illegal)
    view = seen(await office.desk.set_urgency(ref, SAM, Urgency.HIGH, SECRET))
    assert view.summary.urgency is Urgency.HIGH
    assert office.told(NoticeKind.POINTER) == {"person:hannah", "person:sita"}
    due = office.store.cases[ref].due
    assert due is not None
    assert (due - office.clock.now()).total_seconds() == 3600
    assert isinstance(await office.desk.set_urgency(ref, SAM, Urgency.HIGH, SECRET), Illegal)
    assert SECRET not in repr(await office.desk.open(ref, TESS))


async def test_an_urgent_case_is_told_to_the_channel_and_to_each_handler(office: Office) -> None:
    """The channel may be asleep."""
    await office.filed(filing(urgency=Urgency.HIGH))
    assert office.told(NoticeKind.POINTER) == {"leadership", "person:hannah", "person:sam", "person:sita"}


async def test_a_hold_is_set_and_released_and_is_not_the_reporters_to_see(office: Office) -> None:
    """Each once, each with a reason."""
    ref = await office.filed()
    assert seen(await office.desk.hold(ref, SAM, SECRET)).summary.hold
    assert isinstance(await office.desk.hold(ref, SAM, SECRET), Illegal)
    mine = await office.desk.open(ref, TESS)
    assert isinstance(mine, CaseView)
    assert (mine.summary.hold, SECRET in repr(mine)) == (False, False)
    assert not (await office.desk.own(TESS)).cases[0].hold
    assert not seen(await office.desk.release(ref, SITA, "over")).summary.hold
    assert isinstance(await office.desk.release(ref, SITA, "over"), Illegal)


async def test_what_may_be_done_is_what_can_be_done(office: Office) -> None:
    """A withdrawn, held question that is being looked at offers no withdrawal, no second hold, no re-route."""
    ref = await office.taken(what=filing(About.NOBODY, kind=Kind.QUESTION))
    seen(await office.desk.withdraw(ref, TESS, "solved"))
    view = seen(await office.desk.hold(ref, SAM, "why"))
    assert not {"hold", "reroute", "acknowledge", "reopen", "withdraw", "add"} & view.may
    assert {"release", "close", "reply", "ask", "note", "assign", "recuse"} <= view.may
    assert isinstance(await office.desk.reroute(ref, SAM, About.SELF, None, "why"), Illegal)


# In person


async def test_a_wish_to_speak_reaches_the_chosen_person_alone(office: Office) -> None:
    """A private notice with the name of who asks and nothing else; nobody else knows of it."""
    receipt = await office.desk.wish_in_person(TESS, About.STUDENT, None, "sita", draft="d1")
    assert isinstance(receipt, Receipt)
    assert [each.id for each in receipt.route.handlers] == ["sita"]
    [notice] = office.store.notices
    assert (notice.kind, notice.destination.name) == (NoticeKind.IN_PERSON, "person:sita")
    pointer = await office.desk.pointer(notice)
    assert pointer is not None
    assert pointer.asks == "Tess"
    assert await office.desk.open(receipt.ref, SAM) == Refused()
    view = await office.desk.open(receipt.ref, SITA)
    assert isinstance(view, CaseView)
    assert not view.answers
    assert await office.desk.wish_in_person(TESS, About.STUDENT, None, "sita", draft="d1") == receipt
    assert len(office.store.cases) == 1


@pytest.mark.parametrize(
    ("about", "subject", "to"),
    [(About.STUDENT, None, "tom"), (About.SLT_OR_DSL, "sam", "sam"), (About.HEADTEACHER, None, "hannah")],
)
async def test_a_wish_to_speak_goes_to_nobody_who_would_not_handle_it(
    office: Office, about: About, subject: str | None, to: str
) -> None:
    """Not to a colleague, not to the person it is about: numbers instead."""
    answer = await office.desk.wish_in_person(TESS, about, subject, to)
    assert isinstance(answer, NoRoute)
    assert answer.numbers
    assert not office.store.cases


async def test_only_in_person_notices_say_who_asks(office: Office) -> None:
    """The pointer of any other notice names nobody."""
    await office.filed(filing(urgency=Urgency.HIGH))
    pointers = [await office.desk.pointer(notice) for notice in office.store.notices]
    assert all(pointer and not pointer.asks and not pointer.numbers for pointer in pointers)
