"""Whatever anybody says, presses, opens or submits, one turn answers it and nothing of others' shows."""

from __future__ import annotations

import asyncio
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.cases.desk import Desk
from bot.cases.model import About, Receipt
from bot.cases.routing import Roster
from bot.model import Event, Opened, Page, Platform, Pressed, Reply, Room, Said, Submitted
from bot.settings import EXAMPLE_SCHOOL, load_school
from bot.turn import Charter
from guidance_kb.facts import VOCABULARY
from tests.fakes import FactsReader, FakeMemory, assemble
from tests.guidance import library
from tests.small_school import HandClock, MemoryCaseStore, filing

SCHOOL = load_school(EXAMPLE_SCHOOL)
PEOPLE = {person.id: person for person in SCHOOL.people}
SECRET = "only-for-the-headteacher"


async def charter() -> tuple[Charter, str]:
    """A Charter with one report about Sam Carter in it, by Dan; and its reference."""
    clock = HandClock()
    roster = Roster(SCHOOL.people, frozenset({Platform.WEB}))
    desk = Desk(MemoryCaseStore(), roster, clock, SCHOOL.numbers())
    found = assemble(FactsReader({}), library(), desk, FakeMemory(), SCHOOL, clock)
    stored = await desk.file(filing(About.SLT_OR_DSL, PEOPLE["dan"], subject="sam", answers={"What happened?": SECRET}))
    assert isinstance(stored, Receipt)
    return found, stored.ref


def events(person: str, ref: str) -> st.SearchStrategy[Event]:
    """Events as a client may send them, forged ones included."""
    who, room = PEOPLE[person], Room(Platform.WEB, f"dm:{person}")
    names = st.sampled_from(
        [
            f"case:{ref}",
            f"case:{ref}:close",
            f"case:{ref}:reply",
            "queue",
            "mine",
            "form:report",
            "form:none",
            "",
            ":::",
            "draft:x",
        ]
    )
    facts = st.sampled_from(
        [f"{fact}={value}" for fact, values in VOCABULARY.items() for value in values] + ["x=y", "who="]
    )
    actions = st.one_of(
        st.builds("open:{}".format, names),
        st.builds("set:{}".format, facts),
        st.builds("correct:{}".format, st.sampled_from([*VOCABULARY, "nothing", ""])),
        st.builds("choose:{}".format, st.sampled_from(["student-connect", "no-such-row", ""])),
        st.sampled_from(["safety", f"act:{ref}", ""]),
        st.text(max_size=30),
    )
    values = st.dictionaries(
        st.sampled_from(["words", "outcome", "danger", "@step", "@true"]), st.text(max_size=40), max_size=3
    )
    pressed = st.sampled_from(["act:acknowledge", "act:close", "send", "next", "back", "stop", ""])
    return st.one_of(
        st.builds(Said, st.just(who), st.just(room), st.text(max_size=200)),
        st.builds(Pressed, st.just(who), st.just(room), actions),
        st.builds(Opened, st.just(who), st.just(room), names),
        st.builds(Submitted, st.just(who), st.just(room), names, pressed, values),
    )


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_event_breaks_a_turn_or_shows_a_subject_their_case(data: st.DataObject) -> None:
    """The person a report is about, other leaders and IT get an answer to every event, and never a trace of it."""

    async def run() -> None:
        found, ref = await charter()
        for _ in range(data.draw(st.integers(1, 6))):
            person = data.draw(st.sampled_from(["sam", "ruth", "amara", "nadia", "priya", "peter"]))
            outcome = await found.handle(data.draw(events(person, ref)))
            assert isinstance(outcome, Reply | Page)
            assert SECRET not in repr(outcome)
            shown = outcome.lead if isinstance(outcome, Reply) else outcome.title
            assert not re.search(ref, shown)

    asyncio.run(run())


def test_the_headteacher_does_see_it() -> None:
    """The guard above is not passing because nobody sees anything."""

    async def run() -> None:
        found, ref = await charter()
        room = Room(Platform.WEB, "dm:helen")
        outcome = await found.handle(Opened(PEOPLE["helen"], room, f"case:{ref}"))
        assert SECRET in repr(outcome)

    asyncio.run(run())
