"""A school in Slack, for every test of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.model import Event, Outcome, Person
from bot.ports import Reader
from bot.storage.database import Database
from tests.slack.fake_api import FakeSlack
from tests.slack.people import People
from tests.slack.school import MANIFEST, SCHOOL, Handle, Office, Shelves, furnish, open_office, settings
from tests.slack.workspace import Message


async def _nothing(_: Event) -> None:
    pass


@dataclass
class Before:
    """What happens before each turn: nothing, unless a test puts something there that waits or fails."""

    happens: Callable[[Event], Awaitable[None]] = _nothing
    events: list[Event] = field(default_factory=list)

    def around(self, handle: Handle) -> Handle:
        """The door with that before it."""

        async def door(event: Event) -> Outcome:
            self.events.append(event)
            await self.happens(event)
            return await handle(event)

        return door


@dataclass
class School:
    """A workspace, the people in it, and Charter at work."""

    slack: FakeSlack
    people: People
    office: Office
    before: Before

    async def settled(self) -> None:
        """Wait until Charter has done everything it has to do."""
        await self.office.delivered()

    def last(self, user: str) -> Message:
        """The newest message that somebody sees."""
        return self.slack.workspace.seen_by(user)[-1]

    def modal(self, user: str) -> str:
        """What the modal on somebody's screen says; nothing when none is open."""
        view = self.slack.workspace.modal(user)
        return view.shown if view else ""


@pytest.fixture(scope="session")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> Shelves:
    """Databases to copy."""
    return Shelves(tmp_path_factory.mktemp("shelves"))


@pytest.fixture
async def database(shelves: Shelves, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of the test's own."""
    async with shelves.database(tmp_path) as found:
        yield found


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """The school's workspace, before Charter is there."""
    async with FakeSlack(MANIFEST).running() as found:
        furnish(found.workspace)
        yield found


@asynccontextmanager
async def open_school(
    slack: FakeSlack,
    database: Database,
    *,
    socket: bool = False,
    reader: Reader | None = None,
    grace: float = 20.0,
    people: Sequence[Person] = SCHOOL.people,
) -> AsyncIterator[School]:
    """Charter at work in a workspace."""
    before, given = Before(), settings(slack.api_url, socket=socket)
    async with open_office(given, database, reader, around=before.around, grace=grace, people=people) as office:
        slack.request_url = "" if socket else office.url
        yield School(slack, People(slack), office, before)
        await office.delivered()


@pytest.fixture
async def school(slack: FakeSlack, database: Database) -> AsyncIterator[School]:
    """Charter at work by signed HTTP. At the end Slack must have had nothing to complain of."""
    async with open_school(slack, database) as found:
        yield found
    assert slack.complaints == []
