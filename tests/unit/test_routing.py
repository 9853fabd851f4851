"""Where cases go. Expectations are written out by hand, not read from the table."""

import itertools

import pytest

from bot.cases.model import About, Kind, NoRoute, Route
from bot.cases.routing import Line, Numbers, Roster, route
from bot.model import Person, Platform, Role
from tests.small_school import (
    CHAIR,
    GOVERNOR,
    HEAD,
    NUMBERS,
    PEOPLE,
    ROSTER,
    SAM,
    SITA,
    TESS,
    TOM,
    person,
    without,
)

ABOVE_HEAD = ("Chair of governors: 3", "LADO: 4", "NSPCC: 5")


def to(
    about: About,
    reporter: Person = TESS,
    subject: str | None = None,
    excluded: tuple[Person, ...] = (),
    kind: Kind = Kind.REPORT,
    roster: Roster = ROSTER,
) -> Route | NoRoute:
    """The route of a report unless another kind is named."""
    return route(kind, about, reporter, subject, frozenset(each.id for each in excluded), roster, NUMBERS)


def ids(found: Route | NoRoute) -> set[str]:
    """The handlers' ids; the test fails when there is no route."""
    assert isinstance(found, Route), found
    return {each.id for each in found.handlers}


@pytest.mark.parametrize("about", [About.STUDENT, About.PARENT, About.UNKNOWN])
def test_reports_about_people_outside_staff_go_to_leadership_with_a_pointer(about: About) -> None:
    """The senior leaders and the headteacher handle them, and the channel has a pointer."""
    found = to(about)
    assert ids(found) == {"hannah", "sam", "sita"}
    assert isinstance(found, Route)
    assert found.channel


def test_a_question_goes_to_leadership() -> None:
    """A question names nobody and may stand in the channel."""
    found = to(About.NOBODY, kind=Kind.QUESTION)
    assert ids(found) == {"hannah", "sam", "sita"}
    assert isinstance(found, Route)
    assert found.channel


@pytest.mark.parametrize("about", [About.SELF, About.COLLEAGUE, About.GOVERNOR, About.SLT_OR_DSL, About.CHAIR])
def test_what_concerns_staff_goes_to_the_headteacher_alone(about: About) -> None:
    """No channel and nobody else, whoever reports."""
    found = to(about)
    assert ids(found) == {"hannah"}
    assert isinstance(found, Route)
    assert not found.channel


@pytest.mark.parametrize("kind", [Kind.DECLARATION, Kind.JUSTIFICATION])
def test_declaring_and_justifying_go_to_the_headteacher_alone(kind: Kind) -> None:
    """Own conduct is between the person and the headteacher."""
    found = to(About.SELF, kind=kind)
    assert ids(found) == {"hannah"}
    assert isinstance(found, Route)
    assert not found.channel


def test_the_headteacher_is_reported_to_the_chair_alone() -> None:
    """Only the chair of governors handles a report about the headteacher."""
    found = to(About.HEADTEACHER, subject="hannah")
    assert ids(found) == {"chloe"}
    assert isinstance(found, Route)
    assert not found.channel
    assert "headteacher" in found.not_to


def test_without_a_chair_who_can_be_reached_the_numbers_are_shown() -> None:
    """A chair without an account takes nothing through Charter; chair, LADO and NSPCC are shown."""
    roster = without(CHAIR, plus=[person("chloe", Role.CHAIR, account=False)])
    assert to(About.HEADTEACHER, roster=roster) == NoRoute(ABOVE_HEAD)


def test_an_account_on_a_platform_that_is_off_counts_for_nothing() -> None:
    """Nobody is named who could not be told."""
    roster = Roster(PEOPLE, connected=frozenset({Platform.SLACK}))
    assert isinstance(to(About.STUDENT, roster=roster), NoRoute)


def test_the_headteacher_reporting_themself_goes_to_the_chair() -> None:
    """The headteacher never handles what they say of themself."""
    for kind in (Kind.REPORT, Kind.DECLARATION, Kind.JUSTIFICATION):
        assert ids(to(About.SELF, reporter=HEAD, kind=kind)) == {"chloe"}


def test_the_headteacher_reporting_a_member_of_staff_goes_to_the_chair() -> None:
    """What the headteacher alone would handle goes to the chair when the headteacher sends it."""
    assert ids(to(About.COLLEAGUE, reporter=HEAD, subject="tom")) == {"chloe"}


def test_headteacher_against_chair_has_no_route_inside_the_school() -> None:
    """Neither may handle it: the numbers are shown, without the chair's."""
    assert to(About.CHAIR, reporter=HEAD, subject="chloe") == NoRoute(("LADO: 4", "NSPCC: 5"))
    assert to(About.CHAIR, excluded=(HEAD,)) == NoRoute(("LADO: 4", "NSPCC: 5"))


def test_chair_reporting_the_headteacher_has_no_route() -> None:
    """The chair does not handle their own report, and their own number is no help to them."""
    assert to(About.HEADTEACHER, reporter=CHAIR) == NoRoute(("LADO: 4", "NSPCC: 5"))


def test_an_adult_at_risk_gets_numbers_only() -> None:
    """Charter takes no words about an adult at risk."""
    assert to(About.ADULT_AT_RISK) == NoRoute(("Adult social care: 6",))


@pytest.mark.parametrize(
    ("kind", "about"),
    [(Kind.REPORT, About.NOBODY), (Kind.QUESTION, About.COLLEAGUE), (Kind.DECLARATION, About.STUDENT)],
)
def test_what_the_table_does_not_know_has_no_route(kind: Kind, about: About) -> None:
    """Permission is closed where nothing is said."""
    assert isinstance(to(about, kind=kind), NoRoute)


@pytest.mark.parametrize("about", [About.COLLEAGUE, About.UNKNOWN, About.SLT_OR_DSL, About.STUDENT, About.PARENT])
def test_the_person_named_decides_whatever_class_was_tapped(about: About) -> None:
    """A wrong tap sends nothing to the person it is about, nor to their peers."""
    assert ids(to(about, subject="hannah")) == {"chloe"}
    assert ids(to(about, subject="sam")) == {"hannah"}
    assert ids(to(about, subject="chloe")) == {"hannah"}


def test_an_excluded_leader_is_neither_handler_nor_reader_of_the_pointer() -> None:
    """When somebody who reads the channel is excluded there is no pointer: handlers are told in private."""
    found = to(About.STUDENT, excluded=(SAM,))
    assert ids(found) == {"hannah", "sita"}
    assert isinstance(found, Route)
    assert not found.channel
    assert "Sam" in found.not_to


def test_excluding_somebody_outside_the_channel_keeps_the_pointer() -> None:
    """A colleague who cannot read the channel changes nothing there."""
    found = to(About.STUDENT, excluded=(TOM,))
    assert isinstance(found, Route)
    assert found.channel


def test_a_known_member_of_the_channel_counts_as_its_reader() -> None:
    """Somebody without a leading role may have been let in."""
    found = to(About.STUDENT, excluded=(TOM,), roster=Roster(PEOPLE, in_channel=frozenset({"tom"})))
    assert isinstance(found, Route)
    assert not found.channel


def test_excluding_somebody_unknown_closes_the_channel() -> None:
    """Who is not on the roster cannot be shown not to read the channel."""
    found = route(Kind.REPORT, About.STUDENT, TESS, None, frozenset({"nobody"}), ROSTER, NUMBERS)
    assert isinstance(found, Route)
    assert not found.channel


def test_excluding_every_handler_shows_numbers_without_theirs() -> None:
    """No handler is left: nobody who is excluded stands among the numbers."""
    found = to(About.STUDENT, excluded=(HEAD, SAM, SITA))
    assert isinstance(found, NoRoute)
    assert found.numbers == ABOVE_HEAD


def test_a_leader_never_handles_their_own_report() -> None:
    """The reporter is not a handler."""
    assert ids(to(About.STUDENT, reporter=SAM)) == {"hannah", "sita"}


def test_a_second_headteacher_does_not_handle_a_report_about_the_first() -> None:
    """A report about a headteacher is closed to every headteacher."""
    other = person("henry", Role.HEADTEACHER)
    assert ids(to(About.HEADTEACHER, subject="hannah", roster=without(plus=[other]))) == {"chloe"}


def test_nobody_it_is_kept_from_is_ever_a_handler() -> None:
    """Over every kind, class, reporter, subject and exclusion of the school."""
    roster = Roster((*PEOPLE, person("henry", Role.HEADTEACHER, Role.SLT), person("cy", Role.CHAIR, Role.SLT)))
    people = roster.having(Role)
    for kind, about, reporter in itertools.product(Kind, About, people):
        for subject, excluded in itertools.product((None, *people), people):
            found = to(about, reporter, subject.id if subject else None, (excluded,), kind, roster)
            if isinstance(found, Route):
                barred = {reporter.id, excluded.id, *([subject.id] if subject else [])}
                assert not barred & {each.id for each in found.handlers}
                readers = {"hannah", "sam", "sita", "henry", "cy"} & (barred - {reporter.id})
                assert not (found.channel and readers)
                if about is About.HEADTEACHER and kind is Kind.REPORT and subject is None:
                    assert not any(each.has(Role.HEADTEACHER) for each in found.handlers)


def test_numbers_are_never_empty_while_a_line_is_left() -> None:
    """A list whose every line is answered by the wrong person gives way to the lines above the headteacher."""
    numbers = Numbers((Line("Head: 1", "hannah"),), (Line("LADO: 4"),), ())
    found = route(Kind.QUESTION, About.NOBODY, HEAD, None, frozenset({"sam", "sita"}), ROSTER, numbers)
    assert found == NoRoute(("LADO: 4",))


def test_two_people_with_one_id_stop_the_start() -> None:
    """A roster is refused when an id stands there twice."""
    with pytest.raises(ValueError, match="gus"):
        Roster([GOVERNOR, GOVERNOR])
