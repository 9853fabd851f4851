"""The knowledge base in use: from facts to the one row that rules, clauses by id, and a plain search."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from guidance_kb.facts import Facts, FactValue
from guidance_kb.loader import KnowledgeBaseError, load
from guidance_kb.model import Clause, Situation

_WORD = re.compile(r"[a-z0-9]{3,}")


def beats(one: Situation, other: Situation) -> bool:
    """Whether `one` goes before `other` where both hold: its conditions are narrower, or it names `other` in `over`.

    A narrower row always goes first; `over` decides between rows of which neither is narrower. Both are looked at
    within one matter, so the matter is left out of the comparison, unless nothing else differs: then the row for fewer
    matters is the narrower.
    """
    return _narrower(one, other) or (other.id in one.over and not _narrower(other, one))


def _narrower(one: Situation, other: Situation) -> bool:
    mine, theirs = _conditions(one), _conditions(other)
    if mine == theirs:
        return one.when["matter"] < other.when["matter"]
    return all(fact in mine and mine[fact] <= values for fact, values in theirs.items())


def holds(row: Situation, facts: Facts) -> bool:
    """Whether every fact that the row names is told with a value it allows."""
    return all(facts.get(fact) in values for fact, values in row.when.items())


def _conditions(row: Situation) -> dict[str, frozenset[FactValue]]:
    return {fact: values for fact, values in row.when.items() if fact != "matter"}


@dataclass(frozen=True)
class _Candidate:
    """A row with its conditions laid out for quick looking."""

    conditions: tuple[tuple[str, frozenset[FactValue]], ...]
    row: Situation

    def holds(self, facts: Facts) -> bool:
        # A plain loop: this runs for every row of a matter on every message, and a generator doubles its time.
        for fact, values in self.conditions:  # noqa: SIM110
            if facts.get(fact) not in values:
                return False
        return True


class Library:
    """Clauses and situations of one guidance, ready to be asked. Never changes once made.

    `files` tells in which file an id stands, where that is known. `version` changes with any change, `table` only when
    other facts lead to other rows.
    """

    def __init__(
        self, clauses: Iterable[Clause], situations: Iterable[Situation], files: Mapping[str, str] | None = None
    ) -> None:
        self.clauses = tuple(clauses)
        self.situations = tuple(situations)
        self.files = dict(files or {})
        self._clauses = {clause.id: clause for clause in self.clauses}
        self._situations = {row.id: row for row in self.situations}
        self._by_matter = self._ranked_by_matter()
        self._named = {matter: _named(found) for matter, found in self._by_matter.items()}
        self._words = {clause.id: _words(f"{clause.section} {clause.words}") for clause in self.clauses}
        self._clauses_with = Counter(word for words in self._words.values() for word in words)
        self.table = _digest(self._table())
        self.version = _digest([*self._table(), *self._content()])

    @classmethod
    def load(cls, folder: Path) -> Library:
        """Read a guidance folder. Raises KnowledgeBaseError where it is not understood."""
        content = load(folder)
        return cls(content.clauses, content.situations, content.files)

    def rule(self, facts: Facts) -> Situation | None:
        """Find the row that rules on these facts; None when no row holds.

        A row holds when every fact it names is told with a value it allows. Of several that hold, the one that beats
        the others wins (see `beats`); where none does, the one that names most facts, then the one that stands first.
        """
        for candidate in self._by_matter.get(facts.get("matter"), ()):
            if candidate.holds(facts):
                return candidate.row
        return None

    def situation(self, id: str) -> Situation:
        """Give the row with this id. Raises KeyError when there is none."""
        return self._situations[id]

    def clause(self, id: str) -> Clause:
        """Give the clause with this paragraph id. Raises KeyError when there is none."""
        return self._clauses[id]

    def citations(self, row: Situation) -> tuple[Clause, ...]:
        """Give the clauses a row rests on, the deciding one first."""
        return tuple(self._clauses[id] for id in row.clauses)

    def search(self, text: str, limit: int = 5) -> tuple[Clause, ...]:
        """Find clauses that share words with `text`, best first; rare words count for more. Never for ruling."""
        asked = _words(text)
        scores = {clause: self._score(clause, asked) for clause in self.clauses}
        found = sorted((clause for clause in self.clauses if scores[clause]), key=lambda c: -scores[c])
        return tuple(found[:limit])

    def rows_for(self, matter: FactValue) -> tuple[Situation, ...]:
        """Give the rows of one matter, those that win first."""
        return tuple(candidate.row for candidate in self._by_matter.get(matter, ()))

    def named(self, matter: FactValue) -> Mapping[str, frozenset[FactValue]]:
        """The facts that rows of this matter name, the matter left out, each with every value that one of them names."""
        return self._named.get(matter, {})

    def _score(self, clause: Clause, asked: frozenset[str]) -> float:
        shared = asked & self._words[clause.id]
        return sum(math.log(1 + len(self.clauses) / self._clauses_with[word]) for word in shared)

    def _ranked_by_matter(self) -> dict[FactValue | None, tuple[_Candidate, ...]]:
        rows: dict[FactValue, list[Situation]] = defaultdict(list)
        for row in self.situations:
            for matter in row.when["matter"]:
                rows[matter].append(row)
        return {matter: tuple(map(_candidate, self._ranked(found))) for matter, found in rows.items()}

    def _ranked(self, rows: list[Situation]) -> list[Situation]:
        """Every row after all that beat it; otherwise most named facts first, then file order."""
        place = {row.id: (-len(row.when), number) for number, row in enumerate(rows)}
        order = TopologicalSorter({row.id: [by.id for by in rows if beats(by, row)] for row in rows})
        try:
            order.prepare()
        except CycleError as error:
            circle = " → ".join(error.args[1])
            raise KnowledgeBaseError(self._file(error.args[1][0]), circle, "over", "goes round in a circle") from error
        ranked: list[Situation] = []
        free: list[str] = []
        while order.is_active():
            free = sorted([*free, *order.get_ready()], key=lambda id: place[id])
            first = free.pop(0)
            order.done(first)
            ranked.append(self._situations[first])
        return ranked

    def _file(self, id: str) -> str:
        return self.files.get(id, "situations")

    def _table(self) -> list[str]:
        """Which facts lead to which row, a line a row."""
        return [
            repr((row.id, sorted((fact, sorted(values)) for fact, values in row.when.items()), sorted(row.over)))
            for row in self.situations
        ]

    def _content(self) -> list[str]:
        rulings = [(row.verdict, row.force, row.clauses, row.answer, row.offers, row.ask) for row in self.situations]
        return [*map(repr, self.clauses), *map(repr, rulings)]


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def _named(candidates: Iterable[_Candidate]) -> dict[str, frozenset[FactValue]]:
    named: dict[str, frozenset[FactValue]] = {}
    for candidate in candidates:
        for fact, values in candidate.conditions:
            named[fact] = named.get(fact, frozenset()) | values
    return named


def _candidate(row: Situation) -> _Candidate:
    return _Candidate(tuple(_conditions(row).items()), row)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))
