"""Notices in Slack: to the leadership channel, and to one person in their direct messages."""

from __future__ import annotations

import time
from collections import OrderedDict

import aiohttp
import structlog

from bot.model import Delivery, Destination, Gone, Later, Reply, Sent
from bot.render.slack import message
from bot.transports.slack_people import People
from bot.transports.slack_web import SlackWeb, WebError

_NEVER = frozenset(
    {
        "user_not_found",
        "users_not_found",
        "user_disabled",
        "cannot_dm_bot",
        "user_not_visible",
        "messages_tab_disabled",
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "invalid_blocks",
        "msg_too_long",
        "msg_blocks_too_long",
    }
)
"""Errors after which the same message can never be delivered there; with the others somebody can mend what is wrong."""

_AGAIN = 60.0
_TO_BE_MENDED = 300.0
_OUT_OF_REACH = 5.0
_REMEMBERED = 2000
_UNSURE_AFTER_START = 900.0
"""Seconds after a start in which a notice may have gone out before it: so long it is looked for first."""
_SAFE_FOR = 600.0

_log = structlog.get_logger()


class SlackMessenger:
    """Implements `Messenger`. `channel` is the leadership channel's id, from the settings and never from a payload.

    A notice carries its key, by which it is found again in direct messages; whether one stands in the channel can be known
    only while this process runs, because reading the channel is more than Charter asks to be allowed.
    """

    def __init__(self, web: SlackWeb, people: People, channel: str) -> None:
        self._web = web
        self._people = people
        self._channel = channel
        self._sent: OrderedDict[str, str] = OrderedDict()
        self._unsure: set[str] = set()
        self._started = time.monotonic()
        self._safe_until = 0.0

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Deliver once per key as far as that can be known. Raises aiohttp's errors when it may have gone out."""
        if ref := self._sent.get(key):
            return Sent(ref)
        try:
            return await self._send(destination, reply, key)
        except WebError as error:
            return _verdict(error)
        except aiohttp.ClientConnectorError:
            return Later(_OUT_OF_REACH)
        except (aiohttp.ClientError, TimeoutError):
            self._unsure.add(key)
            raise

    async def update(self, ref: str, reply: Reply) -> Delivery:
        """Put another reply in the place of a notice sent before; `ref` is what `Sent` held. Raises like `send`."""
        channel, _, ts = ref.partition(":")
        try:
            await self._web.change(channel, ts, message(reply))
        except WebError as error:
            return _verdict(error)
        except aiohttp.ClientConnectorError:
            return Later(_OUT_OF_REACH)
        return Sent(ref)

    async def _send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        room = await self._room(destination)
        if not isinstance(room, str):
            return room
        mark = f"notice:{key}"
        ts = await self._sent_before(destination, room, key, mark) or await self._web.post(room, message(reply, mark))
        self._unsure.discard(key)
        self._sent[key] = f"{room}:{ts}"
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        return Sent(self._sent[key])

    async def _room(self, destination: Destination) -> str | Gone | Later:
        if destination.person is None:
            if not self._channel:
                return Gone("no leadership channel is configured")
            return self._channel if await self._is_safe() else Later(_TO_BE_MENDED)
        account = self._people.account(destination.person)
        return await self._web.direct(account) if account else Gone("no Slack account on the roster")

    async def _is_safe(self) -> bool:
        """Whether nobody outside the school can read the leadership channel; asked once in a while."""
        if time.monotonic() < self._safe_until:
            return True
        told = await self._web.channel(self._channel)
        if told.get("is_ext_shared") or told.get("is_pending_ext_shared"):
            _log.error("leadership_channel_is_shared_outside")
            return False
        self._safe_until = time.monotonic() + _SAFE_FOR
        return True

    async def _sent_before(self, destination: Destination, room: str, key: str, mark: str) -> str | None:
        lately = time.monotonic() - self._started < _UNSURE_AFTER_START
        if destination.person is None or not (lately or key in self._unsure):
            return None
        try:
            return await self._web.find(room, mark)
        except WebError as error:
            _log.warning("notice_not_looked_for", code=error.code)
            return None


def _verdict(error: WebError) -> Delivery:
    if error.code in _NEVER:
        return Gone(error.code)
    if error.code == "ratelimited":
        return Later(max(error.after, 1.0))
    _log.warning("notice_refused", code=error.code)
    return Later(
        _TO_BE_MENDED if error.code not in ("internal_error", "fatal_error", "service_unavailable") else _AGAIN
    )
