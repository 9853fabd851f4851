"""The database: one engine, one way to read and one to write, and the schema brought up to date at start."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from sqlalchemy import Connection, Engine, event, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import CharterError
from bot.storage.migrations import HEAD
from bot.storage.tables import InstallationRow

_MIGRATIONS = Path(__file__).parent / "migrations"
_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
)


class WrongInstallation(CharterError):
    """The database was made for something else: a preview never opens a school's cases, nor a school a preview's."""


class Database:
    """A migrated database. SQLite keeps every commit through a power cut and makes writers wait for each other."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._read = async_sessionmaker(engine, expire_on_commit=False)
        self._write = async_sessionmaker(engine.execution_options(writes=True), expire_on_commit=False)

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One consistent view of the data."""
        return self._read.begin()

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """One transaction: all of it is stored at the end, or none."""
        return self._write.begin()

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
        """Let go of every connection."""
        await self._engine.dispose()


async def open_database(url: str) -> Database:
    """Connect and bring the schema up to date. The folder of an SQLite file is made where it is missing.

    Raises sqlalchemy's errors when the database cannot be reached or migrated.
    """
    engine = _engine(url)
    database = Database(engine)
    try:
        async with engine.begin() as connection:
            current = await connection.run_sync(_version) == HEAD
        if not current:
            async with engine.execution_options(writes=True).begin() as connection:
                await connection.run_sync(_upgrade)
    except BaseException:
        await database.close()
        raise
    return database


def _engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_async_engine(parsed, hide_parameters=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(parsed, connect_args={"isolation_level": None}, hide_parameters=True)
    _prepare_sqlite(engine.sync_engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    """Pragmas on each connection, and BEGIN by hand: a writer must take its lock before it reads, or it may not get it."""

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


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
