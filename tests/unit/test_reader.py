"""From a message to its meaning, with a small model learned here from a slice of the examples."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guidance_kb.facts import VOCABULARY, Age, Facts, Matter, Tie, Who
from intents.heads import Model
from intents.model import Courtesy, Intent, Reading
from intents.reader import LearnedReader
from intents.train.examples import Example, load_examples
from intents.train.fit import learn


def row(facts: Facts) -> str | None:
    """A table of two rows for these tests."""
    matter = facts.get("matter")
    return None if matter is None else "connecting" if matter == Matter.CONNECT else "something-else"


@pytest.fixture(scope="session")
def examples() -> Sequence[Example]:
    """Every eighth example."""
    return load_examples()[::8]


@pytest.fixture(scope="session")
def model(examples: Sequence[Example]) -> Model:
    """A model learned from the slice."""
    return learn(examples, row)


@pytest.fixture(scope="session")
def reader(model: Model) -> LearnedReader:
    """A reader with that model."""
    return LearnedReader(model)


def assert_sound(reading: Reading) -> None:
    """Probabilities add up to 1 and every fact has an entry."""
    assert sum(reading.intents.values()) == pytest.approx(1, abs=1e-4)
    assert set(reading.facts) == set(VOCABULARY)
    assert all(sum(told.values()) == pytest.approx(1, abs=1e-4) for told in reading.facts.values())
    assert sum(reading.situations.values()) <= 1 + 1e-4
    assert 0 <= reading.risk.probability <= 1


def test_a_friend_request_from_a_student_is_understood(reader: LearnedReader) -> None:
    """The commonest question is read as a question with its matter and its person."""
    reading = reader.read("A year 9 pupil sent me a friend request on Insta, can I accept?")
    assert reading.intent == Intent.QUESTION
    assert max(reading.facts["matter"], key=lambda v: reading.facts["matter"][v]) == Matter.CONNECT
    assert max(reading.facts["who"], key=lambda v: reading.facts["who"][v]) == Who.STUDENT
    assert next(iter(reading.situations)) == "connecting"
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
    reader: LearnedReader, text: str, kind: Courtesy | None
) -> None:
    """Only a message that is small talk and nothing else has a courtesy."""
    assert reader.read(text).courtesy == kind


def test_a_follow_up_keeps_what_it_does_not_change(reader: LearnedReader) -> None:
    """What was known and is not told anew is carried over, nearly certain."""
    earlier = ["Can I accept a friend request from my niece? She is a pupil here."]
    reading = reader.read("what about whatsapp?", earlier, {"tie": Tie.RELATIVE, "age": Age.UNDER_18})
    assert reading.follows_on
    assert reading.facts["tie"][Tie.RELATIVE] > 0.5
    assert reading.facts["age"][Age.UNDER_18] > 0.5
    assert_sound(reading)


def test_a_new_question_carries_nothing_over(reader: LearnedReader) -> None:
    """A complete new question is read as if nothing had gone before."""
    text = "Can I use the school laptop to store my own holiday photographs over the summer break?"
    assert reader.read(text, ["Can I add a pupil?"], {"who": Who.STUDENT, "age": Age.UNDER_18}) == reader.read(text)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200), earlier=st.lists(st.text(max_size=50), max_size=2))
def test_any_text_gives_a_sound_reading(reader: LearnedReader, text: str, earlier: list[str]) -> None:
    """Whatever is typed, reading never fails and probabilities add up to 1."""
    assert_sound(reader.read(text, earlier, {"who": Who.PARENT}))


def test_control_signs_do_not_hide_danger(reader: LearnedReader) -> None:
    """Invisible signs between letters do not keep the alarm from ringing."""
    assert reader.read("she wants to k\u200bi\u202ell her\u00adself").risk.alarm


def test_learning_is_the_same_on_every_run(examples: Sequence[Example], model: Model) -> None:
    """The same examples give the same answers."""
    text = "Can I text a parent from my own phone?"
    one, other = LearnedReader(model).read(text), LearnedReader(learn(examples, row)).read(text)
    assert {i: round(p, 4) for i, p in one.intents.items()} == {i: round(p, 4) for i, p in other.intents.items()}


def test_a_saved_model_reads_as_before(model: Model, reader: LearnedReader, tmp_path: Path) -> None:
    """A model's file holds all that reading needs."""
    model.save(tmp_path / "model.npz")
    loaded = LearnedReader(Model.load(tmp_path / "model.npz"))
    text = "My daughter is in year 8, can we be friends on Facebook?"
    before, after = reader.read(text), loaded.read(text)
    assert list(before.situations) == list(after.situations)
    assert np.allclose(list(before.intents.values()), list(after.intents.values()))
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_without_a_table_there_is_no_second_opinion(examples: Sequence[Example]) -> None:
    """Another school's guidance works from the facts alone."""
    assert LearnedReader(learn(examples[::4])).read("can I add a pupil").situations == {}


def test_too_few_examples_are_refused(examples: Sequence[Example]) -> None:
    """Nothing is learned from nothing."""
    with pytest.raises(ValueError, match="at least two"):
        learn(examples[:1])


def test_a_bad_example_is_named(tmp_path: Path) -> None:
    """An example that is not understood stops the learning with its file and line."""
    (tmp_path / "me.jsonl").write_text('{"turns": ["hi"], "intent": "help", "facts": {}}\n{"turns": []}\n')
    with pytest.raises(ValueError, match=r"me\.jsonl, line 2"):
        load_examples(tmp_path)
