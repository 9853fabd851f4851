"""The smallest pieces of Block Kit that a test needs."""

from __future__ import annotations

from tests.slack.block_kit import Json


def plain(text: str) -> Json:
    """A plain text."""
    return {"type": "plain_text", "text": text}


def button(label: str = "Go", **more: object) -> Json:
    """A button."""
    return {"type": "button", "text": plain(label), "action_id": "do:0", "value": "go", **more}


def actions(*elements: Json) -> Json:
    """A row of them."""
    return {"type": "actions", "block_id": "row", "elements": list(elements)}


def asking(name: str = "what", **more: object) -> Json:
    """A field to type into."""
    element = {"type": "plain_text_input", "action_id": "value", **more}
    return {"type": "input", "block_id": name, "label": plain("What happened?"), "element": element}


def section(text: str) -> Json:
    """A paragraph."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def modal(*blocks: Json, **more: object) -> Json:
    """A modal."""
    shown = list(blocks) or [section("Hello")]
    return {"type": "modal", "title": plain("Title"), "submit": plain("Send"), "blocks": shown, **more}
