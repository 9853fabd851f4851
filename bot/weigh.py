"""How probable each row of the table is, given a reading: the table's opinion and the reader's own, joined. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guidance_kb.facts import Facts, FactValue
from guidance_kb.library import Library
from guidance_kb.model import Situation
from intents.model import Reading, Told

_FLOOR = 1e-4
"""What a row gets from an opinion that does not name it: little, so that neither opinion rules a row in alone."""

_MOST_MATTERS = 8
_LEAST = 0.02
"""Matters looked at, and the probability from which a value or a combination of facts counts: chosen on held-out writers."""


@dataclass(frozen=True)
class Weighed:
    """A row of the table with the probability that it is the one meant."""

    situation: Situation
    probability: float


def weigh(reading: Reading, fixed: Facts, library: Library, second_opinion: float) -> tuple[Weighed, ...]:
    """The rows that may be meant, likeliest first; probabilities add up to 1.

    The table's opinion adds up every combination of facts that leads to a row; the reader's own opinion of the rows is
    joined to it as a geometric mean in which it weighs `second_opinion` (0 to 1). `fixed` facts are certain.
    """
    table = by_table(reading.facts, fixed, library)
    head = {id: p for id, p in reading.situations.items() if _fits(id, fixed, library)}
    weight = second_opinion if head else 0.0
    scores = {id: _joined(table.get(id, 0.0), head.get(id, 0.0), weight) for id in {*table, *head}}
    whole = sum(scores.values())
    ranked = sorted(scores, key=lambda id: (-scores[id], id))
    return tuple(Weighed(library.situation(id), scores[id] / whole) for id in ranked)


def by_table(facts: Mapping[str, Told], fixed: Facts, library: Library) -> dict[str, float]:
    """Row ids with the probability of the fact combinations that lead to them, matter by matter."""
    found: dict[str, float] = {}
    for matter, chance in _likeliest(_told("matter", facts, fixed)):
        combinations = list(_combinations(matter, facts, fixed, library))
        whole = sum(probability for _, probability in combinations)
        for combination, probability in combinations:
            row = library.rule(combination)
            if row is not None:
                found[row.id] = found.get(row.id, 0.0) + chance * probability / whole
    return found


def _likeliest(told: Told) -> Iterator[tuple[FactValue, float]]:
    for matter, chance in sorted(told.items(), key=lambda pair: -pair[1])[:_MOST_MATTERS]:
        if matter is not None and chance >= _LEAST / 2:
            yield matter, chance


def _combinations(
    matter: FactValue, facts: Mapping[str, Told], fixed: Facts, library: Library
) -> Iterator[tuple[dict[str, FactValue], float]]:
    """The combinations of those facts that rows of this matter name; the other facts cannot change its ruling."""
    beam: list[tuple[dict[str, FactValue], float]] = [({"matter": matter}, 1.0)]
    for fact, values in library.named(matter).items():
        told = _as_named(_told(fact, facts, fixed), values)
        beam = [
            ({**combination, fact: value} if value is not None else combination, so_far * chance)
            for combination, so_far in beam
            for value, chance in told.items()
            if so_far * chance > _LEAST
        ] or beam
    yield from beam


def _as_named(told: Told, values: frozenset[FactValue]) -> dict[FactValue | None, float]:
    """A value that no row names is as good as untold."""
    joined: dict[FactValue | None, float] = {}
    for value, chance in told.items():
        key = value if value in values else None
        joined[key] = joined.get(key, 0.0) + chance
    return joined


def _told(fact: str, facts: Mapping[str, Told], fixed: Facts) -> Told:
    return {fixed[fact]: 1.0} if fact in fixed else facts[fact]


def _joined(table: float, head: float, weight: float) -> float:
    return math.exp((1 - weight) * math.log(table + _FLOOR) + weight * math.log(head + _FLOOR))


def _fits(id: str, fixed: Facts, library: Library) -> bool:
    """Whether a row can hold with these facts. An id that this guidance does not have never fits."""
    try:
        when = library.situation(id).when
    except KeyError:
        return False
    return all(name not in when or value in when[name] for name, value in fixed.items())
