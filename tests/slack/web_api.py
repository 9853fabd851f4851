"""The methods of Slack's Web API that an app like Charter may call, as strict as Slack: scopes, arguments, limits.

A method takes the workspace and its arguments and returns what Slack would, or raises `Refusal` with Slack's word for it.
Names of errors are those of the reference pages (docs.slack.dev/reference/methods).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.slack.block_kit import Json, message_faults, view_faults
from tests.slack.workspace import APP, BOT, BOT_ID, MOST_VIEWS, TEAM, Channel, Message, User, View, Workspace, named

TRIGGER_LIVES = 3.0
LONGEST_TEXT = 40_000
LONGEST_UPDATE = 4_000
MOST_PROMPTS = 4


class Refusal(Exception):
    """Slack says no; the text is its word for why."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


@dataclass
class Trigger:
    """Leave to open one view for one person, once, within three seconds."""

    user: str
    born: float
    used: bool = False


@dataclass
class Desk:
    """What methods work on: the workspace, the triggers given out, and a clock that a test may move on."""

    workspace: Workspace
    home_tab: bool = True
    triggers: dict[str, Trigger] = field(default_factory=dict)
    later: float = 0.0

    def now(self) -> float:
        """Seconds, with whatever the test has let pass."""
        return time.monotonic() + self.later

    def trigger(self, user: str) -> str:
        """A fresh trigger."""
        id = f"{secrets.randbelow(10**9)}.{secrets.token_hex(12)}"
        self.triggers[id] = Trigger(user, self.now())
        return id

    def exchange(self, id: str) -> str:
        """Whose screen a trigger opens; it is used up."""
        trigger = self.triggers.get(id)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self.now() - trigger.born > TRIGGER_LIVES:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger.user

    def user(self, id: str | None) -> User:
        """Somebody in the workspace."""
        found = self.workspace.users.get(id or "")
        if found is None:
            raise Refusal("user_not_found")
        return found

    def channel(self, id: str | None) -> Channel:
        """A conversation by its id; a member's id means their direct messages."""
        if id in self.workspace.users and not self.workspace.users[id].deleted:
            return self.workspace.im(id)
        found = self.workspace.channels.get(id or "")
        if found is None:
            raise Refusal("channel_not_found")
        return found

    def joined(self, id: str | None) -> Channel:
        """A conversation that the app is in."""
        found = self.channel(id)
        if BOT not in found.members:
            raise Refusal("not_in_channel" if found.kind == "channel" else "channel_not_found")
        return found


Call = Callable[[Desk, Json], Json]


@dataclass(frozen=True)
class Method:
    """One method: `scopes` of which the app needs one, and what it does. `by_kind` adds the kind of conversation."""

    call: Call
    scopes: tuple[str, ...] = ()
    by_kind: str = ""
    app_level: bool = False

    def needs(self, desk: Desk, args: Json) -> tuple[str, ...]:
        """The scopes of which one is enough for these arguments."""
        if not self.by_kind:
            return self.scopes
        family = {"im": "im", "group": "groups", "channel": "channels"}[desk.channel(args.get("channel")).kind]
        return (f"{family}:{self.by_kind}",)


# Messages


def _content(args: Json, longest: int = LONGEST_TEXT) -> tuple[str, list[Json]]:
    """A message's text and blocks. A fallback text is demanded: without it notifications and screen readers say nothing."""
    text, blocks = args.get("text") or "", args.get("blocks") or []
    if not text:
        raise Refusal("no_text")
    if len(text) > longest:
        raise Refusal("msg_too_long")
    faults = message_faults(blocks)
    if faults:
        long = any("characters in all" in fault for fault in faults)
        raise Refusal("msg_blocks_too_long" if long else "invalid_blocks", errors=faults)
    if args.get("link_names") or args.get("parse", "none") != "none":
        raise Refusal("invalid_arguments", errors=["names in plain words would become live"])
    return text, named(blocks)


def _post(desk: Desk, args: Json) -> Json:
    channel = desk.joined(args.get("channel"))
    text, blocks = _content(args)
    thread = args.get("thread_ts")
    message = Message(channel.id, desk.workspace.next_ts(), BOT, text, blocks, thread)
    desk.workspace.messages.append(message)
    desk.workspace.statuses.pop((channel.id, thread or ""), None)
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json()}


def _ephemeral(desk: Desk, args: Json) -> Json:
    channel, user = desk.joined(args.get("channel")), desk.user(args.get("user"))
    if user.id not in channel.members:
        raise Refusal("user_not_in_channel")
    text, blocks = _content(args)
    message = Message(channel.id, desk.workspace.next_ts(), BOT, text, blocks, args.get("thread_ts"), only_for=user.id)
    desk.workspace.messages.append(message)
    return {"message_ts": message.ts}


def _own(desk: Desk, args: Json, refused: str) -> Message:
    message = desk.workspace.find(desk.channel(args.get("channel")).id, args.get("ts", ""))
    if message is None:
        raise Refusal("message_not_found")
    if message.user != BOT:
        raise Refusal(refused)
    return message


def _update(desk: Desk, args: Json) -> Json:
    message = _own(desk, args, "cant_update_message")
    message.text, message.blocks = _content(args, LONGEST_UPDATE)
    message.edits += 1
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.as_json()}


def _delete(desk: Desk, args: Json) -> Json:
    message = _own(desk, args, "cant_delete_message")
    desk.workspace.messages.remove(message)
    return {"channel": message.channel, "ts": message.ts}


# Conversations and people


def _open(desk: Desk, args: Json) -> Json:
    users = str(args.get("users") or "").split(",")
    if users == [""]:
        raise Refusal("users_list_not_supplied")
    if desk.user(users[0]).deleted:
        raise Refusal("user_disabled")
    return {"channel": {"id": desk.workspace.im(users[0]).id}}


def _visible(desk: Desk, args: Json) -> Channel:
    """A private channel that the app is not in is not there for it."""
    channel = desk.channel(args.get("channel"))
    if channel.private and BOT not in channel.members:
        raise Refusal("channel_not_found")
    return channel


def _info(desk: Desk, args: Json) -> Json:
    return {"channel": _visible(desk, args).as_json()}


def _history(desk: Desk, args: Json) -> Json:
    channel = desk.joined(args.get("channel"))
    public = [m for m in desk.workspace.messages if m.channel == channel.id and m.only_for is None]
    return {"messages": [message.as_json() for message in reversed(public)], "has_more": False}


def _replies(desk: Desk, args: Json) -> Json:
    channel, ts = desk.joined(args.get("channel")), args.get("ts")
    thread = [m for m in desk.workspace.messages if m.channel == channel.id and ts in (m.ts, m.thread_ts)]
    return {"messages": [m.as_json() for m in thread if m.only_for is None], "has_more": False}


def _members(desk: Desk, args: Json) -> Json:
    """One page at a time, of as many as were asked for: an app that reads only the first page is seen."""
    every = sorted(_visible(desk, args).members)
    start, size = int(args.get("cursor") or 0), int(args.get("limit") or 100)
    after = str(start + size) if start + size < len(every) else ""
    return {"members": every[start : start + size], "response_metadata": {"next_cursor": after}}


def _who(desk: Desk, args: Json) -> Json:
    return {"user": desk.user(args.get("user")).as_json()}


def _auth(_: Desk, __: Json) -> Json:
    return {"url": "https://school.slack.com/", "team": "School", "team_id": TEAM} | {
        "user": "charter",
        "user_id": BOT,
        "bot_id": BOT_ID,
        "app_id": APP,
        "is_enterprise_install": False,
    }


# Views


def _checked(desk: Desk, args: Json, kind: str, besides: View | None = None) -> Json:
    view = args.get("view") or {}
    faults = view_faults(view)
    if faults or view["type"] != kind:
        raise Refusal("invalid_arguments", response_metadata={"messages": faults or [f"not a {kind}"]})
    external = view.get("external_id")
    if external and desk.workspace.view(external) not in (None, besides):
        raise Refusal("duplicate_external_id")
    return {**view, "blocks": named(view["blocks"])}


def _unchanged(view: View, args: Json) -> None:
    if args.get("hash") and args["hash"] != view.hash:
        raise Refusal("hash_conflict")


def _views_open(desk: Desk, args: Json) -> Json:
    content = _checked(desk, args, "modal")
    user = desk.exchange(args.get("trigger_id", ""))
    view = desk.workspace.new_view(user, content)
    desk.workspace.modals[user] = [view]
    return {"view": view.as_json()}


def _views_push(desk: Desk, args: Json) -> Json:
    content = _checked(desk, args, "modal")
    user = desk.exchange(args.get("trigger_id", ""))
    return {"view": push(desk.workspace, user, content).as_json()}


def push(workspace: Workspace, user: str, content: Json) -> View:
    """Put a view on top of those that a person has open."""
    stack = workspace.modals.get(user)
    if not stack:
        raise Refusal("not_found")
    if len(stack) >= MOST_VIEWS:
        raise Refusal("push_limit_reached")
    stack.append(workspace.new_view(user, content))
    return stack[-1]


def _views_update(desk: Desk, args: Json) -> Json:
    view = desk.workspace.view(args.get("view_id") or args.get("external_id"))
    if view is None:
        raise Refusal("not_found")
    _unchanged(view, args)
    view.become(_checked(desk, args, view.content["type"], besides=view))
    return {"view": view.as_json()}


def _views_publish(desk: Desk, args: Json) -> Json:
    if not desk.home_tab:
        raise Refusal("not_enabled")
    user = desk.user(args.get("user_id"))
    home = desk.workspace.homes.get(user.id)
    content = _checked(desk, args, "home", besides=home)
    if home is None:
        home = desk.workspace.homes.setdefault(user.id, desk.workspace.new_view(user.id, content))
    _unchanged(home, args)
    home.become(content)
    return {"view": home.as_json()}


# The agent's messages tab


def _prompts(desk: Desk, args: Json) -> Json:
    """Suggested prompts. An agent that names a thread gets a yes and no prompts (the reference page says so)."""
    channel = desk.joined(args.get("channel_id"))
    prompts = args.get("prompts") or []
    whole = all(isinstance(p, dict) and p.get("title") and p.get("message") for p in prompts)
    if not whole or not 1 <= len(prompts) <= MOST_PROMPTS:
        raise Refusal("invalid_arguments")
    if not args.get("thread_ts"):
        desk.workspace.prompts[channel.id] = prompts
    return {}


def _status(desk: Desk, args: Json) -> Json:
    channel, thread = desk.joined(args.get("channel_id")), args.get("thread_ts") or ""
    if desk.workspace.find(channel.id, thread) is None:
        raise Refusal("invalid_thread_ts")
    if not isinstance(args.get("status"), str):
        raise Refusal("invalid_arguments")
    desk.workspace.statuses.pop((channel.id, thread), None)
    if args["status"]:
        desk.workspace.statuses[channel.id, thread] = args["status"]
    return {}


_WRITE = ("chat:write",)
_ASSIST = ("assistant:write",)

METHODS: dict[str, Method] = {
    "apps.connections.open": Method(lambda _, __: {}, ("connections:write",), app_level=True),
    "assistant.threads.setStatus": Method(_status, _ASSIST),
    "assistant.threads.setSuggestedPrompts": Method(_prompts, _ASSIST),
    "auth.test": Method(_auth),
    "chat.delete": Method(_delete, _WRITE),
    "chat.postEphemeral": Method(_ephemeral, _WRITE),
    "chat.postMessage": Method(_post, _WRITE),
    "chat.update": Method(_update, _WRITE),
    "conversations.history": Method(_history, by_kind="history"),
    "conversations.info": Method(_info, by_kind="read"),
    "conversations.members": Method(_members, by_kind="read"),
    "conversations.open": Method(_open, ("im:write", "mpim:write", "channels:manage", "groups:write")),
    "conversations.replies": Method(_replies, by_kind="history"),
    "users.info": Method(_who, ("users:read",)),
    "views.open": Method(_views_open),
    "views.publish": Method(_views_publish),
    "views.push": Method(_views_push),
    "views.update": Method(_views_update),
}
"""Whatever is not here is refused as `unknown_method`, so that no call goes unexamined."""
