"""From a message and what was said before to a decision: reading, deciding and carrying facts over. Pure; no I/O.

The command line, the benchmark and every transport come through here, so all of them understand alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.decide import Answer, Decision, SafetyFirst, Thresholds, decide, understood
from bot.model import ConversationState
from bot.ports import Reader
from guidance_kb.facts import Facts, parse_facts
from guidance_kb.library import Library
from intents.model import Reading

MOST_TURNS = 4
"""How many messages of one question are read together."""


@dataclass(frozen=True)
class Considered:
    """A decision, the reading behind it, and what to remember for the next message."""

    decision: Decision
    reading: Reading
    state: ConversationState


@dataclass(frozen=True)
class Consider:
    """Reads and decides, for one guidance."""

    reader: Reader
    library: Library
    lines: Thresholds = field(default_factory=Thresholds)

    def message(self, text: str, state: ConversationState) -> Considered:
        """Consider a new message. Facts set by hand before count only when the message continues that question."""
        known = {fact: value for fact, value in parse_facts(state.told).items() if fact in state.fixed}
        reading = self.reader.read(text, state.turns, known)
        turns = (*state.turns, text)[-MOST_TURNS:] if reading.follows_on else (text,)
        return self._considered(reading, {}, turns)

    def correction(self, fact: str, value: str, state: ConversationState) -> Considered | None:
        """Consider the last question again with one fact put right by its asker.

        None when there is no question to put right. Raises KeyError or ValueError for what the vocabulary does not have.
        """
        told = parse_facts({**state.told, fact: value})
        if not state.turns:
            return None
        fixed = {name: told[name] for name in {*state.fixed, fact}}
        *earlier, text = state.turns
        return self._considered(self.reader.read(text, tuple(earlier), told), fixed, state.turns)

    def choice(self, situation: str, state: ConversationState) -> Considered | None:
        """Answer with the row that the asker chose. None when there is no question, or no such row."""
        rows = {row.id: row for row in self.library.situations}
        if not state.turns or situation not in rows:
            return None
        *earlier, text = state.turns
        reading = self.reader.read(text, tuple(earlier), parse_facts(state.told))
        facts = understood(reading, {}, rows[situation], self.lines)
        decision = Answer(rows[situation], facts)
        return Considered(decision, reading, _state(state.turns, facts, frozenset(), decision))

    def _considered(self, reading: Reading, fixed: Facts, turns: tuple[str, ...]) -> Considered:
        decision = decide(reading, fixed, self.library, self.lines)
        facts = {**_facts(decision, reading, self.lines), **fixed}
        return Considered(decision, reading, _state(turns, facts, frozenset(fixed), decision))


def _facts(decision: Decision, reading: Reading, lines: Thresholds) -> Facts:
    """What to carry over: the facts an answer stands on, or those told clearly."""
    if isinstance(decision, SafetyFirst) and decision.then is not None:
        return _facts(decision.then, reading, lines)
    if isinstance(decision, Answer):
        return decision.facts
    told = ((name, max(values, key=lambda value: values[value])) for name, values in reading.facts.items())
    return {name: value for name, value in told if value is not None and reading.facts[name][value] >= lines.told}


def _state(turns: tuple[str, ...], facts: Facts, fixed: frozenset[str], decision: Decision) -> ConversationState:
    situation = decision.situation.id if isinstance(decision, Answer) else None
    return ConversationState(turns, {name: str(value) for name, value in facts.items()}, fixed, situation)
