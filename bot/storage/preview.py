"""The preview's conversations in the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from bot.preview import Content, Line, from_json, to_json
from bot.storage.database import Database
from bot.storage.sealing import Sealer
from bot.storage.tables import PreviewMessageRow

_LATEST = 200


class SqlMessageLog:
    """Implements `bot.preview.MessageLog`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def append(self, room: str, line: Line) -> bool:
        """Add a line; False when its key is there already."""
        sealed = self._sealer.seal(to_json(line.content))
        async with self._database.writing() as tx:
            if await tx.scalar(select(PreviewMessageRow.seq).where(PreviewMessageRow.key == line.key)):
                return False
            tx.add(PreviewMessageRow(key=line.key, room=room, author=line.author, at=line.at, sealed=sealed))
        return True

    async def replace(self, key: str, content: Content) -> Line | None:
        """The line with its new content; None when there is none of that key."""
        async with self._database.writing() as tx:
            row = (await tx.scalars(select(PreviewMessageRow).where(PreviewMessageRow.key == key))).one_or_none()
            if row is None:
                return None
            row.sealed = self._sealer.seal(to_json(content))
            return self._line(row)

    async def history(self, room: str) -> Sequence[Line]:
        """The latest lines, oldest first."""
        latest = select(PreviewMessageRow).where(PreviewMessageRow.room == room)
        async with self._database.reading() as tx:
            rows = (await tx.scalars(latest.order_by(PreviewMessageRow.seq.desc()).limit(_LATEST))).all()
            return [self._line(row) for row in reversed(rows)]

    async def count(self, room: str) -> int:
        """How many lines there are."""
        lines = select(func.count()).select_from(PreviewMessageRow).where(PreviewMessageRow.room == room)
        async with self._database.reading() as tx:
            return (await tx.scalar(lines)) or 0

    def _line(self, row: PreviewMessageRow) -> Line:
        return Line(row.key, row.author, row.at, from_json(self._sealer.open(row.sealed)))
