"""What goes wrong on the way, and what becomes of it: nothing is lost, nothing is said twice, and nobody meets silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from bot.model import Destination, Event, Gone, Later, Reply, Sent
from bot.storage.cases import SqlCaseStore
from bot.storage.database import Database
from bot.storage.inbox import SqlInbox
from bot.storage.memory import SqlMemory
from bot.transports import slack as slack_transport
from bot.transports import slack_socket
from bot.transports.slack_turns import Tasks
from tests.slack.conftest import School, open_school
from tests.slack.fake_api import FakeSlack
from tests.slack.journeys import REF
from tests.slack.people import MENTION
from tests.slack.school import DAN, LEADERS, PRIYA, STAFF_ROOM
from tests.slack.workspace import BOT, Message

QUESTION = "can I accept a friend request from a student?"
NOTICE = Reply("A case waits for you.", summary="Charter: a case.")


def answers(school: School, user: str = PRIYA) -> list[Message]:
    """What Charter said to somebody."""
    return [m for m in school.slack.workspace.seen_by(user) if m.user == BOT]


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
    monkeypatch.setattr(SqlInbox, "accept", _failing)
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
    monkeypatch.setattr(SqlInbox, "accept", _hanging)
    message = school.people.write(PRIYA, QUESTION)
    (event,) = school.people.events(message)
    ack = await school.slack.event(event)
    assert ack.status == 500
    assert ack.seconds < 3


async def test_a_turn_that_breaks_is_owned_up_to_and_tried_again(slack: FakeSlack, database: Database) -> None:
    """The person reads that something went wrong, with a reference, and the answer comes later by itself."""
    async with open_school(slack, database, grace=0.3) as school:
        school.before.happens = _breaking
        await school.people.say(PRIYA, QUESTION)
        await school.settled()
        assert "Reference:" in answers(school)[-1].shown
        assert QUESTION not in answers(school)[-1].shown
        assert len(await school.office.inbox.pending()) == 1
        school.before.happens = _well
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
        monkeypatch.setattr(SqlInbox, "done", _failing)
        await school.people.say(PRIYA, QUESTION)
        await slack.until(lambda: answers(school))
        await school.office.transport.settled()
        monkeypatch.setattr(SqlInbox, "done", done)
        before = [m for m in answers(school) if "Not allowed" in m.shown]
        await asyncio.sleep(0.8)
        await school.settled()
        assert [m for m in answers(school) if "Not allowed" in m.shown] == before
        assert len(before) == 1


# Windows


@pytest.fixture
async def filling(school: School) -> School:
    """Dan has a report open at the question of what happened, and has typed."""
    await school.people.command(DAN, "/report", "They wrote to me at night.")
    await school.settled()
    for answer in ({"danger": "no"}, {"risk": "no"}, {"image": "no"}, {"about": "student"}, {"type": "other"}, {}):
        await school.people.submit(DAN, **answer)
    assert _typed(school) == "They wrote to me at night."
    school.people.fill(DAN, what="They wrote to me at night, three times.")
    return school


def _typed(school: School) -> str:
    view = school.slack.workspace.modal(DAN)
    assert view is not None
    return str(view.state()["values"]["what"]["value"]["value"])


@pytest.mark.parametrize("failing", [False, True], ids=["slow", "broken"])
async def test_a_page_that_cannot_be_stored_stays_open_with_every_word(
    filling: School, monkeypatch: pytest.MonkeyPatch, failing: bool
) -> None:
    """The window says so and whom to ring, keeps what was typed, and takes it when the store is back."""
    save = SqlMemory.save_draft
    monkeypatch.setattr(SqlMemory, "save_draft", _failing if failing else _hanging)
    ack = await filling.people.submit(DAN)
    assert ack.ok
    view = filling.slack.workspace.modal(DAN)
    assert view is not None
    assert "could not store" in view.shown
    assert "020 7946" in view.shown
    assert _typed(filling) == "They wrote to me at night, three times."
    monkeypatch.setattr(SqlMemory, "save_draft", save)
    await filling.people.submit(DAN)
    assert "When did it happen" in filling.modal(DAN)
    await filling.people.press(DAN, "Back")
    await filling.settled()
    assert _typed(filling) == "They wrote to me at night, three times."


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, but slowly"])
async def test_a_report_that_cannot_be_filed_stays_open_and_is_filed_once(
    filling: School, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """Sent again from the same window it is filed, and only once, whether or not the first try had reached the store."""
    for name, value in (
        ("what", "They wrote to me at night."),
        ("when", "Last night"),
        ("where", "Snapchat"),
        ("people", "A pupil"),
        ("known", "received"),
    ):
        await filling.people.submit(DAN, **{name: value})
    while "checkboxes" not in (elements := _kinds(filling)):
        await filling.people.submit(DAN, **({"named": "no"} if "named" in elements else {}))
    create = SqlCaseStore.create

    async def slowly(self: SqlCaseStore, *given: Any) -> object:
        made = await create(self, *given) if written else None
        await asyncio.sleep(1)
        return made

    monkeypatch.setattr(SqlCaseStore, "create", slowly)
    view = filling.slack.workspace.modal(DAN)
    assert view is not None
    filling.people.fill(DAN, **{elements["checkboxes"]: "yes"})
    await filling.people.submit(DAN)
    assert "could not store" in view.shown
    monkeypatch.setattr(SqlCaseStore, "create", create)
    await filling.people.submit(DAN)
    found = REF.search(filling.modal(DAN))
    assert found
    await filling.settled()
    assert await filling.office.store.count_reported("dan") == 1
    assert len([m for m in filling.slack.workspace.messages if m.channel == LEADERS]) == 1


def _kinds(school: School) -> Mapping[str, str]:
    """Field by kind of element, and field by name."""
    view = school.slack.workspace.modal(DAN)
    assert view is not None
    inputs = [block for block in view.blocks if block["type"] == "input"]
    ticks = {b["element"]["type"]: b["block_id"] for b in inputs if not b.get("optional")}
    return {**ticks, **{b["block_id"]: b["block_id"] for b in inputs}}


async def test_a_window_opens_in_time_when_its_page_is_slow(school: School) -> None:
    """What opens a window lives for three seconds: one opens empty, and is filled when the page is there."""
    school.before.happens = lambda _: asyncio.sleep(1.5)
    await school.people.command(DAN, "/report")
    await school.slack.until(lambda: "One moment" in school.modal(DAN))
    await school.slack.until(lambda: "danger" in school.modal(DAN))


async def test_a_window_that_came_too_late_is_offered_again(school: School) -> None:
    """The trigger has expired: the person is told and presses once more, from wherever they came."""
    await school.people.home(DAN)
    await school.settled()
    for ask in (
        school.people.command(DAN, "/report"),
        school.people.shortcut(DAN, "report_concern"),
        school.people.press(DAN, "Ask leadership", school.slack.workspace.homes[DAN]),
    ):
        school.slack.fail("views.open", "expired_trigger_id")
        await ask
        await school.settled()
        assert school.modal(DAN) == ""
        await school.people.press(DAN, "Open it", answers(school, DAN)[-1])
        await school.settled()
        assert school.modal(DAN)
        await school.people.close(DAN)


@pytest.mark.parametrize("error", ["not_found", "view_not_found"])
async def test_a_window_closed_too_early_is_no_fault(filling: School, error: str) -> None:
    """Its reader has gone: nothing is said, and what was typed on earlier pages is kept."""
    before = len(filling.slack.workspace.messages)
    filling.slack.fail("views.update", error)
    await filling.people.press(DAN, "Back")
    await filling.settled()
    assert len(filling.slack.workspace.messages) == before


async def test_a_press_that_breaks_leaves_the_window_with_every_word(filling: School) -> None:
    """The warning stands on top, with a reference, and the words stay in their field."""
    filling.before.happens = _breaking
    await filling.people.press(DAN, "Back")
    await filling.settled()
    assert "Reference:" in filling.modal(DAN)
    assert _typed(filling) == "They wrote to me at night, three times."
    filling.before.happens = _well
    await filling.people.submit(DAN)
    assert "When did it happen" in filling.modal(DAN)


async def test_two_presses_of_send_are_one_report(school: School) -> None:
    """Slack's own retry, or an impatient finger: the second finds the form filed."""
    await school.people.home(DAN)
    await school.settled()
    await school.people.press(DAN, "Ask leadership", school.slack.workspace.homes[DAN])
    await school.settled()
    await school.people.submit(DAN, question="May we have a staff page?")
    await school.people.submit(DAN, named="no")
    school.people.fill(DAN, **{_kinds(school)["checkboxes"]: "yes"})
    view = school.slack.workspace.modal(DAN)
    assert view is not None
    await asyncio.gather(*(school.people.send(view) for _ in range(3)))
    await school.settled()
    assert await school.office.store.count_reported("dan") == 1
    assert REF.search(school.modal(DAN)), "whichever answer is shown last, it is the receipt"


# Notices


async def test_a_notice_is_delivered_once_per_key(school: School, database: Database) -> None:
    """Sent again by this process or by the next one, it is shown once."""
    send = school.office.transport.messenger.send
    first = await send(Destination("priya"), NOTICE, "n1")
    assert isinstance(first, Sent)
    assert await send(Destination("priya"), NOTICE, "n1") == first
    async with open_school(school.slack, database) as other:
        again = await other.office.transport.messenger.send(Destination("priya"), NOTICE, "n1")
    school.slack.request_url = school.office.url
    assert again == first
    assert len(answers(school)) == 1


async def test_a_notice_may_have_gone_out_and_then_it_is_looked_for(school: School) -> None:
    """The line broke after Slack had it: the worker cannot know, and the second try finds it."""
    send = school.office.transport.messenger.send
    school.slack.hang_up("chat.postMessage", after=True)
    with pytest.raises(aiohttp.ClientError):
        await send(Destination("priya"), NOTICE, "n1")
    assert isinstance(await send(Destination("priya"), NOTICE, "n1"), Sent)
    assert len(answers(school)) == 1


async def test_a_card_is_changed_in_its_place(school: School) -> None:
    """By what `Sent` gave; a card that is no longer there is gone."""
    messenger = school.office.transport.messenger
    sent = await messenger.send(Destination(), NOTICE, "n1")
    assert isinstance(sent, Sent)
    assert await messenger.update(sent.ref, Reply("Sam Carter has it.")) == sent
    (card,) = [m for m in school.slack.workspace.messages if m.channel == LEADERS]
    assert "Sam Carter has it" in card.shown
    school.slack.workspace.messages.remove(card)
    assert isinstance(await messenger.update(sent.ref, NOTICE), Gone)


@pytest.mark.parametrize(
    ("spoil", "verdict"),
    [
        (lambda slack: slack.limit("chat.postMessage", retry_after=7), Later(7)),
        (lambda slack: slack.workspace.channels[LEADERS].members.discard(BOT), Later(300)),
        (lambda slack: slack.workspace.channels.pop(LEADERS), Later(300)),
        (lambda slack: setattr(slack.workspace.channels[LEADERS], "shared", True), Later(300)),
        (lambda slack: slack.fail("chat.postMessage", "internal_error"), Later(60)),
        (lambda slack: slack.fail("chat.postMessage", "invalid_blocks"), Gone("invalid_blocks")),
    ],
)
async def test_a_channel_that_does_not_take_a_card_gets_it_later_or_never(
    school: School, spoil: Callable[[FakeSlack], object], verdict: object
) -> None:
    """As long as Slack asks, until somebody mends it, or never; and never where outsiders could read it."""
    spoil(school.slack)
    assert await school.office.transport.messenger.send(Destination(), NOTICE, "n1") == verdict
    assert [m for m in school.slack.workspace.messages if m.channel == LEADERS] == []


async def test_a_person_who_has_left_slack_is_gone(school: School) -> None:
    """No account on the roster, or one that was switched off."""
    send = school.office.transport.messenger.send
    school.slack.workspace.users[PRIYA].deleted = True
    assert await send(Destination("priya"), NOTICE, "n1") == Gone("user_disabled")
    assert isinstance(await send(Destination("nobody"), NOTICE, "n2"), Gone)


# Socket Mode


async def test_a_silent_socket_is_replaced(
    slack: FakeSlack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that stays open and answers nothing is noticed, and what comes after is answered."""
    monkeypatch.setattr(slack_socket, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(slack_socket, "PING_EVERY", 0.2)
    async with open_school(slack, database, socket=True) as school:
        await slack.sockets.connected()
        slack.sockets.go_silent()
        await slack.sockets.connected(seconds=10, times=2)
        message = school.people.write(PRIYA, QUESTION)
        (event,) = school.people.events(message)
        await _as_slack_does(school, event)
        assert len(answers(school)) == 1
        settled = slack.sockets.opened
        await asyncio.sleep(0.5)
        assert slack.sockets.opened == settled, "and then it is left alone"


async def test_a_socket_that_hears_nothing_for_long_is_replaced(
    slack: FakeSlack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pings are answered, and yet nothing arrives: after a while a new connection is made all the same."""
    monkeypatch.setattr(slack_socket, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(slack_socket, "QUIET_FOR", 0.3)
    async with open_school(slack, database, socket=True):
        await slack.sockets.connected(times=2)
        await slack.sockets.connected(times=3)


async def test_slack_asking_for_a_new_connection_loses_nothing(
    slack: FakeSlack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it does every few hours: what is said meanwhile is answered once."""
    monkeypatch.setattr(slack_socket, "PING_EVERY", 0.2)
    async with open_school(slack, database, socket=True) as school:
        await slack.sockets.connected()
        await slack.sockets.refresh()
        message = school.people.write(PRIYA, QUESTION)
        (event,) = school.people.events(message)
        await _as_slack_does(school, event)
        assert len(answers(school)) == 1


async def test_a_socket_that_stays_away_is_told_by_readyz(
    slack: FakeSlack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Down for longer than it may be, Charter is not ready, and says why."""
    monkeypatch.setattr(slack_transport, "SOCKET_DOWN", 0.3)
    monkeypatch.setattr(slack_socket, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(slack_socket, "PING_EVERY", 0.1)
    async with open_school(slack, database, socket=True) as school:
        assert school.office.transport.ready()
        slack.fail("apps.connections.open", "service_unavailable", times=200)
        await slack.sockets.close()
        await asyncio.sleep(0.8)
        assert not school.office.transport.ready()
        assert "Socket Mode" in school.office.transport.trouble
        slack.troubles["apps.connections.open"].clear()
        await slack.sockets.connected(seconds=10, times=2)
        await asyncio.sleep(0.2)
        assert school.office.transport.ready()


# How it is done


async def _as_slack_does(school: School, event: Mapping[str, Any]) -> None:
    """Send an event again until it is acknowledged, and wait for what comes of it."""
    for retry in range(4):
        if (await school.slack.event(dict(event), id="Ev1", retry=retry)).ok:
            await school.settled()
            return
        await asyncio.sleep(0.2)
    raise AssertionError("never acknowledged")


async def _failing(*_: object, **__: object) -> bool:
    raise OSError("the disk is full")


async def _hanging(*_: object, **__: object) -> bool:
    await asyncio.sleep(60)
    return False


async def _breaking(_: Event) -> None:
    raise RuntimeError("a fault of ours")


async def _well(_: Event) -> None:
    pass
