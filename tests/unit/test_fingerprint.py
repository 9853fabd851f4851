"""A paragraph is known again through any noise, and only through noise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guidance_kb.document import read_document
from guidance_kb.fingerprint import fingerprint, likeness, sketch
from guidance_kb.formats import Part

BLOCKS = read_document(Path(__file__).parent.parent / "fixtures" / "second_guidance" / "document.md").blocks
PARAGRAPHS = [block.text for block in BLOCKS if block.part is not Part.HEADING]
NOISE = {
    " ": st.sampled_from([" ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u2003", " \u00ad", "\u200b "]),
    "'": st.sampled_from(["'", "’", "‘", "´", "\u2032"]),
    '"': st.sampled_from(['"', "“", "”", "„", "«"]),
    "–": st.sampled_from(["-", "–", "—", "\u2011", "\u2212"]),
    "-": st.sampled_from(["-", "–", "\u00ad", "\u2010", "- "]),
}
BULLETS = st.sampled_from(["", "- ", "• ", "* ", "▪\t", "– ", "\uf0b7 ", "‣ ", "\u25e6 "])


@given(data=st.data())
def test_noise_never_changes_a_fingerprint(data: st.DataObject) -> None:
    """Whitespace, quotes, dashes, bullets, soft hyphens and capitals are not part of what a paragraph says."""
    text = data.draw(st.sampled_from(PARAGRAPHS))
    noisy = "".join(data.draw(NOISE[sign]) if sign in NOISE else sign for sign in text)
    shown = data.draw(BULLETS) + data.draw(st.sampled_from([noisy, noisy.upper(), noisy + " "]))
    assert fingerprint(shown) == fingerprint(text)


@given(data=st.data())
def test_any_other_word_changes_a_fingerprint(data: st.DataObject) -> None:
    """Leaving out or putting in one word is always seen."""
    words = data.draw(st.sampled_from(PARAGRAPHS)).split()
    at = data.draw(st.integers(0, len(words) - 1))
    other = data.draw(st.sampled_from([[], ["not"], [words[at], "not"]]))
    changed = [*words[:at], *other, *words[at + 1 :]]
    same = re.sub(r"\W", "", "".join(changed)) == re.sub(r"\W", "", "".join(words))
    assert (fingerprint(" ".join(changed)) == fingerprint(" ".join(words))) is same


@pytest.mark.parametrize(
    ("one", "other"),
    [("within 1.5 hours", "within 15 hours"), ("£5 a day", "$5 a day"), ("5% of it", "5 of it"), ("18+", "18")],
)
def test_signs_that_change_a_figure_count(one: str, other: str) -> None:
    """Punctuation inside figures and signs of money and share are part of what a paragraph says."""
    assert fingerprint(one) != fingerprint(other)


def test_a_sketch_tells_like_from_unlike() -> None:
    """A paragraph with a few other words stays likelier than any other paragraph of the same document."""
    for text in PARAGRAPHS:
        words = text.split()
        changed = sketch(" ".join([*words[: len(words) // 2], "indeed", *words[len(words) // 2 + 1 :]]))
        others = [likeness(changed, sketch(other)) for other in PARAGRAPHS if other != text]
        assert likeness(changed, sketch(text)) > max(others)


def test_a_sketch_is_all_alike_to_itself_and_never_to_none() -> None:
    """Likeness runs from 0, also where there is no sketch, to 1."""
    assert likeness(sketch("words"), sketch("Words!")) == 1
    assert likeness("", sketch("words")) == 0
    assert likeness("", "") == 0
