"""A case's whole life in the preview, told once for each class of subject, and what everybody saw of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.cases import views
from bot.cases.model import About
from tests.guards import without_guard
from tests.leaks.looking import NOTHING, Looks, gives_away, listening, looks, markers, news, news_of, rooms, told
from tests.leaks.search import CLASSES, Class, anybody, subject_of
from tests.leaks.surface import EVERYBODY, REASON, Preview, preview
from tests.small_school import TESS

REPORTER = next(each for each in EVERYBODY if each.id == TESS.id)

Guards = tuple[tuple[Callable[..., Any], Callable[..., Any]], ...]


@dataclass(frozen=True)
class Story:
    """What was shown: to the barred, to its own people, in the channel, and what barred and reporter would see unguarded."""

    secrets: Mapping[str, str]
    leaks: set[str]
    handlers: str
    reporters: str
    channel: str
    unguarded: set[str]
    reporters_unguarded: str


_quiet: dict[str, Looks] = {}
_told: dict[tuple[str, bool], Story] = {}


async def story(name: str, rerouted: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """The story of this class, as filed or after a re-route; it takes place once."""
    if (name, rerouted) not in _told:
        kind = CLASSES[name]
        quiet = await _silent_school(folder, monkeypatch)
        own_folder = folder / ("rerouted" if rerouted else "filed")
        own_folder.mkdir()
        with capture_logs() as logs:
            async with preview(own_folder, monkeypatch) as at:
                found, before = await lived(at, kind, rerouted, barred(kind), quiet)
                own = await _own(at, kind)
                channel = "".join(news(await at.get("/preview/room?as=sam&room=leadership")))
                with pytest.MonkeyPatch.context() as without:
                    without_guard(without, views.reads, lambda *_: True)
                    without_guard(without, views.shows, lambda *_: True)
                    reporters = await at.post("open", TESS.id, page=f"case:{at.ref}")
                secrets = markers(kind.about, kind.subject, REPORTER, at.ref)
                found |= in_the_log(logs, secrets)
                with pytest.MonkeyPatch.context() as without:
                    without_guard(without, views.standing, anybody)
                    who = subject_of(kind).id
                    seen = await looks(at, who, at.ref, clicks=False)
                    unguarded = gives_away(seen, quiet[who], before.get(who, {}), secrets)
        _told[name, rerouted] = Story(secrets, found, *own, channel, unguarded, reporters)
    return _told[name, rerouted]


async def lived(
    at: Preview, kind: Class, rerouted: bool, people: list[str], quiet: Mapping[str, Looks], thorough: bool = True
) -> tuple[set[str], dict[str, Looks]]:
    """What these people can find out over the whole life of a case, and their rooms as they were before a re-route."""
    before = await _before(at) if rerouted else {}
    async with AsyncExitStack() as stack:
        heard = {who: await stack.enter_async_context(listening(at, who)) for who in people}
        await happens(at, kind, rerouted)
        if thorough:
            await at.silence()
        every = subject_of(kind).id if thorough else ""
        shown = await asyncio.gather(*(looks(at, who, at.ref, clicks=who == every) for who in people))
    secrets = markers(kind.about, kind.subject, REPORTER, at.ref)
    found: set[str] = set()
    for who, seen in zip(people, shown, strict=True):
        found |= {f"{who}: {what}" for what in gives_away(seen, quiet[who], before.get(who, {}), secrets)}
        found |= {f"{who}: live updates" for _ in news_of(heard[who], at.ref)}
    return found, before


async def unguarded(
    name: str, rerouted: bool, guards: Guards, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> set[str]:
    """What the person it is about finds out, and the logs say, when these guards are gone from the beginning."""
    kind, quiet = CLASSES[name], await _silent_school(folder, monkeypatch)
    for guard, instead in guards:
        without_guard(monkeypatch, guard, instead)
    with capture_logs() as logs:
        async with preview(folder, monkeypatch) as at:
            found, _ = await lived(at, kind, rerouted, [subject_of(kind).id], quiet, thorough=False)
            secrets = markers(kind.about, kind.subject, REPORTER, at.ref)
    return {each.split(": ", 1)[1] for each in found} | in_the_log(logs, secrets)


async def happens(at: Preview, kind: Class, rerouted: bool) -> None:
    """The case comes to its handlers, who work on it until it waits to be taken again."""
    if rerouted:
        by = "sita" if kind.subject == "sam" or kind.about is About.HEADTEACHER else "sam"
        await at.acts(by, "reroute", about=kind.about, subject=kind.subject or "", words=REASON)
    else:
        await at.files(TESS.id, kind.about, kind.subject)
        await at.delivered()
    await at.worked_on(min(kind.handlers), TESS.id)


def barred(kind: Class) -> list[str]:
    """Everybody but its handlers, whoever is next on silence, and the reporter."""
    line = {"dora"} if len(kind.handlers) > 1 else set()
    return [each.id for each in EVERYBODY if each.id not in kind.handlers | line | {TESS.id}]


def in_the_log(logs: object, secrets: Mapping[str, str]) -> set[str]:
    """Secrets in the log, which may hold ids and references."""
    return {f"the log: {what}" for what in told(repr(logs), secrets) if what != "reference"}


async def _silent_school(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Looks]:
    """What each person sees in a school without a case."""
    if not _quiet:
        quiet = folder / "quiet"
        quiet.mkdir()
        async with preview(quiet, monkeypatch) as at:
            subjects = {subject_of(kind).id for kind in CLASSES.values()}
            seen = await asyncio.gather(*(looks(at, each.id, NOTHING, each.id in subjects) for each in EVERYBODY))
        _quiet.update(zip((each.id for each in EVERYBODY), seen, strict=True))
    return _quiet


async def _before(at: Preview) -> dict[str, Looks]:
    """Before a re-route: a pupil's case, taken and made urgent, and the rooms as everybody reads them then."""
    await at.files(TESS.id, About.STUDENT)
    await at.delivered()
    await at.acts("hannah", "urgency", urgency="high", words=REASON)
    await at.acts("hannah", "acknowledge")
    return {each.id: await rooms(at, each.id) for each in EVERYBODY}


async def _own(at: Preview, kind: Class) -> tuple[str, str]:
    """Everything that a handler and the reporter are shown of their case."""
    handlers = await at.post("open", min(kind.handlers), page=f"case:{at.ref}")
    reporters = [await at.post("open", TESS.id, page=page) for page in (f"case:{at.ref}", "mine")]
    return handlers, "".join((*reporters, await at.get("/preview/room?as=tess&room=dm")))
