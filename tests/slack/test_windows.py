"""Windows whose page comes late, cannot be stored or breaks: every word stays, and nothing is filed twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.storage.cases import SqlCaseStore
from bot.storage.memory import SqlMemory
from tests.slack.conftest import School
from tests.slack.journeys import REF
from tests.slack.school import DAN, LEADERS
from tests.slack.trouble import answers, breaking, hanging, well

# Windows


@pytest.fixture
async def filling(school: School) -> School:
    """Dan has a report open at the question of what happened, and has typed."""
    await school.people.command(DAN, "/report", "They wrote to me at night.")
    await school.settled()
    for answer in ({"danger": "no"}, {"risk": "no"}, {"image": "no"}, {"about": "student"}, {"type": "other"}, {}):
        await school.people.submit(DAN, **answer)
    assert _typed(school) == "They wrote to me at night."
    school.people.fill(DAN, what="They wrote to me at night, three times.")
    return school


def _typed(school: School) -> str:
    view = school.slack.workspace.modal(DAN)
    assert view is not None
    return str(view.state()["values"]["what"]["value"]["value"])


@pytest.mark.parametrize("failing", [False, True], ids=["slow", "broken"])
async def test_a_page_that_cannot_be_stored_stays_open_with_every_word(
    filling: School, monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    """The window says so and whom to ring, keeps what was typed, and takes it when the store is back."""
    save = SqlMemory.save_draft
    monkeypatch.setattr(SqlMemory, "save_draft", failing if failing else hanging)
    ack = await filling.people.submit(DAN)
    assert ack.ok
    view = filling.slack.workspace.modal(DAN)
    assert view is not None
    assert "could not store" in view.shown
    assert "020 7946" in view.shown
    assert _typed(filling) == "They wrote to me at night, three times."
    monkeypatch.setattr(SqlMemory, "save_draft", save)
    await filling.people.submit(DAN)
    assert "When did it happen" in filling.modal(DAN)
    await filling.people.press(DAN, "Back")
    await filling.settled()
    assert _typed(filling) == "They wrote to me at night, three times."


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, but slowly"])
async def test_a_report_that_cannot_be_filed_stays_open_and_is_filed_once(
    filling: School, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """Sent again from the same window it is filed, and only once, whether or not the first try had reached the store."""
    for name, value in (
        ("what", "They wrote to me at night."),
        ("when", "Last night"),
        ("where", "Snapchat"),
        ("people", "A pupil"),
        ("known", "received"),
    ):
        await filling.people.submit(DAN, **{name: value})
    while "checkboxes" not in (elements := _kinds(filling)):
        await filling.people.submit(DAN, **({"named": "no"} if "named" in elements else {}))
    create = SqlCaseStore.create

    async def slowly(self: SqlCaseStore, *given: Any) -> object:
        made = await create(self, *given) if written else None
        await asyncio.sleep(1)
        return made

    monkeypatch.setattr(SqlCaseStore, "create", slowly)
    view = filling.slack.workspace.modal(DAN)
    assert view is not None
    filling.people.fill(DAN, **{elements["checkboxes"]: "yes"})
    await filling.people.submit(DAN)
    assert "could not store" in view.shown
    monkeypatch.setattr(SqlCaseStore, "create", create)
    await filling.people.submit(DAN)
    found = REF.search(filling.modal(DAN))
    assert found
    await filling.settled()
    assert await filling.office.store.count_reported("dan") == 1
    assert len([m for m in filling.slack.workspace.messages if m.channel == LEADERS]) == 1


def _kinds(school: School) -> Mapping[str, str]:
    """Field by kind of element, and field by name."""
    view = school.slack.workspace.modal(DAN)
    assert view is not None
    inputs = [block for block in view.blocks if block["type"] == "input"]
    ticks = {b["element"]["type"]: b["block_id"] for b in inputs if not b.get("optional")}
    return {**ticks, **{b["block_id"]: b["block_id"] for b in inputs}}


async def test_a_window_opens_in_time_when_its_page_is_slow(school: School) -> None:
    """What opens a window lives for three seconds: one opens empty, and is filled when the page is there."""
    school.before.happens = lambda _: asyncio.sleep(1.5)
    await school.people.command(DAN, "/report")
    await school.slack.until(lambda: "One moment" in school.modal(DAN))
    await school.slack.until(lambda: "danger" in school.modal(DAN))


async def test_a_window_that_came_too_late_is_offered_again(school: School) -> None:
    """The trigger has expired: the person is told and presses once more, from wherever they came."""
    await school.people.home(DAN)
    await school.settled()
    for ask in (
        school.people.command(DAN, "/report"),
        school.people.shortcut(DAN, "report_concern"),
        school.people.press(DAN, "Ask leadership", school.slack.workspace.homes[DAN]),
    ):
        school.slack.fail("views.open", "expired_trigger_id")
        await ask
        await school.settled()
        assert school.modal(DAN) == ""
        await school.people.press(DAN, "Open it", answers(school, DAN)[-1])
        await school.settled()
        assert school.modal(DAN)
        await school.people.close(DAN)


@pytest.mark.parametrize("error", ["not_found", "view_not_found"])
async def test_a_window_closed_too_early_is_no_fault(filling: School, error: str) -> None:
    """Its reader has gone: nothing is said, and what was typed on earlier pages is kept."""
    before = len(filling.slack.workspace.messages)
    filling.slack.fail("views.update", error)
    await filling.people.press(DAN, "Back")
    await filling.settled()
    assert len(filling.slack.workspace.messages) == before


async def test_a_press_that_breaks_leaves_the_window_with_every_word(filling: School) -> None:
    """The warning stands on top, with a reference, and the words stay in their field."""
    filling.before.happens = breaking
    await filling.people.press(DAN, "Back")
    await filling.settled()
    assert "Reference:" in filling.modal(DAN)
    assert _typed(filling) == "They wrote to me at night, three times."
    filling.before.happens = well
    await filling.people.submit(DAN)
    assert "When did it happen" in filling.modal(DAN)


async def test_two_presses_of_send_are_one_report(school: School) -> None:
    """Slack's own retry, or an impatient finger: the second finds the form filed."""
    await school.people.home(DAN)
    await school.settled()
    await school.people.press(DAN, "Ask leadership", school.slack.workspace.homes[DAN])
    await school.settled()
    await school.people.submit(DAN, question="May we have a staff page?")
    await school.people.submit(DAN, named="no")
    school.people.fill(DAN, **{_kinds(school)["checkboxes"]: "yes"})
    view = school.slack.workspace.modal(DAN)
    assert view is not None
    await asyncio.gather(*(school.people.send(view) for _ in range(3)))
    await school.settled()
    assert await school.office.store.count_reported("dan") == 1
    assert REF.search(school.modal(DAN)), "whichever answer is shown last, it is the receipt"
