"""Writes to Teams: plain dicts to the Bot Connector, in the words of its REST reference.

The library's client would copy each message value by value, drop keys that it does not know, hand every call to a thread
and never try one again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote, urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, web
from yarl import URL

from bot.transports.teams_activity import Place, allowed_host
from bot.transports.teams_port import ConnectorRefused, Plain
from bot.transports.teams_settings import LOOPBACK, TeamsSettings

RETRIED = frozenset({412, 429, 502, 503, 504})
"""Answers of the Connector after which the same call may succeed, as its rate-limit page lists them."""

_TRIES = 4
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 8.0
_CALL = ClientTimeout(total=10)


class SignIn(Protocol):
    """Gets tokens for the Connector."""

    async def token(self) -> str:
        """One that is still good; nothing in development. Raises ConnectorRefused when Microsoft gives none."""
        ...


class Connector:
    """Implements `Outward`, with one HTTP session for all calls."""

    def __init__(
        self, settings: TeamsSettings, sign_in: SignIn, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._settings = settings
        self._sign_in = sign_in
        self._pause = pause
        self._session: ClientSession | None = None

    async def close(self, _: web.Application | None = None) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    async def post(self, place: Place, message: Plain) -> str:
        """Write in a conversation; returns the message's id."""
        made = await self._called("POST", place, f"{_path(place)}/activities", _activity(place, message))
        return str(made.get("id") or "")

    async def update(self, place: Place, message_id: str, message: Plain) -> None:
        """Replace a message for everybody who sees it."""
        activity = {**_activity(place, message), "id": message_id}
        await self._called("PUT", place, f"{_path(place)}/activities/{quote(message_id, safe='')}", activity)

    async def typing(self, place: Place) -> None:
        """Show that an answer is on its way."""
        await self.post(place, {"type": "typing"})

    async def begin_thread(self, place: Place, message: Plain) -> tuple[Place, str]:
        """Start a thread in the channel `place`; returns the thread and the id of its first message."""
        channel = {"channel": {"id": place.conversation}, "tenant": {"id": place.tenant}}
        made = await self._created(place, isGroup=True, channelData=channel, activity=_activity(place, message))
        return replace(place, conversation=str(made["id"])), str(made.get("activityId") or "")

    async def open_chat(self, place: Place, account: str) -> Place:
        """The personal chat with somebody, made when there is none; `place` gives address, tenant and bot."""
        tenant = {"tenant": {"id": place.tenant}}
        made = await self._created(place, isGroup=False, channelData=tenant, members=[{"id": account}])
        return Place(place.service_url, place.tenant, str(made["id"]), place.bot)

    async def reach(self, place: Place) -> None:
        """Ask who is in a conversation, to see whether Charter is. Raises ConnectorRefused when it is not."""
        await self._called("GET", place, f"{_path(place)}/pagedmembers")

    async def sign_in(self) -> None:
        """Get a token, as doctor does. Raises ConnectorRefused when Microsoft gives none."""
        await self._sign_in.token()

    async def _created(self, place: Place, **asked: object) -> Mapping[str, object]:
        made = await self._called(
            "POST", place, "/v3/conversations", {**_bot("bot", place), "tenantId": place.tenant, **asked}
        )
        if "id" not in made:
            raise ConnectorRefused(HTTPStatus.BAD_GATEWAY)
        return made

    async def _called(self, method: str, place: Place, path: str, body: Plain | None = None) -> Mapping[str, object]:
        """What the Connector answers, tried again where that may help."""
        for attempt in range(_TRIES):
            try:
                return await self._once(method, place.service_url, path, body)
            except ConnectorRefused as refused:
                last = attempt + 1 == _TRIES
                if last or refused.status not in RETRIED or refused.wait > _LONGEST_WAIT:
                    raise
                wait = max(refused.wait, _FIRST_WAIT * 2**attempt)
            await self._pause(wait * random.uniform(1.0, 1.5))  # noqa: S311
        raise AssertionError("the last try returns or raises")

    async def _once(self, method: str, service: str, path: str, body: Plain | None) -> Mapping[str, object]:
        if not may_call(self._settings, service):
            raise ConnectorRefused(HTTPStatus.FORBIDDEN)
        token = await self._sign_in.token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            url = URL(service.rstrip("/") + path, encoded=True)
            # Only the Connector is spoken to: who sends us elsewhere is somebody else.
            async with self._open().request(method, url, json=body, headers=headers, allow_redirects=False) as answer:
                return await _read(answer)
        except (ClientError, TimeoutError, ValueError) as error:
            raise ConnectorRefused(0) from error

    def _open(self) -> ClientSession:
        """The session, made in the event loop that it is used in."""
        if self._session is None:
            self._session = ClientSession(timeout=_CALL)
        return self._session


def may_call(settings: TeamsSettings, address: str) -> bool:
    """Whether an address is the Connector's: Microsoft's hosts, or this computer in development."""
    if not settings.development:
        return allowed_host(address, settings.hosts)
    try:
        return urlsplit(address).scheme == "http" and urlsplit(address).hostname in LOOPBACK
    except ValueError:
        return False


async def _read(answer: ClientResponse) -> Mapping[str, object]:
    """The answer's JSON, or nothing where it has none. Raises ConnectorRefused for whatever is no success."""
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        asked = answer.headers.get("Retry-After", "")
        raise ConnectorRefused(answer.status, float(asked) if asked.isdecimal() else 0.0)
    try:
        told = await answer.json(content_type=None)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _path(place: Place) -> str:
    return f"/v3/conversations/{quote(place.conversation, safe='')}"


def _bot(role: str, place: Place) -> Plain:
    """Charter's own id in a conversation, where it is known."""
    return {role: {"id": place.bot}} if place.bot else {}


def _activity(place: Place, message: Plain) -> Plain:
    plain = {"textFormat": "plain"} if message.get("text") else {}
    return {
        "type": "message",
        **_bot("from", place),
        "conversation": {"id": place.conversation},
        **plain,
        **message,
    }
