"""Nobody learns of a case that is not theirs by anything the preview serves, the logs say or the metrics count.

For every class of subject, as filed and after a re-route, for somebody of each role: whatever they open, press, send, say
or provoke is the same, word for word, as in a school where the case never was. Each promise has its counter-proof.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from bot.cases import pointers, routing
from bot.cases.files import Files
from bot.cases.model import About
from bot.cases.record import Case, Event
from bot.notices import compose
from bot.notices.model import Notice, NoticeKind
from bot.storage.cases import SqlCaseStore
from bot.transports import guards
from bot.transports.health import Metrics
from tests.guards import without_guard
from tests.leaks.looking import markers, told
from tests.leaks.search import CLASSES, LEADERS, everybody, nobody, subject_of
from tests.leaks.stories import REPORTER, happens, in_the_log, story, unguarded
from tests.leaks.surface import INTERNAL, Preview, preview
from tests.small_school import TESS

THE_CLASSES = ("self", "pupil", "parent", "colleague", "governor", "SLT member", "DSL", "headteacher", "chair")
classes = pytest.mark.parametrize("name", THE_CLASSES)
arrivals = pytest.mark.parametrize("rerouted", [False, True], ids=["as filed", "after a re-route"])


@classes
@arrivals
async def test_to_whom_it_is_not_for_it_is_as_if_it_were_not_there(
    name: str, rerouted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody but its handlers and its reporter, the person it is about among them, over its whole life; nor the logs."""
    assert (await story(name, rerouted, tmp_path, monkeypatch)).leaks == set()


@classes
@arrivals
async def test_its_own_people_see_what_is_theirs(
    name: str, rerouted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search finds every secret where it may stand; the reporter reads everything but what is internal."""
    seen = await story(name, rerouted, tmp_path, monkeypatch)
    about = About.STUDENT if rerouted else CLASSES[name].about
    secrets = markers(about, None, REPORTER, seen.secrets["reference"])
    del secrets["type's id"]
    assert told(seen.handlers, secrets) == set(secrets)
    assert told(seen.reporters, secrets) == set(secrets) - set(INTERNAL)


@classes
@arrivals
async def test_without_the_check_at_the_door_every_secret_shows(
    name: str, rerouted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: the same search, as the person it is about, finds words, names and internals on the case's page."""
    found = (await story(name, rerouted, tmp_path, monkeypatch)).unguarded
    page = {each.split(": ")[-1] for each in found if each.startswith("open case:")}
    assert {"what", "people", "note", "outcome", "reporter", "reference", "it differs"} <= page


@classes
@arrivals
async def test_without_its_guards_the_reporter_reads_what_is_internal(
    name: str, rerouted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: reasons, notes and the outcome, which may be another person's."""
    seen = await story(name, rerouted, tmp_path, monkeypatch)
    assert told(seen.reporters_unguarded, INTERNAL) == set(INTERNAL)


@classes
async def test_without_table_and_exclusion_lists_counts_and_messages_leak(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof, as filed: it stands in the queue, on its page, in the person's messages and in live updates.

    So is a log that says what was written, and a metric that counts by reference, found.
    """
    _talkative(monkeypatch)
    guards = ((routing.rule_for, everybody), (routing.closed_to, nobody))
    found = await unguarded(name, False, guards, tmp_path, monkeypatch)
    assert {"open queue: reference", "room dm: news", "live updates"} <= found
    assert any(each.startswith("open case:") and each.endswith(": people") for each in found)
    assert {"the log: reporter", "the log: note", "the metrics: reference"} <= found


@classes
async def test_without_the_door_of_notices_messages_and_live_updates_leak(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof, after a re-route: a desk that tells the person it is about, and nobody who asks again on sending."""
    _telling(monkeypatch, subject_of(CLASSES[name]).id)
    found = await unguarded(name, True, ((pointers.may_know, lambda *_: True),), tmp_path, monkeypatch)
    assert {"room dm: news", "live updates"} <= found
    assert not any(each.startswith("open ") for each in found)


@pytest.mark.parametrize("name", [name for name in THE_CLASSES if CLASSES[name].handlers != LEADERS])
async def test_the_card_of_a_case_that_left_the_channel_says_no_more_than_that(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a re-route: neither kind, age nor owner, and nothing to open; a case that never was for it has no card."""
    left = (await story(name, True, tmp_path, monkeypatch)).channel
    assert left.count("<article") == 1
    assert "is handled elsewhere" in left
    for each in ("Report", "Waiting", "Urgent", "has it", "open:case"):
        assert each not in left
    assert "<article" not in (await story(name, False, tmp_path, monkeypatch)).channel


@pytest.mark.parametrize("guarded", [True, False], ids=["as it is", "without the guard"])
@pytest.mark.parametrize("name", ["pupil", "parent"])
async def test_the_channel_has_one_card_and_hears_nothing_of_handling(
    name: str, guarded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only classes with a card. With the channel's own guard taken away it would be told of every step."""
    if not guarded:
        monkeypatch.setattr(compose, "FOR_THE_CHANNEL", frozenset(NoticeKind))
    _telling_the_channel(monkeypatch)
    async with preview(tmp_path, monkeypatch) as at:
        await happens(at, CLASSES[name], rerouted=False)
        shown = await at.get("/preview/room?as=sam&room=leadership")
    assert told(shown, markers(CLASSES[name].about, None, REPORTER, at.ref)) == {"reference"}
    assert (shown.count("<article") == 1) is guarded


@classes
async def test_a_fault_says_nothing_of_the_case_it_happened_to(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database's own words, with all that it was given in them: neither in the answer, the log nor a metric.

    Counter-proof: without the guard they stand in answer and log.
    """
    kind = CLASSES[name]
    async with preview(tmp_path, monkeypatch) as at:
        await happens(at, kind, rerouted=False)
        secrets = markers(kind.about, kind.subject, REPORTER, at.ref)
        _break(monkeypatch, " ".join(secrets.values()))
        with capture_logs() as logs:
            said = await _provoked(at, min(kind.handlers))
        assert said.count("500 ") == 3
        assert told(said, secrets) | in_the_log(logs, secrets) == set()
        without_guard(monkeypatch, guards.note_failure, _says_all)
        with capture_logs() as logs:
            said = await _provoked(at, min(kind.handlers))
        assert told(said, secrets) == set(secrets)
        assert in_the_log(logs, secrets) == {f"the log: {what}" for what in secrets if what != "reference"}


# How it is done


def _telling(monkeypatch: pytest.MonkeyPatch, person: str) -> None:
    """A desk with the worst of faults: it writes each notice to this person too."""
    working = Files.notices

    def to_them(self: Files, kind: NoticeKind, ref: str, to: Any, channel: bool = False) -> tuple[Notice, ...]:
        return working(self, kind, ref, [*to, person], channel)

    monkeypatch.setattr(Files, "notices", to_them)


def _telling_the_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that writes to the channel whatever is done to a case."""
    working = Files.notices

    def to_channel(self: Files, kind: NoticeKind, ref: str, to: Any, channel: bool = False) -> tuple[Notice, ...]:
        return working(self, kind, ref, to, channel or kind is not NoticeKind.POINTER)

    monkeypatch.setattr(Files, "notices", to_channel)


def _talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk that logs what it writes, and counts by case."""
    write, count, metrics = Files.write, Metrics.count, list[Metrics]()

    async def writing(self: Files, case: Case, event: Event, notices: tuple[Notice, ...]) -> bool:
        structlog.get_logger().info("case_moved", by=event.name, said=event.words, answers=event.answers)
        structlog.get_logger().info("case_moved", of=self.person(case.reporter).name)
        count(metrics[-1], "web", "submit", case.ref)
        return await write(self, case, event, notices)

    def counting(self: Metrics, platform: str, kind: str, outcome: str) -> None:
        metrics.append(self)
        count(self, platform, kind, outcome)

    monkeypatch.setattr(Files, "write", writing)
    monkeypatch.setattr(Metrics, "count", counting)


def _break(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """A store of which everything fails, saying all it knows."""

    async def broken(*_: object) -> Any:
        raise RuntimeError(words)

    for method in ("story", "append", "write"):
        monkeypatch.setattr(SqlCaseStore, method, broken)


async def _provoked(at: Preview, handler: str) -> str:
    """Everything that breaks when the store does, and what is counted."""
    opened = await at.post("open", handler, page=f"case:{at.ref}")
    noted = await at.post("submit", handler, page=f"case:{at.ref}:note", action="send", values={"words": "x"})
    added = await at.post("submit", TESS.id, page=f"case:{at.ref}:add", action="send", values={"words": "x"})
    return " ".join((opened, noted, added, await at.get("/metrics")))


def _says_all(name: str, error: BaseException) -> str:
    structlog.get_logger().error(name, error=str(error))
    return str(error)
