"""Everything that implements a storage port, on one database."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.fernet import Fernet

from bot.cases.desk import Desk
from bot.cases.model import Filing, Receipt
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database
from bot.storage.inbox import SqlInbox
from bot.storage.memory import SqlMemory
from bot.storage.outbox import SqlOutbox
from bot.storage.preview import SqlMessageLog
from bot.storage.sealing import Sealer
from tests.databases import Place
from tests.small_school import NUMBERS, ROSTER, HandClock, filing

KEY = Fernet.generate_key()


@dataclass
class Shelf:
    """An open database and what stands on it."""

    place: Place
    database: Database
    clock: HandClock
    sealer: Sealer

    def __post_init__(self) -> None:
        self.cases = SqlCaseStore(self.database, self.sealer)
        self.memory = SqlMemory(self.database, self.sealer, self.clock)
        self.inbox = SqlInbox(self.database, self.sealer, self.clock)
        self.outbox = SqlOutbox(self.database)
        self.log = SqlMessageLog(self.database, self.sealer)
        self.desk = Desk(self.cases, ROSTER, self.clock, NUMBERS)

    async def filed(self, what: Filing | None = None) -> str:
        """File and give the reference."""
        receipt = await self.desk.file(what or filing())
        assert isinstance(receipt, Receipt)
        return receipt.ref

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        """What stands in the database, read past Charter."""
        return await self.place.rows(query)
