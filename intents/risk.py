"""The safety reader: whether somebody may be in danger. It runs first and would rather ring once too often."""

from __future__ import annotations

from collections.abc import Sequence

from intents.lexicon import lexicon
from intents.model import Risk

ALARM_FROM = 0.025
"""The learned probability from which the alarm is raised."""

CERTAIN = 0.95
"""The least probability of a message in which a phrase of the lexicon alone raises the alarm."""


def judge(words: Sequence[str], learned: float) -> Risk:
    """Judge a message by its words and by the learned probability of danger.

    The alarm is raised by either: a phrase of the lexicon's [risk] part, or a probability that is high enough. The one
    at risk is taken for an adult when the words speak of an adult and of no child.
    """
    tags = lexicon().risk.tags(words)
    phrase = any(tag.startswith("risk.") for tag in tags)
    probability = max(learned, CERTAIN) if phrase else learned
    adult = "at_risk.adult" in tags and "at_risk.child" not in tags
    return Risk(probability >= ALARM_FROM, probability, adult)
