"""What Charter keeps in Teams, in memory, for tests of what people see there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import Delivery, Destination, Gone, Later, Sent
from bot.notices.model import Backlog, Claimed, Failure, Notice, NoticeKind
from tests.small_school import MemoryCaseStore


class DictShelf:
    """A `Shelf` that holds everything until the test ends."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        """As the port says."""
        return self.texts.get(name)

    async def put(self, name: str, text: str) -> None:
        """As the port says."""
        self.texts[name] = text

    async def add(self, name: str, text: str) -> bool:
        """As the port says."""
        return self.texts.setdefault(name, text) is text

    async def drop(self, name: str) -> None:
        """As the port says."""
        self.texts.pop(name, None)


class ListInbox:
    """An `Inbox` in memory; `broken` makes it refuse everything."""

    def __init__(self) -> None:
        self.waiting: dict[str, str] = {}
        self.known: set[str] = set()
        self.broken = False

    async def accept(self, event_id: str, payload: str) -> bool:
        """As the port says."""
        if self.broken:
            raise OSError("the disk is full")
        if event_id in self.known:
            return False
        self.known.add(event_id)
        self.waiting[event_id] = payload
        return True

    async def done(self, event_id: str) -> None:
        """As the port says."""
        self.waiting.pop(event_id, None)

    async def pending(self) -> tuple[tuple[str, str], ...]:
        """As the port says."""
        return tuple(self.waiting.items())


@dataclass
class MemoryOutbox:
    """An `Outbox` over the notices of a store in memory. What cannot be delivered now is not tried again."""

    store: MemoryCaseStore
    sent_as: list[tuple[Notice, str]] = field(default_factory=list)
    verdicts: list[Delivery] = field(default_factory=list)

    async def claim(self, now: datetime, lease: timedelta) -> tuple[Claimed, ...]:  # noqa: ARG002
        """As the port says."""
        claimed = tuple(Claimed(notice, 1) for notice in self.store.notices)
        self.store.notices.clear()
        return claimed

    async def sent(self, claimed: Claimed, message: str, now: datetime) -> None:  # noqa: ARG002
        """As the port says."""
        self.sent_as.append((claimed.notice, message))
        self.verdicts.append(Sent(message))

    async def later(self, claimed: Claimed, due: datetime, unsure: bool = False) -> None:  # noqa: ARG002
        """As the port says."""
        self.verdicts.append(Later(0))

    async def gone(self, claimed: Claimed, now: datetime) -> None:  # noqa: ARG002
        """As the port says."""
        self.verdicts.append(Gone(claimed.notice.kind))

    async def withheld(self, claimed: Claimed) -> None:
        """As the port says."""

    async def add(self, notices: Sequence[Notice]) -> int:
        """As the port says."""
        self.store.notices.extend(notices)
        return len(notices)

    async def failed(self, waiting_since: datetime, gone_since: datetime) -> tuple[Failure, ...]:  # noqa: ARG002
        """As the port says."""
        return ()

    async def backlog(self) -> Backlog:
        """As the port says."""
        return Backlog({})

    async def cards(self, ref: str) -> tuple[tuple[Notice, str], ...]:
        """As the port says."""
        wanted = (ref, NoticeKind.POINTER, Destination())
        return tuple((one, message) for one, message in self.sent_as if (one.ref, one.kind, one.destination) == wanted)

    async def next_due(self) -> datetime | None:
        """As the port says."""
        return min((notice.created for notice in self.store.notices), default=None)
