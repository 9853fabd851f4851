"""A backup is whole or not there, restores into either database, and writes over nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from bot.cases.model import CaseView
from bot.storage.audit import verify
from bot.storage.backup import NoBackup, Occupied, backup, restore
from bot.storage.database import WrongSchema, open_database
from bot.storage.tables import Base
from tests.databases import Place, Postgres, sqlite_in
from tests.shelf import Shelf
from tests.small_school import SAM, TESS, filing

SECRET = "xylophone"


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> Place:
    """Another database, made for nothing yet."""
    return sqlite_in(tmp_path / "elsewhere") if request.param == "sqlite" else postgres.fresh(migrated=False)


def lying_in(folder: Path) -> list[Path]:
    """The files there."""
    return list(folder.iterdir())


async def contents(place: Place) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, as Charter reads them."""
    database = await open_database(place.url)
    async with database.reading() as tx:
        tables = Base.metadata.sorted_tables
        found = {each.name: sorted(map(tuple, await tx.execute(each.select())), key=repr) for each in tables}
    await database.close()
    return found


async def test_a_backup_brings_everything_back(shelf: Shelf, tmp_path: Path, elsewhere: Place) -> None:
    """From either database into either: every row, the chain unbroken, and work goes on."""
    await shelf.database.stamp("school")
    ref = await shelf.filed(filing(answers={"What?": SECRET}))
    await shelf.desk.acknowledge(ref, SAM)
    await shelf.memory.save_draft("d", TESS, "report", {"a": "1"})
    file = tmp_path / "charter.backup"
    assert await backup(shelf.place.url, file) == await restore(file, elsewhere.url)
    assert await contents(elsewhere) == await contents(shelf.place)
    database = await open_database(elsewhere.url)
    there = Shelf(elsewhere, database, shelf.clock, shelf.sealer)
    assert isinstance(await there.desk.reply(ref, SAM, "on we go"), CaseView)
    assert await there.filed() != ref
    assert await there.inbox.accept("e", "payload")
    assert await verify(database, shelf.sealer) == ()
    with pytest.raises(IntegrityError, match="append-only"):
        async with database.writing() as tx:
            await tx.execute(text("DELETE FROM case_events"))
    await database.close()


async def test_a_backup_is_one_closed_file(shelf: Shelf, tmp_path: Path) -> None:
    """Nothing lies beside it, only its owner may read it, and no word stands in it in the clear."""
    await shelf.filed(filing(answers={"What?": SECRET}))
    file = tmp_path / "backups" / "charter.backup"
    file.parent.mkdir()
    await backup(shelf.place.url, file)
    assert lying_in(file.parent) == [file]
    assert file.stat().st_mode & 0o777 == 0o600
    assert SECRET.encode() not in file.read_bytes()


async def test_a_backup_taken_while_people_work_is_of_one_moment(shelf: Shelf, tmp_path: Path) -> None:
    """The audit finds nothing in it, though cases were filed all the while."""
    for _ in range(20):
        await shelf.filed()

    async def work() -> None:
        for _ in range(20):
            await shelf.desk.acknowledge(await shelf.filed(), SAM)

    file = tmp_path / "charter.backup"
    await asyncio.gather(work(), backup(shelf.place.url, file))
    copy = await open_database(f"sqlite:///{file}")
    assert await verify(copy, shelf.sealer) == ()
    await copy.close()


async def test_nothing_is_written_over(shelf: Shelf, tmp_path: Path) -> None:
    """Neither a file by a backup, nor a database that has anything by a restore."""
    file = tmp_path / "charter.backup"
    ref = await shelf.filed()
    await backup(shelf.place.url, file)
    before = file.read_bytes()
    with pytest.raises(Occupied):
        await backup(shelf.place.url, file)
    with pytest.raises(Occupied):
        await restore(file, shelf.place.url)
    assert file.read_bytes() == before
    assert isinstance(await shelf.desk.open(ref, SAM), CaseView)


async def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A database of another version is not touched, and there is no half file."""
    other = sqlite_in(tmp_path)
    (tmp_path / "new").mkdir()
    target = tmp_path / "backups" / "charter.backup"
    target.parent.mkdir()
    with pytest.raises(WrongSchema):
        await backup(other.url, target)
    assert lying_in(target.parent) == []


async def test_a_backup_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    """A wrong path is said, and no database is made."""
    with pytest.raises(NoBackup):
        await restore(tmp_path / "nowhere", sqlite_in(tmp_path).url)
    assert lying_in(tmp_path) == []
