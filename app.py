"""Charter's command line: settings in, objects made, work started. No logic of its own.

app.py                     serve (the default)
app.py ask "text"          answer one question; --json prints an object, --batch FILE reads lines of conversations
app.py eval FILE           answer labelled messages: the figures, what is confused, what was misread in each miss
app.py kb check            look for gaps and contradictions; --document FILE compares the school's own copy
app.py teams package FILE  write the Teams app for upload, with the ids from the environment
app.py doctor              say what is configured, what is missing and how to mend it
app.py audit verify        look for anything in the cases that was changed behind Charter's back
app.py keys rotate         seal everything again with the newest of CHARTER_SECRET_KEYS
app.py backup FILE         copy the whole database to a file, still sealed
app.py restore FILE        fill an empty database from such a file
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from bot.ask import as_json, ask
from bot.consider import Consider
from bot.doctor import Finding, Health, examine
from bot.errors import CharterError, SettingsError
from bot.exam import Exam, labelled
from bot.notices.failures import failures, in_words
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import ROOT, Settings, load_school, load_settings, secret_keys
from bot.storage.audit import verify
from bot.storage.backup import backup, restore
from bot.storage.database import Database, open_database
from bot.storage.keys import rotate
from bot.storage.outbox import SqlOutbox
from bot.storage.sealing import Sealer
from bot.transports.slack_checks import Check as SlackCheck
from bot.transports.slack_checks import slack_checks
from bot.transports.teams_checks import Check as TeamsCheck
from bot.transports.teams_checks import teams_checks
from bot.transports.teams_package import PackageError, package
from guidance_kb.check import check
from guidance_kb.document import DocumentError, bind, read_document
from guidance_kb.library import Library
from guidance_kb.loader import KnowledgeBaseError, load_coverage
from intents.encoder import Encoder
from intents.reader import EncodedReader
from serving import Platforms, platforms, serve

_Found = TypeVar("_Found")
GUIDANCE = ROOT / "guidance_kb"
PROGRESS = 200
"""A batch tells how far it is after so many lines."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit status."""
    given = _parser().parse_args(arguments)
    try:
        run: Callable[[argparse.Namespace, Settings], int] = given.run
        return run(given, load_settings())
    except (CharterError, KnowledgeBaseError, DocumentError) as error:
        print(f"charter: {error}", file=sys.stderr)
        return 2


def _serve(_: argparse.Namespace, settings: Settings) -> int:
    chosen = platforms(settings)
    for found in examine(settings, Library.load(GUIDANCE), bool(chosen.slack or chosen.teams)):
        if found.health is Health.BAD:
            raise SettingsError(f"{found.part}: {found.said}. {found.mend}")
    library = Library.load(GUIDANCE)
    asyncio.run(serve(settings, library, reader(), _replies(settings, library)))
    return 0


def _ask(given: argparse.Namespace, settings: Settings) -> int:
    library = Library.load(GUIDANCE)
    consider, replies = Consider(reader(), library), _replies(settings, library)
    if given.batch:
        return _batch(given.batch, consider, replies)
    if not given.text:
        print("charter: give a question, or --batch FILE", file=sys.stderr)
        return 2
    asked = ask([given.text], consider, replies)
    print(json.dumps(as_json(asked), ensure_ascii=False) if given.json else asked.text)
    return 0


def _batch(file: Path, consider: Consider, replies: Replies) -> int:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        print(json.dumps({"id": line["id"], **as_json(ask(line["turns"], consider, replies))}, ensure_ascii=False))
        if number % PROGRESS == 0:
            print(f"{number} of {len(lines)}", file=sys.stderr)
    return 0


def _eval(given: argparse.Namespace, settings: Settings) -> int:
    library = Library.load(GUIDANCE)
    exam = Exam.sit(labelled(given.file, library), Consider(reader(), library), _replies(settings, library))
    print(*exam.report(), sep="\n")
    return 0


def _kb_check(given: argparse.Namespace, _: Settings) -> int:
    library = Library.load(GUIDANCE)
    if given.document:
        findings = [str(found) for found in bind(read_document(given.document), library.clauses).findings]
    else:
        findings = [str(found) for found in check(library, load_coverage(GUIDANCE))]
    for found in findings:
        print(found)
    print(f"{len(library.clauses)} paragraphs, {len(library.situations)} situations, {len(findings)} findings")
    return 1 if findings else 0


def _doctor(_: argparse.Namespace, settings: Settings) -> int:
    chosen = platforms(settings)
    findings = [
        *examine(settings, Library.load(GUIDANCE), bool(chosen.slack or chosen.teams)),
        *asyncio.run(_connections(settings, chosen)),
        *asyncio.run(_with_database(settings, _undelivered)),
    ]
    for found in findings:
        print(found)
    return 1 if any(found.health is Health.BAD for found in findings) else 0


def _audit(_: argparse.Namespace, settings: Settings) -> int:
    async def work(database: Database, sealer: Sealer) -> int:
        findings = await verify(database, sealer)
        for found in findings:
            print(found)
        print(f"{len(findings)} findings")
        return 1 if findings else 0

    return asyncio.run(_with_database(settings, work))


def _rotate(_: argparse.Namespace, settings: Settings) -> int:
    async def work(database: Database, sealer: Sealer) -> int:
        sealed = await rotate(database, sealer, lambda table, seen: print(f"{table}: {seen}", file=sys.stderr))
        print(f"{sealed} rows sealed again with the newest key")
        return 0

    return asyncio.run(_with_database(settings, work))


def _backup(given: argparse.Namespace, settings: Settings) -> int:
    print(f"{asyncio.run(backup(settings.database_url, given.file))} rows copied to {given.file}")
    return 0


def _restore(given: argparse.Namespace, settings: Settings) -> int:
    print(f"{asyncio.run(restore(given.file, settings.database_url))} rows restored from {given.file}")
    return 0


async def _with_database(settings: Settings, work: Callable[[Database, Sealer], Awaitable[_Found]]) -> _Found:
    database = await open_database(settings.database_url)
    try:
        return await work(database, Sealer(secret_keys(settings)))
    finally:
        await database.close()


async def _connections(settings: Settings, chosen: Platforms) -> list[Finding]:
    """What the platforms themselves say."""
    checks: list[SlackCheck | TeamsCheck] = []
    if chosen.slack:
        checks += await slack_checks(chosen.slack, f"http://{settings.host}:{settings.port}/slack/events")
    if chosen.teams:
        ends = os.environ.get("CHARTER_TEAMS_SECRET_ENDS")
        day = date.fromisoformat(ends) if ends else None
        checks += await teams_checks(
            chosen.teams, datetime.now(UTC).date(), day, os.environ.get("CHARTER_TEAMS_ENDPOINT", "")
        )
    if not checks:
        return [Finding("Slack and Teams", Health.NOTE, "not configured: the browser preview is served")]
    return [Finding(one.part, Health.GOOD if one.ok else Health.BAD, one.said, one.mend) for one in checks]


async def _undelivered(database: Database, _: Sealer) -> list[Finding]:
    """Notices that nobody has got."""
    lines = in_words(await failures(SqlOutbox(database), datetime.now(UTC)))
    mend = "Look whether that account or channel is still there."
    return [Finding("Notices", Health.BAD, line, mend) for line in lines] or [
        Finding("Notices", Health.GOOD, "all delivered")
    ]


def _package(given: argparse.Namespace, settings: Settings) -> int:
    try:
        package(ROOT / "appPackage", os.environ, load_school(settings.school).name, given.file)
    except PackageError as error:
        raise SettingsError(str(error)) from error
    print(f"{given.file} is ready to be uploaded in Teams")
    return 0


def reader() -> EncodedReader:
    """The reader, with the model that comes with the code. Raises SettingsError when that does not fit."""
    try:
        return EncodedReader(Encoder.load())
    except (OSError, ValueError) as error:
        raise SettingsError(f"the reader cannot be loaded: {error}") from error


def _replies(settings: Settings, library: Library) -> Replies:
    document = settings.guidance_document
    quote = bind(read_document(document), library.clauses).quote if document else lambda _: None
    return Replies(TemplateWords.load(), library, load_school(settings.school).contacts, quote)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py", description="Charter, the staff assistant for the school's guidance."
    )
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands")
    commands.add_parser("serve", help="serve the preview (the default)").set_defaults(run=_serve)
    asking = commands.add_parser("ask", help="answer a question")
    asking.set_defaults(run=_ask)
    asking.add_argument("text", nargs="?")
    asking.add_argument("--json", action="store_true", help="print one JSON object")
    asking.add_argument("--batch", type=Path, metavar="FILE", help="answer each line of FILE: an id and its turns")
    sitting = commands.add_parser("eval", help="answer labelled messages and say how well")
    sitting.set_defaults(run=_eval)
    sitting.add_argument("file", type=Path, metavar="FILE", help="a JSON object a line, as in intents/examples")
    checking = commands.add_parser("kb", help="the knowledge base").add_subparsers(required=True).add_parser("check")
    checking.set_defaults(run=_kb_check)
    checking.add_argument("--document", type=Path, metavar="FILE", help="the school's own copy of its guidance")
    commands.add_parser("doctor", help="what is configured and what is missing").set_defaults(run=_doctor)
    packing = commands.add_parser("teams", help="Microsoft Teams").add_subparsers(required=True).add_parser("package")
    packing.set_defaults(run=_package)
    packing.add_argument("file", type=Path, metavar="FILE", nargs="?", default=Path("charter-teams.zip"))
    auditing = commands.add_parser("audit", help="the record of what was done").add_subparsers(required=True)
    auditing.add_parser("verify", help="find what was changed").set_defaults(run=_audit)
    sealing = commands.add_parser("keys", help="the keys that seal what is stored").add_subparsers(required=True)
    sealing.add_parser("rotate", help="seal everything with the newest key").set_defaults(run=_rotate)
    for name, run, what in (
        ("backup", _backup, "copy the database to FILE"),
        ("restore", _restore, "fill it from FILE"),
    ):
        copying = commands.add_parser(name, help=what)
        copying.set_defaults(run=run)
        copying.add_argument("file", type=Path, metavar="FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
