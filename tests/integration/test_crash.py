"""Killed at any moment, Charter loses nothing that it said was stored and shows nothing twice."""

import asyncio
import multiprocessing
import random
import sqlite3
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.cases.model import CaseView
from bot.storage.database import open_database
from tests.integration.crash_child import Rig, run, url
from tests.small_school import TESS

KILLS = 15

WHOLE = """
    SELECT state, version,
        (SELECT group_concat(act, ' ') FROM (SELECT act FROM case_events WHERE case_id = cases.id ORDER BY seq)),
        (SELECT group_concat(kind, ' ') FROM (SELECT kind FROM notices WHERE ref = cases.ref ORDER BY seq)),
        (SELECT count(*) FROM case_content WHERE case_id = cases.id),
        (SELECT count(*) FROM case_handlers WHERE case_id = cases.id)
    FROM cases
"""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", run.__module__])
"""Each child is a process of its own; only the imports are shared, for speed."""


@dataclass
class Aftermath:
    """What the killed processes said, and what stands on disk after a last start has delivered the rest."""

    database: Path
    box: Path
    key: str
    said: dict[str, dict[str, str]] = field(
        default_factory=lambda: {"saved": {}, "filed": {}, "taken": {}, "replied": {}}
    )

    def kill_one(self, number: int) -> None:
        """Run a child and kill it: by turns just after it has stored a case, and at a random moment."""
        ear, mouth = PROCESSES.Pipe(duplex=False)
        child = PROCESSES.Process(target=run, args=(mouth, self.database, self.box, self.key, f"r{number}"))
        child.start()
        mouth.close()
        self._listen(ear, "filed" if number % 2 else "ready")
        time.sleep(0 if number % 2 else random.uniform(0, 0.25))
        child.kill()
        self._listen(ear)
        child.join()

    def _listen(self, ear: Connection, until: str = "") -> None:
        """Hear the child out, or until it has said a word."""
        heard = ""
        with suppress(EOFError):
            while heard != until or not until:
                heard, draft, ref = ear.recv_bytes().decode().split(",")
                if heard in self.said:
                    self.said[heard][draft] = ref

    def rows(self, query: str) -> list[tuple[str | int, ...]]:
        """What stands in the file."""
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def shown(self) -> dict[str, str]:
        """Every message that people saw, by key."""
        return {file.name: file.read_text() for file in (self.box / "shown").iterdir()}

    async def last_start(self) -> None:
        """Start once more and deliver until nothing is left."""
        database = await open_database(url(self.database))
        rig = Rig(database, self.box, self.key)
        async with asyncio.timeout(30):
            while await rig.outbox.next_due() is not None:
                await rig.worker.deliver_due()
                await asyncio.sleep(0.02)
        await database.close()

    async def read(self, refs: list[str]) -> dict[str, CaseView]:
        """The cases as their reporter sees them."""
        database = await open_database(url(self.database))
        desk = Rig(database, self.box, self.key).desk
        views = {ref: await desk.open(ref, TESS) for ref in refs}
        await database.close()
        return {ref: view for ref, view in views.items() if isinstance(view, CaseView)}


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """Fifteen kills and a last start."""
    folder = tmp_path_factory.mktemp("crash")
    found = Aftermath(folder / "charter.sqlite3", folder / "box", Fernet.generate_key().decode())
    for number in range(KILLS):
        found.kill_one(number)
    asyncio.run(found.last_start())
    return found


def test_the_file_is_sound(aftermath: Aftermath) -> None:
    """SQLite finds no fault in it."""
    assert aftermath.rows("PRAGMA integrity_check") == [("ok",)]
    assert aftermath.rows("PRAGMA foreign_key_check") == []


def test_everything_that_was_said_to_be_stored_is_there(aftermath: Aftermath) -> None:
    """Every receipt given out, taking and reply stands in its case, word for word."""
    assert len(aftermath.said["filed"]) >= KILLS // 2
    views = asyncio.run(aftermath.read(list(aftermath.said["filed"].values())))
    for draft, ref in aftermath.said["filed"].items():
        assert views[ref].answers == {"What happened?": f"words of {draft}"}
        told = [entry.what for entry in views[ref].story]
        assert "acknowledged" in told or draft not in aftermath.said["taken"]
        assert "replied" in told or draft not in aftermath.said["replied"]


def test_no_case_is_half_written(aftermath: Aftermath) -> None:
    """Each has its handlers, its whole story with content, and the state and notices that go with the story."""
    assert set(aftermath.rows(WHOLE)) <= {
        ("submitted", 1, "filed", "pointer", 1, 3),
        ("acknowledged", 2, "filed acknowledged", "pointer acknowledged", 2, 3),
        ("in_progress", 3, "filed acknowledged replied", "pointer acknowledged replied", 3, 3),
    }


def test_every_notice_was_shown_exactly_once(aftermath: Aftermath) -> None:
    """Each key once, for the right case at the right place; some were tried twice, so that kills fell between."""
    written = aftermath.rows("SELECT id, destination || ' ' || kind || ' ' || ref FROM notices")
    assert sorted(aftermath.shown().items()) == sorted(written)
    assert aftermath.rows("SELECT id FROM notices WHERE NOT finished OR sent_at IS NULL") == []
    tries = Counter((aftermath.box / "tried").read_text().split())
    assert max(tries.values()) > 1


def test_a_draft_is_either_there_or_filed(aftermath: Aftermath) -> None:
    """Filing and the draft's removal happen together."""
    drafts = {id for (id,) in aftermath.rows("SELECT id FROM drafts")}
    filed = {id for (id,) in aftermath.rows("SELECT draft FROM cases")}
    assert set(aftermath.said["saved"]) <= drafts | filed
    assert not drafts & filed
