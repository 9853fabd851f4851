"""From readings to decisions: when Charter answers, asks which, hands over, or puts safety first."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.decide import Answer, AskWhich, HandOver, NotMine, OfferForm, SafetyFirst, SmallTalk, Thresholds, decide
from bot.weigh import weigh
from guidance_kb.facts import VOCABULARY, FactValue, parse_facts
from guidance_kb.model import Verdict
from intents.model import Courtesy, Intent, Reading, Risk, Told
from tests.guidance import library

LIBRARY = library()
LINES = Thresholds()
CALM = Risk(alarm=False, probability=0.0)
ALARM = Risk(alarm=True, probability=0.9)


def told(**chances: Mapping[str, float]) -> dict[str, Told]:
    """Fact probabilities; what is left over was not told."""
    facts: dict[str, Told] = {}
    for name in VOCABULARY:
        values = chances.get(name, {})
        known: dict[FactValue | None, float] = {parse_facts({name: v})[name]: p for v, p in values.items()}
        facts[name] = {**known, None: 1 - sum(values.values())}
    return facts


def reading(
    intent: Intent = Intent.QUESTION,
    risk: Risk = CALM,
    situations: Mapping[str, float] | None = None,
    **chances: Mapping[str, float],
) -> Reading:
    """A reading with one sure intent."""
    return Reading({intent: 1.0}, risk, told(**chances), situations or {})


FRIEND = {"matter": {"connect": 1.0}, "who": {"student": 1.0}}


def test_sure_facts_are_answered_by_their_row() -> None:
    """A friend request from a student is answered: prohibited."""
    decision = decide(reading(**FRIEND), {}, LIBRARY, LINES)
    assert isinstance(decision, Answer)
    assert decision.situation.verdict is Verdict.PROHIBITED


def test_the_exception_beats_its_rule() -> None:
    """The asker's own child turns the same request into permitted."""
    decision = decide(reading(**FRIEND, tie={"own_child": 1.0}), {}, LIBRARY, LINES)
    assert isinstance(decision, Answer)
    assert decision.situation.verdict is Verdict.PERMITTED


def test_two_close_rulings_are_put_to_the_person() -> None:
    """Torn between a student, a parent and a colleague, Charter asks rather than guesses."""
    torn = reading(matter={"connect": 1.0}, who={"student": 0.34, "parent": 0.33, "colleague": 0.33})
    decision = decide(torn, {}, LIBRARY, LINES)
    assert isinstance(decision, AskWhich)
    assert 2 <= len(decision.options) <= LINES.choices
    rulings = [(row.verdict, row.clauses[0]) for row in decision.options]
    assert len(set(rulings)) == len(rulings)


def test_allowed_is_not_said_of_what_may_well_be_prohibited() -> None:
    """Own child at two in three, student at one in three: Charter asks which, for a wrong "allowed" is the worst answer."""
    decision = decide(reading(**FRIEND, tie={"own_child": 0.66}), {}, LIBRARY, LINES)
    assert isinstance(decision, AskWhich)
    assert {row.verdict for row in decision.options} >= {Verdict.PERMITTED, Verdict.PROHIBITED}


def test_without_a_matter_leadership_is_offered() -> None:
    """When no row can be meant, nothing is made up."""
    assert decide(reading(), {}, LIBRARY, LINES) == HandOver()


@pytest.mark.parametrize("intent", [Intent.REPORT, Intent.JUSTIFY, Intent.DECLARE])
def test_tellings_are_offered_their_form(intent: Intent) -> None:
    """Who wants to record something gets the form, not an answer."""
    assert decide(reading(intent, **FRIEND), {}, LIBRARY, LINES) == OfferForm(intent)


def test_small_talk_and_other_matters_have_their_own_decision() -> None:
    """Help and off-topic are not dead ends and not rulings."""
    assert decide(reading(Intent.HELP), {}, LIBRARY, LINES) == SmallTalk(Courtesy.ABOUT)
    assert decide(reading(Intent.OFF_TOPIC), {}, LIBRARY, LINES) == NotMine()


@pytest.mark.parametrize("intent", list(Intent))
def test_an_alarm_leads_whatever_is_asked(intent: Intent) -> None:
    """Danger comes first, in every intent."""
    assert isinstance(decide(reading(intent, ALARM, **FRIEND), {}, LIBRARY, LINES), SafetyFirst)


def test_an_urgent_message_is_safety_first_without_the_alarm() -> None:
    """The intent alone is enough."""
    assert isinstance(decide(reading(Intent.URGENT), {}, LIBRARY, LINES), SafetyFirst)


def test_a_question_under_alarm_is_still_answered_beneath() -> None:
    """A false alarm costs a card, not the answer."""
    decision = decide(reading(risk=ALARM, **FRIEND), {}, LIBRARY, LINES)
    assert isinstance(decision, SafetyFirst)
    assert isinstance(decision.then, Answer)


def test_a_fact_set_by_hand_beats_the_reading() -> None:
    """A correction is certain, whatever the reader thought."""
    fixed = parse_facts({"who": "parent", "tie": "social_circle"})
    decision = decide(reading(situations={"student-connect": 0.99}, **FRIEND), fixed, LIBRARY, LINES)
    assert isinstance(decision, Answer)
    assert decision.situation.verdict is Verdict.CONDITIONAL
    assert decision.facts["who"] == "parent"


def test_a_second_opinion_on_rows_this_guidance_lacks_is_ignored() -> None:
    """A reader trained for another guidance does not break this one."""
    decision = decide(reading(situations={"no-such-row": 1.0}, **FRIEND), {}, LIBRARY, LINES)
    assert isinstance(decision, Answer)


_CHANCES = st.fixed_dictionaries(
    {},
    optional={
        name: st.dictionaries(st.sampled_from([str(v) for v in values]), st.floats(0, 0.25), max_size=3)
        for name, values in VOCABULARY.items()
    },
)


@given(_CHANCES, st.sampled_from(list(Intent)), st.booleans())
def test_every_reading_has_a_decision_and_probabilities_add_up(
    chances: dict[str, dict[str, float]], intent: Intent, alarm: bool
) -> None:
    """No reading is a dead end, and what is weighed is a distribution."""
    read = reading(intent, ALARM if alarm else CALM, **chances)
    decision = decide(read, {}, LIBRARY, LINES)
    assert isinstance(decision, SafetyFirst) or not alarm
    weighed = weigh(read, {}, LIBRARY, LINES.second_opinion)
    assert not weighed or abs(sum(one.probability for one in weighed) - 1) < 1e-6
