"""Lists of cases: only what the person may see, and never more of it read than is shown."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cases.files import Files
from bot.cases.model import Kind, Listing
from bot.cases.moves import Standing
from bot.cases.record import Case
from bot.cases.views import summary
from bot.model import Person

NOTHING = Listing((), 0)
REGISTERS = frozenset({Kind.DECLARATION, Kind.JUSTIFICATION})
"""Kinds of which a register is kept."""


@dataclass
class Lists:
    """Each list with how many cases there are in all that the person may see."""

    files: Files

    async def own(self, person: Person, limit: int) -> Listing:
        """The cases this person sent, newest first."""
        if self.files.roster.get(person.id) is None:
            return NOTHING
        cases = await self.files.store.reported_by(person.id, limit)
        total = await self.files.store.count_reported(person.id) if len(cases) == limit else len(cases)
        now = self.files.clock.now()
        shown = tuple(summary(case, self.files.roster, now, Standing.REPORTER) for case in cases)
        return Listing(shown, total)

    async def queue(self, person: Person, limit: int) -> Listing:
        """The open cases this person handles now: overdue first, then oldest first."""
        found = await self._handled(person, frozenset(Kind), False, limit)
        return Listing(tuple(sorted(found.cases, key=lambda case: (not case.overdue, case.opened))), found.total)

    async def register(self, person: Person, kind: Kind, limit: int) -> Listing:
        """The cases of one kind that this person handles, closed ones at the end; nothing for a kind without register."""
        return await self._handled(person, frozenset({kind}), True, limit) if kind in REGISTERS else NOTHING

    async def _handled(self, person: Person, kinds: frozenset[Kind], closed: bool, limit: int) -> Listing:
        known, store = self.files.roster.get(person.id), self.files.store
        if known is None:
            return NOTHING
        found = await store.handled_by(known.id, kinds, closed, limit, known.roles)
        mine = [case for case in found if self._handles(case, known)]
        total = len(found)
        if total == limit:
            total = await store.count_handled(known.id, kinds, closed, known.roles)
        now = self.files.clock.now()
        return Listing(tuple(summary(case, self.files.roster, now) for case in mine), total - len(found) + len(mine))

    def _handles(self, case: Case, person: Person) -> bool:
        return self.files.standing(case, person.id) is Standing.HANDLER
