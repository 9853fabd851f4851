"""The labelled messages that the reader learns from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guidance_kb.facts import FactValue, parse_facts
from intents.model import Intent

EXAMPLES = Path(__file__).parent.parent / "examples"
"""The examples that come with the reader: one file for each writer."""


@dataclass(frozen=True)
class Example:
    """One message as somebody may type it, with what it means. The meaning is that of the last of `turns`.

    Of a question, `verdicts` and `cites` are the verdicts and paragraphs that experts accept, the best first; where none
    are given, what the decision table says of its facts is the only right answer.
    """

    writer: str
    turns: tuple[str, ...]
    intent: Intent
    facts: Mapping[str, FactValue]
    verdicts: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()


def load_examples(folder: Path = EXAMPLES) -> tuple[Example, ...]:
    """Read every `*.jsonl` of a folder, in order. Raises ValueError naming the file and line that is not understood."""
    return tuple(
        _example(path, number, line)
        for path in sorted(folder.glob("*.jsonl"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if line.strip()
    )


def _example(path: Path, number: int, line: str) -> Example:
    try:
        raw = json.loads(line)
        return Example(
            path.stem,
            tuple(raw["turns"]),
            Intent(raw["intent"]),
            parse_facts(raw["facts"]),
            tuple(verdict for verdict in (raw.get("verdict"), *(raw.get("also") or ())) if verdict),
            tuple(raw.get("cites") or ()),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name}, line {number}: {error}") from error
