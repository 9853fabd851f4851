"""What a reader makes of a message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from guidance_kb.facts import FactValue


class Intent(StrEnum):
    """What the person wants."""

    QUESTION = "question"
    REPORT = "report"
    JUSTIFY = "justify"
    DECLARE = "declare"
    URGENT = "urgent"
    HELP = "help"
    OFF_TOPIC = "off_topic"


class Courtesy(StrEnum):
    """Small talk that has its own short reply; all of it is the intent `help`."""

    GREETING = "greeting"
    THANKS = "thanks"
    STATUS = "status"
    ABOUT = "about"


@dataclass(frozen=True)
class Risk:
    """Whether somebody may be in danger. `adult` says that the one at risk seems to be an adult."""

    alarm: bool
    probability: float
    adult: bool = False


Told = Mapping[FactValue | None, float]
"""Probabilities of a fact's values; None is the probability that the text does not tell it. They add up to 1."""


@dataclass(frozen=True)
class Reading:
    """A message read in the light of the turns before it.

    `facts` has an entry for each fact of the vocabulary, facts carried over from earlier turns included.
    `situations` are the reader's own second opinion: ids of rows of the table with probabilities. They mean nothing for
    a guidance that it was not trained for. `follows_on` says the message continues the last question.
    """

    intents: Mapping[Intent, float]
    risk: Risk
    facts: Mapping[str, Told]
    situations: Mapping[str, float] = field(default_factory=dict)
    courtesy: Courtesy | None = None
    follows_on: bool = False
