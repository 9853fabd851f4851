"""What goes wrong on the way, and what becomes of it: nothing is lost, nothing is said twice, and nobody meets silence."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from bot.model import Destination, Sent
from bot.storage.database import Database
from bot.storage.inbox import SqlInbox
from bot.transports import slack as slack_transport
from bot.transports.slack_turns import Tasks
from tests.slack.conftest import School, open_school
from tests.slack.fake_api import FakeSlack
from tests.slack.people import MENTION
from tests.slack.school import DAN, PRIYA, QUESTION, STAFF_ROOM
from tests.slack.trouble import NOTICE, answers, breaking, failing, hanging, well

# The same thing more than once, and out of order


async def test_a_repeated_event_is_answered_once(school: School) -> None:
    """The same event id again, with Slack's own retry headers, now or after the answer."""
    message = school.people.write(PRIYA, QUESTION)
    (event,) = school.people.events(message)
    for retry in range(3):
        assert (await school.slack.event(event, id="Ev1", retry=retry)).ok
    await school.settled()
    assert (await school.slack.event(event, id="Ev1", retry=3)).ok
    await school.settled()
    assert len(answers(school)) == 1


async def test_one_message_under_many_event_ids_is_answered_once(school: School) -> None:
    """Slack was seen to send one message under eleven ids, some of them at the same time."""
    message = school.people.write(PRIYA, QUESTION)
    (event,) = school.people.events(message)
    acks = await asyncio.gather(*(school.slack.event(event, id=f"Ev{n}") for n in range(11)))
    assert all(ack.ok for ack in acks)
    await school.settled()
    assert len(answers(school)) == 1


async def test_a_mention_that_comes_as_a_message_too_is_answered_once(school: School) -> None:
    """Where an app hears both, one mention comes twice: in a channel, and in direct messages."""
    for channel in (STAFF_ROOM, ""):
        message = school.people.write(DAN, f"{MENTION} {QUESTION}", channel)
        base = {"user": DAN, "text": message.text, "ts": message.ts, "channel": message.channel}
        kind = "channel" if channel else "im"
        await school.slack.event({"type": "app_mention", **base})
        await school.slack.event({"type": "message", "channel_type": kind, **base})
    await school.settled()
    assert len(answers(school, DAN)) == 2


async def test_two_processes_answer_once_between_them(school: School, database: Database) -> None:
    """Replicas share the inbox: whichever is given an event, and if both are, there is one answer."""
    async with open_school(school.slack, database) as other:
        messages = [school.people.write(PRIYA, QUESTION) for _ in range(10)]
        for message in messages:
            (event,) = school.people.events(message)
            for office in (school.office, other.office):
                school.slack.request_url = office.url
                await school.slack.event(event)
        await school.settled()
        await other.settled()
    assert len(answers(school)) == len(messages)
    assert {m.thread_ts for m in answers(school)} == {m.ts for m in messages}


async def test_messages_out_of_order_are_each_answered_in_their_thread(school: School) -> None:
    """What was said later arrives first."""
    first, second = (school.people.write(PRIYA, text) for text in (QUESTION, "may I follow a parent?"))
    for message in (second, first):
        (event,) = school.people.events(message)
        await school.slack.event(event)
    await school.settled()
    said = {m.thread_ts: m.shown for m in answers(school)}
    assert "Not allowed" in said[first.ts]
    assert "It depends" in said[second.ts]


# Slack is slow, busy or away


async def test_429_is_waited_out(school: School) -> None:
    """The answer comes once, after as long as Slack asked."""
    school.slack.limit("chat.postMessage", times=2, retry_after=1)
    await school.people.say(PRIYA, QUESTION)
    await school.settled()
    posts = [call for call in school.slack.calls if call.method == "chat.postMessage"]
    assert [call.error for call in posts] == ["ratelimited", "ratelimited", None]
    assert all(later.at - earlier.at >= 1 for earlier, later in pairwise(posts))
    assert len(answers(school)) == 1


async def test_a_broken_line_is_tried_again(school: School) -> None:
    """Broken before Slack did it: the answer comes all the same."""
    school.slack.hang_up("chat.postMessage")
    school.slack.hang_up("users.info")
    await school.people.say(PRIYA, QUESTION)
    await school.settled()
    assert len(answers(school)) == 1


async def test_a_broken_line_is_tried_again_for_windows_and_homes_too(school: School) -> None:
    """Whatever can be done twice without harm is done again at once."""
    for method in ("views.publish", "views.open", "conversations.open", "chat.update"):
        school.slack.hang_up(method)
    await school.people.home(DAN)
    await school.settled()
    assert "Quick actions" in school.slack.workspace.homes[DAN].shown
    await school.people.command(DAN, "/report")
    await school.settled()
    assert "danger" in school.modal(DAN)
    messenger = school.office.transport.messenger
    sent = await messenger.send(Destination(), NOTICE, "n1")
    assert isinstance(sent, Sent)


async def test_an_answer_that_could_not_be_sent_comes_later(slack: FakeSlack, database: Database) -> None:
    """Slack refuses it ten times over; the message waits in the inbox and is answered when Slack is back."""
    async with open_school(slack, database, grace=0.3) as school:
        slack.fail("chat.postMessage", "internal_error", times=2)
        await school.people.say(PRIYA, QUESTION)
        await slack.until(lambda: any("Not allowed" in m.shown for m in answers(school)))
        await school.settled()
        assert await school.office.inbox.pending() == ()
    assert len([m for m in answers(school) if "Not allowed" in m.shown]) == 1


async def test_an_answer_whose_receipt_was_lost_is_not_said_again(slack: FakeSlack, database: Database) -> None:
    """Slack took it and the line broke: the answer stands there once."""
    async with open_school(slack, database, grace=0.3) as school:
        slack.hang_up("chat.postMessage", after=True)
        await school.people.say(PRIYA, QUESTION)
        await asyncio.sleep(0.8)
        await school.settled()
        assert len(answers(school)) == 1
        assert await school.office.inbox.pending() == ()


async def test_members_are_served_while_users_info_is_refused(school: School) -> None:
    """Who somebody is stands in the event and on the roster; a fault of one method does not silence the rest."""
    school.slack.fail("users.info", "internal_error", times=5)
    await school.people.say(PRIYA, QUESTION)
    await school.settled()
    assert "Not allowed" in answers(school)[-1].shown


async def test_a_withdrawn_token_is_noticed_and_so_is_a_new_one(school: School) -> None:
    """/readyz says no, and yes again when calls are taken again."""
    school.slack.revoke("token_revoked")
    await school.people.home(PRIYA)
    await school.office.transport.settled()
    assert not school.office.transport.ready()
    assert "token_revoked" in school.office.transport.trouble
    school.slack.revoke("")
    await school.people.home(PRIYA)
    await school.office.transport.settled()
    assert school.office.transport.ready()


async def test_a_start_with_a_wrong_token_says_what_to_do(slack: FakeSlack, database: Database) -> None:
    """It stops at once, names the way out, and shows no token."""
    slack.revoke("invalid_auth")
    with pytest.raises(slack_transport.SlackRefused) as refused:
        async with open_school(slack, database):
            pass
    assert "install" in str(refused.value).lower()
    assert "xoxb" not in str(refused.value)


# Charter itself fails


async def test_what_cannot_be_kept_is_sent_again_by_slack(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place in the inbox there is no acknowledgement; Slack's second try is answered, once."""
    accept = SqlInbox.accept
    monkeypatch.setattr(SqlInbox, "accept", failing)
    message = school.people.write(PRIYA, QUESTION)
    (event,) = school.people.events(message)
    assert (await school.slack.event(event, id="Ev1")).status == 500
    assert answers(school) == []
    monkeypatch.setattr(SqlInbox, "accept", accept)
    assert (await school.slack.event(event, id="Ev1", retry=1)).ok
    await school.settled()
    assert len(answers(school)) == 1


async def test_an_inbox_that_hangs_is_not_acknowledged(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack is told within its three seconds that it has to send again."""
    monkeypatch.setattr(SqlInbox, "accept", hanging)
    message = school.people.write(PRIYA, QUESTION)
    (event,) = school.people.events(message)
    ack = await school.slack.event(event)
    assert ack.status == 500
    assert ack.seconds < 3


async def test_a_turn_that_breaks_is_owned_up_to_and_tried_again(slack: FakeSlack, database: Database) -> None:
    """The person reads that something went wrong, with a reference, and the answer comes later by itself."""
    async with open_school(slack, database, grace=0.3) as school:
        school.before.happens = breaking
        await school.people.say(PRIYA, QUESTION)
        await school.settled()
        assert "Reference:" in answers(school)[-1].shown
        assert QUESTION not in answers(school)[-1].shown
        assert len(await school.office.inbox.pending()) == 1
        school.before.happens = well
        await slack.until(lambda: "Not allowed" in answers(school)[-1].shown)
        await school.settled()
        assert await school.office.inbox.pending() == ()


async def test_what_a_crash_left_is_answered_at_the_next_start(slack: FakeSlack, database: Database) -> None:
    """Acknowledged and not answered, because the process ended: the next one answers it, once."""
    async with open_school(slack, database, grace=0.3) as school:
        school.before.happens = lambda _: asyncio.sleep(60)
        await school.people.say(PRIYA, QUESTION)
        await asyncio.sleep(0.05)
        school.office.transport._tasks = Tasks()  # the process that had it in hand is no more
    async with open_school(slack, database, grace=0.3) as school:
        await slack.until(lambda: answers(school))
        await school.settled()
        await asyncio.sleep(0.4)
        await school.settled()
        assert len(answers(school)) == 1


async def test_an_answer_that_went_out_before_a_crash_is_not_said_again(
    slack: FakeSlack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent, but not written down as done: the next start finds it in the thread."""
    done = SqlInbox.done
    async with open_school(slack, database, grace=0.3) as school:
        monkeypatch.setattr(SqlInbox, "done", failing)
        await school.people.say(PRIYA, QUESTION)
        await slack.until(lambda: answers(school))
        await school.office.transport.settled()
        monkeypatch.setattr(SqlInbox, "done", done)
        before = [m for m in answers(school) if "Not allowed" in m.shown]
        await asyncio.sleep(0.8)
        await school.settled()
        assert [m for m in answers(school) if "Not allowed" in m.shown] == before
        assert len(before) == 1
