"""What the database keeps, and how: on SQLite and on PostgreSQL."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from cryptography.fernet import Fernet
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from structlog.testing import capture_logs

from bot.cases.model import About, CaseView
from bot.model import ConversationState, Platform, Role, Room
from bot.storage.database import WrongInstallation, open_database
from bot.storage.memory import SqlMemory
from bot.storage.migrations import HEAD
from bot.storage.sealing import Sealer, Unreadable
from bot.storage.tables import Base, InboxRow
from bot.storage.together import SOON
from tests.databases import Postgres, sqlite_in
from tests.shelf import KEY, Shelf
from tests.small_school import (
    SAM,
    TESS,
    TOM,
    HandClock,
    filing,
    person,
    without,
)

SECRET = "xylophone"
DM = Room(Platform.WEB, "dm:tess")


# Schema


async def test_migrations_make_exactly_the_tables(shelf: Shelf) -> None:
    """A database brought up by the migrations has nothing more and nothing less than the tables say."""

    def compared(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    async with shelf.database.reading() as tx:
        assert await (await tx.connection()).run_sync(compared) == []


def test_head_names_the_newest_migration() -> None:
    """The quick look at start compares with the true head."""
    config = Config()
    config.set_main_option("script_location", "bot/storage/migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_opening_a_current_database_is_quick(shelf: Shelf) -> None:
    """A start with nothing to migrate costs less than 0.2 seconds."""
    started = time.perf_counter()
    again = await open_database(shelf.place.url)
    took = time.perf_counter() - started
    await again.close()
    assert took < 0.2


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_two_starts_at_once_migrate_once(kind: str, tmp_path: Path, postgres: Postgres) -> None:
    """Both come up on an empty database."""
    fresh = sqlite_in(tmp_path) if kind == "sqlite" else postgres.fresh(migrated=False)
    for database in await asyncio.gather(open_database(fresh.url), open_database(fresh.url)):
        await database.ping()
        await database.close()


async def test_sqlite_is_set_for_safety(tmp_path: Path) -> None:
    """Write-ahead log, full sync, foreign keys and patience with other writers."""
    database = await open_database(sqlite_in(tmp_path).url)
    async with database.writing() as tx:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [(await tx.execute(text(f"PRAGMA {name}"))).scalar_one() for name in names]
    await database.close()
    assert found == ["wal", 2, 1, 5000]


async def test_postgresql_is_set_for_safety(postgres: Postgres) -> None:
    """Commits reach the disk, readers have one view, and nobody waits for ever."""
    database = await open_database(postgres.fresh().url)
    names = ("synchronous_commit", "lock_timeout", "transaction_isolation")
    async with database.reading() as tx:
        found = [(await tx.execute(text(f"SHOW {name}"))).scalar_one() for name in names]
    shown = text(f"SHOW {names[-1]}")
    pieces = [await database.read(lambda tx: tx.execute(shown).scalar_one(), lists=lists) for lists in (False, True)]
    await database.close()
    assert found == ["on", "5s", "repeatable read"]
    assert pieces == ["repeatable read"] * 2


async def test_one_writes_at_a_time(shelf: Shelf) -> None:
    """A writer sees what the one before it wrote, on either database, so that nothing read goes stale before it is used."""

    async def count_up() -> None:
        async with shelf.database.writing() as tx:
            seen = (await tx.execute(text("SELECT count(*) FROM inbox"))).scalar_one()
            await asyncio.sleep(0.005)
            tx.add(InboxRow(event_id=str(seen), received_at=shelf.clock.now()))

    await asyncio.gather(*(count_up() for _ in range(8)))
    assert await shelf.rows("SELECT count(*) FROM inbox") == [(8,)]


async def test_a_reader_keeps_its_view(shelf: Shelf) -> None:
    """What is written meanwhile does not show, and the writer does not wait."""
    async with shelf.database.reading() as tx:
        before = (await tx.execute(text("SELECT count(*) FROM cases"))).scalar_one()
        await shelf.filed()
        assert (await tx.execute(text("SELECT count(*) FROM cases"))).scalar_one() == before


async def test_a_preview_never_opens_a_schools_database(shelf: Shelf) -> None:
    """The stamp is set once and holds."""
    await shelf.database.stamp("school")
    await shelf.database.stamp("school")
    with pytest.raises(WrongInstallation):
        await shelf.database.stamp("preview")
    assert await shelf.rows("SELECT kind FROM installation") == [("school",)]


# Sealing


def test_keys_can_be_changed() -> None:
    """A new first key seals, the old one still opens; a foreign key does not."""
    new = Fernet.generate_key()
    sealed = Sealer([KEY]).seal("words")
    assert Sealer([new, KEY]).open(sealed) == "words"
    with pytest.raises(Unreadable):
        Sealer([new]).open(sealed)
    with pytest.raises(Unreadable):
        Sealer([KEY]).open(sealed[:-4])


def test_no_key_no_start() -> None:
    """Without a key nothing is stored in the clear: there is no sealer."""
    with pytest.raises(ValueError, match="key"):
        Sealer([])


async def test_nothing_that_anybody_wrote_stands_readable_in_the_file(shelf: Shelf) -> None:
    """Neither answers, replies, reasons, names, drafts, conversations nor payloads, in file or log."""
    writer = person("tess")
    writer = replace(writer, name=f"Name {SECRET}")
    shelf.desk.roster = without(TESS, plus=[writer])
    await shelf.memory.save_draft("left", writer, "report", {"what": SECRET})
    await shelf.memory.remember(writer, DM, ConversationState(turns=(SECRET,)))
    await shelf.inbox.accept("e1", SECRET)
    ref = await shelf.filed(filing(reporter=writer, answers={SECRET: SECRET}, public_text=SECRET))
    await shelf.desk.acknowledge(ref, SAM)
    await shelf.desk.reply(ref, SAM, SECRET)
    await shelf.desk.close(ref, SAM, SECRET, SECRET)
    stored = shelf.place.stored()
    assert ref.encode() in stored
    assert SECRET.encode() not in stored
    assert SECRET.encode().hex().encode() not in stored
    view = await shelf.desk.open(ref, SAM)
    assert isinstance(view, CaseView)
    assert repr(view).count(SECRET) > 5


async def test_a_dump_of_postgresql_holds_nothing_readable(postgres: Postgres) -> None:
    """As its own dump program writes it: ids, states and times, but no name and no word."""
    place = postgres.fresh()
    database = await open_database(place.url)
    shelf = Shelf(place, database, HandClock(), Sealer([KEY]))
    shelf.desk.roster = without(TESS, plus=[replace(TESS, name="Theresa Pemberton")])
    ref = await shelf.filed(filing(answers={"What happened?": SECRET}))
    await shelf.desk.acknowledge(ref, SAM)
    await shelf.desk.reply(ref, SAM, SECRET)
    await database.close()
    dump = postgres.dump(place)
    assert ref in dump
    for hidden in (SECRET, "Pemberton", "What happened?", "student"):
        assert hidden not in dump
        assert hidden.encode().hex() not in dump


async def test_the_log_holds_nothing_readable(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    """A whole case, and a fault in the middle of it: references and person ids are all that is logged."""
    ref = await shelf.filed(filing(answers={"What happened?": SECRET}))
    await shelf.desk.acknowledge(ref, SAM)
    await shelf.desk.reply(ref, SAM, SECRET)
    await shelf.desk.open(ref, TOM)
    with pytest.raises(Unreadable):
        await Shelf(shelf.place, shelf.database, shelf.clock, Sealer([Fernet.generate_key()])).desk.open(ref, SAM)
    log = capsys.readouterr().out
    assert ref in log
    assert SECRET not in log
    assert "Tess" not in log


async def test_whom_a_case_is_about_is_not_readable_either(shelf: Shelf) -> None:
    """Subject and exclusions are sealed with the case."""
    gus = person("guinevere", Role.GOVERNOR)
    shelf.desk.roster = without(plus=[gus])
    await shelf.filed(filing(About.GOVERNOR, subject=gus.id))
    stored = shelf.place.stored()
    assert b"guinevere" not in stored
    assert b"governor" not in stored


async def test_a_fault_of_the_database_tells_no_content(shelf: Shelf) -> None:
    """Errors name the statement, never its values."""
    ref = await shelf.filed()
    async with shelf.database.reading() as tx:
        with pytest.raises(IntegrityError) as caught:
            await tx.execute(text("INSERT INTO installation (id, kind) VALUES (2, :kind)"), {"kind": SECRET})
    assert SECRET not in str(caught.value)
    assert isinstance(await shelf.desk.open(ref, SAM), CaseView)


# Memory


async def test_a_conversation_is_taken_up_where_it_stood(shelf: Shelf) -> None:
    """The last state counts, and each person and room has its own."""
    state = ConversationState(("first", "second"), {"matter": "connect"}, frozenset({"matter"}), "social-contact.1")
    await shelf.memory.remember(TESS, DM, ConversationState(("first",)))
    await shelf.memory.remember(TESS, DM, state)
    assert await shelf.memory.recall(TESS, DM) == state
    await shelf.inbox.accept("behind it", "{}")
    elsewhere = SqlMemory(shelf.database, shelf.sealer, shelf.clock)
    for memory in (shelf.memory, elsewhere):
        assert await memory.recall(TESS, DM) == state
        assert await memory.recall(TOM, DM) == ConversationState()
        assert await memory.recall(TESS, Room(Platform.SLACK, DM.id)) == ConversationState()


async def test_a_conversation_is_stored_although_nobody_waits_for_it(shelf: Shelf) -> None:
    """Soon by itself, and when the database is closed before that."""
    database = await open_database(shelf.place.url)
    await SqlMemory(database, shelf.sealer, shelf.clock).remember(TESS, DM, ConversationState(("first",)))
    await database.close()
    assert (await shelf.memory.recall(TESS, DM)).turns == ("first",)
    await shelf.memory.remember(TOM, DM, ConversationState(("mine",)))
    await asyncio.sleep(10 * SOON)
    assert len(await shelf.rows("SELECT person FROM conversations")) == 2


async def test_a_conversation_that_cannot_be_stored_is_logged_and_forgotten(shelf: Shelf) -> None:
    """Its words are not in the log, and the next message stands for itself."""
    await shelf.database.write(lambda tx: tx.exec_driver_sql("ALTER TABLE conversations RENAME TO away"))
    with capture_logs() as logs:
        await shelf.memory.remember(TESS, DM, ConversationState((SECRET,)))
        await shelf.inbox.accept("behind it", "{}")
    await shelf.database.write(lambda tx: tx.exec_driver_sql("ALTER TABLE away RENAME TO conversations"))
    assert [each["event"] for each in logs] == ["conversation_not_stored"]
    assert SECRET not in repr(logs)
    assert await shelf.memory.recall(TESS, DM) == ConversationState()


async def test_a_draft_is_its_own_persons_alone(shelf: Shelf) -> None:
    """Nobody else reads it, overwrites it or drops it."""
    await shelf.memory.save_draft("d", TESS, "report", {"a": "1"})
    await shelf.memory.save_draft("d", TOM, "report", {"a": "forged"})
    await shelf.memory.drop_draft("d", TOM)
    assert await shelf.memory.load_draft("d", TESS) == ("report", {"a": "1"})
    assert await shelf.memory.load_draft("d", TOM) is None
    await shelf.memory.drop_draft("d", TESS)
    assert await shelf.memory.load_draft("d", TESS) is None


async def test_a_draft_expires_a_day_after_it_was_last_saved(shelf: Shelf) -> None:
    """Saving starts the day anew; what has expired is removed at the next save."""
    await shelf.memory.save_draft("d", TESS, "report", {"a": "1"})
    shelf.clock.forward(hours=23)
    await shelf.memory.save_draft("d", TESS, "report", {"a": "2"})
    shelf.clock.forward(hours=23, minutes=59)
    assert await shelf.memory.load_draft("d", TESS) == ("report", {"a": "2"})
    shelf.clock.forward(minutes=1)
    assert await shelf.memory.load_draft("d", TESS) is None
    await shelf.memory.save_draft("other", TOM, "report", {})
    assert await shelf.rows("SELECT id FROM drafts") == [("other",)]


async def test_a_draft_that_was_filed_is_gone_for_good(shelf: Shelf) -> None:
    """Filing removes it, and a late save does not bring it back."""
    await shelf.memory.save_draft("d", TESS, "report", {"a": "1"})
    await shelf.filed(filing(draft="d"))
    assert await shelf.memory.load_draft("d", TESS) is None
    await shelf.memory.save_draft("d", TESS, "report", {"a": "2"})
    assert await shelf.memory.load_draft("d", TESS) is None


# Inbox


async def test_an_event_is_taken_once(shelf: Shelf) -> None:
    """A repeat is known, while it waits and after it is done; pending ones come oldest first."""
    assert await shelf.inbox.accept("e1", "one")
    assert await shelf.inbox.accept("e2", "two")
    assert not await shelf.inbox.accept("e1", "one again")
    assert await shelf.inbox.pending() == (("e1", "one"), ("e2", "two"))
    await shelf.inbox.done("e1")
    assert not await shelf.inbox.accept("e1", "one again")
    assert await shelf.inbox.pending() == (("e2", "two"),)
    assert await shelf.rows("SELECT sealed FROM inbox WHERE event_id = 'e1'") == [(None,)]


async def test_an_event_that_comes_twice_at_once_is_taken_once(shelf: Shelf) -> None:
    """Platforms repeat at speed."""
    taken = await asyncio.gather(*(shelf.inbox.accept("e", "payload") for _ in range(8)))
    assert sum(taken) == 1
