"""Takes each message once: kept in the inbox before it is acknowledged, answered after, and again where that failed."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine

from bot.model import Choice, Event, Outcome, Page, Person, Reply, Said
from bot.ports import Inbox
from bot.transports.guards import note_failure
from bot.transports.health import Metrics
from bot.transports.slack_in import Heard, Place, heard_again
from bot.transports.slack_out import UNREACHED, Out
from bot.transports.slack_people import People, Unserved

Handle = Callable[[Event], Awaitable[Outcome]]

SECONDS_TO_STORE = 2.0
"""Slack waits three for an acknowledgement."""
AT_ONCE = 8
"""Turns carried out side by side. More would only wait for the database, and keep what comes in from being stored in time."""
GIVEN_UP = 24 * 3600.0
"""Seconds after which an answer helps nobody any more."""

REFUSALS = {Unserved.STRANGER: "slack_stranger", Unserved.UNLISTED: "unlisted"}
"""What somebody who is not served reads."""


class Tasks:
    """Work under way, so that none of it is lost from sight."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Do it beside what is going on."""
        task = asyncio.create_task(self._watched(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._running:
            await asyncio.wait(self._running)

    async def finish(self, seconds: float) -> None:
        """Give what is under way a little time; what does not end is stopped."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    @staticmethod
    async def _watched(work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except Exception as error:
            note_failure("slack_work_failed", error)


class Turns:
    """Carries out what is heard, one message at a time per person.

    `grace` is how many seconds pass before a message that nobody finished is carried out again, by this process or another;
    then twice that long, and so on for a day.
    """

    def __init__(
        self,
        handle: Handle,
        people: People,
        out: Out,
        inbox: Inbox,
        metrics: Metrics,
        tasks: Tasks,
        grace: float = 20.0,
    ) -> None:
        self._handle = handle
        self._people = people
        self._out = out
        self._inbox = inbox
        self._metrics = metrics
        self._tasks = tasks
        self._grace = grace
        self._side_by_side = asyncio.Semaphore(AT_ONCE)
        self._in_turn: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._under_way: set[str] = set()

    async def kept(self, key: str, payload: str) -> bool:
        """Keep an event; whether it is new. Raises whatever the inbox raises, or TimeoutError: then Slack sends it again."""
        async with asyncio.timeout(SECONDS_TO_STORE):
            new = await self._inbox.accept(key, payload)
        if not new:
            self._metrics.count("slack", "event", "repeat")
        return new

    async def done(self, key: str) -> None:
        """An event needs nothing more."""
        await self._inbox.done(key)

    async def take(self, heard: Heard) -> None:
        """Keep a message, and answer it when this has returned."""
        if await self.kept(heard.key, heard.written()):
            self._under_way.add(heard.key)
            self._tasks.start(self._carry_out(heard))

    async def turn(self, kind: str, event: Event) -> Outcome:
        """One turn, measured and counted."""
        try:
            with self._metrics.timed(kind):
                outcome = await self._handle(event)
        except BaseException:
            self._metrics.count("slack", kind, "failed")
            raise
        self._metrics.count("slack", kind, type(outcome).__name__.lower())
        return outcome

    async def say(self, person: Person, place: Place, text: str, mark: str = "", begins: bool = False) -> None:
        """Answer words in their place. `begins` tells that they are the first there."""
        outcome = await self._out.meanwhile(place, self.turn("say", Said(person, place.room, text, begins)))
        reply = outcome if isinstance(outcome, Reply) else _on_paper(outcome)
        await self._out.answer(place, reply, mark, carry=text)

    async def sweep(self) -> None:
        """Carry out again, for ever, what was left unfinished."""
        while True:
            await asyncio.sleep(self._grace / 2)
            try:
                for key, payload in await self._inbox.pending():
                    await self._again(key, payload)
            except Exception as error:
                note_failure("inbox_not_read", error)

    async def _again(self, key: str, payload: str) -> None:
        if not key.startswith("slack:") or "#" in key or key in self._under_way:
            return
        try:
            heard = heard_again(payload)
        except (TypeError, ValueError):
            await self._inbox.done(key)
            return
        age = time.time() - heard.at
        if age > GIVEN_UP:
            note_failure("event_given_up", TimeoutError())
            await self._inbox.done(key)
        elif await self._mine(key, int(age / self._grace)):
            self._under_way.add(key)
            self._tasks.start(self._carry_out(heard, again=True))

    async def _mine(self, key: str, round_: int) -> bool:
        """Whether this process has the try that is due, of all that share the inbox: after 1, 2, 4 … times the grace."""
        if round_ < 1:
            return False
        claim = f"{key}#{1 << (round_.bit_length() - 1)}"
        if not await self._inbox.accept(claim, ""):
            return False
        await self._inbox.done(claim)
        return True

    async def _carry_out(self, heard: Heard, again: bool = False) -> None:
        try:
            async with self._in_turn[heard.user], self._side_by_side:
                if not (again and await self._answered(heard)):
                    await self._answer(heard)
            await self._inbox.done(heard.key)
        except Exception as error:
            if not again:
                await self._out.failed(heard.place, error, "trouble")
            else:
                note_failure("turn_failed_again", error)
        finally:
            self._under_way.discard(heard.key)

    async def _answered(self, heard: Heard) -> bool:
        """Whether the answer stands there already: it went out, and the process stopped before it could write that down."""
        place = heard.place
        if not place.private:
            return False
        try:
            return await self._out.web.find(place.channel, heard.mark, place.thread) is not None
        except UNREACHED:
            return False

    async def _answer(self, heard: Heard) -> None:
        person = await self._people.who(heard.user, heard.team)
        if isinstance(person, Unserved):
            if name := REFUSALS.get(person):
                self._metrics.count("slack", "say", str(person))
                await self._out.answer(heard.place, self._out.say(name), heard.mark)
            return
        if heard.files:
            await self._out.answer(heard.place, self._out.say("no_files"), "" if heard.text else heard.mark)
        if heard.text or not heard.files:
            await self.say(person, heard.place, heard.text, heard.mark, heard.begins)


def _on_paper(page: Page) -> Reply:
    """Words alone open no window: a page is offered instead."""
    return Reply(page.title, page.intro, choices=(Choice("Open", f"open:{page.id}", opens=True),))
