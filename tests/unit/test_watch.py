"""The watcher: silence goes on along the chain in school hours, ends with the truth, and no notice fails unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from bot.cases.desk import Desk
from bot.cases.model import About, CaseView, Kind, State, Urgency
from bot.cases.record import Act, Case, Concern, Event
from bot.model import Destination, Role
from bot.notices.failures import Gauges, failures, in_words
from bot.notices.model import Backlog, Failure, Notice, NoticeKind
from bot.notices.watch import REMINDERS, Watch
from bot.settings import EXAMPLE_SCHOOL, load_school
from tests.small_school import HEAD, NUMBERS, ROSTER, HandClock, MemoryCaseStore

CALENDAR = load_school(EXAMPLE_SCHOOL).calendar
MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
FRIDAY_EVENING = datetime(2026, 11, 27, 16, 15, tzinfo=UTC)


class Tray:
    """The outbox as the watcher sees it: what failed, and what is added."""

    def __init__(self) -> None:
        self.lost: list[Failure] = []
        self.added: dict[str, Notice] = {}

    async def failed(self, waiting_since: datetime, gone_since: datetime) -> tuple[Failure, ...]:
        """Those old enough, or not too old."""
        return tuple(
            each
            for each in self.lost
            if (each.notice.created >= gone_since if each.gone else each.notice.created <= waiting_since)
        )

    async def add(self, notices: Sequence[Notice]) -> int:
        """Each id once."""
        new = {notice.id: notice for notice in notices if notice.id not in self.added}
        self.added.update(new)
        return len(new)

    async def backlog(self) -> Backlog:
        """One pointer, two hours old on Monday at ten."""
        return Backlog({NoticeKind.POINTER: 1}, MONDAY - timedelta(hours=2))


@dataclass
class Office:
    """Everything a watcher needs, in memory."""

    store: MemoryCaseStore = field(default_factory=MemoryCaseStore)
    clock: HandClock = field(default_factory=HandClock)
    tray: Tray = field(default_factory=Tray)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.clock.time = MONDAY
        self.desk = Desk(self.store, ROSTER, self.clock, NUMBERS, self.wake, patience=CALENDAR.due)
        self.gauges = Gauges(self.registry)
        self.watch = self.another()

    def another(self) -> Watch:
        """A watcher of another process."""
        return Watch(self.desk, self.store, self.tray, self.clock, CALENDAR, self.gauges, self.wake, every=0.01)

    async def filed(
        self, ref: str = "CC-CCC", chain: tuple[str, ...] = ("sam", "sita"), opened: datetime = MONDAY
    ) -> str:
        """An urgent report that the headteacher handles; given on along the chain."""
        leaders = frozenset({Role.HEADTEACHER, Role.SLT})
        concern = Concern(About.UNKNOWN, leaders, frozenset({"gus"}), on_silence=chain)
        due = CALENDAR.due(Kind.REPORT, Urgency.HIGH, opened)
        case = Case(ref, Kind.REPORT, Urgency.HIGH, "tess", opened, ("hannah",), concern, due=due)
        await self.store.create(case, ref, Event(Act.FILED, "tess", opened, "Tess"), ())
        return ref

    async def until_due(self, ref: str) -> str:
        """Let the case come due, look, and say when that was and what was told."""
        due = self.store.cases[ref].due
        assert due is not None
        self.clock.time = due
        before = len(self.store.notices)
        await self.watch.look()
        told = sorted(f"{each.kind} {each.destination.name}" for each in self.store.notices[before:])
        return f"{due:%a %H:%M} " + ", ".join(told)

    def lose(self, ref: str, kind: NoticeKind, person: str | None, gone: bool = True, ago: float = 0) -> str:
        """A notice that failed some hours ago."""
        notice = Notice(uuid4().hex, Destination(person), kind, ref, self.clock.now() - timedelta(hours=ago))
        self.tray.lost.append(Failure(notice, gone))
        return notice.id

    def added(self) -> list[str]:
        """What was added to the outbox, and for whom."""
        return sorted(f"{each.kind} {each.destination.name}" for each in self.tray.added.values())

    def count(self, name: str, **labels: str) -> float | None:
        """A metric's value."""
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def office() -> Office:
    """A fresh office."""
    return Office()


async def test_nobody_is_hurried_before_a_case_is_due(office: Office) -> None:
    """One minute early nothing happens."""
    ref = await office.filed()
    office.clock.forward(minutes=59)
    await office.watch.look()
    assert office.store.notices == []
    assert office.store.cases[ref].step == 0


async def test_silence_goes_along_the_chain_then_reminds_then_tells_the_truth(office: Office) -> None:
    """Each step a working hour after the last, over the weekend; three reminders and no more."""
    ref = await office.filed(opened=FRIDAY_EVENING)
    steps = [await office.until_due(ref) for _ in range(2 + REMINDERS + 1)]
    everyone = "reminder person:hannah, reminder person:sam, reminder person:sita"
    assert steps == [
        "Mon 08:45 escalated person:sam, reminder person:hannah",
        "Mon 09:45 escalated person:sita, reminder person:hannah, reminder person:sam",
        f"Mon 10:45 {everyone}",
        f"Mon 11:45 {everyone}",
        f"Mon 12:45 {everyone}",
        "Mon 13:45 unanswered person:tess",
    ]
    assert office.store.cases[ref].due is None
    assert office.count("charter_cases_unanswered_total") == 1


async def test_a_case_without_a_chain_is_reminded_three_times(office: Office) -> None:
    """The handlers it has, in private."""
    ref = await office.filed(chain=())
    steps = [await office.until_due(ref) for _ in range(REMINDERS + 1)]
    assert [step.split(maxsplit=2)[2] for step in steps] == ["reminder person:hannah"] * 3 + ["unanswered person:tess"]


async def test_the_channel_is_never_told_of_silence(office: Office) -> None:
    """Whatever the class, and to the last step."""
    ref = await office.filed()
    for _ in range(2 + REMINDERS + 1):
        await office.until_due(ref)
    assert {each.destination.person for each in office.store.notices} == {"hannah", "sam", "sita", "tess"}


async def test_a_case_that_was_given_up_is_left_alone_but_can_be_taken(office: Office) -> None:
    """It stays with everybody who was given it."""
    ref = await office.filed(chain=())
    for _ in range(REMINDERS + 1):
        await office.until_due(ref)
    told = len(office.store.notices)
    office.clock.forward(days=30)
    await office.watch.look()
    assert len(office.store.notices) == told
    assert isinstance(await office.desk.acknowledge(ref, HEAD), CaseView)


async def test_a_case_that_is_taken_is_left_alone(office: Office) -> None:
    """Taken at the last minute."""
    ref = await office.filed()
    office.clock.forward(minutes=59)
    await office.desk.acknowledge(ref, HEAD)
    told = len(office.store.notices)
    office.clock.forward(days=3)
    await office.watch.look()
    assert len(office.store.notices) == told
    assert office.store.cases[ref].state is State.ACKNOWLEDGED


@pytest.mark.parametrize(
    "closed",
    [datetime(2026, 11, 23, 20, tzinfo=UTC), datetime(2026, 11, 28, 11, tzinfo=UTC)],
    ids=["night", "Saturday"],
)
async def test_nobody_is_reminded_while_school_is_closed(office: Office, closed: datetime) -> None:
    """A case that came due while Charter was down waits for the morning."""
    ref = await office.filed()
    office.clock.time = closed
    await office.watch.look()
    assert office.store.cases[ref].step == 0
    office.clock.time = CALENDAR.after(closed, timedelta())
    await office.watch.look()
    assert office.store.cases[ref].step == 1


async def test_after_a_long_stop_each_step_still_gets_its_time(office: Office) -> None:
    """The next due time counts from the step, not from the time that was missed."""
    ref = await office.filed()
    office.clock.forward(days=2)
    await office.watch.look()
    await office.watch.look()
    case = office.store.cases[ref]
    assert (case.step, case.due) == (1, office.clock.now() + timedelta(hours=1))


async def test_many_watchers_take_each_step_once(office: Office) -> None:
    """Also the last one: the reporter is told once, and it is counted once."""
    ref = await office.filed()
    watchers = [office.another() for _ in range(5)]
    for step in range(2 + REMINDERS + 1):
        due = office.store.cases[ref].due
        assert due is not None
        office.clock.time = due
        await asyncio.gather(*(each.look() for each in watchers))
        assert office.store.cases[ref].version == step + 2
    assert [each.kind for each in office.store.notices].count(NoticeKind.UNANSWERED) == 1
    assert office.count("charter_cases_unanswered_total") == 1


async def test_a_watcher_that_is_late_does_not_step_again(office: Office) -> None:
    """It read the case as overdue; another moved it on before it could."""
    ref = await office.filed()
    office.clock.forward(hours=1)
    (stale,) = await office.store.overdue(office.clock.now())
    await office.watch.look()

    async def as_it_was(now: datetime, limit: int = 50) -> tuple[Case, ...]:  # noqa: ARG001
        return (stale,)

    office.store.overdue = as_it_was  # type: ignore[method-assign]
    await office.watch.look()
    assert office.store.cases[ref].step == 1


async def test_a_case_that_cannot_be_moved_keeps_no_other_waiting(office: Office) -> None:
    """Its fault is logged by type and reference; the next case is moved on."""
    first, second = await office.filed("CC-CCC"), await office.filed("DD-DDD")
    office.clock.forward(hours=1)
    working = office.desk.escalate

    async def broken(ref: str) -> bool:
        if ref == first:
            raise RuntimeError("xylophone")
        return await working(ref)

    office.desk.escalate = broken  # type: ignore[method-assign]
    with capture_logs() as logs:
        await office.watch.look()
    assert [office.store.cases[ref].step for ref in (first, second)] == [0, 1]
    assert {"event": "watch_failed", "ref": first, "error": "RuntimeError", "log_level": "error"} in logs
    assert "xylophone" not in repr(logs)


async def test_giving_up_is_on_record_and_logged_by_reference_alone(office: Office) -> None:
    """The story says what Charter did; the log names nobody."""
    ref = await office.filed(chain=())
    for _ in range(REMINDERS):
        await office.until_due(ref)
    with capture_logs() as logs:
        await office.until_due(ref)
    assert {"event": "case_unanswered", "ref": ref, "log_level": "warning"} in logs
    assert (office.store.stories[ref][-1].by, office.store.stories[ref][-1].act) == ("charter", Act.ESCALATED)


@pytest.mark.parametrize("kind", [NoticeKind.POINTER, NoticeKind.ADDED, NoticeKind.ESCALATED, NoticeKind.REMINDER])
async def test_the_other_handlers_are_told_of_a_notice_that_is_lost(office: Office, kind: NoticeKind) -> None:
    """Once, however many watchers look, and by no more than its case and kind."""
    ref = await office.filed()
    await office.until_due(ref)
    office.lose(ref, kind, "hannah")
    office.wake.clear()
    for watcher in (office.watch, office.another(), office.watch):
        await watcher.look()
    assert office.added() == ["undelivered person:sam"]
    assert office.wake.is_set()


async def test_when_the_channel_cannot_be_reached_the_handlers_are_told_in_private(office: Office) -> None:
    """All of them, as they are now; the channel is not tried again."""
    ref = await office.filed()
    await office.until_due(ref)
    office.lose(ref, NoticeKind.POINTER, None)
    await office.watch.look()
    assert office.added() == ["undelivered person:hannah", "undelivered person:sam"]


async def test_a_notice_that_waits_is_lost_after_an_hour_and_not_before(office: Office) -> None:
    """Back-off alone is no failure."""
    ref = await office.filed()
    office.lose(ref, NoticeKind.ACKNOWLEDGED, "tess", gone=False, ago=0.9)
    await office.watch.look()
    assert office.added() == []
    office.clock.forward(minutes=6)
    await office.watch.look()
    assert office.added() == ["undelivered person:hannah"]


async def test_one_notice_given_up_long_ago_does_not_make_somebody_unreachable(office: Office) -> None:
    """They still hear of what others could not be told."""
    ref = await office.filed()
    await office.until_due(ref)
    office.lose(ref, NoticeKind.UNDELIVERED, "sam", ago=48)
    office.lose(ref, NoticeKind.POINTER, "hannah")
    await office.watch.look()
    assert office.added() == ["undelivered person:sam"]


async def test_a_platform_that_is_down_for_all_brings_no_flood(office: Office) -> None:
    """Those whose own line is stuck are told nothing more about others'."""
    ref = await office.filed()
    await office.until_due(ref)
    for person in ("hannah", "sam"):
        office.lose(ref, NoticeKind.REMINDER, person, gone=False, ago=2)
    await office.watch.look()
    assert office.added() == []


async def test_word_of_a_lost_notice_that_is_lost_too_goes_no_further(office: Office) -> None:
    """Otherwise two people who cannot be reached would be told of each other for ever."""
    ref = await office.filed()
    await office.until_due(ref)
    office.lose(ref, NoticeKind.UNDELIVERED, "sam")
    await office.watch.look()
    assert office.added() == []


async def test_who_lost_the_case_is_not_told_of_its_lost_notices(office: Office) -> None:
    """Handlers are those who still are."""
    ref = await office.filed()
    await office.until_due(ref)
    case = office.store.cases[ref]
    office.store.cases[ref] = replace(case, concern=replace(case.concern, closed_to=frozenset({"sam"})))
    office.lose(ref, NoticeKind.POINTER, "hannah")
    await office.watch.look()
    assert office.added() == []


async def test_the_gauges_show_what_waits_and_what_failed(office: Office) -> None:
    """Counts by kind, the oldest age and the failures; nothing else stands in a label."""
    ref = await office.filed()
    office.lose(ref, NoticeKind.POINTER, "hannah")
    await office.watch.look()
    assert office.count("charter_notices_waiting", kind="pointer") == 1
    assert office.count("charter_notices_waiting", kind="replied") == 0
    assert office.count("charter_notices_oldest_seconds") == 2 * 60 * 60
    assert office.count("charter_notices_failed") == 1
    labels = {name for metric in office.registry.collect() for sample in metric.samples for name in sample.labels}
    assert labels == {"kind"}


async def test_the_doctor_hears_of_destinations_not_of_cases(office: Office) -> None:
    """Whoever mends a line need not know which case or kind of news waits in it."""
    for kind, gone in ((NoticeKind.POINTER, True), (NoticeKind.ADDED, False), (NoticeKind.CLOSED, False)):
        office.lose("CC-CCC", kind, "hannah", gone, ago=3)
    office.lose("DD-DDD", NoticeKind.POINTER, None, gone=True, ago=24 * 8)
    assert in_words(await failures(office.tray, office.clock.now())) == (
        "person:hannah: 1 given up, 2 waiting for over an hour",
    )


async def test_a_running_watcher_survives_a_database_that_is_away(office: Office) -> None:
    """It says so by type and looks again."""
    ref = await office.filed()
    office.clock.forward(hours=1)
    working, moved = office.store.overdue, asyncio.Event()

    async def away_once(now: datetime, limit: int = 50) -> tuple[Case, ...]:  # noqa: ARG001
        office.store.overdue = working  # type: ignore[method-assign]
        raise OSError("xylophone")

    async def backlog() -> Backlog:
        moved.set()
        return Backlog({})

    office.store.overdue, office.tray.backlog = away_once, backlog  # type: ignore[method-assign]
    with capture_logs() as logs:
        task = asyncio.create_task(office.watch.run())
        async with asyncio.timeout(5):
            await moved.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert office.store.cases[ref].step == 1
    assert {"event": "watch_unavailable", "error": "OSError", "log_level": "error"} in logs
