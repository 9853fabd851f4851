"""Everything that somebody can look at, try and provoke in the preview, and what of it gives a case away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from html import unescape

from aiohttp import ClientResponse
from prometheus_client import Histogram

from bot.cases.model import About
from bot.cases.moves import Action
from bot.model import Person
from bot.notices.model import NoticeKind
from bot.transports.web_events import Kind
from tests.leaks.surface import EVERYBODY, OUTCOME, Preview, incident, said

Looks = Mapping[str, str]
"""Name of a surface → all that stood there."""

NOTHING = "CC-CCC"
"""A reference of no case."""

_VALUES = {"words": "let me in", "outcome": OUTCOME, "urgency": "high", "about": "student", "subject": "", "to": "tom"}
_CHANGING = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"draft:[\w-]+"), "DRAFT"),
    (re.compile(r"<time.*?</time>"), "TIME"),
    (re.compile(r'data-key="[^"]*"'), "KEY"),
)
_CHARTERS = re.compile(r'<article class="line"[^>]*data-author="".*?</article>', re.DOTALL)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
ROOMS = ("room dm", "room leadership")


async def looks(at: Preview, who: str, ref: str, clicks: bool = True) -> dict[str, str]:
    """Every page, list, search, count, message, error and number, as this person, with or without every click.

    Rooms come last.
    """
    found: dict[str, str] = {}
    for page in _pages(ref):
        found[f"open {page}"] = await at.post("open", who, page=page)
    for action in (f"open:case:{ref}", f"act:acknowledge:{ref}", f"open:register:{ref}"):
        found[f"press {action}"] = await at.post("press", who, action=action)
    for page, action in _clicks(ref) if clicks else _clicks(ref)[:2]:
        found[f"submit {page} {action}"] = await at.post("submit", who, page=page, action=action, values=_VALUES)
    for room in ("dm", "leadership", "dm:tess", f"case:{ref}"):
        found[f"say in {room}"] = await at.post("say", who, room=room, text=f"What of case {ref}?")
    await at.turns.finish()
    for name, path in _addresses(who, ref):
        found[name] = await at.get(path)
    found["a broken request"] = await at.post("open", who, page=ref, room=ref)
    found["a lacking request"] = await at.post("submit", who, page=f"case:{ref}")
    return {name: _steady(text, ref) for name, text in found.items()} | await rooms(at, who)


async def rooms(at: Preview, who: str) -> dict[str, str]:
    """What stands in the rooms that this person may read."""
    return {
        f"room {room}": _steady(await at.get(f"/preview/room?as={who}&room={room}")) for room in ("dm", "leadership")
    }


def _pages(ref: str) -> tuple[str, ...]:
    registers = (f"register:{kind}" for kind in ("declaration", "justification", "report", "question"))
    cases = (f"case:{ref}", f"case:{ref.lower().replace('-', ' ')}", f"case:{ref}:note", f"case:{ref[:2]}")
    return ("mine", "queue", *registers, *cases, "form:report", f"form:{ref}", "draft:d", ref)


def _clicks(ref: str) -> tuple[tuple[str, str], ...]:
    begun = ((f"case:{ref}", f"act:{act}") for act in (*Action, "more", "x"))
    sent = ((f"case:{ref}:{act}", "send") for act in Action)
    return (*begun, *sent, (f"case:{ref}", "back"), (f"case:{ref}:x", "send"), ("draft:d", "send"))


def _addresses(who: str, ref: str) -> tuple[tuple[str, str], ...]:
    return (
        ("the page itself", "/"),
        ("the metrics", "/metrics"),
        ("health", "/healthz"),
        ("readiness", "/readyz"),
        ("no such address", f"/case/{ref}"),
        ("somebody's room", f"/preview/room?as={who}&room=dm:tess"),
        ("no such room", f"/preview/room?as={who}&room=case:{ref}"),
        ("nobody's room", f"/preview/room?as={ref}&room=dm"),
    )


def _steady(text: str, ref: str = "") -> str:
    """Without what differs from one asking to the next."""
    for changing, steady in _CHANGING:
        text = changing.sub(steady, text)
    return text if ref != NOTHING else text.replace(NOTHING, "REF")


@asynccontextmanager
async def listening(at: Preview, who: str) -> AsyncIterator[list[str]]:
    """What a browser that is open all the while is sent; in the list when the block has ended."""
    heard: list[str] = []
    async with at.client.get(f"/preview/events?as={who}") as stream:
        await stream.content.readuntil(b"\n\n")
        yield heard
        await _drain(stream, heard)


async def _drain(stream: ClientResponse, heard: list[str]) -> None:
    with suppress(TimeoutError):
        while True:
            chunk = await asyncio.wait_for(stream.content.readany(), 0.05)
            heard.append(unescape(chunk.decode()).replace('\\"', '"').replace("\\n", "\n"))


# What of it gives a case away


def markers(about: About, subject: str | None, reporter: Person, ref: str) -> dict[str, str]:
    """Every secret of a case: its words, type and reference, who sent it and whom it is about."""
    kind = incident(about)
    names = {each.id: each.name for each in EVERYBODY}
    whom = {"the subject's name": names[subject]} if subject else {}
    return {**said(), "type": kind.label, "type's id": kind.name, "reporter": reporter.name, **whom, "reference": ref}


def gives_away(seen: Looks, quiet: Looks, before: Looks, secrets: Mapping[str, str]) -> set[str]:
    """What of these surfaces would be otherwise, or say less, had the case never been.

    `quiet` are the same surfaces in a school without a case. `before` are rooms as this person could read them when the
    case was still theirs: what stood there may stay, and no more.
    """
    found: set[str] = set()
    for name, text in seen.items():
        if name not in _COUNTING and _differs(name, text, quiet, secrets):
            found |= {f"{name}: it differs", *(f"{name}: {what}" for what in told(text, secrets))}
    for name in ROOMS:
        news = _lines(seen[name]) - _lines(quiet[name]) - _lines(before.get(name, ""))
        found |= {f"{name}: news" for each in news if not _is_farewell(each, secrets["reference"])}
        found |= {f"{name}: {what}" for what in told("".join(news), secrets) if what != "reference"}
    found |= {f"the metrics: {label}" for label in labels(seen["the metrics"])}
    return found | {f"the metrics: {what}" for what in told(seen["the metrics"], secrets)}


_HARMLESS = {
    "platform": {"web"},
    "kind": {*Kind, *NoticeKind},
    "outcome": {"reply", "page", "repeat", "failed"},
    "le": {f"{size}" for size in (*Histogram.DEFAULT_BUCKETS[:-1], "+Inf")},
}
_COUNTING = frozenset({*ROOMS, "the metrics"})


def _differs(name: str, text: str, quiet: Looks, secrets: Mapping[str, str]) -> bool:
    return text.replace(secrets["reference"], "REF") != quiet[_asked(name, secrets["reference"], NOTHING)]


def _asked(name: str, ref: str, instead: str) -> str:
    spoken = ref.lower().replace("-", " ")
    return name.replace(ref, instead).replace(spoken, instead.lower().replace("-", " ")).replace(ref[:2], instead[:2])


def told(text: str, secrets: Mapping[str, str]) -> set[str]:
    """The secrets that stand in a text."""
    return {what for what, secret in secrets.items() if secret in text}


def labels(metrics: str) -> set[str]:
    """Labels that /metrics may not show: all but platforms, kinds of events and of notices, outcomes and sizes."""
    return {f"{name}={value}" for name, value in _LABEL.findall(metrics) if value not in _HARMLESS.get(name, ())}


def news_of(heard: Iterable[str], ref: str) -> set[str]:
    """Live updates that speak of the case, but for the word that it is no longer shown there."""
    lines = {each for text in heard for each in _lines(text)}
    return {each for each in lines if ref in each and not _is_farewell(each, ref)}


def news(room: str) -> set[str]:
    """What Charter said in a room of itself, and not in answer to what was typed there."""
    return {each for each in _lines(room) if "case" in each.casefold()}


def _lines(room: str) -> set[str]:
    """What Charter said in a room; what people typed there is their own."""
    return set(_CHARTERS.findall(room))


def _is_farewell(line: str, ref: str) -> bool:
    """The card of a case that has left the channel, or the thanks to whoever passed it on: nothing to open."""
    return (f"Case {ref} is handled elsewhere" in line or "It has been passed on" in line) and "open:case" not in line
