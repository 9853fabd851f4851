"""Nobody learns of a case that is not theirs: for every class of subject, as filed and after a re-route.

Everything the desk can be asked is asked: each action, each list, each count, each notice. Each test has its counter-proof:
with the guard taken away the same search finds what must not be found.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from bot.cases import routing, views
from bot.cases.files import Files
from bot.cases.model import CaseView, Refused, State, Urgency
from bot.cases.record import Case, Event
from bot.model import Person, Role
from bot.notices.model import Notice
from tests.leaks.search import (
    CLASSES,
    EVERYBODY,
    INTERNAL,
    LEADERS,
    NAMED,
    SECRET,
    STRANGER,
    Class,
    actions,
    actions_of,
    anybody,
    arrivals,
    arrived,
    classes,
    everybody,
    known,
    leaks,
    leaks_without,
    nobody,
    office,
    subject_of,
)
from tests.office import Office
from tests.small_school import TESS

# 1: the subject, and everybody else it is not for, sees nothing anywhere


@classes
@arrivals
async def test_a_case_shows_nothing_to_anybody_it_is_not_for(name: str, rerouted: bool) -> None:
    """Actions, lists, counts, assign lists and notices, for every person of the school and for a stranger."""
    for who in (*EVERYBODY, STRANGER):
        at = office()
        ref = await arrived(at, CLASSES[name], rerouted)
        if who.id not in CLASSES[name].handlers and who is not TESS:
            found = await leaks(at, ref, who)
            if CLASSES[name].handlers == LEADERS and at.desk.roster.reads_channel(who.id) and who.id == "dora":
                assert found <= {"notice pointer", "notice reminder"}
            else:
                assert found == set(), (who.id, found)


@classes
@arrivals
async def test_its_own_handlers_and_reporter_do_see_it(name: str, rerouted: bool) -> None:
    """The search above would find it: it finds it for those whose case it is."""
    for who in CLASSES[name].handlers:
        at = office()
        ref = await arrived(at, CLASSES[name], rerouted)
        assert {"open", "queue", "count of queue", "eligible", "note"} <= await leaks(at, ref, known(who))
    at = office()
    ref = await arrived(at, CLASSES[name], rerouted)
    assert {"open", "own", "count of own", "add"} <= await leaks(at, ref, TESS)


@classes
@arrivals
async def test_without_the_routing_guards_it_leaks_everywhere(
    name: str, rerouted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Table and exclusion taken away: the person it is about has it in the queue, the count, the list and the notices."""
    leaks_without(monkeypatch, (routing.rule_for, everybody), (routing.closed_to, nobody))
    at = office()
    ref = await arrived(at, CLASSES[name], rerouted)
    found = await leaks(at, ref, subject_of(CLASSES[name]))
    assert {"open", "queue", "count of queue", "eligible", "acknowledge", "notice reminder"} <= found


@classes
@arrivals
async def test_without_the_check_of_standing_it_leaks_at_every_click(
    name: str, rerouted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check at the door taken away: every forged click shows the case."""
    at = office()
    ref = await arrived(at, CLASSES[name], rerouted)
    leaks_without(monkeypatch, (views.standing, anybody))
    found = await leaks(at, ref, subject_of(CLASSES[name]))
    assert set(actions_of()) - {"add", "withdraw"} <= found
    assert "notice reminder" in found


@pytest.mark.parametrize("name", NAMED)
@arrivals
async def test_the_bar_holds_even_for_somebody_who_was_given_the_case(name: str, rerouted: bool) -> None:
    """A grant that should not be there, of every role, gives the person it is about nothing."""
    assert await leaks(*await _granted(CLASSES[name], rerouted)) == set()


@pytest.mark.parametrize("name", NAMED)
@arrivals
async def test_without_the_bar_such_a_grant_leaks(name: str, rerouted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar taken away: the grant opens everything."""
    leaks_without(monkeypatch, (views.barred, lambda *_: False))
    assert {"open", "queue", "count of queue", "eligible"} <= await leaks(*await _granted(CLASSES[name], rerouted))


@classes
@arrivals
async def test_no_name_and_no_word_stands_in_logs_notices_or_refusals(name: str, rerouted: bool) -> None:
    """Ids and references only, whoever tries what."""
    assert await _said_aloud(CLASSES[name], rerouted) == set()


@classes
async def test_a_log_that_says_more_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that logs what it writes gives names and words away."""
    write = Files.write

    async def talkative(self: Files, case: Case, event: Event, notices: tuple[Notice, ...]) -> bool:
        structlog.get_logger().info("case_moved", case=case.ref, by=event.name, said=event.words)
        return await write(self, case, event, notices)

    monkeypatch.setattr(Files, "write", talkative)
    assert {"a name", "a reason"} <= await _said_aloud(CLASSES[name], rerouted=True)


async def _said_aloud(kind: Class, rerouted: bool) -> set[str]:
    """What logs, notices and refusals say that they must not, while everybody tries everything."""
    at = office()
    with capture_logs() as logs:
        ref = await arrived(at, kind, rerouted)
        answers = [await work for who in EVERYBODY for work in actions(at.desk, ref, who).values()]
    surface = repr((logs, at.store.notices, [answer for answer in answers if answer == Refused()]))
    assert "Refused" in surface
    found = {"a name"} if any(each.name in surface for each in EVERYBODY) else set()
    return found | {said for said, word in (("content", SECRET), ("a reason", INTERNAL)) if word in surface}


# The reporter: never another person's outcome, a note, a reason, or how the case went from hand to hand


@classes
async def test_the_reporter_reads_nothing_internal(name: str) -> None:
    """After notes, a hold, urgency, a hand-over, a closing with outcome, a reopening and a recusal or re-route."""
    at, ref = await _worked_on(CLASSES[name])
    assert _internal(await at.desk.open(ref, TESS)) == set()


@classes
@pytest.mark.parametrize("guard", [views.reads, views.shows])
async def test_without_the_reporters_guards_internals_leak(
    name: str, guard: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either taken away shows reasons and outcomes, or that something was done."""
    at, ref = await _worked_on(CLASSES[name])
    leaks_without(monkeypatch, (guard, lambda *_: True))
    assert _internal(await at.desk.open(ref, TESS))


# How it is done


async def _granted(kind: Class, rerouted: bool) -> tuple[Office, str, Person]:
    """The case with a grant, of all roles, to the person it is about."""
    at, who = office(), subject_of(kind)
    ref = await arrived(at, kind, rerouted)
    case = at.store.cases[ref]
    at.store.cases[ref] = replace(
        case, handlers=(*case.handlers, who.id), concern=replace(case.concern, roles=frozenset(Role))
    )
    return at, ref, who


async def _worked_on(kind: Class) -> tuple[Office, str]:
    at = office()
    ref = await arrived(at, kind, rerouted=True)
    by = known(min(kind.handlers))
    await at.desk.acknowledge(ref, by)
    await at.desk.note(ref, by, INTERNAL)
    await at.desk.hold(ref, by, INTERNAL)
    await at.desk.set_urgency(ref, by, Urgency.HIGH, INTERNAL)
    await at.desk.close(ref, by, INTERNAL, INTERNAL)
    await at.desk.reopen(ref, by, INTERNAL)
    await at.desk.recuse(ref, by, INTERNAL)
    assert at.store.cases[ref].state is State.REOPENED
    return at, ref


def _internal(seen: object) -> set[str]:
    """What of a reporter's view is not for reporters."""
    assert isinstance(seen, CaseView)
    told = {"filed", "acknowledged", "replied", "asked", "added", "withdrawn", "closed", "reopened"}
    found = {entry.what for entry in seen.story} - told
    found |= {"words"} if INTERNAL in repr(seen) else set()
    return found | ({"hold"} if seen.summary.hold else set()) | (seen.may - {"add", "withdraw"})
