"""Looking for a case through everything the desk can be asked, as anybody in the school or none."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from bot.cases.desk import Desk
from bot.cases.model import About, Filing, Kind, Refused, Urgency
from bot.cases.moves import Standing
from bot.cases.routing import Roster, Rule
from bot.model import Destination, Person, Role
from bot.notices.model import Notice, NoticeKind
from tests.guards import without_guard
from tests.office import Office
from tests.small_school import DORA, HEAD, PEOPLE, SAM, SITA, TOM, filing, person

SECRET = "xylophone"
INTERNAL = "quokka"
EVERYBODY = (*PEOPLE, DORA)
STRANGER = person("stranger", Role.HEADTEACHER, Role.SLT, Role.CHAIR)
LEADERS = frozenset({"hannah", "sam", "sita"})


@dataclass(frozen=True)
class Class:
    """A class of report, and who alone may have it besides the reporter."""

    about: About
    subject: str | None
    handlers: frozenset[str]


CLASSES = {
    "self": Class(About.SELF, None, frozenset({"hannah"})),
    "pupil": Class(About.STUDENT, None, LEADERS),
    "parent": Class(About.PARENT, None, LEADERS),
    "colleague": Class(About.COLLEAGUE, "tom", frozenset({"hannah"})),
    "colleague in IT": Class(About.COLLEAGUE, "ida", frozenset({"hannah"})),
    "governor": Class(About.GOVERNOR, "gus", frozenset({"hannah"})),
    "SLT member": Class(About.SLT_OR_DSL, "sam", frozenset({"hannah"})),
    "SLT member, tapped as a pupil": Class(About.STUDENT, "sam", frozenset({"hannah"})),
    "DSL": Class(About.SLT_OR_DSL, "sita", frozenset({"hannah"})),
    "deputy DSL": Class(About.SLT_OR_DSL, "dora", frozenset({"hannah"})),
    "headteacher": Class(About.HEADTEACHER, None, frozenset({"chloe"})),
    "headteacher by name": Class(About.COLLEAGUE, "hannah", frozenset({"chloe"})),
    "chair": Class(About.CHAIR, None, frozenset({"hannah"})),
    "chair by name": Class(About.GOVERNOR, "chloe", frozenset({"hannah"})),
}
NAMED = {name: each for name, each in CLASSES.items() if each.subject or each.about in (About.HEADTEACHER, About.CHAIR)}
classes = pytest.mark.parametrize("name", CLASSES)
arrivals = pytest.mark.parametrize("rerouted", [False, True], ids=["as filed", "after a re-route"])


def office() -> Office:
    """An office of everybody."""
    return Office(roster=Roster(EVERYBODY))


def report(about: About, subject: str | None = None, **more: Any) -> Filing:
    """A report with words to look for."""
    return filing(about, subject=subject, answers={"What happened?": SECRET}, **more)


async def arrived(at: Office, kind: Class, rerouted: bool) -> str:
    """A case of this class: filed so, or filed about a pupil, taken, and sent the right way by a leader it is not about."""
    if not rerouted:
        return await at.filed(report(kind.about, kind.subject))
    ref = await at.taken(HEAD, report(About.STUDENT))
    by = SITA if kind.subject in ("sam", "hannah") or kind.about is About.HEADTEACHER else SAM
    at.store.notices.clear()
    await at.desk.reroute(ref, by, kind.about, kind.subject, INTERNAL)
    return ref


def actions(desk: Desk, ref: str, by: Person) -> Mapping[str, Any]:
    """Everything that can be tried with a reference, forged or stale."""
    return {
        "open": desk.open(ref, by),
        "acknowledge": desk.acknowledge(ref, by),
        "assign": desk.assign(ref, by, by.id),
        "reply": desk.reply(ref, by, "x"),
        "ask": desk.ask(ref, by, "x"),
        "note": desk.note(ref, by, "x"),
        "add": desk.add(ref, by, "x"),
        "withdraw": desk.withdraw(ref, by, "x"),
        "urgency": desk.set_urgency(ref, by, Urgency.HIGH, "x"),
        "hold": desk.hold(ref, by, "x"),
        "release": desk.release(ref, by, "x"),
        "close": desk.close(ref, by, "x", "x"),
        "reopen": desk.reopen(ref, by, "x"),
        "recuse": desk.recuse(ref, by, "x"),
        "reroute": desk.reroute(ref, by, About.STUDENT, None, "x"),
    }


async def leaks(at: Office, ref: str, who: Person) -> set[str]:
    """Every surface that shows this person anything of the case."""
    found = {f"notice {kind}" for kind in await _told(at, ref, who)}
    lists = {
        "queue": at.desk.queue(who),
        "own": at.desk.own(who),
        **{f"register {kind}": at.desk.register(who, kind) for kind in Kind},
    }
    for name, work in lists.items():
        listing = await work
        found |= {name} if listing.cases else set()
        found |= {f"count of {name}"} if listing.total else set()
    found |= {"eligible"} if await at.desk.eligible(ref, who) else set()
    for case in await _other_cases(at, who):
        assert who.id in {each.id for each in await at.desk.eligible(case, who)}
    for name, work in actions(at.desk, ref, who).items():
        found |= {name} if await work != Refused() else set()
    return found


async def _told(at: Office, ref: str, who: Person) -> set[NoticeKind]:
    """Notices that would reach the person now, privately or in the channel where they read it."""
    reads = at.desk.roster.get(who.id) is not None and at.desk.roster.reads_channel(who.id)
    mine = [Destination(who.id), *([Destination()] if reads else [])]
    written = [each for each in at.store.notices if each.ref == ref]
    asked = [Notice("n", to, NoticeKind.REMINDER, ref, at.clock.now()) for to in mine]
    return {each.kind for each in (*written, *asked) if each.destination in mine and await at.desk.pointer(each)}


async def _other_cases(at: Office, who: Person) -> list[str]:
    return [case.ref for case in (await at.desk.queue(who)).cases]


def leaks_without(
    monkeypatch: pytest.MonkeyPatch, *guards: tuple[Callable[..., Any], Callable[..., Any]]
) -> pytest.MonkeyPatch:
    """Take guards away for the rest of the test."""
    for guard, instead in guards:
        without_guard(monkeypatch, guard, instead)
    return monkeypatch


def anybody(*_: object) -> Standing:
    """A standing for everybody."""
    return Standing.HANDLER


def everybody(*_: object) -> Rule:
    """A row that gives the case to every role."""
    return Rule(frozenset(Role), channel=True)


def nobody(*_: object) -> frozenset[str]:
    """Kept from none."""
    return frozenset()


def known(id: str) -> Person:
    """The person of the school with this id."""
    return next(each for each in EVERYBODY if each.id == id)


def subject_of(kind: Class) -> Person:
    """The person it is about; somebody uninvolved where that is nobody on the roster."""
    return known(kind.subject or {About.HEADTEACHER: "hannah", About.CHAIR: "chloe"}.get(kind.about, "tom"))


def actions_of() -> Iterator[str]:
    """The names of all actions."""
    named = actions(office().desk, "", TOM)
    for work in named.values():
        work.close()
    yield from named
