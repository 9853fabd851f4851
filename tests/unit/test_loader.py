"""Strict loading of a guidance folder: what is wrong is named by file, entry and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from guidance_kb.facts import Matter, Who
from guidance_kb.loader import KnowledgeBaseError, load, load_coverage
from guidance_kb.model import Force, Offer, Verdict

CLAUSE = """
[[clause]]
id = "contact.1"
section = "Contact"
paragraph = 1
force = "never"
words = "Keep to school channels."
fingerprint = "abc"
"""

ROW = """
[[situation]]
id = "friend"
when = { matter = ["connect"], who = ["student", "leaver"] }
verdict = "prohibited"
force = "never"
clauses = ["contact.1"]
answer = "Decline it."
offers = ["report"]
covers = ["R1"]
"""


def folder_with(tmp_path: Path, situations: str = ROW, clauses: str = CLAUSE) -> Path:
    """Write a guidance folder of one file each."""
    for part, text in (("clauses", clauses), ("situations", situations)):
        (tmp_path / part).mkdir(exist_ok=True)
        (tmp_path / part / "one.toml").write_text(text, encoding="utf-8")
    return tmp_path


def complaint(folder: Path) -> KnowledgeBaseError:
    """Give the error that loading ends in."""
    with pytest.raises(KnowledgeBaseError) as caught:
        load(folder)
    return caught.value


def test_a_good_folder_loads_as_written(tmp_path: Path) -> None:
    """Every key of a clause and of a row arrives in its own type."""
    content = load(folder_with(tmp_path))
    (clause,), (row,) = content.clauses, content.situations
    assert (clause.id, clause.paragraph, clause.force) == ("contact.1", 1, Force.NEVER)
    assert row.when == {"matter": {Matter.CONNECT}, "who": {Who.STUDENT, Who.LEAVER}}
    assert (row.verdict, row.offers, row.covers, row.ask) == (Verdict.PROHIBITED, (Offer.REPORT,), ("R1",), None)
    assert content.files == {"contact.1": "clauses/one.toml", "friend": "situations/one.toml"}


@pytest.mark.parametrize(
    ("found", "instead", "key", "why"),
    [
        ('verdict = "prohibited"', 'verdict = "banned"', "verdict", "unknown value 'banned'"),
        ('force = "never"', 'force = "always"', "force", "unknown value 'always'"),
        ('offers = ["report"]', 'offers = ["telephone"]', "offers", "unknown value 'telephone'"),
        ('who = ["student", "leaver"]', 'whom = ["student"]', "when.whom", "unknown fact"),
        ('"student", "leaver"', '"pupil"', "when.who", "unknown value 'pupil'"),
        ('who = ["student", "leaver"]', "who = []", "when.who", "needs at least one value"),
        ('"student", "leaver"', '"student", "student"', "who", "'student' stands twice"),
        ('matter = ["connect"], ', "", "when", "must be a table that names the matter"),
        ('clauses = ["contact.1"]', 'clauses = ["contact.9"]', "clauses", "no clause 'contact.9'"),
        ('clauses = ["contact.1"]', "clauses = []", "clauses", "a row rests on at least one clause"),
        ('clauses = ["contact.1"]', 'clauses = "contact.1"', "clauses", "must be a list of words"),
        ('covers = ["R1"]', 'colour = "red"', "colour", "unknown key"),
        ('covers = ["R1"]', 'over = ["nobody"]', "over", "no other row 'nobody'"),
        ('covers = ["R1"]', 'over = ["friend"]', "over", "no other row 'friend'"),
        ('covers = ["R1"]', 'ask = "shoe_size"', "ask", "unknown fact 'shoe_size'"),
        ('answer = "Decline it."', 'answer = " "', "answer", "must be words"),
        ('answer = "Decline it."', "", "answer", "missing"),
    ],
)
def test_a_row_not_understood_is_named(tmp_path: Path, found: str, instead: str, key: str, why: str) -> None:
    """An error in a row says the file, the row, the key and what is wrong with it."""
    assert found in ROW
    error = complaint(folder_with(tmp_path, situations=ROW.replace(found, instead)))
    assert (error.file, error.entry, error.key, error.why) == ("situations/one.toml", "friend", key, why)
    assert str(error) == f"situations/one.toml, friend, {key}: {why}"


@pytest.mark.parametrize(
    ("found", "instead", "key"),
    [("paragraph = 1", "paragraph = 0", "paragraph"), ('words = "', 'word = "', "word"), ("never", "ever", "force")],
)
def test_a_clause_not_understood_is_named(tmp_path: Path, found: str, instead: str, key: str) -> None:
    """An error in a clause says the file, the clause and the key."""
    error = complaint(folder_with(tmp_path, clauses=CLAUSE.replace(found, instead)))
    assert (error.file, error.entry, error.key) == ("clauses/one.toml", "contact.1", key)


def test_an_id_may_stand_only_once(tmp_path: Path) -> None:
    """A second row of the same id is an error that says where the first stands."""
    folder = folder_with(tmp_path)
    (folder / "situations" / "two.toml").write_text(ROW, encoding="utf-8")
    error = complaint(folder)
    assert (error.file, error.key, error.why) == ("situations/two.toml", "id", "stands already in situations/one.toml")


@pytest.mark.parametrize("text", ["not toml at all", 'title = "hello"', "[situation]\nid = 'x'"])
def test_a_file_that_is_no_list_of_rows_is_refused(tmp_path: Path, text: str) -> None:
    """Broken TOML, a loose key and a single table are errors, never rows that are silently left out."""
    assert complaint(folder_with(tmp_path, situations=text)).file == "situations/one.toml"


def test_over_may_name_rows_by_pattern(tmp_path: Path) -> None:
    """A pattern in `over` stands for every other row whose id matches, never for the row itself."""
    more = ROW.replace('"friend"', '"friend-again"') + ROW.replace('"friend"', '"friend-first"')
    rows = load(folder_with(tmp_path, situations=ROW + more.replace("covers", 'over = ["friend*"]\ncovers'))).situations
    assert rows[2].over == {"friend", "friend-again"}


def test_coverage_lists_ids_with_words(tmp_path: Path) -> None:
    """A folder without a coverage file asks for nothing; a line without words is an error."""
    assert load_coverage(tmp_path) == {}
    (tmp_path / "coverage.toml").write_text('R1 = "Friend requests"\n', encoding="utf-8")
    assert load_coverage(tmp_path) == {"R1": "Friend requests"}
    (tmp_path / "coverage.toml").write_text("R1 = 3\n", encoding="utf-8")
    with pytest.raises(KnowledgeBaseError, match=r"coverage\.toml, top level, R1: must be words"):
        load_coverage(tmp_path)
