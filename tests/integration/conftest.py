"""What the tests of this folder stand on: databases of either kind, the post and the browser preview."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from bot.ports import CaseStore
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, open_database
from bot.storage.sealing import Sealer
from tests.databases import Place, Postgres, sqlite_in
from tests.integration.post import Post
from tests.integration.preview import MemoryInbox, MemoryLog, Preview, Turn, build
from tests.shelf import KEY, Shelf
from tests.small_school import HandClock, MemoryCaseStore


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A fresh database of either kind."""
    yield from _fresh(request, tmp_path)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def beneath(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place | None]:
    """What a case store stands on: nothing at all, or a fresh database."""
    if request.param == "memory":
        yield None
    else:
        yield from _fresh(request, tmp_path)


@pytest.fixture
async def store(beneath: Place | None) -> AsyncIterator[CaseStore]:
    """The store of the unit tests and the real ones: what holds for one must hold for the others."""
    if beneath is None:
        yield MemoryCaseStore()
        return
    database = await open_database(beneath.url)
    yield SqlCaseStore(database, Sealer([KEY]))
    await database.close()


def _fresh(request: pytest.FixtureRequest, folder: Path) -> Iterator[Place]:
    if request.param == "sqlite":
        yield sqlite_in(folder)
        return
    server: Postgres = request.getfixturevalue("postgres")
    place = server.fresh()
    yield place
    server.drop(place)


@pytest.fixture
async def shelf(place: Place) -> AsyncIterator[Shelf]:
    """Everything on a fresh database."""
    database = await open_database(place.url)
    yield Shelf(place, database, HandClock(), Sealer([KEY]))
    await database.close()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh SQLite database."""
    opened = await open_database(sqlite_in(tmp_path).url)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> HandClock:
    """Time moved by hand."""
    return HandClock()


@pytest.fixture
def post(database: Database, clock: HandClock) -> Post:
    """Everything in order, nothing filed."""
    return Post(database, clock)


@pytest.fixture
async def preview() -> AsyncIterator[Preview]:
    """A preview served on a free port of this computer."""
    turn, log, inbox = Turn(), MemoryLog(), MemoryInbox()
    app, rooms, turns = build(turn, log, inbox, patience=0.3)
    async with TestClient(TestServer(app)) as client:
        yield Preview(client, turn, log, inbox, rooms, turns)
