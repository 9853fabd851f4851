"""Re-routing: who is given the case, who loses it, and what the reporter sees of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.cases.model import About, CaseView, Illegal, NoRoute, Refused, Stale, State
from bot.cases.record import Case, Event
from bot.model import Person, Role
from bot.notices.model import Notice, NoticeKind
from tests.office import Office
from tests.small_school import CHAIR, HEAD, SAM, SITA, TESS, filing, person, without

SECRET = "xylophone"


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
