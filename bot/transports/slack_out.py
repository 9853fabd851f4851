"""Puts what Charter says where it belongs: a thread, one person's eyes in a channel, a modal or App Home. Never silence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp

from bot.model import Choice, Outcome, Page, Reply
from bot.render.slack import Message, message, notice, quoted
from bot.render.slack_page import loading, view, warned
from bot.render.slack_text import Block
from bot.transports.guards import note_failure
from bot.transports.slack_in import Place, Press, View
from bot.transports.slack_web import SlackWeb, WebError

Say = Callable[[str], Reply]
"""The product's fixed replies by name."""

UNREACHED = (WebError, aiohttp.ClientError, TimeoutError)
"""How a call to Slack may fail."""

SLOW = 0.5
"""Seconds after which a turn says that it is under way."""
OPEN_WITHIN = 1.2
"""Seconds a page may take before a window opens without it: what opens a window lives for three."""
_STATUS = "is reading the guidance…"
_SLACK_HOOKS = "hooks.slack.com"

_Result = TypeVar("_Result")


class Out:
    """Everything that goes out to a person. `url` is the Web API's address: a command may be answered there or at Slack's."""

    def __init__(self, web: SlackWeb, say: Say, url: str) -> None:
        self.web = web
        self.say = say
        self._answer_hosts = {_SLACK_HOOKS, urlsplit(url).netloc}

    async def answer(self, place: Place, reply: Reply, mark: str = "", carry: str = "") -> None:
        """Answer in the place, or in private where that cannot be done there."""
        if place.private and not place.answer_url:
            await self._posted(place.channel, message(reply, mark), place.thread, mark)
            return
        shown = message(reply, mark, carry)
        if not await self._responded(place, shown) and not await self._whispered(place, shown):
            await self.in_private(place.user, reply, mark)

    async def in_private(self, user: str, reply: Reply, mark: str = "") -> None:
        """Answer in the direct messages."""
        await self._posted(await self.web.direct(user), message(reply, mark), "", mark)

    async def begin(self, user: str, lead: str, text: str) -> Place:
        """Begin a thread in the direct messages with somebody's words; the place to answer them in."""
        channel = await self.web.direct(user)
        return Place(user, channel, await self.web.post(channel, quoted(lead, text)))

    async def failed(self, place: Place, error: BaseException, name: str = "slack_press_failed") -> None:
        """Say that something went wrong, with the reference that finds it in the log; a fault on the way is noted too."""
        reply = self.with_reference(name, note_failure("turn_failed", error))
        try:
            await (self.answer(place, reply) if place.channel else self.in_private(place.user, reply))
        except UNREACHED as fault:
            note_failure("slack_not_told", fault)

    def with_reference(self, name: str, reference: str) -> Reply:
        """A fixed reply with the reference of a failure."""
        reply = self.say(name)
        return replace(reply, footnote=f"{reply.footnote} Reference: {reference}".strip())

    async def meanwhile(self, place: Place, turn: Awaitable[_Result]) -> _Result:
        """Wait for a turn; one that is slow is said to be under way."""
        task = asyncio.ensure_future(turn)
        done, _ = await asyncio.wait({task}, timeout=SLOW)
        if not done and place.private and place.thread:
            try:
                await self.web.status(place.channel, place.thread, _STATUS)
            except UNREACHED as fault:
                note_failure("slack_status", fault)
        return await task

    # Windows

    async def shown(self, press: Press, turn: Awaitable[Outcome], opens: bool) -> None:
        """Show what came of a press: in the window it was pressed in, in a new one, or as a message."""
        task = asyncio.ensure_future(turn)
        window = press.view.id if press.view and press.view.modal else ""
        if not window and opens and not (await asyncio.wait({task}, timeout=OPEN_WITHIN))[0]:
            window = await self._opened(press, loading())
        try:
            outcome = await task
        except Exception as error:
            await self._broken(press, window, error)
            return
        await self._show(press, window, outcome)

    async def _show(self, press: Press, window: str, outcome: Outcome) -> None:
        if window and press.view and self.is_expired(outcome):
            await self._changed(window, warned(press.view.raw, in_a_line(self.say("slack_expired"))))
        elif window:
            await self._changed(window, drawn(outcome))
        elif isinstance(outcome, Page):
            await self._opened(press, view(outcome))
        elif press.place.channel:
            await self.answer(press.place, outcome)
        else:
            await self.in_private(press.place.user, outcome)

    async def _opened(self, press: Press, window: Block) -> str:
        """Open a window, or offer the button again when it came too late; its id, or nothing."""
        try:
            return await self.web.open(press.trigger, window)
        except UNREACHED as fault:
            note_failure("window_not_opened", fault)
        again = Choice("Open it", press.value, opens=True)
        offer = replace(self.say("slack_not_opened"), choices=(again,))
        await (self.answer(press.place, offer) if press.place.channel else self.in_private(press.place.user, offer))
        return ""

    async def _changed(self, window: str, now: Block) -> None:
        """Change an open window; one that its reader has closed is left alone."""
        try:
            await self.web.show(window, now)
        except WebError as error:
            if error.code not in ("not_found", "view_not_found"):
                raise

    def is_expired(self, outcome: Outcome) -> bool:
        """Whether a form is no longer open: its window stays, so that its words can be copied out of it."""
        return isinstance(outcome, Reply) and outcome.lead == self.say("expired").lead

    async def _broken(self, press: Press, window: str, error: Exception) -> None:
        """A window keeps every word when its press could not be carried out."""
        if not window:
            await self.failed(press.place, error)
            return
        told = self.with_reference("slack_press_failed", note_failure("turn_failed", error))
        await self._changed(window, warned(press.view.raw, in_a_line(told)) if press.view else notice(told))

    async def _posted(self, channel: str, shown: Message, thread: str, mark: str) -> None:
        """Post a message, once more when the line broke, unless it is seen to stand there."""
        try:
            await self.web.post(channel, shown, thread)
        except (aiohttp.ClientError, TimeoutError):
            if not mark or await self.web.find(channel, mark, thread) is None:
                await self.web.post(channel, shown, thread)

    async def _responded(self, place: Place, shown: Message) -> bool:
        """Whether it was shown where a command was used; only Slack's own addresses are written to."""
        if urlsplit(place.answer_url).netloc not in self._answer_hosts:
            return False
        try:
            await self.web.respond(place.answer_url, shown, "" if place.private else place.thread)
        except UNREACHED as fault:
            note_failure("not_responded", fault)
            return False
        return True

    async def _whispered(self, place: Place, shown: Message) -> bool:
        """Whether it was shown to its reader in the channel, which Charter has to be in."""
        if place.private:
            return False
        try:
            await self.web.whisper(place.channel, place.user, shown, place.thread)
        except UNREACHED as fault:
            note_failure("not_whispered", fault)
            return False
        return True


def drawn(outcome: Outcome) -> Block:
    """What an open window turns into."""
    return view(outcome) if isinstance(outcome, Page) else notice(outcome)


def in_a_line(reply: Reply) -> str:
    """A short reply in one string, for beside a field."""
    return " ".join(filter(None, [reply.lead, *reply.body, reply.footnote]))


def first_field(shown: View) -> str:
    """The field beside which something is said of the whole view."""
    return next((block for block in shown.blocks if block in shown.values), "")
