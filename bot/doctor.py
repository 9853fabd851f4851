"""What is configured, what is missing, and how to mend it. Looks and tells; changes nothing."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from bot.errors import SettingsError
from bot.settings import EXAMPLE_SCHOOL, Settings, load_school
from guidance_kb.check import check
from guidance_kb.document import DocumentError, bind, read_document
from guidance_kb.library import Library

OLDEST_PYTHON = (3, 11)


class Health(StrEnum):
    """How a part is."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "MEND"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report; `mend` says what to do when it is not good."""

    part: str
    health: Health
    said: str
    mend: str = ""

    def __str__(self) -> str:
        """Return the line as it is printed."""
        return f"{self.health:4}  {self.part}: {self.said}" + (f"\n      → {self.mend}" if self.mend else "")


def examine(settings: Settings, library: Library, on_platform: bool = False) -> tuple[Finding, ...]:
    """Look at every part, in the order in which an installer meets them; `on_platform`: Slack or Teams is configured."""
    return (
        _python(),
        _school(settings.school),
        _keys(settings),
        _database(settings.database_url),
        _knowledge(library),
        _document(settings.guidance_document, library),
        _calendar(settings.school),
        _address(settings, on_platform),
    )


def _python() -> Finding:
    said = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("Python", Health.GOOD, said)
    return Finding("Python", Health.BAD, said, "Install Python 3.11 or newer.")


def _school(path: Path) -> Finding:
    try:
        school = load_school(path)
    except SettingsError as error:
        return Finding("School", Health.BAD, str(error), "Mend that entry; school.example.toml shows every key.")
    said = f"{school.name}, {len(school.people)} people, numbers last checked {school.contacts.as_of}"
    if path == EXAMPLE_SCHOOL:
        mend = "Copy school.example.toml to school.toml, change it, and set CHARTER_SCHOOL to its path."
        return Finding("School", Health.NOTE, f"the invented example ({said})", mend)
    return Finding("School", Health.GOOD, said)


def _keys(settings: Settings) -> Finding:
    if settings.secret_keys is not None:
        return Finding("Keys", Health.GOOD, "taken from CHARTER_SECRET_KEYS")
    mend = "Before real use set CHARTER_SECRET_KEYS (README, “Keys”) and keep them apart from the database."
    return Finding("Keys", Health.NOTE, "made for the preview, in the var folder", mend)


def _database(url: str) -> Finding:
    kind = url.split(":", 1)[0]
    if kind.startswith("postgresql"):
        return Finding("Database", Health.GOOD, "PostgreSQL")
    if not kind.startswith("sqlite"):
        mend = "Begin CHARTER_DATABASE_URL with sqlite:/// or postgresql://, or unset it."
        return Finding("Database", Health.BAD, kind, mend)
    folder = Path(url.split("///", 1)[-1]).parent
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if os.access(nearest, os.W_OK):
        return Finding("Database", Health.GOOD, f"SQLite in {folder}")
    return Finding(
        "Database", Health.BAD, f"{folder} cannot be written", "Give the account that runs Charter that right."
    )


def _knowledge(library: Library) -> Finding:
    said = f"{len(library.clauses)} paragraphs, {len(library.situations)} situations, version {library.version}"
    findings = check(library)
    if findings:
        return Finding("Knowledge base", Health.BAD, f"{said}; {len(findings)} findings", "Run: python app.py kb check")
    return Finding("Knowledge base", Health.GOOD, said)


def _document(path: Path | None, library: Library) -> Finding:
    if path is None:
        mend = "Set CHARTER_GUIDANCE_DOCUMENT to the school's own copy to quote its exact words."
        return Finding("Guidance document", Health.NOTE, "not given; answers cite in plain words", mend)
    try:
        findings = bind(read_document(path), library.clauses).findings
    except DocumentError as error:
        return Finding("Guidance document", Health.BAD, str(error), "Give a .txt, .md, .docx or .html file.")
    if findings:
        mend = "Run: python app.py kb check --document FILE"
        return Finding("Guidance document", Health.NOTE, f"{len(findings)} differences from the knowledge base", mend)
    return Finding("Guidance document", Health.GOOD, "every paragraph is found")


def _calendar(path: Path) -> Finding:
    try:
        calendar = load_school(path).calendar
    except SettingsError:
        return Finding("Calendar", Health.NOTE, "not read, because the school's file is not")
    warning = calendar.warning(calendar.local(datetime.now(UTC)).date())
    if warning:
        return Finding("Calendar", Health.NOTE, warning, "Add the terms to [calendar] in the school's file.")
    return Finding("Calendar", Health.GOOD, "today lies in a known school year")


def _address(settings: Settings, on_platform: bool) -> Finding:
    said = f"http://{settings.host}:{settings.port}"
    if on_platform or settings.host in ("127.0.0.1", "::1", "localhost"):
        return Finding("Address", Health.GOOD, said)
    return Finding("Address", Health.BAD, said, "The preview is served on this computer only: unset CHARTER_HOST.")
