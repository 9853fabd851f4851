"""What must be found again to write to Teams on our own account: chats, threads, posts, and what was done once."""

from __future__ import annotations

from typing import Protocol

from bot.transports.teams_activity import Place


class Shelf(Protocol):
    """Keeps short texts by name. Names hold ids only; texts are stored encrypted."""

    async def get(self, name: str) -> str | None:
        """The text of that name, or None."""
        ...

    async def put(self, name: str, text: str) -> None:
        """Keep a text under a name, in place of the one before."""
        ...

    async def add(self, name: str, text: str) -> bool:
        """Keep a text under a new name; False, with nothing changed, when the name is taken."""
        ...

    async def drop(self, name: str) -> None:
        """Forget a name; nothing happens when there is none."""
        ...


class Places:
    """The conversations that Charter can write in, and its own posts there."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._known: dict[str, str] = {}

    async def remember_chat(self, person: str, place: Place) -> None:
        """Keep somebody's personal chat; what has not changed is not written again."""
        text = place.to_json()
        if self._known.get(person) != text:
            await self._shelf.put(f"teams:chat:{person}", text)
            self._known[person] = text

    async def chat(self, person: str) -> Place | None:
        """Somebody's personal chat, if they have one."""
        return _place(await self._shelf.get(f"teams:chat:{person}"))

    async def forget_chat(self, person: str) -> None:
        """They have removed Charter."""
        self._known.pop(person, None)
        await self._shelf.drop(f"teams:chat:{person}")

    async def remember_team(self, place: Place) -> None:
        """Keep the address of a team that Charter is in: its service address and our id there."""
        await self._shelf.put("teams:team", place.to_json())

    async def team(self) -> Place | None:
        """The team that Charter was last added to or spoken to in."""
        return _place(await self._shelf.get("teams:team"))

    async def welcomed(self, place: Place) -> bool:
        """Whether this conversation has had its welcome before; from now on it has."""
        return not await self._shelf.add(f"teams:welcome:{_base(place)}", "1")

    async def left(self, place: Place) -> None:
        """Charter was removed: the next install is a new one."""
        await self._shelf.drop(f"teams:welcome:{_base(place)}")

    async def remember_thread(self, ref: str, place: Place, message: str) -> None:
        """Keep the thread of a case in the leadership channel, and that its first message is ours."""
        await self._shelf.put(f"teams:thread:{ref}", f"{message}\n{place.to_json()}")
        await self.remember_post(place, message, ref)

    async def thread(self, ref: str) -> tuple[Place, str] | None:
        """The thread of a case and the id of its first message."""
        found = await self._shelf.get(f"teams:thread:{ref}")
        message, _, text = (found or "").partition("\n")
        place = _place(text)
        return (place, message) if place else None

    async def remember_post(self, place: Place, message: str, ref: str) -> None:
        """Keep that a message in a channel is ours, and of which case."""
        await self._shelf.put(f"teams:post:{_base(place)}:{message}", ref)

    async def is_post(self, place: Place, message: str) -> bool:
        """Whether this message in this channel is ours."""
        return bool(message) and await self._shelf.get(f"teams:post:{_base(place)}:{message}") is not None

    async def sent(self, key: str) -> str | None:
        """The id of the message that went out under this key, or None."""
        return await self._shelf.get(f"teams:sent:{key}")

    async def remember_sent(self, key: str, message: str) -> None:
        """Keep that a notice went out."""
        await self._shelf.put(f"teams:sent:{key}", message)


def _place(text: str | None) -> Place | None:
    return Place.from_json(text) if text else None


def _base(place: Place) -> str:
    """The conversation without its thread."""
    return place.conversation.partition(";")[0]
