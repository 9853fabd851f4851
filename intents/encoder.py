"""The trained encoder: from a message, and the messages before it, to the probability of every answer of every head.

Its one file holds the network (ONNX, 8-bit weights) and, as metadata, the words it knows and what its answers mean.
`make model` writes it; `intents/model/CARD.md` says what it was trained on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from guidance_kb.facts import VOCABULARY
from intents.normalise import plain

NOT_TOLD, NO, YES = "-", "no", "yes"
"""Answers: of a fact that a message does not tell, and of heads that are asked whether."""

MODEL = Path(__file__).parent / "model" / "reader.onnx"
"""The model that comes with the code."""

FROM_START, FROM_END, FROM_EARLIER = 80, 30, 80
"""Word pieces that are read: of the last message from its start and its end, and of those before it from their end."""

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Pieces:
    """What the network is given: word pieces, and for each whether it belongs to an earlier message (1) or not (0)."""

    ids: list[int]
    earlier: list[int]


class Encoder:
    """A network with heads. Not changed by use; one session thread, since a school asks one question at a time."""

    def __init__(self, file: bytes) -> None:
        """Raises ValueError for a model of another fact vocabulary: its answers would mean something else."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        told = self._session.get_modelmeta().custom_metadata_map
        if told["facts"] != vocabulary_digest():
            raise ValueError(
                "the reader's model was made for other facts than guidance_kb/facts.py has: run `make model`"
            )
        self.answers: Mapping[str, tuple[str, ...]] = {
            head: tuple(answers) for head, answers in json.loads(told["heads"]).items()
        }
        sizes = [len(answers) for answers in self.answers.values()]
        self._starts = np.array([0, *accumulate(sizes[:-1])])
        self._head_of = np.repeat(np.arange(len(sizes)), sizes)
        self.table = told["table"]
        tokenizer = Tokenizer.from_str(told["tokenizer"])
        self.words = _whole_words(tokenizer)
        self._pieces = Splitter(tokenizer)

    @classmethod
    def load(cls, path: Path = MODEL) -> Encoder:
        """Read a model file. Raises OSError when it is not there and ValueError when it does not fit this code."""
        return cls(path.read_bytes())

    def ask(self, text: str, earlier: Sequence[str] = ()) -> dict[str, list[float]]:
        """For each head the probabilities of its answers, in the order of `answers`. `earlier` is oldest first."""
        pieces = self._pieces.of(text, earlier)
        logits = self._session.run(
            None, {"ids": np.array(pieces.ids, np.int64), "earlier": np.array(pieces.earlier, np.int64)}
        )[0]
        told = iter(self._probabilities(logits))
        return {head: list(islice(told, len(answers))) for head, answers in self.answers.items()}

    def _probabilities(self, logits: Numbers) -> list[float]:
        """A softmax over each head's logits, all heads at once."""
        raised = np.exp(logits - np.maximum.reduceat(logits, self._starts)[self._head_of])
        probabilities: list[float] = (raised / np.add.reduceat(raised, self._starts)[self._head_of]).tolist()
        return probabilities


class Splitter:
    """Splits messages into the word pieces that a network knows. `blank` is the piece that hides another."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        known = tokenizer.get_vocab()
        self._start, self._end, self.blank = (known[sign] for sign in ("[CLS]", "[SEP]", "[MASK]"))

    def of(self, text: str, earlier: Sequence[str] = ()) -> Pieces:
        """The pieces of a message, followed by those of the messages before it."""
        split = self._split(text)
        if len(split) > FROM_START + FROM_END:
            split = split[:FROM_START] + split[-FROM_END:]
        last = [self._start, *split, self._end]
        if not earlier:
            return Pieces(last, [0] * len(last))
        before = [piece for turn in earlier for piece in (*self._split(turn), self._end)][-FROM_EARLIER:]
        return Pieces([*last, *before], [0] * len(last) + [1] * len(before))

    def _split(self, text: str) -> list[int]:
        encoding: Encoding = self._tokenizer.encode(plain(text), add_special_tokens=False)
        return list(encoding.ids)


def vocabulary_digest() -> str:
    """What a model's answers about facts depend on, as 12 hex digits."""
    said = json.dumps({name: [str(value) for value in kind] for name, kind in VOCABULARY.items()})
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _whole_words(tokenizer: Tokenizer) -> tuple[str, ...]:
    """The words that are a piece of their own, the commonest first, as the base model has them in order."""
    pieces = sorted(tokenizer.get_vocab().items(), key=lambda piece: piece[1])
    return tuple(piece for piece, _ in pieces if piece.isalpha())
