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


@pytest.mark.parametrize("command", ["Report", "Ask leadership", "Declare", "Justify"])
async def test_every_form_is_filed(teams: Playground, command: str) -> None:
    """In cards, one in place of the other, as where no dialog can be had."""
    ref = await file(teams, command)
    assert ref in teams.school.store.cases


async def test_a_question_goes_to_leadership_and_back(teams: Playground) -> None:
    """Pointer in the channel, opened, taken, given on, answered, closed: the card is put right for everybody each time."""
    ref = await file(teams, "Ask leadership")
    delivered = await teams.school.deliver()
    assert any(isinstance(one, Sent) for one in delivered)
    thread, pointer = await teams.shown()
    assert thread.startswith(CHANNEL)
    assert ref in words(card(pointer))
    where = {
        "conversation": {"id": thread, "conversationType": "channel"},
        "replyToId": pointer["messageId"],
        "recipient": {"id": BOT},
    }
    body = await teams.school.invoke("sam", "task/fetch", {"data": buttons(pointer)["Open"]}, **where)
    for label, typed, owner in (
        ("I'll take this", {}, "Sam Carter has it"),
        ("Reply", {"field:words": "Yes, you may."}, "Sam Carter has it"),
        ("Close the case", {"field:words": "Answered."}, "Sam Carter has it"),
    ):
        body = await teams.school.invoke("sam", "task/submit", {"data": buttons(body)[label]}, **where)
        if typed:
            send = next(iter(buttons(body).values()))
            body = await teams.school.invoke("sam", "task/submit", {"data": {**send, **fill(body), **typed}}, **where)
        assert owner in words(card(body))
    place, updated = thread, pointer
    for _ in range(20):
        place, updated = await teams.shown()
        if place == thread and "Sam Carter has it" in words(card(updated)):
            break
    assert (place, updated["messageId"]) == (thread, pointer["messageId"])
    assert teams.school.store.cases[ref].state == "closed"


async def test_a_person_without_rights_is_refused(teams: Playground) -> None:
    """An activity posted straight to the bot, with a card's button copied: nothing of the case comes back."""
    ref = await file(teams, "Ask leadership")
    for person in ("dan", "somebody-else"):
        asked = {"data": {"do": "press", "action": f"open:case:{ref}"}}
        body = await teams.school.invoke(person, "task/fetch", asked)
        assert "May we use the new app?" not in str(body)
        assert ref not in words(card(body))
