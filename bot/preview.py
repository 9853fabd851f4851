"""What the browser preview remembers: the lines of its conversations, and how they are written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pydantic import TypeAdapter

from bot.model import Reply

Content = str | Reply
"""What somebody wrote, as plain text, or what Charter replied."""

_CONTENT: TypeAdapter[Content] = TypeAdapter(Content)


@dataclass(frozen=True)
class Line:
    """One message in a room. `key` makes it stand there once; `author` is a person's id, or None for Charter."""

    key: str
    author: str | None
    at: datetime
    content: Content


class MessageLog(Protocol):
    """Keeps the lines of each room in the order they came. Content is stored encrypted."""

    async def append(self, room: str, line: Line) -> bool:
        """Add a line at the end of a room. False when its key is there already, and then nothing changes."""
        ...

    async def replace(self, key: str, content: Content) -> Line | None:
        """Put other content in a line's place. None when there is no such line."""
        ...

    async def history(self, room: str) -> Sequence[Line]:
        """The room's latest lines, oldest first; at most 200."""
        ...

    async def count(self, room: str) -> int:
        """How many lines the room holds in all."""
        ...


def to_json(content: Content) -> str:
    """Write a line's content down; `from_json` reads it back unchanged."""
    return _CONTENT.dump_json(content).decode()


def from_json(text: str) -> Content:
    """Read what `to_json` wrote. Raises ValueError for anything else."""
    return _CONTENT.validate_json(text)
