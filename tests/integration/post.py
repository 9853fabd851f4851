"""Desk, outbox, watcher and worker on one database, and a messenger that fails where a test wants it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cryptography.fernet import Fernet
from prometheus_client import CollectorRegistry

from bot.cases.desk import Desk
from bot.cases.model import Receipt, Urgency
from bot.cases.record import Case
from bot.model import Delivery, Destination, Reply, Sent
from bot.notices.failures import Gauges, failures
from bot.notices.model import Notice
from bot.notices.watch import Watch
from bot.notices.worker import Compose, Worker
from bot.ports import Clock
from bot.settings import EXAMPLE_SCHOOL, load_school
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database
from bot.storage.outbox import SqlOutbox
from bot.storage.sealing import Sealer
from tests.small_school import NUMBERS, ROSTER, filing

SECRET = "xylophone"
CALENDAR = load_school(EXAMPLE_SCHOOL).calendar


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


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[None]:
    """A worker at work in the background."""
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
