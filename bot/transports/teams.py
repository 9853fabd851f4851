"""Charter in Teams: what people do becomes events, outcomes become messages, cards and dialogs. Nothing is decided here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from aiohttp import web

from bot.model import Event, Opened, Outcome, Page, Person, Platform, Reply, Submitted
from bot.ports import Inbox
from bot.render import teams as render
from bot.render.teams_parts import Json
from bot.transports.guards import note_failure
from bot.transports.health import Metrics
from bot.transports.teams_activity import Incoming, Kind, Surface
from bot.transports.teams_asks import Asked, Here, Hide, Nothing, Rated, Show, Turn, Turning, is_open, read, room_of
from bot.transports.teams_messenger import TeamsMessenger
from bot.transports.teams_places import Places
from bot.transports.teams_port import ConnectorRefused, InvokeReply, NotStored, Outward
from bot.transports.teams_showing import NOT_OURS, Pages, Showing, Standing
from bot.transports.teams_turns import Failed, Known, Result, Turns, Work

Handle = Callable[[Event], Awaitable[Outcome]]

STILL_WORKING = "That takes a little longer. I'll post it in our chat."
KNOWN = "Charter already has this. The answer is in our chat."

PATIENCE = 2.5
"""Seconds that an invoke may wait once it is kept; what takes longer is posted in the chat. Teams waits least for a message
action's: five seconds, says its page on responding to them, then it asks twice more and shows an error."""


_STRANGER = Person("", "", frozenset())
"""For whom an activity is read when nobody on the roster sent it; nothing is carried out for them."""


class TeamsTransport:
    """Takes what the gateway lets in. `people` are found by their Entra object id."""

    def __init__(
        self,
        handle: Handle,
        people: Sequence[Person],
        inbox: Inbox,
        outward: Outward,
        places: Places,
        messenger: TeamsMessenger,
        standing: Standing,
        metrics: Metrics,
        patience: float = PATIENCE,
    ) -> None:
        self._handle = handle
        self._people = {one.accounts[Platform.TEAMS].lower(): one for one in people if Platform.TEAMS in one.accounts}
        self._places = places
        self._standing = standing
        self._metrics = metrics
        self._patience = patience
        self._showing = Showing(outward, messenger, standing)
        self._turns = Turns(self._carry_out, self._tell_trouble, inbox, metrics)
        self._pages = Pages()
        self._late: set[asyncio.Task[None]] = set()

    def register(self, app: web.Application) -> None:
        """What to do when the application starts and stops."""
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._stop)

    async def receive(self, incoming: Incoming) -> InvokeReply | None:
        """Take one activity: kept when this returns, and answered when it is an invoke. Raises Malformed and NotStored."""
        person = self._people.get(incoming.account)
        asked = read(incoming, person or _STRANGER) if incoming.kind in (Kind.MESSAGE, Kind.INVOKE) else None
        if incoming.kind is Kind.OTHER or (isinstance(asked, Nothing) and not incoming.files):
            return None
        work = self._turns.take(incoming)
        try:
            await asyncio.shield(work.stored)
        except Exception as error:
            return await self._not_stored(incoming, person, asked, error)
        if incoming.kind is not Kind.INVOKE:
            return None
        return InvokeReply(await self._invoked(person, asked, work))

    async def resume(self) -> None:
        """Carry out what an earlier run accepted and did not finish; what only opened something is left."""
        for work in await self._turns.resume(is_open):
            self._keep(asyncio.create_task(_ignored(work)))

    async def settled(self) -> None:
        """Wait until nothing is under way, not even what is posted late."""
        await self._turns.settled()
        await asyncio.gather(*self._late)

    async def _start(self, _: web.Application) -> None:
        await self.resume()

    async def _stop(self, _: web.Application) -> None:
        await self._turns.finish()

    # Carrying out

    async def _carry_out(self, incoming: Incoming) -> Outcome | None:
        if incoming.kind in (Kind.ARRIVED, Kind.LEFT):
            await self._came_or_went(incoming)
            return None
        person = self._people.get(incoming.account)
        if person is None:
            return await self._to_stranger(incoming)
        if incoming.place.surface is Surface.PERSONAL:
            await self._places.remember_chat(person.id, incoming.place)
        if incoming.files and incoming.kind is Kind.MESSAGE:
            await self._showing.outcome(incoming, person, Show.CHAT, self._standing.no_files)
        if await self._out_of_place(incoming):
            return await self._shown(incoming, person, Show.CHAT, Reply(NOT_OURS))
        return await self._done(incoming, person, read(incoming, person))

    async def _done(self, incoming: Incoming, person: Person, asked: Asked) -> Outcome | None:
        match asked:
            case Turn(event, show):
                return await self._turn(incoming, person, event, show)
            case Turning(page, part, show):
                return await self._turned(incoming, person, page, part, show)
            case Here(choices):
                await self._showing.here(incoming, person, choices)
            case Hide():
                await self._showing.replace(incoming, render.line("Hidden. You can open it again at any time."))
            case Rated(like):
                self._metrics.count("teams", "feedback", "like" if like else "dislike")
        return None

    async def _turn(self, incoming: Incoming, person: Person, event: Event, show: Show) -> Outcome:
        if incoming.kind is Kind.INVOKE:
            outcome = await self._handle(event)
        else:
            async with self._showing.typing(incoming.place):
                outcome = await self._handle(event)
        self._pages.keep(person, outcome)
        await self._shown(incoming, person, show, outcome)
        if show is Show.DIALOG and _is_kept(event, outcome):
            await self._beside(person, outcome)
        return outcome

    async def _turned(self, incoming: Incoming, person: Person, page: str, part: int, show: Show) -> Outcome | None:
        """Another part of a page. A form's page is the one shown; any other is asked for again, rights and all."""
        found: Outcome | None = self._pages.find(person, page) if page.startswith("draft:") else None
        outcome = found or await self._handle(Opened(person, room_of(person), page))
        if show is not Show.DIALOG and isinstance(outcome, Page):
            await self._showing.replace(incoming, render.page_message(outcome, part))
        elif show is not Show.DIALOG:
            await self._shown(incoming, person, show, outcome)
        return outcome

    async def _shown(self, incoming: Incoming, person: Person, show: Show, outcome: Outcome) -> Outcome:
        if show is not Show.DIALOG and incoming.kind is not Kind.INVOKE:
            await self._showing.outcome(incoming, person, show, outcome)
        return outcome

    async def _beside(self, person: Person, outcome: Outcome) -> None:
        """Keep in the chat what a dialog shows: a receipt is not lost when the dialog closes."""
        try:
            await self._showing.privately(person, outcome)
        except ConnectorRefused as error:
            note_failure("not_shown_in_chat", error)

    async def _out_of_place(self, incoming: Incoming) -> bool:
        """Whether a card was pressed in a channel where no card of ours with that id stands."""
        carded = incoming.kind is Kind.MESSAGE and bool(incoming.value)
        if incoming.place.surface is Surface.PERSONAL or not (carded or incoming.name == "task/fetch"):
            return False
        return not await self._places.is_post(incoming.place, incoming.reply_to)

    async def _came_or_went(self, incoming: Incoming) -> None:
        person = self._people.get(incoming.account)
        personal = incoming.place.surface is Surface.PERSONAL
        if incoming.kind is Kind.LEFT:
            await self._places.left(incoming.place)
            if person and personal:
                await self._places.forget_chat(person.id)
            return
        if person and personal:
            await self._places.remember_chat(person.id, incoming.place)
        elif incoming.place.surface is Surface.TEAM:
            await self._places.remember_team(incoming.place)
        if not await self._places.welcomed(incoming.place):
            await self._showing.welcome(incoming)

    async def _to_stranger(self, incoming: Incoming) -> Outcome:
        """Somebody of this school who is not on the roster gets the numbers to ring, and nothing else."""
        personal = incoming.place.surface is Surface.PERSONAL
        if incoming.kind is Kind.MESSAGE and (personal or incoming.mentioned):
            await self._showing.say(incoming.place, self._standing.stranger)
        return self._standing.stranger

    async def _tell_trouble(self, incoming: Incoming, reference: str) -> None:
        person = self._people.get(incoming.account)
        if person and incoming.kind is Kind.MESSAGE:
            footnote = f"{self._standing.trouble.footnote} Reference: {reference}".strip()
            await self._showing.outcome(incoming, person, Show.CHAT, replace(self._standing.trouble, footnote=footnote))

    # Answering invokes

    async def _invoked(self, person: Person | None, asked: Asked | None, work: Work) -> Json:
        try:
            result = await asyncio.wait_for(asyncio.shield(work.result), self._patience)
        except TimeoutError:
            if person and not isinstance(asked, Rated):
                self._keep(asyncio.create_task(self._post_late(person, asked, work)))
            return _closing(STILL_WORKING)
        part = asked.part if isinstance(asked, Turning) else 0
        return self._dialog(person, asked, result, part)

    def _dialog(self, person: Person | None, asked: Asked | None, result: Result, part: int) -> Json:
        match result:
            case Page() | Reply():
                return {"task": {"type": "continue", "value": render.dialog(result, part)}}
            case Failed(reference):
                return self._again(person, asked, self._standing.trouble, reference)
            case Known():
                return _closing(KNOWN)
        return {}

    def _again(self, person: Person | None, asked: Asked | None, told: Reply, reference: str) -> Json:
        """A form that could not be taken stays open with every word in it; above it stands why and whom to ring."""
        trouble = replace(told, footnote=f"Reference: {reference}")
        event = asked.event if isinstance(asked, Turn) else None
        page = self._pages.find(person, event.page) if person and isinstance(event, Submitted) else None
        if page is None or not isinstance(event, Submitted):
            return {"task": {"type": "continue", "value": render.dialog(trouble)}}
        typed = tuple(replace(one, value=event.values.get(one.name, one.value), error="") for one in page.fields)
        intro = (trouble.lead, *trouble.body, trouble.footnote)
        return {"task": {"type": "continue", "value": render.dialog(replace(page, intro=intro, fields=typed))}}

    async def _not_stored(
        self, incoming: Incoming, person: Person | None, asked: Asked | None, error: Exception
    ) -> InvokeReply:
        """A dialog says so and keeps what was typed. A message is told so in the chat, and must not be acknowledged."""
        told = self._standing.not_stored
        if incoming.kind is Kind.INVOKE and not isinstance(asked, Rated):
            return InvokeReply(self._again(person, asked, told, note_failure("event_not_stored", error)))
        if incoming.kind is Kind.MESSAGE and incoming.place.surface is Surface.PERSONAL:
            with suppress(ConnectorRefused):
                await self._showing.say(incoming.place, told)
        raise NotStored from error

    async def _post_late(self, person: Person, asked: Asked | None, work: Work) -> None:
        """Post what a dialog could not wait for, unless the turn has put it in the chat itself."""
        result = await work.result
        if not isinstance(result, Reply | Page) or (isinstance(asked, Turn) and _is_kept(asked.event, result)):
            return
        await self._beside(person, result)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._late.add(task)
        task.add_done_callback(self._late.discard)


def _is_kept(event: Event, outcome: Outcome) -> bool:
    """Whether the chat keeps what a dialog shows: answers and receipts, not pages nor what was only opened."""
    return isinstance(outcome, Reply) and not isinstance(event, Opened)


async def _ignored(work: Work) -> None:
    """Its outcome was shown where it could be; nobody waits for it any more."""
    await work.result


def _closing(text: str) -> Json:
    return {"task": {"type": "message", "value": text}}
