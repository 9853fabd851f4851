"""Notices in Teams: a thread per case in the leadership channel, and personal chats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.model import Delivery, Destination, Gone, Later, Person, Platform, Reply, Sent
from bot.render import teams as render
from bot.transports.teams_activity import Place, Surface
from bot.transports.teams_places import Places
from bot.transports.teams_port import ConnectorRefused, Outward
from bot.transports.teams_settings import TeamsSettings

_UNREACHED = 0
_NEVER = frozenset({400, 403, 404, 413})
_FOREVER = "Teams refuses the message there"
_PAUSE = 15.0
_CASE = "open:case:"
_BETWEEN = " "
"""Between conversation and message in what finds a message again: neither holds a space."""


class TeamsMessenger:
    """Implements `Messenger`. What it posts in the channel is a pointer: who may open the case is the desk's to say."""

    def __init__(self, settings: TeamsSettings, people: Sequence[Person], outward: Outward, places: Places) -> None:
        self._settings = settings
        self._people = {person.id: person for person in people}
        self._outward = outward
        self._places = places

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Post once per key. Raises ConnectorRefused when the Connector was not reached: it may have arrived all the same."""
        if (sent := await self._places.sent(key)) is not None:
            return Sent(sent)
        try:
            sent = await self._post(destination, reply)
        except ConnectorRefused as error:
            if error.status == _UNREACHED:
                raise
            return Gone(_FOREVER) if error.status in _NEVER else Later(max(error.wait, _PAUSE))
        if sent is None:
            return Gone("there is no such place in Teams")
        await self._places.remember_sent(key, sent)
        return Sent(sent)

    async def update(self, ref: str, reply: Reply) -> Delivery:
        """Show this in the place of a message, for everybody who sees it. Raises ConnectorRefused when it cannot be done."""
        conversation, _, message = ref.partition(_BETWEEN)
        place = replace(await self._near(), conversation=conversation)
        await self._outward.update(place, message, render.message(reply))
        return Sent(ref)

    async def private(self, person: Person) -> Place | None:
        """The personal chat with somebody, opened where it can be; None for somebody without an account in Teams."""
        if found := await self._places.chat(person.id):
            return found
        account = person.accounts.get(Platform.TEAMS)
        if account is None:
            return None
        made = await self._outward.open_chat(await self._near(), account)
        await self._places.remember_chat(person.id, made)
        return made

    async def _post(self, destination: Destination, reply: Reply) -> str | None:
        """What finds the message again, or None when there is nowhere to post it."""
        if destination.person is None:
            return await self._post_to_leadership(reply) if self._settings.leadership else None
        person = self._people.get(destination.person)
        place = await self.private(person) if person else None
        return _found(place, await self._outward.post(place, render.message(reply))) if place else None

    async def _post_to_leadership(self, reply: Reply) -> str:
        """In the thread of its case; the first one begins the thread."""
        ref = case_of(reply)
        if ref and (thread := await self._places.thread(ref)):
            message = await self._outward.post(thread[0], render.message(reply))
            await self._places.remember_post(thread[0], message, ref)
            return _found(thread[0], message)
        near = await self._near()
        channel = replace(near, conversation=self._settings.leadership, surface=Surface.TEAM)
        place, message = await self._outward.begin_thread(channel, render.message(reply))
        await self._places.remember_thread(ref, place, message)
        return _found(place, message)

    async def _near(self) -> Place:
        """Address, tenant and bot, as the team told us; before it did, as the registration has them."""
        ours = Place(self._settings.service_url, self._settings.tenant, "", f"28:{self._settings.app_id}")
        return await self._places.team() or ours


def _found(place: Place, message: str) -> str:
    return f"{place.conversation}{_BETWEEN}{message}"


def case_of(reply: Reply) -> str:
    """The case that a notice opens, or nothing."""
    actions = (choice.action for choice in reply.choices if choice.action.startswith(_CASE))
    return next((action.removeprefix(_CASE) for action in actions), "")
