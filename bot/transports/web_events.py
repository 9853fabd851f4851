"""From a browser's JSON to an Event. Everything in it is untrusted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.model import Event, Opened, Person, Platform, Pressed, Room, Said, Submitted
from bot.transports.guards import Refusal

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_FIELDS = 100

Body = Mapping[str, object]


class Kind(StrEnum):
    """What the browser may send."""

    SAY = "say"
    PRESS = "press"
    SUBMIT = "submit"
    OPEN = "open"


@dataclass(frozen=True)
class Incoming:
    """An event with the name under which it is taken once. The name holds the person, so nobody can use another's."""

    key: str
    kind: Kind
    event: Event
    payload: str


def incoming(kind: Kind, body: Body, person: Person, room: str) -> Incoming:
    """Read one request's body. Raises Refusal when a part is missing or not what it should be."""
    uuid = _text(body, "event").lower()
    if not _UUID.fullmatch(uuid):
        raise Refusal(text="Each event needs an id of its own.")
    where = Room(Platform.WEB, room, private=room.startswith("dm:"))
    return Incoming(f"web:{person.id}:{uuid}", kind, _READERS[kind](person, where, body), _payload(kind, body))


def unpack(payload: str) -> tuple[Kind, Body]:
    """Kind and body of what the inbox kept."""
    body = json.loads(payload)
    return Kind(body.pop("kind")), body


def _payload(kind: Kind, body: Body) -> str:
    return json.dumps({**body, "kind": kind})


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise Refusal(text=f"The request lacks “{name}”.")
    return _clean(value)


def _clean(text: str) -> str:
    """Without NUL and half characters, which databases and encoders refuse."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _said(person: Person, room: Room, body: Body) -> Said:
    text = _text(body, "text").strip()
    if not text:
        raise Refusal(text="Please write something first.")
    return Said(person, room, text)


def _pressed(person: Person, room: Room, body: Body) -> Pressed:
    return Pressed(person, room, _text(body, "action"))


def _submitted(person: Person, room: Room, body: Body) -> Submitted:
    values = body.get("values")
    if not isinstance(values, dict) or len(values) > _MOST_FIELDS:
        raise Refusal(text="The request lacks “values”.")
    kept = {_clean(name): _text(values, name) for name in values}
    return Submitted(person, room, _text(body, "page"), _text(body, "action"), kept)


def _opened(person: Person, room: Room, body: Body) -> Opened:
    return Opened(person, room, _text(body, "page"))


_READERS: Mapping[Kind, Callable[[Person, Room, Body], Event]] = {
    Kind.SAY: _said,
    Kind.PRESS: _pressed,
    Kind.SUBMIT: _submitted,
    Kind.OPEN: _opened,
}
