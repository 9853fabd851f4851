"""What Teams sends, as plain values of our own. Pure, and all of it untrusted; no library of Microsoft's is known here."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import blake2b
from urllib.parse import urlsplit

MOST_TEXT = 100_000
"""Characters of a message that are looked at; Teams itself carries fewer."""

_AT = re.compile(r"<at(?:\s[^>]*)?>(.*?)</at>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]{0,2000}>")
_BLOCK = re.compile(r"(?i)<(?:br|/p|/div|/li)\b[^>]*>")
_FILE = re.compile(
    r"application/vnd\.microsoft\.teams\.file\.|image/|audio/|video/|application/(?!vnd\.microsoft\.card\.)"
)

Body = Mapping[str, object]


class Malformed(Exception):
    """The body is not an activity that Charter can take; the text names the part and never quotes it."""


class Kind(StrEnum):
    """What an activity is to us."""

    MESSAGE = "message"
    INVOKE = "invoke"
    ARRIVED = "arrived"
    LEFT = "left"
    OTHER = "other"


class Surface(StrEnum):
    """Where a conversation stands."""

    PERSONAL = "personal"
    GROUP = "groupChat"
    TEAM = "channel"


@dataclass(frozen=True)
class Place:
    """A conversation, as we store it to write there later."""

    service_url: str
    tenant: str
    conversation: str
    bot: str = ""
    surface: Surface = Surface.PERSONAL
    team: str = ""
    channel: str = ""

    def to_json(self) -> str:
        """Write it down; `from_json` reads it back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Place:
        """Read what `to_json` wrote."""
        stored = json.loads(text)
        return cls(**{**stored, "surface": Surface(stored["surface"])})


@dataclass(frozen=True)
class Incoming:
    """One activity that was let in. `account` is the Entra object id of whoever sent it, `user` their id in this channel."""

    kind: Kind
    id: str
    place: Place
    account: str
    user: str
    name: str = ""
    text: str = ""
    mentioned: bool = False
    files: bool = False
    value: Mapping[str, object] = field(default_factory=dict)
    reply_to: str = ""
    by: str = ""

    @property
    def key(self) -> str:
        """The name under which it is taken once."""
        return f"teams:{digest(self.place.conversation, self.user, self.name, self.id)}"

    @property
    def likeness(self) -> str:
        """The same for two activities that say the same: what a re-sent one under a new id is known by."""
        said = json.dumps([self.kind, self.name, self.text, self.value, self.reply_to], sort_keys=True)
        return digest(self.place.conversation, self.user, said)

    def to_json(self) -> str:
        """Write it down for the inbox; `from_json` reads it back."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Incoming:
        """Read what `to_json` wrote."""
        stored = json.loads(text)
        place = Place.from_json(json.dumps(stored["place"]))
        return cls(**{**stored, "kind": Kind(stored["kind"]), "place": place})


def digest(*parts: str) -> str:
    """A short name for something long. It keeps nothing of what it names."""
    return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def parse(body: Body) -> Incoming:
    """Read an activity. Raises Malformed when a part that Charter needs is missing or not what it should be."""
    kind = _kind(body)
    sender, recipient = _object(body, "from"), _object(body, "recipient")
    return Incoming(
        kind=kind,
        id=_text(body, "id"),
        place=_place(body, _text(recipient, "id")),
        account=_optional(sender, "aadObjectId").lower(),
        user=_text(sender, "id"),
        name=_text(body, "name") if kind is Kind.INVOKE else "",
        text=_said(body, _text(recipient, "id")),
        mentioned=_mentions(body, _text(recipient, "id")),
        files=_has_files(body),
        value=_value(body, kind),
        reply_to=_optional(body, "replyToId"),
        by=_clean(_optional(sender, "name")),
    )


def service_url(body: Body) -> str:
    """The service address that an activity names, or nothing."""
    return _optional(body, "serviceUrl")


def tenant(body: Body) -> str:
    """The tenant an activity comes from, as its channel data or its conversation names it, or nothing.

    Where they name two it is nobody's.
    """
    channel, conversation = _object(body, "channelData", {}), _object(body, "conversation", {})
    named = {_optional(_object(channel, "tenant", {}), "id").lower(), _optional(conversation, "tenantId").lower()} - {
        ""
    }
    return "two tenants" if len(named) > 1 else next(iter(named), "")


def allowed_host(address: str, hosts: tuple[str, ...]) -> bool:
    """Whether an address is https on an allowed host or one beneath it, with nothing odd in it."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    odd = parts.scheme != "https" or port not in (None, 443) or parts.username is not None or "\\" in address
    return not odd and any(host == one or host.endswith(f".{one}") for one in hosts)


def plain_text(markup: str) -> str:
    """The words of a message written as HTML."""
    return _clean(html.unescape(_TAG.sub("", _BLOCK.sub("\n", markup[:MOST_TEXT]))).replace("\xa0", " ").strip())


def as_object(value: object) -> Mapping[str, object]:
    """The value when it is an object with text keys, else an empty one."""
    return value if isinstance(value, dict) else {}


def _kind(body: Body) -> Kind:
    match _text(body, "type"):
        case "message":
            return Kind.MESSAGE
        case "invoke":
            return Kind.INVOKE
        case "installationUpdate":
            return Kind.LEFT if str(body.get("action", "")).startswith("remove") else Kind.ARRIVED
        case "conversationUpdate":
            return _membership(body)
    return Kind.OTHER


def _membership(body: Body) -> Kind:
    us = _text(_object(body, "recipient"), "id")
    for name, kind in (("membersAdded", Kind.ARRIVED), ("membersRemoved", Kind.LEFT)):
        if any(as_object(one).get("id") == us for one in _list(body, name)):
            return kind
    return Kind.OTHER


def _place(body: Body, bot: str) -> Place:
    conversation, told = _object(body, "conversation"), _object(body, "channelData", {})
    surface = _optional(conversation, "conversationType") or Surface.PERSONAL
    if surface not in list(Surface):
        raise Malformed("conversationType")
    return Place(
        service_url=service_url(body),
        tenant=tenant(body),
        conversation=_text(conversation, "id"),
        bot=bot,
        surface=Surface(surface),
        team=_optional(_object(told, "team", {}), "id"),
        channel=_optional(_object(told, "channel", {}), "id"),
    )


def _said(body: Body, us: str) -> str:
    """The text without the mention of Charter, other mentions turned into names."""
    text = _optional(body, "text")[:MOST_TEXT]
    for entity in _list(body, "entities"):
        mention = as_object(entity)
        if as_object(mention.get("mentioned")).get("id") == us and isinstance(mention.get("text"), str):
            text = text.replace(str(mention["text"]), " ")
    return _clean(html.unescape(_AT.sub(r"\1", text)).replace("\xa0", " ").strip())


def _mentions(body: Body, us: str) -> bool:
    return any(as_object(as_object(one).get("mentioned")).get("id") == us for one in _list(body, "entities"))


def _has_files(body: Body) -> bool:
    kinds = [as_object(one).get("contentType") for one in _list(body, "attachments")]
    return any(isinstance(kind, str) and _FILE.match(kind) for kind in kinds)


def _value(body: Body, kind: Kind) -> Mapping[str, object]:
    value = body.get("value")
    if isinstance(value, dict):
        return value
    if kind is Kind.INVOKE or value is not None:
        raise Malformed("value")
    return {}


def _object(body: Body, name: str, default: Body | None = None) -> Body:
    value = body.get(name, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, dict):
        raise Malformed(name)
    return value


def _list(body: Body, name: str) -> list[object]:
    value = body.get(name) or []
    if not isinstance(value, list):
        raise Malformed(name)
    return value


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or "\0" in value:
        raise Malformed(name)
    return value


def _optional(body: Body, name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(name)
    return value


def _clean(text: str) -> str:
    """Without NUL and half characters, which databases and encoders refuse."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
