"""What a turn needs from outside, as Protocols. `app.py` joins each with what implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from bot.cases.model import Kind
from bot.cases.record import Case, Event
from bot.model import ConversationState, Delivery, Destination, Draft, Person, Reply, Role, Room
from bot.notices.model import Backlog, Claimed, Failure, Notice
from guidance_kb.facts import Facts
from intents.model import Reading


class Reader(Protocol):
    """From words to meaning."""

    def read(self, text: str, earlier: Sequence[str] = (), known: Facts | None = None) -> Reading:
        """Read one message. `earlier` are the messages of the question so far, oldest first; `known` the facts so far."""
        ...


class Words(Protocol):
    """The product's own sentences, by name."""

    def say(self, name: str, **values: object) -> str:
        """The sentence `name` with its values filled in, as plain text. Raises LookupError for an unknown name."""
        ...


class Memory(Protocol):
    """Conversations and unfinished forms between turns. Everything is stored encrypted."""

    async def recall(self, person: Person, room: Room) -> ConversationState:
        """The state of this person's conversation in this room; an empty one when there is none."""
        ...

    async def remember(self, person: Person, room: Room, state: ConversationState) -> None:
        """Keep the state for the next turn."""
        ...

    async def save_draft(self, draft: str, person: Person, form: str, values: Mapping[str, str]) -> None:
        """Keep a form's answers so far; they expire 24 hours after the last save."""
        ...

    async def load_draft(self, draft: str, person: Person) -> tuple[str, Mapping[str, str]] | None:
        """The form's name and answers, or None when the draft is not this person's, has expired or was filed."""
        ...

    async def latest_draft(self, person: Person, form: str, having: str) -> Draft | None:
        """The person's newest living draft of a form in which the value `having` is set, or None."""
        ...

    async def drop_draft(self, draft: str, person: Person) -> None:
        """Forget a draft of this person's; nothing happens when there is none."""
        ...


class Messenger(Protocol):
    """Sends a reply to where people are."""

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Deliver once per `key`: sending the same key again must not show a second message where that can be known."""
        ...

    async def update(self, ref: str, reply: Reply) -> Delivery:
        """Show this reply in the place of the one that `Sent(ref)` named."""
        ...


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Now, in UTC, with its time zone."""
        ...


class CaseStore(Protocol):
    """Cases as the desk writes them. Each method is one transaction; content is stored apart and encrypted."""

    async def filed(self, reporter: str, draft: str) -> Case | None:
        """The case that this reporter's draft became, or None."""
        ...

    async def create(self, case: Case, draft: str, first: Event, notices: Sequence[Notice]) -> Case | None:
        """Store case, event, content and notices and remove the draft. None when the reference is taken.

        When this reporter's draft was filed before, nothing is written and the earlier case comes back.
        """
        ...

    async def find(self, ref: str) -> Case | None:
        """The case without its content, or None."""
        ...

    async def story(self, ref: str) -> tuple[Event, ...]:
        """Every event of a case with its content, oldest first."""
        ...

    async def write(self, case: Case, event: Event, notices: Sequence[Notice]) -> bool:
        """Store all of a case that may change, handlers and concern included, with its event and notices.

        False, with nothing written, when the stored version is no longer `case.version`; the write raises it by one.
        """
        ...

    async def append(self, ref: str, event: Event) -> None:
        """Add an event that changes nothing about the case."""
        ...

    async def reported_by(self, person: str, limit: int | None = None) -> tuple[Case, ...]:
        """The cases a person sent, newest first."""
        ...

    async def count_reported(self, person: str) -> int:
        """How many there are in all."""
        ...

    async def handled_by(
        self,
        person: str,
        kinds: frozenset[Kind] = frozenset(Kind),
        closed: bool = False,
        limit: int = 50,
        roles: frozenset[Role] = frozenset(Role),
    ) -> tuple[Case, ...]:
        """The first cases given to a person, those due soonest first, then oldest; `closed` adds closed ones at the end.

        Only cases for which one of `roles` is enough: `case.concern.needs(person)` is None or shares a role with them.
        Quick whatever their number: only what is shown is decrypted. Rights are the desk's to check.
        """
        ...

    async def count_handled(
        self,
        person: str,
        kinds: frozenset[Kind] = frozenset(Kind),
        closed: bool = False,
        roles: frozenset[Role] = frozenset(Role),
    ) -> int:
        """How many there are in all."""
        ...

    async def overdue(self, now: datetime, limit: int = 50) -> tuple[Case, ...]:
        """Cases whose `due` has passed, longest first."""
        ...


class Outbox(Protocol):
    """Notices waiting to be delivered. They are written with the case; here they are claimed and finished."""

    async def claim(self, now: datetime, lease: timedelta) -> tuple[Claimed, ...]:
        """Take, by compare-and-set, the oldest unfinished notice of each destination that is due and not under lease."""
        ...

    async def sent(self, claimed: Claimed, message: str, now: datetime) -> None:
        """It was delivered; `message` finds it again."""
        ...

    async def later(self, claimed: Claimed, due: datetime, unsure: bool = False) -> None:
        """Not delivered: due again then. `unsure` says that it may have been shown. Nothing if another worker has it."""
        ...

    async def gone(self, claimed: Claimed, now: datetime) -> None:
        """It can never be delivered: finished without being sent, and a failure."""
        ...

    async def withheld(self, claimed: Claimed) -> None:
        """Its destination has no right to know any more: finished without being sent, and no failure."""
        ...

    async def add(self, notices: Sequence[Notice]) -> int:
        """Write notices on their own; those whose id is there already are left alone. How many are new."""
        ...

    async def failed(self, waiting_since: datetime, gone_since: datetime) -> tuple[Failure, ...]:
        """Those written until `waiting_since` and not yet delivered, and those given up since `gone_since`; oldest first."""
        ...

    async def backlog(self) -> Backlog:
        """What is not yet delivered, counted."""
        ...

    async def cards(self, ref: str) -> tuple[tuple[Notice, str], ...]:
        """The pointers to a case that stand in the leadership channel, oldest first, each with what finds its message."""
        ...

    async def next_due(self) -> datetime | None:
        """When the next notice can be claimed, or None when none is waiting."""
        ...


class Inbox(Protocol):
    """What came in, kept until it is done, so that a crash loses nothing. Payloads are stored encrypted."""

    async def accept(self, event_id: str, payload: str) -> bool:
        """Keep an event. False when this id was accepted before: a repeat."""
        ...

    async def done(self, event_id: str) -> None:
        """It was handled: its payload is soon forgotten, its id kept to know a repeat by."""
        ...

    async def pending(self) -> tuple[tuple[str, str], ...]:
        """Ids and payloads that were accepted and not done, oldest first."""
        ...
