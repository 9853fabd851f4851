"""What handlers and reporters do with a case once it is there, and how it goes from hand to hand."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.cases.changes import Change, changed
from bot.cases.desk import Desk
from bot.cases.model import About, CaseView, Illegal, Kind, NoRoute, Receipt, Refused, Stale, State, Urgency
from bot.cases.record import Case, Event
from bot.cases.routing import Roster
from bot.model import Person, Role
from bot.notices.model import Notice, NoticeKind
from tests.office import Office, seen
from tests.small_school import CHAIR, GOVERNOR, HEAD, NUMBERS, PEOPLE, SAM, SITA, TESS, TOM, filing, person, without

SECRET = "xylophone"
DORA = person("dora", Role.DEPUTY_DSL)
WITH_DORA = Roster([*PEOPLE, DORA])


@pytest.fixture
def office() -> Office:
    """A fresh office."""
    return Office()


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


# Recusal


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


# Re-routing


async def test_a_report_that_is_about_a_leader_goes_to_the_head_and_leaves_the_others(office: Office) -> None:
    """Revoked for everybody, granted by the table: also for the one who re-routes."""
    ref = await office.taken()
    office.store.notices.clear()
    assert await office.desk.reroute(ref, SITA, About.SLT_OR_DSL, "sam", SECRET) is None
    for each in (SAM, SITA):
        assert await office.desk.open(ref, each) == Refused()
        assert (await office.desk.queue(each)).total == 0
    view = await office.desk.open(ref, HEAD)
    assert isinstance(view, CaseView)
    assert [(entry.by, entry.words) for entry in view.story if entry.what == "rerouted"] == [("Sita", SECRET)]
    assert (view.summary.state, view.summary.owner) == (State.SUBMITTED, None)
    assert {notice.destination.name for notice in office.store.notices} == {"person:hannah"}


async def test_the_reporter_sees_who_has_it_now_but_not_how_it_got_there(office: Office) -> None:
    """The list of those who can open it is true at every time; the trace is internal."""
    ref = await office.filed()
    await office.desk.reroute(ref, SAM, About.HEADTEACHER, None, SECRET)
    view = await office.desk.open(ref, TESS)
    assert isinstance(view, CaseView)
    assert [each.id for each in view.handlers] == ["chloe"]
    assert SECRET not in repr(view)
    assert "rerouted" not in repr(view)


async def test_whoever_was_named_once_is_never_given_the_case(office: Office) -> None:
    """A second re-route does not give it to the person it was first said to be about."""
    ref = await office.filed(filing(About.SLT_OR_DSL, subject="sam"))
    assert isinstance(await office.desk.reroute(ref, HEAD, About.STUDENT, None, "a pupil after all"), CaseView)
    assert {each.id for each in await office.desk.eligible(ref, HEAD)} == {"hannah", "sita"}
    assert await office.desk.open(ref, SAM) == Refused()
    assert not office.store.cases[ref].concern.channel


async def test_a_report_nobody_may_have_stays_with_the_one_who_saw_it(office: Office) -> None:
    """There is no chair: the numbers are shown, the headteacher loses it at once, and it is not lost."""
    office.desk.roster = without(CHAIR)
    ref = await office.filed()
    answer = await office.desk.reroute(ref, SAM, About.HEADTEACHER, None, "about the head")
    assert isinstance(answer, NoRoute)
    assert answer.numbers
    assert await office.desk.open(ref, HEAD) == Refused()
    assert await office.desk.open(ref, SITA) == Refused()
    assert isinstance(await office.desk.open(ref, SAM), CaseView)
    assert office.store.cases[ref].due is not None


async def test_a_head_without_a_chair_loses_even_a_case_that_nobody_else_has(office: Office) -> None:
    """Exclusion beats everything: the reporter keeps it and is shown whom to ring."""
    office.desk.roster = without(CHAIR)
    ref = await office.filed(filing(About.COLLEAGUE))
    assert isinstance(await office.desk.reroute(ref, HEAD, About.HEADTEACHER, None, "it is me"), NoRoute)
    assert await office.desk.open(ref, HEAD) == Refused()
    assert isinstance(await office.desk.open(ref, TESS), CaseView)
    office.clock.forward(days=2)
    assert await office.desk.escalate(ref)
    [told] = office.desk._files.notices(NoticeKind.REMINDER, ref, ["tess"])
    pointer = await office.desk.pointer(told)
    assert pointer is not None
    assert pointer.numbers == ("Chair of governors: 3", "LADO: 4", "NSPCC: 5")


@pytest.mark.parametrize(
    ("about", "subject", "reason"),
    [(About.NOBODY, None, "why"), (About.COLLEAGUE, "nobody", "why"), (About.COLLEAGUE, "tom", " ")],
)
async def test_a_re_route_to_nowhere_changes_nothing(
    office: Office, about: About, subject: str | None, reason: str
) -> None:
    """An unknown class, an unknown person or no reason."""
    ref = await office.filed()
    before = office.store.cases[ref]
    assert isinstance(await office.desk.reroute(ref, SAM, about, subject, reason), Illegal)
    assert office.store.cases[ref] == before


@pytest.mark.parametrize("first", [HEAD, SAM])
async def test_of_a_re_route_and_a_taking_at_once_one_wins(office: Office, first: Person) -> None:
    """The one who comes second is told how it stands, or refused when the case is theirs no more."""
    ref = await office.filed()
    write, late = office.store.write, asyncio.Event()

    async def one_after_the_other(case: Case, event: Event, notices: Sequence[Notice]) -> bool:
        if event.by != first.id:
            await late.wait()
        late.set()
        return await write(case, event, notices)

    office.store.write = one_after_the_other  # type: ignore[method-assign]
    rerouted, taken = await asyncio.gather(
        office.desk.reroute(ref, HEAD, About.SLT_OR_DSL, "sam", "why"), office.desk.acknowledge(ref, SAM)
    )
    if first is HEAD:
        assert (type(rerouted), taken) == (CaseView, Refused())
    else:
        assert (type(rerouted), type(taken)) == (Stale, CaseView)


# Silence


async def test_silence_gives_the_case_to_the_next_in_line_and_never_to_the_channel(office: Office) -> None:
    """Once for each time that passes; then only reminders."""
    office.desk.roster = WITH_DORA
    ref = await office.filed()
    assert not await office.desk.escalate(ref)
    office.clock.forward(days=1, minutes=1)
    office.store.notices.clear()
    assert await office.desk.escalate(ref)
    assert not await office.desk.escalate(ref)
    assert office.told(NoticeKind.ESCALATED) == {"person:dora"}
    assert office.told(NoticeKind.REMINDER) == {"person:hannah", "person:sam", "person:sita"}
    assert isinstance(await office.desk.open(ref, DORA), CaseView)
    assert (await office.desk.queue(DORA)).cases[0].overdue
    office.store.notices.clear()
    office.clock.forward(days=1, minutes=1)
    assert await office.desk.escalate(ref)
    assert office.told(NoticeKind.ESCALATED) == set()
    assert office.told(NoticeKind.REMINDER) == {"person:dora", "person:hannah", "person:sam", "person:sita"}
    assert "leadership" not in {notice.destination.name for notice in office.store.notices}


async def test_a_case_that_was_taken_is_not_escalated(office: Office) -> None:
    """Nor one that is closed, nor one that is not there."""
    ref = await office.taken()
    office.clock.forward(days=30)
    assert not await office.desk.escalate(ref)
    assert not await office.desk.escalate("CC-CCC")


@pytest.mark.parametrize("excluded", [frozenset({"dora"}), frozenset[str]()])
async def test_the_line_passes_over_who_is_barred_or_gone(office: Office, excluded: frozenset[str]) -> None:
    """Excluded at filing, or without the role when the time comes."""
    office.desk.roster = WITH_DORA
    ref = await office.filed(filing(excluded=excluded))
    office.desk.roster = Roster([*PEOPLE, replace(DORA, roles=frozenset({Role.STAFF}))])
    office.clock.forward(days=2)
    assert await office.desk.escalate(ref)
    assert await office.desk.open(ref, DORA) == Refused()
    assert office.told(NoticeKind.ESCALATED) == set()


async def test_somebody_the_school_names_handles_without_any_role() -> None:
    """In line by name: they get it on silence, keep it whatever their roles, and lose it with the roster."""
    table = changed([Change(Kind.REPORT, About.COLLEAGUE, on_silence=("gus",))], PEOPLE)
    office = Office(table=table)
    receipt = await office.desk.file(filing(About.COLLEAGUE, subject="tom"))
    assert isinstance(receipt, Receipt)
    assert receipt.route.on_silence == (GOVERNOR,)
    office.clock.forward(days=2)
    assert await office.desk.escalate(receipt.ref)
    assert isinstance(await office.desk.open(receipt.ref, GOVERNOR), CaseView)
    office.desk.roster = without(GOVERNOR, plus=[person("gus")])
    assert (await office.desk.queue(GOVERNOR)).total == 1
    office.desk.roster = without(GOVERNOR)
    assert await office.desk.open(receipt.ref, GOVERNOR) == Refused()


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


async def test_who_joins_by_the_type_of_incident_handles_it_while_in_post(office: Office) -> None:
    """The data protection officer reads it, and loses it with the role; a re-route takes it from them."""
    dee = person("dee", Role.DPO)
    office.desk.roster = without(plus=[dee])
    posted = replace(filing(About.UNKNOWN), also=frozenset({Role.DPO}))
    first, second = await office.filed(posted), await office.filed(replace(posted, draft="another"))
    assert (await office.desk.queue(dee)).total == 2
    assert await office.desk.reroute(first, dee, About.COLLEAGUE, "tom", "it was Tom") is None
    assert await office.desk.open(first, dee) == Refused()
    office.desk.roster = without(plus=[person("dee")])
    assert (await office.desk.queue(dee)).total == 0
    assert await office.desk.open(second, dee) == Refused()


# Lists


async def test_registers_keep_closed_ones_and_show_review_dates(office: Office) -> None:
    """Of declarations and of justifications, for those who handle them; other kinds have none."""
    declared = await office.filed(filing(About.SELF, kind=Kind.DECLARATION))
    justified = await office.filed(filing(About.SELF, kind=Kind.JUSTIFICATION))
    seen(await office.desk.acknowledge(declared, HEAD))
    seen(await office.desk.close(declared, HEAD, "Contact noted", "fine"))
    register = await office.desk.register(HEAD, Kind.DECLARATION)
    assert [(case.ref, case.state) for case in register.cases] == [(declared, State.CLOSED)]
    assert [case.ref for case in (await office.desk.register(HEAD, Kind.JUSTIFICATION)).cases] == [justified]
    assert (await office.desk.register(HEAD, Kind.REPORT)).total == 0
    for other in (SAM, TESS, CHAIR):
        assert (await office.desk.register(other, Kind.DECLARATION)).total == 0


async def test_a_review_date_comes_through(office: Office) -> None:
    """The handler's register and the reporter's own list both show when to look again."""
    day = office.clock.now().date()
    await office.filed(replace(filing(About.SELF, kind=Kind.DECLARATION), review=day))
    assert (await office.desk.register(HEAD, Kind.DECLARATION)).cases[0].review == day
    assert (await office.desk.own(TESS)).cases[0].review == day


async def test_a_list_says_how_many_there_are_beyond_what_it_shows(office: Office) -> None:
    """Counts hold what the person may see and nothing else, also for somebody who lost a role."""
    for _ in range(4):
        await office.filed()
        await office.filed(filing(About.COLLEAGUE, subject="tom"))
    assert [len((await office.desk.queue(HEAD, 3)).cases), (await office.desk.queue(HEAD, 3)).total] == [3, 8]
    assert [len((await office.desk.own(TESS, 3)).cases), (await office.desk.own(TESS, 3)).total] == [3, 8]
    office.desk.roster = without(HEAD, plus=[person("hannah", Role.SLT)])
    assert (await office.desk.queue(HEAD, 3)).total == 4


async def test_no_more_is_read_than_is_shown(office: Office) -> None:
    """The store is asked for a page, never for everything."""
    for _ in range(5):
        await office.filed()
    asked: list[int] = []
    handled_by = office.store.handled_by

    async def counted(*args: object) -> object:
        found = await handled_by(*args)  # type: ignore[arg-type]
        asked.append(len(found))
        return found

    office.store.handled_by = counted  # type: ignore[method-assign, assignment]
    await office.desk.queue(SAM, 2)
    assert asked == [2]


async def test_a_school_decides_how_long_a_case_may_wait(office: Office) -> None:
    """The injected patience gives every due time."""
    desk = Desk(
        office.store,
        office.roster,
        office.clock,
        NUMBERS,
        patience=lambda _kind, _urgency, start, _danger: start.replace(year=2030),
    )
    receipt = await desk.file(filing())
    assert isinstance(receipt, Receipt)
    due = office.store.cases[receipt.ref].due
    assert due is not None
    assert due.year == 2030
