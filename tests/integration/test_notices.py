"""Delivery: in order, once, without waiting for each other, whatever a destination does; and silence goes on."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from bot.cases.desk import Desk
from bot.cases.model import Receipt, Urgency
from bot.cases.record import Case
from bot.cases.routing import Roster
from bot.model import Delivery, Destination, Gone, Later, Reply, Role, Sent
from bot.notices.compose import Composer
from bot.notices.failures import Gauges, failures
from bot.notices.model import Notice, NoticeKind
from bot.notices.watch import REMINDERS, Watch
from bot.notices.worker import Compose, Worker
from bot.ports import Clock
from bot.render.words import TemplateWords
from bot.settings import EXAMPLE_SCHOOL, load_school
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, open_database
from bot.storage.outbox import SqlOutbox
from bot.storage.sealing import Sealer
from tests.databases import Place
from tests.small_school import NUMBERS, PEOPLE, ROSTER, SAM, SITA, TESS, HandClock, WallClock, filing, person

SECRET = "xylophone"
CALENDAR = load_school(EXAMPLE_SCHOOL).calendar
DEPUTY = person("dora", Role.DEPUTY_DSL)


class Postbox:
    """A messenger that shows each key once and, on demand, fails for some destinations."""

    def __init__(self) -> None:
        self.shown: dict[str, Reply] = {}
        self.order: defaultdict[str, list[str]] = defaultdict(list)
        self.tries: list[str] = []
        self.fails: dict[str, Callable[[], Delivery]] = {}
        self.hangs: set[str] = set()
        self.hanging = self.most_hanging = 0
        self.news = asyncio.Event()
        self.times: defaultdict[str, list[float]] = defaultdict(list)

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Show a message unless this destination is set to fail or hang."""
        self.tries.append(key)
        self.times[destination.name].append(asyncio.get_running_loop().time())
        if destination.name in self.hangs:
            await self._hang()
        if destination.name in self.fails:
            return self.fails[destination.name]()
        if key not in self.shown:
            self.shown[key] = reply
            self.order[destination.name].append(reply.lead)
            self.news.set()
        return Sent(f"m-{key}")

    async def update(self, ref: str, reply: Reply) -> Delivery:
        """Show it where the message of that reference stands."""
        self.shown[ref.removeprefix("m-")] = reply
        return Sent(ref)

    async def _hang(self) -> None:
        self.hanging += 1
        self.most_hanging = max(self.most_hanging, self.hanging)
        try:
            await asyncio.Event().wait()
        finally:
            self.hanging -= 1


class Post:
    """Desk, outbox and worker on one database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self.wake = asyncio.Event()
        self.box = Postbox()
        self.outbox = SqlOutbox(database)
        self.store = SqlCaseStore(database, Sealer([Fernet.generate_key()]))
        self.desk = Desk(self.store, ROSTER, clock, NUMBERS, self.wake, patience=CALENDAR.due)
        self.watch = Watch(self.desk, self.store, self.outbox, clock, CALENDAR, Gauges(CollectorRegistry()), self.wake)
        self.worker = self.another()

    def another(self, lease: float = 60.0, gap: float = 0.0, compose: Compose | None = None) -> Worker:
        """A worker on the same outbox."""
        return Worker(self.outbox, self.box, compose or self.compose, self.clock, self.wake, lease, gap)

    async def compose(self, notice: Notice) -> Reply | None:
        """Reference and kind; nothing for whoever lost the right to know."""
        pointer = await self.desk.pointer(notice)
        mark = " (again)" if notice.repeat else ""
        return Reply(f"{notice.kind.value} {notice.ref}{mark}") if pointer else None

    async def filed(self, excluded: frozenset[str] = frozenset(), urgency: Urgency = Urgency.NORMAL) -> str:
        """File a report."""
        receipt = await self.desk.file(filing(excluded=excluded, answers={"What happened?": SECRET}, urgency=urgency))
        assert isinstance(receipt, Receipt)
        return receipt.ref

    async def case(self, ref: str) -> Case:
        """How it stands."""
        case = await self.store.find(ref)
        assert case is not None
        return case

    async def failing(self) -> list[tuple[str, bool]]:
        """The destinations that failed, and whether they were given up."""
        return [(each.notice.destination.name, each.gone) for each in await failures(self.outbox, self.clock.now())]

    async def shows(self, count: int) -> None:
        """Wait until so many messages were shown, in the real time of a running worker."""
        async with asyncio.timeout(20):
            while len(self.box.shown) < count:
                self.box.news.clear()
                await self.box.news.wait()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database."""
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'charter.sqlite3'}")
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> HandClock:
    """Time moved by hand."""
    return HandClock()


@pytest.fixture
def post(database: Database, clock: HandClock) -> Post:
    """Everything in order, nothing filed."""
    return Post(database, clock)


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    """A worker at work in the background."""
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_pointer_is_delivered_once_under_its_notices_id(post: Post) -> None:
    """And then the outbox is empty."""
    ref = await post.filed()
    assert await post.worker.deliver_due() == 1
    assert await post.worker.deliver_due() == 0
    assert post.box.order == {"leadership": [f"pointer {ref}"]}
    assert await post.outbox.next_due() is None


async def test_news_of_a_case_brings_its_pointer_up_to_date(post: Post) -> None:
    """The card in the channel is written anew in its place after each delivered notice, and stays one message."""
    ref = await post.filed()
    await post.worker.deliver_due()
    (key,) = post.box.shown
    before = post.box.shown[key]
    await post.desk.acknowledge(ref, SAM)
    await post.worker.deliver_due()
    assert post.box.shown[key] is not before
    assert post.box.order["leadership"] == [f"pointer {ref}"]


async def test_notices_of_one_destination_keep_their_order(post: Post) -> None:
    """Also when the first one has to wait: the later ones wait with it."""
    ref = await post.filed()
    await post.desk.acknowledge(ref, SAM)
    await post.desk.reply(ref, SAM, "words")
    await post.desk.close(ref, SAM, "Advice given", "told")
    post.box.fails["person:tess"] = lambda: Later(1)
    await post.worker.deliver_due()
    assert "person:tess" not in post.box.order
    post.box.fails.clear()
    post.clock.forward(seconds=2)  # type: ignore[attr-defined]
    await post.worker.deliver_due()
    assert post.box.order["person:tess"] == [f"acknowledged {ref}", f"replied {ref}", f"closed {ref}"]


async def test_one_destination_that_fails_delays_no_other(post: Post) -> None:
    """Of three handlers told in private, two are told at once."""
    await post.filed(excluded=frozenset({"sita"}))
    post.box.fails["person:sam"] = lambda: Later(3600)
    await post.worker.deliver_due()
    assert set(post.box.order) == {"person:hannah"}


async def test_waiting_grows_and_keeps_to_what_the_platform_asks(post: Post, clock: HandClock) -> None:
    """1, 2, 4 … seconds, at most a quarter of an hour, and never sooner than told."""
    await post.filed()
    waits = []
    for asked in (0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0, 5000):
        post.box.fails["leadership"] = lambda asked=asked: Later(asked)  # type: ignore[misc]
        await post.worker.deliver_due()
        due = await post.outbox.next_due()
        assert due is not None
        waits.append((due - clock.now()).total_seconds())
        clock.time = due
    assert waits == [1, 2, 4, 30, 16, 32, 64, 128, 256, 512, 900, 900, 5000]


async def test_a_destination_that_is_gone_is_given_up_and_logged_by_id(post: Post) -> None:
    """The next notice of that line goes on; logs hold no content."""
    ref = await post.filed()
    await post.desk.acknowledge(ref, SAM)
    post.box.fails["leadership"] = lambda: Gone("channel was archived")
    with capture_logs() as logs:
        await post.worker.deliver_due()
    assert {each["result"] for each in logs if each["event"] == "notice"} == {"gone", "sent"}
    assert await post.outbox.next_due() is None
    assert SECRET not in repr(logs)
    assert "Tess" not in repr(logs)


async def test_a_messenger_that_raises_is_tried_again_and_its_text_is_not_logged(post: Post, clock: HandClock) -> None:
    """An error's text may hold content; the message may have been shown, and the next one says so."""

    def broken() -> Delivery:
        raise RuntimeError(SECRET)

    ref = await post.filed()
    post.box.fails["leadership"] = broken
    with capture_logs() as logs:
        await post.worker.deliver_due()
    assert "RuntimeError" in repr(logs)
    assert SECRET not in repr(logs)
    post.box.fails.clear()
    clock.forward(seconds=1)
    await post.worker.deliver_due()
    assert post.box.order["leadership"] == [f"pointer {ref} (again)"]


async def test_what_was_surely_not_sent_is_no_repeat(post: Post, clock: HandClock) -> None:
    """A platform that said "later" has shown nothing."""
    ref = await post.filed()
    post.box.fails["leadership"] = lambda: Later(0)
    await post.worker.deliver_due()
    post.box.fails.clear()
    clock.forward(seconds=1)
    await post.worker.deliver_due()
    assert post.box.order["leadership"] == [f"pointer {ref}"]


async def test_what_may_have_been_shown_stays_marked_until_it_is_sent(post: Post, clock: HandClock) -> None:
    """Also when the platform refuses it, surely unseen, in between."""
    ref = await post.filed()
    await post.outbox.claim(clock.now(), timedelta(seconds=60))
    clock.forward(seconds=60)
    post.box.fails["leadership"] = lambda: Later(0)
    await post.worker.deliver_due()
    post.box.fails.clear()
    clock.forward(seconds=5)
    await post.worker.deliver_due()
    assert post.box.order["leadership"] == [f"pointer {ref} (again)"]


async def test_whoever_lost_the_right_to_know_gets_nothing(post: Post) -> None:
    """Rights are looked at again when a notice is sent."""
    await post.filed(excluded=frozenset({"sita"}))
    post.desk.roster = Roster([SITA, TESS])
    await post.worker.deliver_due()
    assert post.box.tries == []
    assert await post.outbox.next_due() is None


async def test_a_worker_that_died_leaves_its_notice_to_the_next(post: Post, clock: HandClock) -> None:
    """Not before the lease has run out; then under the same key, marked as a repeat."""
    ref = await post.filed()
    (dead,) = await post.outbox.claim(clock.now(), timedelta(seconds=60))
    clock.forward(seconds=59)
    assert await post.worker.deliver_due() == 0
    clock.forward(seconds=1)
    assert await post.worker.deliver_due() == 1
    assert post.box.tries == [dead.notice.id]
    assert post.box.order["leadership"] == [f"pointer {ref} (again)"]


async def test_a_late_worker_does_not_take_a_notice_back(post: Post, clock: HandClock) -> None:
    """Once another has claimed it, "later" from the first is nothing; "sent" is true whoever says it."""
    await post.filed()
    (first,) = await post.outbox.claim(clock.now(), timedelta(seconds=1))
    clock.forward(seconds=1)
    (second,) = await post.outbox.claim(clock.now(), timedelta(seconds=60))
    assert second.attempt == first.attempt + 1
    await post.outbox.later(first, clock.now())
    assert await post.outbox.claim(clock.now(), timedelta(seconds=60)) == ()
    await post.outbox.sent(first, "m", clock.now())
    assert await post.outbox.next_due() is None


async def test_many_workers_claim_each_notice_once(post: Post, clock: HandClock) -> None:
    """Five at once, on several connections."""
    for _ in range(3):
        await post.filed(excluded=frozenset({"sita"}))
    claims = await asyncio.gather(*(post.outbox.claim(clock.now(), timedelta(seconds=60)) for _ in range(5)))
    claimed = [each.notice.destination.name for some in claims for each in some]
    assert sorted(claimed) == ["person:hannah", "person:sam"]


async def test_a_running_worker_is_woken_by_filing(database: Database) -> None:
    """No polling interval stands between a report and its pointer."""
    post = Post(database, WallClock())
    async with running(post.worker):
        await asyncio.sleep(0.05)
        await post.filed()
        await post.shows(1)


async def test_a_running_worker_comes_back_by_itself(database: Database) -> None:
    """After "later" it needs nobody to wake it."""
    post = Post(database, WallClock())
    post.box.fails["leadership"] = lambda: post.box.fails.clear() or Later(0.1)  # type: ignore[func-returns-value]
    async with running(post.worker):
        await post.filed()
        await post.shows(1)
    assert len(post.box.tries) == 2


async def test_a_destination_that_hangs_delays_no_other(database: Database) -> None:
    """Others are served meanwhile; when its time is up it is tried again under the same key."""
    post = Post(database, WallClock())
    post.box.hangs.add("person:sam")
    async with running(post.another(lease=2)):
        await post.filed(excluded=frozenset({"sita"}))
        await post.shows(1)
        ref = await post.filed()
        await post.shows(2)
        assert post.box.order["leadership"] == [f"pointer {ref}"]
        post.box.hangs.clear()
        await post.shows(3)
        assert (post.box.hanging, post.box.most_hanging) == (0, 1)
    assert post.box.order["person:sam"][0].endswith("(again)")


async def test_words_that_cannot_be_written_delay_no_other_destination(database: Database) -> None:
    """Whether composing fails or hangs; since nothing was sent, the message that comes at last is no repeat."""
    post = Post(database, WallClock())
    broken = {"person:sam": asyncio.Event().wait, "person:hannah": _raise}

    async def compose(notice: Notice) -> Reply | None:
        if notice.destination.name in broken:
            await broken[notice.destination.name]()
        return await post.compose(notice)

    async with running(post.another(lease=2, compose=compose)):
        private = await post.filed(excluded=frozenset({"sita"}))
        public = await post.filed()
        await post.shows(1)
        assert post.box.order == {"leadership": [f"pointer {public}"]}
        broken.clear()
        await post.shows(3)
    assert post.box.order["person:sam"] == post.box.order["person:hannah"] == [f"pointer {private}"]


async def _raise() -> None:
    raise LookupError(SECRET)


async def test_messages_to_one_destination_keep_a_gap(database: Database) -> None:
    """A platform's limits are kept for each destination; the others do not wait for it."""
    post = Post(database, WallClock())
    ref = await post.filed()
    for act in (post.desk.acknowledge(ref, SAM), post.desk.reply(ref, SAM, "a"), post.desk.reply(ref, SAM, "b")):
        await act
    async with running(post.another(lease=2, gap=0.25)):
        await post.shows(4)
    first, second, third = post.box.times["person:tess"]
    assert min(second - first, third - second) >= 0.24
    assert post.box.times["leadership"][0] < second
    assert post.box.order["person:tess"] == [f"acknowledged {ref}", f"replied {ref}", f"replied {ref}"]


def test_a_gap_that_outlasts_the_lease_is_refused(post: Post) -> None:
    """It would let a second worker send what the first is about to send."""
    with pytest.raises(ValueError, match="gap"):
        post.another(lease=4, gap=1.1)


async def test_a_worker_survives_a_database_that_is_away(database: Database) -> None:
    """It says so, waits a second and goes on."""

    class Shaky(SqlOutbox):
        """Away the first time."""

        away = True

        async def next_due(self):  # type: ignore[no-untyped-def]
            if self.away:
                self.away = False
                raise OSError(SECRET)
            return await super().next_due()

    post = Post(database, WallClock())
    worker = Worker(Shaky(database), post.box, post.compose, post.clock, post.wake)
    with capture_logs() as logs:
        async with running(worker):
            await post.filed()
            await post.filed()
            await post.shows(2)
    assert "notices_unavailable" in {each["event"] for each in logs}
    assert SECRET not in repr(logs)


async def test_every_move_tells_whom_it_should(post: Post) -> None:
    """From filing to reopening, each notice reaches its people."""
    ref = await post.filed()
    await post.desk.add(ref, TESS, "more")
    await post.desk.acknowledge(ref, SAM)
    await post.desk.close(ref, SAM, "Advice given", "told")
    await post.desk.reopen(ref, SITA, "again")
    await post.worker.deliver_due()
    told = {(name, lead.split()[0]) for name, leads in post.box.order.items() for lead in leads}
    assert told == {
        ("leadership", NoticeKind.POINTER),
        *((f"person:{handler}", NoticeKind.ADDED) for handler in ("hannah", "sam", "sita")),
        ("person:tess", NoticeKind.ACKNOWLEDGED),
        ("person:tess", NoticeKind.CLOSED),
        *((f"person:{who}", NoticeKind.REOPENED) for who in ("tess", "hannah", "sam")),
    }


async def test_failures_are_seen_until_they_are_mended(place: Place) -> None:
    """On both databases: what was given up and what waits an hour, but not what nobody had a right to."""
    database, clock = await open_database(place.url), HandClock()
    post = Post(database, clock)
    await post.filed(excluded=frozenset({"sita"}))
    post.box.fails |= {"person:sam": lambda: Gone("account closed"), "person:hannah": lambda: Later(1)}
    await post.worker.deliver_due()
    assert await post.failing() == [("person:sam", True)]
    clock.forward(hours=1)
    assert await post.failing() == [("person:hannah", False), ("person:sam", True)]
    assert (await post.outbox.backlog()).counts == {NoticeKind.POINTER: 1}
    post.box.fails.clear()
    await post.worker.deliver_due()
    assert await post.failing() == [("person:sam", True)]
    assert ((await post.outbox.backlog()).counts, (await post.outbox.backlog()).oldest) == ({}, None)
    clock.forward(days=8)
    assert await post.failing() == []
    await database.close()


async def test_a_notice_withheld_is_no_failure(post: Post) -> None:
    """Nobody has to mend anything when a right has ended."""
    await post.filed(excluded=frozenset({"sita"}))
    post.desk.roster = Roster([SITA, TESS])
    await post.worker.deliver_due()
    assert await post.failing() == []


async def test_notices_on_their_own_are_written_once(place: Place) -> None:
    """Whoever writes them first; on both databases."""
    database = await open_database(place.url)
    post = Post(database, HandClock())
    ref = await post.filed()
    notices = [Notice(f"n{i}", Destination("sam"), NoticeKind.UNDELIVERED, ref, post.clock.now()) for i in range(3)]
    assert await post.outbox.add(notices[:2]) == 2
    assert await post.outbox.add(notices) == 1
    await post.worker.deliver_due()
    assert post.box.order["person:sam"] == [f"undelivered {ref}"] * 3
    await database.close()


async def test_the_other_handlers_hear_that_one_could_not_be_told(post: Post) -> None:
    """Once, in private, and with no word of what the case says."""
    ref = await post.filed(excluded=frozenset({"sita"}))
    post.box.fails["person:sam"] = lambda: Gone("account closed")
    for _ in range(3):
        await post.worker.deliver_due()
        await post.watch.look()
    assert post.box.order == {"person:hannah": [f"pointer {ref}", f"undelivered {ref}"]}


async def test_silence_goes_on_by_the_calendar_over_a_holiday_and_a_weekend(post: Post, clock: HandClock) -> None:
    """Filed at four on the last afternoon before half-term, and nobody takes it: the whole way to the truth."""
    clock.time = datetime(2026, 10, 23, 15, tzinfo=UTC)
    post.desk.roster = Roster([*PEOPLE, DEPUTY])
    worker = post.another(compose=Composer(post.desk, TemplateWords.load(), clock, CALENDAR).compose)
    ref = await post.filed(urgency=Urgency.HIGH)
    told: list[str] = []
    for _ in range(1 + REMINDERS + 1):
        await worker.deliver_due()
        post.box.order.clear()
        clock.time = (await post.case(ref)).due or clock.time
        await post.watch.look()
        await worker.deliver_due()
        told.append(f"{clock.time:%d %b %H:%M} {' '.join(sorted(post.box.order))}")
    everyone = "person:dora person:hannah person:sam person:sita"
    assert told == [
        f"02 Nov 08:30 {everyone}",
        f"02 Nov 09:30 {everyone}",
        f"02 Nov 10:30 {everyone}",
        f"02 Nov 11:30 {everyone}",
        "02 Nov 12:30 person:tess",
    ]
    assert (await post.case(ref)).due is None
    assert SECRET not in repr(post.box.shown)


async def test_a_reporter_nobody_answers_is_told_whom_to_ring(post: Post, clock: HandClock) -> None:
    """The numbers of their class, without those answered by somebody it is kept from."""
    worker = post.another(compose=Composer(post.desk, TemplateWords.load(), clock, CALENDAR).compose)
    ref = await post.filed(excluded=frozenset({"sita"}))
    for _ in range(REMINDERS + 1):
        clock.time = (await post.case(ref)).due or clock.time
        await post.watch.look()
    await worker.deliver_due()
    (last,) = [reply for reply in post.box.shown.values() if reply.lead.startswith("Nobody has taken")]
    assert "Headteacher: 1" in last.body
    assert "Safeguarding lead: 2" not in last.body


async def test_a_crash_between_escalation_and_delivery_loses_and_repeats_nothing(post: Post, clock: HandClock) -> None:
    """The step is stored with its notices: the next process delivers them and does not step again."""
    post.desk.roster = Roster([*PEOPLE, DEPUTY])
    ref = await post.filed(urgency=Urgency.HIGH)
    await post.worker.deliver_due()
    post.box.order.clear()
    clock.forward(hours=1)
    await post.watch.look()
    await post.outbox.claim(clock.now(), timedelta(seconds=60))
    clock.forward(seconds=61)
    await post.watch.look()
    await post.worker.deliver_due()
    assert post.box.order == {
        "person:dora": [f"escalated {ref} (again)"],
        **{f"person:{who}": [f"reminder {ref} (again)"] for who in ("hannah", "sam", "sita")},
    }
