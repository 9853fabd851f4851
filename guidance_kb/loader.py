"""Reads a guidance folder strictly: whatever is not understood is an error that says where it stands.

A folder holds `clauses/*.toml` with `[[clause]]` entries and `situations/*.toml` with `[[situation]]` entries. In a
situation `over` may name rows by pattern: `student-*` stands for every other row whose id starts with `student-`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from guidance_kb.facts import VOCABULARY, FactValue
from guidance_kb.model import Clause, Force, Offer, Situation, Verdict

CLAUSE_NEEDS = frozenset({"id", "section", "paragraph", "force", "words", "fingerprint"})
CLAUSE_KEYS = CLAUSE_NEEDS | {"sketch"}
SITUATION_NEEDS = frozenset({"id", "when", "verdict", "force", "clauses", "answer"})
SITUATION_KEYS = SITUATION_NEEDS | {"offers", "covers", "over", "ask"}

_Word = TypeVar("_Word", bound=StrEnum)


class KnowledgeBaseError(ValueError):
    """Something in a guidance folder is not understood; names the file, the entry and the key."""

    def __init__(self, file: str, entry: str, key: str, why: str) -> None:
        super().__init__(f"{file}, {entry}, {key}: {why}")
        self.file, self.entry, self.key, self.why = file, entry, key, why


@dataclass(frozen=True)
class Content:
    """What a folder holds, in file order. `files` maps the id of a clause or situation to the file it stands in."""

    clauses: tuple[Clause, ...]
    situations: tuple[Situation, ...]
    files: Mapping[str, str]


def load(folder: Path) -> Content:
    """Read every clause and situation in `folder`.

    Raises KnowledgeBaseError for TOML that cannot be read, an unknown or missing key, an unknown fact, value, verdict,
    force or offer, an id that stands twice, and a reference to a clause or row that does not exist.
    """
    clauses = {entry: _clause(entry) for entry in _entries(folder, "clauses", "clause")}
    situations = {entry: _situation(entry) for entry in _entries(folder, "situations", "situation")}
    _no_repeats(clauses)
    _no_repeats(situations)
    _no_loose_clauses(situations, {clause.id for clause in clauses.values()})
    files = {item.id: entry.file for found in (clauses, situations) for entry, item in found.items()}
    return Content(tuple(clauses.values()), _with_over_spelt_out(situations), files)


@dataclass(frozen=True, eq=False)
class _Entry:
    """One table of a file; reads its keys and knows where it stands."""

    file: str
    name: str
    raw: Mapping[str, object]

    def wrong(self, key: str, why: str) -> KnowledgeBaseError:
        return KnowledgeBaseError(self.file, self.name, key, why)

    def has_only(self, needed: frozenset[str], known: frozenset[str]) -> None:
        for key in sorted(self.raw.keys() - known):
            raise self.wrong(key, "unknown key")
        for key in sorted(needed - self.raw.keys()):
            raise self.wrong(key, "missing")

    def text(self, key: str) -> str:
        value = self.raw[key]
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "must be words")
        return value

    def number(self, key: str) -> int:
        value = self.raw[key]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(key, "must be a whole number from 1")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw.get(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "must be a list of words")
        return tuple(self._listed(key, value))

    def one_of(self, key: str, words: type[_Word], value: str) -> _Word:
        try:
            return words[value.upper()]
        except KeyError:
            raise self.wrong(key, f"unknown value {value!r}") from None

    def _listed(self, key: str, values: list[object]) -> Iterator[str]:
        seen: set[str] = set()
        for value in values:
            if not isinstance(value, str) or not value.strip():
                raise self.wrong(key, "must be a list of words")
            if value in seen:
                raise self.wrong(key, f"{value!r} stands twice")
            seen.add(value)
            yield value


def _entries(folder: Path, part: str, kind: str) -> Iterator[_Entry]:
    for path in sorted((folder / part).glob("*.toml")):
        where = f"{part}/{path.name}"
        tables = _read(path, where)
        for key in sorted(tables.keys() - {kind}):
            raise KnowledgeBaseError(where, "top level", key, f"only [[{kind}]] entries may stand here")
        for number, raw in enumerate(_listed_tables(tables.get(kind, []), where, kind), 1):
            yield _Entry(where, str(raw.get("id", f"{kind} {number}")), raw)


def _read(path: Path, where: str) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KnowledgeBaseError(where, "top level", "file", str(error)) from error


def _listed_tables(raw: object, where: str, kind: str) -> Iterator[dict[str, object]]:
    for table in raw if isinstance(raw, list) else [raw]:
        if not isinstance(raw, list) or not isinstance(table, dict):
            raise KnowledgeBaseError(where, "top level", kind, f"write each entry under [[{kind}]]")
        yield table


def _clause(entry: _Entry) -> Clause:
    entry.has_only(CLAUSE_NEEDS, CLAUSE_KEYS)
    return Clause(
        id=entry.text("id"),
        section=entry.text("section"),
        paragraph=entry.number("paragraph"),
        force=entry.one_of("force", Force, entry.text("force")),
        words=entry.text("words"),
        fingerprint=entry.text("fingerprint"),
        sketch=entry.text("sketch") if "sketch" in entry.raw else "",
    )


def _situation(entry: _Entry) -> Situation:
    entry.has_only(SITUATION_NEEDS, SITUATION_KEYS)
    clauses = entry.texts("clauses")
    if not clauses:
        raise entry.wrong("clauses", "a row rests on at least one clause")
    return Situation(
        id=entry.text("id"),
        when=_when(entry),
        verdict=entry.one_of("verdict", Verdict, entry.text("verdict")),
        force=entry.one_of("force", Force, entry.text("force")),
        clauses=clauses,
        answer=entry.text("answer"),
        offers=tuple(entry.one_of("offers", Offer, offer) for offer in entry.texts("offers")),
        covers=entry.texts("covers"),
        over=frozenset(entry.texts("over")),
        ask=_asked(entry),
    )


def _asked(entry: _Entry) -> str | None:
    if "ask" not in entry.raw:
        return None
    fact = entry.text("ask")
    if fact not in VOCABULARY:
        raise entry.wrong("ask", f"unknown fact {fact!r}")
    return fact


def _when(entry: _Entry) -> dict[str, frozenset[FactValue]]:
    raw = entry.raw["when"]
    if not isinstance(raw, dict) or "matter" not in raw:
        raise entry.wrong("when", "must be a table that names the matter")
    conditions = _Entry(entry.file, entry.name, raw)
    return {fact: _values(conditions, fact) for fact in raw}


def _values(conditions: _Entry, fact: str) -> frozenset[FactValue]:
    if fact not in VOCABULARY:
        raise conditions.wrong(f"when.{fact}", "unknown fact")
    values = conditions.texts(fact)
    if not values:
        raise conditions.wrong(f"when.{fact}", "needs at least one value")
    return frozenset(conditions.one_of(f"when.{fact}", VOCABULARY[fact], value) for value in values)


def _no_repeats(found: Mapping[_Entry, Clause] | Mapping[_Entry, Situation]) -> None:
    first: dict[str, str] = {}
    for entry, item in found.items():
        if item.id in first:
            raise entry.wrong("id", f"stands already in {first[item.id]}")
        first[item.id] = entry.file


def _no_loose_clauses(situations: Mapping[_Entry, Situation], known: set[str]) -> None:
    for entry, row in situations.items():
        for clause in row.clauses:
            if clause not in known:
                raise entry.wrong("clauses", f"no clause {clause!r}")


def _with_over_spelt_out(situations: Mapping[_Entry, Situation]) -> tuple[Situation, ...]:
    ids = [row.id for row in situations.values()]
    return tuple(replace(row, over=_spelt_out(entry, row, ids)) for entry, row in situations.items())


def _spelt_out(entry: _Entry, row: Situation, ids: list[str]) -> frozenset[str]:
    named = {pattern: {id for id in ids if id != row.id and fnmatchcase(id, pattern)} for pattern in row.over}
    for pattern in sorted(row.over):
        if not named[pattern]:
            raise entry.wrong("over", f"no other row {pattern!r}")
    return frozenset().union(*named.values())


def load_coverage(folder: Path) -> dict[str, str]:
    """Read `coverage.toml`: the id of every rule and unsettled matter that a row must stand for, each with a short line.

    A folder without the file asks for nothing. Raises KnowledgeBaseError for anything but ids with words.
    """
    path = folder / "coverage.toml"
    found = _read(path, path.name) if path.exists() else {}
    entry = _Entry(path.name, "top level", found)
    return {id: entry.text(id) for id in found}
