"""The safety reader: whether somebody may be in danger. It runs first and would rather ring once too often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intents.lexicon import lexicon
from intents.model import Risk

ALARM_FROM = 0.3
"""The learned probability from which the alarm is raised."""

CERTAIN = 0.95
"""The least probability of a message in which a phrase of the lexicon alone raises the alarm."""


class SafetyReader:
    """Raises the alarm when a phrase of the lexicon stands in the words or the learned probability is high enough."""

    def read(self, words: Sequence[str], heard: Mapping[str, Mapping[str, float]]) -> Risk:
        """Judge a message by its words and by what the model heard in it."""
        signs = [tag for tag in lexicon().finder.tags(words) if tag.startswith("risk.")]
        probability = heard.get("risk", {}).get("yes", 0.0)
        if signs:
            probability = max(probability, CERTAIN)
        return Risk(probability >= ALARM_FROM, probability, adult=False)
