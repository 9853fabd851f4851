"""A Charter without a face, to be killed: files and handles cases as fast as it can and delivers their notices.

It says through its pipe what it knows is stored.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import structlog

from bot.cases.desk import Desk
from bot.cases.model import CaseView, Receipt
from bot.model import Delivery, Destination, Reply, Sent
from bot.notices.compose import Composer
from bot.notices.worker import Worker
from bot.render.words import TemplateWords
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database, open_database
from bot.storage.memory import SqlMemory
from bot.storage.outbox import SqlOutbox
from bot.storage.sealing import Sealer
from tests.small_school import NUMBERS, ROSTER, SAM, TESS, WallClock, filing

LEASE = 1.0
STEPS = ("filed", "acknowledged", "replied", "added", "closed")
"""What is done to each case, in this order."""


class FileBox:
    """A messenger without memory, as some platforms are: what is sent twice is shown twice. A line for each showing."""

    def __init__(self, folder: Path, slowness: float = 0.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"shown-{os.getpid()}"
        self._slowness = slowness

    async def send(self, destination: Destination, reply: Reply, key: str) -> Delivery:
        """Show a message, with time to be killed before and after."""
        await asyncio.sleep(random.uniform(0, self._slowness))
        words = "\n".join([reply.lead, *reply.body, reply.summary, reply.footnote])
        with self._file.open("ab", buffering=0) as file:
            file.write(json.dumps({"key": key, "to": destination.name, "words": words}).encode() + b"\n")
        await asyncio.sleep(random.uniform(0, self._slowness))
        return Sent(key)

    async def update(self, ref: str, reply: Reply) -> Delivery:  # noqa: ARG002
        """Nothing new is shown: the message stands where it stood."""
        return Sent(ref)


class Rig:
    """Desk, memory and worker on one database."""

    def __init__(self, database: Database, box: Path, key: str, slowness: float = 0.0) -> None:
        clock, sealer = WallClock(), Sealer([key])
        self.wake = asyncio.Event()
        self.desk = Desk(SqlCaseStore(database, sealer), ROSTER, clock, NUMBERS, self.wake)
        self.memory = SqlMemory(database, sealer, clock)
        self.outbox = SqlOutbox(database)
        compose = Composer(self.desk, TemplateWords.load(), clock).compose
        self.worker = Worker(self.outbox, FileBox(box, slowness), compose, clock, self.wake, LEASE)

    async def do(self, step: str, draft: str, ref: str) -> str:
        """Take one step with a case, with words that are its own; the reference."""
        words, desk = f"{step} words of {draft}.", self.desk
        match step:
            case "filed":
                return _filed(await desk.file(filing(draft=draft, answers={"What happened?": words})))
            case "acknowledged":
                done = await desk.acknowledge(ref, SAM)
            case "replied":
                done = await desk.reply(ref, SAM, words)
            case "added":
                done = await desk.add(ref, TESS, words)
            case _:
                done = await desk.close(ref, SAM, "Advice given", words)
        if not isinstance(done, CaseView):
            raise TypeError(done)
        return ref


def _filed(receipt: object) -> str:
    if not isinstance(receipt, Receipt):
        raise TypeError(receipt)
    return receipt.ref


async def work(rig: Rig, mouth: Connection, prefix: str) -> None:
    """One case after another, until killed; what is said must be true for ever."""
    for number in count():
        draft, ref = f"{prefix}-{number}", ""
        await rig.memory.save_draft(draft, TESS, "report", {"what": draft})
        say(mouth, "saved", draft)
        for step in STEPS:
            ref = await rig.do(step, draft, ref)
            say(mouth, step, draft, ref)


def say(mouth: Connection, what: str, draft: str = "", ref: str = "") -> None:
    """Tell the test."""
    mouth.send_bytes(f"{what},{draft},{ref}".encode())


async def work_and_deliver(mouth: Connection, url: str, box: Path, key: str, prefix: str) -> None:
    """Side by side, until killed."""
    rig = Rig(await open_database(url), box, key, slowness=0.03)
    say(mouth, "ready")
    await asyncio.gather(rig.worker.run(), work(rig, mouth, prefix))


def run(mouth: Connection, url: str, box: Path, key: str, prefix: str) -> None:
    """The child's whole life."""
    box.mkdir(parents=True, exist_ok=True)
    log = (box / f"log-{os.getpid()}").open("a", buffering=1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(log))
    asyncio.run(work_and_deliver(mouth, url, box, key, prefix))
