"""The inbox in the database."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from bot.ports import Clock
from bot.storage.database import Database
from bot.storage.put import Put
from bot.storage.sealing import Sealer
from bot.storage.tables import InboxRow, table_of

_INBOX = table_of(InboxRow)
_PUT = Put(_INBOX, "event_id")
_DONE = update(_INBOX).where(_INBOX.c.event_id == bindparam("handled")).values(done_at=bindparam("at"), sealed=None)
_PENDING = select(_INBOX.c.event_id, _INBOX.c.sealed).where(_INBOX.c.done_at.is_(None)).order_by(_INBOX.c.seq)


class SqlInbox:
    """Implements `bot.ports.Inbox`."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock

    async def accept(self, event_id: str, payload: str) -> bool:
        """Keep an event; False for a repeat."""
        row = {"event_id": event_id, "received_at": self._clock.now(), "sealed": self._sealer.seal(payload)}
        return await self._database.write(lambda tx: _PUT.new(tx, row))

    async def done(self, event_id: str) -> None:
        """It was handled: soon its payload is forgotten, and its id kept. If that fails, it is handled again one day."""
        handled = {"handled": event_id, "at": self._clock.now()}
        self._database.write_soon(lambda tx: tx.execute(_DONE, handled), unless="event_not_struck_out")

    async def pending(self) -> tuple[tuple[str, str], ...]:
        """What was accepted and not done, oldest first."""
        found = await self._database.read(lambda tx: tx.execute(_PENDING).all())
        return tuple((event_id, self._sealer.open(sealed)) for event_id, sealed in found if sealed is not None)
