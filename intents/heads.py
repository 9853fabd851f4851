"""The learned part: one matrix of weights, read for many questions at once, and its file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from intents.features import Features, Vector
from intents.lexicon import lexicon

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """One question asked of every message: its possible answers, their columns, and how scores become probabilities.

    A score counts `sharpness` times; `leaning` is added to it: how much commoner an answer is than the others.
    """

    answers: tuple[str, ...]
    first: int
    sharpness: float
    leaning: tuple[float, ...]

    def probabilities(self, scores: Numbers) -> Numbers:
        """Scores of all columns → probabilities of this head's answers, which add up to 1."""
        logits = self.sharpness * scores[self.first : self.first + len(self.answers)] + np.array(self.leaning)
        odds = np.exp(logits - logits.max())
        return np.asarray(odds / odds.sum(), dtype=np.float32)


@dataclass(frozen=True)
class Model:
    """A trained reader: features, words it may repair to, weights (feature by column), a constant for each column, heads."""

    features: Features
    vocabulary: tuple[str, ...]
    weights: Numbers
    constant: Numbers
    heads: Mapping[str, Head]

    def ask(self, vector: Vector) -> dict[str, dict[str, float]]:
        """Answer every head for one message: its answers with their probabilities."""
        ids, weights = vector
        scores = self.constant + weights @ self.weights[ids]
        return {
            name: dict(zip(head.answers, head.probabilities(scores).tolist(), strict=True))
            for name, head in self.heads.items()
        }

    def save(self, path: Path) -> None:
        """Write the model as one file. A half-written file never stands under `path`."""
        about = {
            "features": self.features.names,
            "vocabulary": self.vocabulary,
            "heads": {name: asdict(head) for name, head in self.heads.items()},
        }
        part = path.with_suffix(".part.npz")
        np.savez_compressed(
            part,
            about=np.frombuffer(json.dumps(about).encode(), dtype=np.uint8),
            rarity=self.features.rarity,
            weights=self.weights.astype(np.float16),
            constant=self.constant,
        )
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Model:
        """Read a model's file. Raises FileNotFoundError where there is none, ValueError or KeyError where it is not one."""
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            features = Features(about["features"], stored["rarity"], lexicon().finder)
            weights, constant = stored["weights"].astype(np.float32), stored["constant"]
        heads = {
            name: Head(tuple(head["answers"]), head["first"], head["sharpness"], tuple(head["leaning"]))
            for name, head in about["heads"].items()
        }
        return cls(features, tuple(about["vocabulary"]), weights, constant, heads)
