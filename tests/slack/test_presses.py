"""Buttons, lists and windows on the strict fake: what is pressed, typed and sent, sensible or not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.slack.conftest import School
from tests.slack.hands import labels
from tests.slack.school import DAN, PRIYA, QUESTION
from tests.slack.windows import forward_to, safely_on, typed


async def test_thumbs_are_counted_and_nothing_else(school: School) -> None:
    """Which way, and no more; pressing twice is no fault."""
    await school.people.say(PRIYA, QUESTION)
    await school.settled()
    before = len(school.slack.workspace.messages)
    for label in ("Helpful", "Not helpful", "Helpful"):
        await school.people.press(PRIYA, label)
    await school.settled()
    counted = school.office.metrics.registry.get_sample_value
    labels_ = {"platform": "slack", "kind": "feedback"}
    assert counted("charter_events_total", {**labels_, "outcome": "up"}) == 2
    assert counted("charter_events_total", {**labels_, "outcome": "down"}) == 1
    assert len(school.slack.workspace.messages) == before


@pytest.mark.parametrize(
    ("action_id", "value"),
    [
        ("do:0", "set:who=nobody"),
        ("do:0", "set:shoe=left"),
        ("do:0", "choose:no-such-row"),
        ("do:0", "correct:nothing"),
        ("do:0", "open:form:nothing"),
        ("do:0", "open:nowhere"),
        ("do:0", "x" * 2000),
        ("do:0", "open:case:../../etc"),
        ("continue", "\u202e evil"),
        ("also:0", "act:close"),
        ("ask", "ask"),
        ("nonsense", "nonsense"),
        ("do:0", None),
    ],
)
async def test_a_press_that_makes_no_sense_is_no_fault(school: School, action_id: str, value: str | None) -> None:
    """It is acknowledged; what was forged or is out of date is told so, and nothing breaks."""
    message = await school.people.say(PRIYA, QUESTION)
    await school.settled()
    action = {"type": "button", "action_id": action_id, "block_id": "x", **({"value": value} if value else {})}
    ack = await school.people.act(PRIYA, school.last(PRIYA), action)
    assert ack.ok
    await school.settled()
    assert not any("Reference:" in m.shown for m in school.slack.workspace.messages)
    assert message in school.slack.workspace.messages


async def test_a_list_is_picked_from_like_a_button(school: School) -> None:
    """Many choices are a list; its option comes back as a choice does."""
    await school.people.say(PRIYA, QUESTION)
    await school.settled()
    await school.people.press(PRIYA, "a friend request or follow")
    await school.settled()
    offered = [each for each in labels(school.last(PRIYA).blocks) if each not in ("Helpful", "Not helpful")]
    assert len(offered) > 10
    await school.people.press(PRIYA, "Looking at a profile")
    await school.settled()
    assert "looking at a profile" in school.last(PRIYA).shown


# Windows


async def test_a_field_left_wrong_is_put_right_beside_it(school: School) -> None:
    """The error stands beside the field and what was typed stays."""
    await school.people.command(DAN, "/report")
    await school.settled()
    await safely_on(school, DAN)
    await school.people.submit(DAN, what="   ")
    view = school.slack.workspace.modal(DAN)
    assert view is not None
    assert view.errors.keys() == {"what"} or "⚠️" in view.shown
    assert typed(school, DAN, "what").strip() == ""


async def test_going_back_loses_nothing(school: School) -> None:
    """What stood in the field when Back was pressed stands there when its page returns."""
    await school.people.command(DAN, "/report")
    await school.settled()
    await safely_on(school, DAN)
    school.people.fill(DAN, what="Half a sentence that")
    await school.people.press(DAN, "Back")
    await school.settled()
    await forward_to(school, DAN, "what")
    assert typed(school, DAN, "what") == "Half a sentence that"


async def test_a_form_can_be_stopped(school: School) -> None:
    """Stopping says so in the window, and nothing is filed."""
    await school.people.command(DAN, "/report")
    await school.settled()
    await school.people.submit(DAN, danger="no")
    await school.people.press(DAN, "Stop")
    await school.settled()
    view = school.slack.workspace.modal(DAN)
    assert view is not None
    assert "submit" not in view.content


async def test_a_window_of_nobody_knows_what_is_let_go(school: School) -> None:
    """A view and an event that Charter does not know are acknowledged and forgotten."""
    await school.people.command(DAN, "/report")
    await school.settled()
    view = school.slack.workspace.modal(DAN)
    assert view is not None
    for callback in ("notice", "elsewhere", ""):
        stranger = replace(view, content={**view.content, "callback_id": callback})
        school.slack.workspace.modals[DAN] = [stranger]
        assert (await school.people.send(stranger)).ok
    assert (await school.slack.event({"type": "reaction_added", "user": DAN, "reaction": "eyes"})).ok
