"""Socket Mode with a watchdog: a connection that looks alive and hears nothing is replaced."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient

from bot.transports.guards import note_failure
from bot.transports.slack_web import quiet

LOOK_EVERY = 5.0
"""Seconds between two looks."""
QUIET_FOR = 900.0
"""Seconds without a word from Slack after which a connection that answers pings is replaced all the same: connections were
seen to stay open and deliver nothing."""
PING_EVERY = 5.0
_CONNECT_WITHIN = 20.0


class Socket:
    """One Socket Mode connection, kept alive."""

    def __init__(self, app: AsyncApp, app_token: str, web: AsyncWebClient) -> None:
        self._app = app
        self._token = app_token
        self._web = web
        self._handler: AsyncSocketModeHandler | None = None
        self._watching: asyncio.Task[None] | None = None
        self._heard = self._alive = time.monotonic()

    @property
    def down_for(self) -> float:
        """Seconds since the connection was last seen alive."""
        return time.monotonic() - self._alive

    async def start(self) -> None:
        """Connect and keep watch. Raises SlackApiError when Slack refuses the app token, and TimeoutError."""
        await self._web.apps_connections_open(app_token=self._token)
        await self._connect()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End the watch and the connection."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._close()

    async def _connect(self) -> None:
        await self._close()
        self._handler = AsyncSocketModeHandler(
            self._app, self._token, logger=quiet, web_client=self._web, ping_interval=PING_EVERY
        )
        self._handler.client.message_listeners.append(self._note)
        async with asyncio.timeout(_CONNECT_WITHIN):
            await self._handler.connect_async()  # type: ignore[no-untyped-call]
        self._heard = self._alive = time.monotonic()

    async def _close(self) -> None:
        if self._handler is not None:
            handler, self._handler = self._handler, None
            await handler.client.close()  # type: ignore[no-untyped-call]

    async def _note(self, _: object, __: dict[str, Any], ___: str | None = None) -> None:
        self._heard = time.monotonic()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._look()
            except Exception as error:
                note_failure("socket_not_replaced", error)

    async def _look(self) -> None:
        """Replace a connection that is dead, deaf or quiet for too long."""
        client = self._handler.client if self._handler else None
        if client is not None and _listening(client) and await client.is_connected():
            self._alive = time.monotonic()
            if self._alive - self._heard < QUIET_FOR:
                return
        elif self.down_for < 2 * LOOK_EVERY:
            return  # the library replaces what is closed by itself, and is given the time
        await self._connect()


def _listening(client: SocketModeClient) -> bool:
    """Whether the tasks that read and hand on what comes in still run."""
    working = (client.message_receiver, client.message_processor, client.current_session_monitor)
    return all(task is not None and not task.done() for task in working)
