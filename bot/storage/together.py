"""Small pieces of work that wait at the same moment share one transaction: a commit costs the same for one as for many.

SQLite is worked from threads with its own driver, PostgreSQL from the event loop; both carry out the same pieces.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncEngine

MOST = 256
"""Pieces in one transaction: so that the first of a rush need not wait for the last."""
HANDED_OVER = 0.0005
"""Seconds after which a computing thread lets another go on. Python's own five milliseconds are more than a commit takes."""
SOON = 0.005
"""Seconds that work without hurry waits for other work. At fifty messages a second it is done before the next one comes."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Piece:
    """What is to be done with a connection, and whom to tell."""

    work: Callable[[Connection], object]
    told: asyncio.Future[object]


class _PieceFailed(Exception):
    """A piece raised its cause; nothing of its transaction stands."""

    def __init__(self, piece: Piece) -> None:
        super().__init__()
        self.piece = piece


class Worker(Protocol):
    """Carries out pieces in one transaction. Raises the piece that failed, or whatever hinders them all."""

    async def carry_out(self, pieces: Sequence[Piece]) -> Sequence[object]:
        """What each piece gave, once all of it is committed."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class Together:
    """Carries out pieces in the order in which they came, those that wait together in one transaction.

    A piece that fails is taken out and the others are carried out again without it, so a piece must do nothing but work
    with its connection. One whose caller has given up is left out.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._waiting: list[Piece] = []
        self._running: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None

    async def do(self, work: Callable[[Connection], _Result]) -> _Result:
        """What the work gives, once it is committed. Raises what the work raises, and the database's errors."""
        return cast("_Result", await self.begun(work, hurry=True))

    def begun(self, work: Callable[[Connection], object], hurry: bool) -> asyncio.Future[object]:
        """The same without waiting: it is in its place behind all that came before when this returns.

        Work without hurry goes with the next that has, or soon by itself.
        """
        loop = asyncio.get_running_loop()
        piece = Piece(work, loop.create_future())
        self._waiting.append(piece)
        if hurry:
            self._start()
        elif self._later is None:
            self._later = loop.call_later(SOON, self._start)
        return piece.told

    async def close(self) -> None:
        """Carry out what is still waiting, and end."""
        self._start()
        if self._running is not None and not self._running.done():
            await asyncio.wait({self._running})
        self._worker.close()

    def _start(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._waiting and (self._running is None or self._running.done()):
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            while group:
                group = await self._carry_out(group)

    async def _carry_out(self, group: list[Piece]) -> list[Piece]:
        """Tell each what came of it; those are left that have to be carried out again."""
        try:
            results = await self._worker.carry_out(group)
        except _PieceFailed as failed:
            _tell_error([failed.piece], failed.__cause__ or failed)
            return [piece for piece in group if piece is not failed.piece]
        except Exception as error:
            _tell_error(group, error)
        else:
            for piece, result in zip(group, results, strict=True):
                if not piece.told.done():
                    piece.told.set_result(result)
        return []


class InThread:
    """A `Worker` with a thread of its own. `begin` is the statement that begins its transactions."""

    def __init__(self, engine: Engine, begin: str) -> None:
        self._engine = engine
        self._begin = begin
        self._thread = ThreadPoolExecutor(1, "database")
        sys.setswitchinterval(HANDED_OVER)

    async def carry_out(self, pieces: Sequence[Piece]) -> Sequence[object]:
        """As the protocol says."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transaction, pieces)

    def close(self) -> None:
        """End the thread and its connection."""
        self._thread.shutdown()
        self._engine.dispose()

    def _transaction(self, pieces: Sequence[Piece]) -> Sequence[object]:
        with self._engine.connect() as connection:
            connection.exec_driver_sql(self._begin)
            results = _all(connection, pieces)
            connection.commit()
        return results


class InLoop:
    """A `Worker` with a driver that waits in the event loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def carry_out(self, pieces: Sequence[Piece]) -> Sequence[object]:
        """As the protocol says."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(_all, pieces)

    def close(self) -> None:
        """Nothing is held between transactions."""


def _all(connection: Connection, pieces: Sequence[Piece]) -> Sequence[object]:
    return [_one(connection, piece) for piece in pieces]


def _one(connection: Connection, piece: Piece) -> object:
    if piece.told.cancelled():
        return None
    try:
        return piece.work(connection)
    except Exception as error:
        raise _PieceFailed(piece) from error


def _tell_error(pieces: Sequence[Piece], error: BaseException) -> None:
    for piece in pieces:
        if not piece.told.done():
            piece.told.set_exception(error)
