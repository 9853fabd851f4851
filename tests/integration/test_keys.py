"""Keys are changed while Charter works, and old ones are then good for nothing."""

# ruff: noqa: S608
from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from bot.cases.model import CaseView
from bot.model import ConversationState, Platform, Room
from bot.preview import Line
from bot.storage.keys import rotate, sealed_tables
from bot.storage.sealing import Sealer, Unreadable
from bot.storage.shelf import SqlShelf
from tests.shelf import KEY, Shelf
from tests.small_school import SAM, TESS, filing

NEW = Fernet.generate_key()
DM = Room(Platform.WEB, "dm:tess")


async def fill(shelf: Shelf) -> str:
    """Something sealed in every table; the reference of a case."""
    for number in range(5):
        await shelf.memory.save_draft(f"d{number}", TESS, "report", {"a": "1"})
        await shelf.inbox.accept(f"e{number}", "payload")
    await shelf.memory.remember(TESS, DM, ConversationState(("one",)))
    await SqlShelf(shelf.database, shelf.sealer).put("chat:tess", "where it is")
    await shelf.log.append("room", Line("key", "tess", shelf.clock.now(), "hello"))
    ref = await shelf.filed(filing(answers={"What?": "words"}))
    await shelf.desk.acknowledge(ref, SAM)
    return ref


async def tokens(shelf: Shelf) -> list[bytes]:
    """Everything sealed that stands in the database."""
    found = [await shelf.rows(f"SELECT sealed FROM {table.name}") for table in sealed_tables()]
    return [bytes(token) for rows in found for (token,) in rows if isinstance(token, bytes)]


async def test_everything_is_sealed_with_the_newest_key(shelf: Shelf) -> None:
    """Every table has something; the new key alone opens all of it, and everything works on."""
    ref = await fill(shelf)
    for table in sealed_tables():
        assert await shelf.rows(f"SELECT sealed FROM {table.name}") != []
    seen: dict[str, int] = {}
    changed = await rotate(shelf.database, Sealer([NEW, KEY]), seen.__setitem__)
    assert changed == sum(seen.values()) == len(await tokens(shelf))
    assert seen["drafts"] == seen["inbox"] == 5
    for token in await tokens(shelf):
        Sealer([NEW]).open(token)
        with pytest.raises(Unreadable):
            Sealer([KEY]).open(token)
    after = Shelf(shelf.place, shelf.database, shelf.clock, Sealer([NEW]))
    view = await after.desk.open(ref, SAM)
    assert isinstance(view, CaseView)
    assert view.answers == {"What?": "words"}
    assert await after.memory.load_draft("d1", TESS) == ("report", {"a": "1"})
    assert len(await after.inbox.pending()) == 5


async def test_a_second_turn_changes_nothing(shelf: Shelf) -> None:
    """What has the newest key is left alone, byte for byte."""
    await fill(shelf)
    await rotate(shelf.database, Sealer([NEW, KEY]))
    before = await tokens(shelf)
    assert await rotate(shelf.database, Sealer([NEW, KEY])) == 0
    assert await tokens(shelf) == before


async def test_an_interrupted_turn_is_taken_up(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that were done stay done; between them everything is readable."""
    monkeypatch.setattr("bot.storage.keys._BATCH", 2)
    ref = await fill(shelf)
    both, batches = Sealer([NEW, KEY]), 0

    class Interrupted(Exception):
        pass

    def stop(_: str, __: int) -> None:
        nonlocal batches
        batches += 1
        if batches == 4:
            raise Interrupted

    with pytest.raises(Interrupted):
        await rotate(shelf.database, both, stop)
    meanwhile = Shelf(shelf.place, shelf.database, shelf.clock, both)
    assert isinstance(await meanwhile.desk.open(ref, SAM), CaseView)
    left = await rotate(shelf.database, both)
    assert 0 < left < len(await tokens(shelf))
    for token in await tokens(shelf):
        Sealer([NEW]).open(token)


async def test_a_row_that_no_key_opens_stops_it(shelf: Shelf) -> None:
    """Rather than leave something behind that nobody can read any more, it says so."""
    await fill(shelf)
    with pytest.raises(Unreadable):
        await rotate(shelf.database, Sealer([NEW]))
