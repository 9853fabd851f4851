"""The ways by which a case could reach the wrong people: stale clicks, joining, silence, nobody safe, two at once."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.cases import hands, routing, views
from bot.cases.files import Files
from bot.cases.model import About, CaseView, NoRoute, Receipt, Refused, Stale
from bot.cases.moves import Standing
from bot.cases.record import Case, Event
from bot.cases.routing import TABLE, Roster
from bot.model import Destination, Person, Role
from bot.notices.model import Notice, NoticeKind
from tests.leaks.search import (
    CLASSES,
    DORA,
    EVERYBODY,
    LEADERS,
    Class,
    actions,
    anybody,
    arrivals,
    arrived,
    classes,
    everybody,
    known,
    leaks,
    leaks_without,
    nobody,
    office,
    report,
)
from tests.office import Office
from tests.small_school import HEAD, SAM, TESS, MemoryCaseStore, person, without

# 2: forged and stale clicks are refused and logged


@classes
async def test_a_stale_click_of_somebody_who_lost_the_case_is_refused_and_logged(name: str) -> None:
    """Every leader of a pupil's case after it was sent another way; who stepped back, where the leaders keep it."""
    for who in sorted(LEADERS - CLASSES[name].handlers) or ["sam"]:
        at, ref = await _lost_to(CLASSES[name], who)
        before = at.store.cases[ref], list(at.store.stories[ref])
        answers, logs = await _clicks(at, ref, known(who))
        assert set(answers.values()) == {Refused()}
        assert [each for each in logs if each["event"] == "case_refused"] == logs
        assert len(logs) == len(answers)
        assert (at.store.cases[ref], at.store.stories[ref]) == before


@classes
async def test_without_the_check_at_every_click_a_stale_one_would_do(name: str) -> None:
    """Counter-proof: what was a handler's once still works, is on no record of refusals, and shows the case."""
    for who in sorted(LEADERS - CLASSES[name].handlers) or ["sam"]:
        with pytest.MonkeyPatch.context() as patch:
            at, ref = await _lost_to(CLASSES[name], who)
            before = at.store.cases[ref], list(at.store.stories[ref])
            leaks_without(patch, (views.standing, anybody))
            answers, logs = await _clicks(at, ref, known(who))
        assert isinstance(answers["open"], CaseView)
        assert isinstance(answers["note"], CaseView)
        assert {action for action, answer in answers.items() if answer == Refused()} <= {"add", "withdraw"}
        assert sum(each["event"] == "case_refused" for each in logs) <= 2
        assert (at.store.cases[ref], at.store.stories[ref]) != before


@classes
async def test_without_the_log_a_forged_click_would_go_unseen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counter-proof: a desk that refuses in silence leaves no trace of the attempt."""

    async def silent(self: Files, ref: str, person: Person, need: Standing | None = None) -> Case | None:
        case = await self.store.find(ref)
        return case if case and self.standing(case, person.id) in (Standing.HANDLER, need) else None

    monkeypatch.setattr(Files, "entitled", silent)
    at, ref = await _lost_to(CLASSES[name], "sam")
    answers, logs = await _clicks(at, ref, SAM)
    assert answers["open"] == Refused()
    assert not [each for each in logs if each["event"] == "case_refused"]


async def test_a_refusal_is_the_same_for_a_case_that_is_not_there() -> None:
    """Same value, same event in the log, but for the reference."""
    at = office()
    ref = await at.filed(report(About.SLT_OR_DSL, "sam"))
    with capture_logs() as logs:
        for asked in (ref, "CC-CCC"):
            assert {await work == Refused() for work in actions(at.desk, asked, SAM).values()} == {True}
    assert [{**each, "ref": ""} for each in logs[: len(logs) // 2]] == [
        {**each, "ref": ""} for each in logs[len(logs) // 2 :]
    ]


# 3 and 4: joining, being mentioned or being written to gives nothing


@classes
@arrivals
async def test_whoever_joins_later_gains_nothing_about_old_cases(name: str, rerouted: bool) -> None:
    """A new leader of every role who reads the channel; also somebody promoted."""
    at = office()
    ref = await arrived(at, CLASSES[name], rerouted)
    channel = at.store.cases[ref].concern.channel
    at.store.notices.clear()
    nia = person("nia", Role.SLT, Role.DSL)
    ida = replace(known("ida"), roles=frozenset({Role.SLT}))
    at.desk.roster = Roster(
        [*(each for each in EVERYBODY if each.id != "ida"), nia, ida], in_channel=frozenset({"nia"})
    )
    for who in (nia, ida):
        assert await leaks(at, ref, who) == ({"notice reminder"} if channel else set())


@classes
@arrivals
async def test_a_mention_grants_nothing(name: str, rerouted: bool) -> None:
    """Named, addressed and linked to in the reporter's additions, a reply and an internal note."""
    assert await _mentioned(CLASSES[name], rerouted) == set()


@classes
@arrivals
async def test_without_the_check_of_grants_or_with_subscriptions_a_mention_would_do(
    name: str, rerouted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proofs: nobody asks who was given the case; or whoever is mentioned is given it, as chat products do."""
    with pytest.MonkeyPatch.context() as patch:
        leaks_without(patch, (views.holds, lambda *_: True))
        assert "open" in await _mentioned(CLASSES[name], rerouted)
    _subscribe_who_is_mentioned(monkeypatch)
    assert {"open", "queue", "count of queue", "note"} <= await _mentioned(CLASSES[name], rerouted)


@classes
@arrivals
async def test_without_the_check_of_grants_joining_is_enough(
    name: str, rerouted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of who was given the case taken away: the newcomer opens it, mentioned or not."""
    at = office()
    ref = await arrived(at, CLASSES[name], rerouted)
    nia = person("nia", Role.SLT, Role.DSL)
    at.desk.roster = Roster([*EVERYBODY, nia])
    leaks_without(monkeypatch, (views.holds, lambda *_: True))
    assert "open" in await leaks(at, ref, nia)


# 6: silence never goes to the channel, nor to anybody it is not for


@classes
@arrivals
async def test_on_silence_the_channel_and_the_barred_learn_nothing(name: str, rerouted: bool) -> None:
    """Over a fortnight in which nobody answers."""
    assert await _silence(CLASSES[name], rerouted) == set()


@classes
@arrivals
async def test_without_the_line_silence_would_leak(name: str, rerouted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fall-back to whoever leads gives it away."""
    leaks_without(monkeypatch, (hands.silent, _to_whoever_leads))
    assert await _silence(CLASSES[name], rerouted)


@classes
@arrivals
async def test_a_word_of_silence_in_the_channel_would_be_found(
    name: str, rerouted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof: a desk that reminds the channel too."""
    working = Files.notices

    def to_channel(self: Files, kind: NoticeKind, ref: str, people: Iterable[str], *_: object) -> tuple[Notice, ...]:
        return working(self, kind, ref, people, channel=True)

    monkeypatch.setattr(Files, "notices", to_channel)
    assert "leadership" in await _silence(CLASSES[name], rerouted)


# 7: nobody safe: nothing is taken


NOWHERE = {
    "headteacher and chair": report(About.CONFLICT),
    "headteacher, chair kept out": report(About.HEADTEACHER, excluded=frozenset({"chloe"})),
    "headteacher by name, chair kept out": report(About.COLLEAGUE, "hannah", excluded=frozenset({"chloe"})),
    "chair, headteacher kept out": report(About.CHAIR, excluded=frozenset({"hannah"})),
    "SLT member, headteacher kept out": report(About.SLT_OR_DSL, "sam", excluded=frozenset({"hannah"})),
    "DSL, headteacher kept out": report(About.SLT_OR_DSL, "sita", excluded=frozenset({"hannah"})),
    "colleague, headteacher kept out": report(About.COLLEAGUE, "tom", excluded=frozenset({"hannah"})),
    "governor, headteacher kept out": report(About.GOVERNOR, "gus", excluded=frozenset({"hannah"})),
    "parent, every leader kept out": report(About.PARENT, excluded=LEADERS),
    "self, headteacher kept out": report(About.SELF, excluded=frozenset({"hannah"})),
    "pupil, every leader kept out": report(About.STUDENT, excluded=LEADERS),
    "adult at risk": report(About.ADULT_AT_RISK),
}


@pytest.mark.parametrize("name", NOWHERE)
async def test_without_a_safe_recipient_nothing_is_taken(name: str) -> None:
    """Numbers, none of them answered by somebody it is kept from; no case, no notice."""
    at = office()
    answer = await at.desk.file(NOWHERE[name])
    assert isinstance(answer, NoRoute)
    assert answer.numbers
    if "hannah" in NOWHERE[name].excluded or NOWHERE[name].about is About.CONFLICT:
        assert not any("Headteacher" in line for line in answer.numbers)
    if "chloe" in NOWHERE[name].excluded or NOWHERE[name].about in (About.CONFLICT, About.CHAIR):
        assert not any("Chair" in line for line in answer.numbers)
    assert not at.store.cases
    assert not at.store.notices


@pytest.mark.parametrize("name", NOWHERE)
async def test_without_the_routing_guards_it_would_be_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Table and exclusion taken away: the words are stored and somebody has them."""
    leaks_without(monkeypatch, (routing.rule_for, everybody), (routing.closed_to, nobody))
    at = office()
    assert isinstance(await at.desk.file(NOWHERE[name]), Receipt)
    assert at.store.cases


@pytest.mark.parametrize("barred", ["sam", "sita", "dora", "hannah"])
async def test_no_pointer_stands_where_somebody_it_is_kept_from_reads(
    barred: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pupil's case that a leader is kept out of is told in private alone; without the guards it is told to all."""
    kept = report(About.STUDENT, excluded=frozenset({barred}))
    at = office()
    await at.filed(kept)
    assert Destination() not in {each.destination for each in at.store.notices}
    leaks_without(monkeypatch, (routing.in_channel, lambda rule, *_: rule.channel))
    at = office()
    await at.filed(kept)
    assert Destination() in {each.destination for each in at.store.notices}


# 11: two at once


class Together(MemoryCaseStore):
    """From when they press, two have read the case before either writes; `compares` says whether versions are compared."""

    def __init__(self, compares: bool) -> None:
        super().__init__()
        self.compares, self.both, self.press = compares, asyncio.Barrier(2), False

    async def write(self, case: Case, event: Event, notices: Sequence[Notice]) -> bool:
        """As the port says, when both are there."""
        if not self.press:
            return await super().write(case, event, notices)
        await self.both.wait()
        current = case if self.compares else replace(case, version=self.cases[case.ref].version)
        return await super().write(current, event, notices)


VERA = person("vera")
WITH_VERA = {row: replace(rule, people=("vera",)) if rule.roles else rule for row, rule in TABLE.items()}
"""A school that names a second person for everything, so that two can press in every class."""


@classes
@arrivals
@pytest.mark.parametrize("press", ["acknowledge", "assign"])
async def test_of_two_who_press_at_once_one_wins_and_the_other_is_told(name: str, rerouted: bool, press: str) -> None:
    """And without comparing versions both would believe they have it."""
    for compares in (True, False):
        at = Office(roster=Roster([*EVERYBODY, VERA]), store=Together(compares), table=WITH_VERA)
        ref = await arrived(at, CLASSES[name], rerouted)
        at.store.press = True
        pressed = [
            at.desk.acknowledge(ref, who) if press == "acknowledge" else at.desk.assign(ref, who, who.id)
            for who in (known(min(CLASSES[name].handlers)), VERA)
        ]
        answers = await asyncio.gather(*pressed)
        won = [each for each in answers if isinstance(each, CaseView)]
        told = [each for each in answers if isinstance(each, Stale)]
        assert (len(won), len(told)) == ((1, 1) if compares else (2, 0))
        assert not told or told[0].now.summary.owner == won[0].summary.owner


def test_the_head_who_leaves_hands_nothing_to_the_others() -> None:
    """When the only handler is gone, the rest of the leadership still sees nothing."""

    async def gone() -> None:
        for name in ("colleague", "SLT member", "DSL", "governor", "chair", "self"):
            at = office()
            ref = await arrived(at, CLASSES[name], rerouted=False)
            at.store.notices.clear()
            at.desk.roster = without(HEAD, plus=[DORA])
            at.clock.forward(days=2)
            await at.desk.escalate(ref)
            for who in EVERYBODY:
                if who is not TESS:
                    assert await leaks(at, ref, who) == set()

    asyncio.run(gone())


# How it is done

_CHANNEL = {"notice pointer", "notice added", "notice reminder", "notice acknowledged", "notice replied"}
"""What a leader who reads the channel may see of a pupil's case: that it exists. Every other class has no channel."""


async def _lost_to(kind: Class, who: str) -> tuple[Office, str]:
    """A pupil's case that this leader had and lost: by a re-route, or by stepping back where all leaders keep it."""
    at = office()
    ref = await arrived(at, kind, rerouted=True)
    if who in kind.handlers:
        assert await at.desk.recuse(ref, known(who), "I know them") is None
    return at, ref


async def _clicks(at: Office, ref: str, who: Person) -> tuple[dict[str, object], list[Any]]:
    """What comes of everything that can be pressed, and what the log says of it."""
    with capture_logs() as logs:
        answers = {action: await work for action, work in actions(at.desk, ref, who).items()}
    return answers, [dict(each) for each in logs]


async def _mentioned(kind: Class, rerouted: bool) -> set[str]:
    """What anybody it is not for can do after each of them was mentioned wherever something can be written."""
    at = office()
    ref = await arrived(at, kind, rerouted)
    handler = known(min(kind.handlers))
    mention = " ".join(f"@{each.id} <@{each.name}>" for each in EVERYBODY)
    await at.desk.add(ref, TESS, mention)
    await at.desk.acknowledge(ref, handler)
    await at.desk.reply(ref, handler, mention)
    await at.desk.note(ref, handler, mention)
    channel = _CHANNEL if at.store.cases[ref].concern.channel else set()
    others = [who for who in EVERYBODY if who.id not in kind.handlers and who is not TESS]
    return {each for who in others for each in await leaks(at, ref, who)} - channel


def _subscribe_who_is_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Files.write

    async def subscribing(self: Files, case: Case, event: Event, notices: tuple[Notice, ...]) -> bool:
        named = {each.id: frozenset[Role]() for each in EVERYBODY if f"@{each.id}" in event.words}
        concern = replace(case.concern, also={**case.concern.also, **named})
        return await write(self, replace(case, handlers=(*case.handlers, *named), concern=concern), event, notices)

    monkeypatch.setattr(Files, "write", subscribing)


async def _silence(kind: Class, rerouted: bool) -> set[str]:
    """What the barred and the channel learn while nobody answers for a fortnight."""
    at = office()
    ref = await arrived(at, kind, rerouted)
    at.store.notices.clear()
    for _ in range(14):
        at.clock.forward(days=1, minutes=1)
        await at.desk.escalate(ref)
    assert at.store.notices
    found = {each.destination.name for each in at.store.notices if each.destination.person is None}
    line = {"dora"} if kind.handlers == LEADERS else set()
    entitled = kind.handlers | line | {"tess"}
    found |= {each.destination.name for each in at.store.notices if each.destination.person not in entitled}
    for who in EVERYBODY:
        if who.id not in entitled:
            found |= {f"{who.id}: {each}" for each in await leaks(at, ref, who)}
    return found


def _to_whoever_leads(case: Case, roster: Roster) -> tuple[Case, str | None]:
    """The case given to the next leader, whoever it is about."""
    heirs = [each.id for each in roster.having({Role.SLT, Role.CHAIR}) if each.id not in case.handlers]
    return replace(case, handlers=(*case.handlers, *heirs[:1]), step=case.step + 1), next(iter(heirs), None)
