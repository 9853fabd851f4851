"""The same conversations on every surface: the same words, the same choices, and the same outcome of each press.

A person walks through the preview, Slack and Teams at once, by the labels that are rendered there; what comes back is read
from what is rendered, and must be the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import pytest

from bot.cases.desk import Desk
from bot.cases.routing import Roster
from bot.dialogs import FORMS
from bot.model import Event, Opened, Person, Platform, Pressed, Room, Said, Submitted
from bot.settings import EXAMPLE_SCHOOL, load_school
from bot.turn import Charter
from tests.conversations.test_conversations import CONVERSATIONS, Conversation
from tests.fakes import FactsReader, FakeMemory, assemble
from tests.filling import MOST_PAGES, STORY, TOLD
from tests.guidance import library
from tests.parity.eyes import EYES, Asked, Seen
from tests.small_school import HandClock, MemoryCaseStore

SCHOOL = load_school(EXAMPLE_SCHOOL)
PEOPLE = {person.id: person for person in SCHOOL.people}
LIBRARY = library()
SPREAD = CONVERSATIONS[::5]
"""Some fifty of all conversations: rules, open matters, exceptions and turns of phrase, with and without alarms."""


@dataclass
class Surface:
    """Charter on one platform, with stores of its own."""

    platform: Platform
    charter: Charter

    async def seen(self, event: Callable[[Room], Event]) -> Seen:
        """What a person sees after an event, there."""
        outcome = await self.charter.handle(event(Room(self.platform, "chat")))
        return EYES[self.platform](outcome)


@dataclass
class Everywhere:
    """One person on every surface at once. `shown` is what stands there, the same on each."""

    reader: FactsReader
    person: Person = PEOPLE["priya"]
    surfaces: list[Surface] = field(default_factory=list)
    shown: dict[Platform, Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.surfaces = [Surface(platform, self._charter()) for platform in EYES]

    def _charter(self) -> Charter:
        clock = HandClock()
        roster = Roster(SCHOOL.people, frozenset({Platform.WEB}))
        desk = Desk(MemoryCaseStore(), roster, clock, SCHOOL.numbers())
        return assemble(self.reader, LIBRARY, desk, FakeMemory(), SCHOOL, clock)

    @property
    def here(self) -> Seen:
        """What is seen, wherever one looks."""
        return self.shown[Platform.WEB]

    async def do(self, event: Callable[[Platform, Room], Event]) -> Seen:
        """Let the same thing happen everywhere; what is seen then, which has to be the same."""
        for surface in self.surfaces:
            self.shown[surface.platform] = await surface.seen(partial(event, surface.platform))
        for platform, seen in self.shown.items():
            assert seen.differences(self.here) == "", platform
        return self.here

    async def say(self, text: str) -> Seen:
        """Write something."""
        return await self.do(lambda _, room: Said(self.person, room, text))

    async def open(self, page: str) -> Seen:
        """Open a page."""
        return await self.do(lambda _, room: Opened(self.person, room, page))

    async def press(self, label: str) -> Seen:
        """Press what is labelled so, with the action that this surface gives it."""
        before = dict(self.shown)
        return await self.do(lambda at, room: Pressed(self.person, room, before[at].choices[label]))

    async def send(self, label: str, values: Mapping[str, str]) -> Seen:
        """Send what is filled in with a button."""
        before = dict(self.shown)
        return await self.do(
            lambda at, room: Submitted(self.person, room, before[at].page, before[at].buttons[label], values)
        )

    async def file(self, form: str) -> Seen:
        """Fill in a form to its receipt."""
        await self.open(f"form:{form}")
        for _ in range(MOST_PAGES):
            label = next((one for one in ("Next", "Send") if one in self.here.buttons), None)
            if label is None:
                return self.here
            await self.send(label, _answers(self.here))
        raise AssertionError("the form does not end")


def _answers(seen: Seen) -> dict[str, str]:
    return {one.name: _answered(one) for one in seen.fields if one.required}


def _answered(one: Asked) -> str:
    known = {**STORY, **TOLD, "named": "no"}.get(one.name)
    if one.options:
        values = [value for _, value in one.options]
        return known if known in values else values[0]
    return one.value or known or "yes"


@pytest.mark.parametrize("one", SPREAD, ids=lambda one: one.id)
async def test_a_conversation_is_the_same_everywhere(one: Conversation) -> None:
    """The answer; what each of its buttons leads to; and what one asked about oneself leads to."""
    everywhere = Everywhere(FactsReader(one.told, one.alarm))
    answer = await everywhere.say(one.says)
    assert answer.said
    assert bool(answer.choices) or not one.offers
    for label in answer.choices:
        await everywhere.say(one.says)
        await everywhere.press(label)


@pytest.mark.parametrize("form", FORMS)
async def test_every_page_of_every_form_is_the_same_everywhere(form: str) -> None:
    """Words, fields, hints, errors, choices and buttons, from the first page over a mistake to the receipt."""
    everywhere = Everywhere(FactsReader({}))
    first = await everywhere.open(f"form:{form}")
    assert first.fields or first.buttons
    if "Next" in first.buttons:
        await everywhere.send("Next", {})
    await everywhere.send("Stop", {})
    receipt = await everywhere.file(form)
    assert not receipt.fields
    assert "Thank" in receipt.said


@pytest.mark.parametrize("alarm", [False, True])
async def test_a_report_with_an_alarm_is_the_same_everywhere(alarm: bool) -> None:
    """The card with the numbers stands above each page that follows, or above none."""
    everywhere = Everywhere(FactsReader({}, alarm))
    receipt = await everywhere.file("report")
    assert "reference" in receipt.said


async def test_a_case_is_worked_on_the_same_everywhere() -> None:
    """Lists, the case, each small form on it, a mistake, and what is done: for leaders, for the reporter, for a stranger."""
    everywhere = Everywhere(FactsReader({}))
    await everywhere.file("report")
    await everywhere.open("mine")
    await everywhere.press("Open")
    everywhere.person = PEOPLE["dan"]
    await everywhere.open("queue")
    everywhere.person = PEOPLE["sam"]
    await everywhere.open("register:declaration")
    await everywhere.open("queue")
    await everywhere.press("Open")
    await everywhere.send("I'll take this", {})
    await everywhere.send("More", {})
    for label in set(everywhere.here.buttons) - {"Back"}:
        await everywhere.send(label, {})
        await everywhere.send("Back", {})
        await everywhere.send("More", {})
    await everywhere.send("Give it to somebody else", {})
    await everywhere.send("Give it", {})
    await everywhere.send("Give it", {"to": "ruth"})
    everywhere.person = PEOPLE["ruth"]
    await everywhere.open("queue")
    await everywhere.press("Open")
    await everywhere.send("I'll take this", {})
    for begin, send in (
        ("Ask the reporter", "Send question"),
        ("Reply", "Send reply"),
        ("Close the case", "Close the case"),
    ):
        await everywhere.send(begin, {})
        await everywhere.send(send, {})
        await everywhere.send(send, _answers(everywhere.here))
    assert "closed" in everywhere.here.said
