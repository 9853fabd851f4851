"""Notices that did not arrive, for whoever can do something about it: by id and kind, never by content."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge

from bot.notices.model import Backlog, Failure, NoticeKind
from bot.ports import Outbox

UNSENT_FOR = timedelta(hours=1)
"""A notice that waits longer has failed, whatever comes of it: the shortest time a case may wait is of this order."""

REMEMBERED_FOR = timedelta(days=7)
"""How long a notice that was given up is shown."""


async def failures(outbox: Outbox, now: datetime) -> tuple[Failure, ...]:
    """The notices that wait too long or were given up within a week, oldest first: ids and kinds only."""
    return await outbox.failed(now - UNSENT_FOR, now - REMEMBERED_FOR)


def in_words(found: Sequence[Failure]) -> tuple[str, ...]:
    """One line for each destination, for whoever must mend it: neither cases nor kinds, which could give somebody away."""
    lines = []
    for name in dict.fromkeys(failure.notice.destination.name for failure in found):
        gone = [failure.gone for failure in found if failure.notice.destination.name == name]
        lines.append(f"{name}: {gone.count(True)} given up, {gone.count(False)} waiting for over an hour")
    return tuple(lines)


class Gauges:
    """What waits, for how long, and what failed, as Prometheus shows it; the only label is the kind of a notice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waiting = Gauge("charter_notices_waiting", "Notices not yet delivered", ("kind",), registry=registry)
        self._oldest = Gauge(
            "charter_notices_oldest_seconds", "Age of the oldest notice not yet delivered", registry=registry
        )
        self._failed = Gauge(
            "charter_notices_failed", "Notices that wait too long or were given up within a week", registry=registry
        )
        self._unanswered = Counter(
            "charter_cases_unanswered", "Cases that nobody took after every reminder", registry=registry
        )

    def show(self, backlog: Backlog, failed: int, now: datetime) -> None:
        """Set every gauge to how it is now."""
        for kind in NoticeKind:
            self._waiting.labels(kind.value).set(backlog.counts.get(kind, 0))
        self._oldest.set((now - backlog.oldest).total_seconds() if backlog.oldest else 0)
        self._failed.set(failed)

    def unanswered(self) -> None:
        """Count one more case that nobody took."""
        self._unanswered.inc()
