"""From examples to a model, in one closed-form solve for each group of heads.

Each head is a kernel ridge regression, rare answers weighing more than common ones. That is exact, the same on every
run, and gives what each writer's messages would get from a model that never saw that writer without training again: from
those honest scores the probabilities are set.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from guidance_kb.facts import VOCABULARY, Facts
from intents.features import Features
from intents.heads import Block, Examples, Head, Model, Numbers, similar
from intents.lexicon import lexicon
from intents.model import Intent
from intents.normalise import Normaliser
from intents.reader import NOT_TOLD, mixed
from intents.train.examples import EXAMPLES, Example, load_examples

log = logging.getLogger(__name__)

_KNOWN_FROM = 3
"""A word is one to repair to when it stands in this many messages."""

Row = Callable[[Facts], str | None]
"""The id of the row of the decision table that rules on these facts."""


@dataclass(frozen=True)
class _Task:
    """One head to be learned: the right answer for each message of its group."""

    name: str
    right: tuple[str, ...]


@dataclass(frozen=True)
class _Group:
    """Heads that are learned together on the same messages.

    The answers of the first are weighed more evenly than they come: by how often each comes, to the power of minus
    `evenness`. `ridge` is how strongly the weights are held back.
    """

    messages: NDArray[np.int64]
    tasks: tuple[_Task, ...]
    evenness: float
    ridge: float


def train(folder: Path = EXAMPLES, row: Row | None = None, holdout: str | None = None) -> Model:
    """Learn a model from the examples of a folder, all but those of the writer `holdout`.

    `row` names the table's ruling on an example's facts; without it the model has no second opinion on rows.
    Raises ValueError for examples that cannot be read or are too few.
    """
    examples = [example for example in load_examples(folder) if example.writer != holdout]
    return learn(examples, row)


def learn(examples: Sequence[Example], row: Row | None = None) -> Model:
    """Learn a model from these examples. Raises ValueError when there are fewer than two."""
    if len(examples) < 2:  # noqa: PLR2004
        raise ValueError("a reader needs at least two examples")
    begun = time.monotonic()
    vocabulary = _vocabulary(examples)
    normaliser = Normaliser(lexicon().slang, vocabulary)
    turns = [[normaliser.words(turn) for turn in example.turns] for example in examples]
    features = Features.learn(([word for words in told for word in words] for told in turns), lexicon().finder)
    matrix = _matrix(features, turns)
    log.info("%d messages, %d features, %.0f s", len(examples), len(features), time.monotonic() - begun)
    likeness = similar((matrix @ matrix.T).toarray())
    blocks = tuple(_learn(likeness, group, examples) for group in _groups(examples, row))
    log.info("learned in %.0f s", time.monotonic() - begun)
    by_feature = matrix.tocsc()
    stored = Examples(
        len(examples), by_feature.indptr.astype(np.int64), by_feature.indices.astype(np.int64), by_feature.data
    )
    return Model(features, vocabulary, stored, blocks)


def _vocabulary(examples: Sequence[Example]) -> tuple[str, ...]:
    words = Normaliser(lexicon().slang).words
    seen = Counter(word for example in examples for turn in example.turns for word in set(words(turn)))
    return tuple(word for word, times in seen.most_common() if times >= _KNOWN_FROM)


def _matrix(features: Features, turns: Sequence[Sequence[Sequence[str]]]) -> csr_matrix:
    vectors = [mixed(features, told[-1], told[:-1]) for told in turns]
    starts = np.cumsum([0, *(len(ids) for ids, _ in vectors)])
    ids = np.concatenate([ids for ids, _ in vectors])
    weights = np.concatenate([weights for _, weights in vectors])
    return csr_matrix((weights, ids, starts), shape=(len(vectors), len(features)))


def _groups(examples: Sequence[Example], row: Row | None) -> list[_Group]:
    """What is asked of every message, and what is asked of questions only."""
    everything = np.arange(len(examples))
    questions = np.array([n for n, example in enumerate(examples) if "matter" in example.facts], dtype=np.int64)
    asked = [examples[n] for n in questions]
    facts = [_Task(fact, tuple(example.facts.get(fact, NOT_TOLD) for example in asked)) for fact in VOCABULARY]
    if row is not None:
        facts.insert(0, _Task("situation", tuple(row(example.facts) or NOT_TOLD for example in asked)))
    intent = _Task("intent", tuple(example.intent for example in examples))
    risk = _Task("risk", tuple("yes" if example.intent == Intent.URGENT else "no" for example in examples))
    groups = [_Group(everything, (intent,), 0.7, 0.2), _Group(everything, (risk,), 1.0, 0.5)]
    return [*groups, _Group(questions, tuple(facts), 0.7, 0.2)] if len(questions) else groups


def _learn(likeness: Numbers, group: _Group, examples: Sequence[Example]) -> Block:
    answers = [tuple(sorted(set(task.right))) for task in group.tasks]
    weight = _weights(group.tasks[0].right, group.evenness)
    targets = np.hstack([_targets(task.right, known) for task, known in zip(group.tasks, answers, strict=True)])
    constant = np.average(targets, axis=0, weights=weight).astype(np.float32)
    held_back = likeness[np.ix_(group.messages, group.messages)]
    held_back[np.diag_indices_from(held_back)] += group.ridge / weight
    factor = cho_factor(held_back, lower=True, overwrite_a=True, check_finite=False)
    dual = cho_solve(factor, targets - constant, check_finite=False)
    honest = targets - _unseen_errors(factor, dual, [examples[n].writer for n in group.messages])
    heads, first = {}, 0
    for task, known in zip(group.tasks, answers, strict=True):
        columns = slice(first, first + len(known))
        sharpness, leaning = _calibrated(task, known, honest[:, columns])
        dual[:, columns] *= sharpness
        constant[columns] = sharpness * constant[columns] + leaning
        heads[task.name] = Head(known, first)
        first = columns.stop
    return Block(group.messages, dual.astype(np.float32), constant, heads)


def _weights(right: Sequence[str], evenness: float) -> Numbers:
    times = Counter(right)
    weight = np.array([times[answer] ** -evenness for answer in right], dtype=np.float32)
    return np.asarray(weight / weight.mean(), dtype=np.float32)


def _targets(right: Sequence[str], answers: Sequence[str]) -> Numbers:
    targets = np.zeros((len(right), len(answers)), dtype=np.float32)
    targets[np.arange(len(right)), [answers.index(answer) for answer in right]] = 1
    return targets


def _unseen_errors(factor: tuple[Numbers, bool], dual: Numbers, writers: Sequence[str]) -> Numbers:
    """How far each writer's targets lie from what a model without that writer would say of them.

    For ridge regression this is exact: the inverse's block of the writer, solved for the dual weights of the writer.
    """
    inverse = cho_solve(factor, np.eye(len(dual), dtype=np.float32), check_finite=False)
    errors = np.empty_like(dual)
    for block in _blocks(writers):
        errors[block] = np.linalg.solve(inverse[np.ix_(block, block)], dual[block])
    return errors


def _blocks(writers: Sequence[str]) -> list[NDArray[np.int64]]:
    names = sorted(set(writers))
    if len(names) > 1:
        return [np.array([n for n, writer in enumerate(writers) if writer == name]) for name in names]
    return [np.array([n]) for n in range(len(writers))]


def _calibrated(task: _Task, answers: tuple[str, ...], scores: Numbers) -> tuple[float, Numbers]:
    """How sharply a head's scores are to be taken, and how far each answer leant to, by what held good unseen.

    An answer is leant to by how common it is.
    """
    right = np.array([answers.index(answer) for answer in task.right])
    times = np.bincount(right, minlength=len(answers))
    usual = np.log(times / times.sum())

    def surprise(choice: NDArray[np.float64]) -> float:
        logits = choice[0] * scores + choice[1] * usual
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[np.arange(len(right)), right] - np.log(np.exp(logits).sum(axis=1))
        return -float(chosen.mean())

    best = minimize(surprise, x0=np.array([8.0, 0.5]), method="Nelder-Mead", options={"maxiter": 60}).x
    log.info("%s: %.2f right unseen", task.name, float((scores.argmax(axis=1) == right).mean()))
    return float(best[0]), np.asarray(best[1] * usual, dtype=np.float32)
