"""The reader holds its figures on a writer it never saw, and the command line speaks the agreed form."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.consider import Consider
from bot.exam import Exam, labelled
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.settings import EXAMPLE_SCHOOL, ROOT, load_school
from guidance_kb.model import Force, Verdict
from intents.encoder import Encoder
from intents.model import Intent
from intents.reader import EncodedReader
from intents.train.examples import load_examples
from tests.guidance import library

SAMPLE = ROOT / "tests" / "eval" / "sample.jsonl"
UNSEEN = sorted((ROOT / "tests" / "eval").glob("unseen-*.jsonl"))
LONG = ROOT / "tests" / "eval" / "long.jsonl"


def sat(files: Iterable[Path]) -> Exam:
    """What Charter makes of these messages."""
    replies = Replies(TemplateWords.load(), library(), load_school(EXAMPLE_SCHOOL).contacts)
    messages = [message for file in files for message in labelled(file, library())]
    return Exam.sit(messages, Consider(EncodedReader(Encoder.load()), library()), replies)


@pytest.fixture(scope="module")
def exam() -> Exam:
    """What Charter makes of messages that its reader never saw."""
    return sat(UNSEEN)


def test_unseen_wording_is_understood_no_worse_than_before(exam: Exam) -> None:
    """A change that makes Charter understand less, miss disclosures or say more dangerous things does not pass."""
    assert len(exam.marked) >= 2_900
    assert exam.first_shot >= FIRST_SHOT
    assert exam.precision >= PRECISION
    assert exam.one_tap >= ONE_TAP
    assert all(exam.recognised(told) >= RECOGNISED for told in (Intent.REPORT, Intent.JUSTIFY, Intent.DECLARE))
    assert exam.urgent_recall >= URGENT
    assert exam.alarms <= ALARMS
    assert exam.off_topic_answered <= OFF_TOPIC
    assert len(exam.dangerous) <= DANGEROUS


FIRST_SHOT, PRECISION, ONE_TAP, RECOGNISED = 85, 95, 97, 92
URGENT, ALARMS, OFF_TOPIC, DANGEROUS = 99, 4, 1, 0
BURIED, LONG_ALARMS, LONG_FIRST_SHOT = 95, 60, 55
"""A little below what was measured (docs/understanding.md): what is read never varies, so only a change moves it."""


def test_long_messages_are_understood_wherever_it_stands() -> None:
    """A disclosure in the middle of a pasted mail raises the alarm, not every other mail does, and questions are found."""
    long = sat([LONG])
    assert long.urgent_recall >= BURIED
    assert long.alarms <= LONG_ALARMS
    assert long.first_shot >= LONG_FIRST_SHOT


def test_what_is_measured_was_not_trained_on() -> None:
    """No message of the exam stands among the examples."""
    unseen = {message.turns for file in [*UNSEEN, LONG] for message in labelled(file, library())}
    assert unseen.isdisjoint(example.turns for example in load_examples())


def test_the_report_names_the_fact_that_was_misread(exam: Exam) -> None:
    """Each miss says what came out and which facts were read otherwise; every wrong ruling is counted."""
    report = "\n".join(exam.report())
    assert "first_shot" in report
    missed = next(one for one in exam.misses() if one.misread())
    assert missed.misread()[0] in report
    assert sum(exam.confusion().values()) == len(exam.misses())


def test_a_batch_prints_every_line_in_order_and_in_form() -> None:
    """`ask --batch` gives one JSON object a line with the fields and values that others rely on."""
    done = subprocess.run(
        [sys.executable, "app.py", "ask", "--batch", str(SAMPLE)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    asked = [json.loads(line)["id"] for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    assert [answer["id"] for answer in answers] == asked
    paragraphs = {clause.id for clause in library().clauses}
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
