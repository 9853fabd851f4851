"""From a reading to a decision: what Charter does next. Pure; every threshold of the product stands here."""

from __future__ import annotations

from dataclasses import dataclass

from bot.weigh import Weighed, weigh
from guidance_kb.facts import Facts, FactValue, Who
from guidance_kb.library import Library
from guidance_kb.model import Situation, Verdict
from intents.model import Courtesy, Intent, Reading


@dataclass(frozen=True)
class Thresholds:
    """Where lines are drawn between answering, asking which, and passing on. Chosen on held-out writers.

    `second_opinion` is the weight of the reader's own rows against the table's (0 to 1). A ruling below `sure` is put to
    the person as a choice when the next one has at least `close` of its probability; one that permits, when what
    prohibits has at least `danger` of it; any, when the message is a question at all with less than `question`, or has
    nothing to do with the guidance with at least `foreign`. Below `floor` nothing is ruled.
    An answer names the other rulings that have at least `doubt` of its probability, at most `others` of them.
    `declares` is how many times the probability of a declaration counts: they are rare, so the reader expects few, and one
    that is taken for a question stays undeclared, while a form that is offered in vain costs a look.
    `told` is how probable a fact must be to be shown as understood. `choices` is the most that are offered, `worth` what
    each must have of the likeliest's probability.
    """

    second_opinion: float = 0.5
    sure: float = 0.5
    close: float = 0.45
    danger: float = 0.05
    doubt: float = 0.05
    question: float = 0.4
    foreign: float = 0.035
    declares: float = 3.0
    floor: float = 0.05
    told: float = 0.5
    choices: int = 4
    worth: float = 0.01
    others: int = 3


# What Charter may do


@dataclass(frozen=True)
class Answer:
    """A ruling, with the facts it stands on, and others that may have been meant."""

    situation: Situation
    facts: Facts
    others: tuple[Situation, ...] = ()


@dataclass(frozen=True)
class AskWhich:
    """Two rulings are close: the person says which it is."""

    options: tuple[Situation, ...]


@dataclass(frozen=True)
class OfferForm:
    """The message wants to be recorded rather than answered."""

    form: Intent


@dataclass(frozen=True)
class HandOver:
    """No ruling: leadership is the one to ask."""


@dataclass(frozen=True)
class SmallTalk:
    """Greeting, thanks, status, what can you do."""

    courtesy: Courtesy


@dataclass(frozen=True)
class NotMine:
    """Nothing to do with the guidance."""


@dataclass(frozen=True)
class SafetyFirst:
    """Somebody may be in danger: the safety card leads. `then` is what follows beneath it."""

    adult: bool
    then: Answer | AskWhich | OfferForm | HandOver | None = None


Decision = Answer | AskWhich | OfferForm | HandOver | SmallTalk | NotMine | SafetyFirst


_FORMS = frozenset({Intent.REPORT, Intent.JUSTIFY, Intent.DECLARE})


def decide(reading: Reading, fixed: Facts, library: Library, lines: Thresholds) -> Decision:
    """What to do about a message. `fixed` are facts that the person set by hand; they beat the reading."""
    if fixed:
        return _ruling(reading, fixed, library, lines)
    beneath = _beneath(reading, library, lines)
    if not reading.risk.alarm:
        return beneath
    return SafetyFirst(reading.risk.adult, None if isinstance(beneath, SmallTalk | NotMine | SafetyFirst) else beneath)


def _beneath(reading: Reading, library: Library, lines: Thresholds) -> Decision:
    """The decision as it would be if nobody were at risk."""
    match kind := _kind(reading, lines):
        case Intent.QUESTION:
            return _ruling(reading, {}, library, lines)
        case Intent.REPORT | Intent.JUSTIFY | Intent.DECLARE:
            return OfferForm(kind)
        case Intent.URGENT:
            return SafetyFirst(reading.risk.adult)
        case Intent.HELP:
            return SmallTalk(reading.courtesy or Courtesy.ABOUT)
        case Intent.OFF_TOPIC:
            return NotMine()


def _kind(reading: Reading, lines: Thresholds) -> Intent:
    """The likeliest intent, with declarations made up for."""
    weights = {Intent.DECLARE: lines.declares}
    return max(reading.intents, key=lambda intent: reading.intents[intent] * weights.get(intent, 1.0))


def _ruling(reading: Reading, fixed: Facts, library: Library, lines: Thresholds) -> Answer | AskWhich | HandOver:
    rulings = _by_ruling(weigh(reading, fixed, library, lines.second_opinion))
    if not rulings or rulings[0].probability < lines.floor:
        return HandOver()
    if (not fixed and _is_unsure(reading, lines)) or _is_close(rulings, lines) or _is_dangerous(rulings, lines):
        likely = [ruling for ruling in rulings if ruling.probability >= lines.worth * rulings[0].probability]
        return AskWhich(tuple(ruling.situation for ruling in likely[: lines.choices]))
    first, *rest = rulings
    others = [other.situation for other in rest if other.probability >= lines.doubt * first.probability]
    facts = understood(reading, fixed, first.situation, lines)
    return Answer(first.situation, facts, tuple(others[: lines.others]))


def _is_unsure(reading: Reading, lines: Thresholds) -> bool:
    """Whether it may be no question for the guidance at all."""
    asks, foreign = reading.intents.get(Intent.QUESTION, 0.0), reading.intents.get(Intent.OFF_TOPIC, 0.0)
    return asks < lines.question or foreign >= lines.foreign


def _is_close(rulings: list[Weighed], lines: Thresholds) -> bool:
    first, *others = rulings
    return bool(others) and first.probability < lines.sure and others[0].probability > lines.close * first.probability


def _is_dangerous(rulings: list[Weighed], lines: Thresholds) -> bool:
    """Whether "allowed" would be said of what may well be prohibited: the worst answer of all."""
    first, *others = rulings
    if first.situation.verdict is not Verdict.PERMITTED:
        return False
    prohibited = sum(other.probability for other in others if other.situation.verdict is Verdict.PROHIBITED)
    return prohibited > lines.danger * first.probability


def _by_ruling(weighed: tuple[Weighed, ...]) -> list[Weighed]:
    """Rows joined by what they rule: the likeliest row of each verdict and deciding paragraph, with their sum."""
    joined: dict[tuple[str, str], Weighed] = {}
    for one in weighed:
        ruling = (one.situation.verdict, one.situation.clauses[0])
        before = joined.get(ruling)
        joined[ruling] = Weighed(before.situation, before.probability + one.probability) if before else one
    return sorted(joined.values(), key=lambda ruling: -ruling.probability)


_GROWN_UP = frozenset({Who.PARENT, Who.COLLEAGUE, Who.PUBLIC, Who.SELF})
"""An age that was told is not theirs: it is that of the student or former student."""


def understood(reading: Reading, fixed: Facts, situation: Situation, lines: Thresholds) -> Facts:
    """The facts an answer stands on: those its row demands, and those told clearly enough to be worth correcting."""
    facts: dict[str, FactValue] = {}
    for name, told in reading.facts.items():
        allowed = situation.when.get(name)
        best = max(
            (v for v in told if v is not None and (not allowed or v in allowed)), key=lambda v: told[v], default=None
        )
        if name in fixed:
            facts[name] = fixed[name]
        elif best is not None and (allowed or told[best] >= lines.told):
            facts[name] = best
    if "age" not in situation.when and facts.get("who") in _GROWN_UP:
        facts.pop("age", None)
    return facts
