"""The safety reader: whether somebody may be in danger. It runs first and would rather ring once too often."""

from __future__ import annotations

from collections.abc import Sequence

from intents.lexicon import lexicon
from intents.model import Risk

ALARM_FROM = 0.05
"""The learned probability from which the alarm is raised."""

ALARM_IN_PART = 0.2
"""The same for a part of a long message: of many parts one looks like danger sooner than a message that stands alone."""

CERTAIN = 0.95
"""The least probability of a message in which a phrase of the lexicon alone raises the alarm."""


def judge(words: Sequence[str], learned: Sequence[float]) -> Risk:
    """Judge a message by its words and by the learned probability of danger, in the whole of it or in each of its parts.

    The alarm is raised by either: a phrase of the lexicon's [risk] part, or a probability that is high enough. The one
    at risk is taken for an adult when the words speak of an adult and of no child.
    """
    tags = lexicon().risk.tags(words)
    phrase = any(tag.startswith("risk.") for tag in tags)
    probability = max(*learned, CERTAIN if phrase else 0.0)
    adult = "at_risk.adult" in tags and "at_risk.child" not in tags
    return Risk(probability >= (ALARM_FROM if len(learned) == 1 else ALARM_IN_PART), probability, adult)
