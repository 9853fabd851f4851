"""Queues, registers and a reporter's own list: what stands in them, how much more there is, and no more is read."""

from dataclasses import replace

from bot.cases.model import About, Kind, State
from bot.model import Role
from tests.office import Office, seen
from tests.small_school import CHAIR, HEAD, SAM, TESS, filing, person, without


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
