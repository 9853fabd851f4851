"""Cases in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from bot.cases.model import Kind
from bot.cases.record import Case, Event
from bot.model import Role
from bot.notices.model import Notice
from bot.storage.chain import Chain
from bot.storage.database import Database, with_objects
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

_Result = TypeVar("_Result")

EVERY_KIND = frozenset(Kind)
EVERY_ROLE = frozenset(Role)


class SqlCaseStore:
    """Implements `bot.ports.CaseStore`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def filed(self, reporter: str, draft: str) -> Case | None:
        """The case that this reporter's draft became, or None."""
        return await self._one(_of_draft(reporter, draft))

    async def create(self, case: Case, draft: str, first: Event, notices: Sequence[Notice]) -> Case | None:
        """Store a case, or give back the one that this draft became; None when the reference is taken."""

        def create(tx: Session) -> Case | None:
            in_the_way = select(CaseRow.ref).where(_of_draft(case.reporter, draft) | (CaseRow.ref == case.ref))
            if tx.execute(in_the_way).first():
                return self._case(tx, _of_draft(case.reporter, draft))
            row = new_case_row(case, draft, self._sealer)
            self._tell(tx, row, first, notices)
            tx.add_all(handler_rows(row, case))
            tx.execute(delete(DraftRow).where(DraftRow.person == case.reporter, DraftRow.id == draft))
            return case

        return await self._write(create)

    async def find(self, ref: str) -> Case | None:
        """The case without its content, or None."""
        return await self._one(CaseRow.ref == ref)

    async def story(self, ref: str) -> tuple[Event, ...]:
        """Every event of a case with its content, oldest first. Raises Unreadable when the keys do not open it."""
        wanted = (
            select(EventRow, ContentRow.sealed)
            .join(CaseRow, CaseRow.id == EventRow.case_id)
            .outerjoin(ContentRow, (ContentRow.case_id == EventRow.case_id) & (ContentRow.seq == EventRow.seq))
            .where(CaseRow.ref == ref)
            .order_by(EventRow.seq)
        )
        found = await self._database.read(with_objects(lambda tx: tx.execute(wanted).all()))
        return tuple(read_event(event, sealed, self._sealer) for event, sealed in found)

    async def write(self, case: Case, event: Event, notices: Sequence[Notice]) -> bool:
        """Store all of a case that may change with its event and notices, unless it changed meanwhile."""
        unchanged = select(CaseRow).where(CaseRow.ref == case.ref, CaseRow.version == case.version)

        def write(tx: Session) -> bool:
            row = tx.scalar(unchanged)
            if row is None:
                return False
            put_case(row, replace(case, version=case.version + 1), self._sealer)
            tx.execute(delete(HandlerRow).where(HandlerRow.case_id == row.id))
            tx.add_all(handler_rows(row, case))
            self._tell(tx, row, event, notices)
            return True

        return await self._write(write)

    async def append(self, ref: str, event: Event) -> None:
        """Add an event that changes nothing about the case."""
        await self._write(lambda tx: self._tell(tx, _row(tx, ref), event))

    async def dispose(self, ref: str, event: Event) -> bool:
        """Delete all that was said in a case and write that it was done; its events stay. False when it is on hold."""

        def dispose(tx: Session) -> bool:
            row = _row(tx, ref)
            if row.hold:
                return False
            tx.execute(delete(ContentRow).where(ContentRow.case_id == row.id))
            self._tell(tx, row, event)
            return True

        return await self._write(dispose)

    async def reported_by(self, person: str, limit: int | None = None) -> tuple[Case, ...]:
        """The cases a person sent, newest first."""
        sent = select(CaseRow).where(CaseRow.reporter == person)
        sent = sent.order_by(CaseRow.opened.desc(), CaseRow.id.desc()).limit(limit)
        return await self._listed(lambda tx: self._cases(tx, sent))

    async def count_reported(self, person: str) -> int:
        """How many there are in all."""
        return await self._count(select(func.count()).where(CaseRow.reporter == person))

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

        def first(tx: Session) -> tuple[Case, ...]:
            cases = self._cases(tx, _line(given, closed=False).limit(limit))
            if closed and len(cases) < limit:
                cases += self._cases(tx, _line(given, closed=True).limit(limit - len(cases)))
            return cases

        return await self._listed(first)

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
        return await self._count(given)

    async def overdue(self, now: datetime, limit: int = 50) -> tuple[Case, ...]:
        """Cases whose `due` has passed, longest first."""
        passed = select(CaseRow).where(CaseRow.due <= now).order_by(CaseRow.due, CaseRow.id)
        return await self._listed(lambda tx: self._cases(tx, passed.limit(limit)))

    async def _one(self, which: ColumnElement[bool]) -> Case | None:
        return await self._database.read(with_objects(lambda tx: self._case(tx, which)))

    async def _listed(self, work: Callable[[Session], tuple[Case, ...]]) -> tuple[Case, ...]:
        return await self._database.read(with_objects(work), lists=True)

    async def _count(self, wanted: Select[int]) -> int:
        return await self._database.read(lambda tx: tx.execute(wanted).scalar_one())

    def _case(self, tx: Session, which: ColumnElement[bool]) -> Case | None:
        return next(iter(self._cases(tx, select(CaseRow).where(which))), None)

    def _cases(self, tx: Session, wanted: Select[CaseRow]) -> tuple[Case, ...]:
        rows = tx.scalars(wanted).all()
        handlers: defaultdict[int, list[str]] = defaultdict(list)
        given = select(HandlerRow.case_id, HandlerRow.person).where(HandlerRow.case_id.in_([row.id for row in rows]))
        for case_id, person in tx.execute(given.order_by(HandlerRow.place)) if rows else ():
            handlers[case_id].append(person)
        return tuple(read_case(row, handlers[row.id], self._sealer) for row in rows)

    async def _write(self, work: Callable[[Session], _Result]) -> _Result:
        return await self._database.write(with_objects(work))

    def _tell(self, tx: Session, row: CaseRow, event: Event, notices: Sequence[Notice] = ()) -> None:
        """Write an event at the end of the chain, its content beside it, and its notices."""
        Chain.load(tx, self._sealer).extend(tx, row, *new_event_row(event))
        tx.add_all(notice_row(notice) for notice in notices)


def _row(tx: Session, ref: str) -> CaseRow:
    return tx.scalars(select(CaseRow).where(CaseRow.ref == ref)).one()


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
