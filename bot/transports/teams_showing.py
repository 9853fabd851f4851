"""Puts outcomes where they belong in Teams: in the chat, in place of a card, or in the person's own chat."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from bot.model import Choice, Outcome, Page, Person, Reply
from bot.render import teams as render
from bot.render.teams_parts import Json
from bot.transports.guards import note_failure
from bot.transports.teams_activity import Incoming, Place, Surface
from bot.transports.teams_asks import Show
from bot.transports.teams_messenger import TeamsMessenger
from bot.transports.teams_port import ConnectorRefused, Outward

ANSWERED_PRIVATELY = "I've answered in our own chat, so that nobody else sees it."
WRITE_TO_ME = "Please write to me in a chat of our own: I answer there, so that nobody else sees it."
IN_A_TEAM = "Mention me with a question, and I answer you in a chat of your own."
OPEN_HERE = "Which would you like to open?"
NOT_OURS = "That card is out of date. Write “my cases” or “queue” to me in our own chat instead."

TYPING_AFTER = 0.7
"""Seconds without an answer after which Charter shows that it is typing; most answers take a few milliseconds."""

_PAGES = 500


@dataclass(frozen=True)
class Standing:
    """What is said when there is no turn: to somebody new, to a stranger, to a file, and when something went wrong."""

    welcome: Reply
    stranger: Reply
    no_files: Reply
    not_stored: Reply
    trouble: Reply
    starters: Sequence[str] = ()


class Pages:
    """The pages with fields that were shown last: with them a form that could not be stored is shown again in whole."""

    def __init__(self) -> None:
        self._shown: OrderedDict[tuple[str, str], Page] = OrderedDict()

    def keep(self, person: Person, outcome: Outcome) -> None:
        """Remember a page with fields."""
        if isinstance(outcome, Page) and outcome.fields:
            self._shown[person.id, outcome.id] = outcome
            self._shown.move_to_end((person.id, outcome.id))
        while len(self._shown) > _PAGES:
            self._shown.popitem(last=False)

    def find(self, person: Person, page: str) -> Page | None:
        """The page as this person saw it last."""
        return self._shown.get((person.id, page))


class Showing:
    """Writes in Teams. What concerns one person is written in their own chat, whatever it came from."""

    def __init__(self, outward: Outward, messenger: TeamsMessenger, standing: Standing) -> None:
        self._outward = outward
        self._messenger = messenger
        self._standing = standing

    async def outcome(self, incoming: Incoming, person: Person, show: Show, outcome: Outcome) -> None:
        """Show what came of an activity that is not waiting for it."""
        message = render.message(outcome) if isinstance(outcome, Reply) else render.page_message(outcome)
        if incoming.place.surface is not Surface.PERSONAL:
            await self._aside(incoming, person, message)
        elif show is Show.PLACE and incoming.reply_to:
            await self.replace(incoming, message)
        else:
            await self._outward.post(incoming.place, message)

    async def replace(self, incoming: Incoming, message: Json) -> None:
        """Put a message in the place of the card that was pressed; where that has gone, beneath it."""
        try:
            await self._outward.update(incoming.place, incoming.reply_to, message)
        except ConnectorRefused:
            await self._outward.post(incoming.place, message)

    async def privately(self, person: Person, outcome: Outcome) -> None:
        """Show something in somebody's own chat, if they have one."""
        message = render.message(outcome) if isinstance(outcome, Reply) else render.page_message(outcome)
        if place := await self._messenger.private(person):
            await self._outward.post(place, message)

    async def say(self, place: Place, reply: Reply) -> None:
        """Write a fixed reply in a conversation."""
        await self._outward.post(place, render.message(reply))

    async def welcome(self, incoming: Incoming) -> None:
        """To a person: what Charter is for and questions to start with. To a team: one line, and who added it."""
        if incoming.place.surface is Surface.PERSONAL:
            message = render.message(self._standing.welcome, self._standing.starters)
        else:
            by = f"Added by {incoming.by}." if incoming.by else ""
            reply = replace(
                self._standing.welcome, choices=(), body=(*self._standing.welcome.body, IN_A_TEAM), footnote=by
            )
            message = render.message(reply)
        await self._outward.post(incoming.place, message)

    async def here(self, incoming: Incoming, person: Person, choices: tuple[Choice, ...]) -> None:
        """The buttons that open dialogs, again without dialogs."""
        await self.outcome(incoming, person, Show.CHAT, Reply(OPEN_HERE, choices=choices))

    @asynccontextmanager
    async def typing(self, place: Place) -> AsyncIterator[None]:
        """Show that Charter is typing while the work inside takes long."""
        task = asyncio.create_task(self._type(place))
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _type(self, place: Place) -> None:
        await asyncio.sleep(TYPING_AFTER)
        try:
            await self._outward.typing(place)
        except ConnectorRefused as error:
            note_failure("typing_not_shown", error)

    async def _aside(self, incoming: Incoming, person: Person, message: Json) -> None:
        """Answer in private, and say in the open only that this was done."""
        try:
            place = await self._messenger.private(person)
        except ConnectorRefused:
            place = None
        if place:
            await self._outward.post(place, message)
        await self._outward.post(incoming.place, render.line(ANSWERED_PRIVATELY if place else WRITE_TO_ME))
