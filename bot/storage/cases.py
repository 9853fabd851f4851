"""Cases in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.cases.model import Kind, State, Urgency
from bot.cases.record import Act, Case, Concern, Event
from bot.notices.model import Notice
from bot.storage.database import Database
from bot.storage.outbox import notice_row
from bot.storage.sealing import Sealer
from bot.storage.tables import CaseRow, ContentRow, DraftRow, EventRow, HandlerRow


@dataclass(frozen=True)
class _Content:
    """The part of an event that is encrypted."""

    name: str
    words: str = ""
    outcome: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    public_text: str | None = None


_CONTENT = TypeAdapter(_Content)
_CONCERN = TypeAdapter(Concern)
_FORGOTTEN = _Content("")


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
            earlier = await self._by_draft(tx, case.reporter, draft)
            if earlier is not None:
                return earlier
            if await tx.scalar(select(CaseRow.id).where(CaseRow.ref == case.ref)):
                return None
            row = self._row(case, draft)
            tx.add(row)
            await tx.flush()
            tx.add_all(HandlerRow(case_id=row.id, person=who, place=i) for i, who in enumerate(case.handlers))
            await self._tell(tx, row.id, first, notices)
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
        return tuple(self._event(event, sealed) for event, sealed in found)

    async def write(self, case: Case, event: Event, notices: Sequence[Notice]) -> bool:
        """Store a new state and owner with their event and notices, unless the case changed meanwhile."""
        change = (
            update(CaseRow)
            .where(CaseRow.ref == case.ref, CaseRow.version == case.version)
            .values(state=case.state.value, owner=case.owner, version=CaseRow.version + 1)
            .returning(CaseRow.id)
        )
        async with self._database.writing() as tx:
            changed = await tx.scalar(change)
            if changed is not None:
                await self._tell(tx, changed, event, notices)
        return changed is not None

    async def append(self, ref: str, event: Event) -> None:
        """Add an event that changes nothing about the case."""
        async with self._database.writing() as tx:
            case_id = (await tx.scalars(select(CaseRow.id).where(CaseRow.ref == ref))).one()
            await self._tell(tx, case_id, event)

    async def reported_by(self, person: str) -> tuple[Case, ...]:
        """The cases a person sent."""
        async with self._database.reading() as tx:
            return await self._cases(tx, select(CaseRow).where(CaseRow.reporter == person))

    async def handled_by(self, person: str) -> tuple[Case, ...]:
        """The open cases that were given to a person."""
        given = select(HandlerRow.case_id).where(HandlerRow.person == person)
        wanted = select(CaseRow).where(CaseRow.id.in_(given), CaseRow.state != State.CLOSED.value)
        async with self._database.reading() as tx:
            return await self._cases(tx, wanted)

    async def _by_draft(self, tx: AsyncSession, reporter: str, draft: str) -> Case | None:
        wanted = select(CaseRow).where(CaseRow.reporter == reporter, CaseRow.draft == draft)
        return next(iter(await self._cases(tx, wanted)), None)

    async def _cases(self, tx: AsyncSession, wanted: Select[CaseRow]) -> tuple[Case, ...]:
        rows = (await tx.scalars(wanted)).all()
        handlers: defaultdict[int, list[str]] = defaultdict(list)
        ids = [row.id for row in rows]
        given = select(HandlerRow).where(HandlerRow.case_id.in_(ids)).order_by(HandlerRow.place)
        for handler in await tx.scalars(given):
            handlers[handler.case_id].append(handler.person)
        return tuple(self._case(row, tuple(handlers[row.id])) for row in rows)

    async def _tell(self, tx: AsyncSession, case_id: int, event: Event, notices: Sequence[Notice] = ()) -> None:
        """Write an event at the end of the story, its content beside it, and its notices."""
        last = await tx.scalar(select(func.max(EventRow.seq)).where(EventRow.case_id == case_id))
        seq = (last or 0) + 1
        content = _Content(event.name, event.words, event.outcome, event.answers, event.public_text)
        sealed = self._sealer.seal(_CONTENT.dump_json(content).decode())
        tx.add(EventRow(case_id=case_id, seq=seq, act=event.act.value, person=event.by, at=event.at))
        tx.add(ContentRow(case_id=case_id, seq=seq, sealed=sealed))
        tx.add_all(notice_row(notice) for notice in notices)

    def _row(self, case: Case, draft: str) -> CaseRow:
        return CaseRow(
            ref=case.ref,
            draft=draft,
            kind=case.kind.value,
            urgency=case.urgency.value,
            state=case.state.value,
            reporter=case.reporter,
            owner=case.owner,
            opened=case.opened,
            version=case.version,
            sealed=self._sealer.seal(_CONCERN.dump_json(case.concern).decode()),
        )

    def _case(self, row: CaseRow, handlers: tuple[str, ...]) -> Case:
        return Case(
            ref=row.ref,
            kind=Kind(row.kind),
            urgency=Urgency(row.urgency),
            reporter=row.reporter,
            opened=row.opened,
            handlers=handlers,
            concern=_CONCERN.validate_json(self._sealer.open(row.sealed)),
            state=State(row.state),
            owner=row.owner,
            version=row.version,
        )

    def _event(self, row: EventRow, sealed: bytes | None) -> Event:
        said = _CONTENT.validate_json(self._sealer.open(sealed)) if sealed is not None else _FORGOTTEN
        return Event(
            Act(row.act), row.person, row.at, said.name, said.words, said.outcome, said.answers, said.public_text
        )
