"""The database: how it is read and written, and its schema, brought up to date at start."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import Connection, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import CharterError
from bot.storage.migrations import HEAD
from bot.storage.tables import InstallationRow
from bot.storage.together import InLoop, InThread, Together

_log = structlog.get_logger()

_MIGRATIONS = Path(__file__).parent / "migrations"
_PATIENCE = 5
"""Seconds that a writer waits for another, and a start for its database."""
_AGAIN = 0.02
"""Seconds until a setting that was not to be had is tried again."""
_KIND = 0xFF
"""Of SQLite's error codes the part that says which kind it is."""
_LOCK = 0x43_48_41_52
"""PostgreSQL's advisory lock that stands for SQLite's one writer."""
_POSTGRES = {
    "timeout": _PATIENCE,
    "command_timeout": 60,
    "server_settings": {
        "application_name": "charter",
        "lock_timeout": f"{_PATIENCE}s",
        "idle_in_transaction_session_timeout": "30s",
    },
}
_CHECKPOINT = 8000
"""Pages in SQLite's log before it is written back. What commits just then waits for it: less than one answer in a hundred."""
_ONE_VIEW = "REPEATABLE READ"
"""So that PostgreSQL too shows a reader the data as it stood at one moment."""
_READ, _WRITE = "BEGIN", "BEGIN IMMEDIATE"
"""SQLite's transactions are begun by hand: a writer must take its lock before it reads, or it may not get it."""
_WRITES: dict[str, bool] = {"writes": True}
_PRAGMAS = (
    f"PRAGMA busy_timeout = {_PATIENCE * 1000}",
    "PRAGMA journal_mode = WAL",
    f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
)

_Result = TypeVar("_Result")


class WrongInstallation(CharterError):
    """The database was made for something else: a preview never opens a school's cases, nor a school a preview's."""


class WrongSchema(CharterError):
    """The database is of another version than this program, and was not to be changed."""


class Database:
    """A migrated database. It keeps every commit through a power cut and makes writers wait for each other.

    One writer at a time holds for SQLite and PostgreSQL alike, whatever the number of processes: what a writer reads
    stands still until it has written. Work comes in small pieces, which share a transaction with those that wait at the same
    moment; what takes long has a session of its own.
    """

    def __init__(
        self, engine: AsyncEngine, view: AsyncEngine, reads: Together, lists: Together, writes: Together
    ) -> None:
        self._engine = engine
        self._reads = reads
        self._lists = lists
        self._writes = writes
        self._reading = async_sessionmaker(view, expire_on_commit=False)
        self._writing = async_sessionmaker(engine.execution_options(**_WRITES), expire_on_commit=False)

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One consistent view of the data."""
        return self._reading.begin()

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction: all of it is stored at the end, or none."""
        return self._writing.begin()

    async def read(self, work: Callable[[Connection], _Result], lists: bool = False) -> _Result:
        """What a small piece of reading finds; it shares its transaction with others that wait.

        What `lists` many rows is read beside the rest, so that no message waits for it.
        """
        return await (self._lists if lists else self._reads).do(work)

    async def write(self, work: Callable[[Connection], _Result]) -> _Result:
        """What a small piece of writing gives, once it is committed; it shares its transaction with others that wait.

        All of the piece is stored or none, whatever becomes of the others. It may be carried out more than once before it
        is, so it must do nothing but work with its connection. A caller that gives up may find it done all the same.
        """
        return await self._writes.do(work)

    def write_soon(self, work: Callable[[Connection], object], unless: str) -> asyncio.Future[object]:
        """Write a small piece for which nobody waits, after all that was written before.

        When it cannot be written, `unless` is logged with the kind of the error.
        """
        told = self._writes.begun(work, hurry=False)
        told.add_done_callback(lambda done: _log_failure(unless, done))
        return told

    async def ping(self) -> None:
        """Raise when the database cannot be read."""
        async with self.reading() as tx:
            await tx.execute(select(1))

    async def stamp(self, kind: str) -> None:
        """Make sure that this database is for `kind` (`preview` or `school`); a fresh one becomes so.

        Raises WrongInstallation when it was made for another.
        """
        async with self.writing() as tx:
            found = (await tx.execute(select(InstallationRow.kind))).scalar_one_or_none()
            if found is None:
                tx.add(InstallationRow(id=1, kind=kind))
            elif found != kind:
                raise WrongInstallation(f"this database was made for {found!r} and is not opened for {kind!r}")

    async def close(self) -> None:
        """Carry out what is still waiting, and let go of every connection."""
        await self._writes.close()
        await self._reads.close()
        await self._lists.close()
        await self._engine.dispose()


def _log_failure(event: str, told: asyncio.Future[object]) -> None:
    if not told.cancelled() and (error := told.exception()):
        _log.error(event, error=type(error).__name__)


def with_objects(work: Callable[[Session], _Result]) -> Callable[[Connection], _Result]:
    """A small piece of work that is done with objects. What it adds or changes is in the transaction when it ends."""

    def piece(connection: Connection) -> _Result:
        with Session(connection) as session:
            result = work(session)
            session.flush()
        return result

    return piece


async def open_database(url: str, upgrade: bool = True) -> Database:
    """Connect and bring the schema up to date. The folder of an SQLite file is made where it is missing.

    `url` begins with `sqlite:///` or `postgresql://`; a driver may be named but is chosen here.

    Raises sqlalchemy's errors when the database cannot be reached or migrated; WrongSchema when it would have to be
    and `upgrade` is False.
    """
    parsed = make_url(url)
    database = _postgres(parsed) if parsed.get_backend_name() == "postgresql" else _sqlite(parsed)
    try:
        if await database.read(_version) != HEAD:
            if not upgrade:
                raise WrongSchema("the database is of another version than this program")
            await database.write(_upgrade)
    except BaseException:
        await database.close()
        raise
    return database


def _sqlite(url: URL) -> Database:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    beside = create_engine(url.set(drivername="sqlite"), connect_args={"isolation_level": None}, hide_parameters=True)
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"), connect_args={"isolation_level": None}, hide_parameters=True
    )
    for each in (beside, engine.sync_engine):
        event.listen(each, "connect", _set_pragmas)
    event.listen(engine.sync_engine, "begin", _begin)
    reads, lists = Together(InThread(beside, _READ)), Together(InThread(beside, _READ))
    return Database(engine, engine, reads, lists, Together(InThread(beside, _WRITE)))


def _postgres(url: URL) -> Database:
    """Connections are tried before use, so that a server that was restarted is not noticed; writers take their lock."""
    url = url.set(drivername="postgresql+asyncpg")
    engine = create_async_engine(url, connect_args=_POSTGRES, hide_parameters=True, pool_pre_ping=True)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")

    view = engine.execution_options(isolation_level=_ONE_VIEW)
    reads, lists = Together(InLoop(view)), Together(InLoop(view))
    return Database(engine, view, reads, lists, Together(InLoop(engine.execution_options(**_WRITES))))


def _set_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        _insist(cursor, pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(_WRITE if connection.get_execution_options().get("writes", False) else _READ)


def _insist(cursor: DBAPICursor, pragma: str) -> None:
    """Set it, as soon as nobody else does: SQLite does not wait by itself while another start turns its log on."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        try:
            cursor.execute(pragma)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _KIND != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(_AGAIN)
        else:
            return


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return version


def _upgrade(connection: Connection) -> None:
    # Alembic is slow to import and only a stale schema needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
