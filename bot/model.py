"""The neutral words of a conversation: who says what, and what they see. Frozen, no I/O.

Nothing here knows Slack, Teams or HTML. Every string is plain text; a renderer escapes it for its target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a person is in the school; rights follow from roles."""

    STAFF = "staff"
    SLT = "slt"
    HEADTEACHER = "headteacher"
    DSL = "dsl"
    DEPUTY_DSL = "deputy_dsl"
    CHAIR = "chair"
    GOVERNOR = "governor"
    DPO = "dpo"
    IT = "it"
    POLICY_OWNER = "policy_owner"


class Platform(StrEnum):
    """Where an account lives."""

    WEB = "web"
    SLACK = "slack"
    TEAMS = "teams"


@dataclass(frozen=True)
class Person:
    """One human being on the school's roster, who may have several accounts (platform → user id)."""

    id: str
    name: str
    roles: frozenset[Role]
    accounts: Mapping[Platform, str] = field(default_factory=dict)
    job: str = ""

    def has(self, *roles: Role) -> bool:
        """Whether the person has any of these roles."""
        return not self.roles.isdisjoint(roles)


# What comes in


@dataclass(frozen=True)
class Room:
    """Where it was said: a platform's conversation id, and whether others can read it."""

    platform: Platform
    id: str
    private: bool = True


@dataclass(frozen=True)
class Said:
    """Somebody wrote something, as plain text with mentions already turned into names.

    `begins` tells that it is the first in its room, so that there is nothing to recall.
    """

    person: Person
    room: Room
    text: str
    begins: bool = False


@dataclass(frozen=True)
class Pressed:
    """Somebody pressed a choice; `action` is untrusted and checked again."""

    person: Person
    room: Room
    action: str


@dataclass(frozen=True)
class Submitted:
    """Somebody sent a page's fields; `page` and `values` are untrusted. `action` is the button's."""

    person: Person
    room: Room
    page: str
    action: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Opened:
    """Somebody opened a page by name: `queue`, `mine`, `case:K7-QM3`, `form:report`.

    `known` are answers that a form may start from, by field name, such as the words of a message; untrusted.
    """

    person: Person
    room: Room
    page: str
    known: Mapping[str, str] = field(default_factory=dict)


Event = Said | Pressed | Submitted | Opened


# What goes out


@dataclass(frozen=True)
class Choice:
    """A button: what it says and the action that comes back. `opens` says that a page will open."""

    label: str
    action: str
    opens: bool = False
    danger: bool = False


@dataclass(frozen=True)
class Cited:
    """A paragraph behind an answer: id, section, number, force in words, our plain words, and the school's exact words."""

    id: str
    section: str
    paragraph: int
    force: str
    words: str
    quote: str | None = None


@dataclass(frozen=True)
class Understood:
    """One fact as Charter read it; `action` lets the person correct it."""

    fact: str
    words: str
    action: str


class Tone(StrEnum):
    """How a lead may look; the words alone carry the meaning."""

    PLAIN = "plain"
    YES = "yes"
    NO = "no"
    AVOID = "avoid"
    DO = "do"
    DEPENDS = "depends"
    UNSETTLED = "unsettled"


@dataclass(frozen=True)
class Reply:
    """One message. Read from top to bottom: safety card, lead, body, facts, citations, choices, footnote.

    `safety` lines come first whatever else is said. `lead` is the verdict or the one thing to know.
    `summary` is what a notification may show: it never holds content. `tone` only colours the lead.
    """

    lead: str
    body: tuple[str, ...] = ()
    safety: tuple[str, ...] = ()
    understood: tuple[Understood, ...] = ()
    citations: tuple[Cited, ...] = ()
    choices: tuple[Choice, ...] = ()
    footnote: str = ""
    summary: str = "Charter has replied."
    tone: Tone = Tone.PLAIN


class FieldKind(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    ONE_OF = "one_of"
    ANY_OF = "any_of"
    TICK = "tick"


@dataclass(frozen=True)
class Option:
    """One value that a field may take; for ANY_OF the values come back joined by newlines."""

    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """One question on a page. `error` stands beside it when the last answer could not be taken."""

    name: str
    label: str
    kind: FieldKind
    options: tuple[Option, ...] = ()
    hint: str = ""
    value: str = ""
    required: bool = True
    error: str = ""
    limit: int = 4000


@dataclass(frozen=True)
class Section:
    """A headed part of a page that is read, not filled in."""

    heading: str
    lines: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Page:
    """A private view or one step of a form, driven by the server.

    `id` names what the page stands on (a draft or a case), never its content. `buttons` submit the fields; their actions
    come back in `Submitted.action`. A section's choices are pressed without the fields.
    """

    id: str
    title: str
    progress: str = ""
    safety: tuple[str, ...] = ()
    intro: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    fields: tuple[Field, ...] = ()
    buttons: tuple[Choice, ...] = ()


Outcome = Reply | Page
"""What a turn gives back. A Reply to a submitted page closes the form; a Page replaces the page that is open."""


# Where notices go


@dataclass(frozen=True)
class Destination:
    """A leadership channel (`person` is None) or one person in private."""

    person: str | None = None

    @property
    def name(self) -> str:
        """`leadership` or `person:ID`; safe to log."""
        return f"person:{self.person}" if self.person else "leadership"


@dataclass(frozen=True)
class Sent:
    """Delivered; `ref` finds the message again to update it."""

    ref: str


@dataclass(frozen=True)
class Later:
    """Not delivered now; try again after `seconds`."""

    seconds: float


@dataclass(frozen=True)
class Gone:
    """Can never be delivered there; `reason` names no content."""

    reason: str


Delivery = Sent | Later | Gone


# What is remembered between turns


@dataclass(frozen=True)
class ConversationState:
    """What a conversation needs for its next turn: the last question's messages and the facts told or tapped.

    `told` is fact name → value, as strings; `fixed` names those that the person set by a tap.
    """

    turns: tuple[str, ...] = ()
    told: Mapping[str, str] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    situation: str | None = None


@dataclass(frozen=True)
class Draft:
    """A form that somebody has begun: its id, its answers so far, and when it was last saved (UTC)."""

    id: str
    values: Mapping[str, str]
    saved: datetime
