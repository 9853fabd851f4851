"""The Web API methods that Charter uses, each with the scope it needs, on one shared session. Untyped JSON stops here."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.render.slack import Message
from bot.render.slack_text import Block

METHODS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "auth.test": frozenset(),
        "chat.postMessage": frozenset({"chat:write"}),
        "chat.postEphemeral": frozenset({"chat:write"}),
        "chat.update": frozenset({"chat:write"}),
        "views.open": frozenset(),
        "views.update": frozenset(),
        "views.publish": frozenset(),
        "users.info": frozenset({"users:read"}),
        "conversations.open": frozenset({"im:write"}),
        "conversations.history": frozenset({"im:history"}),
        "conversations.replies": frozenset({"im:history"}),
        "conversations.info": frozenset({"channels:read", "groups:read"}),
        "assistant.threads.setSuggestedPrompts": frozenset({"assistant:write"}),
        "assistant.threads.setStatus": frozenset({"assistant:write"}),
    }
)
"""Every method that is called, with the bot scopes it needs. Nothing else can be called."""

_READS = frozenset({"users.info", "conversations.info", "conversations.history", "conversations.replies"})
"""Methods that take no JSON."""

LOST_ACCESS = frozenset({"token_revoked", "token_expired", "account_inactive", "invalid_auth", "not_authed"})
"""Errors after which nothing works until somebody installs Charter again or gives it a new token."""

_TIMEOUT = 10.0
_CONNECTIONS = 32

_log = structlog.get_logger()

quiet = logging.getLogger("charter.slack")
"""For Slack's libraries: at their debug level they log tokens and what people write."""
quiet.setLevel(logging.WARNING)


class WebError(Exception):
    """Slack refused a call. `code` is its own word for why, `after` the seconds it asks to wait."""

    def __init__(self, method: str, code: str, after: float = 0.0) -> None:
        super().__init__(f"{method}: {code}")
        self.code = code
        self.after = after


@dataclass(frozen=True)
class Identity:
    """Whom the bot token stands for, and the scopes it was given."""

    team: str
    user: str
    bot: str
    name: str
    scopes: frozenset[str]


@dataclass(frozen=True)
class Account:
    """What Slack says of a member."""

    team: str
    bot: bool
    deleted: bool
    stranger: bool


class SlackWeb:
    """The Web API in Charter's words. A call raises WebError when Slack refuses it, aiohttp's errors when it is not reached.

    A patient one waits as long as Slack asks and tries again after network faults, except with a message, which would then
    perhaps stand there twice; the other leaves all that to its caller.
    """

    def __init__(self, session: aiohttp.ClientSession, token: str, url: str, patient: bool = True) -> None:
        waiting = [AsyncRateLimitErrorRetryHandler(3)] if patient else []
        again = [AsyncConnectionErrorRetryHandler(2)] if patient else []
        self.session = session
        self._once = AsyncWebClient(token, url, session=session, logger=quiet, retry_handlers=[*waiting])
        self._client = AsyncWebClient(token, url, session=session, logger=quiet, retry_handlers=[*waiting, *again])
        self.lost = ""
        self._rooms: dict[str, str] = {}

    async def identity(self) -> Identity:
        """Who the token is."""
        data, headers = await self._call("auth.test", {})
        given = str(headers.get("x-oauth-scopes") or headers.get("X-OAuth-Scopes") or "")
        scopes = frozenset(scope.strip() for scope in given.split(",") if scope.strip())
        return Identity(data["team_id"], data["user_id"], data.get("bot_id", ""), data.get("team", ""), scopes)

    async def post(self, channel: str, message: Message, thread: str = "") -> str:
        """Post a message; its ts. Nothing in it unfurls, and no name in it is made a mention."""
        data, _ = await self._call("chat.postMessage", {**_shown(channel, message), **_in(thread), **_still()})
        return str(data["ts"])

    async def whisper(self, channel: str, user: str, message: Message, thread: str = "") -> None:
        """Show a message to one person in a channel."""
        await self._call("chat.postEphemeral", {**_shown(channel, message), "user": user, **_in(thread)})

    async def change(self, channel: str, ts: str, message: Message) -> None:
        """Put another message in the place of one of Charter's own."""
        await self._call("chat.update", {**_shown(channel, message), "ts": ts})

    async def respond(self, url: str, message: Message, thread: str = "") -> None:
        """Answer a command, a shortcut or a press where it was used, to that person alone."""
        body = {"response_type": "ephemeral", "replace_original": False, "text": message.text, "blocks": message.blocks}
        async with self.session.post(url, json={**body, **_in(thread)}, allow_redirects=False) as answer:
            if answer.status >= 300:  # noqa: PLR2004
                raise WebError("response_url", str(answer.status))

    async def open(self, trigger: str, view: Block) -> str:
        """Open a modal; its id."""
        data, _ = await self._call("views.open", {"trigger_id": trigger, "view": view})
        return str(data["view"]["id"])

    async def show(self, view_id: str, view: Block) -> None:
        """Put another view in the place of an open modal."""
        await self._call("views.update", {"view_id": view_id, "view": view})

    async def publish(self, user: str, view: Block) -> None:
        """Show somebody's App Home."""
        await self._call("views.publish", {"user_id": user, "view": view})

    async def account(self, user: str) -> Account:
        """What Slack says of a member."""
        data, _ = await self._call("users.info", {"user": user})
        told: dict[str, Any] = data["user"]
        return Account(
            team=str(told.get("team_id") or ""),
            bot=bool(told.get("is_bot")),
            deleted=bool(told.get("deleted")),
            stranger=bool(told.get("is_stranger")),
        )

    async def direct(self, user: str) -> str:
        """The channel of the direct messages with somebody."""
        if user not in self._rooms:
            data, _ = await self._call("conversations.open", {"users": user})
            self._rooms[user] = str(data["channel"]["id"])
        return self._rooms[user]

    async def find(self, channel: str, mark: str, thread: str = "") -> str | None:
        """The ts of Charter's own message with this mark among the latest in a channel or a thread, or None."""
        method = "conversations.replies" if thread else "conversations.history"
        data, _ = await self._call(method, {"channel": channel, "limit": 100, **({"ts": thread} if thread else {})})
        for one in data.get("messages") or ():
            if any(block.get("block_id") == mark for block in one.get("blocks") or ()):
                return str(one["ts"])
        return None

    async def channel(self, channel: str) -> Mapping[str, Any]:
        """What Slack says of a channel."""
        data, _ = await self._call("conversations.info", {"channel": channel})
        told: Mapping[str, Any] = data["channel"]
        return told

    async def prompts(self, channel: str, questions: tuple[str, ...]) -> None:
        """Suggest questions to start with in the messages tab."""
        prompts = [{"title": question, "message": question} for question in questions]
        await self._call("assistant.threads.setSuggestedPrompts", {"channel_id": channel, "prompts": prompts})

    async def status(self, channel: str, thread: str, words: str) -> None:
        """Say what Charter is doing; the next message takes it away."""
        told = {"channel_id": channel, "thread_ts": thread, "status": words}
        await self._call("assistant.threads.setStatus", told)

    async def _call(self, method: str, sent: dict[str, Any]) -> tuple[dict[str, Any], Mapping[str, str]]:
        if method not in METHODS:
            raise LookupError(method)
        try:
            if method in _READS:
                answer = await self._client.api_call(method, http_verb="GET", params=sent)
            else:
                client = self._once if method == "chat.postMessage" else self._client
                answer = await client.api_call(method, json=sent)
        except SlackApiError as error:
            raise self._refused(method, error) from None
        self.lost = ""
        data = answer.data
        return (data if isinstance(data, dict) else {}), answer.headers

    def _refused(self, method: str, error: SlackApiError) -> WebError:
        """The error by name, never with what was sent."""
        told = error.response
        data: Any = getattr(told, "data", None)
        code = str(data.get("error") or "unknown") if isinstance(data, dict) else "unreadable"
        headers: Mapping[str, str] = getattr(told, "headers", {})
        after = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
        if code in LOST_ACCESS:
            self.lost = code
            _log.error("slack_access_lost", code=code)
        return WebError(method, code, float(after) if after.isdecimal() else 0.0)


def open_session() -> aiohttp.ClientSession:
    """The one session on which every call to Slack goes."""
    connector = aiohttp.TCPConnector(limit=_CONNECTIONS)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=_TIMEOUT))


def _shown(channel: str, message: Message) -> dict[str, Any]:
    return {"channel": channel, "text": message.text, "blocks": message.blocks}


def _in(thread: str) -> dict[str, str]:
    return {"thread_ts": thread} if thread else {}


def _still() -> dict[str, bool]:
    return {"unfurl_links": False, "unfurl_media": False}
