"""Cards in the leadership channel that may no longer say how their case stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.model import Event, Outcome, Submitted

Handle = Callable[[Event], Awaitable[Outcome]]

_CASE = "case:"


class Cards:
    """Marked by whoever does something to a case, put right by the worker, which `wake` wakes.

    They are marks of this process alone: after a crash a card waits for the next news of its case.
    """

    def __init__(self, wake: asyncio.Event) -> None:
        self._wake = wake
        self._marked: set[str] = set()
        self._in_hand: set[str] = set()

    def mark(self, ref: str) -> None:
        """Something may have happened to this case."""
        self._marked.add(ref)
        self._wake.set()

    def take(self) -> tuple[str, ...]:
        """The cases marked since the last time of asking, but for those in hand: no older card overtakes a newer one."""
        taken = self._marked - self._in_hand
        self._marked -= taken
        self._in_hand |= taken
        return tuple(taken)

    def done(self, ref: str) -> None:
        """A case taken before is in hand no more."""
        self._in_hand.discard(ref)

    def following(self, handle: Handle) -> Handle:
        """The one door, with a mark for each case that somebody acts on: not every action sends news to anybody."""

        async def followed(event: Event) -> Outcome:
            outcome = await handle(event)
            if isinstance(event, Submitted) and event.page.startswith(_CASE):
                self.mark(event.page.split(":")[1])
            return outcome

        return followed
