"""Filling in forms as a person does, page after page, in the example school."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bot.cases.desk import Desk
from bot.cases.model import Filing, NoRoute, Route
from bot.cases.routing import Roster
from bot.dialogs import FORMS
from bot.dialogs.form import REVIEW, STEP, Context, Turned, page, turn
from bot.model import Page, Person, Platform
from bot.settings import EXAMPLE_SCHOOL, load_school
from tests.small_school import HandClock, MemoryCaseStore

SCHOOL = load_school(EXAMPLE_SCHOOL)
PEOPLE = {person.id: person for person in SCHOOL.people}
TODAY = date(2026, 11, 30)
STORY = {
    "type": "other",
    "what": "It happened.",
    "when": "Monday",
    "where": "Instagram",
    "people": "A pupil",
    "known": "saw",
}
CALM = {"danger": "no", "risk": "no", "image": "no"}
TOLD = {**CALM, "about": "student", "type": "other"}
"""Answers that lead to the story."""
MOST_PAGES = 40


def context(person: Person = PEOPLE["priya"]) -> Context:
    """What a form may know, for one member of the example school."""
    desk = Desk(MemoryCaseStore(), Roster(SCHOOL.people, frozenset({Platform.WEB})), HandClock(), SCHOOL.numbers())

    def route(filing: Filing) -> Route | NoRoute:
        return desk.route_for(filing.kind, filing.about, filing.reporter, filing.subject, filing.excluded)

    return Context(SCHOOL, person, route, TODAY)


def walk(answers: Mapping[str, str], name: str = "report", person: Person = PEOPLE["priya"]) -> Turned:
    """Answer page after page until one has no answer, a field is wrong, or the review is reached."""
    form, where = FORMS[name], context(person)
    return walk_on(Turned({}, page(form, "d", {}, where)), answers, name, person)


def walk_on(
    turned: Turned, answers: Mapping[str, str], name: str = "report", person: Person = PEOPLE["priya"]
) -> Turned:
    """The same from where a draft stands."""
    form, where = FORMS[name], context(person)
    for _ in range(MOST_PAGES):
        fields = shown(turned).fields
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
