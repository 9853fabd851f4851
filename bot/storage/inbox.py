"""The inbox in the database."""

from __future__ import annotations

from sqlalchemy import select, update

from bot.ports import Clock
from bot.storage.database import Database
from bot.storage.sealing import Sealer
from bot.storage.tables import InboxRow


class SqlInbox:
    """Implements `bot.ports.Inbox`."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock

    async def accept(self, event_id: str, payload: str) -> bool:
        """Keep an event; False for a repeat."""
        sealed = self._sealer.seal(payload)
        async with self._database.writing() as tx:
            if await tx.scalar(select(InboxRow.seq).where(InboxRow.event_id == event_id)):
                return False
            tx.add(InboxRow(event_id=event_id, received_at=self._clock.now(), sealed=sealed))
        return True

    async def done(self, event_id: str) -> None:
        """It was handled: forget its payload, keep its id."""
        handled = update(InboxRow).where(InboxRow.event_id == event_id)
        async with self._database.writing() as tx:
            await tx.execute(handled.values(done_at=self._clock.now(), sealed=None))

    async def pending(self) -> tuple[tuple[str, str], ...]:
        """What was accepted and not done, oldest first."""
        waiting = select(InboxRow.event_id, InboxRow.sealed).where(InboxRow.done_at.is_(None)).order_by(InboxRow.seq)
        async with self._database.reading() as tx:
            found = (await tx.execute(waiting)).all()
        return tuple((event_id, self._sealer.open(sealed)) for event_id, sealed in found if sealed is not None)
