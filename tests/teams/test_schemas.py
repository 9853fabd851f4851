"""What Microsoft's own schema and renderer say of the manifest and of our cards: nothing, and not for want of looking."""

from __future__ import annotations

import pytest

from bot.dialogs import FORMS
from bot.model import Page, Reply
from bot.render import teams as render
from tests.conversations.test_conversations import CONVERSATIONS, _charter, _said
from tests.filling import CALM, STORY, TOLD, walk
from tests.teams.schemas import card_faults, manifest_faults
from tests.teams.test_package import manifest


def test_the_manifest_keeps_to_microsofts_schema() -> None:
    """Of the version that it names."""
    assert manifest_faults(manifest()) == []


@pytest.mark.parametrize(
    ("part", "value"), [("version", 7), ("icons", {}), ("name", {"short": "x" * 31}), ("surprise", True)]
)
def test_the_schema_finds_what_is_wrong(part: str, value: object) -> None:
    """Without this the check above might check nothing."""
    assert manifest_faults({**manifest(), part: value})


async def test_microsofts_renderer_takes_every_card() -> None:
    """Answers of all kinds, with and without an alarm, and pages of every form, as messages and in dialogs."""
    outcomes: list[Reply | Page] = [await _said(_charter(one), one) for one in CONVERSATIONS[::3]]
    outcomes += [page for name in FORMS for page in _pages(name)]
    cards: list[object] = [_card(outcome, here) for outcome in outcomes for here in (False, True)]
    faults = {fault for found in card_faults(cards) for fault in found}
    assert faults == set()


def test_the_renderer_finds_what_is_wrong() -> None:
    """Of parts, values and versions that it does not know."""
    body = [
        {"type": "Bogus"},
        {"type": "TextBlock", "text": "x", "size": "Huge"},
        {"type": "Input.ChoiceSet", "id": "x"},
    ]
    assert len(card_faults([{"type": "AdaptiveCard", "version": "1.5", "body": body}])[0]) == len(body)


def _pages(name: str) -> list[Page]:
    """The first page, and one that is far on or wrong."""
    shown = [walk({}, name).page, walk({**CALM, **TOLD, **STORY}, name).page]
    return [page for page in shown if page is not None]


def _card(outcome: Reply | Page, here: bool) -> dict[str, object]:
    if isinstance(outcome, Reply):
        return render.card(outcome, inside=not here)
    return render.page_card(outcome, here=here)
