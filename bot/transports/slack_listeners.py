"""What Charter listens to in Slack, and what each of it starts. The manifest in the project's root names the same things.

Events are kept before they are acknowledged, presses acknowledged at once, and a submitted window is carried out first.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.response import BoltResponse

from bot.model import Opened, Outcome, Page, Person, Platform, Pressed, Reply, Role, Room, Submitted
from bot.render.slack_choices import PRESS, SUBMIT
from bot.render.slack_home import ASK, QUESTION, closed, home
from bot.render.slack_page import SUBMITTED, errors
from bot.transports.guards import note_failure
from bot.transports.health import Metrics
from bot.transports.slack_in import (
    HOME,
    MESSAGES,
    Body,
    Press,
    command,
    event_key,
    heard,
    opened_home,
    plain_words,
    pressed,
    revoked,
    said_by,
    shortcut,
    submitted,
)
from bot.transports.slack_out import Out, drawn, first_field, in_a_line
from bot.transports.slack_people import People
from bot.transports.slack_turns import REFUSALS, Tasks, Turns

EVENTS = ("app_home_opened", "app_mention", "app_uninstalled", "message", "tokens_revoked")
COMMANDS = ("/guidance", "/report")
SHORTCUTS = ("ask_about", "report_concern", "report_this")

HANDLERS = frozenset({Role.SLT, Role.HEADTEACHER, Role.DSL, Role.DEPUTY_DSL, Role.CHAIR, Role.DPO})
"""Whose App Home shows a queue. What stands in it is decided elsewhere."""
REPORT = "open:form:report"

_HELP = frozenset({"", "help", "?"})
_MOST_PROMPTS = 4


@dataclass(frozen=True)
class Listeners:
    """Every listener. `lost` is told when Charter was taken out of the workspace."""

    turns: Turns
    people: People
    out: Out
    tasks: Tasks
    metrics: Metrics
    me: str
    starters: tuple[str, ...]
    patience: float
    lost: Callable[[str], None]
    homes: set[str] = field(default_factory=set)

    def listen(self, app: AsyncApp) -> None:
        """Tie each thing that Slack may send to what it starts; what Charter does not know is acknowledged and forgotten."""
        for name, listener in self._events().items():
            app.event(name)(listener)
        for name in COMMANDS:
            app.command(name)(self._acknowledged(command, self._commanded))
        for name in SHORTCUTS:
            app.shortcut(name)(self._shortcut)
        anything = re.compile(".*", re.DOTALL)
        app.action(anything)(self._acknowledged(pressed, self._pressed))
        app.view(re.compile(f"^{SUBMITTED}"))(self._submitted)
        app.view(anything)(_acknowledge)
        app.shortcut(anything)(_acknowledge)
        app.event(anything)(_acknowledge)
        app.error(_noted)

    def _events(self) -> Mapping[str, Callable[..., Awaitable[None]]]:
        """Bolt asks one after the other, so the most frequent stands first."""
        return {
            "message": self._message,
            "app_mention": self._message,
            "app_home_opened": self._home_opened,
            "app_uninstalled": self._uninstalled,
            "tokens_revoked": self._revoked,
        }

    # Events

    async def _message(self, body: dict[str, Any]) -> None:
        said = heard(body, self.people.names, self.me)
        if said is not None:
            await self.turns.take(said)

    async def _home_opened(self, body: dict[str, Any]) -> None:
        if await self.turns.kept(event_key(body), "{}"):
            self.tasks.start(self._welcomed(body))

    async def _welcomed(self, body: Body) -> None:
        user, team, tab, channel = opened_home(body)
        if tab == MESSAGES and self.starters:
            await self.out.web.prompts(channel, self.starters[:_MOST_PROMPTS])
        elif tab == HOME:
            await self._home(user, team)
        await self.turns.done(event_key(body))

    async def _uninstalled(self, body: dict[str, Any]) -> None:
        await self._gone(body, "app_uninstalled")

    async def _revoked(self, body: dict[str, Any]) -> None:
        if revoked(body):
            await self._gone(body, "tokens_revoked")

    async def _gone(self, body: Body, why: str) -> None:
        self.lost(why)
        if await self.turns.kept(event_key(body), "{}"):
            await self.turns.done(event_key(body))

    # Presses

    def _acknowledged(
        self, read: Callable[[Body], Press], work: Callable[[Press, Person], Awaitable[None]]
    ) -> Callable[..., Awaitable[None]]:
        """A listener that acknowledges at once and does its work after."""

        async def listener(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack()
            self.tasks.start(self._served(read(body), work))

        return listener

    async def _served(self, press: Press, work: Callable[[Press, Person], Awaitable[None]]) -> None:
        """Do it for somebody who is served; tell the others why not, and everybody when it goes wrong."""
        try:
            person = await self.people.who(press.place.user, press.team)
            if isinstance(person, Person):
                await work(press, person)
            elif name := REFUSALS.get(person):
                await self.out.shown(press, _given(self.out.say(name)), opens=False)
        except Exception as error:
            await self.out.failed(press.place, error)

    async def _commanded(self, press: Press, person: Person) -> None:
        text = plain_words(press.value, self.people.names, self.me)
        if press.action == "/report":
            await self._open(press, person, {"what": text} if text else {})
        elif text.lower() in _HELP:
            await self.out.answer(press.place, self.out.say("about"))
        else:
            await self.turns.say(person, press.place, text)

    async def _shortcut(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack()
        press = shortcut(body)
        author, where = said_by(body, self.people.names)

        async def work(press: Press, person: Person) -> None:
            text = plain_words(press.value, self.people.names)
            if press.action == "ask_about":
                await self._asked_about(press, person, text)
            elif press.action == "report_this":
                known = {"what": f"{author} wrote in Slack: “{text}”", "where": f"Slack, in {where}"}
                await self._open(press, person, known if text else {})
            else:
                await self._open(press, person, {})

        self.tasks.start(self._served(press, work))

    async def _asked_about(self, press: Press, person: Person, text: str) -> None:
        if not text:
            await self.out.answer(press.place, self.out.say("slack_nothing_to_read"))
            return
        await self._ask_privately(person, press.place.user, text, "slack_you_asked_about")
        await self.out.answer(press.place, self.out.say("slack_answered_privately"))

    async def _ask_privately(self, person: Person, user: str, text: str, lead: str = "slack_you_asked") -> None:
        place = await self.out.begin(user, self.out.say(lead).lead, text)
        await self.turns.say(person, place, text, begins=True)

    async def _open(self, press: Press, person: Person, known: Mapping[str, str]) -> None:
        """Open the report, whatever was used to ask for it."""
        opened = Opened(person, press.place.room, REPORT.removeprefix("open:"), known)
        await self.out.shown(replace(press, value=REPORT), self.turns.turn("open", opened), opens=True)

    async def _pressed(self, press: Press, person: Person) -> None:
        kind, _, _ = press.action.partition(":")
        match kind:
            case "feedback":
                self.metrics.count("slack", "feedback", "up" if press.value == "up" else "down")
            case "continue":
                await self._ask_privately(person, press.place.user, press.value)
            case kind if kind == ASK and press.view is not None:
                await self._asked_at_home(press, person)
            case kind if kind == PRESS and press.value:
                event = Pressed(person, self._room(press), press.value)
                await self.out.shown(press, self.turns.turn("press", event), press.value.startswith("open:"))
            case kind if kind == SUBMIT and press.view is not None:
                await self.out.shown(press, self._sent(press, person, press.value), opens=False)
                await self._refreshed(press)

    async def _asked_at_home(self, press: Press, person: Person) -> None:
        text = press.view.values.get(QUESTION, "").strip() if press.view else ""
        if text:
            await self._ask_privately(person, press.place.user, text)
            await self._home(press.place.user, press.team, self.out.say("slack_answered_privately").lead)

    # Windows that are sent

    async def _submitted(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        press = submitted(body)
        if press.view is None:
            await ack()
            return
        try:
            async with asyncio.timeout(self.patience):
                outcome = await self._outcome(press, press.view.callback.removeprefix(SUBMITTED))
        except Exception as error:
            told = self.out.with_reference("not_stored", note_failure("form_not_stored", error))
            await ack(response_action="errors", errors={first_field(press.view): in_a_line(told)})
            return
        await self._acknowledge_sent(ack, press, outcome)

    async def _outcome(self, press: Press, action: str) -> Outcome | None:
        person = await self.people.who(press.place.user, press.team)
        if isinstance(person, Person):
            return await self._sent(press, person, action)
        return self.out.say(REFUSALS[person]) if person in REFUSALS else None

    def _sent(self, press: Press, person: Person, action: str) -> Awaitable[Outcome]:
        shown = press.view
        if shown is None:
            raise LookupError("a press without its window")
        return self.turns.turn("submit", Submitted(person, self._room(press), shown.page, action, shown.values))

    async def _acknowledge_sent(self, ack: AsyncAck, press: Press, outcome: Outcome | None) -> None:
        """Errors beside their fields, or the next page; a reply closes the form and stands in the messages too."""
        shown = press.view
        if outcome is None or shown is None:
            await ack()
            return
        wrong = errors(outcome, shown.blocks) if isinstance(outcome, Page) and outcome.id == shown.page else None
        if self.out.is_expired(outcome):
            wrong = {first_field(shown): in_a_line(self.out.say("slack_expired"))}
        if wrong:
            await ack(response_action="errors", errors=wrong)
            return
        await ack(response_action="update", view=drawn(outcome))
        self.tasks.start(self._after(press, outcome))

    async def _after(self, press: Press, outcome: Outcome) -> None:
        if isinstance(outcome, Reply):
            await self.out.in_private(press.place.user, outcome)
        await self._refreshed(press)

    # App Home

    async def _refreshed(self, press: Press) -> None:
        """Somebody's App Home after what they did may have changed it, if they ever opened it."""
        if press.place.user in self.homes:
            await self._home(press.place.user, press.team)

    async def _home(self, user: str, team: str, note: str = "") -> None:
        person = await self.people.who(user, team)
        if isinstance(person, Person):
            mine = await self.turns.turn("open", Opened(person, _home_room(user), "mine"))
            listed = (
                await self.turns.turn("open", Opened(person, _home_room(user), "queue")) if _handles(person) else None
            )
            if isinstance(mine, Page):
                await self.out.web.publish(user, home(mine, listed if isinstance(listed, Page) else None, note))
                self.homes.add(user)
        elif name := REFUSALS.get(person):
            await self.out.web.publish(user, closed(self.out.say(name)))

    def _room(self, press: Press) -> Room:
        return press.place.room if press.place.channel else _home_room(press.place.user)


def _handles(person: Person) -> bool:
    return person.has(*HANDLERS)


def _home_room(user: str) -> Room:
    return Room(Platform.SLACK, f"home:{user}")


async def _given(reply: Reply) -> Outcome:
    return reply


async def _acknowledge(ack: AsyncAck) -> None:
    await ack()


async def _noted(error: Exception) -> BoltResponse:
    """Whatever could not be kept is not acknowledged, so that Slack sends it again."""
    note_failure("slack_listener_failed", error)
    return BoltResponse(status=500, body="")
