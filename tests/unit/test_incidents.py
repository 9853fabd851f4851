"""The types of incident: strictly read, guessed from words, and each walked to a filing with its own questions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.cases.model import About, Urgency
from bot.dialogs.form import REVIEW, STEP, Values, answers, turn
from bot.dialogs.incidents import FILE, INCIDENTS, Incident, IncidentsError, load
from bot.dialogs.report import REPORT
from bot.model import FieldKind, Role
from tests.filling import CALM, STORY, context, walk
from tests.guidance import library

TWELVE = (
    "pupil_request",
    "pupil_message",
    "staff_contact",
    "photo",
    "derogatory",
    "confidential",
    "password",
    "impersonation",
    "device",
    "misconstrued",
    "colleague_concern",
    "leader_concern",
)
SPINE = ["what", "when", "where", "people", "known"]
SUBJECTS = {About.COLLEAGUE: "dan", About.SLT_OR_DSL: "sam", About.GOVERNOR: "other"}
NO_STAFF = {About.STUDENT, About.PARENT, About.UNKNOWN, About.SELF}


def kinds() -> list[tuple[Incident, About]]:
    """Every type with everybody whom it can be about."""
    whom = [*SUBJECTS, *sorted(NO_STAFF), About.HEADTEACHER, About.CHAIR]
    return [(one, about) for one in INCIDENTS.types for about in whom if one in INCIDENTS.offered(about)]


def told(one: Incident, about: About) -> Values:
    """Good answers to everything that a report of this type asks."""
    extra = {f.name: f.options[0].value if f.options else "As I said" for f in one.fields(about)}
    whom = {"about": about, "subject": SUBJECTS.get(about, ""), "conflict": "no"}
    return {**CALM, **whom, **STORY, "type": one.name, **extra}


def test_the_twelve_types_stand_there_and_one_for_the_rest() -> None:
    """In the order in which they are offered."""
    assert tuple(one.name for one in INCIDENTS.types) == (*TWELVE, "other")


@pytest.mark.parametrize(("one", "about"), kinds(), ids=lambda it: getattr(it, "name", str(it)))
def test_every_type_can_be_walked_to_a_filing_with_its_questions_in_order(one: Incident, about: About) -> None:
    """The spine, then the type's own questions, then what there is and what was done; all of it is filed."""
    done = walk(told(one, about))
    assert done.values[STEP] == REVIEW
    put = [field.name for step in REPORT.steps(done.values, context()) for field in step.fields]
    own = [field.name for field in one.fields(about)]
    assert put[put.index("what") :] == [*SPINE, *own, "evidence", "done"]
    filing = REPORT.filing("d", done.values, context())
    assert {field.label for field in one.fields(about)} <= filing.answers.keys()
    assert filing.answers["What kind of thing is it?"] == one.label
    assert (filing.about, filing.also) == (about, one.also)


@pytest.mark.parametrize(("one", "about"), kinds(), ids=lambda it: getattr(it, "name", str(it)))
def test_a_forged_type_or_answer_is_not_taken(one: Incident, about: About) -> None:
    """What was not offered for whom it is about neither passes nor stays."""
    good = {**told(one, about)}
    wrong = [other.name for other in INCIDENTS.types if other not in INCIDENTS.offered(about)]
    for forged in (*wrong, "no_such_type"):
        turned = turn(REPORT, "d", {**good, "type": "", STEP: "type"}, "next", {"type": forged}, context())
        assert turned.values["type"] == ""
        assert turned.values[STEP] == "type"
    for field in one.fields(about):
        if field.options:
            turned = turn(REPORT, "d", {**good, STEP: field.name}, "next", {field.name: "forged"}, context())
            assert turned.values[field.name] != "forged"
            assert turned.values[STEP] == field.name


def test_another_type_keeps_what_was_typed_for_the_first() -> None:
    """Coming back to the first type finds its answers again; only the chosen type's are filed."""
    first, second = (INCIDENTS.get(name) for name in ("pupil_message", "impersonation"))
    assert first is not None
    assert second is not None
    values = {**told(first, About.STUDENT), **told(second, About.STUDENT)}
    assert values["pupil_message.replied"] == "As I said"
    filed = answers(REPORT, values, context())
    assert first.questions[0].label not in filed
    assert second.questions[0].label in filed


@pytest.mark.parametrize("name", ["colleague_concern", "leader_concern"])
def test_a_worry_about_staff_is_never_weighed(name: str) -> None:
    """No threshold, no intent, no severity: only who else was there, in words."""
    one = INCIDENTS.get(name)
    assert one is not None
    assert [(question.kind, question.optional) for question in one.questions] == [(FieldKind.TEXT, True)]
    assert one.about <= {About.COLLEAGUE, About.GOVERNOR, About.SLT_OR_DSL, About.HEADTEACHER, About.CHAIR}


def test_why_it_was_needed_is_asked_only_of_the_person_themselves() -> None:
    """Nobody is asked for another person's reasons."""
    one = INCIDENTS.get("staff_contact")
    assert one is not None
    for about in About:
        assert ("staff_contact.needed" in {f.name for f in one.fields(about)}) is (about is About.SELF)


@pytest.mark.parametrize(
    ("name", "also"), [("confidential", Role.DPO), ("password", Role.IT), ("device", Role.IT), ("photo", None)]
)
def test_some_types_add_a_role_to_the_recipients(name: str, also: Role | None) -> None:
    """Data protection for private information; IT for log-ins and devices."""
    one = INCIDENTS.get(name)
    assert one is not None
    assert one.also == ({also} if also else set())


@pytest.mark.parametrize(
    ("name", "answer", "urgency"),
    [
        ("confidential", {}, Urgency.HIGH),
        ("device", {}, Urgency.HIGH),
        ("pupil_request", {}, Urgency.NORMAL),
        ("impersonation", {"impersonation.contacted": "no"}, Urgency.NORMAL),
        ("impersonation", {"impersonation.contacted": "yes"}, Urgency.HIGH),
        ("derogatory", {"derogatory.threat": "unsure"}, Urgency.HIGH),
        ("derogatory", {"derogatory.threat": "no"}, Urgency.NORMAL),
        ("other", {"impersonation.contacted": "yes"}, Urgency.NORMAL),
    ],
)
def test_the_type_and_its_answers_set_the_urgency(name: str, answer: Mapping[str, str], urgency: Urgency) -> None:
    """A rule decides first; an answer left over from another type does not count."""
    one = INCIDENTS.get(name)
    assert one is not None
    values = {**told(one, About.STUDENT), **answer}
    assert REPORT.filing("d", values, context()).urgency is urgency


@pytest.mark.parametrize("one", INCIDENTS.types, ids=lambda one: one.name)
def test_the_receipt_says_what_to_do_at_once(one: Incident) -> None:
    """Each piece of advice rests on a paragraph that is there, and the do-not list stands beneath."""
    clauses = {clause.id for clause in library().clauses}
    after = REPORT.after({"type": one.name})
    assert after.advice
    assert {advice.paragraph for advice in after.advice} <= clauses
    for word in ("reply", "hit back", "question", "look", "delete", "discuss", "post"):
        assert word in after.do_not


@pytest.mark.parametrize(
    ("text", "about", "name"),
    [
        ("a year 9 girl sent me a friend request on insta", About.STUDENT, "pupil_request"),
        ("there is a fake profile pretending to be me", About.UNKNOWN, "impersonation"),
        ("I left my work laptop bag on the bus, stolen I think", About.SELF, "device"),
        ("I gave the cover teacher my password", About.SELF, "password"),
        ("a friend request from a pupil", About.COLLEAGUE, None),
        ("something odd happened", About.STUDENT, None),
    ],
)
def test_the_type_is_guessed_from_words_among_those_offered(text: str, about: About, name: str | None) -> None:
    """No word, no guess; and never a type that cannot be about such a person."""
    guess = INCIDENTS.guess(text, about)
    assert (guess.name if guess else None) == name


GOOD = FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "photo"', 'name = "photo"\nsize = "big"', "size"),
        ('name = "photo"', 'name = "device"', "stands there twice"),
        ('urgency = "high"', 'urgency = "very"', "urgency"),
        ('also = ["dpo"]', 'also = ["caretaker"]', "also"),
        (', unsure = "I\'m not sure" }', " }", "unsure"),
        ('kind = "long_text"', 'kind = "any_of"', "kind"),
        ('urgent = ["yes"]', 'urgent = ["perhaps"]', "urgent"),
        ('paragraph = "social-contact.1"', "", "paragraph"),
        ("do_not =", "don't =", "incidents.toml"),
    ],
)
def test_what_is_not_understood_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    """An unknown or missing key, a repeated name, a value that does not exist: the error says where."""
    assert old in GOOD
    file = tmp_path / "incidents.toml"
    file.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(IncidentsError, match=said):
        load(file)


def test_a_fourth_question_is_one_too_many(tmp_path: Path) -> None:
    """At most three."""
    one = '[[type.questions]]\nname = "q{}"\nlabel = "Q?"\nkind = "text"\n'
    file = tmp_path / "incidents.toml"
    file.write_text(GOOD + "".join(one.format(n) for n in range(4)), encoding="utf-8")
    with pytest.raises(IncidentsError, match="questions"):
        load(file)
