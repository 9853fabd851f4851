"""The reader that goes with this code, these examples and this guidance: learned once, then loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from guidance_kb.facts import Facts
from intents.heads import Model
from intents.reader import LearnedReader

_INTENTS = Path(__file__).parent.parent


def learned_reader(
    var: Path, row: Callable[[Facts], str | None], guidance: str, tell: Callable[[str], None]
) -> LearnedReader:
    """The reader, from the model file in `var` if there is one that fits, else learned now (under a minute) and kept.

    `row` gives the id of the row that rules on an example's facts, `guidance` the digest of that table; `tell` is
    called with a line before the learning. Raises OSError when `var` cannot be written.
    """
    path = var / f"model-{fingerprint(guidance)}.npz"
    if not path.exists():
        # Learning needs scipy; a start from the cache does without its memory and its import time.
        from intents.train.fit import train  # noqa: PLC0415

        tell("Learning from the examples (once, under a minute) …")
        var.mkdir(parents=True, exist_ok=True)
        train(row=row).save(path)
    return LearnedReader(Model.load(path))


def fingerprint(guidance: str) -> str:
    """What a model depends on, as 12 hex digits: the examples, the lexicon, the code that reads and learns, the table."""
    sources = sorted([*_INTENTS.rglob("*.py"), *_INTENTS.rglob("*.jsonl"), *_INTENTS.rglob("*.toml")])
    digest = hashlib.sha256(guidance.encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
