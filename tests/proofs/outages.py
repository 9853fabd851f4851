"""The database goes away, and the platform refuses: nothing is lost, and nobody is told what is not so."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from bot.model import Delivery, Destination, Later, Reply, Sent
from bot.notices.compose import Composer
from bot.notices.worker import Worker
from bot.render.words import TemplateWords
from bot.storage.audit import verify
from bot.storage.database import open_database
from bot.storage.sealing import Sealer
from tests.databases import Place, Postgres, sqlite_in
from tests.proofs.child import Rig
from tests.shelf import KEY, Shelf
from tests.small_school import SAM, TESS, HandClock, filing


@contextmanager
def stopped(place: Place, postgres: Postgres) -> Iterator[None]:
    """PostgreSQL is shut down; a file of SQLite's is held by another program, so that nothing can be written."""
    if "postgresql" in place.url:
        postgres.stop()
        yield
        postgres.start()
        return
    holder = sqlite3.connect(str(make_url(place.url).database), isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    yield
    holder.execute("ROLLBACK")
    holder.close()


class Stubborn:
    """Files one draft after another, for as long as it takes; each either has a receipt or was told that it failed."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.receipts: dict[str, str] = {}
        self.failed: list[str] = []
        self._numbers = count()

    async def file(self, draft: str) -> None:
        """Try once."""
        try:
            self.receipts[draft] = await self.rig.do("filed", draft, "")
        except Exception:
            self.failed.append(draft)

    async def work(self, seconds: float) -> None:
        """Try new ones for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await self.file(f"draft-{next(self._numbers)}")
            await asyncio.sleep(0.05)


class AfterOutages:
    """`SECONDS` is how long the database is away."""

    SECONDS: float

    @pytest.fixture(params=["sqlite", "postgresql"])
    def place(self, request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Place:
        """A fresh database of either kind."""
        return sqlite_in(tmp_path) if request.param == "sqlite" else postgres.fresh()

    async def test_a_database_that_was_away_lost_nothing(
        self, place: Place, postgres: Postgres, tmp_path: Path
    ) -> None:
        """Who got a receipt has a case; who was told of a failure files the same draft again, once; all are notified."""
        key = Fernet.generate_key().decode()
        database = await open_database(place.url)
        rig = Rig(database, tmp_path / "box", key)
        async with _running(rig.worker):
            person = Stubborn(rig)
            await person.work(0.5)
            before = len(person.receipts)
            with stopped(place, postgres):
                await person.work(self.SECONDS)
            await person.work(1)
            again, person.failed = person.failed, []
            for draft in again:
                await person.file(draft)
            assert person.failed == []
            async with asyncio.timeout(60):
                while await rig.outbox.next_due() is not None:
                    rig.wake.set()
                    await asyncio.sleep(0.1)
        stored = dict(await place.rows("SELECT draft, ref FROM cases"))
        assert stored == person.receipts
        assert len(stored) > before > 0
        assert await verify(database, Sealer([key])) == ()
        await database.close()
        print(f"\n{make_url(place.url).get_backend_name()}: {self.SECONDS} s away, {len(again)} told that it failed")
        self.check_told(again)

    def check_told(self, failed: list[str]) -> None:
        """What must hold of those who were told of a failure."""

    async def test_a_platform_that_refuses_for_ten_minutes_gets_everything_afterwards(self, place: Place) -> None:
        """In order, each once, none marked as a repeat, for none was shown. The minutes pass on a clock moved by hand."""
        database = await open_database(place.url)
        shelf = Shelf(place, database, HandClock(), Sealer([KEY]))
        platform = Platform()
        compose = Composer(shelf.desk, TemplateWords.load(), shelf.clock).compose
        worker = Worker(shelf.outbox, platform, compose, shelf.clock)
        platform.refuses = True
        for _ in range(20):
            await shelf.desk.acknowledge(await shelf.filed(filing(reporter=TESS)), SAM)
            await worker.deliver_due()
            shelf.clock.forward(seconds=30)
        assert platform.shown == {}
        platform.refuses = False
        while due := await shelf.outbox.next_due():
            shelf.clock.time = max(due, shelf.clock.time)
            await worker.deliver_due()
        written: defaultdict[str, list[object]] = defaultdict(list)
        for destination, id in await place.rows("SELECT destination, id FROM notices ORDER BY seq"):
            written[str(destination)].append(id)
        assert platform.shown == written
        assert min(map(len, written.values())) == 20
        assert not platform.repeats
        assert await place.rows("SELECT id FROM notices WHERE sent_at IS NULL") == []
        assert max(platform.tries.values()) < 15
        await database.close()


class Platform:
    """A messenger that can refuse everything."""

    def __init__(self) -> None:
        self.refuses = self.repeats = False
        self.shown: dict[str, list[object]] = {}
        self.tries: defaultdict[str, int] = defaultdict(int)

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Show it, unless it refuses."""
        self.tries[key] += 1
        if self.refuses:
            return Later(5)
        self.repeats |= TemplateWords.load().say("notice_repeat") in reply.body
        self.shown.setdefault(destination.name, []).append(key)
        return Sent(key)

    async def update(self, ref: str, reply: Reply) -> Delivery:  # noqa: ARG002
        """Nothing new is shown: the message stands where it stood."""
        return Sent(ref)


@asynccontextmanager
async def _running(worker: Worker) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
