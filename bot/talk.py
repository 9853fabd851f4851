"""Talking: what is said, and the taps that put a reading right."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from bot.consider import Consider, Considered
from bot.decide import SmallTalk
from bot.model import Choice, ConversationState, Person, Pressed, Reply, Room, Said
from bot.ports import Memory
from bot.replies import Replies

MOST_CHARACTERS = 4000
"""The longest message that is read in whole; a longer one is read for danger only."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class Talk:
    """Questions and answers. What a conversation needs for its next turn lies in `memory`."""

    consider: Consider
    replies: Replies
    memory: Memory

    async def said(self, said: Said) -> Reply:
        """Answer a message."""
        text = said.text.strip()
        if not any(character.isalnum() for character in text):
            return self.replies.plain("not_understood")
        if len(text) > MOST_CHARACTERS:
            return self._too_long(text)
        state = ConversationState() if said.begins else await self.memory.recall(said.person, said.room)
        return await self._answer(self.consider.message(text, state), said.person, said.room)

    async def pressed(self, pressed: Pressed) -> Reply:
        """Answer a tap beneath a message. One that no longer fits says so."""
        verb, _, what = pressed.action.partition(":")
        match verb:
            case "safety":
                return replace(self.replies.plain("after_safety"), safety=self.replies.safety(), footnote="")
            case "correct" | "set" | "choose":
                return await self._mended(pressed, verb, what)
        return self.replies.plain("out_of_date_button")

    def _too_long(self, text: str) -> Reply:
        reply = self.replies.plain("too_long", Choice("Report it", "open:form:report", opens=True))
        risk = self.consider.reader.read(text).risk
        return replace(reply, safety=self.replies.safety(risk.adult)) if risk.alarm else reply

    async def _answer(self, considered: Considered, person: Person, room: Room) -> Reply:
        if not isinstance(considered.decision, SmallTalk):
            await self.memory.remember(person, room, considered.state)
        _log.info("answered", person=person.id, decision=type(considered.decision).__name__)
        return self.replies.reply(considered.decision)

    async def _mended(self, pressed: Pressed, verb: str, what: str) -> Reply:
        """A reading put right by a tap."""
        state = await self.memory.recall(pressed.person, pressed.room)
        try:
            if verb == "correct":
                return self.replies.correction(what)
            considered = self._reconsidered(verb, what, state)
        except (KeyError, ValueError):
            considered = None
        if considered is None:
            return self.replies.plain("out_of_date_button")
        return await self._answer(considered, pressed.person, pressed.room)

    def _reconsidered(self, verb: str, what: str, state: ConversationState) -> Considered | None:
        if verb == "choose":
            return self.consider.choice(what, state)
        fact, _, value = what.partition("=")
        return self.consider.correction(fact, value, state)
