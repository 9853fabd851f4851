"""Another body's rules are another folder: nothing but TOML and its own document, and other verdicts come of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from guidance_kb.check import check
from guidance_kb.document import bind, read_document
from guidance_kb.facts import parse_facts
from guidance_kb.library import Library
from guidance_kb.model import Verdict

FOLDER = Path(__file__).parent.parent / "fixtures" / "second_guidance"


@pytest.fixture(scope="module")
def academy() -> Library:
    """The music academy's rules."""
    return Library.load(FOLDER)


@pytest.mark.parametrize(
    ("told", "row", "verdict"),
    [
        ({"matter": "connect", "who": "student"}, "befriend-young-pupil", Verdict.PROHIBITED),
        ({"matter": "connect", "who": "student", "age": "adult"}, "befriend-grown-pupil", Verdict.CONDITIONAL),
        ({"matter": "message", "who": "student", "age": "adult"}, "message-grown-pupil", Verdict.REFER),
        ({"matter": "look_up", "who": "student"}, "watch-public-clips", Verdict.PERMITTED),
        ({"matter": "message", "who": "parent", "account": "personal"}, "family-by-own-phone", Verdict.PERMITTED),
        ({"matter": "share_login", "who": "colleague"}, "share-booking-password", Verdict.CONDITIONAL),
        ({"matter": "share_login", "who": "parent"}, "share-password-otherwise", Verdict.PROHIBITED),
        ({"matter": "take_pictures", "account": "personal"}, "record-on-own-phone", Verdict.PROHIBITED),
        ({"matter": "take_pictures", "account": "school"}, "record-on-academy-recorder", Verdict.PERMITTED),
        ({"matter": "dating"}, "not-in-these-rules", Verdict.REFER),
    ],
)
def test_the_folder_alone_decides_the_ruling(
    academy: Library, told: dict[str, str], row: str, verdict: Verdict
) -> None:
    """The academy's own rows rule, where the school's guidance would say otherwise too."""
    ruling = academy.rule(parse_facts(told))
    assert ruling is not None
    assert (ruling.id, ruling.verdict) == (row, verdict)


def test_nothing_is_wrong_with_it_as_a_whole(academy: Library) -> None:
    """The check finds no gap, contradiction, unreachable row, unused clause or overstated answer."""
    assert check(academy) == ()


def test_its_document_binds_whole(academy: Library) -> None:
    """Every clause finds its paragraph word for word and nothing in the document is unaccounted for."""
    binding = bind(read_document(FOLDER / "document.md"), academy.clauses)
    assert binding.findings == ()
    assert all(binding.is_current(clause.id) for clause in academy.clauses)
    assert binding.quote("recordings.2") == (
        "A concert clip may go on the academy's page once the pupil has signed the green slip. "
        "For anyone below 18, a parent signs as well."
    )
