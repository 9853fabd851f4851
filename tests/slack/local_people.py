"""People at work in local-slack, with the same hands as in the fake."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlencode

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

from tests.slack.block_kit import Json
from tests.slack.fake_api import SIGNING_SECRET
from tests.slack.hands import fill, missing, pressable
from tests.slack.local import Mirror, Program
from tests.slack.workspace import APP, TEAM, Message, View


class Line:
    """Carries what local-slack cannot send itself: a button pressed inside a view. Everything else it lets through.

    By HTTP it signs and posts as local-slack does; in Socket Mode it stands between the two and adds an envelope.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._http: ClientSession
        self._to_app: web.WebSocketResponse | None = None
        self._own: set[str] = set()
        self.api_url = f"{program.url}/api/"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        """Until the block ends."""
        async with ClientSession() as self._http:
            if not self._program.socket:
                yield self
                return
            app = web.Application(client_max_size=2**24)
            app.add_routes([web.get("/socket/{id}", self._bridge), web.route("*", "/{path:.*}", self._forward)])
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self._here = f"127.0.0.1:{runner.addresses[0][1]}"
            self.api_url = f"http://{self._here}/api/"
            try:
                yield self
            finally:
                await runner.cleanup()

    async def carry(self, payload: Json) -> None:
        """Bring a press to the app."""
        if self._program.socket:
            assert self._to_app is not None
            id = secrets.token_hex(8)
            self._own.add(id)
            envelope = {"envelope_id": id, "type": "interactive", "payload": payload, "accepts_response_payload": True}
            await self._to_app.send_json(envelope)
            return
        body, at = urlencode({"payload": json.dumps(payload)}), str(int(time.time()))
        digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": f"v0={digest}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url = f"http://127.0.0.1:{self._program.app_port}/slack/events"
        async with self._http.post(url, data=body.encode(), headers=headers) as answer:
            assert answer.status == 200

    async def _forward(self, request: web.Request) -> web.Response:
        kept = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        url = f"{self._program.url}{request.path_qs}"
        async with self._http.request(request.method, url, data=await request.read(), headers=kept) as answer:
            text = self._as_from_here(await answer.text())
            return web.Response(text=text, status=answer.status, content_type=answer.content_type)

    async def _bridge(self, request: web.Request) -> web.WebSocketResponse:
        near = web.WebSocketResponse()
        await near.prepare(request)
        url = f"ws://127.0.0.1:{self._program.port}{request.path_qs}"
        async with self._http.ws_connect(url, max_msg_size=0) as far:
            self._to_app = near
            inward = asyncio.create_task(self._in(far, near))
            try:
                await self._out(near, far)
            finally:
                inward.cancel()
                with suppress(asyncio.CancelledError):
                    await inward
        return near

    async def _in(self, far: ClientWebSocketResponse, near: web.WebSocketResponse) -> None:
        async for frame in far:
            await near.send_str(self._as_from_here(frame.data))
        await near.close()

    async def _out(self, near: web.WebSocketResponse, far: ClientWebSocketResponse) -> None:
        async for frame in near:
            if frame.type is WSMsgType.TEXT and json.loads(frame.data).get("envelope_id") not in self._own:
                await far.send_str(frame.data)

    def _as_from_here(self, text: str) -> str:
        return text.replace(f"127.0.0.1:{self._program.port}", self._here)


class LocalPeople:
    """Whoever is in the workspace. The browser page has one person at a time before it; so have these."""

    def __init__(self, mirror: Mirror, line: Line) -> None:
        self.mirror = mirror
        self.workspace = mirror.workspace
        self._line = line

    async def say(self, user: str, text: str, channel: str = "", thread: str | None = None) -> Message:
        """Type a message: to the app, or in a channel."""
        body = {"channel": channel or await self._im(user), "user": user, "text": text}
        told = await self.mirror.post("message", **body, **({"thread_ts": thread} if thread else {}))
        ts = told["message"]["ts"]
        found: Message = await self.mirror.until(
            lambda: next((m for m in self.workspace.messages if m.ts == ts and m.user == user), None)
        )
        return found

    async def command(self, user: str, command: str, text: str = "", channel: str = "") -> None:
        """Type a slash command."""
        self.mirror.acting = user
        await self.mirror.post(
            "command", channel=channel or await self._im(user), user=user, command=command, text=text
        )

    async def press(self, user: str, label: str, where: Message | View | None = None) -> None:
        """Press what is labelled so: in the modal that is open, else in the newest message, else on the home tab."""
        self.mirror.acting = user
        place = where or self._place(user, label)
        action = pressable(place.blocks, label)
        assert action is not None, f"nothing is labelled {label!r} there"
        if isinstance(place, Message):
            await self.mirror.post("interact", channel=place.channel, messageTs=place.ts, user=user, action=action)
        elif place.content["type"] == "home" and action["action_id"] != "ask":
            await self.mirror.send("block_action", channel="", messageTs="", user=user, action=action)
        else:
            await self._line.carry(self._from_view(place, action))

    def _place(self, user: str, label: str) -> Message | View:
        shown = [self.workspace.modal(user), *reversed(self.workspace.seen_by(user)), self.workspace.homes.get(user)]
        for place in shown:
            if place is not None and pressable(place.blocks, label):
                return place
        raise AssertionError(f"{user} sees nothing labelled {label!r}")

    def _from_view(self, view: View, action: Json) -> Json:
        return {
            "type": "block_actions",
            "token": "verification-token",
            "api_app_id": APP,
            "team": {"id": TEAM, "domain": "oakfield"},
            "user": {"id": view.user, "name": "x", "username": "x", "team_id": TEAM},
            "is_enterprise_install": False,
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": "carried",
            "view": view.as_json(),
            "actions": [{**action, "action_ts": str(time.time())}],
        }

    async def submit(self, user: str, **values: str) -> None:
        """Fill in and send the modal that is open."""
        view = self.workspace.modal(user)
        assert view is not None, f"{user} has no modal open"
        for name, value in values.items():
            fill(view, name, value)
        assert "submit" in view.content, "there is no button to send this window with"
        assert not missing(view), f"Slack's window asks for {missing(view)} first"
        await self.mirror.send("view_submit", user=user, values=view.state()["values"])

    async def close(self, user: str) -> None:
        """Close the modal that is open."""
        await self.mirror.send("view_close", user=user)
        await self.mirror.until(lambda: self.workspace.modal(user) is None)

    async def home(self, user: str) -> None:
        """Open the app's home tab."""
        await self.mirror.post("open-home", user=user)

    async def _im(self, user: str) -> str:
        """The direct messages, which are there once somebody has opened the app."""
        own = next((c.id for c in self.workspace.channels.values() if c.im and user in c.members), None)
        return own or user
