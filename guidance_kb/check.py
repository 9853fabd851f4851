"""Finds what is wrong with a knowledge base as a whole: what no single row shows.

Every finding is exact, not a guess: rows are tried on the facts that they name, and telling further facts only lets more
rows hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product

from guidance_kb.facts import FactValue, Matter
from guidance_kb.library import Library, beats, holds
from guidance_kb.model import Force, Situation

STRENGTH = {
    Force.NEVER: 3,
    Force.MUST: 3,
    Force.SHOULD: 2,
    Force.EXPECTED: 2,
    Force.MAY: 1,
    Force.ADVICE: 1,
    Force.INFO: 0,
}
"""How hard a force binds; words for staff may be weaker than their clause, never stronger."""


class Kind(StrEnum):
    """What is wrong."""

    CONTRADICTION = "contradiction"
    UNREACHABLE = "unreachable row"
    OVERSTATED = "stronger than its clause"
    IDLE_ASK = "asks for nothing"
    GAP = "gap"
    UNUSED_CLAUSE = "unused clause"
    NOT_COVERED = "not covered"
    UNKNOWN_COVER = "covers an unknown id"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, with the file and the entry to mend."""

    kind: Kind
    file: str
    entry: str
    words: str

    def __str__(self) -> str:
        return f"{self.file}: {self.entry}: {self.kind}: {self.words}"


def check(library: Library, required: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    """Look for everything in `Kind`. `required` maps each id that some row must cover to a line that says what it is.

    Without `required` coverage is not looked at.
    """
    finders = (_gaps, _contradictions, _unreachable, _overstated, _idle_asks, _unused_clauses)
    found = [finding for find in finders for finding in find(library)]
    return (*found, *_coverage(library, required)) if required else tuple(found)


def _gaps(library: Library) -> Iterator[Finding]:
    for matter in Matter:
        if not library.rows_for(matter):
            yield Finding(Kind.GAP, "situations", matter, "no row")
        elif library.rule({"matter": matter}) is None:
            yield Finding(Kind.GAP, "situations", matter, "no row holds when nothing else is told")


def _contradictions(library: Library) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for matter in Matter:
        rows = library.rows_for(matter)
        for one, other in combinations(rows, 2):
            if (one.id, other.id) not in seen and _contradict(one, other, matter, rows):
                seen |= {(one.id, other.id), (other.id, one.id)}
                words = f"holds together with {other.id} on {matter}; neither goes before the other"
                yield _about(library, one, Kind.CONTRADICTION, words)


def _contradict(one: Situation, other: Situation, matter: Matter, rows: tuple[Situation, ...]) -> bool:
    """Whether both can win at once, saying different things."""
    alike = (one.verdict, one.clauses[0]) == (other.verdict, other.clauses[0])
    if alike or beats(one, other) or beats(other, one):
        return False
    return any(_both_win(one, other, facts, rows) for facts in _facts_of_both(one, other, matter))


def _both_win(one: Situation, other: Situation, facts: Mapping[str, FactValue], rows: tuple[Situation, ...]) -> bool:
    return not any(holds(row, facts) and (beats(row, one) or beats(row, other)) for row in rows)


def _facts_of_both(one: Situation, other: Situation, matter: Matter) -> Iterator[dict[str, FactValue]]:
    shared = {fact: one.when[fact] & other.when[fact] for fact in one.when.keys() & other.when.keys()}
    return _each({**one.when, **other.when, **shared, "matter": frozenset({matter})})


def _each(when: Mapping[str, frozenset[FactValue]]) -> Iterator[dict[str, FactValue]]:
    """Every way of telling just these facts."""
    for values in product(*(sorted(allowed) for allowed in when.values())):
        yield dict(zip(when, values, strict=True))


def _unreachable(library: Library) -> Iterator[Finding]:
    for row in library.situations:
        if not any(library.rule(facts) is row for facts in _each(row.when)):
            yield _about(library, row, Kind.UNREACHABLE, "another row always goes before it")


def _overstated(library: Library) -> Iterator[Finding]:
    for row in library.situations:
        strongest = max(STRENGTH[clause.force] for clause in library.citations(row))
        if STRENGTH[row.force] > strongest:
            yield _about(library, row, Kind.OVERSTATED, f"'{row.force}' is more than its clauses say")


def _idle_asks(library: Library) -> Iterator[Finding]:
    for row in library.situations:
        for matter in Matter if row.ask else ():
            rows = library.rows_for(matter)
            if row in rows and not any(_is_told_apart(row, other) for other in rows):
                yield _about(library, row, Kind.IDLE_ASK, f"no row on {matter} tells its '{row.ask}' apart")


def _is_told_apart(row: Situation, other: Situation) -> bool:
    """Whether telling the fact that `row` asks for can lead from it to `other`."""
    return row.ask in other.when and row.ask not in row.when and beats(other, row)


def _unused_clauses(library: Library) -> Iterator[Finding]:
    used = {clause for row in library.situations for clause in row.clauses}
    for clause in library.clauses:
        if clause.id not in used:
            yield Finding(Kind.UNUSED_CLAUSE, library.files.get(clause.id, "clauses"), clause.id, "no row rests on it")


def _coverage(library: Library, required: Mapping[str, str]) -> Iterator[Finding]:
    covered = {id for row in library.situations for id in row.covers}
    for id, words in required.items():
        if id not in covered:
            yield Finding(Kind.NOT_COVERED, "coverage.toml", id, words)
    for row in library.situations:
        for id in row.covers:
            if id not in required:
                yield _about(library, row, Kind.UNKNOWN_COVER, id)


def _about(library: Library, row: Situation, kind: Kind, words: str) -> Finding:
    return Finding(kind, library.files.get(row.id, "situations"), row.id, words)
