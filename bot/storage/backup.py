"""Backup and restore. A backup of either database is one SQLite file with Charter's own schema.

So there is one way for both, a backup can be opened, audited and read like any other Charter database, and restoring it
elsewhere is how a school moves from SQLite to PostgreSQL or back. What is sealed stays sealed: keep the keys apart.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Table, exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.errors import CharterError
from bot.storage.database import Database, open_database
from bot.storage.tables import Base

_BATCH = 1000


class Occupied(CharterError):
    """Where a backup or a restored database was to go, there is something already. Nothing is written over."""


class NoBackup(CharterError):
    """There is no such file."""


async def backup(url: str, target: Path) -> int:
    """Copy the database as it stands at one moment into a new file; how many rows it has. Charter may serve meanwhile.

    The file is there only when it is whole, and only its owner can read it. Raises Occupied, and WrongSchema when the
    database is of another version than this program.
    """
    with _whole(target) as part:
        source = await open_database(url, upgrade=False)
        try:
            copy = await open_database(f"sqlite:///{part}")
            try:
                return await _copy(source, copy)
            finally:
                await copy.close()
        finally:
            await source.close()


async def restore(source: Path, url: str) -> int:
    """Fill a new or empty database from a backup, all of it or nothing; how many rows it has.

    Backups of older versions are brought up to date on the way; the file itself is not touched. Raises NoBackup and
    Occupied.
    """
    with _own_copy(source) as part:
        kept = await open_database(f"sqlite:///{part}")
        try:
            target = await open_database(url)
            try:
                return await _copy(kept, target)
            finally:
                await target.close()
        finally:
            await kept.close()


async def _copy(source: Database, target: Database) -> int:
    """Every row of every table, from one view of the source, in one transaction of the target."""
    async with source.reading() as there, target.writing() as here:
        for table in Base.metadata.sorted_tables:
            if await here.scalar(select(exists(select(table)))):
                raise Occupied(f"the database already has {table.name}; restore into an empty one")
        return sum([await _copy_table(there, here, table) for table in Base.metadata.sorted_tables])


async def _copy_table(there: AsyncSession, here: AsyncSession, table: Table) -> int:
    count, writing = 0, await here.connection()
    rows = await there.stream(select(table).order_by(*table.primary_key.columns))
    async for batch in rows.mappings().partitions(_BATCH):
        await writing.execute(insert(table), [dict(row) for row in batch])
        count += len(batch)
    await _count_on(here, table)
    return count


async def _count_on(here: AsyncSession, table: Table) -> None:
    """Let PostgreSQL number new rows after the copied ones, as SQLite does by itself."""
    counted = table.autoincrement_column
    if counted is None or here.get_bind().dialect.name != "postgresql":
        return
    last = await here.scalar(select(func.max(counted)))
    if last:
        sequence = func.pg_get_serial_sequence(table.name, counted.name)
        await here.execute(select(func.setval(sequence, last)))


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """A file beside the target that becomes it when all went well."""
    if target.exists():
        raise Occupied(f"{target} exists already")
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        yield part
        part.rename(target)
    finally:
        for left in target.parent.glob(f"{part.name}*"):
            left.unlink()


@contextmanager
def _own_copy(source: Path) -> Iterator[Path]:
    if not source.is_file():
        raise NoBackup(f"{source} is not there")
    with TemporaryDirectory() as folder:
        yield Path(shutil.copy(source, Path(folder) / "backup.sqlite3"))
