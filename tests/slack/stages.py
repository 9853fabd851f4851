"""Charter in this process, put on a stage: in local-slack, or in the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.storage.database import Database
from tests.slack.fake_api import FakeSlack
from tests.slack.journeys import Stage
from tests.slack.local import Mirror, Program
from tests.slack.local_people import Line, LocalPeople
from tests.slack.people import People
from tests.slack.school import (
    MANIFEST,
    Office,
    furnish,
    open_office,
    settings,
)
from tests.slack.workspace import Workspace


@dataclass
class InHouse(Stage):
    """A stage whose Charter is in this process, so that what it stored can be looked at."""

    office: Office


@asynccontextmanager
async def in_local_slack(program: Program, database: Database) -> AsyncIterator[InHouse]:
    """Charter in local-slack."""
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(Line(program).open())
        mirror = await stack.enter_async_context(Mirror(program, Workspace()).watching())
        given = settings(line.api_url, socket=program.socket)
        office = await stack.enter_async_context(open_office(given, database, port=program.app_port))
        yield InHouse(LocalPeople(mirror, line), mirror.workspace, office.delivered, mirror.until, office)
        assert mirror.complaints == []


@asynccontextmanager
async def in_the_fake(database: Database, *, socket: bool) -> AsyncIterator[InHouse]:
    """Charter in the fake."""
    async with FakeSlack(MANIFEST).running() as slack:
        furnish(slack.workspace)
        async with open_office(settings(slack.api_url, socket=socket), database) as office:
            slack.request_url = "" if socket else office.url
            yield InHouse(People(slack), slack.workspace, office.delivered, slack.until, office)
            await office.delivered()
            assert slack.complaints == []
            assert slack.workspace.statuses == {}
