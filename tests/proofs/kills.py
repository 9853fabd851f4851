"""Charter is killed again and again while it works; then it is started once more, and everything is counted."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.cases.model import CaseView
from bot.render.words import TemplateWords
from bot.storage.audit import Finding, verify
from bot.storage.database import open_database
from bot.storage.sealing import Sealer
from tests.databases import Place, Postgres, sqlite_in
from tests.proofs.child import STEPS, Rig, run
from tests.small_school import SAM

Row = tuple[object, ...]

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["__main__", run.__module__])
"""Each child is a process of its own; only the imports are shared, for speed."""

PATIENCE = 120
MOST_SECONDS = 1.2
"""A child lives for a random part of this."""


@dataclass
class Aftermath:
    """What the killed processes said, and what stands there after a last start has delivered the rest."""

    place: Place
    box: Path
    processes: int
    key: str = field(default_factory=lambda: Fernet.generate_key().decode())
    said: dict[str, dict[str, str]] = field(default_factory=lambda: {"saved": {}, **{step: {} for step in STEPS}})
    kills: int = 0
    looks: dict[str, Row] = field(default_factory=dict)

    def kill_some(self) -> None:
        """Run children side by side and kill each: just after it has stored a case, or at a random moment."""
        ears = [self._start(f"r{self.kills + number}") for number in range(self.processes)]
        for child, ear in ears:
            self._listen(ear, random.choice(["ready", "filed"]))
            time.sleep(random.uniform(0, MOST_SECONDS / self.processes))
            child.kill()
            self.kills += 1
        for child, ear in ears:
            self._listen(ear)
            child.join()

    def _start(self, prefix: str) -> tuple[BaseProcess, Connection]:
        ear, mouth = PROCESSES.Pipe(duplex=False)
        child = PROCESSES.Process(target=run, args=(mouth, self.place.url, self.box, self.key, prefix))
        child.start()
        mouth.close()
        return child, ear

    def _listen(self, ear: Connection, until: str = "") -> None:
        """Hear the child out, or until it has said a word."""
        heard = ""
        with suppress(EOFError):
            while heard != until or not until:
                heard, draft, ref = ear.recv_bytes().decode().split(",")
                if heard in self.said:
                    self.said[heard][draft] = ref

    def rows(self, query: str) -> list[Row]:
        """What stands in the database."""
        return asyncio.run(self.place.rows(query))

    def shown(self) -> list[dict[str, str]]:
        """Every message that people saw, in no order."""
        return [json.loads(line) for file in self.box.glob("shown-*") for line in file.read_text().splitlines()]

    def log(self) -> str:
        """Everything that was logged."""
        return "".join(file.read_text() for file in self.box.glob("log-*"))

    async def last_start(self) -> None:
        """Start once more and deliver until nothing is left."""
        await self.place.left_alone()
        database = await open_database(self.place.url)
        await _deliver_all(Rig(database, self.box, self.key))
        await database.close()
        self.looks = await looks_of(self.place)

    async def whole(self) -> set[Row]:
        """How a case may look: after each step of one that nobody disturbs."""
        database = await open_database(self.place.url)
        rig, ref, looks = Rig(database, self.box, self.key), "", set()
        for step in STEPS:
            ref = await rig.do(step, "undisturbed", ref)
            looks.add((await looks_of(self.place))[ref])
        await _deliver_all(rig)
        await database.close()
        return looks

    async def read(self, refs: list[str]) -> dict[str, CaseView]:
        """The cases as a handler sees them."""
        database = await open_database(self.place.url)
        desk = Rig(database, self.box, self.key).desk
        views = {ref: await desk.open(ref, SAM) for ref in refs}
        await database.close()
        return {ref: view for ref, view in views.items() if isinstance(view, CaseView)}

    async def audit(self) -> tuple[Finding, ...]:
        """What the audit finds."""
        database = await open_database(self.place.url)
        found = await verify(database, Sealer([self.key]))
        await database.close()
        return found


async def _deliver_all(rig: Rig) -> None:
    """On a busy machine a notice may need more than one try."""
    async with asyncio.timeout(PATIENCE):
        while await rig.outbox.next_due() is not None:
            await rig.worker.deliver_due()
            await asyncio.sleep(0.02)


async def looks_of(place: Place) -> dict[str, Row]:
    """Each case without what differs from one to the next: state, count, story, notices, contents, handlers."""
    parts: defaultdict[object, list[object]] = defaultdict(list)
    for query in (
        "SELECT id, ref FROM cases",
        "SELECT id, state FROM cases",
        "SELECT id, version FROM cases",
        "SELECT id, events FROM cases",
        "SELECT case_id, act FROM case_events ORDER BY case_id, seq",
        "SELECT cases.id, notices.kind FROM notices JOIN cases USING (ref) ORDER BY notices.seq",
        "SELECT cases.id, notices.destination FROM notices JOIN cases USING (ref) ORDER BY notices.seq",
        "SELECT case_id, seq FROM case_content ORDER BY case_id, seq",
        "SELECT case_id, person FROM case_handlers ORDER BY case_id, place",
        "SELECT case_id, closed FROM case_handlers ORDER BY case_id, place",
    ):
        for id, part in await place.rows(query):
            parts[id].append(part)
    return {str(ref): tuple(look) for ref, *look in parts.values()}


class AfterKills:
    """What must hold after `KILLS` kills and `CASES` cases, with `PROCESSES` at work at once."""

    KILLS: int
    CASES: int

    @pytest.fixture(scope="class", params=["sqlite", "postgresql"])
    @classmethod
    def aftermath(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
    ) -> Aftermath:
        """Kills, and a last start."""
        folder = tmp_path_factory.mktemp("kills")
        place = sqlite_in(folder) if request.param == "sqlite" else postgres.fresh(migrated=False)
        found = Aftermath(place, folder / "box", processes=1 if request.param == "sqlite" else 2)
        while found.kills < cls.KILLS or len(found.said["filed"]) < cls.CASES:
            found.kill_some()
        asyncio.run(found.last_start())
        print(
            f"\n{request.param}: {found.kills} kills, {len(found.said['filed'])} cases, {len(found.shown())} messages"
        )
        return found

    def test_everything_that_was_said_to_be_stored_is_there(self, aftermath: Aftermath) -> None:
        """Every receipt and every step stands in its case, word for word."""
        views = asyncio.run(aftermath.read(list(aftermath.said["filed"].values())))
        assert len(views) == len(aftermath.said["filed"]) >= self.CASES
        for draft, ref in aftermath.said["filed"].items():
            assert views[ref].answers == {"What happened?": f"filed words of {draft}."}
            told = {entry.what: entry.words for entry in views[ref].story}
            for step in STEPS:
                assert step in told or draft not in aftermath.said[step]
            for step in ("replied", "added", "closed"):
                assert step not in told or f"{step} words of {draft}." in told[step]

    def test_no_case_is_half_written(self, aftermath: Aftermath) -> None:
        """Each looks as one that nobody disturbed looked after one of its steps, and is filed once."""
        drafts = aftermath.rows("SELECT draft FROM cases")
        assert len(set(drafts)) == len(drafts) == len(aftermath.looks)
        assert set(aftermath.looks.values()) <= asyncio.run(aftermath.whole())

    def test_every_notice_was_shown(self, aftermath: Aftermath) -> None:
        """At the right place; shown again only with words that say so."""
        written = dict(aftermath.rows("SELECT id, destination FROM notices"))
        showings = aftermath.shown()
        assert {each["key"]: each["to"] for each in showings} == written
        assert aftermath.rows("SELECT id FROM notices WHERE NOT finished OR sent_at IS NULL") == []
        repeat = TemplateWords.load().say("notice_repeat")
        unmarked = Counter(each["key"] for each in showings if repeat not in each["words"])
        assert max(unmarked.values()) == 1

    def test_no_notice_and_no_log_holds_content(self, aftermath: Aftermath) -> None:
        """Nor does anything on the disk, in the clear."""
        told = aftermath.log() + "".join(each["words"] for each in aftermath.shown())
        assert "case_filed" in told
        for secret in ("words of", "Advice given", "What happened?"):
            assert secret not in told
            assert secret.encode() not in aftermath.place.stored()

    def test_a_draft_is_either_there_or_filed(self, aftermath: Aftermath) -> None:
        """Filing and the draft's removal happen together."""
        drafts = {id for (id,) in aftermath.rows("SELECT id FROM drafts")}
        filed = {id for (id,) in aftermath.rows("SELECT draft FROM cases")}
        assert set(aftermath.said["saved"]) <= drafts | filed
        assert not drafts & filed

    def test_the_chain_is_whole(self, aftermath: Aftermath) -> None:
        """The audit finds nothing, and SQLite no fault in its file."""
        assert asyncio.run(aftermath.audit()) == ()
        if "sqlite" in aftermath.place.url:
            assert aftermath.rows("PRAGMA integrity_check") == [("ok",)]
            assert aftermath.rows("PRAGMA foreign_key_check") == []
