"""Slack's side of Socket Mode: hands out addresses, greets, sends envelopes and waits for each to be acknowledged."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

from aiohttp import WSMsgType, web

from tests.slack.block_kit import Json


class Sockets:
    """The app's connections. An envelope goes to one of them, as with Slack; an address can be used once."""

    def __init__(self) -> None:
        self.open: list[web.WebSocketResponse] = []
        self.opened = 0
        self._tickets: set[str] = set()
        self._acks: dict[str, asyncio.Future[Any]] = {}
        self._here = asyncio.Condition()
        self._deaf: set[web.WebSocketResponse] = set()

    @property
    def listening(self) -> list[web.WebSocketResponse]:
        """Those that have not gone silent."""
        return [socket for socket in self.open if socket not in self._deaf]

    def address(self, url: str) -> str:
        """Where the app may connect, as `apps.connections.open` gives it."""
        ticket = secrets.token_hex(8)
        self._tickets.add(ticket)
        return f"{url.replace('http', 'ws', 1)}/socket?ticket={ticket}"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from greeting to end."""
        if request.query.get("ticket", "") not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(request.query["ticket"])
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self.open) + 1, "connection_info": {}})
        async with self._here:
            self.open.append(socket)
            self.opened += 1
            self._here.notify_all()
        try:
            await self._listen(socket)
        finally:
            self._deaf.discard(socket)
            if socket in self.open:
                self.open.remove(socket)
        return socket

    async def _listen(self, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if socket in self._deaf:
                continue
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._acknowledged(json.loads(message.data))

    def _acknowledged(self, answer: Json) -> None:
        waiting = self._acks.pop(answer.get("envelope_id", ""), None)
        if waiting and not waiting.done():
            waiting.set_result(answer.get("payload"))

    async def connected(self, seconds: float = 5, times: int = 1) -> None:
        """Wait until the app has connected so many times. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._here:
            await self._here.wait_for(lambda: self.opened >= times and self.listening)

    async def send(self, kind: str, payload: Json, retry: int, seconds: float) -> Any:
        """Send an envelope and give back what came with its acknowledgement. Raises TimeoutError without one."""
        id, ack = secrets.token_hex(16), asyncio.get_running_loop().create_future()
        self._acks[id] = ack
        envelope = {
            "envelope_id": id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
            **({"retry_attempt": retry, "retry_reason": "timeout"} if kind == "events_api" else {}),
        }
        async with asyncio.timeout(seconds):
            async with self._here:
                await self._here.wait_for(lambda: self.listening)
            await self.listening[-1].send_json(envelope)
            return await ack

    def go_silent(self) -> None:
        """Stop answering on every connection without closing any: the fault that a watchdog is for."""
        self._deaf.update(self.open)

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask the app to connect anew, then hang up, as Slack does every few hours."""
        for socket in list(self.open):
            await socket.send_json({"type": "disconnect", "reason": reason})
            await socket.close()

    async def close(self) -> None:
        """End every connection."""
        for socket in list(self.open):
            await socket.close()
