"""Every rule and every unsettled matter of the guidance, asked through the one door.

The expectations in the TOML files beside this one were written from the guidance, not from the decision table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from bot.cases.desk import Desk
from bot.cases.routing import Roster
from bot.model import Choice, Outcome, Platform, Pressed, Reply, Room, Said
from bot.render.words import TemplateWords
from bot.settings import EXAMPLE_SCHOOL, load_school
from bot.turn import Charter
from guidance_kb.facts import Facts, parse_facts
from guidance_kb.model import Offer, Verdict
from tests.fakes import FactsReader, FakeMemory, assemble
from tests.guidance import library
from tests.small_school import HandClock, MemoryCaseStore

HERE = Path(__file__).parent
RULES = {f"R{number:02}" for number in range(1, 62)}
UNSETTLED = {f"G{number:02}" for number in range(1, 46)}
SCHOOL = load_school(EXAMPLE_SCHOOL)
WORDS = TemplateWords.load()
STAFF = SCHOOL.people[0]
ROOM = Room(Platform.WEB, "chat")


@dataclass(frozen=True)
class Conversation:
    """What somebody says, what it tells, and what must come back.

    `asks_back` is a fact that the reply must ask for; with `asks_nothing` it must ask for none. `tells` are words that
    the answer must have.
    """

    id: str
    says: str
    facts: dict[str, str]
    verdict: tuple[Verdict, ...]
    cites: tuple[str, ...]
    offers: tuple[Offer, ...]
    asks_back: str | None = None
    asks_nothing: bool = False
    tells: str = ""
    alarm: bool = False

    @property
    def told(self) -> Facts:
        """The facts as the library knows them."""
        return parse_facts(self.facts)


def _read(name: str) -> tuple[Conversation, ...]:
    entries = tomllib.loads((HERE / name).read_text(encoding="utf-8"))["conversation"]
    return TypeAdapter(tuple[Conversation, ...]).validate_python(entries)


NUMBERED = (*_read("rules.toml"), *_read("unsettled.toml"))
CONVERSATIONS = (*NUMBERED, *_read("exceptions.toml"), *_read("senses.toml"))


def _charter(one: Conversation) -> Charter:
    clock = HandClock()
    desk = Desk(MemoryCaseStore(), Roster(SCHOOL.people), clock, SCHOOL.numbers())
    return assemble(FactsReader(one.told, one.alarm), library(), desk, FakeMemory(), SCHOOL, clock)


async def _said(charter: Charter, one: Conversation) -> Reply:
    reply = await charter.handle(Said(STAFF, ROOM, one.says))
    assert isinstance(reply, Reply)
    return reply


async def _pressed(charter: Charter, choice: Choice) -> Outcome:
    return await charter.handle(Pressed(STAFF, ROOM, choice.action))


def _leads(verdict: Verdict) -> set[str]:
    """The verdict lines that stand for a verdict, whatever its force."""
    names = {f"verdict_{verdict}"}
    if verdict in (Verdict.PROHIBITED, Verdict.REQUIRED):
        names.add(f"verdict_{verdict}_advice")
    return {WORDS.say(name) for name in names}


def _offer_actions(offers: tuple[Offer, ...]) -> Iterator[str]:
    apart = {Offer.SAFEGUARDING: "safety", Offer.CHECK_ACCOUNTS: "open:form:joiner_check"}
    return (apart.get(offer, f"open:form:{offer}") for offer in offers)


all_conversations = pytest.mark.parametrize("one", CONVERSATIONS, ids=lambda one: one.id)


@all_conversations
async def test_it_is_answered_with_the_right_ruling_paragraph_and_offer(one: Conversation) -> None:
    """The verdict line, one of the first two paragraphs and a next step are those that the guidance calls for."""
    reply = await _said(_charter(one), one)
    actions = {choice.action for choice in reply.choices}
    assert reply.lead in set().union(*map(_leads, one.verdict))
    assert {cited.id for cited in reply.citations[:2]} & set(one.cites)
    assert not one.offers or actions & set(_offer_actions(one.offers))
    assert one.asks_back is None or any(action.startswith(f"set:{one.asks_back}=") for action in actions)
    assert not one.asks_nothing or not any(action.startswith("set:") for action in actions)
    assert one.tells in " ".join(reply.body)
    assert bool(reply.safety) is one.alarm


@all_conversations
async def test_it_is_never_a_dead_end(one: Conversation) -> None:
    """The answer has words and a paragraph, an open or unwelcome one has a next step, and every button works."""
    charter = _charter(one)
    reply = await _said(charter, one)
    assert reply.body
    assert all(cited.words for cited in reply.citations)
    settled = set().union(*map(_leads, (Verdict.PERMITTED, Verdict.INFORMATION)))
    assert reply.choices or reply.lead in settled
    useless = {charter.talk.replies.plain(name).lead for name in ("out_of_date_button", "refused", "hand_over")}
    for choice in reply.choices:
        outcome = await _pressed(charter, choice)
        assert not isinstance(outcome, Reply) or outcome.lead not in useless


@all_conversations
async def test_it_asks_back_only_for_what_is_untold_and_would_change_the_ruling(one: Conversation) -> None:
    """A fact that was told is not asked for again, and telling one that was not leads to another ruling."""
    charter = _charter(one)
    reply = await _said(charter, one)
    taps = [choice for choice in reply.choices if choice.action.startswith("set:")]
    assert not {tap.action.removeprefix("set:").partition("=")[0] for tap in taps} & set(one.facts)
    answers = [await _pressed(charter, tap) for tap in taps]
    rulings = {(reply.lead, reply.citations[:1])}
    rulings |= {(answer.lead, answer.citations[:1]) for answer in answers if isinstance(answer, Reply)}
    assert not taps or len(rulings) > 1


@pytest.mark.parametrize("one", NUMBERED, ids=lambda one: one.id)
def test_it_is_ruled_by_a_row_that_stands_for_it(one: Conversation) -> None:
    """The row that rules names the rule or unsettled matter among those that it covers."""
    row = library().rule(one.told)
    assert row is not None
    assert one.id in row.covers


def test_every_rule_and_unsettled_matter_is_asked() -> None:
    """Nothing in the guidance's list of rules and open matters goes without a conversation."""
    assert {one.id for one in NUMBERED} >= RULES | UNSETTLED


def test_no_two_conversations_share_an_id_or_their_words() -> None:
    """Each conversation is one of its own."""
    assert len({one.id for one in CONVERSATIONS}) == len(CONVERSATIONS)
    assert len({one.says.casefold() for one in CONVERSATIONS}) == len(CONVERSATIONS)


@pytest.mark.parametrize(("age", "verdict"), [("under_18", Verdict.PROHIBITED), ("adult", Verdict.REFER)])
async def test_telling_the_age_settles_a_former_students_request(age: str, verdict: Verdict) -> None:
    """One tap on the age that was asked for gives the ruling for that age."""
    one = next(one for one in CONVERSATIONS if one.id == "G02")
    charter = _charter(one)
    await _said(charter, one)
    reply = await _pressed(charter, Choice("", f"set:age={age}"))
    assert isinstance(reply, Reply)
    assert reply.lead in _leads(verdict)
