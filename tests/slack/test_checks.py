"""What the doctor says of Slack: each fault is found and named with what to do, and a whole installation is found whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.storage.database import Database
from bot.transports.slack_checks import slack_checks
from tests.slack.conftest import open_school
from tests.slack.fake_api import BOT_TOKEN, FakeSlack
from tests.slack.school import LEADERS, STAFF_ROOM, settings
from tests.slack.workspace import BOT


@pytest.mark.parametrize("socket", [False, True], ids=["http", "socket"])
async def test_a_whole_installation_is_found_whole(slack: FakeSlack, database: Database, socket: bool) -> None:
    """Token, scopes, channel and arriving events, while Charter runs; and nothing is posted by looking."""
    async with open_school(slack, database, socket=socket) as school:
        found = await slack_checks(settings(slack.api_url, socket=socket), school.office.url)
    assert [check.part for check in found if not check.ok] == []
    assert len(found) == 4
    assert slack.workspace.messages == []


def _without_scope(slack: FakeSlack) -> None:
    slack.scopes.discard("im:history")


def _revoked(slack: FakeSlack) -> None:
    slack.revoke("invalid_auth")


def _not_invited(slack: FakeSlack) -> None:
    slack.workspace.channels[LEADERS].members.discard(BOT)


def _not_in_public(slack: FakeSlack) -> None:
    _public(slack)
    _not_invited(slack)


def _public(slack: FakeSlack) -> None:
    slack.workspace.channels[LEADERS].private = False


def _shared(slack: FakeSlack) -> None:
    slack.workspace.channels[LEADERS].shared = True


def _no_channel(slack: FakeSlack) -> None:
    del slack.workspace.channels[LEADERS]


@pytest.mark.parametrize(
    ("spoil", "part", "word"),
    [
        (_without_scope, "Slack scopes", "im:history"),
        (_revoked, "Slack token", "invalid_auth"),
        (_not_invited, "Leadership channel", "not found"),
        (_not_in_public, "Leadership channel", "not in it"),
        (_public, "Leadership channel", "everybody"),
        (_shared, "Leadership channel", "another organisation"),
        (_no_channel, "Leadership channel", "not found"),
    ],
)
async def test_each_fault_is_named_with_its_cure(
    slack: FakeSlack, spoil: Callable[[FakeSlack], None], part: str, word: str
) -> None:
    """One thing is wrong, and it is the one thing found; the token is never shown."""
    spoil(slack)
    found = await slack_checks(settings(slack.api_url, socket=True))
    (bad,) = [check for check in found if not check.ok]
    assert bad.part == part
    assert word in bad.said
    assert bad.mend
    assert BOT_TOKEN not in repr(found)


async def test_events_that_cannot_arrive_are_found(slack: FakeSlack, database: Database) -> None:
    """Another secret, nobody at the address, and Socket Mode refused."""
    async with open_school(slack, database) as school:
        other = replace(settings(slack.api_url, socket=False), signing_secret="another")
        assert "signature" in (await slack_checks(other, school.office.url))[-1].said
    gone = (await slack_checks(settings(slack.api_url, socket=False), "http://127.0.0.1:9/slack/events"))[-1]
    assert "does not answer" in gone.said
    refused = replace(settings(slack.api_url, socket=True), app_token=BOT_TOKEN)
    assert "not_allowed_token_type" in (await slack_checks(refused))[-1].said


async def test_a_channel_that_is_public_is_no_place_for_leaders(slack: FakeSlack) -> None:
    """The staff room is where Charter is, and still not where cards may stand."""
    found = await slack_checks(replace(settings(slack.api_url, socket=True), channel=STAFF_ROOM))
    assert [check.part for check in found if not check.ok] == ["Leadership channel"]
