"""A Slack workspace's state, as its people see it: users, channels, messages, open modals, home tabs. No HTTP."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.slack.block_kit import Json, elements, texts

TEAM = "T0SCHOOL"
APP = "A0CHARTER"
BOT = "U0CHARTER"
BOT_ID = "B0CHARTER"
MOST_VIEWS = 3

_LIVE = re.compile(r"<(!(?:channel|here|everyone|subteam)[^>]*|@[UW][A-Z0-9]*[^>]*|#C[A-Z0-9]*[^>]*)>")
_LINK = re.compile(r"<(?![!@#])([^>|]+)(?:\|[^>]*)?>")


@dataclass
class User:
    """Somebody in the workspace, or from outside it."""

    id: str
    name: str
    restricted: bool = False
    stranger: bool = False
    deleted: bool = False
    bot: bool = False

    @property
    def team(self) -> str:
        """The workspace they belong to."""
        return "T0OTHER" if self.stranger else TEAM

    def as_json(self) -> Json:
        """As `users.info` gives it."""
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "real_name": self.name,
            "profile": {"display_name": self.name, "real_name": self.name},
            "is_bot": self.bot,
            "is_restricted": self.restricted,
            "is_ultra_restricted": False,
            "deleted": self.deleted,
            **({"is_stranger": True} if self.stranger else {}),
        }


@dataclass
class Channel:
    """A conversation. `shared` with another organisation through Slack Connect."""

    id: str
    name: str
    members: set[str]
    private: bool = False
    im: bool = False
    shared: bool = False

    @property
    def kind(self) -> str:
        """As in an event's `channel_type`."""
        return "im" if self.im else "group" if self.private else "channel"

    def as_json(self) -> Json:
        """As `conversations.info` gives it."""
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": self.im,
            "is_private": self.private or self.im,
            "is_member": BOT in self.members,
            "is_ext_shared": self.shared,
            "is_archived": False,
        }


@dataclass
class Message:
    """One message; `only_for` names the one person who sees it."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    only_for: str | None = None
    edits: int = 0

    @property
    def shown(self) -> str:
        """Everything a reader sees, as one text."""
        return "\n".join(texts(self.blocks)) if self.blocks else self.text

    def pings(self) -> list[str]:
        """What in it would notify somebody, or lead somewhere: live mentions and dressed-up links."""
        return [found for part in [self.text, *_marked(self.blocks)] for found in live(part)] + list(_rich(self.blocks))

    def as_json(self) -> Json:
        """As the Web API and events give it."""
        whose = {"bot_id": BOT_ID, "app_id": APP} if self.user == BOT else {}
        thread = {"thread_ts": self.thread_ts} if self.thread_ts else {}
        blocks = {"blocks": self.blocks} if self.blocks else {}
        return {"type": "message", "user": self.user, "text": self.text, "ts": self.ts, **whose, **thread, **blocks}


@dataclass
class View:
    """A modal or a home tab as one person has it open, with what they have typed so far."""

    id: str
    user: str
    content: Json
    hash: str
    typed: dict[tuple[str, str], Json] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        """Its blocks."""
        found: list[Json] = self.content["blocks"]
        return found

    @property
    def shown(self) -> str:
        """Everything a reader sees, as one text: the title, the blocks, the errors beside fields."""
        title = self.content.get("title", {}).get("text", "")
        return "\n".join([title, *texts(self.blocks), *self.errors.values()])

    def become(self, content: Json) -> None:
        """Show something else. What was typed stays where block, action and kind of element stay the same."""
        kinds = {(e["block_id"], e["action_id"]): e["type"] for e in elements(content["blocks"])}
        self.typed = {place: value for place, value in self.typed.items() if kinds.get(place) == value["type"]}
        self.content, self.hash, self.errors = content, secrets.token_hex(6), {}

    def state(self) -> Json:
        """The values of everything that can be filled in: what was typed, else what it began with."""
        values: dict[str, Json] = {}
        for element in elements(self.blocks):
            if element["type"] not in ("button", "overflow"):
                place = (element["block_id"], element["action_id"])
                values.setdefault(place[0], {})[place[1]] = self.typed.get(place) or first_value(element)
        return {"values": values}

    def as_json(self) -> Json:
        """As the Web API and interactions give it."""
        return {
            "private_metadata": "",
            "callback_id": "",
            **self.content,
            "id": self.id,
            "hash": self.hash,
            "team_id": TEAM,
            "app_id": APP,
            "bot_id": BOT_ID,
            "root_view_id": self.id,
            "previous_view_id": None,
            "state": self.state(),
        }


class Workspace:
    """Everything there is. `add_user` and `add_channel` furnish it."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {BOT: User(BOT, "charter", bot=True)}
        self.channels: dict[str, Channel] = {}
        self.messages: list[Message] = []
        self.modals: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}
        self.prompts: dict[str, list[Json]] = {}
        self.statuses: dict[tuple[str, str], str] = {}
        self._seconds = count(int(time.time()))

    def add_user(self, id: str, name: str, *, restricted: bool = False, stranger: bool = False) -> User:
        """Somebody new."""
        self.users[id] = User(id, name, restricted, stranger)
        return self.users[id]

    def add_channel(
        self, id: str, *members: str, name: str = "", private: bool = False, shared: bool = False
    ) -> Channel:
        """A channel with these members."""
        self.channels[id] = Channel(id, name or id.lower(), set(members), private, shared=shared)
        return self.channels[id]

    def im(self, user: str) -> Channel:
        """The direct messages between a person and the app."""
        id = f"D{user[1:]}"
        return self.channels.setdefault(id, Channel(id, "", {user, BOT}, private=True, im=True))

    def next_ts(self) -> str:
        """A timestamp that no other message has."""
        return f"{next(self._seconds)}.{secrets.randbelow(1_000_000):06}"

    def find(self, channel: str, ts: str) -> Message | None:
        """A message that others can see, or None."""
        return next((m for m in self.messages if (m.channel, m.ts, m.only_for) == (channel, ts, None)), None)

    def seen_by(self, user: str) -> list[Message]:
        """Every message that a person can see, oldest first."""
        theirs = {channel.id for channel in self.channels.values() if user in channel.members}
        return [m for m in self.messages if m.channel in theirs and m.only_for in (None, user)]

    def modal(self, user: str) -> View | None:
        """What stands on top of a person's screen."""
        stack = self.modals.get(user)
        return stack[-1] if stack else None

    def view(self, id: str | None) -> View | None:
        """An open modal or a home tab by its id or external id."""
        every = [*self.homes.values(), *(view for stack in self.modals.values() for view in stack)]
        return next((view for view in every if id and id in (view.id, view.content.get("external_id"))), None)

    def new_view(self, user: str, content: Json) -> View:
        """A view that nobody sees yet."""
        return View(f"V{secrets.token_hex(5).upper()}", user, content, secrets.token_hex(6))


def first_value(element: Json) -> Json:
    """What an element's state is before anybody touches it."""
    match element["type"]:
        case "plain_text_input":
            return {"type": "plain_text_input", "value": element.get("initial_value") or None}
        case "checkboxes" | "multi_static_select" as kind:
            return {"type": kind, "selected_options": element.get("initial_options", [])}
        case "datepicker":
            return {"type": "datepicker", "selected_date": element.get("initial_date")}
        case kind:
            return {"type": kind, "selected_option": element.get("initial_option")}


def named(blocks: list[Json]) -> list[Json]:
    """Blocks with the ids that Slack gives to those that have none."""
    return [{"block_id": secrets.token_hex(3), **block} for block in blocks]


def live(mrkdwn: str) -> Iterator[str]:
    """What in a marked-up text would notify, or is a link whose words hide where it leads."""
    yield from (match[1] for match in _LIVE.finditer(mrkdwn))
    yield from (match[1] for match in _LINK.finditer(mrkdwn) if "|" in match[0])


def _marked(part: Any) -> Iterator[str]:
    """Every text that Slack parses. Links and entities are decoded in plain text too."""
    if isinstance(part, list):
        for each in part:
            yield from _marked(each)
    elif isinstance(part, dict):
        if part.get("type") in ("mrkdwn", "plain_text", "markdown"):
            yield part["text"]
        for each in part.values():
            yield from _marked(each)


def _rich(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _rich(each)
    elif isinstance(part, dict):
        if part.get("type") in ("user", "usergroup", "broadcast", "channel"):
            yield f"{part['type']}"
        for each in part.values():
            yield from _rich(each)
