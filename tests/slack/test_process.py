"""Charter as a school runs it, a process of its own with its settings in the environment, in local-slack."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.settings import EXAMPLE_SCHOOL
from tests.running import Server
from tests.slack.fake_api import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from tests.slack.journeys import SECRET, Stage, report
from tests.slack.local import Mirror, Program
from tests.slack.local_people import Line, LocalPeople
from tests.slack.school import LEADERS, PRIYA, SAM, account, furnish
from tests.slack.workspace import Workspace


def environment(folder: Path, api_url: str, *, socket: bool) -> dict[str, str]:
    """What an installer sets."""
    text = EXAMPLE_SCHOOL.read_text(encoding="utf-8")
    school = folder / "school.toml"
    school.write_text(re.sub(r'web = "(\w+)"', lambda m: f'slack = "{account(m[1])}"', text), encoding="utf-8")
    how = {"SLACK_APP_TOKEN": APP_TOKEN} if socket else {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
    return {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_API_URL": api_url,
        "SLACK_LEADERSHIP_CHANNEL": LEADERS,
        "CHARTER_SCHOOL": str(school),
        "CHARTER_SECRET_KEYS": Fernet.generate_key().decode(),
        **how,
    }


@pytest.fixture(params=[False, True], ids=["http", "socket"])
async def served(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Stage, Server]]:
    """A running Charter, by each way of delivery."""
    furnished = Workspace()
    furnish(furnished)
    program = Program(tmp_path, furnished, socket=request.param)
    server = Server(tmp_path, program.app_port)
    async with AsyncExitStack() as stack:
        stack.enter_context(program.running())
        line = await stack.enter_async_context(Line(program).open())
        mirror = await stack.enter_async_context(Mirror(program, Workspace()).watching())
        for name, value in environment(tmp_path, line.api_url, socket=request.param).items():
            monkeypatch.setenv(name, value)
        stack.callback(server.kill)
        await asyncio.to_thread(server.start)
        yield Stage(LocalPeople(mirror, line), mirror.workspace, _nothing, mirror.until), server
        assert mirror.complaints == []


async def test_a_school_runs_it(served: tuple[Stage, Server]) -> None:
    """A question is answered by the real reader; a report is pointed to, opened, taken, and its reporter told."""
    stage, server = served
    asked = await stage.people.say(PRIYA, "can I accept a friend request from a student?")
    answer = await stage.said(PRIYA, "Not allowed", "Social contact")
    assert answer.thread_ts == asked.ts
    ref = await report(stage)
    (card,) = await stage.until(lambda: stage.channel(LEADERS))
    await stage.people.press(SAM, "Open", card)
    await stage.shows(SAM, ref, SECRET)
    await stage.pressed(SAM, "I'll take this")
    await stage.told(PRIYA, ref, "has been taken")
    await stage.until(lambda: "Sam Carter has it" in card.shown)
    assert stage.channel(LEADERS) == [card]
    assert ref in server.log
    for word in ("Jordan", "Priya", "Sam Carter", BOT_TOKEN):
        assert word not in server.log


async def _nothing() -> None:
    """Another process does its work unasked."""
