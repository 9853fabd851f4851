"""A database of an earlier version is brought up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.storage.audit import verify
from bot.storage.database import open_database
from bot.storage.sealing import Sealer
from tests.databases import Place, Postgres, sqlite_in
from tests.shelf import KEY, Shelf
from tests.small_school import HandClock

CASE = (
    "INSERT INTO cases (id, ref, draft, kind, urgency, state, reporter, opened, version, sealed)"
    " VALUES (1, 'K7-QM3', 'd', 'report', 'normal', 'submitted', 'tess', '2025-03-03 09:00:00', 1, :sealed)"
)
EVENT = "INSERT INTO case_events (case_id, seq, act, person, at) VALUES (1, 1, 'filed', 'tess', '2025-03-03 09:00:00')"


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Place:
    """Where a database of the second version is to be made."""
    if request.param == "postgresql":
        return postgres.fresh(migrated=False)
    (tmp_path / "new").mkdir()
    return sqlite_in(tmp_path)


async def second_version(place: Place, kind: str) -> None:
    """Make it, with a case."""

    def upgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", "bot/storage/migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")

    engine = create_async_engine(place.url)
    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
        await connection.execute(text("INSERT INTO installation (id, kind) VALUES (1, :kind)"), {"kind": kind})
        await connection.execute(text(CASE), {"sealed": b"sealed"})
        await connection.execute(text(EVENT))
    await engine.dispose()


async def test_a_previews_samples_give_way_to_the_chain(old: Place) -> None:
    """Cases from before it cannot be vouched for, and only previews were ever made then; the new database works."""
    await second_version(old, "preview")
    database = await open_database(old.url)
    shelf = Shelf(old, database, HandClock(), Sealer([KEY]))
    assert await shelf.rows("SELECT ref FROM cases") == []
    await shelf.filed()
    assert await verify(database, shelf.sealer) == ()
    await database.close()


async def test_a_schools_cases_are_never_dropped(old: Place) -> None:
    """The upgrade stops, and everything is as it was."""
    await second_version(old, "school")
    with pytest.raises(RuntimeError, match="school"):
        await open_database(old.url)
    assert await old.rows("SELECT ref FROM cases") == [("K7-QM3",)]
    assert await old.rows("SELECT version_num FROM alembic_version") == [("0002",)]
