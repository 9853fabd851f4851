"""Who a person is to a case, and what they may see of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from bot.cases.model import CaseSummary, CaseView, Entry, Kind, State, Urgency
from bot.cases.moves import Standing, allowed
from bot.cases.record import Act, Case, Event
from bot.cases.routing import Roster

SOMEBODY = "somebody no longer on the roster"

PATIENCE: Mapping[Urgency, timedelta] = MappingProxyType(
    {Urgency.HIGH: timedelta(hours=1), Urgency.NORMAL: timedelta(days=1)}
)
QUESTION_PATIENCE = timedelta(days=2)
"""How long a case may wait to be taken: this product's defaults, in plain hours until a school's calendar is known."""

UNTAKEN = frozenset({State.SUBMITTED, State.REOPENED})
_TOLD_REPORTER = frozenset({Act.FILED, Act.ACKNOWLEDGED, Act.REPLIED, Act.ADDED, Act.CLOSED, Act.REOPENED})
_REPORTER_READS = frozenset({Act.REPLIED, Act.ADDED})


def standing(case: Case, person: str, roster: Roster) -> Standing:
    """What this person is to the case now: who left the roster, is barred or lost the roles has no standing."""
    known = roster.get(person)
    if known is None:
        return Standing.NONE
    if case.reporter == person:
        return Standing.REPORTER
    handles = person in case.handlers and person not in case.concern.closed_to and known.has(*case.concern.roles)
    return Standing.HANDLER if handles else Standing.NONE


def handlers_now(case: Case, roster: Roster) -> tuple[str, ...]:
    """Those of the case's handlers who still are."""
    return tuple(person for person in case.handlers if standing(case, person, roster) is Standing.HANDLER)


def summary(case: Case, roster: Roster, now: datetime) -> CaseSummary:
    """The case without its content."""
    return CaseSummary(
        ref=case.ref,
        kind=case.kind,
        state=case.state,
        urgency=case.urgency,
        opened=case.opened,
        owner=name_of(case.owner, roster) if case.owner else None,
        overdue=case.state in UNTAKEN and now - case.opened > _patience(case),
    )


def view(case: Case, story: Sequence[Event], seen_as: Standing, roster: Roster, now: datetime) -> CaseView:
    """The case as a handler or its reporter may see it. The reporter sees nothing internal: no outcome, no reason."""
    filed = next(event for event in story if event.act is Act.FILED)
    for_reporter = seen_as is Standing.REPORTER
    return CaseView(
        summary=summary(case, roster, now),
        reporter=filed.name,
        answers=filed.answers,
        story=tuple(_entry(event, for_reporter) for event in story if not for_reporter or event.act in _TOLD_REPORTER),
        may=allowed(seen_as, case.state),
    )


def name_of(person: str, roster: Roster) -> str:
    """The person's name as the roster has it now."""
    known = roster.get(person)
    return known.name if known else SOMEBODY


def _entry(event: Event, for_reporter: bool) -> Entry:
    hidden = for_reporter and event.act not in _REPORTER_READS
    words = "" if hidden else ": ".join(filter(None, [event.outcome, event.words]))
    return Entry(event.act.value, event.name, event.at, words)


def _patience(case: Case) -> timedelta:
    return QUESTION_PATIENCE if case.kind is Kind.QUESTION else PATIENCE[case.urgency]
