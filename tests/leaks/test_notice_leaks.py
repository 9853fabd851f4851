"""Notices give nobody away: silence never reaches the channel or a barred person, and a crash neither loses nor leaks.

Each promise has its counter-proof: with its guard taken away, the same assertion fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from bot.cases.desk import Desk
from bot.cases.files import Files
from bot.cases.model import About, Receipt, Urgency
from bot.cases.record import Case, Event
from bot.model import Delivery, Destination, Later, Reply, Role, Sent
from bot.notices.compose import Composer
from bot.notices.failures import Gauges
from bot.notices.model import Notice, NoticeKind
from bot.notices.watch import REMINDERS, Watch
from bot.notices.worker import Worker
from bot.render.words import TemplateWords
from bot.settings import EXAMPLE_SCHOOL, load_school
from bot.storage import outbox as storage
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, open_database
from bot.storage.outbox import SqlOutbox
from bot.storage.sealing import Sealer
from tests.small_school import HEAD, NUMBERS, SAM, WITH_DORA, HandClock, filing

SECRET = "xylophone"
CALENDAR = load_school(EXAMPLE_SCHOOL).calendar
WORDS = TemplateWords.load()
REPEAT = WORDS.say("notice_repeat")
LATE_ON_FRIDAY = datetime(2026, 11, 27, 16, tzinfo=UTC)

CLASSES = {
    "self": (About.SELF, None),
    "pupil": (About.STUDENT, None),
    "parent": (About.PARENT, None),
    "colleague": (About.COLLEAGUE, "tom"),
    "governor": (About.GOVERNOR, "gus"),
    "SLT member": (About.SLT_OR_DSL, "sam"),
    "DSL": (About.SLT_OR_DSL, "sita"),
    "headteacher": (About.HEADTEACHER, "hannah"),
    "chair": (About.CHAIR, "chloe"),
}
MEMBERS_OF_STAFF = [name for name, (_, subject) in CLASSES.items() if subject]


@dataclass
class Platform:
    """Where messages appear. It shows a key once, unless it is `forgetful`; `down` it shows nothing."""

    forgetful: bool = False
    down: bool = False
    shown: list[tuple[str, str, str]] = field(default_factory=list)

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Show it: destination, key and every word."""
        if self.down:
            return Later(1)
        if self.forgetful or key not in {each for _, each, _ in self.shown}:
            self.shown.append((destination.name, key, "\n".join((reply.summary, reply.lead, *reply.body))))
        return Sent(key)

    async def update(self, ref: str, reply: Reply) -> Delivery:  # noqa: ARG002
        """Nothing new is shown: the message stands where it stood."""
        return Sent(ref)


@dataclass
class School:
    """Everything from the desk to the platform, on a real database, at four on a Friday afternoon."""

    database: Database
    platform: Platform = field(default_factory=Platform)
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.clock.time = LATE_ON_FRIDAY
        self.store = SqlCaseStore(self.database, Sealer([Fernet.generate_key()]))
        self.outbox = SqlOutbox(self.database)
        self.desk = Desk(self.store, WITH_DORA, self.clock, NUMBERS, patience=CALENDAR.due)
        self.watch = Watch(self.desk, self.store, self.outbox, self.clock, CALENDAR, Gauges(CollectorRegistry()))
        self.worker = self.another()

    def another(self, send: Callable[..., object] | None = None) -> Worker:
        """A worker of another process; `send` stands before the platform."""
        compose = Composer(self.desk, WORDS, self.clock, CALENDAR).compose
        messenger = self.platform if send is None else _Through(send)
        return Worker(self.outbox, messenger, compose, self.clock)

    async def filed(self, about: About, subject: str | None) -> Receipt:
        """An urgent report."""
        answers = {"What happened?": SECRET}
        receipt = await self.desk.file(filing(about, subject=subject, answers=answers, urgency=Urgency.HIGH))
        assert isinstance(receipt, Receipt)
        return receipt

    async def silence(self, ref: str) -> None:
        """Nobody takes it, to the very end; everything is delivered."""
        await self.worker.deliver_due()
        while (due := (await self.case(ref)).due) is not None:
            self.clock.time = due
            await self.watch.look()
            await self.worker.deliver_due()

    async def case(self, ref: str) -> Case:
        """How it stands."""
        case = await self.store.find(ref)
        assert case is not None
        return case

    def told(self) -> set[str]:
        """Every destination that anything was shown to."""
        return {name for name, _, _ in self.platform.shown}


@dataclass
class _Through:
    send: Callable[..., object]


@pytest.fixture
async def school(tmp_path: Path) -> AsyncIterator[School]:
    """A fresh one."""
    database = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'charter.sqlite3'}")
    yield School(database)
    await database.close()


# The headteacher is away: who is told instead (leak test 6), and what the person it is about gets to see (leak test 1)


async def goes_unanswered(school: School, name: str) -> None:
    """File, let everybody be silent, and hold every promise about who was told of it and what."""
    about, subject = CLASSES[name]
    receipt = await school.filed(about, subject)
    with capture_logs() as logs:
        await school.silence(receipt.ref)
    shown_before_sending = {each.id for each in (*receipt.route.handlers, *receipt.route.on_silence)}
    people = {f"person:{id}" for id in shown_before_sending | {"tess"}}
    assert school.told() <= people | ({"leadership"} if receipt.route.channel else set())
    assert len([name for name, _, _ in school.platform.shown if name == "leadership"]) <= 1
    nothing_given_away(school, subject, repr(logs))


def nothing_given_away(school: School, subject: str | None, logs: str = "") -> None:
    """No word of the report and no name of its subject, to anybody; to its subject nothing at all."""
    assert f"person:{subject}" not in school.told()
    said = "\n".join(text for _, _, text in school.platform.shown)
    assert SECRET not in said + logs
    assert subject is None or subject.capitalize() not in said + logs


@pytest.mark.parametrize("name", CLASSES)
async def test_silence_tells_only_those_whom_the_reporter_was_shown(school: School, name: str) -> None:
    """Over a weekend and to the last reminder; the channel has its one pointer at most, and never word of silence."""
    await goes_unanswered(school, name)
    reporter_told = [text for to, _, text in school.platform.shown if to == "person:tess"]
    assert len(reporter_told) == 1
    assert "You can ring:" in reporter_told[0]
    assert sum("still needs somebody" in text for _, _, text in school.platform.shown) >= REMINDERS


@pytest.mark.parametrize("name", CLASSES)
async def test_a_desk_that_tells_everybody_is_stopped_at_the_door(
    school: School, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right to know is checked again when a notice is sent, whatever was written."""
    _tell_everybody(monkeypatch)
    await goes_unanswered(school, name)


@pytest.mark.parametrize("name", CLASSES)
async def test_without_the_door_everybody_would_be_told(
    school: School, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: the same assertions fail when the check at sending is taken away."""
    _tell_everybody(monkeypatch)
    monkeypatch.setattr("bot.cases.pointers.may_know", lambda *_: True)
    monkeypatch.setattr("bot.notices.compose.FOR_THE_CHANNEL", frozenset(NoticeKind))
    with pytest.raises(AssertionError):
        await goes_unanswered(school, name)


@pytest.mark.parametrize("name", ["pupil", "parent"])
async def test_without_the_channels_own_guard_silence_would_stand_there(
    school: School, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: where a pointer may stand in the channel, only its kind keeps the rest out."""
    _tell_everybody(monkeypatch)
    monkeypatch.setattr("bot.notices.compose.FOR_THE_CHANNEL", frozenset(NoticeKind))
    with pytest.raises(AssertionError):
        await goes_unanswered(school, name)


def _tell_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk with the worst of faults: each of its notices goes to the channel and to everybody on the roster."""
    working = Files.notices

    def to_all(self: Files, kind: NoticeKind, ref: str, people: object, channel: bool = False) -> tuple[Notice, ...]:  # noqa: ARG001
        return working(self, kind, ref, [each.id for each in self.roster.having(Role)], channel=True)

    monkeypatch.setattr(Files, "notices", to_all)


# It turns out later whom it is about


async def is_rerouted(school: School, name: str) -> None:
    """A pupil's case, its notices not yet out, turns out to be about a handler; they hear nothing of it any more."""
    about, subject = CLASSES[name]
    receipt = await school.filed(About.STUDENT, None)
    school.platform.down = True
    await school.worker.deliver_due()
    mover = SAM if subject == HEAD.id else HEAD
    await school.desk.reroute(receipt.ref, mover, about, subject, "It is about somebody else.")
    school.platform.down = False
    school.clock.forward(seconds=5)
    await school.silence(receipt.ref)
    nothing_given_away(school, subject)
    assert school.told() <= {f"person:{id}" for id in (*(await school.case(receipt.ref)).handlers, "tess")}


@pytest.mark.parametrize("name", MEMBERS_OF_STAFF)
async def test_after_a_late_reroute_the_subject_hears_nothing(school: School, name: str) -> None:
    """Nor does the channel, which they may read: notices on their way are stopped."""
    await is_rerouted(school, name)


@pytest.mark.parametrize("name", MEMBERS_OF_STAFF)
async def test_without_the_door_notices_on_their_way_would_arrive(
    school: School, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof."""
    monkeypatch.setattr("bot.cases.pointers.may_know", lambda *_: True)
    with pytest.raises(AssertionError):
        await is_rerouted(school, name)


# A crash between "saved" and "notified" (leak test 10)

MOMENTS = ["saved", "claimed", "shown"]


async def dies_and_comes_back(school: School, moment: str, name: str = "pupil") -> int:
    """The process dies at this moment; the next one delivers everything, once, and says where it cannot be sure.

    Gives the number of notices.
    """
    receipt = await school.filed(*CLASSES[name])
    destinations = {f"person:{each.id}" for each in receipt.route.handlers}
    destinations |= {"leadership"} if receipt.route.channel else set()
    await _die(school, moment, len(destinations))
    school.clock.forward(seconds=61)
    await school.another().deliver_due()
    assert school.told() == destinations
    for key in {key for _, key, _ in school.platform.shown}:
        texts = [text for _, each, text in school.platform.shown if each == key]
        assert all(REPEAT in text for text in texts[1:])
    first_lines = [(to, text.splitlines()[1]) for to, _, text in school.platform.shown if REPEAT not in text]
    assert len(first_lines) == len(set(first_lines))
    nothing_given_away(school, CLASSES[name][1])
    return len(destinations)


async def _die(school: School, moment: str, notices: int) -> None:
    """Kill the worker while a messenger has its notices, before or after they were shown; no verdict is written."""
    if moment == "saved":
        return
    reached = asyncio.Semaphore(0)

    async def send(destination: Destination, reply: Reply, key: str) -> Delivery:
        if moment == "shown":
            await school.platform.send(destination, reply, key)
        reached.release()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(school.another(send).run())
    for _ in range(notices):
        await reached.acquire()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("forgetful", [False, True], ids=["remembers keys", "forgets keys"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", CLASSES)
async def test_a_crash_loses_nothing_repeats_nothing_unmarked_and_shows_no_content(
    school: School, name: str, moment: str, forgetful: bool
) -> None:
    """A platform that knows its keys shows each notice once; one that does not shows a marked repeat."""
    school.platform.forgetful = forgetful
    notices = await dies_and_comes_back(school, moment, name)
    times = 2 if forgetful and moment == "shown" else 1
    assert len(school.platform.shown) == notices * times


@pytest.mark.parametrize("name", CLASSES)
async def test_notices_outside_the_cases_transaction_would_be_lost(
    school: School, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: written after the case, they are not there when the process dies in between."""
    working = SqlCaseStore.create

    async def dies(self: SqlCaseStore, case: Case, draft: str, first: Event, _: Sequence[Notice]) -> Case | None:
        return await working(self, case, draft, first, ())

    monkeypatch.setattr(SqlCaseStore, "create", dies)
    with pytest.raises(AssertionError):
        await dies_and_comes_back(school, "saved", name)


@pytest.mark.parametrize("name", CLASSES)
async def test_without_the_mark_a_repeat_would_pass_for_news(
    school: School, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: the claim forgets that another worker had the notice before."""
    _change_claims(monkeypatch, lambda notice: replace(notice, repeat=False))
    school.platform.forgetful = True
    with pytest.raises(AssertionError):
        await dies_and_comes_back(school, "shown", name)


@pytest.mark.parametrize("name", CLASSES)
async def test_without_a_lasting_key_a_notice_would_be_shown_twice(
    school: School, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: a key of its own for each try, unmarked, and the platform cannot tell."""
    _change_claims(monkeypatch, lambda notice: replace(notice, id=uuid4().hex, repeat=False))
    with pytest.raises(AssertionError):
        await dies_and_comes_back(school, "shown", name)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", CLASSES)
async def test_without_the_desks_silence_content_would_be_shown(
    school: School, name: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: the desk lets a notice say what was reported."""

    async def all_of_it(*_: object) -> str:
        return SECRET

    monkeypatch.setattr("bot.cases.pointers._public_text", all_of_it)
    with pytest.raises(AssertionError):
        await dies_and_comes_back(school, moment, name)


def _change_claims(monkeypatch: pytest.MonkeyPatch, change: Callable[[Notice], Notice]) -> None:
    working = storage._claimed
    monkeypatch.setattr(storage, "_claimed", lambda row: replace(working(row), notice=change(working(row).notice)))
