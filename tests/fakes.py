"""Ports that work without a database or a model, for tests of whole turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot.cases.desk import Desk
from bot.casework import Casework
from bot.consider import Consider
from bot.formwork import Formwork
from bot.model import ConversationState, Draft, Person, Room
from bot.ports import Clock, Memory, Reader
from bot.render.words import TemplateWords
from bot.replies import Replies
from bot.school import School
from bot.talk import Talk
from bot.turn import Charter
from guidance_kb.facts import VOCABULARY, Facts
from guidance_kb.library import Library
from intents.model import Intent, Reading, Risk


class FactsReader:
    """A `Reader` that is sure: a question that tells exactly these facts, whatever the text, and no others."""

    def __init__(self, facts: Facts, alarm: bool = False) -> None:
        self._reading = Reading(
            intents={Intent.QUESTION: 1.0},
            risk=Risk(alarm, float(alarm)),
            facts={name: {facts.get(name): 1.0} for name in VOCABULARY},
        )

    def read(self, text: str, earlier: Sequence[str] = (), known: Facts | None = None) -> Reading:  # noqa: ARG002
        """As the port says."""
        return self._reading


class FakeMemory:
    """A `Memory` that holds everything until the test ends."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, Room], ConversationState] = {}
        self.drafts: dict[tuple[str, str], tuple[str, Mapping[str, str]]] = {}

    async def recall(self, person: Person, room: Room) -> ConversationState:
        """As the port says."""
        return self.states.get((person.id, room), ConversationState())

    async def remember(self, person: Person, room: Room, state: ConversationState) -> None:
        """As the port says."""
        self.states[person.id, room] = state

    async def save_draft(self, draft: str, person: Person, form: str, values: Mapping[str, str]) -> None:
        """As the port says."""
        self.drafts.pop((draft, person.id), None)
        self.drafts[draft, person.id] = (form, dict(values))

    async def load_draft(self, draft: str, person: Person) -> tuple[str, Mapping[str, str]] | None:
        """As the port says."""
        return self.drafts.get((draft, person.id))

    async def latest_draft(self, person: Person, form: str, having: str) -> Draft | None:
        """As the port says; the last one saved is the newest."""
        for (draft, owner), (name, values) in reversed(self.drafts.items()):
            if (owner, name) == (person.id, form) and having in values:
                return Draft(draft, values, datetime.now(UTC))
        return None

    async def drop_draft(self, draft: str, person: Person) -> None:
        """As the port says."""
        self.drafts.pop((draft, person.id), None)


def assemble(reader: Reader, library: Library, desk: Desk, memory: Memory, school: School, clock: Clock) -> Charter:
    """The whole product on the ports given, with its own words."""
    words = TemplateWords.load()
    replies = Replies(words, library, school.contacts)
    return Charter(
        Talk(Consider(reader, library), replies, memory),
        Formwork(desk, replies, memory, reader, school, clock),
        Casework(desk, replies, words, school, clock),
    )
