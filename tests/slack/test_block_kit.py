"""The limits of Block Kit as the fake holds them: one too many is refused, and the limit itself is taken."""

from __future__ import annotations

import pytest

from tests.slack.block_kit import Json, message_faults, view_faults
from tests.slack.pieces import actions, asking, button, modal, plain, section


@pytest.mark.parametrize(
    "blocks",
    [
        [section("x" * 3001)],
        [section("")],
        [{"type": "section"}],
        [{"type": "header", "text": plain("x" * 151)}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        [{"type": "context", "elements": [plain("x")] * 11}],
        [actions(*[button(action_id=f"do:{n}") for n in range(26)])],
        [actions(button(), button())],
        [actions(button("x" * 76))],
        [actions(button(value="x" * 2001))],
        [actions(button(accessibility_label="x" * 76))],
        [actions(button(style="warning"))],
        [actions(button(tooltip="no such thing"))],
        [actions({"type": "overflow", "action_id": "o", "options": [{"text": plain("x"), "value": "x"}] * 6})],
        [actions({"type": "static_select", "action_id": "s", "options": []})],
        [actions({"type": "static_select", "action_id": "s", "options": [{"text": plain("x" * 76), "value": "x"}]})],
        [actions({"type": "static_select", "action_id": "s", "options": [{"text": plain("x"), "value": "x" * 151}]})],
        [section("same") | {"block_id": "a"}, section("id") | {"block_id": "a"}],
        [section("x")] * 51,
        [section("x" * 2900)] * 5,
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": ""}]}],
            }
        ],
        [{"type": "marquee", "text": plain("x")}],
    ],
)
def test_a_message_beyond_a_limit_is_refused(blocks: list[Json]) -> None:
    """One thing too many, too long, empty, unknown or twice is enough."""
    assert message_faults(blocks)


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [section("x" * 3000)],
        [section("x")] * 50,
        [actions(*[button(action_id=f"do:{n}") for n in range(25)])],
        [asking()],
        [{"type": "context", "elements": [plain("x")] * 10}],
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "<"}]}],
            }
        ],
    ],
)
def test_a_message_at_a_limit_is_taken(blocks: list[Json]) -> None:
    """The limit itself is allowed."""
    assert message_faults(blocks) == []


@pytest.mark.parametrize(
    "view",
    [
        modal(title=plain("x" * 25)),
        modal(submit=plain("x" * 25)),
        modal(private_metadata="x" * 3001),
        modal(callback_id="x" * 256),
        modal(*[section("x")] * 101),
        modal(*[section("x" * 3000)] * 90),
        modal(asking(max_length=3001)),
        modal(asking(initial_value="x" * 3001)),
        modal(asking(focus_on_load=True), asking("more", focus_on_load=True)),
        modal(asking(), asking()),
        {name: part for name, part in modal(asking()).items() if name != "submit"},
        modal({"type": "markdown", "text": "x"}),
        modal({"type": "context_actions", "elements": []}),
        {"type": "home", "blocks": [section("x")], "title": plain("Homes have none")},
        {"type": "drawer", "blocks": [section("x")]},
        None,
    ],
)
def test_a_view_beyond_a_limit_is_refused(view: Json) -> None:
    """A title of 25 characters, a field without a button to send it, a block for messages alone: refused."""
    assert view_faults(view)


def test_an_option_to_begin_with_must_be_on_offer() -> None:
    """Slack compares the whole option, its words included."""
    option = {"text": plain("A pupil"), "value": "student"}
    radio = {"type": "radio_buttons", "action_id": "value", "options": [option], "initial_option": option}
    assert view_faults(modal({**asking(), "element": radio})) == []
    other = {**radio, "initial_option": {"text": plain("Someone"), "value": "student"}}
    assert view_faults(modal({**asking(), "element": other}))
