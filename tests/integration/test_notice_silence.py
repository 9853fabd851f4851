"""What nobody got and what nobody answered: failures are seen until they are mended, and silence goes on."""

from datetime import UTC, datetime, timedelta

from bot.cases.model import Urgency
from bot.cases.routing import Roster
from bot.model import Gone, Later
from bot.notices.compose import Composer
from bot.notices.model import NoticeKind
from bot.notices.watch import REMINDERS
from bot.render.words import TemplateWords
from bot.storage.database import open_database
from tests.databases import Place
from tests.integration.post import CALENDAR, SECRET, Post
from tests.small_school import SITA, TESS, WITH_DORA, HandClock


async def test_failures_are_seen_until_they_are_mended(place: Place) -> None:
    """On both databases: what was given up and what waits an hour, but not what nobody had a right to."""
    database, clock = await open_database(place.url), HandClock()
    post = Post(database, clock)
    await post.filed(excluded=frozenset({"sita"}))
    post.box.fails |= {"person:sam": lambda: Gone("account closed"), "person:hannah": lambda: Later(1)}
    await post.worker.deliver_due()
    assert await post.failing() == [("person:sam", True)]
    clock.forward(hours=1)
    assert await post.failing() == [("person:hannah", False), ("person:sam", True)]
    assert (await post.outbox.backlog()).counts == {NoticeKind.POINTER: 1}
    post.box.fails.clear()
    await post.worker.deliver_due()
    assert await post.failing() == [("person:sam", True)]
    assert ((await post.outbox.backlog()).counts, (await post.outbox.backlog()).oldest) == ({}, None)
    clock.forward(days=8)
    assert await post.failing() == []
    await database.close()


async def test_a_notice_withheld_is_no_failure(post: Post) -> None:
    """Nobody has to mend anything when a right has ended."""
    await post.filed(excluded=frozenset({"sita"}))
    post.desk.roster = Roster([SITA, TESS])
    await post.worker.deliver_due()
    assert await post.failing() == []


async def test_the_other_handlers_hear_that_one_could_not_be_told(post: Post) -> None:
    """Once, in private, and with no word of what the case says."""
    ref = await post.filed(excluded=frozenset({"sita"}))
    post.box.fails["person:sam"] = lambda: Gone("account closed")
    for _ in range(3):
        await post.worker.deliver_due()
        await post.watch.look()
    assert post.box.order == {"person:hannah": [f"pointer {ref}", f"undelivered {ref}"]}


async def test_silence_goes_on_by_the_calendar_over_a_holiday_and_a_weekend(post: Post, clock: HandClock) -> None:
    """Filed at four on the last afternoon before half-term, and nobody takes it: the whole way to the truth."""
    clock.time = datetime(2026, 10, 23, 15, tzinfo=UTC)
    post.desk.roster = WITH_DORA
    worker = post.another(compose=Composer(post.desk, TemplateWords.load(), clock, CALENDAR).compose)
    ref = await post.filed(urgency=Urgency.HIGH)
    told: list[str] = []
    for _ in range(1 + REMINDERS + 1):
        await worker.deliver_due()
        post.box.order.clear()
        clock.time = (await post.case(ref)).due or clock.time
        await post.watch.look()
        await worker.deliver_due()
        told.append(f"{clock.time:%d %b %H:%M} {' '.join(sorted(post.box.order))}")
    everyone = "person:dora person:hannah person:sam person:sita"
    assert told == [
        f"02 Nov 08:30 {everyone}",
        f"02 Nov 09:30 {everyone}",
        f"02 Nov 10:30 {everyone}",
        f"02 Nov 11:30 {everyone}",
        "02 Nov 12:30 person:tess",
    ]
    assert (await post.case(ref)).due is None
    assert SECRET not in repr(post.box.shown)


async def test_a_reporter_nobody_answers_is_told_whom_to_ring(post: Post, clock: HandClock) -> None:
    """The numbers of their class, without those answered by somebody it is kept from."""
    worker = post.another(compose=Composer(post.desk, TemplateWords.load(), clock, CALENDAR).compose)
    ref = await post.filed(excluded=frozenset({"sita"}))
    for _ in range(REMINDERS + 1):
        clock.time = (await post.case(ref)).due or clock.time
        await post.watch.look()
    await worker.deliver_due()
    (last,) = [reply for reply in post.box.shown.values() if reply.lead.startswith("Nobody has taken")]
    assert "Headteacher: 1" in last.body
    assert "Safeguarding lead: 2" not in last.body


async def test_a_crash_between_escalation_and_delivery_loses_and_repeats_nothing(post: Post, clock: HandClock) -> None:
    """The step is stored with its notices: the next process delivers them and does not step again."""
    post.desk.roster = WITH_DORA
    ref = await post.filed(urgency=Urgency.HIGH)
    await post.worker.deliver_due()
    post.box.order.clear()
    clock.forward(hours=1)
    await post.watch.look()
    await post.outbox.claim(clock.now(), timedelta(seconds=60))
    clock.forward(seconds=61)
    await post.watch.look()
    await post.worker.deliver_due()
    assert post.box.order == {
        "person:dora": [f"escalated {ref} (again)"],
        **{f"person:{who}": [f"reminder {ref} (again)"] for who in ("hannah", "sam", "sita")},
    }
