"""The words of a notice: that something happened to a case, never what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from bot import pages
from bot.cases.desk import Desk
from bot.cases.model import Pointer, Urgency
from bot.model import Choice, Reply
from bot.notices.model import Notice, NoticeKind
from bot.ports import Clock, Words


@dataclass(frozen=True)
class Composer:
    """Writes notices. What a destination may know is the desk's to say, at the time of writing."""

    desk: Desk
    words: Words
    clock: Clock

    async def compose(self, notice: Notice) -> Reply | None:
        """The reply to deliver, or None when the destination may no longer know of the case."""
        pointer = await self.desk.pointer(notice)
        if pointer is None:
            return None
        lead, *body = self._said(notice, pointer).splitlines()
        if notice.repeat:
            body.append(self.words.say("notice_repeat"))
        opening = Choice(self.words.say("open_case"), f"open:case:{notice.ref}", opens=True)
        return Reply(lead, tuple(body), choices=(opening,), summary=self.words.say("notice_summary", ref=notice.ref))

    def _said(self, notice: Notice, pointer: Pointer) -> str:
        summary = pointer.summary
        values = {
            "ref": notice.ref,
            "kind": pages.KINDS[summary.kind],
            "urgent": summary.urgency is Urgency.HIGH,
            "age": pages.age(summary.opened, self.clock.now()),
            "owner": pages.owner(summary),
            "question": pointer.public_text,
        }
        name = (
            "notice_question" if notice.kind is NoticeKind.POINTER and pointer.public_text else f"notice_{notice.kind}"
        )
        return self.words.say(name, **values)
