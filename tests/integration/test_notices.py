"""Delivery: in order, once, without waiting for each other, whatever a destination does."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from bot.cases.desk import Desk
from bot.cases.model import Receipt
from bot.cases.routing import Roster
from bot.model import Delivery, Destination, Gone, Later, Reply, Sent
from bot.notices.model import Notice, NoticeKind
from bot.notices.worker import Worker
from bot.ports import Clock
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, open_database
from bot.storage.outbox import SqlOutbox
from bot.storage.sealing import Sealer
from tests.small_school import NUMBERS, ROSTER, SAM, SITA, TESS, HandClock, WallClock, filing

SECRET = "xylophone"


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

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Show a message unless this destination is set to fail or hang."""
        self.tries.append(key)
        if destination.name in self.hangs:
            await self._hang()
        if destination.name in self.fails:
            return self.fails[destination.name]()
        if key not in self.shown:
            self.shown[key] = reply
            self.order[destination.name].append(reply.lead)
            self.news.set()
        return Sent(f"m-{key}")

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
        self.desk = Desk(SqlCaseStore(database, Sealer([Fernet.generate_key()])), ROSTER, clock, NUMBERS, self.wake)
        self.worker = self.another()

    def another(self, lease: float = 60.0) -> Worker:
        """A worker on the same outbox."""
        return Worker(self.outbox, self.box, self.compose, self.clock, self.wake, lease)

    async def compose(self, notice: Notice) -> Reply | None:
        """Reference and kind; nothing for whoever lost the right to know."""
        pointer = await self.desk.pointer(notice)
        mark = " (again)" if notice.repeat else ""
        return Reply(f"{notice.kind.value} {notice.ref}{mark}") if pointer else None

    async def filed(self, excluded: frozenset[str] = frozenset()) -> str:
        """File a report."""
        receipt = await self.desk.file(filing(excluded=excluded, answers={"What happened?": SECRET}))
        assert isinstance(receipt, Receipt)
        return receipt.ref

    async def shows(self, count: int) -> None:
        """Wait until so many messages were shown, in the real time of a running worker."""
        async with asyncio.timeout(5):
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
    async with running(post.another(lease=0.4)):
        await post.filed(excluded=frozenset({"sita"}))
        await post.shows(1)
        ref = await post.filed()
        await post.shows(2)
        assert post.box.order["leadership"] == [f"pointer {ref}"]
        post.box.hangs.clear()
        await post.shows(3)
        assert (post.box.hanging, post.box.most_hanging) == (0, 1)
    assert post.box.order["person:sam"][0].endswith("(again)")


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
