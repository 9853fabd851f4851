"""Charter's main job in Microsoft's own Playground, over HTTP: ask, put right, file, hand over, act, and be refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.model import Sent
from tests.filling import MOST_PAGES, STORY, TOLD
from tests.teams.playground import BOT, PERSONAL, Playground, playground
from tests.teams.school import CHANNEL, buttons, card, fields, words


@pytest.fixture
async def teams(tmp_path: Path) -> AsyncIterator[Playground]:
    """A Playground with Charter behind it."""
    async with playground(tmp_path) as made:
        yield made


def fill(message: dict[str, Any]) -> dict[str, str]:
    """An answer for each field of a card: what leads to a calm report about a student, else words, first choice, a tick."""
    found = {}
    for name, one in fields(message).items():
        if one["label"].endswith("(optional)"):
            continue
        told = {**TOLD, **STORY}.get(name.partition(":")[2])
        match one["type"]:
            case "Input.Text":
                found[name] = one.get("value") or told or "May we use the new app?"
            case "Input.Toggle":
                found[name] = "yes"
            case _:
                found[name] = one.get("value") or told or one["choices"][0]["value"]
    return found


async def file(teams: Playground, command: str) -> str:
    """Fill in a form, card after card in the chat; the reference on its receipt."""
    await teams.say(PERSONAL, command)
    place, message = await teams.shown()
    first = message["messageId"]
    for _ in range(MOST_PAGES):
        send = buttons(message).get("Next") or buttons(message).get("Send")
        if send is None:
            break
        await teams.press(message, {**send, **fill(message)})
        place, message = await teams.shown()
        assert (place, message["messageId"]) == (PERSONAL, first), "each step takes the place of the one before"
    return words(card(message)).split("Your reference is ")[1].split(".")[0]


async def test_a_question_is_answered_and_put_right(teams: Playground) -> None:
    """Asked in the chat, answered there; a tap asks again in place and a second tap answers anew."""
    await teams.say(PERSONAL, "A student wants to follow me")
    place, answer = await teams.shown()
    assert place == PERSONAL
    assert "Not allowed by the guidance" in words(card(answer))
    change = next(data for data in buttons(answer).values() if data.get("action") == "correct:who")
    await teams.press(answer, change)
    _, asked = await teams.shown()
    assert (asked["messageId"], "Who is it about?" in words(card(asked))) == (answer["messageId"], True)
    await teams.press(asked, buttons(asked)["A parent"])
    _, again = await teams.shown()
    assert again["messageId"] == answer["messageId"]
    assert "a parent" in words(card(again))


async def test_a_mention_in_a_channel_is_answered_in_private(teams: Playground) -> None:
    """The answer comes in the asker's own chat, and the thread learns only that there was one."""
    await teams.say(PERSONAL, "A student wants to follow me")
    await teams.shown()
    await teams.say(CHANNEL, "<at>Charter</at> A student wants to be my friend")
    (chat, answer), (thread, told) = await teams.shown(), await teams.shown()
    assert (chat, "Not allowed" in words(card(answer))) == (PERSONAL, True)
    assert thread.startswith(f"{CHANNEL};messageid=")
    assert words(card(told)) == "I've answered in our own chat, so that nobody else sees it."


async def test_a_message_action_asks_and_is_put_right(teams: Playground) -> None:
    """Ask Charter on a post: the dialog answers, and answers anew; the asker's chat keeps each answer, the channel none."""
    await teams.say(PERSONAL, "hello")
    await teams.shown()
    post = await teams.say(CHANNEL, "A student wants to follow me")
    message = {"body": {"contentType": "html", "content": "<div>A student wants to follow me</div>"}}
    value: dict[str, Any] = {"commandId": "askCharter", "messagePayload": message}
    answer = await teams.invoke(post, "fetchTask", value)
    assert "Not allowed by the guidance" in words(card(answer))
    change = next(data for data in buttons(answer).values() if data.get("action") == "correct:who")
    asked = await teams.invoke(post, "submitAction", {**value, "data": change})
    assert "Who is it about?" in words(card(asked))
    again = await teams.invoke(post, "submitAction", {**value, "data": buttons(asked)["A parent"]})
    assert "a parent" in words(card(again))
    kept = [await teams.shown() for _ in (answer, asked, again)]
    assert [place for place, _ in kept] == [PERSONAL] * len(kept)
    assert [card(told)["speak"] for _, told in kept] == [card(told)["speak"] for told in (answer, asked, again)]
    with pytest.raises(TimeoutError):
        await teams.shown(1)


@pytest.mark.parametrize("command", ["Report", "Ask leadership", "Declare", "Justify"])
async def test_every_form_is_filed(teams: Playground, command: str) -> None:
    """In cards, one in place of the other, as where no dialog can be had."""
    ref = await file(teams, command)
    assert ref in teams.school.store.cases


async def test_a_question_goes_to_leadership_and_back(teams: Playground) -> None:
    """Pointer in the channel, opened, taken, given on, taken, answered, closed: its card is put right for everybody."""
    ref = await file(teams, "Ask leadership")
    assert any(isinstance(one, Sent) for one in await teams.school.deliver())
    thread, pointer = await teams.shown()
    assert thread.startswith(CHANNEL)
    assert ref in words(card(pointer))
    handled = Handled(teams, thread, pointer)
    await handled.open("sam")
    await handled.press("I'll take this")
    await handled.card_says("Sam Carter has it")
    await handled.press("More")
    await handled.press("Give it to somebody else")
    await handled.press("Give it", {"field:to": "amara"})
    await handled.card_says("Amara Okafor has it")
    await handled.open("amara")
    await handled.press("I'll take this")
    await handled.press("Reply")
    await handled.press("Send reply", {"field:words": "Yes, you may."})
    await handled.press("Close the case")
    await handled.press("Close the case", {"field:words": "Answered.", "field:outcome": "Question answered"})
    assert teams.school.store.cases[ref].state == "closed"
    assert "closed" in words(card(handled.shown))


class Handled:
    """A case as leaders work on it: dialogs posted straight to Charter, and its card as the Playground shows it."""

    def __init__(self, teams: Playground, thread: str, pointer: dict[str, Any]) -> None:
        self._teams, self._thread, self._pointer = teams, thread, pointer
        self._where = {
            "conversation": {"id": thread, "conversationType": "channel"},
            "replyToId": pointer["messageId"],
            "recipient": {"id": BOT},
        }
        self._by = ""
        self.shown: dict[str, Any] = {}

    async def open(self, person: str) -> None:
        """Press the button of the card."""
        self._by = person
        self.shown = await self._sent("task/fetch", buttons(self._pointer)["Open"])

    async def press(self, label: str, typed: dict[str, str] | None = None) -> None:
        """Press a button of the dialog that is open; what it sends is delivered."""
        self.shown = await self._sent("task/submit", {**buttons(self.shown)[label], **(typed or {})})
        await self._teams.school.deliver()

    async def card_says(self, told: str) -> None:
        """Wait for the card in the channel, the same message for everybody, to say this."""
        for _ in range(20):
            place, message = await self._teams.shown()
            here = (place, message["messageId"]) == (self._thread, self._pointer["messageId"])
            if here and told in words(card(message)):
                return
        raise AssertionError("the card was not put right")

    async def _sent(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = await self._teams.school.invoke(self._by, name, {"data": data}, **self._where)
        return found


async def test_a_person_without_rights_is_refused(teams: Playground) -> None:
    """An activity posted straight to the bot, with a card's button copied: nothing of the case comes back."""
    ref = await file(teams, "Ask leadership")
    for person in ("dan", "somebody-else"):
        asked = {"data": {"do": "press", "action": f"open:case:{ref}"}}
        body = await teams.school.invoke(person, "task/fetch", asked)
        assert "May we use the new app?" not in str(body)
        assert ref not in words(card(body))
