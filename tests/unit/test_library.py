"""Ruling on facts: which row wins, and where the contested lines of this guidance run."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import pytest

from guidance_kb.facts import Matter, parse_facts
from guidance_kb.library import Library
from guidance_kb.loader import KnowledgeBaseError
from guidance_kb.model import Clause, Force, Situation, Verdict
from tests.guidance import library
from tests.small_table import row

CLAUSES = (
    Clause("contact.1", "Contact", 1, Force.NEVER, "Never befriend students online.", "a"),
    Clause("phones.1", "Phones", 1, Force.MUST, "Use the work telephone for parents.", "b"),
)


def winner(rows: Iterable[Situation], **told: str) -> str | None:
    """Give the id of the row that rules on a friend request with these facts."""
    found = Library(CLAUSES, rows).rule(parse_facts({"matter": "connect", **told}))
    return found.id if found else None


def test_a_row_holds_only_when_every_fact_it_names_is_told() -> None:
    """A fact that nobody told never counts as allowed."""
    rows = [row("adult", who="leaver", age="adult")]
    assert winner(rows, who="leaver", age="adult") == "adult"
    assert winner(rows, who="leaver") is None
    assert winner(rows, who="leaver", age="under_18") is None
    assert winner(rows, matter="meet", who="leaver", age="adult") is None


def test_the_narrower_row_wins_whatever_the_order() -> None:
    """More facts, or fewer values of the same fact, make a row narrower."""
    rows = [
        row("any"),
        row("two", who="student leaver"),
        row("one", who="leaver"),
        row("aged", who="leaver", age="adult"),
    ]
    for order in (rows, rows[::-1]):
        assert winner(order) == "any"
        assert winner(order, who="student") == "two"
        assert winner(order, who="leaver") == "one"
        assert winner(order, who="leaver", age="adult") == "aged"


def test_with_the_same_conditions_the_row_for_fewer_matters_wins() -> None:
    """A row written for one matter goes before one that is shared by several."""
    rows = [row("shared", matter="connect meet", who="student"), row("own", who="student")]
    assert winner(rows, who="student") == "own"
    assert winner(rows, matter="meet", who="student") == "shared"


def test_over_decides_where_neither_row_is_narrower() -> None:
    """Of two rows that cross, the one that names the other goes first."""
    who, account = row("who", who="student"), row("account", account="school")
    assert winner([replace(who, over=frozenset({"account"})), account], who="student", account="school") == "who"
    assert winner([who, replace(account, over=frozenset({"who"}))], who="student", account="school") == "account"


def test_over_never_reaches_a_narrower_row() -> None:
    """An exception to the exception stands, even where a pattern in `over` takes it in."""
    rows = [row("wide", who="student", over=["narrow"]), row("narrow", who="student", age="adult")]
    assert winner(rows, who="student", age="adult") == "narrow"


def test_an_undecided_crossing_falls_to_most_facts_then_file_order() -> None:
    """Even where the table contradicts itself there is one answer, and always the same."""
    rows = [row("first", who="student"), row("second", account="school"), row("third", when="planned", age="adult")]
    assert winner(rows, who="student", account="school") == "first"
    assert winner(rows, who="student", account="school", when="planned", age="adult") == "third"


def test_rows_that_go_over_each_other_in_a_circle_are_refused() -> None:
    """A circle of `over` is an error at start, with the rows named."""
    rows = [row("a", who="student", over=["b"]), row("b", account="school", over=["a"])]
    with pytest.raises(KnowledgeBaseError, match="goes round in a circle"):
        Library(CLAUSES, rows)


def test_citations_keep_the_order_of_the_row() -> None:
    """The deciding clause comes first."""
    ruled = replace(row("r"), clauses=("phones.1", "contact.1"))
    assert [clause.id for clause in Library(CLAUSES, [ruled]).citations(ruled)] == ["phones.1", "contact.1"]


def test_search_finds_clauses_by_their_words() -> None:
    """Whatever case it is typed in, and nothing is found for words that stand nowhere."""
    library = Library(CLAUSES, [])
    assert [clause.id for clause in library.search("TELEPHONE for parents?")] == ["phones.1"]
    assert library.search("aardvark") == ()


def test_version_changes_with_the_content() -> None:
    """The same content gives the same version; another answer gives another."""
    rows = [row("r", who="student")]
    assert Library(CLAUSES, rows).version == Library(CLAUSES, [row("r", who="student")]).version
    assert Library(CLAUSES, rows).version != Library(CLAUSES, [replace(rows[0], answer="Other words.")]).version


@pytest.fixture(scope="module")
def guidance() -> Library:
    """Load the guidance that ships."""
    return library()


LINES = [
    # Who counts as a student
    ("connect who=student", "prohibited social-contact.1"),
    ("connect who=student age=adult", "prohibited social-contact.1"),
    ("connect who=leaver age=under_18", "prohibited scope.1"),
    ("connect who=leaver age=adult", "refer scope.1"),
    ("connect who=leaver", "refer scope.1"),
    ("connect who=child_elsewhere", "refer scope.1"),
    # The one family exception
    ("connect who=student tie=own_child", "permitted social-contact.1"),
    ("connect tie=own_child started_by=other", "permitted social-contact.1"),
    ("message who=student tie=own_child channel=phone account=personal", "refer protection-of-personal-information.2"),
    ("message who=student tie=own_child channel=social_network", "permitted social-contact.1"),
    ("connect who=student tie=step_child account=personal", "refer social-contact.1"),
    ("connect who=student tie=relative", "prohibited social-contact.1"),
    ("connect who=student tie=own_childs_friend", "prohibited social-contact.1"),
    ("group who=student tie=own_childs_friend account=personal", "prohibited social-contact.1"),
    # Contact with students
    ("look_up who=student", "prohibited social-contact.1"),
    ("react who=student account=personal", "prohibited social-contact.1"),
    ("play who=student channel=gaming", "prohibited social-contact.1"),
    ("shown who=student", "refer social-contact.1"),
    ("followed who=student", "refer protection-of-personal-information.4"),
    ("message who=student account=personal purpose=school", "prohibited protection-of-personal-information.2"),
    ("message who=student account=school channel=email", "permitted communication-between-students-school-staff.5"),
    ("message who=student account=school channel=phone", "conditional communication-between-students-school-staff.5"),
    ("message who=student account=school protocol=outside", "prohibited communication-between-students-school-staff.5"),
    ("answer who=student account=personal", "prohibited communication-between-students-school-staff.3"),
    ("answer who=student account=school channel=email", "permitted communication-between-students-school-staff.5"),
    ("not_answer who=student", "required communication-between-students-school-staff.3"),
    ("message who=student account=personal emergency=real", "refer purpose.7"),
    # Contact with parents
    ("message who=parent account=school", "permitted communication-between-students-school-staff.2"),
    ("message who=parent account=personal", "prohibited protection-of-personal-information.2"),
    ("message who=parent account=personal emergency=real", "refer purpose.7"),
    ("message who=parent account=personal tie=social_circle", "refer protection-of-personal-information.2"),
    (
        "message who=parent account=personal tie=social_circle purpose=school",
        "prohibited protection-of-personal-information.2",
    ),
    ("group who=parent account=personal", "prohibited protection-of-personal-information.2"),
    ("group who=parent account=school", "refer communication-between-students-school-staff.4"),
    ("connect who=parent tie=social_circle", "conditional social-contact.2"),
    ("connect who=parent tie=school_only", "conditional social-contact.2"),
    ("connect who=parent tie=social_circle openness=hidden", "prohibited social-contact.2"),
    ("give_details who=parent", "prohibited communication-between-students-school-staff.2"),
    ("give_details who=parent account=school", "permitted communication-between-students-school-staff.2"),
    # Clubs, details, colleagues, openness
    ("group who=student tie=outside_interest openness=open", "conditional social-contact.3"),
    ("group who=student tie=outside_interest openness=hidden", "refer social-contact.3"),
    ("message who=student tie=outside_interest account=personal", "prohibited social-contact.1"),
    ("ask_details who=student account=school", "permitted communication-between-students-school-staff.3"),
    ("ask_details who=student purpose=social", "prohibited communication-between-students-school-staff.3"),
    ("connect who=colleague account=personal", "permitted purpose.2"),
    ("group who=colleague", "permitted safer-online-behaviour.5"),
    ("keep_quiet who=parent", "prohibited principles.2"),
    ("acknowledge who=parent", "required social-contact.2"),
    ("misread_contact who=student", "required overview-and-expectations.3"),
]


@pytest.mark.parametrize(("told", "ruling"), LINES)
def test_contested_lines_run_where_the_guidance_draws_them(guidance: Library, told: str, ruling: str) -> None:
    """Each exception gets its own ruling, resting on its own paragraph."""
    matter, *facts = told.split()
    found = guidance.rule(parse_facts({"matter": matter, **dict(fact.split("=") for fact in facts)}))
    assert found is not None
    assert f"{found.verdict} {found.clauses[0]}" == ruling


def test_every_matter_answers_something_when_nothing_else_is_told(guidance: Library) -> None:
    """A person who tells only the matter is never left without a ruling."""
    assert [matter for matter in Matter if guidance.rule({"matter": matter}) is None] == []


def test_an_unsettled_matter_never_reads_as_settled(guidance: Library) -> None:
    """Every `refer` row offers a next step, and none of them speaks with a must or a never."""
    referring = [found for found in guidance.situations if found.verdict is Verdict.REFER]
    assert referring
    assert [found.id for found in referring if not found.offers] == []
    assert [found.id for found in referring if found.force in {Force.NEVER, Force.MUST}] == []


def test_ruling_takes_microseconds(guidance: Library) -> None:
    """Ruling is done on every message, so the whole table's matters are ruled on in well under a millisecond each."""
    told = parse_facts({"matter": "message", "who": "parent", "account": "personal", "channel": "phone"})
    begun = time.perf_counter()
    for _ in range(1000):
        guidance.rule(told)
    assert time.perf_counter() - begun < 0.5
