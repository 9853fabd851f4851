"""What a form refuses to take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogs.screen import clean, refusal


@pytest.mark.parametrize(
    "text",
    [
        "here it is data:image/png;base64,AAAA",
        "see https://example.org/a/party.JPG now",
        "http://x.test/clip.mp4?size=2",
    ],
)
def test_pictures_and_links_to_them_are_refused(text: str) -> None:
    """No image ever reaches a case, by whatever way it is pasted."""
    assert "pictures" in (refusal(text) or "")


@pytest.mark.parametrize(
    "text",
    ["my password is Summer2024!", "pw: hunter2", "the PIN = 4821", "pass word is now: abc", "passcode was 'x9!kkk'"],
)
def test_what_looks_like_a_password_is_refused(text: str) -> None:
    """A password typed into a report is not stored."""
    assert "password" in (refusal(text) or "")


@pytest.mark.parametrize(
    "text",
    [
        "He asked for my password and I said no.",
        "She shared her password with the cover teacher",
        "Posted at https://example.org/users/7 on Tuesday",
        "the password is known to the whole class",
    ],
)
def test_talk_about_passwords_and_pages_is_taken(text: str) -> None:
    """People can report a shared password or name a page without being refused."""
    assert refusal(text) is None


@given(st.text())
def test_cleaning_twice_changes_nothing_and_nothing_hides(text: str) -> None:
    """What is stored holds no control character and no mark that hides or turns text."""
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not any(mark in cleaned for mark in "\x00\x1b\u202e\u2066\u200b\ufeff\r")


def test_words_are_kept_as_they_are() -> None:
    """Quotation marks, accents, emoji and line breaks are the reporter's own."""
    said = "She wrote: “C’est fini” 😢\n\tand left."
    assert clean(said) == said
