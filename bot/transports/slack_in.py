"""From what Slack sends to what Charter works with. Everything in it is untrusted, and untyped JSON stops here."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import unescape
from typing import Any

from bot.model import Platform, Room
from bot.render.slack_page import values

Body = Mapping[str, Any]

HOME = "home"
MESSAGES = "messages"

_HEARD_SUBTYPES = frozenset({"", "file_share", "me_message", "thread_broadcast"})
_LIVE = re.compile(r"<([^<>]*)>")
_EVERYBODY = {"channel": "@channel", "here": "@here", "everyone": "@everyone"}


@dataclass(frozen=True)
class Place:
    """Where somebody is answered: a conversation, its thread if any, or the address of a command's own answer."""

    user: str
    channel: str
    thread: str = ""
    answer_url: str = ""

    @property
    def private(self) -> bool:
        """Whether nobody else can read it."""
        return self.channel.startswith("D")

    @property
    def room(self) -> Room:
        """The conversation that is remembered: a thread is one of its own."""
        return Room(Platform.SLACK, ":".join(filter(None, [self.channel, self.thread])), self.private)


@dataclass(frozen=True)
class Heard:
    """A message to Charter or a mention of it, as it is kept until it is answered. `at` is when it came, in epoch seconds."""

    key: str
    user: str
    team: str
    channel: str
    ts: str
    thread: str
    text: str
    files: bool
    at: float

    @property
    def place(self) -> Place:
        """Where it is answered: in private always in a thread, in a channel only where there is one."""
        thread = self.thread or (self.ts if self.channel.startswith("D") else "")
        return Place(self.user, self.channel, thread)

    @property
    def begins(self) -> bool:
        """Whether it opens a thread of its own: in private every message that is not in one does."""
        return self.channel.startswith("D") and not self.thread

    @property
    def mark(self) -> str:
        """By which the answer can be found again."""
        return f"re:{self.ts}"

    def written(self) -> str:
        """As the inbox keeps it."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class View:
    """An open modal, or App Home, from which something came. `raw` is the view as Slack sent it."""

    id: str
    page: str
    callback: str
    modal: bool
    values: Mapping[str, str]
    blocks: tuple[str, ...]
    raw: Body


@dataclass(frozen=True)
class Press:
    """A button, a command or a shortcut that was used. `trigger` opens one modal within three seconds."""

    place: Place
    team: str
    action: str = ""
    value: str = ""
    trigger: str = ""
    view: View | None = None


def heard_again(payload: str) -> Heard:
    """What the inbox kept. Raises ValueError or TypeError for anything else."""
    return Heard(**json.loads(payload))


def heard(body: Body, names: Mapping[str, str], me: str) -> Heard | None:
    """A message in private or a mention; None for everything that is not said to Charter by a person.

    A message is known by its channel and ts: Slack may send one under several event ids.
    """
    event = _part(body, "event")
    mention, channel = _text(event, "type") == "app_mention", _text(event, "channel")
    direct = channel.startswith("D")
    machine = any(event.get(name) for name in ("bot_id", "bot_profile", "hidden", "edited"))
    if machine or _text(event, "subtype") not in _HEARD_SUBTYPES or not (mention or direct):
        return None
    user, ts = _text(event, "user"), _text(event, "ts")
    if not user or not ts or user == me:
        return None
    return Heard(
        key=f"slack:m:{channel}:{ts}",
        user=user,
        team=team_of(event) or _text(body, "team_id"),
        channel=channel,
        ts=ts,
        thread=_text(event, "thread_ts"),
        text=plain_words(_text(event, "text"), names, me),
        files=bool(event.get("files")),
        at=time.time(),
    )


def plain_words(text: str, names: Mapping[str, str], me: str = "") -> str:
    """Slack's markup as a person reads it: mentions as names, links as addresses, escapes undone once."""

    def told(match: re.Match[str]) -> str:
        what, _, shown = match[1].partition("|")
        if what.startswith("@"):
            return "" if what[1:] == me else names.get(what[1:]) or shown or "somebody"
        if what.startswith("#"):
            return f"#{shown or 'a channel'}"
        if what.startswith("!"):
            return _EVERYBODY.get(what[1:], shown or "a group")
        return what.removeprefix("mailto:").removeprefix("tel:")

    return unescape_slack(_LIVE.sub(told, text)).replace("\0", "").strip()


def unescape_slack(text: str) -> str:
    """The three escapes that Slack uses, undone once; other entities are what somebody typed."""
    return re.sub(r"&(?:amp|lt|gt);", lambda match: unescape(match[0]), text)


def team_of(told: Body) -> str:
    """The workspace of whoever did it, where Slack says so."""
    return _text(told, "user_team") or _text(told, "source_team") or _text(told, "team")


def command(body: Body) -> Press:
    """A slash command; its words stand in `value`."""
    place = Place(_text(body, "user_id"), _text(body, "channel_id"), answer_url=_text(body, "response_url"))
    return Press(place, _text(body, "team_id"), _text(body, "command"), _text(body, "text"), _text(body, "trigger_id"))


def shortcut(body: Body) -> Press:
    """A shortcut; the words of its message, if it has one, stand in `value`."""
    channel, user = _part(body, "channel"), _part(body, "user")
    place = Place(_text(user, "id"), _text(channel, "id"), answer_url=_text(body, "response_url"))
    said = _text(_part(body, "message"), "text")
    return Press(place, _text(user, "team_id"), _text(body, "callback_id"), said, _text(body, "trigger_id"))


def pressed(body: Body) -> Press:
    """A button that was pressed, or an option that was picked, in a message, a modal or App Home."""
    user, holder = _part(body, "user"), _part(body, "container")
    message, action = _part(body, "message"), _first(body, "actions")
    channel = _text(holder, "channel_id") or _text(_part(body, "channel"), "id")
    thread = _text(holder, "thread_ts") or _text(message, "thread_ts")
    if channel.startswith("D") and not holder.get("is_ephemeral"):
        thread = thread or _text(holder, "message_ts") or _text(message, "ts")
    answer_url = _text(body, "response_url") if holder.get("is_ephemeral") else ""
    return Press(
        Place(_text(user, "id"), channel, thread, answer_url),
        _text(user, "team_id") or _text(_part(body, "team"), "id"),
        _text(action, "action_id"),
        _text(action, "value") or _text(_part(action, "selected_option"), "value"),
        _text(body, "trigger_id"),
        _view(body),
    )


def submitted(body: Body) -> Press:
    """A modal that was sent."""
    user = _part(body, "user")
    place = Place(_text(user, "id"), "")
    return Press(place, _text(user, "team_id") or _text(_part(body, "team"), "id"), view=_view(body))


def opened_home(body: Body) -> tuple[str, str, str, str]:
    """Who opened App Home, their workspace, which tab, and the channel of its messages."""
    event = _part(body, "event")
    return _text(event, "user"), team_of(event), _text(event, "tab"), _text(event, "channel")


def revoked(body: Body) -> bool:
    """Whether Charter's own token is among those taken back."""
    return bool(_part(_part(body, "event"), "tokens").get("bot"))


def event_key(body: Body) -> str:
    """The name under which any other event is taken once."""
    return f"slack:e:{_text(body, 'event_id')}"


def said_by(body: Body, names: Mapping[str, str]) -> tuple[str, str]:
    """Who wrote the message of a shortcut, and in which conversation, in words."""
    author = names.get(_text(_part(body, "message"), "user")) or "Somebody"
    channel = _text(_part(body, "channel"), "name")
    return author, "a direct message" if channel in ("", "directmessage", "privategroup") else f"#{channel}"


def _view(body: Body) -> View | None:
    raw = _part(body, "view")
    if not raw:
        return None
    blocks = raw.get("blocks")
    return View(
        id=_text(raw, "id"),
        page=_text(raw, "private_metadata"),
        callback=_text(raw, "callback_id"),
        modal=_text(raw, "type") == "modal",
        values=values(_part(_part(raw, "state"), "values")),
        blocks=tuple(_text(block, "block_id") for block in blocks) if isinstance(blocks, list) else (),
        raw=raw,
    )


def _part(told: Body, name: str) -> Body:
    found = told.get(name) if isinstance(told, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _first(told: Body, name: str) -> Body:
    found = told.get(name)
    return found[0] if isinstance(found, list) and found and isinstance(found[0], Mapping) else {}


def _text(told: Body, name: str) -> str:
    found = told.get(name) if isinstance(told, Mapping) else None
    return found if isinstance(found, str) else ""
