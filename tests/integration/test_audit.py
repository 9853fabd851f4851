"""Whatever is done to a stored event behind Charter's back, the audit finds it."""

# ruff: noqa: S608
from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from bot.cases.record import Act, Event
from bot.storage.audit import Finding, verify
from bot.storage.keys import rotate
from bot.storage.sealing import Sealer, Unreadable
from tests.shelf import KEY, Shelf
from tests.small_school import SAM, TESS

FIRST = "(SELECT min(id) FROM cases)"
SECOND = "(SELECT max(id) FROM cases)"


async def two_cases(shelf: Shelf) -> list[str]:
    """Two cases of three events each."""
    refs = [await shelf.filed(), await shelf.filed()]
    for ref in refs:
        await shelf.desk.acknowledge(ref, SAM)
        await shelf.desk.reply(ref, SAM, "words")
    return refs


async def found(shelf: Shelf) -> list[str]:
    """Each finding, the reference left out."""
    return [str(Finding(each.said, event=None)) for each in await verify(shelf.database, shelf.sealer)]


async def test_what_was_written_as_it_should_is_whole(shelf: Shelf) -> None:
    """Nothing is found on an empty database, nor after work of every sort, openings included."""
    assert await verify(shelf.database, shelf.sealer) == ()
    refs = await two_cases(shelf)
    await shelf.desk.open(refs[0], SAM)
    await shelf.desk.close(refs[0], SAM, "done", "told")
    await shelf.desk.add(refs[0], TESS, "more")
    assert await verify(shelf.database, shelf.sealer) == ()
    assert ("opened",) in await shelf.rows("SELECT act FROM case_events")


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE case_events SET act = 'opened' WHERE case_id = {FIRST} AND seq = 2",
        f"UPDATE case_events SET person = 'sita' WHERE case_id = {FIRST} AND seq = 2",
        f"UPDATE case_events SET at = '2025-03-02 09:00:00' WHERE case_id = {FIRST} AND seq = 2",
        f"UPDATE case_events SET digest = hash WHERE case_id = {FIRST} AND seq = 2",
        f"UPDATE case_events SET hash = digest WHERE case_id = {FIRST} AND seq = 3",
        f"UPDATE case_events SET number = number + 100 WHERE case_id = {FIRST} AND seq = 3",
        f"DELETE FROM case_events WHERE case_id = {FIRST} AND seq = 2",
        f"DELETE FROM case_events WHERE case_id = {FIRST} AND seq = 1",
        f"DELETE FROM case_events WHERE case_id = {FIRST} AND seq = 3",
        f"DELETE FROM case_events WHERE case_id = {FIRST}",
        f"INSERT INTO case_events (case_id, seq, number, act, person, at, digest, hash)"
        f" SELECT case_id, 4, 7, act, person, at, digest, hash FROM case_events WHERE case_id = {FIRST} AND seq = 2",
        f"UPDATE case_content SET sealed = (SELECT sealed FROM case_content WHERE case_id = {SECOND} AND seq = 2)"
        f" WHERE case_id = {FIRST} AND seq = 2",
        f"UPDATE case_content SET sealed = substr(sealed, 2) WHERE case_id = {FIRST} AND seq = 1",
        f"DELETE FROM case_content WHERE case_id = {FIRST} AND seq = 1",
        f"INSERT INTO case_content (case_id, seq, sealed) SELECT case_id, 9, sealed FROM case_content"
        f" WHERE case_id = {FIRST} AND seq = 1",
        f"UPDATE cases SET ref = 'CC-CCC' WHERE id = {FIRST}",
        f"UPDATE cases SET events = 2 WHERE id = {FIRST}",
        "UPDATE chain SET events = 5",
        "DELETE FROM chain",
    ],
)
async def test_tampering_is_found(shelf: Shelf, change: str) -> None:
    """Changed, removed, added: event, content, count or key."""
    await two_cases(shelf)
    await shelf.place.tamper("DELETE FROM notices", change)
    assert await verify(shelf.database, shelf.sealer) != ()


async def test_two_events_that_changed_places_are_found(shelf: Shelf) -> None:
    """With their contents, so that each one by itself still fits."""
    await two_cases(shelf)
    swap = (
        "UPDATE {} SET seq = CASE seq WHEN 102 THEN 3 WHEN 103 THEN 2 END WHERE case_id = " + FIRST + " AND seq > 100"
    )
    moves = [f"UPDATE {table} SET seq = seq + 100 WHERE case_id = {FIRST} AND seq > 1" for table in TABLES]
    await shelf.place.tamper(*moves, *(swap.format(table) for table in TABLES))
    assert await found(shelf) == ["the event was changed, or does not follow the one before it"] * 2 + [
        "its last events were removed, or its mark was changed"
    ]


TABLES = ("case_events", "case_content")


async def test_a_whole_case_that_was_taken_out_is_found(shelf: Shelf) -> None:
    """With everything that hangs on it, and nothing left to see in the other cases."""
    await two_cases(shelf)
    gone = [f"DELETE FROM {table} WHERE case_id = {SECOND}" for table in (*TABLES, "case_handlers")]
    await shelf.place.tamper("DELETE FROM notices", *gone, f"DELETE FROM cases WHERE id = {SECOND}")
    assert await found(shelf) == ["6 events were written, the last with that number; there are 3 up to 4"]


async def test_a_case_put_back_to_how_it_once_was_is_found(shelf: Shelf) -> None:
    """Its old mark fits its old events, but the database knows how many were written."""
    ref = await shelf.filed()
    ((mark,),) = await shelf.rows("SELECT mark FROM cases")
    assert isinstance(mark, bytes)
    await shelf.desk.acknowledge(ref, SAM)
    hexed = f"x'{mark.hex()}'" if "sqlite" in shelf.place.url else f"'\\x{mark.hex()}'::bytea"
    cut = [f"DELETE FROM {table} WHERE seq = 2" for table in TABLES]
    await shelf.place.tamper(*cut, f"UPDATE cases SET events = 1, mark = {hexed}")
    assert await found(shelf) == ["2 events were written, the last with that number; there are 1 up to 1"]


async def test_a_finding_names_the_place(shelf: Shelf) -> None:
    """Case and event, and no content."""
    first, _ = await two_cases(shelf)
    await shelf.place.tamper(f"UPDATE case_events SET person = 'sita' WHERE case_id = {FIRST} AND seq = 2")
    (finding,) = await verify(shelf.database, shelf.sealer)
    assert str(finding) == f"{first} event 2: the event was changed, or does not follow the one before it"


async def test_content_that_retention_deleted_is_no_finding(shelf: Shelf) -> None:
    """The chain holds, and the deletion is an event like any other; content taken away later is found."""
    ref, other = await two_cases(shelf)
    disposal = Event(Act.DISPOSED, "charter", shelf.clock.now(), "Charter")
    assert await shelf.cases.dispose(ref, disposal)
    assert await verify(shelf.database, shelf.sealer) == ()
    assert [event.words for event in await shelf.cases.story(ref)] == ["", "", "", ""]
    assert [event.words for event in await shelf.cases.story(other)] == ["", "", "words"]
    await shelf.place.tamper("DELETE FROM case_content WHERE seq = 4")
    assert await found(shelf) == ["the content was removed"]


async def test_what_is_on_hold_is_not_disposed_of(shelf: Shelf) -> None:
    """The hold is the store's to keep, whoever asks."""
    ref = await shelf.filed()
    await shelf.place.tamper("UPDATE cases SET hold = true")
    assert not await shelf.cases.dispose(ref, Event(Act.DISPOSED, "charter", shelf.clock.now(), "Charter"))
    assert (await shelf.cases.story(ref))[0].answers


async def test_a_digest_says_nothing_of_the_content(shelf: Shelf) -> None:
    """The same words twice have two digests: the salt lies sealed with them."""
    await shelf.filed()
    await shelf.filed()
    digests = await shelf.rows("SELECT digest FROM case_events")
    assert len(set(digests)) == 2


async def test_the_chain_outlives_its_keys(shelf: Shelf) -> None:
    """After the secret keys were changed the old hashes still fit, and new ones follow."""
    ref, _ = await two_cases(shelf)
    new = Fernet.generate_key()
    await rotate(shelf.database, Sealer([new, KEY]))
    with pytest.raises(Unreadable):
        await verify(shelf.database, Sealer([KEY]))
    again = Shelf(shelf.place, shelf.database, shelf.clock, Sealer([new]))
    await again.desk.reply(ref, SAM, "more")
    assert await verify(again.database, again.sealer) == ()
