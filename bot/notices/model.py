"""A notice: word that something happened to a case, without saying what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model import Destination


class NoticeKind(StrEnum):
    """What a notice tells of."""

    POINTER = "pointer"
    ACKNOWLEDGED = "acknowledged"
    REPLIED = "replied"
    ADDED = "added"
    CLOSED = "closed"
    REOPENED = "reopened"
    ASSIGNED = "assigned"
    ASKED = "asked"
    WITHDRAWN = "withdrawn"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    IN_PERSON = "in_person"
    UNDELIVERED = "undelivered"
    UNANSWERED = "unanswered"
    ELSEWHERE = "elsewhere"
    """Shown in the place of a pointer whose channel may not know of the case any more; never sent on its own."""


@dataclass(frozen=True)
class Notice:
    """One notice to one destination; `id` is the key under which it is sent.

    `repeat` says that it may have been shown before a crash, so that its words can say so.
    """

    id: str
    destination: Destination
    kind: NoticeKind
    ref: str
    created: datetime
    repeat: bool = False


@dataclass(frozen=True)
class Claimed:
    """A notice under lease to one worker; `attempt` counts from 1."""

    notice: Notice
    attempt: int


@dataclass(frozen=True)
class Failure:
    """A notice that can never be delivered (`gone`), or has waited too long. Ids only."""

    notice: Notice
    gone: bool


@dataclass(frozen=True)
class Backlog:
    """The notices not yet delivered: how many of each kind, and when the oldest was written."""

    counts: Mapping[NoticeKind, int]
    oldest: datetime | None = None
