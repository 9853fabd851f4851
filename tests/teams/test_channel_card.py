"""The card of a case in the leadership channel: right after every action, news or no news, and mute when it must be."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.cases.model import About
from tests.teams.school import PEOPLE, School, buttons, card, school, words
from tests.teams.test_playground import fill

OUT_OF_SIGHT = "Case {} is handled elsewhere.\nThere is nothing to do here."


@pytest.fixture
async def oakfield() -> AsyncIterator[School]:
    """A school with Charter running."""
    async with school() as made:
        yield made


async def _reported(oakfield: School) -> str:
    """A report about a student, whose pointer stands in the channel."""
    [shown] = await oakfield.say("priya", "Report")
    while send := buttons(shown).get("Next") or buttons(shown).get("Send"):
        [shown] = await oakfield.press("priya", {**send, **fill(shown)})
    await oakfield.deliver()
    return words(card(shown)).split("Your reference is ")[1].split(".")[0]


def _card(oakfield: School) -> str:
    """What the newest change of a message in the channel says."""
    changes = [sent for method, path, sent in oakfield.microsoft.calls if method == "PUT" and "19:slt" in path]
    return words(card(changes[-1])) if changes else ""


async def _send(oakfield: School, person: str, ref: str, action: str, **values: str) -> None:
    page = f"case:{ref}:{action}"
    fields = {f"field:{name}": value for name, value in values.items()}
    data = {"do": "submit", "page": page, "action": "send", **fields}
    await oakfield.invoke(person, "task/submit", {"data": data})
    await oakfield.deliver()


async def test_a_change_without_news_puts_the_card_right(oakfield: School) -> None:
    """Sam takes over what Ruth has, and makes it less urgent: nobody is written to, and the card says it."""
    ref = await _reported(oakfield)
    await oakfield.desk.acknowledge(ref, PEOPLE["ruth"])
    await _send(oakfield, "sam", ref, "assign", to="sam")
    assert "Sam Carter has it" in _card(oakfield)
    assert "Ruth" not in _card(oakfield)


async def test_a_card_whose_channel_may_know_no_more_says_so_and_nothing_else(oakfield: School) -> None:
    """The report is about a leader who reads the channel: kind, owner and the way to open it are gone for everybody."""
    ref = await _reported(oakfield)
    await _send(oakfield, "sam", ref, "reroute", about=About.SLT_OR_DSL, subject="ruth", words="It is about Ruth.")
    assert _card(oakfield) == OUT_OF_SIGHT.format(ref)
    await oakfield.desk.acknowledge(ref, PEOPLE["helen"])
    oakfield.cards.mark(ref)
    await oakfield.deliver()
    assert _card(oakfield) == OUT_OF_SIGHT.format(ref)


async def test_every_card_of_a_case_is_put_right(oakfield: School) -> None:
    """Sent another way within the channel a case has two; when the channel may know no more, neither tells anything."""
    ref = await _reported(oakfield)
    await _send(oakfield, "sam", ref, "reroute", about=About.PARENT, subject="", words="It is about a parent.")
    pointers = await oakfield.outbox.cards(ref)
    assert len(pointers) == 2
    await _send(oakfield, "sam", ref, "reroute", about=About.SLT_OR_DSL, subject="ruth", words="It is about Ruth.")
    changes = {path: sent for method, path, sent in oakfield.microsoft.calls if method == "PUT" and "19:slt" in path}
    assert [words(card(sent)) for sent in changes.values()] == [OUT_OF_SIGHT.format(ref)] * 2


async def test_a_form_sent_again_under_another_id_to_another_process_is_filed_once(oakfield: School) -> None:
    """Repeats under a new id are known within one process; beyond it the draft, filed once, is what tells them apart."""
    [shown] = await oakfield.say("priya", "Ask leadership")
    data = {}
    while send := buttons(shown).get("Next") or buttons(shown).get("Send"):
        data = {**send, **fill(shown)}
        [shown] = await oakfield.press("priya", data)
    oakfield.teams.transport._turns._last.clear()
    [again] = await oakfield.press("priya", data)
    assert len(oakfield.store.cases) == 1
    assert "Your reference is" in words(card(again))
