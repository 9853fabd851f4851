"""The learned part: a message is compared with the examples, and what they mean decides what it means."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from intents.features import Features, Vector
from intents.lexicon import lexicon

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """One question asked of every message: its possible answers, and the first of their columns."""

    answers: Sequence[str]
    first: int

    def probabilities(self, scores: Numbers) -> Numbers:
        """Scores of all columns → probabilities of this head's answers, which add up to 1."""
        mine = scores[self.first : self.first + len(self.answers)]
        odds = np.exp(mine - mine.max())
        return np.asarray(odds / odds.sum(), dtype=np.float32)


class Examples:
    """The examples as vectors, arranged by feature, so that a message meets only those that share one with it.

    `starts` has, for each feature and the end, where its entries begin in `rows` (example numbers) and `weights`.
    """

    def __init__(self, count: int, starts: NDArray[np.int64], rows: NDArray[np.int64], weights: Numbers) -> None:
        self.count, self.starts, self.rows, self.weights = count, starts, rows, weights

    def likeness(self, vector: Vector) -> Numbers:
        """How like the message each example is, from 0 to 1."""
        ids, weights = vector
        spans = [slice(start, end) for start, end in zip(self.starts[ids], self.starts[ids + 1], strict=True)]
        if not spans:
            return similar(np.zeros(self.count, dtype=np.float32))
        shared = np.concatenate([self.weights[span] for span in spans])
        shared *= np.repeat(weights, self.starts[ids + 1] - self.starts[ids])
        rows = np.concatenate([self.rows[span] for span in spans])
        return similar(np.bincount(rows, weights=shared, minlength=self.count).astype(np.float32))


def similar(overlap: Numbers) -> Numbers:
    """From the overlap of two messages' features (a cosine) to their likeness.

    The square lets pairs of features count, so that "who does what" can weigh more than the single words.
    """
    return np.square((1 + overlap) / 2)


@dataclass(frozen=True)
class Block:
    """Heads that were learned on the same examples (`messages`, by number).

    `dual` has what each of these examples adds to each column, `constant` what a column has by itself.
    """

    messages: NDArray[np.int64]
    dual: Numbers
    constant: Numbers
    heads: Mapping[str, Head]

    def ask(self, likeness: Numbers) -> dict[str, Numbers]:
        """Answer every head for a message that is so like each example."""
        scores = self.constant + likeness[self.messages] @ self.dual
        return {name: head.probabilities(scores) for name, head in self.heads.items()}


@dataclass(frozen=True)
class Model:
    """A trained reader: features, words it may repair to, examples, and what was learned from them."""

    features: Features
    vocabulary: tuple[str, ...]
    examples: Examples
    blocks: tuple[Block, ...]

    def answers(self) -> dict[str, Sequence[str]]:
        """The possible answers of every head, in the order of its probabilities."""
        return {name: head.answers for block in self.blocks for name, head in block.heads.items()}

    def ask(self, vector: Vector) -> dict[str, Numbers]:
        """Answer every head for one message: the probabilities of its answers."""
        likeness = self.examples.likeness(vector)
        return {name: chances for block in self.blocks for name, chances in block.ask(likeness).items()}

    def save(self, path: Path) -> None:
        """Write the model as one file. A half-written file never stands under `path`."""
        about = {
            "features": self.features.names,
            "vocabulary": self.vocabulary,
            "heads": [{name: asdict(head) for name, head in block.heads.items()} for block in self.blocks],
        }
        arrays: dict[str, NDArray[np.generic]] = {
            "about": np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
            "rarity": self.features.rarity,
            "starts": self.examples.starts,
            "rows": self.examples.rows.astype(np.uint32),
            "weights": self.examples.weights,
        }
        for number, block in enumerate(self.blocks):
            arrays |= {f"messages{number}": block.messages, f"dual{number}": block.dual}
            arrays[f"constant{number}"] = block.constant
        part = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(part, allow_pickle=False, **arrays)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Model:
        """Read a model's file. Raises FileNotFoundError where there is none, ValueError or KeyError where it is not one."""
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            features = Features(about["features"], stored["rarity"], lexicon().finder)
            blocks = tuple(
                Block(
                    stored[f"messages{number}"],
                    stored[f"dual{number}"],
                    stored[f"constant{number}"],
                    {name: Head(**head) for name, head in heads.items()},
                )
                for number, heads in enumerate(about["heads"])
            )
            examples = Examples(
                len(blocks[0].messages), stored["starts"], stored["rows"].astype(np.int64), stored["weights"]
            )
        return cls(features, tuple(about["vocabulary"]), examples, blocks)
