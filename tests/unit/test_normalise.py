"""From typing to words."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.lexicon import lexicon
from intents.normalise import READ_END, READ_START, Normaliser, plain

NORMALISER = Normaliser(lexicon().slang, ["student", "request", "friend", "colleague", "instagram", "so", "good"])


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("yr 9", ["year", "9"]),
        ("Y11s", ["year", "11"]),
        ("can u", ["can", "you"]),
        ("on insta", ["on", "instagram"]),
        ("can't", ["can", "not"]),
        ("he’s", ["he", "is"]),
        ("mum's", ["mum", "s"]),
        ("e-mail", ["email"]),
        ("sooooo goooood", ["so", "good"]),
        ("firend reqeust", ["friend", "request"]),
        ("why?!", ["why", "?", "!"]),
    ],
)
def test_each_spelling_becomes_the_plain_word(typed: str, words: list[str]) -> None:
    """Slang, contractions, glued years, stretched and misspelt words are read as the word that is meant."""
    assert NORMALISER.words(typed) == words


def test_a_word_unlike_any_known_one_is_left_alone() -> None:
    """Repair never turns a word into one that begins otherwise or lies too far off."""
    assert NORMALISER.words("gstudent zebra studios") == ["gstudent", "zebra", "studios"]


def test_an_emoji_is_read_by_its_name() -> None:
    """An emoji counts as words, since a heart or a knife can be what matters."""
    assert NORMALISER.words("hi 🔪")[1] == "emoji"


@given(st.text(max_size=300))
def test_any_text_gives_plain_words(text: str) -> None:
    """Whatever is typed, reading it never fails and no word has a space or a control sign in it."""
    assert all(word and word.split() == [word] for word in NORMALISER.words(text))


@given(st.sampled_from("\u200b\u200e\u202e\u2066\ufeff\u00ad"), st.integers(0, 20))
def test_invisible_signs_inside_a_message_change_nothing(sign: str, place: int) -> None:
    """Direction marks and zero-width signs, which can hide words from a filter, are taken out."""
    message = "a friend request from a student"
    assert NORMALISER.words(message[:place] + sign + message[place:]) == NORMALISER.words(message)


def test_of_a_long_message_the_start_and_the_end_are_read() -> None:
    """The end is read too: what is asked, or what is wrong, often stands there."""
    text = plain("start " + "x " * 50_000 + "the end")
    assert text.startswith("start")
    assert text.endswith("the end")
    assert len(text) <= READ_START + READ_END + 1


def test_a_huge_message_is_read_quickly() -> None:
    """A hundred thousand characters of new words take no longer than a long message does."""
    text = " ".join(f"studant{number}x reqvest" for number in range(6_000))
    begun = time.perf_counter()
    NORMALISER.words(text)
    assert time.perf_counter() - begun < 0.1
