"""A desk with everything it stands on at hand, for tests of what people do there."""

import asyncio
from dataclasses import dataclass, field

from bot.cases.desk import Answer, Desk
from bot.cases.model import CaseView, Filing, Receipt
from bot.cases.routing import TABLE, Roster, Table
from bot.model import Person
from bot.notices.model import NoticeKind
from tests.small_school import NUMBERS, ROSTER, SAM, HandClock, MemoryCaseStore, filing


@dataclass
class Office:
    """A desk with its store and clock at hand."""

    roster: Roster = ROSTER
    store: MemoryCaseStore = field(default_factory=MemoryCaseStore)
    clock: HandClock = field(default_factory=HandClock)
    table: Table = field(default_factory=lambda: TABLE)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.desk = Desk(self.store, self.roster, self.clock, NUMBERS, self.wake, self.table)

    async def filed(self, what: Filing | None = None) -> str:
        """File and give the reference."""
        receipt = await self.desk.file(what or filing())
        assert isinstance(receipt, Receipt)
        return receipt.ref

    async def taken(self, by: Person = SAM, what: Filing | None = None) -> str:
        """File, and let somebody take it."""
        ref = await self.filed(what)
        seen(await self.desk.acknowledge(ref, by))
        return ref

    def told(self, kind: NoticeKind) -> set[str]:
        """Destinations of the notices of one kind."""
        return {notice.destination.name for notice in self.store.notices if notice.kind is kind}


def seen(answer: Answer) -> CaseView:
    """The view of an action that was done."""
    assert isinstance(answer, CaseView), answer
    return answer
