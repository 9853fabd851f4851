"""Working on cases: opening their pages and acting on them. The desk decides what a person may; this puts it into pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot import pages
from bot.cases.desk import Desk
from bot.cases.model import About, CaseView, Illegal, Kind, NoRoute, Refused, Stale, Urgency
from bot.dialogs.fields import take
from bot.model import Field, Outcome, Person, Submitted
from bot.ports import Clock, Words
from bot.replies import Replies
from bot.school import School

Found = CaseView | Refused | Stale | Illegal | NoRoute | None
"""What the desk gives back; None when the person has rightly lost the case by their own act."""


@dataclass(frozen=True)
class Casework:
    """Pages of cases, and what is pressed and submitted on them."""

    desk: Desk
    replies: Replies
    words: Words
    school: School
    clock: Clock

    async def open(self, person: Person, kind: str, rest: str) -> Outcome | None:
        """The page of that name, or None when there is no such page."""
        match kind:
            case "mine":
                return pages.mine(await self.desk.own(person), self.clock.now())
            case "queue":
                return pages.queue(await self.desk.queue(person), self.clock.now())
            case "register" if rest in pages.REGISTERS:
                return pages.register(Kind(rest), await self.desk.register(person, Kind(rest)), self.clock.now())
            case "case":
                return self._shown(await self.desk.open(rest, person))
        return None

    async def submitted(self, sent: Submitted, ref: str, act: str) -> Outcome:
        """A button on a case's page, or an action's small form."""
        if sent.action.startswith("act:"):
            return await self._begin(sent.person, ref, sent.action.removeprefix("act:"))
        if sent.action != "send" or act not in pages.FORMS:
            return self._shown(await self.desk.open(ref, sent.person))
        asked = await self._fields(ref, act, sent.person)
        taken, errors = take(asked, sent.values)
        if errors:
            return pages.act(ref, act, asked, taken, errors)
        return self._shown(await self._doing(act, ref, sent.person, taken)())

    async def _begin(self, person: Person, ref: str, act: str) -> Outcome:
        if act == "acknowledge":
            return self._shown(await self.desk.acknowledge(ref, person))
        found = await self.desk.open(ref, person)
        if not isinstance(found, CaseView):
            return self._shown(found)
        if act == "more":
            return pages.more(found)
        if act in found.may and act in pages.FORMS:
            return pages.act(ref, act, await self._fields(ref, act, person))
        return self._shown(found)

    async def _fields(self, ref: str, act: str, person: Person) -> tuple[Field, ...]:
        eligible = await self.desk.eligible(ref, person) if act == "assign" else ()
        return pages.fields(act, eligible, tuple(one for one in self.school.people if one.id != person.id))

    def _doing(self, act: str, ref: str, by: Person, taken: Mapping[str, str]) -> Callable[[], Awaitable[Found]]:
        """What the desk is to do. Fields were checked: what is optional may be missing."""
        words = taken.get("words", "")
        desk = self.desk
        return {
            "reply": lambda: desk.reply(ref, by, words),
            "ask": lambda: desk.ask(ref, by, words),
            "add": lambda: desk.add(ref, by, words),
            "note": lambda: desk.note(ref, by, words),
            "assign": lambda: desk.assign(ref, by, taken["to"]),
            "close": lambda: desk.close(ref, by, taken["outcome"], words),
            "reopen": lambda: desk.reopen(ref, by, words),
            "withdraw": lambda: desk.withdraw(ref, by, words),
            "urgency": lambda: desk.set_urgency(ref, by, Urgency(taken["urgency"]), words),
            "hold": lambda: desk.hold(ref, by, words),
            "release": lambda: desk.release(ref, by, words),
            "recuse": lambda: desk.recuse(ref, by, words),
            "reroute": lambda: desk.reroute(ref, by, About(taken["about"]), taken.get("subject") or None, words),
        }[act]

    def _shown(self, found: Found) -> Outcome:
        match found:
            case None:
                return self.replies.plain("passed_on", safeguarding=False)
            case NoRoute(numbers):
                return self.replies.not_carried(numbers, "not_rerouted")
            case Refused():
                return self.replies.plain("refused", safeguarding=False)
            case Stale(now):
                return pages.case(now, self.clock.now(), self.words.say("stale"))
            case Illegal(now):
                return pages.case(now, self.clock.now(), self.words.say("illegal"))
            case CaseView():
                return pages.case(found, self.clock.now())
