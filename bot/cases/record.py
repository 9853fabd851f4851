"""A case as it is stored. These words stay between the desk and its store: people see views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from bot.cases.model import About, Kind, State, Urgency
from bot.model import Role


class Act(StrEnum):
    """What an event in a case's story says was done."""

    FILED = "filed"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    REPLIED = "replied"
    ADDED = "added"
    CLOSED = "closed"
    REOPENED = "reopened"
    ASSIGNED = "assigned"
    ASKED = "asked"
    NOTED = "noted"
    WITHDRAWN = "withdrawn"
    URGENCY = "urgency"
    HELD = "held"
    RELEASED = "released"
    RECUSED = "recused"
    REROUTED = "rerouted"
    ESCALATED = "escalated"
    REMINDED = "reminded"
    DISPOSED = "disposed"


@dataclass(frozen=True)
class Concern:
    """Whom a case is about and what follows from it: whom it is closed to, and which roles its handlers must hold.

    `closed_to` beats every grant, and whoever stands in it stays there. A handler who holds none of `roles` any more has
    lost the case. `also` are people who may hold it by another right: person id → the roles that carry it, none when the
    school's settings name the person. `joined` are roles that the type of incident or a child at risk added; `danger` says
    that the safety check was raised.
    """

    about: About
    roles: frozenset[Role]
    closed_to: frozenset[str] = frozenset()
    subject: str | None = None
    excluded: frozenset[str] = frozenset()
    channel: bool = False
    not_to: str = ""
    on_silence: tuple[str, ...] = ()
    also: Mapping[str, frozenset[Role]] = field(default_factory=dict)
    on_recusal: tuple[str, ...] = ()
    joined: frozenset[Role] = frozenset()
    danger: bool = False

    def needs(self, person: str) -> frozenset[Role] | None:
        """The roles of which this handler must hold one; None for somebody named, who needs none."""
        return self.also.get(person, self.roles) if self.also.get(person) != frozenset() else None


@dataclass(frozen=True)
class Case:
    """A case without what was said in it. People are person ids; `version` counts the changes for compare-and-set.

    `due` is when somebody must have taken it (None once taken); `step` counts how far along `concern.on_silence` it has gone.
    `hold` keeps it from disposal; `review` is when a declaration is to be looked at again.
    """

    ref: str
    kind: Kind
    urgency: Urgency
    reporter: str
    opened: datetime
    handlers: tuple[str, ...]
    concern: Concern
    state: State = State.SUBMITTED
    owner: str | None = None
    version: int = 1
    due: datetime | None = None
    step: int = 0
    hold: bool = False
    withdrawn: bool = False
    review: date | None = None


@dataclass(frozen=True)
class Event:
    """One event. Act, person id and time are metadata; the rest is content, stored apart and encrypted.

    `name` is the person's name at the time.
    """

    act: Act
    by: str
    at: datetime
    name: str
    words: str = ""
    outcome: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    public_text: str | None = None
