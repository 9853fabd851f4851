"""The chain: every event carries a keyed hash over itself, the digest of its content and the event before it.

Whoever changes the database without the secret keys cannot make these hashes again, and `bot.storage.audit` finds it. The
chain's own key is sealed like everything else, so that the secret keys may be changed. A digest is salted inside the sealed
content: once retention has deleted that, nobody can guess at it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.storage.sealing import Sealer
from bot.storage.tables import CaseRow, ChainRow, ContentRow, EventRow

START = b""
"""What stands before the first event of a case."""


@dataclass(frozen=True)
class Marks:
    """The keyed hashes, from one key."""

    key: bytes

    def event(self, before: bytes, ref: str, event: EventRow) -> bytes:
        """An event's own, over its metadata, its content's digest and the hash of the event before."""
        what = (ref, event.seq, event.number, event.act, event.person, _moment(event.at))
        return self._mac("event", before.hex(), *what, event.digest.hex())

    def case(self, ref: str, events: int, last: bytes) -> bytes:
        """A case's, so that its last events cannot go unseen."""
        return self._mac("case", ref, events, last.hex())

    def total(self, events: int) -> bytes:
        """The database's, so that no whole case can go unseen."""
        return self._mac("total", events)

    def _mac(self, *parts: str | int) -> bytes:
        return hmac.digest(self.key, json.dumps(parts).encode(), "sha256")


def digest(content: str) -> bytes:
    """The digest of an event's content, which holds its own salt."""
    return hashlib.sha256(content.encode()).digest()


def new_salt() -> str:
    """Enough chance that a content cannot be found by trying."""
    return secrets.token_hex(16)


class Chain:
    """The chain in one transaction, to which events are added."""

    def __init__(self, row: ChainRow, sealer: Sealer) -> None:
        self.row = row
        self.marks = Marks(bytes.fromhex(sealer.open(row.sealed)))
        self._sealer = sealer

    @classmethod
    def load(cls, tx: Session, sealer: Sealer) -> Chain:
        """The chain; a new one where there is none. Raises Unreadable when the keys do not open it."""
        row = tx.get(ChainRow, 1)
        if row is None:
            count = tx.scalar(select(func.max(EventRow.number)))
            row = ChainRow(id=1, events=count or 0, mark=b"", sealed=sealer.seal(secrets.token_hex(32)))
            tx.add(row)
        return cls(row, sealer)

    def extend(self, tx: Session, case: CaseRow, event: EventRow, content: str) -> None:
        """Add an event with its content at the end of its case, which is stored with it. The writer's lock is held."""
        before = START
        if case.events:
            last = select(EventRow.hash).where(EventRow.case_id == case.id, EventRow.seq == case.events)
            before = tx.scalars(last).one()
        said = self.link(before, case, event, content)
        tx.add(case)
        tx.flush()
        event.case_id = said.case_id = case.id
        tx.add_all((event, said))

    def link(self, before: bytes, case: CaseRow, event: EventRow, content: str) -> ContentRow:
        """Number and hash an event after `before`, mark case and chain, and give its content to be stored."""
        case.events += 1
        self.row.events += 1
        event.seq, event.number = case.events, self.row.events
        event.digest = digest(content)
        event.hash = self.marks.event(before, case.ref, event)
        case.mark = self.marks.case(case.ref, case.events, event.hash)
        self.row.mark = self.marks.total(self.row.events)
        return ContentRow(seq=event.seq, sealed=self._sealer.seal(content))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
