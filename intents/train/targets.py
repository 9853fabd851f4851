"""What each head of the encoder is to answer about an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from guidance_kb.facts import VOCABULARY
from guidance_kb.library import Library
from guidance_kb.model import Verdict
from intents.encoder import NO, NOT_TOLD, YES, Numbers
from intents.model import Intent
from intents.train.examples import Example

ALSO = 0.4
"""How much of what is right is shared among all accepted answers; the rest is the best one's."""

CITED = 2
"""Paragraphs of a row that an answer is measured by."""

SMOOTHING = 0.05
"""How much of what is right is spread over all answers of a head, so that none is trained to be certain."""

_UNSMOOTHED = "risk"

Heads = Mapping[str, tuple[str, ...]]
"""Head name to its possible answers."""


def heads(library: Library) -> Heads:
    """Every head: intent, danger, whether a message goes on with those before it, row, verdict, paragraphs, each fact.

    Verdict and paragraphs are there to teach the encoder which differences count; nobody asks for them afterwards.
    """
    return {
        "intent": tuple(map(str, Intent)),
        "risk": (NO, YES),
        "follows": (NO, YES),
        "situation": tuple(row.id for row in library.situations),
        "verdict": tuple(map(str, Verdict)),
        "paragraph": tuple(clause.id for clause in library.clauses),
        **{name: (NOT_TOLD, *map(str, kind)) for name, kind in VOCABULARY.items()},
    }


def places(asked: Heads) -> dict[str, dict[str, int]]:
    """The column of each answer of each head, heads side by side."""
    columns: dict[str, dict[str, int]] = {}
    first = 0
    for head, answers in asked.items():
        columns[head] = {answer: first + place for place, answer in enumerate(answers)}
        first += len(answers)
    return columns


def targets(examples: Sequence[Example], library: Library) -> Numbers:
    """How right each answer of each head is, a line for each example; a head that is not asked of it has only zeros.

    Raises ValueError for a question on whose facts no row rules.
    """
    columns = places(heads(library))
    right = np.zeros((len(examples), sum(map(len, columns.values()))), dtype=np.float32)
    for line, example in zip(right, examples, strict=True):
        for head, shares in _right(example, library).items():
            spread = 0.0 if head == _UNSMOOTHED else SMOOTHING
            line[list(columns[head].values())] = spread / len(columns[head])
            for answer, share in shares.items():
                line[columns[head][answer]] += share * (1 - spread)
    return right


def _right(example: Example, library: Library) -> dict[str, dict[str, float]]:
    urgent = YES if example.intent is Intent.URGENT else NO
    right = {"intent": {str(example.intent): 1.0}, "risk": {urgent: 1.0}}
    if example.intent is not Intent.QUESTION:
        return right
    row = library.rule(example.facts)
    if row is None:
        raise ValueError(f"{example.writer}: no row rules on {example.turns[-1]!r}")
    right |= {fact: {str(example.facts.get(fact, NOT_TOLD)): 1.0} for fact in VOCABULARY}
    right["situation"] = {row.id: 1.0}
    right["verdict"] = _shared(example.verdicts or (str(row.verdict),))
    right["paragraph"] = _shared(example.cites or row.clauses[:CITED])
    return right


def _shared(accepted: Sequence[str]) -> dict[str, float]:
    """The first is the best of those that experts accept."""
    shares = dict.fromkeys(accepted, ALSO / len(accepted))
    shares[accepted[0]] += 1 - ALSO
    return shares
