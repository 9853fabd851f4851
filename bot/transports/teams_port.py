"""What the rest of Charter needs from a library that speaks to Teams, as plain values. The gateway implements it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.transports.teams_activity import Incoming, Place

Plain = Mapping[str, object]
"""JSON as the protocol names it. A message has `text`, `summary`, `attachments`, `entities` and `channelData`."""


@dataclass(frozen=True)
class InvokeReply:
    """The answer to an invoke, which waits for it."""

    body: Plain
    status: int = 200


Receive = Callable[[Incoming], Awaitable[InvokeReply | None]]
"""Takes an activity that was let in. Raises Malformed for an invoke that makes no sense, and NotStored."""


class NotStored(Exception):
    """The activity could not be kept, so it must not be acknowledged."""


class ConnectorRefused(Exception):
    """The Connector would not take it. `status` is HTTP's, or 0 when it was not reached; `wait` is what it asked for."""

    def __init__(self, status: int, wait: float = 0.0) -> None:
        super().__init__(f"the Connector answered {status}")
        self.status = status
        self.wait = wait


class Outward(Protocol):
    """Sends to Teams. Each call is tried again where that may help, and raises ConnectorRefused where it does not."""

    async def post(self, place: Place, message: Plain) -> str:
        """Write in a conversation; returns the message's id."""
        ...

    async def update(self, place: Place, message_id: str, message: Plain) -> None:
        """Replace a message for everybody who sees it."""
        ...

    async def typing(self, place: Place) -> None:
        """Show that an answer is on its way."""
        ...

    async def begin_thread(self, place: Place, message: Plain) -> tuple[Place, str]:
        """Start a thread in the channel `place`; returns the thread and the id of its first message."""
        ...

    async def open_chat(self, place: Place, account: str) -> Place:
        """The personal chat with somebody, made when there is none; `place` gives address, tenant and bot."""
        ...
