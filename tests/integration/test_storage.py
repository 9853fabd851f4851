"""What the database keeps, and how."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from bot.cases.desk import Desk
from bot.cases.model import About, CaseView, Filing, Illegal, Kind, Receipt, Refused, Stale, State, Urgency
from bot.model import ConversationState, Platform, Role, Room
from bot.ports import CaseStore
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, WrongInstallation, open_database
from bot.storage.inbox import SqlInbox
from bot.storage.memory import SqlMemory
from bot.storage.migrations import HEAD
from bot.storage.sealing import Sealer, Unreadable
from bot.storage.tables import Base
from tests.small_school import HEAD as HEADTEACHER
from tests.small_school import (
    NUMBERS,
    ROSTER,
    SAM,
    SITA,
    TESS,
    TOM,
    HandClock,
    MemoryCaseStore,
    filing,
    person,
    without,
)

KEY = Fernet.generate_key()
SECRET = "xylophone"
DM = Room(Platform.WEB, "dm:tess")


@dataclass
class Shelf:
    """Everything that implements a port on one database file."""

    path: Path
    database: Database
    clock: HandClock
    sealer: Sealer

    def __post_init__(self) -> None:
        self.cases = SqlCaseStore(self.database, self.sealer)
        self.memory = SqlMemory(self.database, self.sealer, self.clock)
        self.inbox = SqlInbox(self.database, self.sealer, self.clock)
        self.desk = Desk(self.cases, ROSTER, self.clock, NUMBERS)

    async def filed(self, what: Filing | None = None) -> str:
        """File and give the reference."""
        receipt = await self.desk.file(what or filing())
        assert isinstance(receipt, Receipt)
        return receipt.ref

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """What stands in the file, read past Charter."""
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


def url(path: Path) -> str:
    """The address of an SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    """A fresh database."""
    path = tmp_path / "new" / "charter.sqlite3"
    database = await open_database(url(path))
    yield Shelf(path, database, HandClock(), Sealer([KEY]))
    await database.close()


@pytest.fixture(params=["memory", "sql"])
def store(request: pytest.FixtureRequest, shelf: Shelf) -> CaseStore:
    """The store of the unit tests and the real one: what holds for one must hold for the other."""
    return MemoryCaseStore() if request.param == "memory" else shelf.cases


# Schema


async def test_migrations_make_exactly_the_tables(shelf: Shelf) -> None:
    """A database brought up by the migrations has nothing more and nothing less than the tables say."""
    engine = create_engine(f"sqlite:///{shelf.path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_head_names_the_newest_migration() -> None:
    """The quick look at start compares with the true head."""
    config = Config()
    config.set_main_option("script_location", "bot/storage/migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_opening_a_current_database_is_quick(shelf: Shelf) -> None:
    """A start with nothing to migrate costs less than 0.2 seconds."""
    started = time.perf_counter()
    again = await open_database(url(shelf.path))
    took = time.perf_counter() - started
    await again.close()
    assert took < 0.2


async def test_two_starts_at_once_migrate_once(tmp_path: Path) -> None:
    """Both come up on a fresh file."""
    path = url(tmp_path / "two.sqlite3")
    for database in await asyncio.gather(open_database(path), open_database(path)):
        await database.ping()
        await database.close()


async def test_the_connection_is_set_for_safety(shelf: Shelf) -> None:
    """Write-ahead log, full sync, foreign keys and patience with other writers."""
    async with shelf.database.writing() as tx:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = [(await tx.execute(text(f"PRAGMA {name}"))).scalar_one() for name in names]
    assert found == ["wal", 2, 1, 5000]


async def test_a_preview_never_opens_a_schools_database(shelf: Shelf) -> None:
    """The stamp is set once and holds."""
    await shelf.database.stamp("school")
    await shelf.database.stamp("school")
    with pytest.raises(WrongInstallation):
        await shelf.database.stamp("preview")
    assert shelf.rows("SELECT kind FROM installation") == [("school",)]


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
    stored = b"".join(file.read_bytes() for file in shelf.path.parent.iterdir())
    assert ref.encode() in stored
    assert SECRET.encode() not in stored
    view = await shelf.desk.open(ref, SAM)
    assert isinstance(view, CaseView)
    assert repr(view).count(SECRET) > 5


async def test_whom_a_case_is_about_is_not_readable_either(shelf: Shelf) -> None:
    """Subject and exclusions are sealed with the case."""
    gus = person("guinevere", Role.GOVERNOR)
    shelf.desk.roster = without(plus=[gus])
    await shelf.filed(filing(About.GOVERNOR, subject=gus.id))
    stored = b"".join(file.read_bytes() for file in shelf.path.parent.iterdir())
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


# Cases


async def test_a_case_comes_back_as_it_was_filed(store: CaseStore) -> None:
    """Every part of it, words verbatim and in order, handlers in the order shown."""
    desk = Desk(store, ROSTER, HandClock(), NUMBERS)
    answers = {"Zwei": "  “quoted” \n😀 ", "A": "<b>&amp;"}
    what = filing(answers=answers, urgency=Urgency.HIGH, subject=None, excluded=frozenset({"tom"}))
    receipt = await desk.file(what)
    assert isinstance(receipt, Receipt)
    view = await desk.open(receipt.ref, SAM)
    assert isinstance(view, CaseView)
    assert list(view.answers.items()) == list(answers.items())
    assert (view.summary.kind, view.summary.urgency, view.summary.state) == (Kind.REPORT, Urgency.HIGH, State.SUBMITTED)
    assert await desk.file(what) == receipt
    assert [each.id for each in receipt.route.handlers] == ["hannah", "sam", "sita"]


async def test_both_stores_tell_one_story(store: CaseStore) -> None:
    """A whole life of a case, with what is refused on the way."""
    clock = HandClock()
    desk = Desk(store, ROSTER, clock, NUMBERS)
    receipt = await desk.file(filing())
    assert isinstance(receipt, Receipt)
    ref = receipt.ref
    answers = [
        await desk.acknowledge(ref, SAM),
        await desk.acknowledge(ref, SITA),
        await desk.reply(ref, SITA, "hello"),
        await desk.reply(ref, TOM, "hello"),
        await desk.add(ref, TESS, "more"),
        await desk.close(ref, SAM, "Advice given", "told"),
        await desk.close(ref, SAM, "Advice given", "told"),
        await desk.reopen(ref, HEADTEACHER, "again"),
    ]
    kinds = [type(each) for each in answers]
    assert kinds == [CaseView, Stale, CaseView, Refused, CaseView, CaseView, Illegal, CaseView]
    last = answers[-1]
    assert isinstance(last, CaseView)
    told = [(entry.what, entry.by, entry.words) for entry in last.story if entry.what != "opened"]
    assert told == [
        ("filed", "Tess", ""),
        ("acknowledged", "Sam", ""),
        ("replied", "Sita", "hello"),
        ("added", "Tess", "more"),
        ("closed", "Sam", "Advice given: told"),
        ("reopened", "Hannah", "again"),
    ]
    assert [each.ref for each in await desk.queue(SITA)] == [ref]
    assert [each.ref for each in await desk.own(TESS)] == [ref]


async def test_a_change_to_an_older_version_is_not_written(store: CaseStore) -> None:
    """Compare-and-set: the second of two writers of one version changes nothing."""
    receipt = await Desk(store, ROSTER, HandClock(), NUMBERS).file(filing())
    assert isinstance(receipt, Receipt)
    case = await store.find(receipt.ref)
    assert case is not None
    (event,) = await store.story(receipt.ref)
    assert await store.write(replace(case, owner="sam"), event, ())
    assert not await store.write(replace(case, owner="sita"), event, ())
    after = await store.find(receipt.ref)
    assert after is not None
    assert (after.owner, after.version) == ("sam", case.version + 1)
    assert len(await store.story(receipt.ref)) == 2


async def test_many_who_take_a_case_at_once_have_one_winner(shelf: Shelf) -> None:
    """On the real database, on several connections."""
    ref = await shelf.filed()
    answers = await asyncio.gather(*(shelf.desk.acknowledge(ref, each) for each in (SAM, SITA, HEADTEACHER)))
    assert sorted(type(each).__name__ for each in answers) == ["CaseView", "Stale", "Stale"]
    assert shelf.rows("SELECT count(*) FROM case_events WHERE act = 'acknowledged'") == [(1,)]
    assert shelf.rows("SELECT count(*) FROM notices WHERE kind = 'acknowledged'") == [(1,)]


async def test_one_draft_filed_many_times_at_once_is_one_case(shelf: Shelf) -> None:
    """On the real database, on several connections."""
    receipts = await asyncio.gather(*(shelf.desk.file(filing(draft="d")) for _ in range(8)))
    assert len({repr(each) for each in receipts}) == 1
    assert shelf.rows("SELECT count(*) FROM cases") == [(1,)]
    assert shelf.rows("SELECT count(*) FROM notices") == [(1,)]


async def test_a_filing_that_fails_leaves_nothing(shelf: Shelf) -> None:
    """Case, event, content, notice and the draft's removal are one transaction."""
    await shelf.memory.save_draft("d", TESS, "report", {"what": "words"})
    async with shelf.database.writing() as tx:
        await tx.execute(text("CREATE TRIGGER broken BEFORE DELETE ON drafts BEGIN SELECT RAISE(ABORT, 'no'); END"))
    with pytest.raises(IntegrityError):
        await shelf.filed(filing(draft="d"))
    counts = """
        SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM case_handlers), (SELECT count(*) FROM case_events),
               (SELECT count(*) FROM case_content), (SELECT count(*) FROM notices)
    """
    assert shelf.rows(counts) == [(0, 0, 0, 0, 0)]
    assert await shelf.memory.load_draft("d", TESS) is not None


async def test_events_cannot_be_changed_or_removed(shelf: Shelf) -> None:
    """The database itself refuses."""
    await shelf.filed()
    for change in ("UPDATE case_events SET person = 'x'", "DELETE FROM case_events"):
        with pytest.raises(IntegrityError, match="append-only"):
            async with shelf.database.writing() as tx:
                await tx.execute(text(change))


async def test_content_can_go_while_the_events_stay(shelf: Shelf) -> None:
    """What retention will delete leaves a story without words, and a case that still opens."""
    ref = await shelf.filed()
    async with shelf.database.writing() as tx:
        await tx.execute(text("DELETE FROM case_content"))
    view = await shelf.desk.open(ref, SAM)
    assert isinstance(view, CaseView)
    assert [entry.what for entry in view.story] == ["filed", "opened"]
    assert not view.answers


# Memory


async def test_a_conversation_is_taken_up_where_it_stood(shelf: Shelf) -> None:
    """The last state counts, and each person and room has its own."""
    state = ConversationState(("first", "second"), {"matter": "connect"}, frozenset({"matter"}), "social-contact.1")
    await shelf.memory.remember(TESS, DM, ConversationState(("first",)))
    await shelf.memory.remember(TESS, DM, state)
    assert await shelf.memory.recall(TESS, DM) == state
    assert await shelf.memory.recall(TOM, DM) == ConversationState()
    assert await shelf.memory.recall(TESS, Room(Platform.SLACK, DM.id)) == ConversationState()


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
    assert shelf.rows("SELECT id FROM drafts") == [("other",)]


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
    assert await shelf.inbox.pending() == (("e2", "two"),)
    assert not await shelf.inbox.accept("e1", "one again")
    assert shelf.rows("SELECT sealed FROM inbox WHERE event_id = 'e1'") == [(None,)]


async def test_an_event_that_comes_twice_at_once_is_taken_once(shelf: Shelf) -> None:
    """Platforms repeat at speed."""
    taken = await asyncio.gather(*(shelf.inbox.accept("e", "payload") for _ in range(8)))
    assert sum(taken) == 1
