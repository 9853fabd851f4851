"""Delivery: in order, once, to whoever may still know, whatever a destination does."""

import asyncio
from datetime import timedelta

from structlog.testing import capture_logs

from bot.cases.routing import Roster
from bot.model import Delivery, Destination, Gone, Later
from bot.notices.model import Notice, NoticeKind
from bot.storage.database import open_database
from tests.databases import Place
from tests.integration.post import SECRET, Post
from tests.small_school import SAM, SITA, TESS, HandClock


async def test_a_pointer_is_delivered_once_under_its_notices_id(post: Post) -> None:
    """And then the outbox is empty."""
    ref = await post.filed()
    assert await post.worker.deliver_due() == 1
    assert await post.worker.deliver_due() == 0
    assert post.box.order == {"leadership": [f"pointer {ref}"]}
    assert await post.outbox.next_due() is None


async def test_news_of_a_case_brings_its_pointer_up_to_date(post: Post) -> None:
    """The card in the channel is written anew in its place after each delivered notice, and stays one message."""
    ref = await post.filed()
    await post.worker.deliver_due()
    (key,) = post.box.shown
    before = post.box.shown[key]
    await post.desk.acknowledge(ref, SAM)
    await post.worker.deliver_due()
    assert post.box.shown[key] is not before
    assert post.box.order["leadership"] == [f"pointer {ref}"]


async def test_notices_of_one_destination_keep_their_order(post: Post) -> None:
    """Also when the first one has to wait: the later ones wait with it."""
    ref = await post.filed()
    await post.desk.acknowledge(ref, SAM)
    await post.desk.reply(ref, SAM, "words")
    await post.desk.close(ref, SAM, "Advice given", "told")
    post.box.fails["person:tess"] = lambda: Later(1)
    await post.worker.deliver_due()
    assert "person:tess" not in post.box.order
    post.box.fails.clear()
    post.clock.forward(seconds=2)  # type: ignore[attr-defined]
    await post.worker.deliver_due()
    assert post.box.order["person:tess"] == [f"acknowledged {ref}", f"replied {ref}", f"closed {ref}"]


async def test_one_destination_that_fails_delays_no_other(post: Post) -> None:
    """Of three handlers told in private, two are told at once."""
    await post.filed(excluded=frozenset({"sita"}))
    post.box.fails["person:sam"] = lambda: Later(3600)
    await post.worker.deliver_due()
    assert set(post.box.order) == {"person:hannah"}


async def test_waiting_grows_and_keeps_to_what_the_platform_asks(post: Post, clock: HandClock) -> None:
    """1, 2, 4 … seconds, at most a quarter of an hour, and never sooner than told."""
    await post.filed()
    waits = []
    for asked in (0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0, 5000):
        post.box.fails["leadership"] = lambda asked=asked: Later(asked)  # type: ignore[misc]
        await post.worker.deliver_due()
        due = await post.outbox.next_due()
        assert due is not None
        waits.append((due - clock.now()).total_seconds())
        clock.time = due
    assert waits == [1, 2, 4, 30, 16, 32, 64, 128, 256, 512, 900, 900, 5000]


async def test_a_destination_that_is_gone_is_given_up_and_logged_by_id(post: Post) -> None:
    """The next notice of that line goes on; logs hold no content."""
    ref = await post.filed()
    await post.desk.acknowledge(ref, SAM)
    post.box.fails["leadership"] = lambda: Gone("channel was archived")
    with capture_logs() as logs:
        await post.worker.deliver_due()
    assert {each["result"] for each in logs if each["event"] == "notice"} == {"gone", "sent"}
    assert await post.outbox.next_due() is None
    assert SECRET not in repr(logs)
    assert "Tess" not in repr(logs)


async def test_a_messenger_that_raises_is_tried_again_and_its_text_is_not_logged(post: Post, clock: HandClock) -> None:
    """An error's text may hold content; the message may have been shown, and the next one says so."""

    def broken() -> Delivery:
        raise RuntimeError(SECRET)

    ref = await post.filed()
    post.box.fails["leadership"] = broken
    with capture_logs() as logs:
        await post.worker.deliver_due()
    assert "RuntimeError" in repr(logs)
    assert SECRET not in repr(logs)
    post.box.fails.clear()
    clock.forward(seconds=1)
    await post.worker.deliver_due()
    assert post.box.order["leadership"] == [f"pointer {ref} (again)"]


async def test_what_was_surely_not_sent_is_no_repeat(post: Post, clock: HandClock) -> None:
    """A platform that said "later" has shown nothing."""
    ref = await post.filed()
    post.box.fails["leadership"] = lambda: Later(0)
    await post.worker.deliver_due()
    post.box.fails.clear()
    clock.forward(seconds=1)
    await post.worker.deliver_due()
    assert post.box.order["leadership"] == [f"pointer {ref}"]


async def test_what_may_have_been_shown_stays_marked_until_it_is_sent(post: Post, clock: HandClock) -> None:
    """Also when the platform refuses it, surely unseen, in between."""
    ref = await post.filed()
    await post.outbox.claim(clock.now(), timedelta(seconds=60))
    clock.forward(seconds=60)
    post.box.fails["leadership"] = lambda: Later(0)
    await post.worker.deliver_due()
    post.box.fails.clear()
    clock.forward(seconds=5)
    await post.worker.deliver_due()
    assert post.box.order["leadership"] == [f"pointer {ref} (again)"]


async def test_whoever_lost_the_right_to_know_gets_nothing(post: Post) -> None:
    """Rights are looked at again when a notice is sent."""
    await post.filed(excluded=frozenset({"sita"}))
    post.desk.roster = Roster([SITA, TESS])
    await post.worker.deliver_due()
    assert post.box.tries == []
    assert await post.outbox.next_due() is None


async def test_a_worker_that_died_leaves_its_notice_to_the_next(post: Post, clock: HandClock) -> None:
    """Not before the lease has run out; then under the same key, marked as a repeat."""
    ref = await post.filed()
    (dead,) = await post.outbox.claim(clock.now(), timedelta(seconds=60))
    clock.forward(seconds=59)
    assert await post.worker.deliver_due() == 0
    clock.forward(seconds=1)
    assert await post.worker.deliver_due() == 1
    assert post.box.tries == [dead.notice.id]
    assert post.box.order["leadership"] == [f"pointer {ref} (again)"]


async def test_a_late_worker_does_not_take_a_notice_back(post: Post, clock: HandClock) -> None:
    """Once another has claimed it, "later" from the first is nothing; "sent" is true whoever says it."""
    await post.filed()
    (first,) = await post.outbox.claim(clock.now(), timedelta(seconds=1))
    clock.forward(seconds=1)
    (second,) = await post.outbox.claim(clock.now(), timedelta(seconds=60))
    assert second.attempt == first.attempt + 1
    await post.outbox.later(first, clock.now())
    assert await post.outbox.claim(clock.now(), timedelta(seconds=60)) == ()
    await post.outbox.sent(first, "m", clock.now())
    assert await post.outbox.next_due() is None


async def test_many_workers_claim_each_notice_once(post: Post, clock: HandClock) -> None:
    """Five at once, on several connections."""
    for _ in range(3):
        await post.filed(excluded=frozenset({"sita"}))
    claims = await asyncio.gather(*(post.outbox.claim(clock.now(), timedelta(seconds=60)) for _ in range(5)))
    claimed = [each.notice.destination.name for some in claims for each in some]
    assert sorted(claimed) == ["person:hannah", "person:sam"]


async def test_every_move_tells_whom_it_should(post: Post) -> None:
    """From filing to reopening, each notice reaches its people."""
    ref = await post.filed()
    await post.desk.add(ref, TESS, "more")
    await post.desk.acknowledge(ref, SAM)
    await post.desk.close(ref, SAM, "Advice given", "told")
    await post.desk.reopen(ref, SITA, "again")
    await post.worker.deliver_due()
    told = {(name, lead.split()[0]) for name, leads in post.box.order.items() for lead in leads}
    assert told == {
        ("leadership", NoticeKind.POINTER),
        *((f"person:{handler}", NoticeKind.ADDED) for handler in ("hannah", "sam", "sita")),
        ("person:tess", NoticeKind.ACKNOWLEDGED),
        ("person:tess", NoticeKind.CLOSED),
        *((f"person:{who}", NoticeKind.REOPENED) for who in ("tess", "hannah", "sam")),
    }


async def test_notices_on_their_own_are_written_once(place: Place) -> None:
    """Whoever writes them first; on both databases."""
    database = await open_database(place.url)
    post = Post(database, HandClock())
    ref = await post.filed()
    notices = [Notice(f"n{i}", Destination("sam"), NoticeKind.UNDELIVERED, ref, post.clock.now()) for i in range(3)]
    assert await post.outbox.add(notices[:2]) == 2
    assert await post.outbox.add(notices) == 1
    await post.worker.deliver_due()
    assert post.box.order["person:sam"] == [f"undelivered {ref}"] * 3
    await database.close()
