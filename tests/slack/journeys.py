"""What staff and leaders do in Slack from start to end. The same steps run wherever there is a workspace to run them in."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.slack.school import AMARA, DAN, HELEN, LEADERS, NADIA, PRIYA, RUTH, SAM, STAFF_ROOM
from tests.slack.workspace import BOT, Message, View, Workspace

SECRET = "Jordan Blake in 8C sent me a friend request at nine in the evening"
REF = re.compile(r"[A-Z0-9]{2}-[A-Z0-9]{3}")


class Hands(Protocol):
    """What a person can do in a workspace."""

    async def say(self, user: str, text: str, channel: str = "", thread: str | None = None) -> Message:
        """Type a message."""
        ...

    async def press(self, user: str, label: str, where: Message | View | None = None) -> Any:
        """Press a button by its label."""
        ...

    async def submit(self, user: str, **values: str) -> Any:
        """Fill in and send the open modal."""
        ...

    async def command(self, user: str, command: str, text: str = "") -> Any:
        """Type a slash command."""
        ...

    async def home(self, user: str) -> Any:
        """Open the home tab."""
        ...

    async def close(self, user: str) -> Any:
        """Close the open modal."""
        ...


@dataclass
class Stage:
    """A workspace with people in it, and ways to wait: for Charter to have done what it has to, and for what is to come."""

    people: Hands
    workspace: Workspace
    settled: Callable[[], Awaitable[None]]
    until: Callable[..., Any]

    async def said(self, user: str, *words: str) -> Message:
        """Wait for the newest message of Charter's that somebody sees to say these words."""

        def there() -> Message | None:
            told = [m for m in self.workspace.seen_by(user) if m.user == BOT]
            return told[-1] if told and all(word in told[-1].shown for word in words) else None

        await self.settled()
        found: Message = await self.until(there)
        return found

    async def told(self, user: str, *words: str) -> Message:
        """Wait for any message of Charter's to somebody, in private, that says these words."""

        def there() -> Message | None:
            mine = [m for m in self.workspace.seen_by(user) if m.user == BOT and m.channel[0] == "D"]
            return next((m for m in reversed(mine) if all(word in m.shown for word in words)), None)

        await self.settled()
        found: Message = await self.until(there)
        return found

    async def shows(self, user: str, *words: str) -> View:
        """Wait for the modal on somebody's screen to say these words."""

        def there() -> View | None:
            view = self.workspace.modal(user)
            return view if view and all(word in view.shown for word in words) else None

        found: View = await self.until(there)
        return found

    async def step(self, user: str, **values: str) -> View:
        """Send a page of a form and wait for the next."""
        before = self.workspace.modal(user)
        shown = before.shown if before else ""
        await self.people.submit(user, **values)
        return await self._changed(user, shown)

    async def pressed(self, user: str, label: str) -> View:
        """Press a button in a modal and wait for what it shows."""
        before = self.workspace.modal(user)
        shown = before.shown if before else ""
        await self.people.press(user, label)
        return await self._changed(user, shown)

    async def _changed(self, user: str, shown: str) -> View:
        def there() -> View | None:
            view = self.workspace.modal(user)
            return view if view and view.shown != shown else None

        found: View = await self.until(there)
        return found

    def channel(self, id: str) -> list[Message]:
        """What stands in a channel for all to read."""
        return [m for m in self.workspace.messages if m.channel == id and m.only_for is None]


# Asking


async def ask_and_put_right(stage: Stage) -> None:
    """A question is answered in its thread; a follow-up there carries it on; a fact is put right at one press."""
    asked = await stage.people.say(PRIYA, "can I accept a friend request from a former student?")
    answer = await stage.said(PRIYA, "former student")
    assert answer.thread_ts == asked.ts
    await stage.people.say(PRIYA, "what if she is 17?", asked.channel, asked.ts)
    await stage.said(PRIYA, "Not allowed", "Scope")
    await stage.people.press(PRIYA, "a former student")
    await stage.said(PRIYA, "A parent")
    await stage.people.press(PRIYA, "A parent")
    right = await stage.said(PRIYA, "It depends", "Social contact")
    assert right.thread_ts == asked.ts


async def mention_is_answered_privately(stage: Stage) -> None:
    """In a channel only the asker sees the answer, and can carry on in private."""
    await stage.people.say(DAN, f"<@{BOT}> can I accept a friend request from a student?", STAFF_ROOM)
    answer = await stage.said(DAN, "Not allowed")
    assert (answer.channel, answer.only_for) == (STAFF_ROOM, DAN)
    assert [m.user for m in stage.channel(STAFF_ROOM)] == [DAN]
    await stage.people.press(DAN, "Continue privately", answer)
    private = await stage.told(DAN, "Not allowed")
    assert private.channel[0] == "D"


# Forms


async def report(stage: Stage, by: str = PRIYA, what: str = SECRET, about: str = "student", **more: str) -> str:
    """A report by the slash command, page after page, to its reference."""
    await stage.people.command(by, "/report")
    await stage.shows(by, "danger")
    return await _through(stage, by, {**STORY, "what": what, "about": about, **more})


STORY = {
    "danger": "no",
    "risk": "no",
    "image": "no",
    "about": "student",
    "type": "other",
    "when": "Last night",
    "where": "Snapchat",
    "people": "A pupil in 8C",
    "known": "received",
    "named": "no",
}
DECLARED = {
    "who": "parent",
    "name": "A neighbour",
    "how": "We live next door to each other.",
    "since": "Ten years",
    "touch": "online",
    "online": "A street chat",
    "open": "My line manager",
    "again": "6",
}
JUSTIFIED = {
    "taken": "taken",
    "what": "I rang a parent from my own phone.",
    "when": "On the trip",
    "why": "The coach had broken down.",
    "agreed": "The trip leader",
}
CHECKED = {"accounts": "done", "privacy": "later", "photos": "done", "numbers": "none"}
ASKED = {"question": "May staff follow adult former students?", "named": "no"}


async def form(stage: Stage, by: str, button: str, answers: dict[str, str]) -> str:
    """A form begun on the home tab, to its reference; nothing for one that is not filed."""
    await stage.people.home(by)
    await stage.until(lambda: by in stage.workspace.homes)
    await stage.people.press(by, button, stage.workspace.homes[by])
    await stage.until(lambda: stage.workspace.modal(by))
    return await _through(stage, by, answers)


async def _through(stage: Stage, by: str, answers: dict[str, str]) -> str:
    """Answer each page with what is known of it; tick the review; give back the reference of the receipt."""
    for _ in range(40):
        view = stage.workspace.modal(by)
        assert view is not None
        if view.content.get("callback_id") == "notice":
            found = REF.search(view.shown)
            await stage.people.close(by)
            return found[0] if found else ""
        if "submit" not in view.content:
            await stage.pressed(by, "Send")
            continue
        names = [block["block_id"] for block in view.blocks if block["type"] == "input"]
        ticks = {n: "yes" for n in names if n not in answers and _is_tick(view, n)}
        await stage.step(by, **{name: answers[name] for name in names if name in answers}, **ticks)
    raise AssertionError("the form does not end")


def _is_tick(view: View, name: str) -> bool:
    block = next(block for block in view.blocks if block.get("block_id") == name)
    return bool(block["element"]["type"] == "checkboxes" and not block.get("optional"))


async def every_form(stage: Stage) -> dict[str, str]:
    """Report, declaration, reason, question and check of one's accounts: each is filed, by different people."""
    return {
        "report": await report(stage),
        "declare": await form(stage, DAN, "Declare a contact", DECLARED),
        "justify": await form(stage, NADIA, "Tell leadership why", JUSTIFIED),
        "question": await form(stage, DAN, "Ask leadership", ASKED),
        "check": await form(stage, NADIA, "Check my accounts", CHECKED),
    }


# Handling


async def handled(stage: Stage, ref: str) -> None:
    """From the pointer in the channel: opened, taken, given on, answered, closed; its reporter hears of each."""
    await stage.settled()
    pointer = await stage.until(
        lambda: next((m for m in stage.channel(LEADERS) if ref in m.shown and "Report" in m.shown), None)
    )
    assert "Jordan" not in pointer.shown + pointer.text
    assert "Priya" not in pointer.shown + pointer.text
    await stage.people.press(SAM, "Open", pointer)
    await stage.shows(SAM, ref, SECRET)
    await stage.pressed(SAM, "I'll take this")
    await stage.shows(SAM, "Sam Carter has it")
    await stage.told(PRIYA, ref, "has been taken")
    await stage.pressed(SAM, "More")
    await stage.pressed(SAM, "Give it to somebody else")
    await stage.step(SAM, to="amara")
    await stage.shows(SAM, "Amara Okafor has it")
    notice = await stage.told(AMARA, ref)
    await stage.people.press(AMARA, "Open", notice)
    await stage.shows(AMARA, SECRET)
    await stage.pressed(AMARA, "I'll take this")
    await stage.pressed(AMARA, "Reply")
    await stage.step(AMARA, words="Thank you. You did the right thing.")
    await stage.told(PRIYA, ref, "There is a reply")
    await stage.pressed(AMARA, "Close the case")
    await stage.step(AMARA, outcome="Advice given", words="Declined at once, privacy checked.")
    await stage.shows(AMARA, "closed")
    closed = await stage.told(PRIYA, ref, "closed")
    await stage.people.press(PRIYA, "Open", closed)
    view = await stage.shows(PRIYA, "You did the right thing.")
    assert "privacy checked" not in view.shown


async def refused(stage: Stage, ref: str) -> None:
    """Somebody without rights who presses the very same button learns nothing."""
    pointer = next(m for m in stage.channel(LEADERS) if ref in m.shown)
    await stage.people.press(DAN, "Open", pointer)
    await stage.settled()
    told = await stage.until(lambda: next((t for t in _for(stage, DAN) if "isn't yours to open" in t), None))
    assert SECRET not in told
    assert all(SECRET not in text and ref not in text for text in _for(stage, DAN))


def _for(stage: Stage, user: str) -> list[str]:
    """Everything of Charter's that one person alone has before them."""
    view = stage.workspace.modal(user)
    mine = [m for m in stage.workspace.messages if m.only_for == user]
    mine += [m for m in stage.workspace.seen_by(user) if m.channel[0] == "D"]
    return [*(m.shown for m in mine), *([view.shown] if view else [])]


async def homes(stage: Stage, ref: str) -> None:
    """Staff see their own cases; leaders the queue too, with this case in it; nobody else sees a trace."""
    for user in (PRIYA, DAN, SAM, RUTH, AMARA, HELEN, NADIA):
        await stage.people.home(user)
    await stage.settled()
    await stage.until(lambda: {PRIYA, DAN, SAM, RUTH, AMARA, HELEN, NADIA} <= stage.workspace.homes.keys())
    shown = {user: home.shown for user, home in stage.workspace.homes.items()}
    assert all("Report a concern" in text for text in shown.values())
    assert {user for user, text in shown.items() if "Cases for you" in text} == {SAM, RUTH, AMARA, HELEN}
    assert {user for user, text in shown.items() if ref in text} == {PRIYA, SAM, RUTH, AMARA, HELEN}
