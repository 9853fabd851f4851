"""From an activity to what it asks of Charter. Pure; whatever a client sends back is untrusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.model import Choice, Event, Opened, Person, Platform, Pressed, Room, Said, Submitted
from bot.render.teams_parts import FIELD, MANY, PICKED, unpacked
from bot.transports.teams_activity import Incoming, Kind, Malformed, Surface, as_object, plain_text

COMMANDS: Mapping[str, str] = {
    "report": "form:report",
    "report a concern": "form:report",
    "declare": "form:declare",
    "justify": "form:justify",
    "ask leadership": "form:ask_leadership",
    "my cases": "mine",
    "queue": "queue",
    "cases for me": "queue",
}
"""What opens a page when it is typed, exactly so. They stand in the app's manifest, and work where no dialog does."""

ASK, REPORT = "askCharter", "reportThis"
"""The message actions, as the manifest names them."""

_OPEN_CASE = re.compile(r"open ([A-Z0-9]{1,4}(?:-[A-Z0-9]{1,4}){1,3})", re.IGNORECASE)
_FETCHES = frozenset({"task/fetch", "composeExtension/fetchTask"})
_SUBMITS = frozenset({"task/submit", "composeExtension/submitAction"})
_MOST_FIELDS = 100
_MOST_CHOICES = 20
_MOST_WORDS = 100_000
_IN_PLACE = ("correct:", "set:", "choose:")


class Show(StrEnum):
    """Where the outcome is shown."""

    CHAT = "chat"
    PLACE = "place"
    DIALOG = "dialog"


@dataclass(frozen=True)
class Turn:
    """One turn of Charter's."""

    event: Event
    show: Show


@dataclass(frozen=True)
class Turning:
    """Another part of a page that is too long for one card."""

    page: str
    part: int
    show: Show


@dataclass(frozen=True)
class Here:
    """The buttons that open dialogs, again without dialogs."""

    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Hide:
    """Put a page out of sight."""


@dataclass(frozen=True)
class Rated:
    """An answer was rated; what was written beside it is not taken."""

    like: bool


@dataclass(frozen=True)
class Nothing:
    """Nothing is asked of Charter."""


Asked = Turn | Turning | Here | Hide | Rated | Nothing


def room_of(person: Person) -> Room:
    """Where a person talks with Charter in private: everything is answered there, whatever it came from."""
    return Room(Platform.TEAMS, f"dm:{person.id}")


def read(incoming: Incoming, person: Person) -> Asked:
    """What is asked. Raises Malformed for an invoke that makes no sense."""
    if incoming.kind is Kind.MESSAGE:
        return _pressed(incoming.value, person) if incoming.value else _said(incoming, person)
    if incoming.name == "message/submitAction":
        return _rated(incoming.value)
    data = as_object(incoming.value.get("data"))
    if incoming.name == "composeExtension/fetchTask":
        return _message_action(incoming.value, person)
    if incoming.name in _FETCHES:
        return _fetched(data, person)
    if incoming.name in _SUBMITS:
        return _in_dialog(_asked(data, person))
    raise Malformed("name")


def is_open(incoming: Incoming) -> bool:
    """Whether it only opens something: nothing of it needs to be carried out again after a crash."""
    return incoming.name in _FETCHES


def _said(incoming: Incoming, person: Person) -> Asked:
    if not incoming.text or (incoming.place.surface is not Surface.PERSONAL and not incoming.mentioned):
        return Nothing()
    words = " ".join(incoming.text.split()).rstrip(".!")
    case = _OPEN_CASE.fullmatch(words)
    page = f"case:{case[1].upper()}" if case else COMMANDS.get(words.casefold())
    room = room_of(person)
    return Turn(Opened(person, room, page) if page else Said(person, room, incoming.text), Show.CHAT)


def _pressed(data: Mapping[str, object], person: Person) -> Asked:
    """A button on a card in a chat. A card that asks is replaced by what follows; any other stays."""
    asked = _asked(data, person)
    if isinstance(asked, Turn) and _replaces(asked.event):
        return Turn(asked.event, Show.PLACE)
    return asked


def _replaces(event: Event) -> bool:
    return isinstance(event, Submitted) or (isinstance(event, Pressed) and event.action.startswith(_IN_PLACE))


def _asked(data: Mapping[str, object], person: Person) -> Asked:
    match data.get("do"):
        case "press":
            return Turn(Pressed(person, room_of(person), _text(data, "action")), Show.CHAT)
        case "submit":
            page, action = _text(data, "page"), _text(data, "action")
            return Turn(Submitted(person, room_of(person), page, action, _values(data)), Show.CHAT)
        case "say":
            return Turn(Said(person, room_of(person), _text(data, "text")), Show.CHAT)
        case "pick":
            return _asked({**data, **_picked(data)}, person)
        case "part":
            part = data.get("part")
            return Turning(_text(data, "page"), part if isinstance(part, int) else 0, Show.PLACE)
        case "here":
            return Here(_choices(data.get("of")))
        case "hide":
            return Hide()
    raise Malformed("do")


def _picked(data: Mapping[str, object]) -> Mapping[str, object]:
    """What a pick under More stands for. One that picks nothing is a pick of the first."""
    meant, at = data.get("of"), data.get(PICKED, "")
    place = int(at) if isinstance(at, str) and at.isdecimal() and len(at) < len("1000") else 0
    found = as_object(meant[place]) if isinstance(meant, list) and place < len(meant) else {}
    if found.get("do") == "pick" or not found:
        raise Malformed("of")
    return found


def _choices(listed: object) -> tuple[Choice, ...]:
    """What a card says could be opened. The words are only shown to whoever sent them."""
    pairs = listed if isinstance(listed, list) else []
    found = [(pair[0], pair[1]) for pair in pairs if isinstance(pair, list) and len(pair) == len(("label", "action"))]
    return tuple(Choice(str(label), str(action)) for label, action in found[:_MOST_CHOICES])


def _in_dialog(asked: Asked) -> Asked:
    match asked:
        case Turn(event):
            return Turn(event, Show.DIALOG)
        case Turning(page, part):
            return Turning(page, part, Show.DIALOG)
    raise Malformed("do")


def _fetched(data: Mapping[str, object], person: Person) -> Asked:
    action = _text(data, "action")
    if data.get("do") != "press" or not action.startswith("open:"):
        raise Malformed("action")
    return Turn(Opened(person, room_of(person), action.removeprefix("open:")), Show.DIALOG)


def _message_action(value: Mapping[str, object], person: Person) -> Asked:
    """Ask Charter, or report, about somebody's message."""
    message = as_object(value.get("messagePayload"))
    markup = as_object(message.get("body")).get("content")
    text = plain_text(markup) if isinstance(markup, str) else ""
    command = value.get("commandId")
    if command == ASK:
        return Turn(Said(person, room_of(person), text), Show.DIALOG)
    if command == REPORT:
        known = {"what": f"{_author(message)} wrote in Teams: “{text}”", "where": "Teams"} if text else {}
        return Turn(Opened(person, room_of(person), "form:report", known), Show.DIALOG)
    raise Malformed("commandId")


def _author(message: Mapping[str, object]) -> str:
    name = as_object(as_object(message.get("from")).get("user")).get("displayName")
    return name if isinstance(name, str) and name else "Somebody"


def _rated(value: Mapping[str, object]) -> Asked:
    told = as_object(value.get("actionValue")).get("reaction")
    if value.get("actionName") != "feedback" or told not in ("like", "dislike"):
        raise Malformed("actionValue")
    return Rated(told == "like")


def _values(data: Mapping[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in list(data.items())[:_MOST_FIELDS]:
        if name.startswith(FIELD):
            found[name.removeprefix(FIELD)] = _typed(value)
        elif name.startswith(MANY):
            found[name.removeprefix(MANY)] = unpacked(_typed(value))
    return found


def _typed(value: object) -> str:
    if not isinstance(value, str):
        raise Malformed("field")
    return value[:_MOST_WORDS].replace("\0", "").encode("utf-8", "replace").decode()


def _text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(name)
    return value
