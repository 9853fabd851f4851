"""From a reading to a decision: what Charter does next. Pure; every threshold of the product stands here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guidance_kb.facts import Facts, FactValue
from guidance_kb.library import Library
from guidance_kb.model import Situation
from intents.model import Courtesy, Intent, Reading, Told


@dataclass(frozen=True)
class Thresholds:
    """Where lines are drawn between answering, asking which, and passing on. Chosen on held-out writers.

    `second_opinion` is the weight of the reader's own rows against the table's (0 to 1). A ruling below `sure` is put to
    the person as a choice when the next one has at least `close` of its probability. Below `floor` nothing is ruled.
    `told` is how probable a fact must be to be shown as understood. `choices` is the most that are offered.
    """

    second_opinion: float = 0.5
    sure: float = 0.4
    close: float = 0.7
    floor: float = 0.05
    told: float = 0.5
    choices: int = 4


# What Charter may do


@dataclass(frozen=True)
class Answer:
    """A ruling, with the facts it stands on."""

    situation: Situation
    facts: Facts


@dataclass(frozen=True)
class AskWhich:
    """Two rulings are close: the person says which it is."""

    options: tuple[Situation, ...]


@dataclass(frozen=True)
class OfferForm:
    """The message wants to be recorded rather than answered."""

    form: Intent


@dataclass(frozen=True)
class HandOver:
    """No ruling: leadership is the one to ask."""


@dataclass(frozen=True)
class SmallTalk:
    """Greeting, thanks, status, what can you do."""

    courtesy: Courtesy


@dataclass(frozen=True)
class NotMine:
    """Nothing to do with the guidance."""


@dataclass(frozen=True)
class SafetyFirst:
    """Somebody may be in danger: the safety card leads. `then` is what follows beneath it."""

    adult: bool
    then: Answer | AskWhich | OfferForm | HandOver | None = None


Decision = Answer | AskWhich | OfferForm | HandOver | SmallTalk | NotMine | SafetyFirst


@dataclass(frozen=True)
class Weighed:
    """A row of the table with the probability that it is the one meant."""

    situation: Situation
    probability: float


_FORMS = frozenset({Intent.REPORT, Intent.JUSTIFY, Intent.DECLARE})


def decide(reading: Reading, fixed: Facts, library: Library, lines: Thresholds) -> Decision:
    """What to do about a message. `fixed` are facts that the person set by hand; they beat the reading."""
    if fixed:
        return _ruling(reading, fixed, library, lines)
    beneath = _beneath(reading, library, lines)
    if not reading.risk.alarm:
        return beneath
    return SafetyFirst(reading.risk.adult, None if isinstance(beneath, SmallTalk | NotMine | SafetyFirst) else beneath)


def weigh(reading: Reading, fixed: Facts, library: Library, lines: Thresholds) -> tuple[Weighed, ...]:
    """The rows that may be meant, likeliest first; probabilities add up to 1.

    The table's opinion adds up every combination of facts that leads to a row; the reader's own opinion of the rows is
    joined to it as a weighted geometric mean, so that a row which either of them rules out stays out.
    """
    table = dict(_by_table(reading.facts, fixed, library))
    head = {id: p for id, p in reading.situations.items() if _fits(id, fixed, library)} if reading.situations else {}
    weight = lines.second_opinion if head else 0.0
    scores = {
        id: math.exp((1 - weight) * math.log(table.get(id, 1e-4)) + weight * math.log(head.get(id, 1e-4)))
        for id in {*table, *head}
    }
    whole = sum(scores.values()) or 1.0
    ranked = sorted(scores, key=lambda id: -scores[id])
    return tuple(Weighed(library.situation(id), scores[id] / whole) for id in ranked)


def _beneath(reading: Reading, library: Library, lines: Thresholds) -> Decision:
    """The decision as it would be if nobody were at risk."""
    match reading.intent:
        case Intent.QUESTION:
            return _ruling(reading, {}, library, lines)
        case Intent.REPORT | Intent.JUSTIFY | Intent.DECLARE:
            return OfferForm(reading.intent)
        case Intent.URGENT:
            return SafetyFirst(reading.risk.adult)
        case Intent.HELP:
            return SmallTalk(reading.courtesy or Courtesy.ABOUT)
        case Intent.OFF_TOPIC:
            return NotMine()


def _ruling(reading: Reading, fixed: Facts, library: Library, lines: Thresholds) -> Answer | AskWhich | HandOver:
    weighed = weigh(reading, fixed, library, lines)
    rulings = _by_ruling(weighed)
    if not rulings or rulings[0].probability < lines.floor:
        return HandOver()
    first, *others = rulings
    if others and first.probability < lines.sure and others[0].probability > lines.close * first.probability:
        return AskWhich(tuple(ruling.situation for ruling in rulings[: lines.choices]))
    return Answer(first.situation, understood(reading, fixed, first.situation, lines))


def _by_ruling(weighed: tuple[Weighed, ...]) -> list[Weighed]:
    """Rows joined by what they rule: the likeliest row of each verdict and deciding paragraph, with their sum."""
    joined: dict[tuple[str, str], Weighed] = {}
    for one in weighed:
        ruling = (one.situation.verdict, one.situation.clauses[0])
        before = joined.get(ruling)
        joined[ruling] = Weighed(before.situation, before.probability + one.probability) if before else one
    return sorted(joined.values(), key=lambda ruling: -ruling.probability)


def understood(reading: Reading, fixed: Facts, situation: Situation, lines: Thresholds) -> Facts:
    """The facts an answer stands on: those its row demands, and those told clearly enough to be worth correcting."""
    facts: dict[str, FactValue] = {}
    for name, told in reading.facts.items():
        allowed = situation.when.get(name)
        best = max(
            (v for v in told if v is not None and (not allowed or v in allowed)), key=lambda v: told[v], default=None
        )
        if name in fixed:
            facts[name] = fixed[name]
        elif best is not None and (allowed or told[best] >= lines.told):
            facts[name] = best
    return facts


# The table's opinion

_MOST_COMBINATIONS = 48
_LEAST_PROBABILITY = 0.08


def _by_table(facts: Mapping[str, Told], fixed: Facts, library: Library) -> Iterator[tuple[str, float]]:
    """Row ids with the probability of the fact combinations that lead to them."""
    found: dict[str, float] = {}
    for combination, probability in _combinations(facts, fixed):
        row = library.rule(combination)
        if row is not None:
            found[row.id] = found.get(row.id, 0.0) + probability
    yield from found.items()


def _combinations(facts: Mapping[str, Told], fixed: Facts) -> list[tuple[dict[str, FactValue], float]]:
    """The likeliest combinations of facts: a beam over one fact after another."""
    beam: list[tuple[dict[str, FactValue], float]] = [(dict(fixed), 1.0)]
    for name, told in facts.items():
        if name in fixed:
            continue
        values = [(value, p) for value, p in told.items() if p >= _LEAST_PROBABILITY]
        beam = [({**c, name: v} if v is not None else c, p * q) for c, p in beam for v, q in values]
        if len(beam) > _MOST_COMBINATIONS:
            beam = sorted(beam, key=lambda one: -one[1])[:_MOST_COMBINATIONS]
    return beam


def _fits(id: str, fixed: Facts, library: Library) -> bool:
    """Whether a row can hold with these facts. An id that this guidance does not have never fits."""
    try:
        when = library.situation(id).when
    except KeyError:
        return False
    return all(name not in when or value in when[name] for name, value in fixed.items())
