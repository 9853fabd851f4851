"""How well a reader does on messages whose writer it never saw: `python -m intents.train.measure`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from intents.model import Intent, Reading
from intents.reader import LearnedReader
from intents.train.examples import EXAMPLES, Example, load_examples
from intents.train.fit import Row, learn


@dataclass(frozen=True)
class Fold:
    """A reader and the messages of a writer it never saw."""

    writer: str
    reader: LearnedReader
    unseen: tuple[Example, ...]


def folds(folder: Path = EXAMPLES, row: Row | None = None) -> Iterator[Fold]:
    """Leave out each writer in turn and train on the others. `row` is as for `train`."""
    examples = load_examples(folder)
    for writer in sorted({example.writer for example in examples}):
        others = [example for example in examples if example.writer != writer]
        unseen = tuple(example for example in examples if example.writer == writer)
        yield Fold(writer, LearnedReader(learn(others, row)), unseen)


def read_last(reader: LearnedReader, turns: Sequence[str]) -> Reading:
    """Read the last of some turns as in a conversation: each turn with those before it and what they told clearly."""
    reading = reader.read(turns[0])
    for number in range(1, len(turns)):
        told = {fact: max(values, key=lambda value: values[value]) for fact, values in reading.facts.items()}
        known = {fact: value for fact, value in told.items() if value is not None}
        reading = reader.read(turns[number], turns[:number], known)
    return reading


def _report(fold: Fold) -> str:
    readings = [(example, read_last(fold.reader, example.turns)) for example in fold.unseen]
    urgent = [reading.risk.alarm for example, reading in readings if example.intent == Intent.URGENT]
    calm = [reading.risk.alarm for example, reading in readings if example.intent != Intent.URGENT]
    intent = [reading.intent == example.intent for example, reading in readings]
    told = [
        reading.facts[fact].get(value, 0) >= max(reading.facts[fact].values())
        for example, reading in readings
        for fact, value in example.facts.items()
    ]
    return (
        f"{fold.writer}: {len(readings)} messages, intent {_share(intent)}, facts told {_share(told)}, "
        f"urgent found {_share(urgent)}, false alarms {_share(calm)}"
    )


def _share(hits: Sequence[bool]) -> str:
    return f"{100 * sum(hits) / len(hits):.1f} % of {len(hits)}" if hits else "none to find"


if __name__ == "__main__":
    for each in folds():
        sys.stdout.write(_report(each) + "\n")
        sys.stdout.flush()
