"""How forms move, and the order of the report: safety, whom it is about, who receives it, and only then the story."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.cases.desk import Desk
from bot.cases.model import Filing, NoRoute, Route, Urgency
from bot.cases.routing import Roster
from bot.dialogs import FORMS
from bot.dialogs.form import ALARM, REVIEW, STEP, Context, Turned, page, turn
from bot.model import Page, Person, Platform
from bot.settings import EXAMPLE_SCHOOL, load_school
from tests.small_school import HandClock, MemoryCaseStore

SCHOOL = load_school(EXAMPLE_SCHOOL)
PEOPLE = {person.id: person for person in SCHOOL.people}
STORY = {"what": "It happened.", "when": "Monday", "where": "Instagram", "people": "A pupil", "known": "saw"}


def context(person: Person = PEOPLE["priya"]) -> Context:
    """What a form may know, for one member of the example school."""
    desk = Desk(MemoryCaseStore(), Roster(SCHOOL.people, frozenset({Platform.WEB})), HandClock(), SCHOOL.numbers())

    def route(filing: Filing) -> Route | NoRoute:
        return desk.route_for(filing.kind, filing.about, filing.reporter, filing.subject, filing.excluded)

    return Context(SCHOOL, person, route)


def walk(answers: Mapping[str, str], name: str = "report", person: Person = PEOPLE["priya"]) -> Turned:
    """Answer page after page until one has no answer, a field is wrong, or the review is reached."""
    form, where = FORMS[name], context(person)
    turned = Turned({}, page(form, "d", {}, where))
    for _ in range(40):
        assert turned.page is not None
        fields = turned.page.fields
        if turned.values.get(STEP) == REVIEW or any(f.error for f in fields):
            return turned
        if any(f.name not in answers and f.required for f in fields):
            return turned
        before = turned.values
        turned = turn(form, "d", before, "next", {f.name: answers.get(f.name, "") for f in fields}, where)
        if turned.values == before:
            return turned
    raise AssertionError("the form does not end")


def shown(turned: Turned) -> Page:
    """The page of a draft that is not ready."""
    assert turned.page is not None
    return turned.page


CALM = {"danger": "no", "risk": "no", "image": "no"}


def test_whom_it_is_about_comes_before_any_free_text() -> None:
    """Nothing is typed before the route is known and shown."""
    turned = walk(CALM)
    assert [field.name for field in shown(turned).fields] == ["about"]
    turned = walk({**CALM, "about": "student"})
    assert [field.name for field in shown(turned).fields] == ["what"]


def test_recipients_are_shown_before_the_story() -> None:
    """The reporter reads who receives it, by name, before writing a word."""
    form, where = FORMS["report"], context()
    values = {**CALM, "about": "colleague", "subject": "dan", STEP: "recipients"}
    intro = " ".join(page(form, "d", values, where).intro)
    assert "Helen Marsh" in intro
    assert "Dan Webb" not in intro.split("It does not go to")[0]


def test_danger_brings_up_the_numbers_at_once_and_for_good() -> None:
    """Somebody in danger: ring first; the safety card stays on every later page."""
    turned = turn(FORMS["report"], "d", {}, "next", {"danger": "yes"}, context())
    assert turned.values[ALARM] == "child"
    assert "Ring now" in shown(turned).intro[0]
    filed = walk({"danger": "yes", "risk": "no", "image": "no", "about": "student", **STORY})
    assert FORMS["report"].filing("d", filed.values, context()).urgency is Urgency.HIGH


def test_not_sure_counts_as_a_child_at_risk() -> None:
    """Doubt about a child's safety is treated as risk."""
    assert walk({"danger": "no", "risk": "unsure"}).values[ALARM] == "child"


def test_an_adult_at_risk_goes_by_voice_only() -> None:
    """Charter takes no words about an adult at risk: it shows the number."""
    last = shown(walk({"danger": "no", "risk": "adult", **STORY, "about": "student"}))
    assert last.fields == ()
    assert any("Adult social care" in line for line in last.intro)


@pytest.mark.parametrize("forged", ["next", "send"])
def test_a_sexual_picture_of_a_child_stops_the_form(forged: str) -> None:
    """Nothing is recorded; no press, forged ones included, leads past the stop."""
    turned = walk({"danger": "no", "risk": "no", "image": "yes"})
    assert turned.values[STEP] == "image_stop"
    again = turn(FORMS["report"], "d", turned.values, forged, {"@true": "yes", **STORY}, context())
    assert again.page is not None
    assert again.values[STEP] == "image_stop"


def test_the_headteacher_is_never_shown_as_recipient_of_a_report_about_the_headteacher() -> None:
    """A report about the headteacher goes to the chair alone."""
    turned = walk({**CALM, "about": "headteacher", **STORY})
    intro = " ".join(shown(turned).intro)
    assert "Peter Lowe" in intro
    assert "Helen Marsh" not in intro


def test_excluding_everybody_takes_no_words() -> None:
    """When nobody safe is left the form shows numbers instead of a text box."""
    last = shown(walk({**CALM, "about": "self", "excluded": "helen", **STORY}))
    assert last.fields == ()
    assert any("020 7946" in line for line in last.intro)


def test_what_was_typed_is_kept_when_a_field_is_wrong_and_when_going_back() -> None:
    """Typed text is never lost."""
    form, where = FORMS["report"], context()
    values = {**CALM, "about": "student", STEP: "what"}
    too_long = turn(form, "d", values, "next", {"what": "x" * 4001}, where)
    assert shown(too_long).fields[0].error
    assert len(shown(too_long).fields[0].value) == 4000
    back = turn(form, "d", values, "back", {"what": "half a thought"}, where)
    assert back.values["what"] == "half a thought"


def test_a_password_is_not_kept_in_the_draft() -> None:
    """Refused text is not stored anywhere, drafts included."""
    values = {**CALM, "about": "student", STEP: "what"}
    turned = turn(FORMS["report"], "d", values, "next", {"what": "the password is Summer2024!"}, context())
    assert "what" not in turned.values
    assert "password" in shown(turned).fields[0].error


def test_a_choice_that_was_not_offered_is_not_taken() -> None:
    """A forged option neither passes nor stays."""
    turned = turn(FORMS["report"], "d", {**CALM, STEP: "about"}, "next", {"about": "everybody"}, context())
    assert "about" not in turned.values
    assert shown(turned).fields[0].error


def test_sending_needs_the_tick() -> None:
    """The reporter says that it is true before it is filed."""
    form, where, done = FORMS["report"], context(), walk({**CALM, "about": "student", **STORY})
    assert done.values[STEP] == REVIEW
    assert turn(form, "d", done.values, "send", {}, where).page is not None
    assert turn(form, "d", done.values, "send", {"@true": "yes"}, where).page is None


def test_send_before_the_review_files_nothing() -> None:
    """A forged `send` on an earlier page is not a filing."""
    assert turn(FORMS["report"], "d", {}, "send", {"@true": "yes"}, context()).page is not None


def test_the_people_kept_out_are_not_told_to_the_recipients() -> None:
    """Whom a reporter excludes is not part of what the handlers read."""
    done = walk({**CALM, "about": "student", "excluded": "sam", **STORY})
    filing = FORMS["report"].filing("d", done.values, context())
    assert filing.excluded == {"sam"}
    assert "Sam" not in str(filing.answers)


def test_the_channel_shows_exactly_what_the_asker_saw() -> None:
    """The review of a question shows the public text word for word, and flags names in it."""
    done = walk({"question": "May Mr Jones follow Dan Webb?", "named": "no"}, "ask_leadership")
    note = shown(done).intro
    filing = FORMS["ask_leadership"].filing("d", done.values, context())
    assert filing.public_text in note
    assert filing.public_text is not None
    assert "Priya" not in filing.public_text
    assert "Mr Jones" in note[-1]
    assert "Dan Webb" in note[-1]


@pytest.mark.parametrize("name", ["declare", "justify"])
def test_forms_about_oneself_show_their_recipient_first(name: str) -> None:
    """Declaring and justifying start with who will read it."""
    assert "Helen Marsh" in page(FORMS[name], "d", {}, context()).intro[0]


def test_progress_counts_up_to_the_review() -> None:
    """Each page says how far it is."""
    assert page(FORMS["ask_leadership"], "d", {}, context()).progress == "1 of 3"
