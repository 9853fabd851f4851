"""What the examples cover: `python -m intents.train.coverage` prints facts and rows with too few different wordings."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from guidance_kb.facts import VOCABULARY
from guidance_kb.library import Library
from intents.train.examples import Example, load_examples

ENOUGH = 5
"""Different wordings that a row should have at least."""

GUIDANCE = Path(__file__).parent.parent.parent / "guidance_kb"


def coverage(examples: Sequence[Example], library: Library) -> Iterator[str]:
    """Lines for people: messages by intent and writer, each fact's values by verdict, and rows that are thin."""
    yield f"{len(examples)} messages, {len({one.turns for one in examples})} different"
    yield from _counted("intent", Counter(str(one.intent) for one in examples))
    yield from _counted("writer", Counter(one.writer for one in examples))
    rulings = [(one, library.rule(one.facts)) for one in examples if one.facts]
    verdicts = sorted({str(row.verdict) for _, row in rulings if row})
    yield f"\n{'fact':<34}" + "".join(f"{verdict[:10]:>12}" for verdict in verdicts)
    seen = Counter(
        (f"{fact}={value}", str(row.verdict)) for one, row in rulings if row for fact, value in one.facts.items()
    )
    for name in (f"{fact}={value}" for fact, values in VOCABULARY.items() for value in values):
        yield f"{name:<34}" + "".join(f"{seen[name, verdict]:>12}" for verdict in verdicts)
    wordings = Counter(row.id for _, row in rulings if row)
    thin = [(wordings[row.id], row.id) for row in library.situations if wordings[row.id] < ENOUGH]
    yield f"\n{len(thin)} of {len(library.situations)} rows have fewer than {ENOUGH} wordings"
    yield from (f"{count:>4} {id}" for count, id in sorted(thin))


def _counted(name: str, counts: Counter[str]) -> Iterator[str]:
    yield f"\n{name}"
    yield from (f"  {what:<32} {count:>6}" for what, count in counts.most_common())


if __name__ == "__main__":
    for line in coverage(load_examples(), Library.load(GUIDANCE)):
        sys.stdout.write(line + "\n")
