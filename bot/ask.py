"""One question from the command line, as a chat message would go: nothing is stored."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.consider import Consider, Considered
from bot.decide import Answer, AskWhich, Decision, HandOver, NotMine, OfferForm, SafetyFirst, SmallTalk
from bot.model import ConversationState, Reply
from bot.replies import Replies, describe
from guidance_kb.model import Situation, Verdict
from intents.model import Intent


@dataclass(frozen=True)
class Asked:
    """What came of a conversation's last message; `ms` is reading, deciding and rendering it, in milliseconds."""

    considered: Considered
    reply: Reply
    text: str
    ms: float


def ask(turns: Sequence[str], consider: Consider, replies: Replies) -> Asked:
    """Take a conversation's messages in order and answer the last. Raises ValueError when there are none."""
    if not turns:
        raise ValueError("a conversation needs at least one message")
    state = ConversationState()
    for message in turns:
        start = time.perf_counter()
        considered = consider.message(message, state)
        reply = replies.reply(considered.decision)
        text = as_text(reply)
        ms = (time.perf_counter() - start) * 1000
        state = considered.state
    return Asked(considered, reply, text, ms)


def as_json(asked: Asked) -> dict[str, object]:
    """The line that `ask --json` and `ask --batch` print, without its id."""
    decision = asked.considered.decision
    ruled = _ruled(decision)
    row = ruled.situation if isinstance(ruled, Answer) else None
    options = ruled.options if isinstance(ruled, AskWhich) else ruled.others if isinstance(ruled, Answer) else ()
    facts = ruled.facts if isinstance(ruled, Answer) else {}
    return {
        "intent": str(_intent(decision)),
        "verdict": row and str(row.verdict),
        "force": row and str(row.force),
        "citations": [cited.id for cited in asked.reply.citations],
        "answered": row is not None,
        "urgent": bool(asked.reply.safety),
        "escalate": _escalates(decision, row),
        "facts": {name: str(value) for name, value in facts.items()},
        "options": [_option(option) for option in options],
        "text": asked.text,
        "ms": round(asked.ms, 3),
    }


def as_text(reply: Reply) -> str:
    """A reply as plain text, in the order it is read."""
    understood = "I understood: " + ", ".join(fact.words for fact in reply.understood) if reply.understood else ""
    cited = [f"{c.section}, paragraph {c.paragraph} ({c.force}): {c.quote or c.words}" for c in reply.citations]
    choices = " ".join(f"[{choice.label}]" for choice in reply.choices)
    return "\n".join(
        filter(None, [*reply.safety, reply.lead, *reply.body, understood, *cited, choices, reply.footnote])
    )


def _ruled(decision: Decision) -> Decision | None:
    return decision.then if isinstance(decision, SafetyFirst) else decision


def _intent(decision: Decision) -> Intent:
    """What the message was taken for."""
    match decision:
        case SafetyFirst(then=None):
            return Intent.URGENT
        case SafetyFirst(then=beneath) if beneath is not None:
            return _intent(beneath)
        case OfferForm(form):
            return form
        case SmallTalk():
            return Intent.HELP
        case NotMine():
            return Intent.OFF_TOPIC
    return Intent.QUESTION


def _escalates(decision: Decision, row: Situation | None) -> bool:
    """Whether the reply itself proposes a hand-over, beyond offering one among its buttons."""
    if isinstance(decision, SafetyFirst) or (row is not None and row.verdict is Verdict.REFER):
        return True
    return isinstance(decision, OfferForm | HandOver)


def _option(row: Situation) -> Mapping[str, object]:
    return {"label": describe(row), "verdict": str(row.verdict), "citations": list(row.clauses)}
