"""A worker in the background, in real time: woken by filing, held up by nobody, and still there after a failure."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.model import Later, Reply
from bot.notices.model import Notice
from bot.notices.worker import Worker
from bot.storage.database import Database
from bot.storage.outbox import SqlOutbox
from tests.integration.post import SECRET, Post, running
from tests.small_school import SAM, WallClock


async def test_a_running_worker_is_woken_by_filing(database: Database) -> None:
    """No polling interval stands between a report and its pointer."""
    post = Post(database, WallClock())
    async with running(post.worker):
        await asyncio.sleep(0.05)
        await post.filed()
        await post.shows(1)


async def test_a_running_worker_comes_back_by_itself(database: Database) -> None:
    """After "later" it needs nobody to wake it."""
    post = Post(database, WallClock())
    post.box.fails["leadership"] = lambda: post.box.fails.clear() or Later(0.1)  # type: ignore[func-returns-value]
    async with running(post.worker):
        await post.filed()
        await post.shows(1)
    assert len(post.box.tries) == 2


async def test_a_destination_that_hangs_delays_no_other(database: Database) -> None:
    """Others are served meanwhile; when its time is up it is tried again under the same key."""
    post = Post(database, WallClock())
    post.box.hangs.add("person:sam")
    async with running(post.another(lease=2)):
        await post.filed(excluded=frozenset({"sita"}))
        await post.shows(1)
        ref = await post.filed()
        await post.shows(2)
        assert post.box.order["leadership"] == [f"pointer {ref}"]
        post.box.hangs.clear()
        await post.shows(3)
        assert (post.box.hanging, post.box.most_hanging) == (0, 1)
    assert post.box.order["person:sam"][0].endswith("(again)")


async def test_words_that_cannot_be_written_delay_no_other_destination(database: Database) -> None:
    """Whether composing fails or hangs; since nothing was sent, the message that comes at last is no repeat."""
    post = Post(database, WallClock())
    broken = {"person:sam": asyncio.Event().wait, "person:hannah": _raise}

    async def compose(notice: Notice) -> Reply | None:
        if notice.destination.name in broken:
            await broken[notice.destination.name]()
        return await post.compose(notice)

    async with running(post.another(lease=2, compose=compose)):
        private = await post.filed(excluded=frozenset({"sita"}))
        public = await post.filed()
        await post.shows(1)
        assert post.box.order == {"leadership": [f"pointer {public}"]}
        broken.clear()
        await post.shows(3)
    assert post.box.order["person:sam"] == post.box.order["person:hannah"] == [f"pointer {private}"]


async def _raise() -> None:
    raise LookupError(SECRET)


async def test_messages_to_one_destination_keep_a_gap(database: Database) -> None:
    """A platform's limits are kept for each destination; the others do not wait for it."""
    post = Post(database, WallClock())
    ref = await post.filed()
    for act in (post.desk.acknowledge(ref, SAM), post.desk.reply(ref, SAM, "a"), post.desk.reply(ref, SAM, "b")):
        await act
    async with running(post.another(lease=2, gap=0.25)):
        await post.shows(4)
    first, second, third = post.box.times["person:tess"]
    assert min(second - first, third - second) >= 0.24
    assert post.box.times["leadership"][0] < second
    assert post.box.order["person:tess"] == [f"acknowledged {ref}", f"replied {ref}", f"replied {ref}"]


def test_a_gap_that_outlasts_the_lease_is_refused(post: Post) -> None:
    """It would let a second worker send what the first is about to send."""
    with pytest.raises(ValueError, match="gap"):
        post.another(lease=4, gap=1.1)


async def test_a_worker_survives_a_database_that_is_away(database: Database) -> None:
    """It says so, waits a second and goes on."""

    class Shaky(SqlOutbox):
        """Away the first time."""

        away = True

        async def next_due(self):  # type: ignore[no-untyped-def]
            if self.away:
                self.away = False
                raise OSError(SECRET)
            return await super().next_due()

    post = Post(database, WallClock())
    worker = Worker(Shaky(database), post.box, post.compose, post.clock, post.wake)
    with capture_logs() as logs:
        async with running(worker):
            await post.filed()
            await post.filed()
            await post.shows(2)
    assert "notices_unavailable" in {each["event"] for each in logs}
    assert SECRET not in repr(logs)
