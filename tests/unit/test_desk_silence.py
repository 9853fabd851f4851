"""Silence: a case that nobody takes goes along the line and never to the channel, in the time a school allows."""

from dataclasses import replace

import pytest

from bot.cases.changes import Change, changed
from bot.cases.desk import Desk
from bot.cases.model import About, CaseView, Kind, Receipt, Refused
from bot.cases.routing import Roster
from bot.model import Role
from bot.notices.model import NoticeKind
from tests.office import Office
from tests.small_school import DORA, GOVERNOR, NUMBERS, PEOPLE, WITH_DORA, filing, person, without


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
