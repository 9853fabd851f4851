"""Fine-tunes the encoder on the examples: seeded, on the processor alone.

A first network learns from the examples, a shorter one from the examples and from the first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

import torch
from torch import nn
from torch.nn import functional

from guidance_kb.facts import VOCABULARY
from guidance_kb.library import Library
from intents.encoder import NO, YES, Pieces, Splitter
from intents.train.examples import Example
from intents.train.network import Network, batch
from intents.train.noise import noisy
from intents.train.targets import heads, places, targets

log = logging.getLogger(__name__)

_WEIGHTS = dict.fromkeys(VOCABULARY, 0.35) | {"matter": 1.0, "risk": 0.5, "follows": 0.3}
"""How much a head's errors count, where it is not 1."""

LAST_SIGN = 999
"""The base model's word pieces up to this one are signs and placeholders."""

_DANGER_WEIGHS = 3.0
"""A missed disclosure counts as so many false alarms."""

_TEACHERS = 0.5
"""How much of what is right is the teacher's opinion."""

_ALIKE = 5.0
"""What it counts to sense messages otherwise than the teacher does."""

_LONGEST_STEP = 1.0
_READ_AT_ONCE = 64
_POOL = 20
"""Batches are drawn from so many at a time by length, so that little is padded."""


@dataclass(frozen=True)
class Plan:
    """How it is trained.

    Rates are those at the peak, which is reached after `warm_up` of the steps. `noise`, `unrelated` and `blank` are how
    often a message is spoilt, put behind some that have nothing to do with it, and a word piece hidden; `follow_ups` how
    often in an epoch a message is shown that goes on with others.
    """

    epochs: int
    encoder_rate: float
    heads_rate: float
    batch: int = 32
    warm_up: float = 0.06
    noise: float = 0.3
    unrelated: float = 0.25
    blank: float = 0.05
    follow_ups: int = 1
    seed: int = 1


TEACHER = Plan(epochs=4, encoder_rate=1.4e-4, heads_rate=2e-3)
PUPIL = Plan(epochs=5, encoder_rate=2e-4, heads_rate=5e-4, follow_ups=2)


@dataclass(frozen=True)
class _Drawn:
    """An example as it is shown this time, and whether it goes on with what stands before it; None if nothing does."""

    number: int
    pieces: Pieces
    follows: str | None


@dataclass(frozen=True)
class Lessons:
    """What a teacher makes of each example as it stands, a line for each: what it senses, and its logits."""

    sense: torch.Tensor
    logits: torch.Tensor


def lessons(teacher: Network, examples: Sequence[Example], splitter: Splitter) -> Lessons:
    """Let a trained network read every example."""
    teacher.eval()
    pieces = [splitter.of(one.turns[-1], one.turns[:-1]) for one in examples]
    order = sorted(range(len(pieces)), key=lambda number: len(pieces[number].ids))
    sense = torch.empty(len(pieces), teacher.heads.in_features)
    for first in range(0, len(order), _READ_AT_ONCE):
        some = order[first : first + _READ_AT_ONCE]
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            sense[some] = teacher.sense(*batch([pieces[number] for number in some])).float()
    with torch.no_grad():
        return Lessons(sense, teacher.answers(sense))


class Trainer:
    """Trains a network on some examples, and on a teacher's lessons if there are any.

    So a message is understood alike, spoilt or not, alone or behind one that has nothing to do with it.

    Raises ValueError for a question on whose facts no row rules.
    """

    def __init__(
        self,
        network: Network,
        examples: Sequence[Example],
        library: Library,
        splitter: Splitter,
        plan: Plan,
        taught: Lessons | None = None,
    ) -> None:
        torch.manual_seed(plan.seed)
        self._chance = Random(plan.seed)  # noqa: S311 - a training run, to be repeated
        self._examples = examples
        self._targets = torch.from_numpy(targets(examples, library))
        self._splitter = splitter
        self._blank = splitter.blank
        self._plan = plan
        self._places = places(heads(library))
        self._slices = {head: slice(min(at.values()), max(at.values()) + 1) for head, at in self._places.items()}
        self._network = network
        self._taught = taught
        if taught is not None:
            self._targets = self._mixed(taught.logits)
        self._optimiser = torch.optim.AdamW(
            [
                {"params": list(self._network.encoder.parameters()), "lr": plan.encoder_rate},
                {"params": list(self._network.heads.parameters()), "lr": plan.heads_rate},
            ],
            weight_decay=0.01,
            fused=True,
        )
        follow_ups = [number for number, one in enumerate(examples) if len(one.turns) > 1]
        self._shown = [*range(len(examples)), *follow_ups * (plan.follow_ups - 1)]
        self._steps = plan.epochs * -(-len(self._shown) // plan.batch)
        self._rates = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate)

    def train(self) -> None:
        """Go through the examples `epochs` times."""
        begun = time.monotonic()
        self._network.train()
        for epoch in range(1, self._plan.epochs + 1):
            losses = [self._step(messages) for messages in self._batches()]
            log.info("epoch %d: loss %.3f, %.0f s", epoch, sum(losses) / len(losses), time.monotonic() - begun)
        self._network.eval()

    def _rate(self, step: int) -> float:
        done = step / self._steps
        return min(1.0, done / self._plan.warm_up) * max(0.0, 1 - done)

    def _batches(self) -> Iterator[list[_Drawn]]:
        order = self._chance.sample(self._shown, len(self._shown))
        size, batches = self._plan.batch, []
        for start in range(0, len(order), size * _POOL):
            drawn = [self._drawn(number) for number in order[start : start + size * _POOL]]
            pool = sorted(drawn, key=lambda one: len(one.pieces.ids))
            batches += [pool[first : first + size] for first in range(0, len(pool), size)]
        self._chance.shuffle(batches)
        yield from batches

    def _step(self, drawn: Sequence[_Drawn]) -> float:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            sense = self._network.sense(*batch([one.pieces for one in drawn]))
            logits = self._network.answers(sense)
        loss = self._loss(logits.float(), self._right(drawn))
        if self._taught is not None:
            teachers = self._taught.sense[[one.number for one in drawn]]
            loss = loss + _ALIKE * functional.mse_loss(sense.float(), teachers) / teachers.var()
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), _LONGEST_STEP)
        self._optimiser.step()
        self._rates.step()
        return loss.item()

    def _right(self, drawn: Sequence[_Drawn]) -> torch.Tensor:
        right = self._targets[[one.number for one in drawn]]
        for line, one in zip(right, drawn, strict=True):
            if one.follows:
                line[self._places["follows"][one.follows]] = 1
        return right

    def _mixed(self, logits: torch.Tensor) -> torch.Tensor:
        """What is right, with the teacher's opinion in it where a head is asked."""
        mixed = self._targets.clone()
        for place in self._slices.values():
            right = self._targets[:, place]
            said = functional.softmax(logits[:, place], -1) * right.sum(-1, keepdim=True)
            mixed[:, place] = (1 - _TEACHERS) * right + _TEACHERS * said
        return mixed

    def _drawn(self, number: int) -> _Drawn:
        chance, plan, turns = self._chance, self._plan, self._examples[number].turns
        if chance.random() < plan.noise:
            turns = tuple(noisy(turn, chance) for turn in turns)
        follows = YES if len(turns) > 1 else None
        if len(turns) == 1 and chance.random() < plan.unrelated:
            turns, follows = (*chance.choice(self._examples).turns, *turns), NO
        pieces = self._splitter.of(turns[-1], turns[:-1])
        return _Drawn(number, replace(pieces, ids=[self._blanked(piece) for piece in pieces.ids]), follows)

    def _blanked(self, piece: int) -> int:
        hidden = piece > LAST_SIGN and self._chance.random() < self._plan.blank
        return self._blank if hidden else piece

    def _loss(self, logits: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """What each head got wrong, as a mean over the messages: one that a head is not asked of adds nothing."""
        loss = torch.zeros(())
        for head, place in self._slices.items():
            weights = torch.tensor([1.0, _DANGER_WEIGHS]) if head == "risk" else None
            loss = loss + _WEIGHTS.get(head, 1.0) * functional.cross_entropy(logits[:, place], right[:, place], weights)
        return loss
