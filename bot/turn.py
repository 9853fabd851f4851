"""One turn from start to end: the one door for every transport. Read this file first.

    Said, Pressed ──▶ talk.py       recall → read → decide → reply → remember
    Submitted     ──▶ formwork.py   a page of a form: kept, moved on, filed
                  ──▶ casework.py   a page of a case: the desk acts
    Opened        ──▶ either, by the page's name

Rights are checked behind this door, by the case desk, whatever surface the event came from; nothing that a client sends
back (an action, a page's name, a draft's id) is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.casework import Casework
from bot.formwork import Formwork
from bot.model import Event, Opened, Outcome, Person, Pressed, Room, Said, Submitted
from bot.talk import Talk


@dataclass(frozen=True)
class Charter:
    """The product, whatever the surface. Holds no state of its own."""

    talk: Talk
    formwork: Formwork
    casework: Casework

    async def handle(self, event: Event) -> Outcome:
        """Answer one event. Expected trouble comes back as a reply; only a fault of ours is raised."""
        match event:
            case Said():
                return await self.talk.said(event)
            case Pressed(person, room, action) if action.startswith("open:"):
                return await self._open(person, room, action.removeprefix("open:"), {})
            case Pressed():
                return await self.talk.pressed(event)
            case Opened(person, room, page, known):
                return await self._open(person, room, page, known)
            case Submitted():
                return await self._submitted(event)

    async def _open(self, person: Person, room: Room, name: str, known: Mapping[str, str]) -> Outcome:
        kind, _, rest = name.partition(":")
        if kind == "form":
            state = await self.talk.memory.recall(person, room)
            found: Outcome | None = await self.formwork.start(rest, person, state, known)
        else:
            found = await self.casework.open(person, kind, rest)
        return found or self.talk.replies.plain("refused", safeguarding=False)

    async def _submitted(self, sent: Submitted) -> Outcome:
        kind, _, rest = sent.page.partition(":")
        match kind:
            case "draft":
                return await self.formwork.submitted(sent, rest)
            case "case":
                ref, _, act = rest.partition(":")
                return await self.casework.submitted(sent, ref, act)
        return self.talk.replies.plain("refused", safeguarding=False)
