"""How forms move, and the order of the report: safety, whom it is about, who receives it, and only then the story."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from bot.cases.model import About, Filing, Urgency
from bot.dialogs import FORMS
from bot.dialogs.ask_leadership import ASK_LEADERSHIP
from bot.dialogs.form import ALARM, REVIEW, STEP, Checked, Values, Wish, carried, page, turn, unfinished
from bot.dialogs.naming import mentioned
from bot.dialogs.own_conduct import review_date
from bot.dialogs.report import REPORT
from bot.model import Field, Person
from tests.filling import CALM, PEOPLE, STORY, TODAY, TOLD, context, shown, walk, walk_on

SAM = "sam"


def test_whom_it_is_about_comes_before_any_free_text() -> None:
    """Nothing is typed before the route is known and shown."""
    turned = walk(CALM)
    assert [field.name for field in shown(turned).fields] == ["about"]
    turned = walk({**CALM, "about": "student"})
    assert [field.name for field in shown(turned).fields] == ["type"]
    turned = walk(TOLD)
    assert [field.name for field in shown(turned).fields] == ["what"]


def test_recipients_are_shown_before_the_story() -> None:
    """The reporter reads who receives it, by name, before writing a word."""
    form, where = FORMS["report"], context()
    values = {**CALM, "about": "colleague", "subject": "dan", "type": "other", STEP: "recipients"}
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
    turned = walk({**CALM, "about": "headteacher", "conflict": "no", **STORY})
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
    values = {**TOLD, STEP: "what"}
    too_long = turn(form, "d", values, "next", {"what": "x" * 4001}, where)
    assert shown(too_long).fields[0].error
    assert len(shown(too_long).fields[0].value) == 4000
    back = turn(form, "d", values, "back", {"what": "half a thought"}, where)
    assert back.values["what"] == "half a thought"


def test_a_password_is_not_kept_in_the_draft() -> None:
    """Refused text is not stored anywhere, drafts included."""
    values = {**TOLD, STEP: "what"}
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


# A draft stands where it may


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ({**CALM, "about": "student", STEP: "what"}, "type"),
        ({**CALM, "about": "student", "what": "It happened.", STEP: REVIEW}, "type"),
        ({"danger": "no", "risk": "no", STEP: "known"}, "image"),
        ({**TOLD, "known": "heard", **{k: v for k, v in STORY.items() if k != "known"}, STEP: REVIEW}, "known"),
        ({**TOLD, STEP: "a step of long ago"}, "danger"),
    ],
)
def test_a_draft_of_an_older_shape_opens_at_the_first_answer_it_lacks(values: Values, first: str) -> None:
    """No question was put then: it is put now, and what was typed is still there."""
    assert [field.name for field in page(REPORT, "d", values, context()).fields] == [first]
    again = turn(REPORT, "d", values, "send", {"@true": "yes"}, context())
    assert again.page is not None
    assert again.values.get("what") == values.get("what")


def test_a_declaration_begun_before_it_had_more_questions_goes_on() -> None:
    """Its answers stay, and the new questions are put."""
    old = {"who": "parent", "name": "Jo", "how": "Football", "online": "WhatsApp", "open": "", STEP: REVIEW}
    assert [field.name for field in page(FORMS["declare"], "d", old, context()).fields] == ["since"]
    done = walk_on(turn(FORMS["declare"], "d", old, "", {}, context()), {**old, **DECLARED}, "declare")
    assert done.values["online"] == "WhatsApp"


def test_a_second_press_loses_nothing() -> None:
    """What comes late, from the page before, neither answers the next page nor empties it."""
    values = {**TOLD, "what": "It happened.", "when": "Monday", STEP: "when"}
    late = turn(REPORT, "d", values, "next", {"what": "It happened again."}, context())
    assert late.values[STEP] == "when"
    assert late.values["when"] == "Monday"
    assert late.values["what"] == "It happened again."


def test_one_answer_can_be_changed_from_the_review() -> None:
    """It leads to that question and straight back; a change of whom it is about passes by the recipients."""
    done = walk({**TOLD, **STORY})
    there = turn(REPORT, "d", done.values, "change", {"@change": "where"}, context())
    assert there.values[STEP] == "where"
    back = turn(REPORT, "d", there.values, "next", {"where": "TikTok"}, context())
    assert (back.values[STEP], back.values["where"]) == (REVIEW, "TikTok")
    there = turn(REPORT, "d", back.values, "send", {"@change": "about", "@true": "yes"}, context())
    seen = [shown(there).fields[0].name]
    for sent in ({"about": "parent"}, {"type": "other"}, {"excluded": ""}):
        there = turn(REPORT, "d", there.values, "next", sent, context())
        seen.append(shown(there).fields[0].name)
    assert seen[:3] == ["about", "type", "excluded"]
    assert there.values[STEP] == REVIEW


# Words carried in, and drafts to go on with


def test_words_from_the_chat_are_carried_into_the_first_free_field() -> None:
    """They stand there to be edited; a password or a picture is not carried."""
    assert carried(REPORT, "A pupil added me") == {"what": "A pupil added me"}
    assert carried(ASK_LEADERSHIP, "May I?") == {"question": "May I?"}
    assert carried(FORMS["declare"], "I know a parent") == {}
    assert carried(REPORT, "the password is Summer2024!") == {}
    assert len(carried(REPORT, "x" * 9000)["what"]) == 4000


def test_the_type_is_guessed_from_the_words_and_can_be_changed() -> None:
    """The guess is picked beforehand; only what is submitted counts."""
    values = {**carried(REPORT, "someone made a fake account in my name"), **CALM, "about": "unknown", STEP: "type"}
    assert page(REPORT, "d", values, context()).fields[0].value == "impersonation"
    assert "type" not in values
    changed = turn(REPORT, "d", values, "next", {"type": "other"}, context())
    assert changed.values["type"] == "other"


def test_an_unfinished_form_is_named_with_its_time() -> None:
    """One line, with the day only when it was another."""
    saved = datetime(2026, 11, 30, 10, 24, tzinfo=UTC)
    assert "from 10:24" in unfinished(REPORT, saved, saved.replace(hour=12))
    assert "from yesterday, 10:24" in unfinished(REPORT, saved, saved.replace(month=12, day=1, hour=9))


# Saying it in person


def test_a_wish_to_speak_holds_no_words() -> None:
    """Whoever would rather speak chooses whom, sees that nothing else is sent, and files nothing."""
    values = {**TOLD, "what": "half a sentence", STEP: "recipients"}
    chosen = turn(REPORT, "d", values, "speak", {"excluded": SAM}, context())
    options = {option.value for option in shown(chosen).fields[0].options}
    assert options
    assert SAM not in options
    review = turn(REPORT, "d", chosen.values, "next", {"speak_to": "helen"}, context())
    assert "half a sentence" not in repr(shown(review))
    assert "Priya Shah asks to speak to you" in shown(review).intro[0]
    sent = turn(REPORT, "d", review.values, "send", {}, context())
    assert sent.page is None
    assert REPORT.ending("d", sent.values, context()) == Wish(About.STUDENT, None, "helen", frozenset({SAM}))
    with pytest.raises(TypeError):
        REPORT.filing("d", sent.values, context())


def test_somebody_who_changes_their_mind_can_write_after_all() -> None:
    """Back and Next: the story, with the words that were there."""
    values = {**TOLD, "what": "half a sentence", "way": "speak", STEP: "speak_to"}
    back = turn(REPORT, "d", values, "back", {}, context())
    on = turn(REPORT, "d", back.values, "next", {"excluded": ""}, context())
    assert shown(on).fields[0].value == "half a sentence"


def test_only_an_eligible_person_can_be_asked() -> None:
    """A forged choice of the person it is about, or of anybody else, is not taken."""
    values = {**CALM, "about": "slt_or_dsl", "subject": SAM, "type": "other", "way": "speak", STEP: "speak_to"}
    for forged in (SAM, "ruth", "dan"):
        turned = turn(REPORT, "d", values, "next", {"speak_to": forged}, context())
        assert shown(turned).fields[0].error


# Conflicts of interest


@pytest.mark.parametrize("answer", ["yes", "unsure"])
def test_a_conflict_with_the_chair_leaves_the_numbers_only(answer: str) -> None:
    """Neither head nor chair is told, and neither's number is shown."""
    last = shown(walk({**CALM, "about": "headteacher", "conflict": answer, **STORY}))
    assert last.fields == ()
    assert any("LADO" in line for line in last.intro)
    assert not any(name in line for line in last.intro for name in ("Peter Lowe", "Helen Marsh"))


def test_head_and_chair_together_leave_the_numbers_only() -> None:
    """Nobody in school is above both."""
    last = shown(walk({**CALM, "about": "conflict", **STORY}))
    assert last.fields == ()
    assert not any(name in line for line in last.intro for name in ("Peter Lowe", "Helen Marsh"))


def test_the_reason_for_keeping_somebody_out_is_not_told() -> None:
    """The chair does not read that a conflict was asked about."""
    done = walk({**CALM, "about": "headteacher", "conflict": "no", **STORY})
    assert "conflict" not in str(REPORT.filing("d", done.values, context()).answers)


# Not being sure


def test_not_being_sure_is_an_answer_to_everything_but_whom_it_is_about() -> None:
    """Every question with choices has it, in every form; the ones about people, dates and names of rooms do not need it."""
    without = {"about", "subject", "excluded", "named", "again", "speak_to"}
    for name, form in FORMS.items():
        for about in About:
            values = {**TOLD, "about": about, "subject": SAM}
            for step in form.steps(values, context()):
                for field in step.fields:
                    if field.options and field.name not in without and name != "ask_leadership":
                        assert any("not sure" in option.label for option in field.options), field.name


def test_where_a_sexual_picture_may_be_in_play_nobody_is_asked_for_evidence() -> None:
    """Not when it is not known, and not when the words speak of one."""
    assert "evidence" in names({**TOLD, **STORY})
    assert "evidence" not in names({**TOLD, **STORY, "image": "unsure"})
    assert "evidence" not in names({**TOLD, **STORY, "what": "They pass round a naked picture of a girl in Year 9"})


def names(values: Values) -> set[str]:
    """The fields that the steps of a report put."""
    return {field.name for step in REPORT.steps(values, context()) for field in step.fields}


# A leader named in the text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sam Carter shouted", True),
        ("mr carter shouted", True),
        ("It was CARTER again", True),
        ("Sam said it", True),
        ("Ask Carter's class", True),
        ("the same carters and a samosa", False),
        ("A pupil shouted", False),
    ],
)
def test_names_are_found_as_people_write_them(text: str, found: bool) -> None:
    """A surname in any case, a first name with its capital, a possessive; not a piece of another word."""
    assert bool(mentioned(text, [PEOPLE[SAM]])) is found


def test_accents_apostrophes_and_titles_do_not_hide_a_name() -> None:
    """Zoë O’Brien is found however a keyboard writes her."""
    zoe = Person("zoe", "Dr Zoë O’Brien", frozenset())
    assert mentioned("zoe said; Miss o'brien too", [zoe])
    assert mentioned("Zoe left", [zoe])


def test_a_leader_who_is_the_subject_is_not_asked_about() -> None:
    """Naming whom it is about needs no second question."""
    values = {**CALM, "about": "slt_or_dsl", "subject": SAM, **STORY, "what": "Sam Carter shouted"}
    assert walk(values).values[STEP] == REVIEW


# The other forms

DECLARED = {
    "who": "parent",
    "name": "Jo Green",
    "how": "Neighbours",
    "since": "2020",
    "touch": "person",
    "open": "Helen",
    "again": "6",
}


def test_a_declaration_has_a_date_on_which_it_is_looked_at_again() -> None:
    """In three, six or twelve months, and the question where online is left out when they only meet in person."""
    done = walk(DECLARED, "declare")
    assert done.values[STEP] == REVIEW
    filing = FORMS["declare"].filing("d", done.values, context())
    assert filing.review == date(2027, 5, 30)
    assert "Where online?" not in filing.answers
    assert "Where online?" in [f.label for s in FORMS["declare"].steps({"touch": "both"}, context()) for f in s.fields]


@pytest.mark.parametrize(
    ("chosen", "day"), [("3", date(2027, 2, 28)), ("6", date(2027, 5, 30)), ("12", date(2027, 11, 30))]
)
def test_a_review_falls_on_the_same_day_of_a_later_month_or_on_its_last(chosen: str, day: date) -> None:
    """Months differ in length."""
    assert review_date({"again": chosen}, TODAY) == day


def test_a_justification_says_whether_it_is_done_and_who_agreed() -> None:
    """All that the guidance's reader needs is in it."""
    told = {"taken": "proposed", "what": "Ring home", "when": "Today", "why": "No other way", "agreed": "Nobody yet"}
    filing = FORMS["justify"].filing("d", walk(told, "justify").values, context())
    assert filing.answers["Have you done it already?"] == "No, I am thinking of it"
    assert filing.answers["Who knows or has agreed?"] == "Nobody yet"


def test_the_joiner_check_files_nothing_and_keeps_only_the_date() -> None:
    """It ends in the day and in what is left, to be shown; no tick is asked for."""
    answers = {"accounts": "done", "privacy": "later", "photos": "none", "numbers": "unsure"}
    form, done = FORMS["joiner_check"], walk(answers, "joiner_check")
    assert turn(form, "d", done.values, "send", {}, context()).page is None
    ending = form.ending("d", done.values, context())
    assert ending == Checked(TODAY, ("Who can see them", "Phone numbers and address"))
    assert not isinstance(ending, Filing)


@pytest.mark.parametrize("name", FORMS)
def test_every_question_of_a_form_has_its_own_label(name: str) -> None:
    """Answers are filed under their labels: two alike would overwrite each other."""
    for about in About:
        values = {**TOLD, **STORY, "about": about, "subject": SAM, "what": "Sam Carter, Ruth Evans"}
        fields: list[Field] = [f for step in FORMS[name].steps(values, context()) for f in step.fields]
        assert len({field.label for field in fields}) == len({field.name for field in fields}) == len(fields)
