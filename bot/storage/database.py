"""The database: one engine, one way to read and one to write, and the schema brought up to date at start."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from sqlalchemy import Connection, Engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import CharterError
from bot.storage.migrations import HEAD
from bot.storage.tables import InstallationRow

_MIGRATIONS = Path(__file__).parent / "migrations"
_PATIENCE = 5
"""Seconds that a writer waits for another, and a start for its database."""
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
_PRAGMAS = (
    f"PRAGMA busy_timeout = {_PATIENCE * 1000}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
)


class WrongInstallation(CharterError):
    """The database was made for something else: a preview never opens a school's cases, nor a school a preview's."""


class WrongSchema(CharterError):
    """The database is of another version than this program, and was not to be changed."""


class Database:
    """A migrated database. It keeps every commit through a power cut and makes writers wait for each other.

    One writer at a time holds for SQLite and PostgreSQL alike, whatever the number of processes: what a writer reads
    stands still until it has written.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        snapshot = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._engine = engine
        self._read = async_sessionmaker(engine.execution_options(**snapshot), expire_on_commit=False)
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


async def open_database(url: str, upgrade: bool = True) -> Database:
    """Connect and bring the schema up to date. The folder of an SQLite file is made where it is missing.

    `url` begins with `sqlite:///` or `postgresql://`; a driver may be named but is chosen here.

    Raises sqlalchemy's errors when the database cannot be reached or migrated; WrongSchema when it would have to be
    and `upgrade` is False.
    """
    engine = _engine(url)
    database = Database(engine)
    try:
        async with engine.begin() as connection:
            current = await connection.run_sync(_version) == HEAD
        if not current and not upgrade:
            raise WrongSchema("the database is of another version than this program")
        if not current:
            async with engine.execution_options(writes=True).begin() as connection:
                await connection.run_sync(_upgrade)
    except BaseException:
        await database.close()
        raise
    return database


def _engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return _postgres(parsed.set(drivername="postgresql+asyncpg"))
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        parsed.set(drivername="sqlite+aiosqlite"), connect_args={"isolation_level": None}, hide_parameters=True
    )
    _prepare_sqlite(engine.sync_engine)
    return engine


def _postgres(url: URL) -> AsyncEngine:
    """Connections are tried before use, so that a server that was restarted is not noticed; writers take their lock."""
    engine = create_async_engine(url, connect_args=_POSTGRES, hide_parameters=True, pool_pre_ping=True)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")

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
