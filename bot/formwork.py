"""Filling in forms: drafts begun, carried on, stopped and filed. Stored first, closed second."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from bot.cases.desk import Desk
from bot.cases.model import Filing, NoRoute, Receipt, Route
from bot.dialogs import FORMS
from bot.dialogs.form import ALARM, Context, Form, page, turn
from bot.dialogs.report import to_whom
from bot.model import ConversationState, Outcome, Page, Person, Reply, Submitted
from bot.ports import Memory, Reader
from bot.replies import Replies
from bot.school import School

_log = structlog.get_logger()
_Shown = TypeVar("_Shown", Reply, Page)


@dataclass(frozen=True)
class Formwork:
    """Forms, from the first page to the receipt. `reader` looks for danger in whatever is typed."""

    desk: Desk
    replies: Replies
    memory: Memory
    reader: Reader
    school: School

    async def start(self, name: str, person: Person, state: ConversationState) -> Page | None:
        """Begin a form, or None when there is none of that name."""
        if name not in FORMS:
            return None
        draft, form = secrets.token_urlsafe(12), FORMS[name]
        values = {"question": state.turns[-1]} if name == "ask_leadership" and state.turns else {}
        await self.memory.save_draft(draft, person, name, values)
        return page(form, draft, values, self._context(person))

    async def submitted(self, sent: Submitted, draft: str) -> Outcome:
        """Take one page of a form."""
        found = await self.memory.load_draft(draft, sent.person)
        if found is None or found[0] not in FORMS:
            return self.replies.plain("expired", safeguarding=False)
        form, before = FORMS[found[0]], found[1]
        if sent.action == "stop":
            await self.memory.drop_draft(draft, sent.person)
            return self._with_safety(self.replies.plain("stopped"), before)
        context = self._context(sent.person)
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

    def _context(self, person: Person) -> Context:
        return Context(self.school, person, self._route)

    def _route(self, filing: Filing) -> Route | NoRoute:
        return self.desk.route_for(filing.kind, filing.about, filing.reporter, filing.subject, filing.excluded)

    def _alarmed(self, values: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
        """Safety words on any page raise the alarm for the rest of the form."""
        risks = [self.reader.read(text).risk for text in sent.values() if " " in text]
        alarms = [risk for risk in risks if risk.alarm]
        return {**values, ALARM: "adult" if all(risk.adult for risk in alarms) else "child"} if alarms else dict(values)

    def _with_safety(self, shown: _Shown, values: Mapping[str, str]) -> _Shown:
        if ALARM not in values:
            return shown
        return replace(shown, safety=self.replies.safety(values[ALARM] == "adult"))
