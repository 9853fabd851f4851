"""A strict Slack in this process: Web API over HTTP, and events out by signed HTTP or by Socket Mode.

It refuses what Slack refuses (limits, scopes, triggers, tokens, channels not joined), gives only what the manifest asks
for, and notes in `complaints` what Slack would have shown as trouble: a late acknowledgement, a broken answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from tests.slack.block_kit import Json, message_faults
from tests.slack.socket_mode import Sockets
from tests.slack.web_api import METHODS, Desk, Refusal
from tests.slack.workspace import APP, BOT, TEAM, Message, Workspace, named

BOT_TOKEN = "xoxb-charter"
APP_TOKEN = "xapp-charter"
SIGNING_SECRET = "a signing secret"
PATIENCE = 3.0
"""Seconds in which Slack wants to be answered."""
MOST_RESPONSES = 5


@dataclass(frozen=True)
class Call:
    """One call that the app made; `error` is None when it was granted."""

    method: str
    args: Json
    error: str | None
    at: float


@dataclass(frozen=True)
class Ack:
    """What the app answered to something delivered; `status` is 0 when it did not."""

    status: int
    body: Any
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether Slack would be content."""
        return 200 <= self.status < 300 and self.seconds <= PATIENCE


@dataclass
class Hook:
    """A `response_url`: whose it is, where it leads, how often it may still be used."""

    user: str
    channel: str
    message: Message | None
    left: int = MOST_RESPONSES


@dataclass
class Trouble:
    """What is to go wrong with the next calls of a method: a status with headers, an error, or a broken connection."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    error: str = ""
    hang_up: bool = False
    after: bool = False


class FakeSlack:
    """One workspace with one app in it. `request_url` set means HTTP delivery; otherwise Socket Mode."""

    def __init__(self, manifest: Json, signing_secret: str = SIGNING_SECRET) -> None:
        features, settings = manifest["features"], manifest["settings"]
        self.workspace = Workspace()
        self.desk = Desk(self.workspace, features.get("app_home", {}).get("home_tab_enabled", False))
        self.scopes = set(manifest["oauth_config"]["scopes"]["bot"])
        self.subscribed = set(settings.get("event_subscriptions", {}).get("bot_events", ()))
        self.commands = {command["command"] for command in features.get("slash_commands", ())}
        self.shortcuts = {(shortcut["type"], shortcut["callback_id"]) for shortcut in features.get("shortcuts", ())}
        self.request_url = ""
        self.url = ""
        self.calls: list[Call] = []
        self.complaints: list[str] = []
        self.troubles: defaultdict[str, deque[Trouble]] = defaultdict(deque)
        self.revoked = ""
        self.sockets = Sockets()
        self._secret = signing_secret
        self._hooks: dict[str, Hook] = {}
        self._changed = asyncio.Condition()
        self._http: ClientSession | None = None

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL is to be."""
        return f"{self.url}/api/"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeSlack]:
        """Serve on a free port of this computer until the block ends."""
        app = web.Application(client_max_size=2**24)
        app.add_routes(
            [
                web.route("*", "/api/{method}", self._api),
                web.post("/respond/{hook}", self._respond),
                web.get("/socket", self.sockets.serve),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with ClientSession(timeout=ClientTimeout(total=30)) as self._http:
                yield self
        finally:
            await self.sockets.close()
            await runner.cleanup()

    # What goes wrong

    def limit(self, method: str, times: int = 1, retry_after: int = 1) -> None:
        """Answer the next calls with 429."""
        trouble = Trouble(429, {"Retry-After": str(retry_after)}, "ratelimited")
        self.troubles[method].extend([trouble] * times)

    def fail(self, method: str, error: str, times: int = 1) -> None:
        """Answer the next calls with this error."""
        self.troubles[method].extend([Trouble(error=error)] * times)

    def hang_up(self, method: str, times: int = 1, *, after: bool = False) -> None:
        """Break the connection of the next calls: before the work is done, or after it."""
        self.troubles[method].extend([Trouble(hang_up=True, after=after)] * times)

    def revoke(self, error: str = "token_revoked") -> None:
        """Every call from now on is refused with this."""
        self.revoked = error

    # Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method, args = request.match_info["method"], await _args(request)
        trouble = self.troubles[method].popleft() if self.troubles[method] else None
        if trouble and trouble.hang_up and not trouble.after:
            return self._broken(request, method, args)
        if trouble and trouble.error:
            refused = {"ok": False, "error": trouble.error}
            self._note(method, args, trouble.error)
            return web.json_response(refused, status=trouble.status, headers=trouble.headers)
        answer = self._answer(method, args, _token(request, args))
        self._note(method, args, answer.get("error"))
        await self._tell()
        if trouble:
            return self._broken(request, method, args)
        return web.json_response(answer, headers={"X-OAuth-Scopes": ",".join(sorted(self.scopes))})

    def _answer(self, name: str, args: Json, token: str) -> Json:
        try:
            method = METHODS.get(name)
            if method is None:
                raise Refusal("unknown_method")
            self._admit(token, method.app_level)
            if self.revoked:
                raise Refusal(self.revoked)
            needed = method.needs(self.desk, args)
            if needed and not method.app_level and self.scopes.isdisjoint(needed):
                raise Refusal("missing_scope", needed=",".join(needed), provided=",".join(sorted(self.scopes)))
            if method.app_level:
                return {"ok": True, "url": self.sockets.address(self.url)}
            return {"ok": True, **method.call(self.desk, args)}
        except Refusal as refusal:
            return {"ok": False, "error": refusal.error, **refusal.more}

    @staticmethod
    def _admit(token: str, app_level: bool) -> None:
        if token not in (BOT_TOKEN, APP_TOKEN):
            raise Refusal("invalid_auth" if token else "not_authed")
        if token != (APP_TOKEN if app_level else BOT_TOKEN):
            raise Refusal("not_allowed_token_type")

    def _broken(self, request: web.Request, method: str, args: Json) -> web.StreamResponse:
        self._note(method, args, "hung up")
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _note(self, method: str, args: Json, error: str | None) -> None:
        self.calls.append(Call(method, args, error, time.monotonic()))

    async def _respond(self, request: web.Request) -> web.Response:
        """A `response_url` used: a message for its person alone, or the message it came from changed."""
        hook = self._hooks.get(request.match_info["hook"])
        if hook is None or not hook.left:
            return web.json_response({"ok": False, "error": "used_url"}, status=404)
        body = await request.json()
        hook.left -= 1
        self._note("response_url", body, None)
        self._responded(hook, body)
        await self._tell()
        return web.Response(text="ok")

    def _responded(self, hook: Hook, body: Json) -> None:
        text, blocks = body.get("text", ""), body.get("blocks") or []
        self.complaints += [f"response_url{fault}" for fault in message_faults(blocks)]
        if body.get("delete_original") and hook.message:
            self.workspace.messages.remove(hook.message)
        elif body.get("replace_original") and hook.message:
            hook.message.text, hook.message.blocks = text, named(blocks)
            hook.message.edits += 1
        else:
            alone = None if body.get("response_type") == "in_channel" else hook.user
            thread = body.get("thread_ts")
            message = Message(hook.channel, self.workspace.next_ts(), BOT, text, named(blocks), thread, alone)
            self.workspace.messages.append(message)

    def hook(self, user: str, channel: str, message: Message | None = None) -> str:
        """A fresh `response_url`."""
        id = secrets.token_hex(8)
        self._hooks[id] = Hook(user, channel, message)
        return f"{self.url}/respond/{id}"

    # Waiting

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, true: Callable[[], Any], seconds: float = 5) -> Any:
        """Wait until the workspace is so; gives back what `true` gives. Raises AssertionError when time is up."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                return await self._changed.wait_for(true)
        except TimeoutError:
            said = [message.shown for message in self.workspace.messages][-5:]
            raise AssertionError(f"never came to be; last said: {said}; calls: {self.calls[-5:]}") from None

    # Delivery

    async def event(self, event: Json, *, id: str = "", retry: int = 0, shared: bool = False) -> Ack:
        """Deliver an event; the same `id` again is a repeat, and `retry` counts Slack's own."""
        envelope = {
            "token": "legacy",
            "team_id": TEAM,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": id or f"Ev{secrets.token_hex(5).upper()}",
            "event_time": int(time.time()),
            "authorizations": [{"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True}],
            "is_ext_shared_channel": shared,
        }
        headers = {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"} if retry else {}
        if not self.request_url:
            return await self._by_socket("events_api", envelope, retry=retry)
        return await self._by_http(json.dumps(envelope), "application/json", headers)

    async def interaction(self, payload: Json) -> Ack:
        """Deliver a press, a shortcut or a submitted view."""
        if not self.request_url:
            return await self._by_socket("interactive", payload)
        return await self._by_http(urlencode({"payload": json.dumps(payload)}), "application/x-www-form-urlencoded")

    async def slash(self, fields: dict[str, str]) -> Ack:
        """Deliver a slash command."""
        if not self.request_url:
            return await self._by_socket("slash_commands", fields)
        return await self._by_http(urlencode(fields), "application/x-www-form-urlencoded")

    async def _by_http(self, body: str, content_type: str, headers: dict[str, str] | None = None) -> Ack:
        assert self._http is not None
        signed = {**self.signed(body), "Content-Type": content_type, **(headers or {})}
        start = time.monotonic()
        try:
            async with self._http.post(self.request_url, data=body.encode(), headers=signed) as response:
                text = await response.text()
                return Ack(response.status, _json(text), time.monotonic() - start)
        except (ClientError, TimeoutError):
            return Ack(0, None, time.monotonic() - start)

    async def _by_socket(self, kind: str, payload: Json, retry: int = 0) -> Ack:
        start = time.monotonic()
        try:
            body = await self.sockets.send(kind, payload, retry, PATIENCE)
        except TimeoutError:
            return Ack(0, None, time.monotonic() - start)
        return Ack(200, body, time.monotonic() - start)

    def signed(self, body: str, age: float = 0) -> dict[str, str]:
        """The headers by which the app knows that it is Slack who speaks."""
        at = str(int(time.time() - age))
        digest = hmac.new(self._secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


async def _args(request: web.Request) -> Json:
    if request.content_type == "application/json":
        given = await request.json()
        return given if isinstance(given, dict) else {}
    fields = dict(parse_qsl(await request.text(), keep_blank_values=True)) | dict(request.query)
    return {name: _decoded(name, value) for name, value in fields.items()}


def _decoded(name: str, value: str) -> Any:
    return _json(value) if name in ("blocks", "view", "prompts", "loading_messages", "attachments") else value


def _token(request: web.Request, args: Json) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ") or str(args.get("token") or "")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
