"""From a message to its meaning, with the model that ships."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guidance_kb.facts import VOCABULARY, Age, Matter, Tie, Who
from intents import encoder
from intents.encoder import FROM_END, FROM_START, MODEL, Encoder
from intents.model import Courtesy, Intent, Reading
from intents.reader import EncodedReader
from tests.guidance import library

MOST_MEGABYTES = 20


@pytest.fixture(scope="module")
def model() -> Encoder:
    """The model that ships."""
    return Encoder.load()


@pytest.fixture(scope="module")
def reader(model: Encoder) -> EncodedReader:
    """A reader with that model."""
    return EncodedReader(model)


def assert_sound(reading: Reading) -> None:
    """Probabilities add up to 1 and every fact has an entry."""
    assert sum(reading.intents.values()) == pytest.approx(1, abs=1e-4)
    assert set(reading.facts) == set(VOCABULARY)
    assert all(sum(told.values()) == pytest.approx(1, abs=1e-4) for told in reading.facts.values())
    assert sum(reading.situations.values()) <= 1 + 1e-3
    assert 0 <= reading.risk.probability <= 1


def surest(chances: Mapping[Any, float]) -> Any:
    """What is likeliest."""
    return max(chances, key=lambda value: chances[value])


def test_a_friend_request_from_a_student_is_understood(reader: EncodedReader) -> None:
    """The commonest question is read as a question with its matter and its person."""
    reading = reader.read("A year 9 pupil sent me a friend request on Insta, can I accept?")
    assert surest(reading.intents) == Intent.QUESTION
    assert surest(reading.facts["matter"]) == Matter.CONNECT
    assert surest(reading.facts["who"]) == Who.STUDENT
    assert surest(reading.situations).startswith("student-connect")
    assert not reading.follows_on


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("hello", Courtesy.GREETING),
        ("thanks!", Courtesy.THANKS),
        ("what can you do?", Courtesy.ABOUT),
        ("any news on my report?", Courtesy.STATUS),
        ("hi, can I add a parent on facebook please", None),
    ],
)
def test_small_talk_is_told_from_a_question_that_begins_politely(
    reader: EncodedReader, text: str, kind: Courtesy | None
) -> None:
    """Only a message that is small talk and nothing else has a courtesy."""
    assert reader.read(text).courtesy == kind


def test_a_follow_up_keeps_what_it_does_not_change(reader: EncodedReader) -> None:
    """What an earlier message told is still true; what was set by hand is carried over, nearly certain."""
    earlier = ["Can I accept a friend request from my niece? She is a pupil here."]
    reading = reader.read("and on whatsapp?", earlier, {"age": Age.UNDER_18})
    assert reading.follows_on
    assert reading.facts["tie"][Tie.RELATIVE] > 0.5
    assert reading.facts["age"][Age.UNDER_18] > 0.5
    assert_sound(reading)


def test_a_new_question_carries_nothing_over(reader: EncodedReader) -> None:
    """A complete new question is understood as if nothing had gone before."""
    text = "Can I use the school laptop to store my own holiday photographs over the summer break?"
    reading = reader.read(text, ["Can I add a pupil?"], {"who": Who.STUDENT, "age": Age.UNDER_18})
    assert not reading.follows_on
    assert reading.facts["age"][None] > 0.9
    assert surest(reading.situations) == surest(reader.read(text).situations)


@settings(max_examples=60)
@given(text=st.text(max_size=200), earlier=st.lists(st.text(max_size=50), max_size=2))
def test_any_text_gives_a_sound_reading(reader: EncodedReader, text: str, earlier: list[str]) -> None:
    """Whatever is typed, reading never fails and probabilities add up to 1."""
    assert_sound(reader.read(text, earlier, {"who": Who.PARENT}))


def test_control_signs_do_not_hide_danger(reader: EncodedReader) -> None:
    """Invisible signs between letters do not keep the alarm from ringing."""
    assert reader.read("she wants to k\u200bi\u202ell her\u00adself").risk.alarm


def test_a_long_message_is_read_from_both_ends(reader: EncodedReader) -> None:
    """What is asked stands at the start or the end of a long story, and reading stays quick."""
    story = "We had such a long day with the coach and the rain and the packed lunches. " * (FROM_START + FROM_END)
    asked = "Can I accept a friend request from a Year 9 pupil on Instagram?"
    for text in (f"{asked} {story}", f"{story} {asked}"):
        assert reader.read(text).facts["matter"][Matter.CONNECT] > 0.5


def test_the_model_fits_the_table(model: Encoder) -> None:
    """A model that was trained on other rows has a stale opinion of them: after changing the table, run `make model`."""
    assert model.table == library().table


def test_the_model_is_small_and_says_what_it_is() -> None:
    """It is kept in the repository, so it stays small; a card and a notice stand beside it."""
    assert MODEL.stat().st_size <= MOST_MEGABYTES * 1_000_000
    assert {"CARD.md", "NOTICE"} <= {path.name for path in MODEL.parent.iterdir()}


def test_a_model_for_other_facts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers would mean something else, so Charter does not start with it."""
    monkeypatch.setattr(encoder, "vocabulary_digest", lambda: "another")
    with pytest.raises(ValueError, match="make model"):
        Encoder.load()
