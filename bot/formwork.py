"""Filling in forms: drafts begun, gone on with, stopped and ended. Stored first, closed second."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from bot.cases.desk import Desk
from bot.cases.model import Filing, NoRoute, Receipt, Route
from bot.dialogs import FORMS
from bot.dialogs.form import ALARM, STEP, After, Checked, Context, Form, Values, Wish, carried, page, turn, unfinished
from bot.dialogs.report import to_whom
from bot.model import Choice, ConversationState, Draft, FieldKind, Outcome, Page, Person, Reply, Submitted
from bot.ports import Clock, Memory, Reader
from bot.replies import Replies
from bot.school import School

RESUME = Choice("Go on", "resume")
AGAIN = Choice("Start again", "again")

_TYPED = (FieldKind.TEXT, FieldKind.LONG_TEXT)
_log = structlog.get_logger()
_Shown = TypeVar("_Shown", bound=Reply | Page)


@dataclass(frozen=True)
class Formwork:
    """Forms, from the first page to the receipt. `reader` looks for danger in whatever is typed."""

    desk: Desk
    replies: Replies
    memory: Memory
    reader: Reader
    school: School
    clock: Clock

    async def start(self, name: str, person: Person, state: ConversationState, known: Values) -> Page | None:
        """Begin a form or offer to go on with one; None when there is none of that name.

        `known` are first answers from elsewhere; without them the words last said are carried in where they fit.
        """
        if name not in FORMS:
            return None
        form = FORMS[name]
        draft = await self.memory.latest_draft(person, name, STEP)
        if draft is not None and not known:
            return self._go_on(form, draft)
        return await self._begin(form, person, _first(form, state, known))

    async def submitted(self, sent: Submitted, draft: str) -> Outcome:
        """Take one page of a form."""
        found = await self.memory.load_draft(draft, sent.person)
        if found is None or found[0] not in FORMS:
            return await self._sent_before(sent.person, draft)
        form, before = FORMS[found[0]], found[1]
        if sent.action in ("stop", "again"):
            await self.memory.drop_draft(draft, sent.person)
            again = sent.action == "again"
            return (
                await self._begin(form, sent.person, {})
                if again
                else self._with_safety(self.replies.plain("stopped"), before)
            )
        return await self._turned(form, draft, before, sent)

    async def _sent_before(self, person: Person, draft: str) -> Reply:
        """The receipt again for a form that was filed and is sent once more; else word that it is no longer open."""
        stored = await self.desk.filed(person, draft)
        if stored is None:
            return self.replies.plain("expired", safeguarding=False)
        return self.replies.receipt(stored.ref, to_whom(stored.route), After())

    async def _turned(self, form: Form, draft: str, before: Values, sent: Submitted) -> Outcome:
        context = self._context(sent.person)
        values = self._alarmed(before, page(form, draft, before, context), sent.values)
        turned = turn(form, draft, values, sent.action, sent.values, context)
        await self.memory.save_draft(draft, sent.person, form.name, turned.values)
        shown: Outcome = turned.page or await self._ended(form, draft, turned.values, context)
        return self._with_safety(shown, turned.values)

    async def _begin(self, form: Form, person: Person, values: Values) -> Page:
        draft = secrets.token_urlsafe(12)
        await self.memory.save_draft(draft, person, form.name, values)
        return page(form, draft, values, self._context(person))

    def _go_on(self, form: Form, draft: Draft) -> Page:
        local = self.school.calendar.local
        line = unfinished(form, local(draft.saved), local(self.clock.now()))
        return Page(f"draft:{draft.id}", form.title, intro=(line,), buttons=(RESUME, AGAIN))

    async def _ended(self, form: Form, draft: str, values: Values, context: Context) -> Reply:
        """Do what the form ends in. It is stored before this returns, or this raises."""
        match form.ending(draft, values, context):
            case Checked(_, left):
                await self.memory.drop_draft(draft, context.person)
                return self.replies.checked(left, form.after(values))
            case Wish() as wish:
                return self._receipt(
                    form, values, await self._wished(wish, draft, context.person, danger=ALARM in values)
                )
            case Filing() as filing:
                filing = replace(filing, danger=ALARM in values)
                return self._receipt(form, values, await self.desk.file(filing))

    async def _wished(self, wish: Wish, draft: str, person: Person, danger: bool) -> Receipt | NoRoute:
        return await self.desk.wish_in_person(
            person, wish.about, wish.subject, wish.to, wish.excluded, draft, wish.also, danger
        )

    def _receipt(self, form: Form, values: Values, stored: Receipt | NoRoute) -> Reply:
        if isinstance(stored, NoRoute):
            return self.replies.not_carried(stored.numbers)
        _log.info("filed", ref=stored.ref)
        unwatched = self.school.calendar.unwatched(self.clock.now())
        return self.replies.receipt(stored.ref, to_whom(stored.route), form.after(values), unwatched)

    def _context(self, person: Person) -> Context:
        return Context(self.school, person, self._route, self.school.calendar.local(self.clock.now()).date())

    def _route(self, filing: Filing) -> Route | NoRoute:
        return self.desk.route_for(
            filing.kind, filing.about, filing.reporter, filing.subject, filing.excluded, filing.also
        )

    def _alarmed(self, values: Values, shown: Page, sent: Mapping[str, str]) -> Values:
        """Safety words on any page raise the alarm for the rest of the form."""
        typed = [sent[field.name] for field in shown.fields if field.kind in _TYPED and sent.get(field.name)]
        alarms = [risk for risk in (self.reader.read(text).risk for text in typed) if risk.alarm]
        return {**values, ALARM: "adult" if all(risk.adult for risk in alarms) else "child"} if alarms else values

    def _with_safety(self, shown: _Shown, values: Values) -> _Shown:
        if ALARM not in values:
            return shown
        return replace(shown, safety=self.replies.safety(values[ALARM] == "adult"))


def _first(form: Form, state: ConversationState, known: Values) -> Values:
    """What a form starts from. Words that were answered as a question are a question, not a story to report."""
    if form.carry and known.get(form.carry.name):
        return carried(form, known[form.carry.name])
    asked = state.situation is not None and form.name != "ask_leadership"
    return carried(form, state.turns[-1]) if state.turns and not asked else {}
