"""When somebody is there: the school's days and hours, and how long a case may wait to be taken. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.cases.model import Kind, Urgency

BEYOND = timedelta(days=42)
"""How far before the first term and after the last one the terms still count: six weeks, a summer's length."""

AHEAD = timedelta(days=28)
"""How long before the terms run out the doctor asks for new ones."""

_ONE_DAY = timedelta(days=1)
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Span(BaseModel):
    """Days from `first` to `last`, both included."""

    model_config = _STRICT

    first: date
    last: date
    name: str = ""

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"ends on {self.last}, before it begins on {self.first}")
        return self

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def _zone_name(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone known here; one is 'Europe/London'") from error
    return name


class Calendar(BaseModel):
    """A school's days and hours. `out_of_hours` is what staff are told while nobody is there.

    A day counts when its weekday is one of `days`, it lies in a term and in no holiday. More than `BEYOND` before the
    first term or after the last one no term is known: there every such weekday counts, so that nothing waits for ever.
    """

    model_config = _STRICT

    timezone: Annotated[str, AfterValidator(_zone_name)]
    days: tuple[Weekday, ...] = Field(min_length=1, strict=False)
    opens: time
    closes: time
    terms: tuple[Span, ...] = Field(min_length=1, strict=False)
    holidays: tuple[Span, ...] = Field(default=(), strict=False)
    out_of_hours: str = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("opens and closes are local times, without an offset")
        if self.opens >= self.closes:
            raise ValueError("opens must be earlier than closes")
        if any(later.first <= earlier.last for earlier, later in pairwise(self.terms)):
            raise ValueError("terms must follow one another without overlapping")
        return self

    def is_open(self, moment: datetime) -> bool:
        """Whether somebody is there. Raises ValueError for a time without zone."""
        moment = _zoned(moment)
        hours = self._hours(moment.astimezone(self._zone).date())
        return hours is not None and hours[0] <= moment < hours[1]

    def after(self, start: datetime, working: timedelta) -> datetime:
        """The open moment, in UTC, when so much open time has passed since `start`.

        Nights, weekends, holidays and the time between terms do not count. With no time to pass it is the first open
        moment from `start` on. Raises ValueError for a time without zone and for a negative length.
        """
        moment, left = _zoned(start), working
        if left < timedelta():
            raise ValueError("working time cannot be negative")
        day = moment.astimezone(self._zone).date()
        while True:
            hours = self._hours(day)
            if hours is not None and hours[1] > moment:
                begins = max(moment, hours[0])
                if left < hours[1] - begins:
                    return begins + left
                left -= hours[1] - begins
            day += _ONE_DAY

    def patience(self, kind: Kind, urgency: Urgency, danger: bool = False) -> timedelta:
        """How much open time a case may wait to be taken: this product's defaults, for the school to sign off.

        `danger`: the safety check was raised for an urgent case. Out of hours nobody can keep such a promise, which is
        why `unwatched` tells the person at once to ring instead.
        """
        if urgency is Urgency.HIGH:
            return timedelta(minutes=15) if danger else timedelta(hours=1)
        return 2 * self._working_day if kind is Kind.QUESTION else self._working_day

    def due(self, kind: Kind, urgency: Urgency, start: datetime, danger: bool = False) -> datetime:
        """When a case that has waited since `start` must have been taken."""
        return self.after(start, self.patience(kind, urgency, danger))

    def local(self, moment: datetime) -> datetime:
        """The moment as the school's clocks show it."""
        return moment.astimezone(self._zone)

    def unwatched(self, moment: datetime) -> str | None:
        """What to tell somebody who writes while nobody is there; None in open hours."""
        return None if self.is_open(moment) else self.out_of_hours

    def warning(self, today: date) -> str | None:
        """What is wrong with the terms as seen from today, for whoever runs Charter; None when they reach far enough."""
        first, last = self.terms[0].first, self.terms[-1].last
        if not first - BEYOND <= today <= last + BEYOND:
            return f"no term is known for {today}: every plain weekday counts as a school day"
        if today > last - AHEAD:
            return f"the last term known ends on {last}: add the next ones"
        return None

    def _hours(self, day: date) -> tuple[datetime, datetime] | None:
        """Opening and closing of a school day in UTC; None when the school stays closed."""
        if not self._is_school_day(day):
            return None
        opens, closes = (datetime.combine(day, at, self._zone).astimezone(UTC) for at in (self.opens, self.closes))
        # When the clocks go forward an hour is missing, and with it perhaps all of a very short day.
        return (opens, closes) if opens < closes else None

    def _is_school_day(self, day: date) -> bool:
        if _WEEK[day.weekday()] not in self.days or any(day in span for span in self.holidays):
            return False
        known = self.terms[0].first - BEYOND <= day <= self.terms[-1].last + BEYOND
        return not known or any(day in term for term in self.terms)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def _working_day(self) -> timedelta:
        opens, closes = (
            timedelta(hours=at.hour, minutes=at.minute, seconds=at.second) for at in (self.opens, self.closes)
        )
        return closes - opens


def _zoned(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    return moment.astimezone(UTC)
