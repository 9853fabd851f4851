"""The audit: whether anything that was ever written to a case has been changed, removed, moved or slipped in since."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cases.record import Act
from bot.storage.chain import START, Marks, digest
from bot.storage.database import Database
from bot.storage.sealing import Sealer, Unreadable
from bot.storage.tables import CaseRow, ChainRow, ContentRow, EventRow

_BATCH = 500

_Story = Sequence[tuple[EventRow, bytes | None]]


@dataclass(frozen=True)
class Finding:
    """Something that does not fit. `ref` and `event` say where, as far as that can be known; never what it holds."""

    said: str
    ref: str | None = None
    event: int | None = None

    def __str__(self) -> str:
        """Return one line."""
        where = f"{self.ref} event {self.event}: " if self.event else f"{self.ref}: " if self.ref else ""
        return where + self.said


async def verify(database: Database, sealer: Sealer) -> tuple[Finding, ...]:
    """Everything that does not fit, in one consistent view of the database; nothing when all is as it was written.

    Finds changed, removed, moved and inserted events and contents, last events and whole cases that were cut off included.
    Content that retention deleted is no finding: a later event says so. An older copy of the whole database is as good as
    the newest: compare `events` of a backup kept elsewhere. Raises Unreadable when the keys do not open the chain's key.
    """
    async with database.reading() as tx:
        row = await tx.get(ChainRow, 1)
        marks = Marks(bytes.fromhex(sealer.open(row.sealed))) if row else Marks(b"")
        found = [*await _totals(tx, row, marks), *await _strays(tx)]
        last = 0
        while cases := (await tx.scalars(_next_cases(last))).all():
            stories = await _stories(tx, last, cases[-1].id)
            last = cases[-1].id
            for case in cases:
                found += _in_case(case, stories[case.id], marks, sealer)
            tx.expunge_all()
    return tuple(found)


def _next_cases(after: int) -> Select[CaseRow]:
    return select(CaseRow).where(CaseRow.id > after).order_by(CaseRow.id).limit(_BATCH)


async def _totals(tx: AsyncSession, row: ChainRow | None, marks: Marks) -> Iterator[Finding]:
    """The events are numbered without a gap, and the last number is vouched for."""
    there = await tx.scalar(select(func.count()).select_from(EventRow)) or 0
    last = await tx.scalar(select(func.max(EventRow.number))) or 0
    return _totals_found(row, marks, there, last)


def _totals_found(row: ChainRow | None, marks: Marks, there: int, last: int) -> Iterator[Finding]:
    if row is None:
        if there:
            yield Finding("the chain's key is missing")
        return
    if not hmac.compare_digest(row.mark, marks.total(row.events)):
        yield Finding("the number of all events was changed")
    if (there, last) != (row.events, row.events):
        yield Finding(f"{row.events} events were written, the last with that number; there are {there} up to {last}")


async def _strays(tx: AsyncSession) -> list[Finding]:
    """Rows that hang in the air."""
    no_case = ~exists().where(CaseRow.id == EventRow.case_id)
    no_event = ~exists().where(EventRow.case_id == ContentRow.case_id, EventRow.seq == ContentRow.seq)
    counted = (
        ("events without a case", select(func.count()).select_from(EventRow).where(no_case)),
        ("contents without an event", select(func.count()).select_from(ContentRow).where(no_event)),
    )
    return [Finding(f"{count} {what}") for what, query in counted if (count := await tx.scalar(query))]


async def _stories(tx: AsyncSession, after: int, until: int) -> defaultdict[int, list[tuple[EventRow, bytes | None]]]:
    wanted = (
        select(EventRow, ContentRow.sealed)
        .outerjoin(ContentRow, (ContentRow.case_id == EventRow.case_id) & (ContentRow.seq == EventRow.seq))
        .where(EventRow.case_id > after, EventRow.case_id <= until)
        .order_by(EventRow.case_id, EventRow.seq)
    )
    stories: defaultdict[int, list[tuple[EventRow, bytes | None]]] = defaultdict(list)
    for event, sealed in await tx.execute(wanted):
        stories[event.case_id].append((event, sealed))
    return stories


def _in_case(case: CaseRow, story: _Story, marks: Marks, sealer: Sealer) -> Iterator[Finding]:
    before = START
    disposed = max((event.seq for event, _ in story if event.act == Act.DISPOSED), default=0)
    for event, sealed in story:
        if not hmac.compare_digest(event.hash, marks.event(before, case.ref, event)):
            yield Finding("the event was changed, or does not follow the one before it", case.ref, event.seq)
        if said := _content(event, sealed, disposed, sealer):
            yield Finding(said, case.ref, event.seq)
        before = event.hash
    if [event.seq for event, _ in story] != list(range(1, case.events + 1)):
        yield Finding(f"it has {len(story)} events in place of 1 to {case.events}", case.ref)
    if not hmac.compare_digest(case.mark, marks.case(case.ref, len(story), before)):
        yield Finding("its last events were removed, or its mark was changed", case.ref)


def _content(event: EventRow, sealed: bytes | None, disposed: int, sealer: Sealer) -> str | None:
    """What is wrong with an event's content."""
    if sealed is None:
        return None if event.seq < disposed else "the content was removed"
    try:
        fits = hmac.compare_digest(event.digest, digest(sealer.open(sealed)))
    except Unreadable:
        return "the content cannot be opened"
    return None if fits else "the content was changed"
