"""A Charter without a face, to be killed: files, takes and answers cases as fast as it can and delivers notices.

It says through its pipe what it knows is stored.
"""

from __future__ import annotations

import asyncio
import os
import random
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from bot.cases.desk import Desk
from bot.cases.model import Receipt
from bot.model import Delivery, Destination, Reply, Sent
from bot.notices.model import Notice
from bot.notices.worker import Worker
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, open_database
from bot.storage.memory import SqlMemory
from bot.storage.outbox import SqlOutbox
from bot.storage.sealing import Sealer
from tests.small_school import NUMBERS, ROSTER, SAM, TESS, WallClock, filing

LEASE = 0.3


class FileBox:
    """A messenger that shows each key once, as a file of that name; `tried` gets a line for every attempt."""

    def __init__(self, folder: Path, slowness: float = 0.0) -> None:
        self._folder = folder
        self._slowness = slowness
        (folder / "shown").mkdir(parents=True, exist_ok=True)

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Show a message, with time to be killed before and after."""
        with (self._folder / "tried").open("a") as tried:
            tried.write(f"{key}\n")
        await asyncio.sleep(random.uniform(0, self._slowness))
        self._show(key, f"{destination.name} {reply.lead}")
        await asyncio.sleep(random.uniform(0, self._slowness))
        return Sent(key)

    def _show(self, key: str, text: str) -> None:
        half = self._folder / f"half-{key}-{os.getpid()}"
        half.write_text(text)
        shown = self._folder / "shown" / key
        if not shown.exists():
            os.link(half, shown)
        half.unlink()


class Rig:
    """Desk, memory and worker on one file."""

    def __init__(self, database: Database, box: Path, key: str, slowness: float = 0.0) -> None:
        clock, sealer = WallClock(), Sealer([key])
        self.wake = asyncio.Event()
        self.desk = Desk(SqlCaseStore(database, sealer), ROSTER, clock, NUMBERS, self.wake)
        self.memory = SqlMemory(database, sealer, clock)
        self.outbox = SqlOutbox(database)
        self.worker = Worker(self.outbox, FileBox(box, slowness), self.compose, clock, self.wake, LEASE)

    async def compose(self, notice: Notice) -> Reply:
        """What it is and of which case."""
        return Reply(f"{notice.kind.value} {notice.ref}")


def url(path: Path) -> str:
    """The address of an SQLite file."""
    return f"sqlite+aiosqlite:///{path}"


async def work(rig: Rig, mouth: Connection, prefix: str) -> None:
    """One case after another, until killed; what is said must be true for ever."""
    for number in count():
        draft = f"{prefix}-{number}"
        await rig.memory.save_draft(draft, TESS, "report", {"what": draft})
        say(mouth, "saved", draft)
        receipt = await rig.desk.file(filing(draft=draft, answers={"What happened?": f"words of {draft}"}))
        if not isinstance(receipt, Receipt):
            raise TypeError(receipt)
        say(mouth, "filed", draft, receipt.ref)
        await rig.desk.acknowledge(receipt.ref, SAM)
        say(mouth, "taken", draft, receipt.ref)
        await rig.desk.reply(receipt.ref, SAM, f"answer to {draft}")
        say(mouth, "replied", draft, receipt.ref)


def say(mouth: Connection, what: str, draft: str = "", ref: str = "") -> None:
    """Tell the test."""
    mouth.send_bytes(f"{what},{draft},{ref}".encode())


async def work_and_deliver(mouth: Connection, database: Path, box: Path, key: str, prefix: str) -> None:
    """Side by side, until killed."""
    rig = Rig(await open_database(url(database)), box, key, slowness=0.03)
    say(mouth, "ready")
    await asyncio.gather(rig.worker.run(), work(rig, mouth, prefix))


def run(mouth: Connection, database: Path, box: Path, key: str, prefix: str) -> None:
    """The child's whole life."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    asyncio.run(work_and_deliver(mouth, database, box, key, prefix))
