"""The manifest, the listeners, the Web API methods and the scopes name the same things: nothing missing, nothing spare."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, cast

import pytest

from bot.transports.slack_checks import EVENT_SCOPES, SCOPES
from bot.transports.slack_listeners import COMMANDS, EVENTS, SHORTCUTS, Listeners
from bot.transports.slack_web import METHODS

ROOT = Path(__file__).resolve().parents[2]
MANIFEST: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
FEATURES: dict[str, Any] = MANIFEST["features"]
TRANSPORT = sorted((ROOT / "bot" / "transports").glob("slack*.py"))

SCOPE_FREE_EVENTS = {"app_home_opened", "app_uninstalled", "tokens_revoked"}


def _literals(pattern: str) -> set[str]:
    """What stands as the first literal argument of a call in the transport."""
    return {found for path in TRANSPORT for found in re.findall(pattern, path.read_text(encoding="utf-8"))}


def test_every_event_asked_for_is_listened_to_and_every_listener_is_fed() -> None:
    """A subscription without a listener is noise; a listener without a subscription never runs."""
    asked = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
    assert {event.partition(".")[0] for event in asked} == set(EVENTS)
    assert sorted(asked) == asked
    assert set(asked) == SCOPE_FREE_EVENTS | EVENT_SCOPES.keys()


class Recorder:
    """Takes the place of a Bolt app and notes what is tied to it."""

    def __init__(self) -> None:
        self.tied: dict[str, set[str]] = {}

    def __getattr__(self, kind: str) -> Any:
        def tie(name: Any) -> Any:
            if isinstance(name, str):
                self.tied.setdefault(kind, set()).add(name)
            return lambda listener: listener

        return tie


def test_the_listeners_are_those_named() -> None:
    """The names that this test compares are the names that Bolt is given."""
    app, nothing = Recorder(), cast(Any, None)
    Listeners(nothing, nothing, nothing, nothing, nothing, "U1", (), 2.0, nothing).listen(cast(Any, app))
    assert app.tied == {"event": set(EVENTS), "command": set(COMMANDS), "shortcut": set(SHORTCUTS)}


def test_commands_and_shortcuts_are_those_that_are_listened_to() -> None:
    """What people can choose in Slack does something, and nothing is listened to that cannot be chosen."""
    assert {command["command"] for command in FEATURES["slash_commands"]} == set(COMMANDS)
    assert {shortcut["callback_id"] for shortcut in FEATURES["shortcuts"]} == set(SHORTCUTS)


def test_the_scopes_are_those_that_methods_and_events_need() -> None:
    """Least rights: each scope is used now, and none that is used is missing."""
    assert MANIFEST["oauth_config"]["scopes"] == {"bot": sorted(SCOPES)}


def test_no_scope_lets_charter_read_a_channel() -> None:
    """Charter reads what is said to it, and nothing else that anybody writes."""
    forbidden = re.compile(r"(channels|groups|mpim):history|files:|search:|admin|identity|users:read\.email")
    assert not [scope for scope in SCOPES if forbidden.match(scope)]


def test_every_method_that_is_called_is_listed_with_its_scopes() -> None:
    """The table of methods is the calls that are made, so that the scopes above are the true ones."""
    called = _literals(r'_call\(\s*"([a-z]+\.[A-Za-z.]+)"') | {"conversations.history", "conversations.replies"}
    assert called == set(METHODS)
    assert _literals(r"client\.(apps_\w+|\w+_\w+)\(app_token") == {"apps_connections_open"}
    assert _literals(r"\.api_call\((\w+)") == {"method"}


def test_the_guide_explains_every_scope_command_and_shortcut() -> None:
    """Whoever installs Charter reads why each is there."""
    guide = (ROOT / "docs" / "install-slack.md").read_text(encoding="utf-8")
    for name in (*SCOPES, *COMMANDS, *(shortcut["name"] for shortcut in FEATURES["shortcuts"])):
        assert f"`{name}`" in guide, name


def test_the_new_agent_surface_is_asked_for_and_the_old_one_is_not() -> None:
    """New apps can only use agent_view; both together are refused."""
    assert "agent_view" in FEATURES
    assert "assistant_view" not in FEATURES
    assert FEATURES["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }


def test_as_shipped_it_needs_no_public_address() -> None:
    """Socket Mode is on and no address stands in the manifest, so that pasting it works at the first try."""
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert "http" not in json.dumps(MANIFEST)


@pytest.mark.parametrize(
    ("value", "most"),
    [
        (MANIFEST["display_information"]["name"], 35),
        (MANIFEST["display_information"]["description"], 140),
        (MANIFEST["display_information"]["long_description"], 4000),
        (FEATURES["agent_view"]["agent_description"], 300),
        *((shortcut["name"], 24) for shortcut in FEATURES["shortcuts"]),
        *((shortcut["description"], 150) for shortcut in FEATURES["shortcuts"]),
    ],
)
def test_words_are_as_short_as_slack_wants(value: str, most: int) -> None:
    """A manifest with one word too many is refused whole."""
    assert 0 < len(value) <= most


def test_prompts_and_long_description_keep_their_bounds() -> None:
    """Slack shows four prompts and wants at least 175 characters of description."""
    assert 1 <= len(FEATURES["agent_view"]["suggested_prompts"]) <= 4
    assert len(MANIFEST["display_information"]["long_description"]) >= 175


def test_the_command_line_finds_this_manifest() -> None:
    """Slack's command line walks down from the root and takes the first manifest.json it meets."""
    met = (Path(folder) / "manifest.json" for folder, _, files in os.walk(ROOT) if "manifest.json" in files)
    assert next(met) == ROOT / "manifest.json"
    hooks = json.loads((ROOT / ".slack" / "hooks.json").read_text(encoding="utf-8"))
    assert hooks == {"hooks": {"get-hooks": "python3 -m slack_cli_hooks.hooks.get_hooks"}}
