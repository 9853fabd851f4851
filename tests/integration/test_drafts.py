"""Which unfinished form is offered again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.storage.database import open_database
from bot.storage.memory import SqlMemory
from bot.storage.sealing import Sealer
from tests.small_school import TESS, TOM, HandClock

STEP = "@step"


@pytest.fixture
async def memory(tmp_path: Path, clock: HandClock) -> AsyncIterator[SqlMemory]:
    """A memory on a database of its own."""
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'drafts.sqlite3'}")
    yield SqlMemory(database, Sealer([Fernet.generate_key().decode()]), clock)
    await database.close()


async def test_the_newest_draft_that_was_begun_is_found(memory: SqlMemory, clock: HandClock) -> None:
    """Not one of another form, of another person, or one that was opened and never answered."""
    await memory.save_draft("old", TESS, "report", {STEP: "when", "what": "old"})
    clock.forward(minutes=5)
    await memory.save_draft("new", TESS, "report", {STEP: "when", "what": "new"})
    clock.forward(minutes=5)
    await memory.save_draft("untouched", TESS, "report", {"what": "carried in"})
    await memory.save_draft("other", TESS, "declare", {STEP: "who"})
    await memory.save_draft("theirs", TOM, "report", {STEP: "what"})
    found = await memory.latest_draft(TESS, "report", STEP)
    assert found is not None
    assert (found.id, found.values["what"]) == ("new", "new")
    assert found.saved == clock.now() - timedelta(minutes=5)


async def test_a_draft_is_offered_for_a_day_and_not_after_it_was_dropped(memory: SqlMemory, clock: HandClock) -> None:
    """Twenty-four hours from the last save."""
    await memory.save_draft("d", TESS, "report", {STEP: "what"})
    clock.forward(hours=23, minutes=59)
    assert await memory.latest_draft(TESS, "report", STEP) is not None
    await memory.drop_draft("d", TESS)
    assert await memory.latest_draft(TESS, "report", STEP) is None
    await memory.save_draft("e", TESS, "report", {STEP: "what"})
    clock.forward(hours=24)
    assert await memory.latest_draft(TESS, "report", STEP) is None
