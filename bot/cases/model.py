"""The words of a case: kinds, states, events and the views that people with rights may see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from bot.model import Person, Role


class Kind(StrEnum):
    """What a case is."""

    QUESTION = "question"
    REPORT = "report"
    DECLARATION = "declaration"
    JUSTIFICATION = "justification"


class About(StrEnum):
    """Whom a report is about: this alone decides where it goes, so it is asked before any free text.

    CONFLICT is the headteacher and the chair, or a reporter for whom telling either would be a conflict of interest.
    """

    NOBODY = "nobody"
    SELF = "self"
    STUDENT = "student"
    PARENT = "parent"
    UNKNOWN = "unknown"
    COLLEAGUE = "colleague"
    GOVERNOR = "governor"
    SLT_OR_DSL = "slt_or_dsl"
    HEADTEACHER = "headteacher"
    CHAIR = "chair"
    ADULT_AT_RISK = "adult_at_risk"
    CONFLICT = "conflict"


class State(StrEnum):
    """Where a case stands. Acknowledged means that a named person has taken it."""

    SUBMITTED = "submitted"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting_for_reporter"
    CLOSED = "closed"
    REOPENED = "reopened"


class Urgency(StrEnum):
    """How soon somebody must take it."""

    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True)
class Route:
    """Where a case goes, as shown to the reporter before sending. `handlers` is the real list: nobody else can open it.

    `channel` says that a pointer stands in the leadership channel. `on_silence` are those who are given the case next, in
    this order, when nobody takes it in time; never the channel. `on_recusal` are next when all of those have stepped back.
    """

    handlers: tuple[Person, ...]
    channel: bool
    not_to: str = ""
    on_silence: tuple[Person, ...] = ()
    on_recusal: tuple[Person, ...] = ()


@dataclass(frozen=True)
class NoRoute:
    """No safe recipient: Charter takes no content and shows `numbers` (who to ring, one line each)."""

    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Filing:
    """A complete submission. `answers` are label → the reporter's own words, in order; `draft` makes it file once only.

    `also` are roles that the type of incident, or a child at risk, adds to the recipients. Routing honours them only where
    leadership or the headteacher handles a report about a student, a parent, somebody unknown or the reporter; exclusion
    beats them. `danger`: the safety check was raised, so it is urgent and must be taken sooner than anything else.
    """

    draft: str
    kind: Kind
    about: About
    reporter: Person
    answers: Mapping[str, str]
    subject: str | None = None
    excluded: frozenset[str] = frozenset()
    urgency: Urgency = Urgency.NORMAL
    public_text: str | None = None
    review: date | None = None
    also: frozenset[Role] = frozenset()
    danger: bool = False


@dataclass(frozen=True)
class Receipt:
    """A stored case: its speakable reference and who has it."""

    ref: str
    route: Route


@dataclass(frozen=True)
class Entry:
    """One line of a case's story: what was done, by whom (a name), when (UTC), and words if any were said.

    `internal` words are for handlers alone and never reach the reporter's view.
    """

    what: str
    by: str
    at: datetime
    words: str = ""
    internal: bool = False


@dataclass(frozen=True)
class CaseSummary:
    """A case without its content."""

    ref: str
    kind: Kind
    state: State
    urgency: Urgency
    opened: datetime
    owner: str | None
    overdue: bool = False
    hold: bool = False
    review: date | None = None
    withdrawn: bool = False


@dataclass(frozen=True)
class CaseView:
    """A case as one person may see it. `may` lists the actions that person may take now; `handlers` can all open it."""

    summary: CaseSummary
    reporter: str
    answers: Mapping[str, str]
    story: tuple[Entry, ...]
    may: frozenset[str] = field(default_factory=frozenset)
    handlers: tuple[Person, ...] = ()


@dataclass(frozen=True)
class Listing:
    """A page of a longer list: the cases shown and how many there are in all that this person may see."""

    cases: tuple[CaseSummary, ...]
    total: int


@dataclass(frozen=True)
class Refused:
    """Not theirs, or not there: the two look the same from outside."""


@dataclass(frozen=True)
class Stale:
    """Somebody else was first; `now` is how the case stands."""

    now: CaseView


@dataclass(frozen=True)
class Illegal:
    """Theirs to see, but not to be done as the case stands; `now` is how it stands."""

    now: CaseView


@dataclass(frozen=True)
class Pointer:
    """What a notice may say of a case; `public_text` is what the asker approved for the leadership channel.

    `asks` names who asks to speak in person, in the private notice that says so; `numbers` are whom the reporter may ring
    when nobody has taken the case, in notices to the reporter alone.
    """

    summary: CaseSummary
    public_text: str | None = None
    asks: str = ""
    numbers: tuple[str, ...] = ()


HANDLING_ROLES = frozenset({Role.SLT, Role.HEADTEACHER})

SAFEGUARDING = frozenset({Role.DSL, Role.DEPUTY_DSL})
"""Who is told of a child who may be at risk. The leadership channel is not: it shows nothing of such a report."""
