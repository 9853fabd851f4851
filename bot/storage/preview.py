"""The preview's conversations in the database."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, func, select, update

from bot.preview import Content, Line, from_json, to_json
from bot.storage.database import Database
from bot.storage.put import Put
from bot.storage.sealing import Sealer
from bot.storage.tables import PreviewMessageRow, table_of

_LATEST = 200
_LINES = table_of(PreviewMessageRow)
_PUT = Put(_LINES, "key")


class SqlMessageLog:
    """Implements `bot.preview.MessageLog`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def append(self, room: str, line: Line) -> bool:
        """Add a line; False when its key is there already."""
        sealed = self._sealer.seal(to_json(line.content))
        row = {"key": line.key, "room": room, "author": line.author, "at": line.at, "sealed": sealed}
        return await self._database.write(lambda tx: _PUT.new(tx, row))

    async def replace(self, key: str, content: Content) -> Line | None:
        """The line with its new content; None when there is none of that key."""
        wanted = update(_LINES).where(_LINES.c.key == key).values(sealed=self._sealer.seal(to_json(content)))
        found = await self._database.write(lambda tx: tx.execute(wanted.returning(*_LINES.c)).first())
        return self._line(found) if found else None

    async def history(self, room: str) -> Sequence[Line]:
        """The latest lines, oldest first."""
        latest = select(_LINES).where(_LINES.c.room == room).order_by(_LINES.c.seq.desc()).limit(_LATEST)
        rows = await self._database.read(lambda tx: tx.execute(latest).all())
        return [self._line(row) for row in reversed(rows)]

    async def count(self, room: str) -> int:
        """How many lines there are."""
        lines = select(func.count()).select_from(_LINES).where(_LINES.c.room == room)
        return await self._database.read(lambda tx: tx.execute(lines).scalar_one())

    def _line(self, row: Row[tuple[object, ...]]) -> Line:
        return Line(row.key, row.author, row.at, from_json(self._sealer.open(row.sealed)))
