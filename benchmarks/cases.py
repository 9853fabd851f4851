"""What the case desk costs as cases pile up: a leader's queue, a person's own cases and filing, on SQLite.

The cases are real ones, sealed and chained by the code that files them, only written in bulk; the times are taken through
the desk, rights and decryption included, against a file that waits for the disk at every commit.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from cryptography.fernet import Fernet
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cases.desk import Desk
from bot.cases.model import About, Filing, Kind, Receipt, Urgency
from bot.cases.record import Act, Case, Concern, Event
from bot.cases.reference import ALPHABET
from bot.cases.routing import Roster
from bot.clock import SystemClock
from bot.model import Destination, Person, Role
from bot.notices.model import Notice, NoticeKind
from bot.settings import EXAMPLE_SCHOOL, load_school
from bot.storage.cases import SqlCaseStore
from bot.storage.chain import START, Chain
from bot.storage.database import Database, open_database
from bot.storage.outbox import notice_row
from bot.storage.rows import handler_rows, new_case_row, new_event_row
from bot.storage.sealing import Sealer
from bot.storage.tables import Base, CaseRow, ContentRow, EventRow, HandlerRow, NoticeRow

SIZES = (1_000, 10_000, 100_000)
OWN = 10
"""One case in so many is the measured person's own."""
BATCH = 10_000
VIEWS, FILINGS, SEALS = 60, 200, 2_000
WORDS = "A pupil in my form sent me a request to follow me and then a message late at night. I have not answered. " * 4


class Pile:
    """A database with as many open cases as wanted, all given to the same leaders."""

    def __init__(self, database: Database) -> None:
        school = load_school(EXAMPLE_SCHOOL)
        people = school.people
        self.size = 0
        self.sealer = Sealer([Fernet.generate_key()])
        self.leaders = [person for person in people if person.has(Role.SLT, Role.HEADTEACHER)]
        self.staff = next(person for person in people if person.roles == {Role.STAFF})
        self.desk = Desk(SqlCaseStore(database, self.sealer), Roster(people), SystemClock(), school.numbers())
        self._database = database
        self._start = datetime.now(UTC) - timedelta(days=100)

    async def grow(self, size: int) -> None:
        """Add cases until there are so many."""
        while self.size < size:
            async with self._database.writing() as tx:
                chain = await tx.run_sync(Chain.load, self.sealer)
                until = min(size, self.size + BATCH)
                await _store(tx, [row for number in range(self.size, until) for row in self._rows(chain, number)])
            self.size = until
            print(f"{self.size:,} cases of {size:,} …", file=sys.stderr, flush=True)

    def _rows(self, chain: Chain, number: int) -> Iterator[Base]:
        """A case and all that is stored with it."""
        case = self._case(number)
        row = new_case_row(case, f"draft-{number}", self.sealer)
        row.id = number + 1
        filed = Event(Act.FILED, case.reporter, case.opened, "A. Person", answers={"What happened?": WORDS})
        event, content = new_event_row(filed)
        said = chain.link(START, row, event, content)
        event.case_id = said.case_id = row.id
        notice = Notice(f"n{number}", Destination(case.handlers[0]), NoticeKind.POINTER, case.ref, case.opened)
        told = notice_row(notice)
        told.attempts, told.unsure, told.finished, told.sent_at = 1, False, True, case.opened
        yield from (row, *handler_rows(row, case), event, said, told)

    def _case(self, number: int) -> Case:
        opened = self._start + timedelta(seconds=number)
        return Case(
            ref=_reference(number),
            kind=Kind.REPORT,
            urgency=Urgency.NORMAL,
            reporter=self.staff.id if number % OWN == 0 else f"colleague-{number % 97}",
            opened=opened,
            handlers=tuple(person.id for person in self.leaders),
            concern=Concern(About.STUDENT, frozenset({Role.SLT, Role.HEADTEACHER})),
            due=opened + timedelta(days=101) if number % 3 else None,
        )


async def _store(tx: AsyncSession, rows: list[Base]) -> None:
    """Write rows in bulk, each kind at once."""
    connection = await tx.connection()
    for kind in (CaseRow, HandlerRow, EventRow, ContentRow, NoticeRow):
        columns = [column.key for column in kind.__table__.columns if (kind, column.key) != (NoticeRow, "seq")]
        found = [{name: getattr(row, name) for name in columns} for row in rows if isinstance(row, kind)]
        await connection.execute(insert(Base.metadata.tables[kind.__tablename__]), found)


def _reference(number: int) -> str:
    """A reference of its own for each number, never one that filing draws: it is longer."""
    digits = "".join(ALPHABET[number // len(ALPHABET) ** place % len(ALPHABET)] for place in range(6))
    return f"{digits[:2]}-{digits[2:]}"


async def measure(folder: Path, sizes: tuple[int, ...] = SIZES) -> None:
    """Print the table."""
    database = await open_database(f"sqlite:///{folder / 'cases.sqlite3'}")
    pile = Pile(database)
    desk, leader, staff = pile.desk, pile.leaders[0], pile.staff
    print(f"{'milliseconds':<30} {'cases':>9} {'p50':>9} {'p95':>9}")
    _row("seal and open one report", 1, _sealing(pile.sealer))
    for size in sizes:
        started = time.perf_counter()
        await pile.grow(size)
        seeded = time.perf_counter() - started
        _row("a leader's queue, 50 shown", size, await _timed(VIEWS, lambda: desk.queue(leader)))
        _row("a person's own, 50 shown", size, await _timed(VIEWS, lambda: desk.own(staff)))
        _row("file a report", size, await _timed(FILINGS, lambda: _file(desk, staff)))
        pile.size += FILINGS
        print(f"{'':<30} ({seeded:.1f} s to add the cases, {_megabytes(folder):.0f} MB on disk)")
    await database.close()


async def _timed(rounds: int, work: Callable[[], Awaitable[object]]) -> list[float]:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        await work()
        times.append(time.perf_counter() - start)
    return times


async def _file(desk: Desk, staff: Person) -> None:
    answers = {"What happened?": WORDS}
    filed = await desk.file(Filing(os.urandom(8).hex(), Kind.REPORT, About.STUDENT, staff, answers))
    if not isinstance(filed, Receipt):
        raise TypeError(filed)


def _sealing(sealer: Sealer) -> list[float]:
    times = []
    for _ in range(SEALS):
        start = time.perf_counter()
        sealer.open(sealer.seal(WORDS))
        times.append(time.perf_counter() - start)
    return times


def _row(what: str, size: int, times: list[float]) -> None:
    cut = statistics.quantiles(times, n=20)
    print(f"{what:<30} {size:>9,} {cut[9] * 1000:9.2f} {cut[18] * 1000:9.2f}", flush=True)


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.iterdir()) / 2**20


def main() -> None:
    """Measure in a folder that goes afterwards."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
