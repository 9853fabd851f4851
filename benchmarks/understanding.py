"""How well Charter understands messages whose writer it never saw: `python -m benchmarks.understanding [WRITER …]`.

Each writer of `intents/examples/` is left out in turn; a reader is learned from the others; the whole answer path then takes
the writer's messages. The labels are the examples' own `verdict` (with `also`) and `cites`.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.ask import as_json, ask
from bot.consider import Consider
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import EXAMPLE_SCHOOL, ROOT, load_school
from guidance_kb.facts import Facts
from guidance_kb.library import Library
from intents.reader import LearnedReader
from intents.train.examples import EXAMPLES
from intents.train.fit import train

TELLINGS = ("report", "justify", "declare", "help")


@dataclass(frozen=True)
class Figures:
    """What is measured over one writer or all; shares in per cent, `dangerous` a count."""

    counts: Counter[str]

    def share(self, part: str, whole: str) -> float:
        """`part` in per cent of `whole`; 0 where there is none."""
        return 100 * self.counts[part] / self.counts[whole] if self.counts[whole] else 0.0

    @property
    def first_shot(self) -> float:
        """Questions answered with an accepted verdict and an accepted paragraph among the first two."""
        return self.share("right", "question")

    @property
    def urgent_recall(self) -> float:
        """Disclosures whose reply leads with the safety card."""
        return self.share("urgent caught", "urgent")

    @property
    def alarms(self) -> float:
        """Other messages whose reply does so too."""
        return self.share("alarm", "calm")

    @property
    def dangerous(self) -> int:
        """Questions answered "allowed" where only "not allowed" is accepted."""
        return self.counts["dangerous"]

    def row(self, name: str) -> str:
        """One line of the table."""
        tellings = "  ".join(f"{self.share(f'{kind} known', kind):5.1f}" for kind in TELLINGS)
        return (
            f"{name:<26} {self.counts['question']:5} {self.first_shot:6.1f} {self.share('answered', 'question'):6.1f}"
            f" {self.share('right', 'answered'):6.1f} {self.share('one tap', 'question'):6.1f} {self.dangerous:4}"
            f" {self.urgent_recall:6.1f} {self.alarms:6.1f} {self.share('off answered', 'off_topic'):6.1f}  {tellings}"
        )


OURS = frozenset({"09-plain-questions"})
"""Examples whose labels were taken from the table itself: they teach, but prove nothing."""

HEAD = (
    f"{'writer left out':<26} {'quest':>5} {'first':>6} {'cover':>6} {'precis':>6} {'1 tap':>6} {'dang':>4}"
    f" {'urgent':>6} {'alarm':>6} {'off':>6}  {'  '.join(f'{kind[:5]:>5}' for kind in TELLINGS)}"
)


def unseen(writer: str, library: Library) -> LearnedReader:
    """A reader that never saw this writer."""

    def row(facts: Facts) -> str | None:
        found = library.rule(facts)
        return found.id if found else None

    return LearnedReader(train(row=row, holdout=writer))


def figures(
    messages: Sequence[Mapping[str, object]], consider: Consider, replies: Replies
) -> tuple[Figures, list[str]]:
    """Measure labelled messages; also the dangerous answers, one line each."""
    counts: Counter[str] = Counter()
    dangerous: list[str] = []
    for message in messages:
        turns = message["turns"]
        assert isinstance(turns, list)
        told = as_json(ask(turns, consider, replies))
        counts.update(_marks(message, told))
        if "dangerous" in _marks(message, told):
            dangerous.append(f"{' >> '.join(turns)} → {told['verdict']} {told['citations']}")
    return Figures(counts), dangerous


def _marks(message: Mapping[str, object], told: Mapping[str, object]) -> Iterator[str]:
    intent = str(message["intent"])
    yield intent
    if told["intent"] == intent:
        yield f"{intent} known"
    if intent == "urgent":
        yield from ["urgent caught"] if told["urgent"] else []
    else:
        yield "calm"
        yield from ["alarm"] if told["urgent"] else []
    if intent == "off_topic" and told["intent"] == "question" and told["answered"]:
        yield "off answered"
    if intent == "question":
        yield from _question_marks(message, told)


def _question_marks(message: Mapping[str, object], told: Mapping[str, object]) -> Iterator[str]:
    answered = told["intent"] == "question" and told["answered"]
    options = told["options"]
    assert isinstance(options, list)
    right = bool(answered) and _accepted(message, told)
    if answered:
        yield "answered"
        if _verdicts(message) == {"prohibited"} and told["verdict"] == "permitted":
            yield "dangerous"
    if right:
        yield "right"
    if right or any(_accepted(message, option) for option in options):
        yield "one tap"


def _accepted(message: Mapping[str, object], ruling: Mapping[str, object]) -> bool:
    cited, cites = ruling["citations"], message["cites"]
    assert isinstance(cited, list)
    assert isinstance(cites, list)
    return ruling["verdict"] in _verdicts(message) and not {*cited[:2]}.isdisjoint(cites)


def _verdicts(message: Mapping[str, object]) -> set[str]:
    also = message.get("also") or []
    assert isinstance(also, list)
    return {str(verdict) for verdict in [message["verdict"], *also] if verdict}


def main(writers: Sequence[str]) -> None:
    """Print the table, and the dangerous answers beneath it."""
    library = Library.load(ROOT / "guidance_kb")
    replies = Replies(TemplateWords.load(), library, load_school(EXAMPLE_SCHOOL).contacts)
    whole: Counter[str] = Counter()
    listed: list[str] = []
    print(HEAD, flush=True)
    for path in sorted(EXAMPLES.glob("*.jsonl")):
        if path.stem in OURS or (writers and path.stem not in writers):
            continue
        messages = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
        found, dangerous = figures(messages, Consider(unseen(path.stem, library), library), replies)
        print(found.row(path.stem), flush=True)
        whole += found.counts
        listed += dangerous
    print(Figures(whole).row("all"))
    print("\nDangerous answers:", *(listed or ["none"]), sep="\n  ")


if __name__ == "__main__":
    main(sys.argv[1:])
