"""The safety reader's own judgement, without anything learned."""

import pytest

from intents.lexicon import lexicon
from intents.normalise import Normaliser
from intents.risk import ALARM_FROM, ALARM_IN_PART, CERTAIN, judge

WORDS = Normaliser(lexicon().slang).words


@pytest.mark.parametrize(
    "text",
    [
        "a pupil says she wants to kill herself",
        "he's told me his dad hits him",
        "someone is sharing naked pictures of a year 9",
        "she's off to meet a man she met online",
        "a boy has got a knife in his bag",
        "there's a bomb in the hall",
        "kid unconscious by the bike sheds",
        "one of ours has gone missing",
        "a teacher has been kissing her",
        "Can I share a photo of the play? Also a girl says she wants to die.",
        "shes self harming",
    ],
)
def test_plain_words_of_danger_raise_the_alarm_alone(text: str) -> None:
    """A phrase of the lexicon is enough, wherever it stands in the message and whatever was learned."""
    risk = judge(WORDS(text), learned=[0.0])
    assert risk.alarm
    assert risk.probability >= CERTAIN


@pytest.mark.parametrize(
    "text",
    ["", "Can I accept a friend request from a parent?", "when is parents evening", "thanks, that helps"],
)
def test_ordinary_messages_do_not_raise_the_alarm(text: str) -> None:
    """Nothing rings where neither words nor learning see danger."""
    assert not judge(WORDS(text), learned=[0.0]).alarm


def test_what_was_learned_raises_the_alarm_without_any_phrase() -> None:
    """Danger told in other words than the lexicon's still rings."""
    assert judge(WORDS("she gave away her guitar"), learned=[ALARM_FROM]).alarm
    assert not judge(WORDS("she gave away her guitar"), learned=[ALARM_FROM - 0.01]).alarm


def test_one_part_of_a_long_message_is_enough() -> None:
    """Danger in any part rings, wherever it stands; a part must look more like it than a message that stands alone."""
    for parts in ([ALARM_IN_PART, 0.0, 0.0], [0.0, ALARM_IN_PART, 0.0], [0.0, 0.0, ALARM_IN_PART]):
        assert judge(WORDS("a long story"), parts).alarm
    assert not judge(WORDS("a long story"), [ALARM_FROM] * 3).alarm


@pytest.mark.parametrize(
    ("text", "adult"),
    [
        ("my colleague texted that she wants to die", True),
        ("my husband hits me", True),
        ("a year 10 girl says she wants to die", False),
        ("my colleague says a pupil is self harming", False),
    ],
)
def test_an_adult_is_at_risk_only_where_no_child_is_spoken_of(text: str, adult: bool) -> None:
    """A child in the message always counts as the one at risk."""
    risk = judge(WORDS(text), learned=[0.0])
    assert risk.alarm
    assert risk.adult is adult
