"""Small pieces of work share a transaction, and none of them notices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, Engine, event, insert
from sqlalchemy.exc import IntegrityError

from bot.model import ConversationState, Platform, Room
from bot.storage.database import open_database
from bot.storage.inbox import SqlInbox
from bot.storage.tables import InboxRow, InstallationRow, table_of
from bot.storage.together import MOST, SOON, Piece, Together
from tests.shelf import Shelf
from tests.small_school import TESS

DM = Room(Platform.WEB, "dm:tess")
EVENTS = "SELECT event_id FROM inbox ORDER BY event_id"


async def test_what_waits_together_is_committed_together(shelf: Shelf) -> None:
    """Fifty events at once cost a few commits, and each is new."""
    commits: list[Connection] = []
    count = commits.append
    event.listen(Engine, "commit", count)
    try:
        assert all(await asyncio.gather(*(shelf.inbox.accept(f"e{n:02}", "{}") for n in range(50))))
    finally:
        event.remove(Engine, "commit", count)
    assert 1 <= len(commits) <= 3
    assert await shelf.rows(EVENTS) == [(f"e{n:02}",) for n in range(50)]


async def test_what_is_acknowledged_is_stored(shelf: Shelf) -> None:
    """When a caller is told, somebody else can read it."""

    async def one(name: str) -> bool:
        await shelf.inbox.accept(name, "{}")
        return (name,) in await shelf.rows(EVENTS)

    assert await asyncio.gather(*(one(f"e{n}") for n in range(8))) == [True] * 8


async def test_a_piece_that_fails_fails_alone(shelf: Shelf) -> None:
    """Before, between and after others: its caller gets its error, nothing of it stands, and they are stored."""

    def half(tx: Connection) -> None:
        tx.execute(insert(table_of(InboxRow)), {"event_id": "half", "received_at": shelf.clock.now()})
        raise LookupError("half way")

    def wrong(tx: Connection) -> None:
        tx.execute(insert(table_of(InstallationRow)), {"id": 2, "kind": "another"})

    told = await asyncio.gather(
        shelf.database.write(half),
        shelf.inbox.accept("e1", "{}"),
        shelf.database.write(wrong),
        shelf.memory.remember(TESS, DM, ConversationState(turns=("kept",))),
        shelf.inbox.accept("e2", "{}"),
        shelf.database.write(half),
        return_exceptions=True,
    )
    assert [type(each) for each in told] == [LookupError, bool, IntegrityError, type(None), bool, LookupError]
    assert await shelf.rows(EVENTS) == [("e1",), ("e2",)]
    assert (await shelf.memory.recall(TESS, DM)).turns == ("kept",)


async def test_a_repeat_is_known_in_its_own_group_and_in_another_process(shelf: Shelf) -> None:
    """The same event many times at once, from two processes: one of all takes it."""
    other = await open_database(shelf.place.url)
    second = SqlInbox(other, shelf.sealer, shelf.clock)
    taken = await asyncio.gather(*(inbox.accept("e1", "{}") for inbox in (shelf.inbox, second) * 10))
    await other.close()
    assert sum(taken) == 1
    assert await shelf.rows(EVENTS) == [("e1",)]


async def test_what_nobody_waits_for_any_more_is_left_out(shelf: Shelf) -> None:
    """An event that could not be stored in time is new when it is sent again, and is not taken for a repeat."""
    async with shelf.database.writing() as tx:
        await tx.execute(insert(InboxRow), {"event_id": "slow", "received_at": shelf.clock.now()})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await shelf.inbox.accept("e1", "{}")
    assert await shelf.inbox.accept("e1", "{}")


async def test_what_has_no_hurry_is_not_waited_for_and_stored_all_the_same(shelf: Shelf) -> None:
    """A handled event loses its payload soon, with no other work to go with; a busy database holds nobody up."""
    await shelf.inbox.accept("e1", "{}")
    async with shelf.database.writing(), asyncio.timeout(0.2):
        await shelf.inbox.done("e1")
    await asyncio.sleep(20 * SOON)
    assert await shelf.rows("SELECT event_id FROM inbox WHERE sealed IS NULL") == [("e1",)]


async def test_closing_waits_for_what_was_begun(shelf: Shelf) -> None:
    """Work in hand and work without hurry is stored before the database lets go; later work is refused."""
    database = await open_database(shelf.place.url)
    inbox = SqlInbox(database, shelf.sealer, shelf.clock)
    await inbox.accept("e1", "{}")
    begun = asyncio.gather(inbox.done("e1"), inbox.accept("e2", "{}"))
    await asyncio.sleep(0)
    await database.close()
    assert await begun == [None, True]
    assert await shelf.rows("SELECT event_id FROM inbox WHERE done_at IS NOT NULL") == [("e1",)]


class Broken:
    """A worker that cannot begin the first time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    async def carry_out(self, pieces: Sequence[Piece]) -> Sequence[object]:
        self.sizes.append(len(pieces))
        await asyncio.sleep(0)
        if len(self.sizes) == 1:
            raise OSError("the disk is full")
        return [None] * len(pieces)

    def close(self) -> None:
        """Nothing is held."""


def nothing(_: Connection) -> None:
    """A piece of work."""


async def test_what_hinders_all_is_told_to_all() -> None:
    """Each of a group that cannot be committed hears why, and those who come after are tried."""
    worker = Broken()
    together = Together(worker)
    told = await asyncio.gather(*(together.do(nothing) for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in told] == [OSError] * 5
    await together.do(nothing)
    assert worker.sizes == [5, 1]


async def test_a_rush_goes_in_groups_of_a_bearable_size() -> None:
    """The first of very many need not wait for the last."""
    worker = Broken()
    worker.sizes.append(0)
    together = Together(worker)
    await asyncio.gather(*(together.do(nothing) for _ in range(2 * MOST + 1)))
    assert worker.sizes[1:] == [MOST, MOST, 1]
