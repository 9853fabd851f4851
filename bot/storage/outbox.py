"""Notices in the database: claimed by compare-and-set, so that any number of workers may share them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from bot.model import Destination
from bot.notices.model import Backlog, Claimed, Failure, Notice, NoticeKind
from bot.storage.database import Database, with_objects
from bot.storage.tables import NoticeRow


def notice_row(notice: Notice) -> NoticeRow:
    """A new notice, due at once, to be written in the transaction of what it tells of."""
    return NoticeRow(
        id=notice.id,
        destination=notice.destination.name,
        kind=notice.kind.value,
        ref=notice.ref,
        created=notice.created,
        due=notice.created,
    )


class SqlOutbox:
    """Implements `bot.ports.Outbox`. A lease is a due time in the future."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, now: datetime, lease: timedelta) -> tuple[Claimed, ...]:
        """Take what is due at the head of each destination's line."""

        def take(tx: Session) -> tuple[Claimed, ...]:
            due = tx.scalars(_heads().where(NoticeRow.due <= now)).all()
            return tuple(_claimed(row) for row in due if _take(tx, row, now + lease))

        return await self._database.write(with_objects(take))

    async def sent(self, claimed: Claimed, message: str, now: datetime) -> None:
        """It was delivered, whoever holds the lease by now."""
        await self._change(claimed, finished=True, sent_at=now, message=message)

    async def gone(self, claimed: Claimed, now: datetime) -> None:
        """It can never be delivered."""
        await self._change(claimed, finished=True, gone_at=now)

    async def withheld(self, claimed: Claimed) -> None:
        """Finished, neither sent nor failed."""
        await self._change(claimed, finished=True)

    async def add(self, notices: Sequence[Notice]) -> int:
        """Write those whose id is not there yet."""
        wanted = {notice.id: notice for notice in notices}

        def add(tx: Session) -> int:
            there = set(tx.scalars(select(NoticeRow.id).where(NoticeRow.id.in_(wanted))))
            new = [notice_row(notice) for id, notice in wanted.items() if id not in there]
            tx.add_all(new)
            return len(new)

        return await self._database.write(with_objects(add))

    async def failed(self, waiting_since: datetime, gone_since: datetime) -> tuple[Failure, ...]:
        """Those that wait too long and those given up lately, oldest first."""
        waiting = ~NoticeRow.finished & (NoticeRow.created <= waiting_since)
        wanted = select(NoticeRow).where(waiting | (NoticeRow.gone_at >= gone_since)).order_by(NoticeRow.seq)
        rows = await self._rows(wanted)
        return tuple(Failure(_notice(row), row.gone_at is not None) for row in rows)

    async def backlog(self) -> Backlog:
        """Count what is not yet delivered."""
        counted = select(NoticeRow.kind, func.count(), func.min(NoticeRow.created)).where(~NoticeRow.finished)
        rows = await self._database.read(lambda tx: tx.execute(counted.group_by(NoticeRow.kind)).all())
        oldest = min([written for _, _, written in rows], default=None)
        return Backlog({NoticeKind(kind): count for kind, count, _ in rows}, oldest)

    async def later(self, claimed: Claimed, due: datetime, unsure: bool = False) -> None:
        """Due again then, unless another worker claimed it meanwhile."""
        mine = NoticeRow.attempts == claimed.attempt
        wanted = update(NoticeRow).where(NoticeRow.id == claimed.notice.id, mine, ~NoticeRow.finished)
        await self._database.write(lambda tx: tx.execute(wanted.values(due=due, unsure=unsure)))

    async def cards(self, ref: str) -> tuple[tuple[Notice, str], ...]:
        """The delivered pointers in the leadership channel: a case that was sent another way may have several."""
        pointer = (NoticeRow.destination == Destination().name, NoticeRow.kind == NoticeKind.POINTER.value)
        wanted = select(NoticeRow).where(NoticeRow.ref == ref, *pointer, NoticeRow.sent_at.is_not(None))
        found = await self._rows(wanted.order_by(NoticeRow.seq))
        return tuple((_notice(row), row.message) for row in found if row.message)

    async def next_due(self) -> datetime | None:
        """When the next head of a line can be claimed."""
        return min([row.due for row in await self._rows(_heads())], default=None)

    async def _rows(self, wanted: Select[NoticeRow]) -> Sequence[NoticeRow]:
        return await self._database.read(with_objects(lambda tx: tx.scalars(wanted).all()))

    async def _change(self, claimed: Claimed, **values: object) -> None:
        wanted = update(NoticeRow).where(NoticeRow.id == claimed.notice.id, ~NoticeRow.finished)
        await self._database.write(lambda tx: tx.execute(wanted.values(**values)))


def _heads() -> Select[NoticeRow]:
    """The oldest unfinished notice of each destination: only that one may go, which keeps the order."""
    oldest = select(func.min(NoticeRow.seq)).where(~NoticeRow.finished).group_by(NoticeRow.destination)
    return select(NoticeRow).where(NoticeRow.seq.in_(oldest)).order_by(NoticeRow.seq)


def _take(tx: Session, row: NoticeRow, until: datetime) -> bool:
    """Compare-and-set. `unsure` stands until a verdict comes: a worker that dies has perhaps sent it."""
    unclaimed = (NoticeRow.id == row.id, NoticeRow.attempts == row.attempts, ~NoticeRow.finished)
    taken = update(NoticeRow).where(*unclaimed).values(attempts=row.attempts + 1, due=until, unsure=True)
    return tx.scalar(taken.returning(NoticeRow.seq).execution_options(synchronize_session=False)) is not None


def _claimed(row: NoticeRow) -> Claimed:
    return Claimed(_notice(row), row.attempts + 1)


def _notice(row: NoticeRow) -> Notice:
    destination = Destination(row.destination.removeprefix("person:") if row.destination != "leadership" else None)
    return Notice(row.id, destination, NoticeKind(row.kind), row.ref, row.created, repeat=row.unsure)
