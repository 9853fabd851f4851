"""What Slack sends, as Charter takes it: plain words, nothing live, and nothing that a forger sends breaks it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.transports.slack import slack_settings
from bot.transports.slack_in import (
    Heard,
    Place,
    command,
    heard,
    heard_again,
    opened_home,
    plain_words,
    pressed,
    revoked,
    shortcut,
    submitted,
)

ME = "U0CHARTER"
NAMES = {"U0DAN": "Dan Webb"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
PARTS = ("event", "user", "channel", "container", "message", "view", "state", "actions", "team", "text", "type")
BODIES = st.dictionaries(st.sampled_from(PARTS), JSON, max_size=len(PARTS))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("<@U0CHARTER> can I?", "can I?"),
        ("did <@U0DAN> or <@U0X|eve> or <@U0Y> ask?", "did Dan Webb or eve or somebody ask?"),
        ("<!channel> <!here> <!everyone>", "@channel @here @everyone"),
        ("<!subteam^S1|@office> <!subteam^S2>", "@office a group"),
        ("in <#C1|general> and <#C2>", "in #general and #a channel"),
        ("<https://a.example/x|b.example> <mailto:a@b.example|a@b.example>", "https://a.example/x a@b.example"),
        ("a &lt;b&gt; &amp;amp; &quot;c&quot;", "a <b> &amp; &quot;c&quot;"),
        ("&lt;!channel&gt;", "<!channel>"),
    ],
)
def test_markup_is_read_as_a_person_reads_it(sent: str, read: str) -> None:
    """Mentions become names, links addresses, and escapes are undone once and no more."""
    assert plain_words(sent, NAMES, ME) == read


def _event(**more: Any) -> dict[str, Any]:
    told = {"type": "message", "channel": "D1", "user": "U0DAN", "ts": "1.2", "text": "hi", "team": "T1"}
    return {"team_id": "T1", "event": {**told, **more}}


@pytest.mark.parametrize(
    "more",
    [
        {"bot_id": "B1"},
        {"subtype": "message_changed"},
        {"edited": {"ts": "2"}},
        {"hidden": True},
        {"channel": "C1"},
        {"user": ME},
        {"user": None},
        {"ts": ""},
    ],
)
def test_what_no_person_says_to_charter_is_not_heard(more: dict[str, Any]) -> None:
    """Other bots, edits, and talk among others are nothing to Charter."""
    assert heard(_event(**more), NAMES, ME) is None


def test_one_message_has_one_key_whatever_the_event() -> None:
    """A mention and its message are the same words, said once."""
    said, mentioned = heard(_event(), NAMES, ME), heard(_event(type="app_mention"), NAMES, ME)
    assert said is not None
    assert mentioned is not None
    assert said.key == mentioned.key == "slack:m:D1:1.2"


@pytest.mark.parametrize(
    ("more", "begins"),
    [
        ({}, True),
        ({"thread_ts": "1.1"}, False),
        ({"channel": "C1", "type": "app_mention"}, False),
        ({"channel": "C1", "type": "app_mention", "thread_ts": "1.1"}, False),
    ],
)
def test_only_a_message_that_opens_its_own_thread_begins(more: dict[str, Any], begins: bool) -> None:
    """Whatever may go on with something that was said is read with it: in a thread, and in a channel."""
    said = heard(_event(**more), NAMES, ME)
    assert said is not None
    assert said.begins is begins


def test_a_message_comes_back_from_the_inbox_as_it_was() -> None:
    """What was kept is what is answered after a crash."""
    said = heard(_event(thread_ts="1.1", text="a &lt; b"), NAMES, ME)
    assert said is not None
    assert heard_again(said.written()) == said
    assert said.place == Place("U0DAN", "D1", "1.1")


@given(st.text())
def test_a_broken_inbox_entry_is_refused_and_not_guessed_at(payload: str) -> None:
    """Only what Charter wrote is read back."""
    with pytest.raises((TypeError, ValueError)):
        heard_again(payload)


@given(BODIES)
def test_no_payload_breaks_the_parser(body: dict[str, Any]) -> None:
    """Whatever arrives in whatever place, it is read or ignored."""
    found = heard(body, NAMES, ME)
    assert found is None or isinstance(found, Heard)
    for read in (command, shortcut, pressed, submitted):
        assert isinstance(read(body).value, str)
    assert all(isinstance(part, str) for part in opened_home(body))
    assert revoked(body) in (True, False)


def test_nothing_of_slack_means_that_it_is_off() -> None:
    """A school that uses Teams is not asked for Slack's tokens."""
    assert slack_settings({"CHARTER_PORT": "1"}) is None


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({"SLACK_SIGNING_SECRET": "s"}, "SLACK_BOT_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xoxb-1"}, "swapped"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_LEADERSHIP_CHANNEL": "#slt"}, "LEADERSHIP"),
        ({"SLACK_LEADERSHIP_CHANNEL": "C1"}, "SLACK_BOT_TOKEN"),
    ],
)
def test_half_a_configuration_stops_with_the_name_of_what_is_missing(environ: dict[str, str], missing: str) -> None:
    """The message names the variable and never holds a token."""
    with pytest.raises(ValueError, match=missing) as stopped:
        slack_settings(environ)
    assert "xoxb-1" not in str(stopped.value)


def test_settings_do_not_show_their_tokens() -> None:
    """A log line or a traceback with the settings in it gives nothing away."""
    environ = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "SLACK_SIGNING_SECRET": "secret"}
    shown = repr(slack_settings(environ))
    assert not any(token in shown for token in environ.values())
