"""The case desk: every action on a case goes through here, and every right is checked here, at the time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import structlog

from bot.cases.files import Files, Patience
from bot.cases.hands import Hands
from bot.cases.intake import Intake
from bot.cases.lists import Lists
from bot.cases.model import (
    About,
    CaseView,
    Filing,
    Illegal,
    Kind,
    Listing,
    NoRoute,
    Pointer,
    Receipt,
    Refused,
    Route,
    Stale,
    State,
    Urgency,
)
from bot.cases.moves import MOVES, UNTAKEN, Action, Move, Standing, legal
from bot.cases.pointers import pointer
from bot.cases.record import Case
from bot.cases.routing import TABLE, Numbers, Roster, Table
from bot.cases.views import handlers_now, plain_hours
from bot.model import Person, Role
from bot.notices.model import Notice, NoticeKind
from bot.ports import CaseStore, Clock

log = structlog.get_logger()

Answer = CaseView | Refused | Illegal | Stale
"""CaseView: done. Refused: not theirs or not there. Illegal: not as the case stands. Stale: somebody else was first."""


class Desk:
    """Files cases and lets those with rights work on them.

    `roster` may be replaced when the settings change: rights follow it at once. `wake` is set when notices are written.
    `table` is the school's routing and `patience` says when a case must have been taken. Words are stored as given; blank
    words, outcomes or reasons make an action Illegal.
    """

    def __init__(
        self,
        store: CaseStore,
        roster: Roster,
        clock: Clock,
        numbers: Numbers,
        wake: asyncio.Event | None = None,
        table: Table = TABLE,
        patience: Patience = plain_hours,
    ) -> None:
        self._files = Files(store, roster, clock, numbers, table, wake or asyncio.Event(), patience)
        self._intake, self._hands, self._lists = Intake(self._files), Hands(self._files), Lists(self._files)

    @property
    def roster(self) -> Roster:
        """The school's people as they are now."""
        return self._files.roster

    @roster.setter
    def roster(self, roster: Roster) -> None:
        self._files.roster = roster

    # Filing

    def route_for(
        self,
        kind: Kind,
        about: About,
        reporter: Person,
        subject: str | None = None,
        excluded: frozenset[str] = frozenset(),
        also: frozenset[Role] = frozenset(),
    ) -> Route | NoRoute:
        """Where such a case would go now: to be shown before any words are taken. `file` decides again."""
        return self._intake.route_for(kind, about, reporter, subject, excluded, also)

    async def file(self, filing: Filing) -> Receipt | NoRoute:
        """Store a submission: case, content, event and notices, and its draft removed, in one transaction.

        The same draft of the same reporter gives the same receipt however often it is filed. Nothing is stored when
        there is no route. Raises what the store raises when it cannot store: nothing is half written.
        """
        return await self._intake.file(filing)

    async def filed(self, reporter: Person, draft: str) -> Receipt | None:
        """What this person's draft became, or None: for a form that is sent again because its receipt was not seen."""
        return await self._intake.filed(reporter.id, draft)

    async def wish_in_person(
        self,
        person: Person,
        about: About,
        subject: str | None,
        to: str,
        excluded: frozenset[str] = frozenset(),
        draft: str | None = None,
        also: frozenset[Role] = frozenset(),
        danger: bool = False,
    ) -> Receipt | NoRoute:
        """Tell one of those who would handle such a report that this person asks to speak to them: no content at all.

        It is a case of its own, of the chosen person alone, so that it is not forgotten; on silence it follows the class's
        line. The numbers come back when `to` is nobody who would handle it. The same draft is filed once.
        """
        draft = draft or uuid4().hex
        filing = Filing(draft, Kind.REPORT, about, person, {}, subject, excluded, also=also, danger=danger)
        return await self._intake.in_person(filing, to)

    # What one case's people do

    async def open(self, ref: str, viewer: Person) -> CaseView | Refused:
        """The case as this person may see it. A handler's opening is written to its story first."""
        case = await self._files.entitled(ref, viewer)
        return Refused() if case is None else await self._files.shown(case, viewer)

    async def eligible(self, ref: str, by: Person) -> tuple[Person, ...]:
        """Those to whom a handler may assign the case: its handlers as they are now. Nobody for anybody else."""
        case = await self._files.entitled(ref, by, Standing.HANDLER)
        return self._eligible(case) if case else ()

    async def acknowledge(self, ref: str, by: Person) -> Answer:
        """Take the case: `by` owns it and the reporter is told. Pressing twice is harmless.

        Stale when another handler took it first.
        """
        case = await self._files.entitled(ref, by, Standing.HANDLER)
        if case is None:
            return Refused()
        if legal(Action.ACKNOWLEDGE, case) or case.state is State.CLOSED:
            answer = await self._move(case, Action.ACKNOWLEDGE, by, after=replace(case, owner=by.id))
            return await self.acknowledge(ref, by) if isinstance(answer, Stale) else answer
        shown = await self._files.shown(case, by)
        return shown if case.owner == by.id else Stale(shown)

    async def assign(self, ref: str, by: Person, to: str) -> Answer:
        """Hand the case to one of its handlers, who is told and must take it: it waits for them from now.

        Assigned to oneself it is taken, and goes on from where it is. Illegal for anybody who is not `eligible`.
        """
        case = await self._files.entitled(ref, by, Standing.HANDLER)
        if case is None:
            return Refused()
        if to == by.id and case.state in UNTAKEN:
            return await self.acknowledge(ref, by)
        if to not in {person.id for person in self._eligible(case)}:
            return Illegal(await self._files.shown(case, by))
        given = replace(case, owner=to)
        notices = self._files.notices(NoticeKind.ASSIGNED, case.ref, {to} - {by.id})
        return await self._move(case, Action.ASSIGN, by, after=given, notices=notices, keeps_state=to == by.id)

    async def reply(self, ref: str, by: Person, words: str) -> Answer:
        """Write to the reporter, who is told privately that there is a reply, not what it says. Handlers only."""
        return await self._act(Action.REPLY, ref, by, words)

    async def ask(self, ref: str, by: Person, words: str) -> Answer:
        """Ask the reporter something and wait for what they add. Handlers only."""
        return await self._act(Action.ASK, ref, by, words)

    async def note(self, ref: str, by: Person, words: str) -> Answer:
        """Write something for the handlers alone. Handlers only."""
        return await self._act(Action.NOTE, ref, by, words)

    async def add(self, ref: str, by: Person, words: str) -> Answer:
        """Add to one's own case, in any state; whoever has it is told. It answers a question. Reporter only."""
        return await self._act(Action.ADD, ref, by, words)

    async def withdraw(self, ref: str, by: Person, reason: str) -> Answer:
        """Say that one would rather not have sent it: it is kept, marked, and whoever has it is told. Reporter only."""
        return await self._act(Action.WITHDRAW, ref, by, reason)

    async def set_urgency(self, ref: str, by: Person, urgency: Urgency, reason: str) -> Answer:
        """Make the case more or less urgent; a case that waits does so anew. Handlers only.

        The others are told privately when it becomes urgent. Illegal when it is so already.
        """
        case = await self._files.entitled(ref, by, Standing.HANDLER)
        if case is None:
            return Refused()
        if not reason.strip() or case.urgency is urgency:
            return Illegal(await self._files.shown(case, by))
        raised = self._having(case, by) if urgency is Urgency.HIGH else ()
        notices = self._files.notices(NoticeKind.POINTER, case.ref, raised)
        after = replace(case, urgency=urgency)
        return await self._move(case, Action.URGENCY, by, f"{urgency.value}: {reason}", after=after, notices=notices)

    async def hold(self, ref: str, by: Person, reason: str) -> Answer:
        """Keep the case from disposal until it is released. Handlers only."""
        return await self._act(Action.HOLD, ref, by, reason)

    async def release(self, ref: str, by: Person, reason: str) -> Answer:
        """End a hold. Handlers only."""
        return await self._act(Action.RELEASE, ref, by, reason)

    async def close(self, ref: str, by: Person, outcome: str, reason: str) -> Answer:
        """Close the case with an outcome and a reason, both for the record only. Handlers only."""
        if not outcome.strip():
            reason = ""
        return await self._act(Action.CLOSE, ref, by, reason, outcome)

    async def reopen(self, ref: str, by: Person, reason: str) -> Answer:
        """Open a closed case again, to be taken anew; reporter and the other handlers are told. Handlers only."""
        return await self._act(Action.REOPEN, ref, by, reason)

    # From hand to hand

    async def recuse(self, ref: str, by: Person, reason: str) -> Refused | Illegal | Stale | None:
        """Leave a case that one should not handle, for good; the other handlers, or the next in line, are told.

        Where the line is used up it goes to whoever stands above it: from the headteacher to the chair of governors.

        None: done, and it is theirs no more. Illegal when there is nobody else who could have it. Handlers only.
        """
        return await self._hands.recuse(ref, by, reason)

    async def reroute(
        self, ref: str, by: Person, about: About, subject: str | None, reason: str
    ) -> Answer | NoRoute | None:
        """Send a report the way it should have gone: everybody loses it, then the right people are given it.

        None: done, and it is `by`'s no more. NoRoute: done, and nobody could be given it safely, so these are to be rung;
        `by` keeps it meanwhile unless it is kept from them too. Whoever it was ever kept from stays so. Handlers only.
        """
        return await self._hands.reroute(ref, by, about, subject, reason)

    async def escalate(self, ref: str) -> bool:
        """Give a case that nobody took in time to the next in its line, and remind those who have it; never the channel.

        When the line is used up those who have it are reminded again. False when there is nothing to do, or somebody else
        did it. For the watcher alone.
        """
        return await self._hands.escalate(ref)

    # Lists

    async def own(self, person: Person, limit: int = 50) -> Listing:
        """The cases this person sent, newest first."""
        return await self._lists.own(person, limit)

    async def queue(self, person: Person, limit: int = 50) -> Listing:
        """The open cases this person handles now: overdue first, then oldest first."""
        return await self._lists.queue(person, limit)

    async def register(self, person: Person, kind: Kind, limit: int = 50) -> Listing:
        """The declarations, or the justifications, that this person handles, closed ones at the end."""
        return await self._lists.register(person, kind, limit)

    async def pointer(self, notice: Notice) -> Pointer | None:
        """What a notice may say: no content, except the approved text of a question in the leadership channel.

        None when its destination has no right to know of the case any more. For the notices' composer alone.
        """
        return await pointer(self._files, notice)

    # How it is done

    async def _act(self, action: Action, ref: str, by: Person, words: str, outcome: str = "") -> Answer:
        case = await self._files.entitled(ref, by, MOVES[action].by)
        if case is None:
            return Refused()
        if not words.strip():
            return Illegal(await self._files.shown(case, by))
        return await self._move(case, action, by, words, outcome, after=_marked(case, action))

    async def _move(
        self,
        case: Case,
        action: Action,
        by: Person,
        words: str = "",
        outcome: str = "",
        *,
        after: Case,
        notices: tuple[Notice, ...] = (),
        keeps_state: bool = False,
    ) -> Answer:
        """Make a legal move: `after` is the case with what the move changes besides its state."""
        move, files = MOVES[action], self._files
        if not legal(action, case):
            return Illegal(await files.shown(case, by))
        moved = after if keeps_state else replace(after, state=move.to[case.state])
        moved = replace(moved, owner=None) if move.drops_owner else moved
        moved = files.waiting(moved) if move.waits or moved.state not in UNTAKEN else moved
        told = (*notices, *files.notices(move.notice, case.ref, self._told(moved, move, by)))
        if not await files.write(moved, files.event(move.act, by, words, outcome), told):
            return await self._files.overtaken(case.ref, by)
        return await files.view(moved, by)

    def _told(self, case: Case, move: Move, by: Person) -> tuple[str, ...]:
        having = self._having(case, by) if Standing.HANDLER in move.tells else ()
        return (*having, *((case.reporter,) if Standing.REPORTER in move.tells else ()))

    def _having(self, case: Case, by: Person) -> tuple[str, ...]:
        """Whom a word to the handlers reaches, but for `by`: the owner where there is one who still is."""
        handlers = handlers_now(case, self.roster)
        if not handlers:
            log.warning("case_without_handler", ref=case.ref)
        people = (case.owner,) if case.owner in handlers and case.owner else handlers
        return tuple(person for person in people if person != by.id)

    def _eligible(self, case: Case) -> tuple[Person, ...]:
        people = (self._files.person(id) for id in handlers_now(case, self.roster))
        return tuple(person for person in people if self.roster.reachable(person))


def _marked(case: Case, action: Action) -> Case:
    match action:
        case Action.WITHDRAW:
            return replace(case, withdrawn=True)
        case Action.HOLD | Action.RELEASE:
            return replace(case, hold=action is Action.HOLD)
        case _:
            return case
