"""The words of a notice: that something happened to a case, never what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from bot import pages
from bot.calendar import Calendar
from bot.cases.desk import Desk
from bot.cases.model import Pointer, Urgency
from bot.model import Choice, Reply
from bot.notices.model import Notice, NoticeKind
from bot.ports import Clock, Words

FOR_THE_CHANNEL = frozenset({NoticeKind.POINTER, NoticeKind.ELSEWHERE})
"""What the leadership channel may be told: that a case is there. Silence, handling and answers are nobody else's to see."""

_WATCHED = frozenset({NoticeKind.POINTER, NoticeKind.IN_PERSON})
"""Notices that somebody waits for: out of hours they say that nobody is watching."""


@dataclass(frozen=True)
class Composer:
    """Writes notices. What a destination may know is the desk's to say, at the time of writing.

    Without a `calendar` nothing is said of hours.
    """

    desk: Desk
    words: Words
    clock: Clock
    calendar: Calendar | None = None

    async def compose(self, notice: Notice) -> Reply | None:
        """The reply to deliver, or None when the destination may no longer know of the case."""
        if notice.destination.person is None and notice.kind not in FOR_THE_CHANNEL:
            return None
        if notice.kind is NoticeKind.ELSEWHERE:
            return self._elsewhere(notice)
        pointer = await self.desk.pointer(notice)
        if pointer is None:
            return None
        lead, *body = self._said(notice, pointer).splitlines()
        if notice.kind is NoticeKind.UNANSWERED:
            body.extend(pointer.numbers)
        body.extend(self._hours(notice))
        if notice.repeat:
            body.append(self.words.say("notice_repeat"))
        opening = Choice(self.words.say("open_case"), f"open:case:{notice.ref}", opens=True)
        return Reply(lead, tuple(body), choices=(opening,), summary=self.words.say("notice_summary", ref=notice.ref))

    def _elsewhere(self, notice: Notice) -> Reply:
        """No kind, no owner, nothing to open: what the channel was told before is all that it ever learns."""
        lead, *body = self.words.say("notice_elsewhere", ref=notice.ref).splitlines()
        return Reply(lead, tuple(body), summary=self.words.say("notice_summary", ref=notice.ref))

    def _said(self, notice: Notice, pointer: Pointer) -> str:
        summary = pointer.summary
        values = {
            "ref": notice.ref,
            "kind": pages.KINDS[summary.kind],
            "urgent": summary.urgency is Urgency.HIGH,
            "age": pages.age(summary.opened, self.clock.now()),
            "owner": pages.owner(summary),
            "question": pointer.public_text,
            "asks": pointer.asks,
        }
        name = (
            "notice_question" if notice.kind is NoticeKind.POINTER and pointer.public_text else f"notice_{notice.kind}"
        )
        return self.words.say(name, **values)

    def _hours(self, notice: Notice) -> tuple[str, ...]:
        unwatched = self.calendar.unwatched(notice.created) if self.calendar else None
        if unwatched is None or notice.kind not in _WATCHED:
            return ()
        return tuple(self.words.say("notice_out_of_hours", unwatched=unwatched).splitlines())
