"""Notices to people and to the channel, and the connection by which events come in Socket Mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import pytest

from bot.model import Destination, Gone, Later, Reply, Sent
from bot.storage.database import Database
from bot.transports import slack as slack_transport
from bot.transports import slack_socket
from tests.slack.conftest import School, open_school
from tests.slack.fake_api import FakeSlack
from tests.slack.school import LEADERS, PRIYA, QUESTION
from tests.slack.trouble import NOTICE, answers, as_slack_does
from tests.slack.workspace import BOT

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
        await as_slack_does(school, event)
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
        await as_slack_does(school, event)
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
