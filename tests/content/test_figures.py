"""The reader holds its figures on a writer it never saw, and the command line speaks the agreed form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.understanding import Figures, figures, unseen
from bot.consider import Consider
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import EXAMPLE_SCHOOL, ROOT, load_school
from guidance_kb.library import Library
from guidance_kb.model import Force, Verdict
from intents.model import Intent
from intents.train.examples import EXAMPLES

SAMPLE = ROOT / "tests" / "eval" / "sample.jsonl"
HELD_OUT = "04-many-roles"


@pytest.fixture(scope="module")
def measured() -> Figures:
    """The figures of a reader learned without one writer, on that writer."""
    library = Library.load(ROOT / "guidance_kb")
    replies = Replies(TemplateWords.load(), library, load_school(EXAMPLE_SCHOOL).contacts)
    lines = (EXAMPLES / f"{HELD_OUT}.jsonl").read_text(encoding="utf-8").splitlines()
    found, _ = figures([json.loads(line) for line in lines], Consider(unseen(HELD_OUT, library), library), replies)
    return found


def test_unseen_wording_is_understood_no_worse_than_before(measured: Figures) -> None:
    """A change that makes Charter understand less, miss disclosures or say more dangerous things does not pass."""
    assert measured.first_shot >= FIRST_SHOT
    assert measured.urgent_recall >= URGENT
    assert measured.alarms <= ALARMS
    assert measured.dangerous <= DANGEROUS


FIRST_SHOT, URGENT, ALARMS, DANGEROUS = 50, 90, 10, 2
"""A little below what was measured (docs/understanding.md), so that noise passes and loss does not."""


def test_a_batch_prints_every_line_in_order_and_in_form() -> None:
    """`ask --batch` gives one JSON object a line with the fields and values that others rely on."""
    done = subprocess.run(
        [sys.executable, "app.py", "ask", "--batch", str(SAMPLE)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    asked = [json.loads(line)["id"] for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in answers] == asked
    paragraphs = {clause.id for clause in Library.load(ROOT / "guidance_kb").clauses}
    for answer in answers:
        assert answer["intent"] in set(Intent)
        assert answer["verdict"] is None or answer["verdict"] in set(Verdict)
        assert answer["force"] is None or answer["force"] in set(Force)
        assert set(answer["citations"]) <= paragraphs
        assert len(answer["options"]) <= 4
        assert all(set(option["citations"]) <= paragraphs and option["label"] for option in answer["options"])
        assert answer["answered"] == (answer["verdict"] is not None)
        assert isinstance(answer["urgent"], bool)
        assert isinstance(answer["escalate"], bool)
        assert isinstance(answer["facts"], dict)
        assert answer["text"]
        assert answer["ms"] > 0


def test_nothing_is_stored_by_asking_on_the_command_line(tmp_path: Path) -> None:
    """The command line keeps no conversation."""
    database = tmp_path / "none.sqlite3"
    subprocess.run(
        [sys.executable, "app.py", "ask", "--json", "can I text a mum?"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "CHARTER_DATABASE_URL": f"sqlite+aiosqlite:///{database}"},
    )
    assert not database.exists()
