"""The calendar: when somebody is there, and how working time passes."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.calendar import Calendar, Span
from bot.cases.model import Kind, Urgency
from bot.settings import EXAMPLE_SCHOOL, load_school

LONDON = ZoneInfo("Europe/London")
HOUR = timedelta(hours=1)
DAY = timedelta(hours=8, minutes=30)


def calendar(**changes: Any) -> Calendar:
    """The example school's calendar, with changes."""
    return Calendar.model_validate({**load_school(EXAMPLE_SCHOOL).calendar.model_dump(), **changes})


SCHOOL = calendar()
ALL_NIGHT = calendar(days=("mon", "tue", "sat", "sun"), opens=time(0, 30), closes=time(23, 45))
MOMENTS = st.datetimes(datetime(2026, 7, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WORKING = st.timedeltas(timedelta(), timedelta(days=20))
CALENDARS = st.sampled_from([SCHOOL, ALL_NIGHT])


def local(text: str) -> datetime:
    """A time as a clock in the school shows it."""
    return datetime.fromisoformat(text).replace(tzinfo=LONDON)


def shown(moment: datetime) -> str:
    """The time that a clock in the school shows."""
    return f"{moment.astimezone(LONDON):%a %d %b %Y %H:%M}"


@pytest.mark.parametrize(
    ("start", "working", "ends"),
    [
        ("2026-11-23 10:00", HOUR, "Mon 23 Nov 2026 11:00"),
        ("2026-11-23 16:00", HOUR, "Tue 24 Nov 2026 08:30"),
        ("2026-11-23 03:00", HOUR, "Mon 23 Nov 2026 09:00"),
        ("2026-11-23 22:00", HOUR, "Tue 24 Nov 2026 09:00"),
        ("2026-11-27 16:20", timedelta(minutes=15), "Mon 30 Nov 2026 08:05"),
        ("2026-11-28 12:00", DAY, "Tue 01 Dec 2026 08:00"),
        ("2026-11-23 15:30", HOUR, "Tue 24 Nov 2026 08:00"),
        ("2026-11-24 08:00", timedelta(), "Tue 24 Nov 2026 08:00"),
        ("2026-11-28 12:00", timedelta(), "Mon 30 Nov 2026 08:00"),
    ],
    ids=[
        "within",
        "over night",
        "early",
        "late",
        "weekend",
        "from Saturday",
        "to the minute of closing",
        "none",
        "none, shut",
    ],
)
def test_working_time_passes_in_open_hours_only(start: str, working: timedelta, ends: str) -> None:
    """Nights and weekends do not count; a time that would end at closing ends at the next opening."""
    assert shown(SCHOOL.after(local(start), working)) == ends


@pytest.mark.parametrize(
    ("start", "ends"),
    [
        ("2026-10-23 12:00", "Mon 02 Nov 2026 12:00"),
        ("2026-12-18 12:00", "Tue 05 Jan 2027 12:00"),
        ("2027-04-30 12:00", "Tue 04 May 2027 12:00"),
        ("2027-03-25 12:00", "Mon 12 Apr 2027 12:00"),
    ],
    ids=["half-term", "Christmas", "bank holiday", "Easter and the clocks forward"],
)
def test_holidays_and_the_time_between_terms_do_not_count(start: str, ends: str) -> None:
    """One working day later is the same time on the next school day."""
    assert shown(SCHOOL.after(local(start), DAY)) == ends


@pytest.mark.parametrize(
    ("night", "lasts"), [("2026-10-25", 25), ("2027-03-28", 23), ("2027-03-27", 24)], ids=["back", "forward", "plain"]
)
def test_the_clocks_change_the_day_not_the_working_time(night: str, lasts: int) -> None:
    """A school open around the clock has 25 working hours on the day the clocks go back and 23 when they go forward."""
    always = calendar(days=("sat", "sun"), opens=time(0), closes=time(23, 59, 59), terms=(TERM,), holidays=())
    start = local(f"{night} 00:00")
    end = local(f"{night} 23:59:59").astimezone(UTC)
    assert end - start.astimezone(UTC) == timedelta(hours=lasts) - timedelta(seconds=1)
    assert always.after(start, end - start.astimezone(UTC) - HOUR) == end - HOUR


TERM = Span(first=date(2026, 9, 1), last=date(2027, 7, 20))


def test_school_hours_follow_the_local_clock() -> None:
    """Eight in the morning is 07:00 UTC in summer and 08:00 UTC in winter, on both sides of the change."""
    assert SCHOOL.after(local("2026-10-24 12:00"), timedelta()) == datetime(2026, 11, 2, 8, tzinfo=UTC)
    without = calendar(holidays=())
    assert without.after(local("2026-10-22 20:00"), timedelta()) == datetime(2026, 10, 23, 7, tzinfo=UTC)
    assert without.after(local("2026-10-24 12:00"), timedelta()) == datetime(2026, 10, 26, 8, tzinfo=UTC)


def test_a_day_whose_only_hours_the_clocks_skip_is_closed() -> None:
    """Open from 01:30 to 02:10, a school has no hours on the morning when 01:00 becomes 02:00."""
    short = calendar(days=("sun",), opens=time(1, 30), closes=time(2, 10), terms=(TERM,), holidays=())
    assert shown(short.after(local("2027-03-27 12:00"), timedelta())) == "Sun 04 Apr 2027 01:30"


@given(CALENDARS, MOMENTS, WORKING)
def test_the_end_is_open_time_and_not_before_the_start(school: Calendar, start: datetime, working: timedelta) -> None:
    """Nobody is ever expected to act while the school is closed."""
    end = school.after(start, working)
    assert school.is_open(end)
    assert end >= start + working


@given(CALENDARS, MOMENTS, MOMENTS, WORKING, WORKING)
def test_later_and_longer_never_end_earlier(
    school: Calendar, one: datetime, other: datetime, some: timedelta, more: timedelta
) -> None:
    """Monotone in the start and in the length; strictly so in the length."""
    first, second = sorted((one, other))
    assert school.after(first, some) <= school.after(second, some)
    short, long = sorted((some, more))
    assert (school.after(one, short) < school.after(one, long)) == (short < long)


@given(CALENDARS, MOMENTS, WORKING, WORKING)
def test_working_time_adds_up(school: Calendar, start: datetime, one: timedelta, other: timedelta) -> None:
    """Two waits in a row end where one of both lengths ends."""
    assert school.after(school.after(start, one), other) == school.after(start, one + other)


@given(CALENDARS, MOMENTS)
def test_the_first_open_moment_is_now_exactly_when_open(school: Calendar, moment: datetime) -> None:
    """`is_open` and `after` agree, and no open moment is passed over."""
    first = school.after(moment, timedelta())
    assert (first == moment) == school.is_open(moment)
    assert not any(school.is_open(moment + (first - moment) * part / 7) for part in range(7) if first > moment)


@pytest.mark.parametrize("sunday", ["2020-01-05", "2026-01-04", "2035-01-07"])
def test_far_from_every_term_plain_weekdays_count(sunday: str) -> None:
    """A calendar that nobody renewed does not make cases wait for ever, and the doctor says so."""
    noon = local(f"{sunday} 12:00")
    assert SCHOOL.after(noon, timedelta()).astimezone(LONDON) == local(f"{sunday} 08:00") + timedelta(days=1)
    assert "plain weekday" in (SCHOOL.warning(noon.date()) or "")


def test_the_summer_after_the_last_term_is_closed() -> None:
    """For six weeks; the terms of the next year were to be added by then, and the doctor asks in time."""
    assert shown(SCHOOL.after(local("2027-07-22 09:00"), timedelta())) == "Thu 02 Sep 2027 08:00"
    assert SCHOOL.warning(date(2027, 6, 1)) is None
    assert "2027-07-21" in (SCHOOL.warning(date(2027, 7, 1)) or "")
    assert "plain weekday" in (SCHOOL.warning(date(2027, 9, 2)) or "")


@pytest.mark.parametrize(
    ("kind", "urgency", "danger", "waits"),
    [
        (Kind.REPORT, Urgency.HIGH, True, timedelta(minutes=15)),
        (Kind.REPORT, Urgency.HIGH, False, HOUR),
        (Kind.QUESTION, Urgency.HIGH, False, HOUR),
        (Kind.REPORT, Urgency.NORMAL, False, DAY),
        (Kind.DECLARATION, Urgency.NORMAL, False, DAY),
        (Kind.QUESTION, Urgency.NORMAL, False, 2 * DAY),
    ],
)
def test_patience_follows_kind_and_urgency(kind: Kind, urgency: Urgency, danger: bool, waits: timedelta) -> None:
    """A working day is as long as the school is open."""
    assert SCHOOL.patience(kind, urgency, danger) == waits


def test_a_question_asked_on_friday_is_due_on_tuesday() -> None:
    """Two working days later, at the same time."""
    assert shown(SCHOOL.due(Kind.QUESTION, Urgency.NORMAL, local("2026-11-27 11:15"))) == "Tue 01 Dec 2026 11:15"


def test_out_of_hours_says_so_at_once() -> None:
    """In open hours it says nothing."""
    assert SCHOOL.unwatched(local("2026-11-23 10:00")) is None
    assert "Nobody is watching this now" in (SCHOOL.unwatched(local("2026-11-23 16:30")) or "")
    assert SCHOOL.unwatched(local("2026-10-26 10:00")) == SCHOOL.out_of_hours


@pytest.mark.parametrize(
    "wrong",
    [
        {"timezone": "Europe/Londno"},
        {"days": ()},
        {"days": ("monday",)},
        {"opens": time(16), "closes": time(8)},
        {"opens": "08:00"},
        {"opens": time(8, tzinfo=UTC)},
        {"terms": ()},
        {"terms": (TERM, TERM)},
        {"terms": ({"first": date(2026, 9, 2), "last": date(2026, 9, 1)},)},
        {"terms": ({"first": "2026-09-02", "last": date(2026, 12, 1)},)},
        {"out_of_hours": ""},
        {"weekends": True},
    ],
    ids=str,
)
def test_a_calendar_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """At the start, not when the first case is late."""
    with pytest.raises(ValidationError):
        calendar(**wrong)


def test_times_without_zone_and_negative_lengths_are_refused() -> None:
    """A naive time would be wrong by an hour half the year."""
    naive = datetime(2026, 11, 23, 10)  # noqa: DTZ001
    with pytest.raises(ValueError, match="zone"):
        SCHOOL.is_open(naive)
    with pytest.raises(ValueError, match="zone"):
        SCHOOL.after(naive, HOUR)
    with pytest.raises(ValueError, match="negative"):
        SCHOOL.after(local("2026-11-23 10:00"), -HOUR)
