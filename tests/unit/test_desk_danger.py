"""Somebody in danger: a case with the safety check raised is looked at within a quarter of an hour that school is open."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import TypeAdapter

from bot.cases.desk import Desk
from bot.cases.model import SAFEGUARDING, About, CaseView, Filing, Receipt, Urgency
from bot.cases.record import Case, Concern
from bot.cases.routing import Roster
from bot.dialogs.form import REVIEW, STEP, Values
from bot.model import Outcome, Platform, Reply, Role, Room, Submitted
from bot.notices.failures import Gauges
from bot.notices.model import NoticeKind
from bot.notices.watch import REMINDERS, Watch
from intents.model import Intent, Reading, Risk
from tests.fakes import FakeMemory, assemble
from tests.filling import CALM, PEOPLE, SCHOOL, STORY
from tests.guidance import library
from tests.office import Office, seen
from tests.small_school import DORA, HEAD, SAM, WITH_DORA, HandClock, MemoryCaseStore, filing
from tests.unit.test_watch import Tray

QUARTER = timedelta(minutes=15)
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
LATE = datetime(2026, 11, 27, 16, 20, tzinfo=UTC)
NIGHT = datetime(2026, 11, 28, 23, tzinfo=UTC)


def danger(about: About = About.STUDENT, also: frozenset[Role] = frozenset(), **more: object) -> Filing:
    """A report for which the safety check was raised."""
    return replace(filing(about, **more), danger=True, also=also)  # type: ignore[arg-type]


def timed(at: datetime) -> Office:
    """An office by the example school's calendar, at this time."""
    office = Office(roster=WITH_DORA)
    office.clock.time = at
    office.desk = Desk(office.store, WITH_DORA, office.clock, SCHOOL.numbers(), patience=SCHOOL.calendar.due)
    return office


@pytest.mark.parametrize(
    ("sent", "due"),
    [(MONDAY, "Mon 23 10:15"), (LATE, "Mon 30 08:05"), (NIGHT, "Mon 30 08:15")],
    ids=["in school hours", "ten minutes before closing", "at the weekend"],
)
async def test_danger_waits_a_quarter_of_an_hour_of_school_time(sent: datetime, due: str) -> None:
    """Never longer; an urgent case without danger has its hour."""
    office = timed(sent)
    ref, calm = await office.filed(danger()), await office.filed(filing(urgency=Urgency.HIGH))
    found = office.store.cases[ref].due
    assert found is not None
    assert f"{found:%a %d %H:%M}" == due
    assert office.store.cases[ref].urgency is Urgency.HIGH
    assert office.store.cases[calm].due == SCHOOL.calendar.after(sent, timedelta(hours=1))


async def test_silence_about_danger_goes_on_every_quarter_of_an_hour() -> None:
    """Along the chain, three reminders, and within an hour and a half of sending the reporter is told the truth."""
    office = timed(MONDAY)
    ref = await office.filed(danger())
    tray: Any = Tray()
    watch = Watch(office.desk, office.store, tray, office.clock, SCHOOL.calendar, Gauges(CollectorRegistry()))
    line = len(office.store.cases[ref].concern.on_silence)
    for _ in range(line + REMINDERS + 1):
        office.clock.forward(minutes=15)
        await watch.look()
    assert office.clock.now() - MONDAY <= timedelta(minutes=90)
    assert office.told(NoticeKind.ESCALATED) == {"person:dora"}
    assert [each.kind for each in office.store.notices][-1] is NoticeKind.UNANSWERED


async def test_danger_goes_with_the_case_from_hand_to_hand() -> None:
    """Assigned or re-routed it waits a quarter of an hour for the next; a leader may calm it, with a reason."""
    office = Office(roster=WITH_DORA)
    ref = await office.taken(what=danger())

    def left() -> timedelta:
        due = office.store.cases[ref].due
        assert due is not None
        return due - office.clock.now()

    office.clock.forward(minutes=40)
    seen(await office.desk.assign(ref, SAM, HEAD.id))
    assert left() == QUARTER
    office.clock.forward(minutes=40)
    assert isinstance(await office.desk.reroute(ref, HEAD, About.COLLEAGUE, "tom", "It was Tom"), CaseView)
    assert left() == QUARTER
    seen(await office.desk.set_urgency(ref, HEAD, Urgency.NORMAL, "The child is with her mother"))
    assert left() == timedelta(days=1)


async def test_a_wish_to_speak_about_danger_waits_no_longer() -> None:
    """And on silence it is not carried to somebody whom the reporter kept out."""
    office = Office(roster=WITH_DORA)
    receipt = await office.desk.wish_in_person(
        filing().reporter, About.STUDENT, None, "sam", frozenset({"dora"}), danger=True
    )
    assert isinstance(receipt, Receipt)
    assert office.store.cases[receipt.ref].due == office.clock.now() + QUARTER
    assert receipt.route.on_silence == ()


# A child who may be at risk


@pytest.mark.parametrize("about", [About.STUDENT, About.PARENT, About.UNKNOWN, About.SELF])
async def test_a_child_at_risk_is_told_to_the_safeguarding_leads_in_private(about: About) -> None:
    """To the lead and the deputy beside those who have it anyway, each by name; nothing in the channel."""
    office = Office(roster=WITH_DORA)
    receipt = await office.desk.file(danger(about, SAFEGUARDING))
    assert isinstance(receipt, Receipt)
    assert {"sita", "dora"} < {each.id for each in receipt.route.handlers}
    assert not receipt.route.channel
    assert office.told(NoticeKind.POINTER) == {f"person:{each.id}" for each in receipt.route.handlers}


@pytest.mark.parametrize(
    ("about", "subject"),
    [(About.COLLEAGUE, "tom"), (About.SLT_OR_DSL, "sita"), (About.SLT_OR_DSL, "dora"), (About.HEADTEACHER, None)],
)
async def test_a_report_about_staff_stays_where_it_goes(about: About, subject: str | None) -> None:
    """The sender is asked to ring the safeguarding lead; nobody is added."""
    office = Office(roster=WITH_DORA)
    with_child = await office.desk.file(danger(about, SAFEGUARDING, subject=subject))
    without_child = await office.desk.file(danger(about, subject=subject))
    assert isinstance(with_child, Receipt)
    assert isinstance(without_child, Receipt)
    assert with_child.route == without_child.route


async def test_who_was_added_for_a_child_stays_added_when_it_is_sent_another_way() -> None:
    """From a pupil to a parent; from there to a colleague it leaves them."""
    office = Office(roster=WITH_DORA)
    ref = await office.filed(danger(also=SAFEGUARDING))
    assert isinstance(await office.desk.reroute(ref, HEAD, About.PARENT, None, "It was the father"), CaseView)
    assert (await office.desk.queue(DORA)).total == 1
    assert not office.store.cases[ref].concern.channel
    assert isinstance(await office.desk.reroute(ref, HEAD, About.COLLEAGUE, "tom", "It was Tom"), CaseView)
    assert (await office.desk.queue(DORA)).total == 0


# From the form to the case


class Listening:
    """A `Reader` that hears one disclosure and nothing else."""

    def read(self, text: str, earlier: object = (), known: object = None) -> Reading:  # noqa: ARG002
        """As the port says."""
        alarm = "hurt herself" in text
        return Reading(intents={Intent.QUESTION: 1.0}, risk=Risk(alarm, float(alarm)), facts={})


@dataclass
class Desks:
    """The whole product in memory, at a time of the example school's calendar."""

    at: datetime = MONDAY
    store: MemoryCaseStore = field(default_factory=MemoryCaseStore)

    async def sends(self, form: str, values: Values, tick: str = "@true") -> tuple[Outcome, Case]:
        """Send a finished draft of Priya's."""
        clock, memory, priya = HandClock(), FakeMemory(), PEOPLE["priya"]
        clock.time = self.at
        roster = Roster(SCHOOL.people, frozenset({Platform.WEB}))
        desk = Desk(self.store, roster, clock, SCHOOL.numbers(), patience=SCHOOL.calendar.due, table=SCHOOL.routes())
        charter = assemble(Listening(), library(), desk, memory, SCHOOL, clock)
        await memory.save_draft("d", priya, form, values)
        outcome = await charter.handle(
            Submitted(priya, Room(Platform.WEB, "dm:priya"), "draft:d", "send", {tick: "yes"})
        )
        return outcome, next(iter(self.store.cases.values()))


REPORT: Values = {**CALM, "about": "student", **STORY, "way": "write", STEP: REVIEW}


RAISED: list[Values] = [
    {"danger": "yes"},
    {"danger": "unsure"},
    {"risk": "child"},
    {"image": "unsure"},
    {"@alarm": "child"},
    {"@alarm": "adult"},
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda raised: "-".join(*raised.items()))
async def test_whatever_raised_the_alarm_reaches_the_case(raised: Values) -> None:
    """An answer of the safety check, or words read on any page."""
    _, case = await Desks().sends("report", {**REPORT, "@alarm": "child", **raised})
    assert case.concern.danger
    assert case.due == MONDAY + QUARTER


async def test_a_calm_report_is_not_hurried() -> None:
    """Its working day."""
    _, case = await Desks().sends("report", REPORT)
    assert (case.concern.danger, case.urgency) == (False, Urgency.NORMAL)


@pytest.mark.parametrize("answer", ["child", "unsure"])
async def test_the_reporter_sees_the_safeguarding_leads_before_sending(answer: str) -> None:
    """What is shown is the real list: the receipt says the same."""
    outcome, case = await Desks().sends("report", {**REPORT, "risk": answer, "@alarm": "child"})
    assert isinstance(outcome, Reply)
    assert not case.concern.channel
    assert "amara" in case.handlers


async def test_out_of_hours_the_receipt_says_whom_to_ring() -> None:
    """The number of social care out of hours stands on the screen, whatever else the receipt says."""
    outcome, _ = await Desks(NIGHT).sends("report", {**REPORT, "risk": "child", "@alarm": "child"})
    assert isinstance(outcome, Reply)
    shown = repr(outcome)
    assert SCHOOL.contacts.children_out_of_hours.number in shown
    assert "Nobody is watching this now" in shown


async def test_a_question_with_danger_in_it_is_urgent_too() -> None:
    """Each leader is told in private besides the channel."""
    store = Desks()
    await store.sends("ask_leadership", {"question": "What now?", "named": "no", "@alarm": "child", STEP: REVIEW})
    assert NoticeKind.POINTER in {each.kind for each in store.store.notices if each.destination.person}


def test_a_case_stored_before_there_was_such_a_mark_still_opens() -> None:
    """What an older version wrote says nothing of danger, of who was added, or of who is next when all step back."""
    concern = TypeAdapter(Concern).validate_json('{"about": "student", "roles": ["slt"]}')
    assert (concern.danger, concern.joined, concern.on_recusal) == (False, frozenset(), ())
