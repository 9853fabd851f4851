"""Where cases go. Expectations are written out by hand, not read from the table."""

import itertools
from pathlib import Path

import pytest

from bot.cases.changes import Change, changed
from bot.cases.matrix import WHAT, matrix
from bot.cases.model import About, Kind, NoRoute, Route
from bot.cases.routing import TABLE, Line, Numbers, Roster, Table, route
from bot.errors import SettingsError
from bot.model import Person, Platform, Role
from bot.settings import EXAMPLE_SCHOOL, ROOT, load_school
from tests.small_school import (
    CHAIR,
    GOVERNOR,
    HEAD,
    IDA,
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


# Every class by every kind of subject


@pytest.mark.parametrize(
    ("subject", "handlers"),
    [
        ("tom", {"hannah"}),
        ("ida", {"hannah"}),
        ("gus", {"hannah"}),
        ("sam", {"hannah"}),
        ("sita", {"hannah"}),
        ("dora", {"hannah"}),
        ("hannah", {"chloe"}),
        ("chloe", {"hannah"}),
        ("tess", {"hannah"}),
    ],
)
@pytest.mark.parametrize("about", [each for each in About if each not in (About.ADULT_AT_RISK, About.CONFLICT)])
def test_each_person_named_goes_the_way_of_their_own_class(about: About, subject: str, handlers: set[str]) -> None:
    """Whatever was tapped, for every person of every kind; the channel shows nothing, and nobody of the class reads it."""
    found = to(about, subject=subject, roster=without(plus=[person("dora", Role.DEPUTY_DSL)]))
    assert ids(found) == handlers
    assert isinstance(found, Route)
    assert not found.channel
    assert found.on_silence == ()


@pytest.mark.parametrize("reporter", [TESS, SAM, HEAD, CHAIR, GOVERNOR])
@pytest.mark.parametrize("subject", [None, "hannah", "chloe", "tom"])
def test_a_conflict_of_interest_is_for_numbers_outside_the_school(reporter: Person, subject: str | None) -> None:
    """Nobody through Charter, and neither the headteacher nor the chair among the numbers."""
    assert to(About.CONFLICT, reporter, subject) == NoRoute(("LADO: 4", "NSPCC: 5"))


def test_a_conflict_shows_no_number_of_a_chair_who_is_not_on_the_roster() -> None:
    """The line is known by its post, not only by a person."""
    numbers = Numbers((), (Line("Chair: 3", None, Role.CHAIR), Line("LADO: 4")), ())
    found = route(Kind.REPORT, About.CONFLICT, TESS, None, frozenset(), ROSTER, numbers)
    assert found == NoRoute(("LADO: 4",))


def test_who_is_next_on_silence_is_shown_and_never_barred() -> None:
    """The safeguarding leads who do not handle it already; none who is excluded, reports or cannot be reached."""
    dora, drew = person("dora", Role.DEPUTY_DSL), person("drew", Role.DSL, account=False)
    roster = without(plus=[dora, drew])
    found = to(About.STUDENT, roster=roster)
    assert isinstance(found, Route)
    assert found.on_silence == (dora,)
    for other in (to(About.STUDENT, excluded=(dora,), roster=roster), to(About.STUDENT, dora, roster=roster)):
        assert isinstance(other, Route)
        assert other.on_silence == ()


DPO = person("dee", Role.DPO)
WITH_DPO = Roster((*PEOPLE, DPO))


def joined(about: About, reporter: Person = TESS, subject: str | None = None, *excluded: str) -> Route | NoRoute:
    """A report of a type that adds the data protection officer and IT."""
    also = frozenset({Role.DPO, Role.IT})
    return route(Kind.REPORT, about, reporter, subject, frozenset(excluded), WITH_DPO, NUMBERS, also=also)


@pytest.mark.parametrize(
    ("about", "handlers"),
    [
        (About.STUDENT, {"hannah", "sam", "sita", "dee", "ida"}),
        (About.UNKNOWN, {"hannah", "sam", "sita", "dee", "ida"}),
        (About.SELF, {"hannah", "dee", "ida"}),
        (About.COLLEAGUE, {"hannah"}),
        (About.SLT_OR_DSL, {"hannah"}),
        (About.HEADTEACHER, {"chloe"}),
        (About.CHAIR, {"hannah"}),
    ],
)
def test_a_type_of_incident_adds_recipients_where_nobody_is_given_away(about: About, handlers: set[str]) -> None:
    """Never to a report about another member of staff; a named leader decides as ever."""
    found = joined(about)
    assert ids(found) == handlers
    assert isinstance(found, Route)
    if "dee" in handlers:
        assert found.not_to.startswith("Nobody else can open it")
    assert ids(joined(about, subject="sam")) == {"hannah"}


def test_added_recipients_are_excluded_like_anybody_and_never_stand_alone() -> None:
    """Exclusion beats the type; with every leader kept out there is no route, whoever the type would add."""
    assert ids(joined(About.STUDENT, TESS, None, "dee")) == {"hannah", "sam", "sita", "ida"}
    assert ids(joined(About.STUDENT, IDA)) == {"hannah", "sam", "sita", "dee"}
    assert isinstance(joined(About.STUDENT, TESS, None, "hannah", "sam", "sita"), NoRoute)
    assert ids(joined(About.SELF, HEAD)) == {"chloe"}


# What a school may change


def school(*changes: Change) -> Table:
    """The table of a school with these changes."""
    return changed(changes, PEOPLE)


def routed(table: Table, about: About, reporter: Person = TESS, subject: str | None = None) -> Route | NoRoute:
    """A report's route by this table."""
    return route(Kind.REPORT, about, reporter, subject, frozenset(), ROSTER, NUMBERS, table)


def test_a_school_adds_people_and_a_line_on_silence() -> None:
    """By role and by name, in the order given."""
    found = routed(school(Change(Kind.REPORT, About.CHAIR, people=("gus",), on_silence=("dsl", "sam"))), About.CHAIR)
    assert ids(found) == {"hannah", "gus"}
    assert isinstance(found, Route)
    assert [each.id for each in found.on_silence] == ["sita", "sam"]


def test_a_school_lets_the_safeguarding_lead_have_concerns_about_colleagues() -> None:
    """And then the words about whom it does not go to say nothing untrue."""
    found = routed(school(Change(Kind.REPORT, About.COLLEAGUE, roles=(Role.DSL,))), About.COLLEAGUE)
    assert isinstance(found, Route)
    assert (ids(found), found.not_to) == ({"sita"}, "Nobody else can open it, and nothing appears in any channel.")


def test_what_a_headteacher_says_of_themself_goes_to_the_chair_whatever_the_school_changed() -> None:
    """Never to somebody who answers to them."""
    table = school(Change(Kind.REPORT, About.SELF, roles=(Role.DSL,)))
    assert ids(routed(table, About.SELF, HEAD)) == {"chloe"}
    assert ids(routed(table, About.SELF)) == {"sita"}


def test_an_adult_at_risk_has_a_handler_where_the_school_names_one() -> None:
    """Otherwise the numbers; never the channel."""
    found = routed(school(Change(Kind.REPORT, About.ADULT_AT_RISK, roles=(Role.DSL,))), About.ADULT_AT_RISK)
    assert isinstance(found, Route)
    assert (ids(found), found.channel) == ({"sita"}, False)


def test_a_school_may_show_that_a_report_about_oneself_exists() -> None:
    """If it opts in, and only there among what concerns staff."""
    found = routed(school(Change(Kind.REPORT, About.SELF, channel=True)), About.SELF)
    assert isinstance(found, Route)
    assert found.channel


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (Change(Kind.REPORT, About.COLLEAGUE, people=("nobody",)), "'nobody', who is neither"),
        (Change(Kind.REPORT, About.COLLEAGUE, on_silence=("wizard",)), "'wizard', who is neither"),
        (Change(Kind.REPORT, About.COLLEAGUE, people=("tom",)), "send it to tom"),
        (Change(Kind.REPORT, About.COLLEAGUE, on_silence=("ida",)), "send it to ida"),
        (Change(Kind.REPORT, About.GOVERNOR, people=("gus",)), "send it to gus"),
        (Change(Kind.REPORT, About.SLT_OR_DSL, roles=(Role.SLT,)), "send it to slt"),
        (Change(Kind.REPORT, About.SLT_OR_DSL, on_silence=("deputy_dsl",)), "send it to deputy_dsl"),
        (Change(Kind.REPORT, About.SLT_OR_DSL, on_silence=("sam",)), "send it to sam"),
        (Change(Kind.REPORT, About.HEADTEACHER, roles=(Role.HEADTEACHER,)), "send it to headteacher"),
        (Change(Kind.REPORT, About.HEADTEACHER, on_silence=("dsl",)), "send it to dsl"),
        (Change(Kind.REPORT, About.HEADTEACHER, people=("sam",)), "send it to sam"),
        (Change(Kind.REPORT, About.CHAIR, on_silence=("chair",)), "send it to chair"),
        (Change(Kind.REPORT, About.STUDENT, roles=(Role.STAFF,)), "everybody with the role 'staff'"),
        (Change(Kind.REPORT, About.STUDENT, roles=(Role.IT,)), "everybody with the role 'it'"),
        (Change(Kind.REPORT, About.STUDENT, on_silence=("governor",)), "everybody with the role 'governor'"),
        (Change(Kind.REPORT, About.COLLEAGUE, channel=True), "pointer in the channel"),
        (Change(Kind.REPORT, About.ADULT_AT_RISK, channel=True, roles=(Role.DSL,)), "pointer in the channel"),
        (Change(Kind.REPORT, About.STUDENT, roles=()), "nobody to handle it"),
        (Change(Kind.REPORT, About.HEADTEACHER, closed_to=(Role.CHAIR,)), "nobody to handle it"),
        (Change(Kind.REPORT, About.CONFLICT, roles=(Role.DSL,)), "no row that can be changed"),
        (Change(Kind.QUESTION, About.COLLEAGUE), "no row that can be changed"),
    ],
)
def test_a_change_that_may_not_be_made_stops_the_start(change: Change, why: str) -> None:
    """The error names the row and what is wrong with it."""
    with pytest.raises(ValueError, match=f"^route {change.kind} about {change.about}: .*{why}"):
        school(change)


def test_a_row_is_changed_once() -> None:
    """Two entries for one row contradict each other."""
    with pytest.raises(ValueError, match="twice"):
        school(Change(Kind.REPORT, About.CHAIR), Change(Kind.REPORT, About.CHAIR))


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ('about = "wizard"', r"route.\d.about"),
        ('about = "chair"\nroles = ["wizard"]', r"route.\d.roles.0"),
        ('about = "chair"\nwhispers_to = ["sam"]', r"route.\d.whispers_to"),
        ('about = "chair"\npeople = ["merlin"]', "'merlin'"),
        ('about = "slt_or_dsl"\non_silence = ["ruth"]', "ruth"),
    ],
)
def test_a_school_file_with_a_wrong_route_is_refused_by_name(entry: str, why: str, tmp_path: Path) -> None:
    """The error names the file and the entry."""
    path = tmp_path / "school.toml"
    path.write_text(f'{EXAMPLE_SCHOOL.read_text()}\n[[route]]\nkind = "report"\n{entry}\n')
    with pytest.raises(SettingsError, match=f"school.toml: .*{why}"):
        load_school(path)


def test_the_example_school_has_a_route_for_every_row_that_needs_one() -> None:
    """Nobody who tries Charter is sent to the telephone for want of a handler."""
    example = load_school(EXAMPLE_SCHOOL)
    roster, table = Roster(example.people), example.routes()
    reporter = next(each for each in example.people if each.roles == {Role.STAFF})
    for kind, about in table:
        found = route(kind, about, reporter, None, frozenset(), roster, example.numbers(), table)
        assert isinstance(found, Route) or about in (About.ADULT_AT_RISK, About.CONFLICT)


def test_the_page_of_routes_is_what_the_code_does() -> None:
    """`docs/routing.md` is made by `python -m bot.cases.matrix` and has not drifted."""
    page = ROOT / "docs" / "routing.md"
    assert page.read_text(encoding="utf-8") == matrix(), "run: python -m bot.cases.matrix > docs/routing.md"
    assert all(each in WHAT for each in TABLE)
