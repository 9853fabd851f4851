"""A running preview of a small school, over HTTP on the real application: people file, handle and stay silent."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import serving
from bot.cases.model import About
from bot.dialogs.incidents import INCIDENTS, Incident
from bot.model import Person, Platform, Reply, Role
from bot.notices.watch import Watch
from bot.notices.worker import Worker
from bot.ports import Outbox
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import EXAMPLE_SCHOOL, Settings, load_school
from bot.storage.database import open_database
from bot.storage.preview import SqlMessageLog
from bot.transports.health import register_health
from bot.transports.web import WebTransport
from bot.transports.web_rooms import Rooms, WebMessenger
from bot.transports.web_turns import Turns
from tests.fakes import FactsReader
from tests.guidance import library
from tests.leaks import search
from tests.small_school import HandClock, person

MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
EVERYBODY: tuple[Person, ...] = tuple(
    replace(each, name=f"{each.name} Z{each.id[::-1]}q")
    for each in (*search.EVERYBODY, person("dee", Role.DPO), person("pat", Role.POLICY_OWNER))
)
"""Each role, with surnames that stand nowhere else."""

SAID = {
    "what": "xylophone",
    "when": "on the day of the marmalade",
    "where": "trombonegram",
    "people": "Zoltan Brandyburn",
    "evidence": "a pelican has it",
    "done": "told the narwhal",
}
ADDED, NOTE, REPLY, ASKED, REASON = "walrus", "quokka", "wombat", "ocelot", "bandicoot"
OUTCOME = "Content removed or reported to the platform"
INTERNAL = {"note": NOTE, "reason": REASON, "outcome": OUTCOME}
_REF = re.compile(r"\b[CDFHJKMNPQRTWXY34679]{2}-[CDFHJKMNPQRTWXY34679]{3}\b")
_DRAFT = re.compile(r"draft:[\w-]+")
_MOST_PAGES = 40
_PATIENT = 600.0
"""Seconds that a notice may take: on a busy machine none is put off to a time that the clock here never reaches."""


def incident(about: About) -> Incident:
    """A type of incident that is offered for such a report."""
    return INCIDENTS.offered(about)[0]


def said() -> dict[str, str]:
    """Every word that was typed into the case."""
    return {**SAID, "added": ADDED, "reply": REPLY, "question": ASKED, **INTERNAL}


@dataclass
class Preview:
    """The running preview with its clock, and a browser."""

    client: TestClient[web.Request, web.Application]
    clock: HandClock
    turns: Turns
    worker: Worker
    watch: Watch
    outbox: Outbox
    ref: str = ""

    async def post(self, kind: str, who: str, **body: object) -> str:
        """Send one event; status and all of what comes back, as people read it."""
        sent = {"as": who, "room": "dm", "event": str(uuid4()), **body}
        async with self.client.post(f"/preview/{kind}", json=sent) as answer:
            text = await answer.text()
        html = json.loads(text).get("html", text) if text.startswith("{") else text
        return f"{answer.status} {unescape(html)}"

    async def get(self, path: str) -> str:
        """Status and text of one address."""
        async with self.client.get(path) as answer:
            return f"{answer.status} {unescape(await answer.text())}"

    async def files(self, who: str, about: About, subject: str | None = None) -> str:
        """Fill the report in, page after page, and send it; its reference."""
        shown = await self.post("open", who, page="form:report")
        found = _DRAFT.search(shown)
        assert found, shown
        for _ in range(_MOST_PAGES):
            last = "check and send" in shown
            values = {"@true": "yes"} if last else _answers(about, subject)
            shown = await self.post("submit", who, page=found[0], action="send" if last else "next", values=values)
            if last and (ref := _REF.search(shown)):
                self.ref = ref[0]
                return ref[0]
        raise AssertionError(shown)

    async def acts(self, who: str, act: str, **values: str) -> None:
        """Do something to the case as a browser does; it must be done."""
        if act == "acknowledge":
            shown = await self.post("submit", who, page=f"case:{self.ref}", action="act:acknowledge", values={})
        else:
            shown = await self.post("submit", who, page=f"case:{self.ref}:{act}", action="send", values=values)
        assert "200" in shown[:3], shown
        assert "isn't available" not in shown, shown
        assert 'class="error"' not in shown, shown
        await self.delivered()

    async def worked_on(self, handler: str, reporter: str) -> None:
        """Everything that handlers and a reporter do, until the case is closed and opened again."""
        await self.acts(handler, "acknowledge")
        await self.acts(handler, "note", words=NOTE)
        await self.acts(handler, "reply", words=REPLY)
        await self.acts(handler, "ask", words=ASKED)
        await self.acts(reporter, "add", words=ADDED)
        await self.acts(handler, "urgency", urgency="high", words=REASON)
        await self.acts(handler, "hold", words=REASON)
        await self.acts(handler, "close", outcome=OUTCOME, words=REASON)
        await self.acts(handler, "reopen", words=REASON)

    async def silence(self) -> None:
        """Nobody takes it, to the last reminder and the word to the reporter."""
        for _ in range(7):
            self.clock.forward(days=1)
            await self.watch.look()
            await self.delivered()
        self.clock.time = MONDAY.replace(day=30)

    async def delivered(self) -> None:
        """Every notice is delivered: what is not found was shown to nobody, not merely late."""
        await self.worker.deliver_due()
        assert not (await self.outbox.backlog()).counts


@asynccontextmanager
async def preview(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Preview]:
    """The preview as `serving.py` joins it, on a database of its own, with a clock that is moved by hand."""
    clock = HandClock()
    clock.time = MONDAY
    monkeypatch.setattr(serving, "SystemClock", lambda: clock)
    settings = Settings(
        school=_school(folder), database_url=f"sqlite+aiosqlite:///{folder / 'leaks.sqlite3'}", var=folder
    )
    database = await open_database(settings.database_url)
    replies = Replies(TemplateWords.load(), library(), load_school(settings.school).contacts)
    parts = serving._parts(settings, database, library(), FactsReader({}), replies, frozenset({Platform.WEB}))
    rooms = Rooms(parts.school.people, SqlMessageLog(database, parts.sealer), clock)
    turns = Turns(parts.handle, rooms, parts.inbox, parts.metrics, Reply("Trouble."))
    app = web.Application()
    WebTransport(rooms, turns, ("May I?",), Reply("Trouble."), "Elm").register(app)
    register_health(app, _always, parts.metrics)
    async with TestClient(TestServer(app)) as client:
        worker = parts.worker(WebMessenger(rooms), _PATIENT)
        yield Preview(client, clock, turns, worker, parts.watch(), parts.outbox)
    await database.close()


async def _always() -> bool:
    return True


def _school(folder: Path) -> Path:
    """The example school's file with these people in it."""
    settings = EXAMPLE_SCHOOL.read_text(encoding="utf-8").split("[[people]]")[0]
    for each in EVERYBODY:
        roles = ", ".join(f'"{role.value}"' for role in sorted(each.roles))
        settings += f'[[people]]\nid = "{each.id}"\nname = "{each.name}"\nroles = [{roles}]\n'
        settings += f'accounts = {{ web = "{each.id}" }}\n\n'
    file = folder / "school.toml"
    file.write_text(settings, encoding="utf-8")
    return file


def _answers(about: About, subject: str | None) -> dict[str, str]:
    kind = incident(about)
    asked = {one.name: one.options[0].value if one.options else SAID["what"] for one in kind.fields(about)}
    told = {"danger": "no", "risk": "no", "image": "no", "about": about, "conflict": "no", "type": kind.name}
    return {**told, "excluded": "", "known": "saw", **SAID, **asked, **({"subject": subject} if subject else {})}
