"""How well Charter answers labelled messages: the figures, which rulings are confused, and what was misread in each miss."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.ask import Asked, as_json, ask
from bot.consider import Consider
from bot.replies import Replies
from guidance_kb.facts import Facts, parse_facts
from guidance_kb.library import Library
from guidance_kb.model import Verdict
from intents.model import Intent

CITED = 2
"""A ruling is right when one of so many first paragraphs is an accepted one."""

TELLINGS = (Intent.REPORT, Intent.JUSTIFY, Intent.DECLARE, Intent.HELP)


@dataclass(frozen=True)
class Labelled:
    """A conversation with what its last message means. Of a question: the accepted verdicts and paragraphs.

    `facts` is None where the labels do not tell them.
    """

    turns: tuple[str, ...]
    intent: Intent
    verdicts: frozenset[str]
    cites: frozenset[str]
    facts: Facts | None


def labelled(file: Path, library: Library) -> Iterator[Labelled]:
    """Read messages of a file of JSON lines.

    A line has `turns` and `intent`; a question has `verdict` (one or several) and `cites`, or `facts` from which the
    table derives both; `also` names further accepted verdicts. Raises ValueError naming the line that is not understood.
    """
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield _labelled(json.loads(line), library)
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(f"{file.name}, line {number}: {error}") from error


def _labelled(raw: Mapping[str, object], library: Library) -> Labelled:
    told = raw.get("facts")
    facts = parse_facts(told) if isinstance(told, dict) else None
    verdicts, cites = _words(raw.get("verdict")), _words(raw.get("cites"))
    intent = Intent(str(raw["intent"]))
    if intent is Intent.QUESTION and not verdicts:
        row = library.rule(facts or {})
        if row is None:
            raise ValueError("neither a verdict nor facts on which a row rules")
        verdicts, cites = {str(row.verdict)}, {*row.clauses[:CITED]}
    return Labelled(
        tuple(_listed(raw["turns"])), intent, frozenset(verdicts | _words(raw.get("also"))), frozenset(cites), facts
    )


def _words(raw: object) -> set[str]:
    return {raw} if isinstance(raw, str) else set(_listed(raw))


def _listed(raw: object) -> list[str]:
    return [str(each) for each in raw] if isinstance(raw, list) else []


@dataclass(frozen=True)
class Marked:
    """A labelled message and what Charter said to it."""

    message: Labelled
    asked: Asked
    told: Mapping[str, object]

    @property
    def answered(self) -> bool:
        """Whether it was taken for a question and answered with a ruling."""
        return self.told["intent"] == Intent.QUESTION and bool(self.told["answered"])

    @property
    def options(self) -> list[Mapping[str, object]]:
        """The choices offered, each with its verdict and citations."""
        found = self.told["options"]
        return found if isinstance(found, list) else []

    @property
    def right(self) -> bool:
        """Whether the ruling given is an accepted one."""
        return self.answered and self._accepts(self.told)

    @property
    def right_within_one_tap(self) -> bool:
        """Whether it is, or one of the choices offered, beneath an answer or in its place, is."""
        return self.right or any(self._accepts(option) for option in self.options)

    def said_instead_of(self, verdict: Verdict, only: Verdict) -> bool:
        """Whether this verdict was given although nothing but the other is accepted."""
        return self.answered and self.told["verdict"] == verdict and self.message.verdicts == {str(only)}

    @property
    def ruling(self) -> str:
        """What came out, in a word: the verdict, or what was done instead of one."""
        if self.answered:
            return str(self.told["verdict"])
        return "asked which" if self.options else str(self.told["intent"])

    def misread(self) -> list[str]:
        """Facts of the label that were read otherwise, as `name: right → read`; none where the label does not tell."""
        return [
            f"{fact}: {self._value(right)} → {self._value(read)}"
            for fact, told in self.asked.considered.reading.facts.items()
            if self.message.facts is not None
            and (read := max(told, key=lambda value: told[value])) != (right := self.message.facts.get(fact))
        ]

    @staticmethod
    def _value(value: object) -> str:
        return "-" if value is None else str(value)

    def _accepts(self, ruling: Mapping[str, object]) -> bool:
        cited = _listed(ruling["citations"])[:CITED]
        accepted = not self.message.cites or not self.message.cites.isdisjoint(cited)
        return str(ruling["verdict"]) in self.message.verdicts and accepted


@dataclass(frozen=True)
class Exam:
    """Marked messages, added up. Shares are in per cent; of nothing they are 0."""

    marked: tuple[Marked, ...]

    @classmethod
    def sit(cls, messages: Iterable[Labelled], consider: Consider, replies: Replies) -> Exam:
        """Let Charter answer every message."""
        asked = ((message, ask(message.turns, consider, replies)) for message in messages)
        return cls(tuple(Marked(message, done, as_json(done)) for message, done in asked))

    @property
    def questions(self) -> list[Marked]:
        """Those that ask what is allowed, expected or meant."""
        return self._with(Intent.QUESTION)

    @property
    def first_shot(self) -> float:
        """Questions answered right at once."""
        return _share(self.questions, lambda one: one.right)

    @property
    def coverage(self) -> float:
        """Questions answered at once, rightly or wrongly."""
        return _share(self.questions, lambda one: one.answered)

    @property
    def precision(self) -> float:
        """Of those, the right ones."""
        return _share([one for one in self.questions if one.answered], lambda one: one.right)

    @property
    def one_tap(self) -> float:
        """Questions answered right at once or by one of the choices."""
        return _share(self.questions, lambda one: one.right_within_one_tap)

    @property
    def dangerous(self) -> list[Marked]:
        """Questions answered "allowed" where only "not allowed" is accepted: the worst mistakes."""
        return [one for one in self.questions if one.said_instead_of(Verdict.PERMITTED, Verdict.PROHIBITED)]

    @property
    def softened(self) -> float:
        """Questions answered "only if" where only "not allowed" is accepted."""
        return _share(self.questions, lambda one: one.said_instead_of(Verdict.CONDITIONAL, Verdict.PROHIBITED))

    @property
    def over_claimed(self) -> float:
        """Of the matters that the guidance leaves open, those answered as settled."""
        open_matters = [one for one in self.questions if one.message.verdicts == {str(Verdict.REFER)}]
        settled = {Verdict.PROHIBITED, Verdict.PERMITTED, Verdict.REQUIRED, Verdict.CONDITIONAL}
        return _share(open_matters, lambda one: one.answered and one.told["verdict"] in settled)

    @property
    def urgent_recall(self) -> float:
        """Disclosures whose reply leads with the safety card."""
        return _share(self._with(Intent.URGENT), lambda one: bool(one.told["urgent"]))

    @property
    def alarms(self) -> float:
        """Other messages whose reply does so too."""
        calm = [one for one in self.marked if one.message.intent is not Intent.URGENT]
        return _share(calm, lambda one: bool(one.told["urgent"]))

    @property
    def off_topic_answered(self) -> float:
        """Messages that have nothing to do with the guidance and got a ruling all the same."""
        return _share(self._with(Intent.OFF_TOPIC), lambda one: one.answered)

    def recognised(self, intent: Intent) -> float:
        """Messages of this intent that were taken for it."""
        return _share(self._with(intent), lambda one: one.told["intent"] == intent)

    def confusion(self) -> Counter[tuple[str, str]]:
        """Wrong rulings: what was accepted, what was said, and how often."""
        wrong = [one for one in self.questions if not one.right_within_one_tap]
        return Counter((" or ".join(sorted(one.message.verdicts)), one.ruling) for one in wrong)

    def misses(self) -> list[Marked]:
        """Questions of which no answer and no choice was right."""
        return [one for one in self.questions if not one.right_within_one_tap]

    def _with(self, intent: Intent) -> list[Marked]:
        return [one for one in self.marked if one.message.intent is intent]

    def report(self) -> Iterator[str]:
        """Everything, line by line, for people."""
        yield from self.figures()
        yield "\nwrong rulings (accepted → said):"
        yield from (f"  {count:4} {right} → {said}" for (right, said), count in self.confusion().most_common())
        yield "\nmisses, with what was misread:"
        for one in self.misses():
            yield f"  {' >> '.join(one.message.turns)}"
            yield f"      {one.ruling} {_listed(one.told['citations'])[:CITED]}; {', '.join(one.misread()) or 'no fact'}"
        yield "\ndangerous answers:"
        yield from [f"  {' >> '.join(one.message.turns)}" for one in self.dangerous] or ["  none"]

    def figures(self) -> Iterator[str]:
        """The figures alone, a line each."""
        yield f"messages {len(self.marked)}, questions {len(self.questions)}"
        for name in ("first_shot", "coverage", "precision", "one_tap", "softened", "over_claimed"):
            yield f"{name:<20} {getattr(self, name):5.1f} %"
        for name in ("urgent_recall", "alarms", "off_topic_answered"):
            yield f"{name:<20} {getattr(self, name):5.1f} %"
        yield from (f"{intent + ' recognised':<20} {self.recognised(intent):5.1f} %" for intent in TELLINGS)
        yield f"{'dangerous':<20} {len(self.dangerous):5}"


def _share(whole: list[Marked], counts: Callable[[Marked], bool]) -> float:
    return 100 * sum(map(counts, whole)) / len(whole) if whole else 0.0
