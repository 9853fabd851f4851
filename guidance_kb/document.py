"""Binds the clauses to the school's own copy of its guidance: exact words to quote, and what has changed since."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from guidance_kb.fingerprint import canonical, digest, likeness, sketch
from guidance_kb.formats import READERS, Block, Part, UnreadableError
from guidance_kb.model import Clause

LARGEST_FILE = 10_000_000
LARGEST_TEXT = 1_000_000

_LIKE_ENOUGH = 0.45
_MOST_PIECES = 12
_LONGEST_HEADING = 80
_NUMBERING = re.compile(r"^(?:(?:section|part)\s+)?(?:\d+(?:\.\d+)*|[ivx]+(?=[.):]))[.):]?\s+", re.IGNORECASE)
_SENTENCE_END = (".", "!", "?", ":", ";", ",")


class DocumentError(ValueError):
    """The school's copy of the guidance cannot be read; the message is a plain sentence that names the file."""


class Change(StrEnum):
    """How a paragraph of the school's document differs from what a clause knows."""

    CHANGED = "changed"
    MISSING = "missing"
    NEW = "new"
    MOVED = "moved"


@dataclass(frozen=True)
class Document:
    """The headings, list items and paragraphs of a document, in reading order, each with letters or figures in it."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Finding:
    """One difference. `section` and `paragraph` tell where it stands in the school's document.

    For a missing paragraph they tell where it stood; before the first heading `section` is empty. A new paragraph has no
    `clause_id`.
    """

    change: Change
    clause_id: str | None
    section: str
    paragraph: int

    def __str__(self) -> str:
        where = f"{self.section or 'before the first heading'}, paragraph {self.paragraph}"
        return f"{self.change}: {where}" + (f" ({self.clause_id})" if self.clause_id else "")


@dataclass(frozen=True)
class Binding:
    """The clauses' paragraphs as the school's document has them, and each difference in reading order, missing last."""

    texts: Mapping[str, str | None]
    findings: tuple[Finding, ...]

    def quote(self, clause_id: str) -> str | None:
        """Give the school's words of today: also of a changed paragraph (see `is_current`), never of a missing one."""
        return self.texts.get(clause_id)

    def is_current(self, clause_id: str) -> bool:
        """Whether the paragraph stands in the document word for word as the clause knows it."""
        outdated = any(found.clause_id == clause_id for found in self.findings if found.change is Change.CHANGED)
        return self.quote(clause_id) is not None and not outdated


def read_document(path: Path) -> Document:
    """Read a .txt, .md, .docx or .html file.

    Raises DocumentError for a file that is not there, of another type, unreadable, empty, or over 10 MB.
    """
    reader = READERS.get(path.suffix.casefold())
    if reader is None:
        raise DocumentError(f"{path.name} must be one of these kinds of file: {', '.join(READERS)}.")
    try:
        blocks = tuple(block for block in reader(_content(path)) if canonical(block.text))
    except UnreadableError as error:
        raise DocumentError(f"{path.name} cannot be read. {error}") from error
    if not blocks:
        raise DocumentError(f"{path.name} has no text in it.")
    if sum(len(block.text) for block in blocks) > LARGEST_TEXT:
        raise DocumentError(f"{path.name} has more than a million letters, too many for a guidance document.")
    return Document(blocks)


def bind(document: Document, clauses: Iterable[Clause]) -> Binding:
    """Find each clause's paragraph in the document.

    A paragraph is known by its fingerprint, also where blank lines break it. Of the rest, the paragraph most like a
    clause's sketch is that clause's changed paragraph. Headings without marks are known from the clauses' sections.
    """
    known = tuple(clauses)
    passages = _changed(_passages(document, known), known)
    found = {passage.clause.id: passage for passage in passages if passage.clause}
    missing = [Finding(Change.MISSING, c.id, c.section, c.paragraph) for c in known if c.id not in found]
    texts = {clause.id: found[clause.id].text if clause.id in found else None for clause in known}
    return Binding(texts, (*_differences(passages), *missing))


@dataclass(frozen=True)
class _Passage:
    """A paragraph of the document with its place, and the clause it belongs to once that is known."""

    section: str
    paragraph: int
    text: str
    clause: Clause | None = None
    exact: bool = False


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise DocumentError(f"{path.name} is larger than 10 MB, too large for a guidance document.")
        return path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path.name} cannot be opened: {error.strerror}.") from error


def _passages(document: Document, known: Sequence[Clause]) -> list[_Passage]:
    """Walk through the blocks: headings open sections, known paragraphs are recognised whole or in pieces."""
    by_digest = {clause.fingerprint: clause for clause in known}
    sections = {canonical(clause.section): clause.section for clause in known}
    blocks, keys = document.blocks, [canonical(block.text) for block in document.blocks]
    passages: list[_Passage] = []
    section, paragraph, at = "", 0, 0
    while at < len(blocks):
        heading = _known_heading(blocks[at], sections)
        pieces = 0 if heading else _pieces(keys[at : at + _MOST_PIECES], by_digest)
        end = at + pieces if pieces else _end_of_sentence(blocks, at, sections)
        if not heading and not pieces and end == at + 1:
            heading = _other_heading(blocks[at])
        if heading:
            section, paragraph, at = heading, 0, at + 1
            continue
        clause = by_digest[digest("".join(keys[at:end]))] if pieces else None
        paragraph += 1
        text = " ".join(block.text for block in blocks[at:end])
        passages.append(_Passage(section, paragraph, text, clause, clause is not None))
        at = end
    return passages


def _known_heading(block: Block, sections: Mapping[str, str]) -> str | None:
    if len(block.text) > _LONGEST_HEADING:
        return None
    return sections.get(canonical(block.text)) or sections.get(canonical(_NUMBERING.sub("", block.text)))


def _other_heading(block: Block) -> str | None:
    """A marked heading, or an unmarked line that reads as one: short, with a capital, without a full stop."""
    if block.part is Part.HEADING:
        return block.text
    short = len(block.text) <= _LONGEST_HEADING and not block.text.endswith(_SENTENCE_END)
    return block.text if block.part is Part.TEXT and short and not block.text[0].islower() else None


def _pieces(keys: Sequence[str], by_digest: Mapping[str, Clause]) -> int:
    """How many of these blocks, from the first, make up a known paragraph; 0 when none do."""
    return next((n for n in range(1, len(keys) + 1) if digest("".join(keys[:n])) in by_digest), 0)


def _end_of_sentence(blocks: Sequence[Block], at: int, sections: Mapping[str, str]) -> int:
    """Where a paragraph ends that breaks off within a sentence and goes on in small letters after a blank line."""
    end = at + 1
    while (
        end < len(blocks)
        and blocks[at].part is not Part.HEADING
        and blocks[end].part is Part.TEXT
        and blocks[end].text[0].islower()
        and not blocks[end - 1].text.endswith(_SENTENCE_END)
        and not _known_heading(blocks[end], sections)
    ):
        end += 1
    return end


def _changed(passages: list[_Passage], known: Sequence[Clause]) -> list[_Passage]:
    """Give the passages still without a clause to the clauses still without a passage, the likest pair first."""
    taken = {passage.clause.id for passage in passages if passage.clause}
    free = [clause for clause in known if clause.id not in taken]
    sketches = {place: sketch(passage.text) for place, passage in enumerate(passages) if free and not passage.clause}
    pairs = [(likeness(clause.sketch, mark), place, clause) for place, mark in sketches.items() for clause in free]
    given: dict[int, Clause] = {}
    for like, place, clause in sorted(pairs, key=lambda pair: (-pair[0], pair[1])):
        if like >= _LIKE_ENOUGH and place not in given and clause not in given.values():
            given[place] = clause
    return [
        replace(passage, clause=given[place]) if place in given else passage for place, passage in enumerate(passages)
    ]


def _differences(passages: Sequence[_Passage]) -> list[Finding]:
    stays = _in_order(passages)
    findings = []
    for passage in passages:
        id = passage.clause.id if passage.clause else None
        changes = ((Change.NEW, id is None), (Change.CHANGED, id is not None and not passage.exact))
        moved = (Change.MOVED, id is not None and id not in stays)
        for change, holds in (*changes, moved):
            if holds:
                findings.append(Finding(change, id, passage.section, passage.paragraph))
    return findings


def _in_order(passages: Sequence[_Passage]) -> set[str]:
    """The clauses that stand in their own section in their own order; the fewest possible count as moved."""
    at_home: dict[str, list[Clause]] = {}
    for passage in passages:
        clause = passage.clause
        if clause and canonical(passage.section) == canonical(clause.section):
            at_home.setdefault(clause.section, []).append(clause)
    return {clause.id for section in at_home.values() for clause in _longest_rising(section)}


def _longest_rising(clauses: Sequence[Clause]) -> list[Clause]:
    """The longest run, gaps allowed, in which paragraph numbers rise (patience sorting)."""
    lowest: list[int] = []
    runs: list[list[Clause]] = []
    for clause in clauses:
        pile = bisect_left(lowest, clause.paragraph)
        run = [*(runs[pile - 1] if pile else []), clause]
        lowest[pile : pile + 1], runs[pile : pile + 1] = [clause.paragraph], [run]
    return runs[-1] if runs else []
