"""Steps through a report in the window that somebody has open."""

from __future__ import annotations

from tests.slack.conftest import School


async def safely_on(school: School, user: str) -> None:
    """Go through the questions of safety, class, type and recipients to the story."""
    await forward_to(school, user, "what")


async def forward_to(school: School, user: str, name: str) -> None:
    """Answer page after page until this field is asked. Raises AssertionError when it never is."""
    answers = {"danger": "no", "risk": "no", "image": "no", "about": "student", "type": "other"}
    for _ in range(12):
        view = school.slack.workspace.modal(user)
        assert view is not None
        asked = [block["block_id"] for block in view.blocks if block["type"] == "input"]
        if name in asked:
            return
        await school.people.submit(user, **{each: answers[each] for each in asked if each in answers})
    raise AssertionError(f"{name} is never asked")


def typed(school: School, user: str, name: str) -> str:
    """What stands in a field now."""
    view = school.slack.workspace.modal(user)
    assert view is not None
    return str(view.state()["values"][name]["value"]["value"] or "")


async def tick_and_send(school: School, user: str) -> None:
    """Tick the review and send it."""
    view = school.slack.workspace.modal(user)
    assert view is not None
    (tick,) = [b["block_id"] for b in view.blocks if b["type"] == "input" and b["element"]["type"] == "checkboxes"]
    await school.people.submit(user, **{tick: "yes"})
