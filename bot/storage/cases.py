"""Cases in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from bot.cases.model import Kind
from bot.cases.record import Case, Event
from bot.model import Role
from bot.notices.model import Notice
from bot.storage.chain import Chain
from bot.storage.database import Database
from bot.storage.outbox import notice_row
from bot.storage.rows import (
    handler_rows,
    new_case_row,
    new_event_row,
    put_case,
    read_case,
    read_event,
    role_bits,
)
from bot.storage.sealing import Sealer
from bot.storage.tables import CaseRow, ContentRow, DraftRow, EventRow, HandlerRow

EVERY_KIND = frozenset(Kind)
EVERY_ROLE = frozenset(Role)


class SqlCaseStore:
    """Implements `bot.ports.CaseStore`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def filed(self, reporter: str, draft: str) -> Case | None:
        """The case that this reporter's draft became, or None."""
        async with self._database.reading() as tx:
            return await self._by_draft(tx, reporter, draft)

    async def create(self, case: Case, draft: str, first: Event, notices: Sequence[Notice]) -> Case | None:
        """Store a case, or give back the one that this draft became; None when the reference is taken."""
        async with self._database.writing() as tx:
            in_the_way = select(CaseRow.ref).where(_of_draft(case.reporter, draft) | (CaseRow.ref == case.ref))
            if (await tx.execute(in_the_way)).first():
                return await self._by_draft(tx, case.reporter, draft)
            row = new_case_row(case, draft, self._sealer)
            await self._tell(tx, row, first, notices)
            tx.add_all(handler_rows(row, case))
            await tx.execute(delete(DraftRow).where(DraftRow.person == case.reporter, DraftRow.id == draft))
        return case

    async def find(self, ref: str) -> Case | None:
        """The case without its content, or None."""
        async with self._database.reading() as tx:
            return next(iter(await self._cases(tx, select(CaseRow).where(CaseRow.ref == ref))), None)

    async def story(self, ref: str) -> tuple[Event, ...]:
        """Every event of a case with its content, oldest first. Raises Unreadable when the keys do not open it."""
        wanted = (
            select(EventRow, ContentRow.sealed)
            .join(CaseRow, CaseRow.id == EventRow.case_id)
            .outerjoin(ContentRow, (ContentRow.case_id == EventRow.case_id) & (ContentRow.seq == EventRow.seq))
            .where(CaseRow.ref == ref)
            .order_by(EventRow.seq)
        )
        async with self._database.reading() as tx:
            found = (await tx.execute(wanted)).all()
        return tuple(read_event(event, sealed, self._sealer) for event, sealed in found)

    async def write(self, case: Case, event: Event, notices: Sequence[Notice]) -> bool:
        """Store all of a case that may change with its event and notices, unless it changed meanwhile."""
        unchanged = select(CaseRow).where(CaseRow.ref == case.ref, CaseRow.version == case.version)
        async with self._database.writing() as tx:
            row = await tx.scalar(unchanged)
            if row is None:
                return False
            put_case(row, replace(case, version=case.version + 1), self._sealer)
            await tx.execute(delete(HandlerRow).where(HandlerRow.case_id == row.id))
            tx.add_all(handler_rows(row, case))
            await self._tell(tx, row, event, notices)
        return True

    async def append(self, ref: str, event: Event) -> None:
        """Add an event that changes nothing about the case."""
        async with self._database.writing() as tx:
            row = (await tx.scalars(select(CaseRow).where(CaseRow.ref == ref))).one()
            await self._tell(tx, row, event)

    async def dispose(self, ref: str, event: Event) -> bool:
        """Delete all that was said in a case and write that it was done; its events stay. False when it is on hold."""
        async with self._database.writing() as tx:
            row = (await tx.scalars(select(CaseRow).where(CaseRow.ref == ref))).one()
            if row.hold:
                return False
            await tx.execute(delete(ContentRow).where(ContentRow.case_id == row.id))
            await self._tell(tx, row, event)
        return True

    async def reported_by(self, person: str, limit: int | None = None) -> tuple[Case, ...]:
        """The cases a person sent, newest first."""
        sent = select(CaseRow).where(CaseRow.reporter == person)
        async with self._database.reading() as tx:
            return await self._cases(tx, sent.order_by(CaseRow.opened.desc(), CaseRow.id.desc()).limit(limit))

    async def count_reported(self, person: str) -> int:
        """How many there are in all."""
        async with self._database.reading() as tx:
            return (await tx.scalar(select(func.count()).where(CaseRow.reporter == person))) or 0

    async def handled_by(
        self,
        person: str,
        kinds: frozenset[Kind] = EVERY_KIND,
        closed: bool = False,
        limit: int = 50,
        roles: frozenset[Role] = EVERY_ROLE,
    ) -> tuple[Case, ...]:
        """The first cases given to a person: due soonest, then oldest, then closed ones where they are asked for."""
        given = _given(person, kinds, roles)
        async with self._database.reading() as tx:
            cases = await self._cases(tx, _line(given, closed=False).limit(limit))
            if closed and len(cases) < limit:
                cases += await self._cases(tx, _line(given, closed=True).limit(limit - len(cases)))
        return cases

    async def count_handled(
        self,
        person: str,
        kinds: frozenset[Kind] = EVERY_KIND,
        closed: bool = False,
        roles: frozenset[Role] = EVERY_ROLE,
    ) -> int:
        """How many there are in all."""
        lines = HandlerRow.closed.in_((False, True) if closed else (False,))
        given = select(func.count()).select_from(HandlerRow).where(_given(person, kinds, roles), lines)
        async with self._database.reading() as tx:
            return (await tx.scalar(given)) or 0

    async def overdue(self, now: datetime, limit: int = 50) -> tuple[Case, ...]:
        """Cases whose `due` has passed, longest first."""
        passed = select(CaseRow).where(CaseRow.due <= now).order_by(CaseRow.due, CaseRow.id)
        async with self._database.reading() as tx:
            return await self._cases(tx, passed.limit(limit))

    async def _by_draft(self, tx: AsyncSession, reporter: str, draft: str) -> Case | None:
        return next(iter(await self._cases(tx, select(CaseRow).where(_of_draft(reporter, draft)))), None)

    async def _cases(self, tx: AsyncSession, wanted: Select[CaseRow]) -> tuple[Case, ...]:
        rows = (await tx.scalars(wanted)).all()
        handlers: defaultdict[int, list[str]] = defaultdict(list)
        given = select(HandlerRow.case_id, HandlerRow.person).where(HandlerRow.case_id.in_([row.id for row in rows]))
        for case_id, person in await tx.execute(given.order_by(HandlerRow.place)) if rows else ():
            handlers[case_id].append(person)
        return tuple(read_case(row, handlers[row.id], self._sealer) for row in rows)

    async def _tell(self, tx: AsyncSession, row: CaseRow, event: Event, notices: Sequence[Notice] = ()) -> None:
        """Write an event at the end of the chain, its content beside it, and its notices."""
        chain = await Chain.load(tx, self._sealer)
        await chain.extend(tx, row, *new_event_row(event))
        tx.add_all(notice_row(notice) for notice in notices)


def _of_draft(reporter: str, draft: str) -> ColumnElement[bool]:
    return (CaseRow.reporter == reporter) & (CaseRow.draft == draft)


def _given(person: str, kinds: frozenset[Kind], roles: frozenset[Role]) -> ColumnElement[bool]:
    """A person's grants of these kinds for which one of the roles is enough."""
    of_kind = HandlerRow.kind.in_(sorted(kind.value for kind in kinds))
    enough = HandlerRow.needs.is_(None) | (HandlerRow.needs.bitwise_and(role_bits(roles)) != 0)
    return (HandlerRow.person == person) & of_kind & enough


def _line(given: ColumnElement[bool], closed: bool) -> Select[CaseRow]:
    """A person's cases in the order of the index."""
    cases = select(CaseRow).join(HandlerRow).where(given, HandlerRow.closed.is_(closed))
    return cases.order_by(HandlerRow.due.nulls_last(), HandlerRow.opened, HandlerRow.case_id)
