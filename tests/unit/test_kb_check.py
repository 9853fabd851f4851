"""The check of a knowledge base finds each kind of fault, and nothing in the guidance that ships."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from guidance_kb.check import Finding, Kind, check
from guidance_kb.facts import Matter
from guidance_kb.library import Library
from guidance_kb.loader import load_coverage
from guidance_kb.model import Clause, Force, Situation, Verdict
from tests.small_table import row

FOLDER = Path(__file__).parents[2] / "guidance_kb"
RULE = Clause("contact.1", "Contact", 1, Force.SHOULD, "Keep your distance.", "a")
OTHER = Clause("contact.2", "Contact", 2, Force.INFO, "Why we ask.", "b")


def found(kind: Kind, rows: Iterable[Situation], clauses: Iterable[Clause] = (RULE,)) -> list[str]:
    """Give the entries that the check finds of this kind."""
    return [finding.entry for finding in check(Library(clauses, rows)) if finding.kind is kind]


def test_the_guidance_that_ships_is_free_of_findings() -> None:
    """Every rule and unsettled matter is covered, and the table has no gap, contradiction or dead row."""
    assert [str(finding) for finding in check(Library.load(FOLDER), load_coverage(FOLDER))] == []


def test_the_coverage_list_names_every_rule_and_unsettled_matter() -> None:
    """61 rules and 45 unsettled matters, numbered without a hole."""
    expected = [f"R{n:02}" for n in range(1, 62)] + [f"G{n:02}" for n in range(1, 46)]
    assert list(load_coverage(FOLDER)) == expected


def test_a_crossing_that_rules_two_ways_is_a_contradiction() -> None:
    """Two rows that can hold together and say different things are named, unless one goes over the other."""
    yes, no = row("yes", Verdict.PERMITTED, account="school"), row("no", who="student")
    assert found(Kind.CONTRADICTION, [yes, no]) == ["yes"]
    assert found(Kind.CONTRADICTION, [replace(yes, over=frozenset({"no"})), no]) == []
    assert found(Kind.CONTRADICTION, [replace(yes, verdict=Verdict.PROHIBITED), no]) == []


def test_another_first_clause_is_a_contradiction_too() -> None:
    """The same verdict on another paragraph is another answer."""
    rows = [row("a", who="student"), replace(row("b", account="school"), clauses=("contact.2",))]
    assert found(Kind.CONTRADICTION, rows, (RULE, OTHER)) == ["a"]


def test_rows_that_cannot_hold_together_do_not_contradict() -> None:
    """Different values of one fact, or different matters, keep rows apart."""
    assert found(Kind.CONTRADICTION, [row("a", who="student"), row("b", Verdict.PERMITTED, who="parent")]) == []
    assert (
        found(Kind.CONTRADICTION, [row("a", who="student"), row("b", Verdict.PERMITTED, matter="meet", age="adult")])
        == []
    )


def test_a_third_row_that_settles_the_crossing_removes_the_contradiction() -> None:
    """It must settle all of it: what it leaves open is still found."""
    rows = [row("yes", Verdict.PERMITTED, account="school"), row("no", who="student parent")]
    assert found(Kind.CONTRADICTION, [*rows, row("third", who="student parent", account="school")]) == []
    assert found(Kind.CONTRADICTION, [*rows, row("third", who="student", account="school")]) == ["yes"]


def test_a_row_that_never_wins_is_unreachable() -> None:
    """Narrower rows that together take every value leave the wider one nothing."""
    rows = [row("wide", who="leaver", age="adult under_18"), row("a", who="leaver", age="adult")]
    assert found(Kind.UNREACHABLE, rows) == []
    assert found(Kind.UNREACHABLE, [*rows, row("b", who="leaver", age="under_18")]) == ["wide"]


def test_a_matter_without_a_row_for_the_bare_question_is_a_gap() -> None:
    """No row at all, and only rows that demand further facts, are both gaps."""
    gaps = {finding.entry: finding.words for finding in check(Library((RULE,), [row("a", who="student")]))}
    assert gaps["connect"] == "no row holds when nothing else is told"
    assert gaps["meet"] == "no row"
    assert "connect" not in found(Kind.GAP, [row("a")])
    assert len(found(Kind.GAP, [])) == len(Matter)


def test_words_stronger_than_the_clauses_are_found() -> None:
    """A row may speak as strongly as the strongest clause it rests on, and no stronger."""
    strong = replace(row("strong"), force=Force.NEVER)
    assert found(Kind.OVERSTATED, [row("even"), strong]) == ["strong"]


def test_asking_for_a_fact_that_changes_nothing_is_found() -> None:
    """`ask` must name a fact that some narrower row of each of its matters tells apart."""
    asking = replace(row("asking", matter="connect meet", who="leaver"), ask="age")
    here, there = row("a", who="leaver", age="adult"), row("b", matter="meet", who="leaver", age="adult")
    assert found(Kind.IDLE_ASK, [asking, here, there]) == []
    findings = [f for f in check(Library((RULE,), [asking, here])) if f.kind is Kind.IDLE_ASK]
    assert findings == [Finding(Kind.IDLE_ASK, "situations", "asking", "no row on meet tells its 'age' apart")]


def test_a_clause_that_no_row_cites_is_found() -> None:
    """Every paragraph must be reachable by some answer."""
    assert found(Kind.UNUSED_CLAUSE, [row("a")], (RULE, OTHER)) == ["contact.2"]


@pytest.mark.parametrize(
    ("covers", "kind", "entry"), [(("R01",), Kind.NOT_COVERED, "R02"), (("R01", "R02", "R99"), Kind.UNKNOWN_COVER, "a")]
)
def test_coverage_is_held_against_the_list(covers: tuple[str, ...], kind: Kind, entry: str) -> None:
    """A required id that no row covers is found, and so is a covered id that is not on the list."""
    library = Library((RULE,), [replace(row("a"), covers=covers)])
    findings = check(library, {"R01": "One thing", "R02": "Another"})
    assert [f.entry for f in findings if f.kind is kind] == [entry]


def test_a_finding_reads_with_its_file_and_entry() -> None:
    """What is printed leads the policy owner to the line to mend."""
    finding = Finding(Kind.GAP, "situations/contact.toml", "connect", "no row")
    assert str(finding) == "situations/contact.toml: connect: gap: no row"
