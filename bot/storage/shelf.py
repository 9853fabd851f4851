"""Short texts by name, in the database: what a platform's transport must find again."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from bot.storage.database import Database
from bot.storage.put import Put
from bot.storage.sealing import Sealer
from bot.storage.tables import ShelfRow, table_of

_SHELF = table_of(ShelfRow)
_PUT = Put(_SHELF, "name")
_NAMED = _SHELF.c.name == bindparam("wanted")
_GET, _DROP = select(_SHELF.c.sealed).where(_NAMED), delete(_SHELF).where(_NAMED)


class SqlShelf:
    """Implements `bot.transports.teams_places.Shelf`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def get(self, name: str) -> str | None:
        """The text of that name, or None."""
        sealed = await self._database.read(lambda tx: tx.execute(_GET, {"wanted": name}).scalar())
        return None if sealed is None else self._sealer.open(sealed)

    async def put(self, name: str, text: str) -> None:
        """Keep a text under a name, in place of the one before."""
        row = {"name": name, "sealed": self._sealer.seal(text)}
        await self._database.write(lambda tx: _PUT.over(tx, row))

    async def add(self, name: str, text: str) -> bool:
        """Keep a text under a new name; False, with nothing changed, when the name is taken."""
        row = {"name": name, "sealed": self._sealer.seal(text)}
        return await self._database.write(lambda tx: _PUT.new(tx, row))

    async def drop(self, name: str) -> None:
        """Forget a name; nothing happens when there is none."""
        await self._database.write(lambda tx: tx.execute(_DROP, {"wanted": name}))
