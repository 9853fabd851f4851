"""Charter's command line: settings in, objects made, work started. No logic of its own.

app.py                     serve (the default)
app.py ask "text"          answer one question; --json prints an object, --batch FILE reads lines of conversations
app.py kb check            look for gaps and contradictions; --document FILE compares the school's own copy
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
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from bot.ask import as_json, ask
from bot.cases.desk import Desk
from bot.cases.routing import Roster
from bot.casework import Casework
from bot.clock import SystemClock
from bot.consider import Consider
from bot.doctor import Health, examine
from bot.errors import CharterError, SettingsError
from bot.formwork import Formwork
from bot.model import Platform
from bot.notices.compose import Composer
from bot.notices.failures import Gauges
from bot.notices.watch import Watch
from bot.notices.worker import Worker
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import ROOT, Settings, load_school, load_settings, secret_keys
from bot.storage.audit import verify
from bot.storage.backup import backup, restore
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, open_database
from bot.storage.inbox import SqlInbox
from bot.storage.keys import rotate
from bot.storage.memory import SqlMemory
from bot.storage.outbox import SqlOutbox
from bot.storage.preview import SqlMessageLog
from bot.storage.sealing import Sealer
from bot.talk import Talk
from bot.transports.health import Metrics, register_health
from bot.transports.web import WebTransport
from bot.transports.web_rooms import Rooms, WebMessenger
from bot.transports.web_turns import Turns
from bot.turn import Charter
from guidance_kb.check import check
from guidance_kb.document import DocumentError, bind, read_document
from guidance_kb.facts import Facts
from guidance_kb.library import Library
from guidance_kb.loader import KnowledgeBaseError, load_coverage
from intents.reader import LearnedReader
from intents.train.cached import learned_reader

GUIDANCE = ROOT / "guidance_kb"
STARTERS = (
    "Can I accept a friend request from a parent in my social circle?",
    "A student has asked to follow me on Instagram. Can I accept?",
    "Can I text a parent from my own phone on a trip?",
    "I'm new here. What should I do about my own accounts?",
)
LEASE = 10.0
"""Seconds after which a notice that a stopped process had in hand is sent again; the preview delivers in milliseconds."""
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
    for found in examine(settings, Library.load(GUIDANCE)):
        if found.health is Health.BAD:
            raise SettingsError(f"{found.part}: {found.said}. {found.mend}")
    asyncio.run(_run(settings))
    return 0


async def _run(settings: Settings) -> None:
    """Serve the preview until the process is told to stop."""
    logging.basicConfig(level=logging.WARNING)
    database = await open_database(settings.database_url)
    try:
        await database.stamp("preview")
        served, worker, watch = _preview(settings, database)
        runner = web.AppRunner(served, access_log=None, handle_signals=True)
        await runner.setup()
        at_work = [asyncio.create_task(worker.run()), asyncio.create_task(watch.run())]
        try:
            await web.TCPSite(runner, settings.host, settings.port).start()
        except OSError as error:
            raise SettingsError(f"port {settings.port} cannot be used ({error.strerror}); set CHARTER_PORT") from error
        print(f"Charter is ready: http://{settings.host}:{settings.port}", flush=True)
        await _stopped()
        for task in at_work:
            task.cancel()
        await runner.cleanup()
    finally:
        await database.close()


def _preview(settings: Settings, database: Database) -> tuple[web.Application, Worker, Watch]:
    """Join every port with what implements it."""
    library, school, clock, words = (
        Library.load(GUIDANCE),
        load_school(settings.school),
        SystemClock(),
        TemplateWords.load(),
    )
    sealer, wake = Sealer(secret_keys(settings)), asyncio.Event()
    roster = Roster(school.people, connected=frozenset({Platform.WEB}))
    store, outbox = SqlCaseStore(database, sealer), SqlOutbox(database)
    desk = Desk(store, roster, clock, school.numbers(), wake, patience=school.calendar.due, table=school.routes())
    replies = _replies(settings, library)
    memory = SqlMemory(database, sealer, clock)
    reading = reader(settings, library)
    charter = Charter(
        Talk(Consider(reading, library), replies, memory),
        Formwork(desk, replies, memory, reading, school, clock),
        Casework(desk, replies, words, school, clock),
    )
    rooms = Rooms(school.people, SqlMessageLog(database, sealer), clock)
    metrics, trouble = Metrics(), replies.plain("trouble")
    turns = Turns(charter.handle, rooms, SqlInbox(database, sealer, clock), metrics, trouble)
    served = web.Application()
    WebTransport(rooms, turns, STARTERS, trouble, school.name).register(served)
    register_health(served, _ready(database), metrics)
    composer = Composer(desk, words, clock, school.calendar)
    worker = Worker(outbox, WebMessenger(rooms), composer.compose, clock, wake, lease=LEASE)
    return served, worker, Watch(desk, store, outbox, clock, school.calendar, Gauges(metrics.registry), wake)


def _ready(database: Database) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        await database.ping()
        return True

    return ready


async def _stopped() -> None:
    stop = asyncio.Event()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_, stop.set)
    await stop.wait()


def _ask(given: argparse.Namespace, settings: Settings) -> int:
    library = Library.load(GUIDANCE)
    consider, replies = Consider(reader(settings, library), library), _replies(settings, library)
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
    findings = examine(settings, Library.load(GUIDANCE))
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


async def _with_database(settings: Settings, work: Callable[[Database, Sealer], Awaitable[int]]) -> int:
    database = await open_database(settings.database_url)
    try:
        return await work(database, Sealer(secret_keys(settings)))
    finally:
        await database.close()


def reader(settings: Settings, library: Library) -> LearnedReader:
    """The reader for this guidance, learned at the first start."""

    def row(facts: Facts) -> str | None:
        found = library.rule(facts)
        return found.id if found else None

    return learned_reader(settings.var, row, library.table, lambda line: print(line, file=sys.stderr, flush=True))


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
    checking = commands.add_parser("kb", help="the knowledge base").add_subparsers(required=True).add_parser("check")
    checking.set_defaults(run=_kb_check)
    checking.add_argument("--document", type=Path, metavar="FILE", help="the school's own copy of its guidance")
    commands.add_parser("doctor", help="what is configured and what is missing").set_defaults(run=_doctor)
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
