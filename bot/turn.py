"""One turn from start to end: the one door for every transport. Read this file first.

    recall → read → decide → carry out → remember

Rights are checked behind this door, by the case desk, whatever surface the event came from; nothing that a client sends
back (an action, a page's name, a draft's id) is trusted.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import structlog

from bot import pages
from bot.cases.desk import Desk
from bot.cases.model import CaseView, Filing, Illegal, NoRoute, Receipt, Refused, Route, Stale
from bot.consider import Consider, Considered
from bot.decide import SmallTalk
from bot.dialogs import FORMS
from bot.dialogs.fields import take
from bot.dialogs.form import ALARM, Context, Form, page, turn
from bot.dialogs.report import to_whom
from bot.model import (
    Choice,
    ConversationState,
    Event,
    Opened,
    Outcome,
    Page,
    Person,
    Pressed,
    Reply,
    Room,
    Said,
    Submitted,
)
from bot.ports import Clock, Memory, Words
from bot.replies import Replies
from bot.school import School

MOST_CHARACTERS = 4000
"""The longest message that is read in whole; a longer one is read for danger only."""

_log = structlog.get_logger()
_Shown = TypeVar("_Shown", Reply, Page)


@dataclass(frozen=True)
class Charter:
    """Everything that a turn needs. Holds no state of its own: that lies in `memory` and behind `desk`."""

    consider: Consider
    replies: Replies
    words: Words
    memory: Memory
    desk: Desk
    school: School
    clock: Clock

    async def handle(self, event: Event) -> Outcome:
        """Answer one event. Expected trouble comes back as a reply; only a fault of ours is raised."""
        match event:
            case Said():
                return await self._said(event)
            case Pressed():
                return await self._pressed(event)
            case Opened():
                return await self._open(event.person, event.room, event.page)
            case Submitted():
                return await self._submitted(event)

    # Talking

    async def _said(self, said: Said) -> Reply:
        text = said.text.strip()
        if not any(character.isalnum() for character in text):
            return self.replies.plain("not_understood")
        if len(text) > MOST_CHARACTERS:
            return self._too_long(text)
        state = await self.memory.recall(said.person, said.room)
        return await self._answer(self.consider.message(text, state), said.person, said.room)

    def _too_long(self, text: str) -> Reply:
        reply = self.replies.plain("too_long", Choice("Report it", "open:form:report", opens=True))
        risk = self.consider.reader.read(text).risk
        return replace(reply, safety=self.replies.safety(risk.adult)) if risk.alarm else reply

    async def _answer(self, considered: Considered, person: Person, room: Room) -> Reply:
        if not isinstance(considered.decision, SmallTalk):
            await self.memory.remember(person, room, considered.state)
        _log.info("answered", person=person.id, decision=type(considered.decision).__name__)
        return self.replies.reply(considered.decision)

    # Pressing

    async def _pressed(self, pressed: Pressed) -> Outcome:
        verb, _, what = pressed.action.partition(":")
        match verb:
            case "open":
                return await self._open(pressed.person, pressed.room, what)
            case "safety":
                return replace(self.replies.plain("after_safety"), safety=self.replies.safety(), footnote="")
            case "checklist":
                return self.replies.plain("checklist", safeguarding=False)
            case "correct" | "set" | "choose":
                return await self._mended(pressed, verb, what)
        return self.replies.plain("out_of_date_button")

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

    # Opening pages

    async def _open(self, person: Person, room: Room, name: str) -> Outcome:
        kind, _, rest = name.partition(":")
        match kind:
            case "mine":
                return pages.mine(await self.desk.own(person), self.clock.now())
            case "queue":
                return pages.queue(await self.desk.queue(person), self.clock.now())
            case "form" if rest in FORMS:
                return await self._start(FORMS[rest], person, room)
            case "case":
                return self._case(await self.desk.open(rest, person))
        return self.replies.plain("refused", safeguarding=False)

    async def _start(self, form: Form, person: Person, room: Room) -> Page:
        draft = secrets.token_urlsafe(12)
        state = await self.memory.recall(person, room)
        values = {"question": state.turns[-1]} if form.name == "ask_leadership" and state.turns else {}
        await self.memory.save_draft(draft, person, form.name, values)
        return page(form, draft, values, self._context(person))

    def _context(self, person: Person) -> Context:
        return Context(self.school, person, self._route)

    def _route(self, filing: Filing) -> Route | NoRoute:
        return self.desk.route_for(filing.kind, filing.about, filing.reporter, filing.subject, filing.excluded)

    def _case(self, found: CaseView | Refused | Stale | Illegal) -> Outcome:
        match found:
            case Refused():
                return self.replies.plain("refused", safeguarding=False)
            case Stale(now):
                return pages.case(now, self.clock.now(), self.words.say("stale"))
            case Illegal(now):
                return pages.case(now, self.clock.now(), self.words.say("illegal"))
            case CaseView():
                return pages.case(found, self.clock.now())

    # Submitting pages

    async def _submitted(self, sent: Submitted) -> Outcome:
        kind, _, rest = sent.page.partition(":")
        if kind == "draft":
            return await self._draft(sent, rest)
        if kind == "case":
            ref, _, act = rest.partition(":")
            return await self._act(sent, ref, act)
        return self.replies.plain("refused", safeguarding=False)

    async def _draft(self, sent: Submitted, draft: str) -> Outcome:
        found = await self.memory.load_draft(draft, sent.person)
        if found is None or found[0] not in FORMS:
            return self.replies.plain("expired", safeguarding=False)
        form, before = FORMS[found[0]], found[1]
        context = self._context(sent.person)
        if sent.action == "stop":
            await self.memory.drop_draft(draft, sent.person)
            return self._with_safety(self.replies.plain("stopped"), before)
        turned = turn(form, draft, self._alarmed(before, sent.values), sent.action, sent.values, context)
        await self.memory.save_draft(draft, sent.person, form.name, turned.values)
        if turned.page is not None:
            return self._with_safety(turned.page, turned.values)
        return self._with_safety(await self._file(form, draft, turned.values, context), turned.values)

    async def _file(self, form: Form, draft: str, values: Mapping[str, str], context: Context) -> Reply:
        match await self.desk.file(form.filing(draft, values, context)):
            case NoRoute(numbers):
                reply = self.replies.plain("not_carried", safeguarding=False)
                return replace(reply, body=(*reply.body, *numbers))
            case Receipt(ref, route):
                _log.info("filed", ref=ref, person=context.person.id)
                return self.replies.receipt(ref, to_whom(route))

    def _alarmed(self, values: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
        """Safety words on any page raise the alarm for the rest of the form."""
        risks = [self.consider.reader.read(text).risk for text in sent.values() if " " in text]
        alarms = [risk for risk in risks if risk.alarm]
        return {**values, ALARM: "adult" if all(risk.adult for risk in alarms) else "child"} if alarms else dict(values)

    def _with_safety(self, shown: _Shown, values: Mapping[str, str]) -> _Shown:
        if ALARM not in values:
            return shown
        return replace(shown, safety=self.replies.safety(values[ALARM] == "adult"))

    async def _act(self, sent: Submitted, ref: str, act: str) -> Outcome:
        """An action on a case; the desk decides whether this person may."""
        if sent.action.startswith("act:"):
            return await self._begin(sent.person, ref, sent.action.removeprefix("act:"))
        if sent.action == "back":
            return self._case(await self.desk.open(ref, sent.person))
        if act not in pages.FORMS:
            return self.replies.plain("refused", safeguarding=False)
        taken, errors = take(pages.fields(act), sent.values)
        if errors:
            return pages.act(ref, act, taken, errors)
        words = taken["words"]
        doing = {
            "reply": partial(self.desk.reply, ref, sent.person, words),
            "add": partial(self.desk.add, ref, sent.person, words),
            "reopen": partial(self.desk.reopen, ref, sent.person, words),
            "close": partial(self.desk.close, ref, sent.person, taken.get("outcome", ""), words),
        }
        return self._case(await doing[act]())

    async def _begin(self, person: Person, ref: str, act: str) -> Outcome:
        if act == "acknowledge":
            return self._case(await self.desk.acknowledge(ref, person))
        found = await self.desk.open(ref, person)
        if isinstance(found, CaseView) and act in found.may and act in pages.FORMS:
            return pages.act(ref, act)
        return self._case(found)
