"""Who a person is to a case, and what they may see of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from bot.cases.model import CaseSummary, CaseView, Entry, Kind, Urgency
from bot.cases.moves import UNTAKEN, Standing, allowed
from bot.cases.record import Act, Case, Event
from bot.cases.routing import Roster
from bot.model import Person

SOMEBODY = "somebody no longer on the roster"

PATIENCE: Mapping[Urgency, timedelta] = MappingProxyType(
    {Urgency.HIGH: timedelta(hours=1), Urgency.NORMAL: timedelta(days=1)}
)
QUESTION_PATIENCE = timedelta(days=2)
DANGER_PATIENCE = timedelta(minutes=15)
"""How long a case may wait to be taken: this product's defaults, in plain hours where no school's calendar is known."""

_TOLD_REPORTER = frozenset(
    {
        Act.FILED,
        Act.ACKNOWLEDGED,
        Act.REPLIED,
        Act.ASKED,
        Act.ADDED,
        Act.WITHDRAWN,
        Act.CLOSED,
        Act.REOPENED,
    }
)
_REPORTER_READS = frozenset({Act.REPLIED, Act.ASKED, Act.ADDED, Act.WITHDRAWN})


def plain_hours(kind: Kind, urgency: Urgency, start: datetime, danger: bool = False) -> datetime:
    """When a case that waits from `start` must have been taken, without a calendar."""
    if danger and urgency is Urgency.HIGH:
        return start + DANGER_PATIENCE
    return start + (QUESTION_PATIENCE if kind is Kind.QUESTION else PATIENCE[urgency])


def barred(case: Case, person: str) -> bool:
    """Whether the case is closed to this person, whatever else gives them a right: subject, excluded, recused."""
    return person in case.concern.closed_to


def holds(case: Case, person: Person) -> bool:
    """Whether the person was given the case and still has what it was given for."""
    needed = case.concern.needs(person.id)
    return person.id in case.handlers and (needed is None or person.has(*needed))


def standing(case: Case, person: str, roster: Roster) -> Standing:
    """What this person is to the case now: who left the roster, is barred or lost the roles has no standing."""
    known = roster.get(person)
    if known is None:
        return Standing.NONE
    if case.reporter == person:
        return Standing.REPORTER
    return Standing.HANDLER if holds(case, known) and not barred(case, person) else Standing.NONE


def handlers_now(case: Case, roster: Roster) -> tuple[str, ...]:
    """Those of the case's handlers who still are."""
    return tuple(person for person in case.handlers if standing(case, person, roster) is Standing.HANDLER)


def summary(case: Case, roster: Roster, now: datetime, seen_as: Standing = Standing.HANDLER) -> CaseSummary:
    """The case without its content. A legal hold is the handlers' to know of."""
    return CaseSummary(
        ref=case.ref,
        kind=case.kind,
        state=case.state,
        urgency=case.urgency,
        opened=case.opened,
        owner=name_of(case.owner, roster) if case.owner else None,
        overdue=overdue(case, now),
        hold=case.hold and seen_as is Standing.HANDLER,
        review=case.review,
        withdrawn=case.withdrawn,
    )


def overdue(case: Case, now: datetime) -> bool:
    """Whether it has waited too long to be taken: its time has passed, was passed before, or nobody waits any more."""
    return case.state in UNTAKEN and (case.step > 0 or case.due is None or case.due <= now)


def view(case: Case, story: Sequence[Event], seen_as: Standing, roster: Roster, now: datetime) -> CaseView:
    """The case as a handler or its reporter may see it. The reporter sees nothing internal: no outcome, no reason."""
    filed = next(event for event in story if event.act is Act.FILED)
    return CaseView(
        summary=summary(case, roster, now, seen_as),
        reporter=filed.name,
        answers=filed.answers,
        story=tuple(_entry(event, seen_as) for event in story if shows(event, seen_as)),
        may=allowed(seen_as, case),
        handlers=tuple(person for id in handlers_now(case, roster) if (person := roster.get(id))),
    )


def shows(event: Event, seen_as: Standing) -> bool:
    """Whether somebody with this standing sees that the event took place."""
    return seen_as is Standing.HANDLER or event.act in _TOLD_REPORTER


def reads(event: Event, seen_as: Standing) -> bool:
    """Whether somebody with this standing reads the words of the event."""
    return seen_as is Standing.HANDLER or event.act in _REPORTER_READS


def name_of(person: str, roster: Roster) -> str:
    """The person's name as the roster has it now."""
    known = roster.get(person)
    return known.name if known else SOMEBODY


def _entry(event: Event, seen_as: Standing) -> Entry:
    words = ": ".join(filter(None, [event.outcome, event.words])) if reads(event, seen_as) else ""
    return Entry(event.act.value, event.name, event.at, words, internal=event.act not in _REPORTER_READS)
