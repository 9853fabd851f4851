"""What a turn needs from outside, as Protocols. `app.py` joins each with what implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.model import ConversationState, Delivery, Destination, Person, Reply, Room
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


class Messenger(Protocol):
    """Sends a reply to where people are."""

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Deliver once per `key`: sending the same key again must not show a second message where that can be known."""
        ...


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Now, in UTC, with its time zone."""
        ...
