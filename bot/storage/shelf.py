"""Short texts by name, in the database: what a platform's transport must find again."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from bot.storage.database import Database
from bot.storage.sealing import Sealer
from bot.storage.tables import ShelfRow


class SqlShelf:
    """Implements `bot.transports.teams_places.Shelf`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def get(self, name: str) -> str | None:
        """The text of that name, or None."""
        async with self._database.reading() as tx:
            sealed = await tx.scalar(select(ShelfRow.sealed).where(ShelfRow.name == name))
        return None if sealed is None else self._sealer.open(sealed)

    async def put(self, name: str, text: str) -> None:
        """Keep a text under a name, in place of the one before."""
        sealed = self._sealer.seal(text)
        async with self._database.writing() as tx:
            if not await tx.scalar(select(ShelfRow.name).where(ShelfRow.name == name)):
                tx.add(ShelfRow(name=name, sealed=sealed))
            else:
                await tx.execute(update(ShelfRow).where(ShelfRow.name == name).values(sealed=sealed))

    async def add(self, name: str, text: str) -> bool:
        """Keep a text under a new name; False, with nothing changed, when the name is taken."""
        async with self._database.writing() as tx:
            if await tx.scalar(select(ShelfRow.name).where(ShelfRow.name == name)):
                return False
            tx.add(ShelfRow(name=name, sealed=self._sealer.seal(text)))
        return True

    async def drop(self, name: str) -> None:
        """Forget a name; nothing happens when there is none."""
        async with self._database.writing() as tx:
            await tx.execute(delete(ShelfRow).where(ShelfRow.name == name))
