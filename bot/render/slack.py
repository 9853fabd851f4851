"""A reply as a Slack message or as the last view of a form. Pure; always within Slack's limits.

Read from top to bottom as `Reply` says: safety card, lead, body, facts, citations, choices, footnote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.model import Choice, Cited, Reply, Tone, Understood
from bot.render.slack_choices import button, choices, spoken_label
from bot.render.slack_text import (
    LONGEST_HEADER,
    LONGEST_ID,
    LONGEST_VALUE,
    Block,
    bullets,
    clean,
    context,
    divider,
    escaped,
    header,
    label,
    one_line,
    paragraphs,
    quote,
    rich,
    section,
    weight,
    within,
    words,
)

MOST_CHARACTERS = 12_000
"""The most text in one message: Slack was seen to refuse from about 13,200 characters."""

SAFETY = "safety"
"""The block_id of the safety card."""
SAFETY_TITLE = "🚨 Somebody may be at risk: ring first"

_SAFETY_ROOM = 2000
_LEAD_ROOM = 600
_FOOTNOTE_ROOM = 600
_CITED_ROOM = 3000
_MOST_CITED = 12
_MOST_FACTS = 10
_MARKS = {
    Tone.PLAIN: "",
    Tone.YES: "✅ ",
    Tone.NO: "⛔ ",
    Tone.AVOID: "⚠️ ",
    Tone.DO: "☑️ ",
    Tone.DEPENDS: "↔️ ",
    Tone.UNSETTLED: "❔ ",
}
"""A sign before the lead, for the quick eye; the words alone carry the meaning."""


@dataclass(frozen=True)
class Message:
    """What chat.postMessage takes. `text` is what a notification shows: never content."""

    text: str
    blocks: list[Block]


def message(reply: Reply, mark: str = "", carry: str = "") -> Message:
    """The reply as a message.

    `mark` becomes the first block's id, by which the message can be found again. `carry` is a question that may be
    continued in private: it goes back to its asker only.
    """
    blocks = _blocks(reply, extra=[*([_feedback()] if reply.citations else []), *([_carry_on(carry)] if carry else [])])
    if mark:
        blocks[0] = {**blocks[0], "block_id": mark[:LONGEST_ID]}
    return Message(escaped(one_line(reply.summary), 300) or "Charter has replied.", blocks)


def notice(reply: Reply) -> Block:
    """The reply as a modal that is only read: what a submitted form turns into."""
    return {
        "type": "modal",
        "callback_id": "notice",
        "title": label("Charter", 24),
        "close": label("Close", 24),
        "blocks": _blocks(reply),
    }


def quoted(lead: str, text: str) -> Message:
    """The asker's words, as the start of a thread in which they are answered."""
    said, _ = within([text], _CITED_ROOM)
    first = label(lead, LONGEST_HEADER)
    return Message(str(first["text"]), [context(lead, LONGEST_HEADER), rich(quote("\n".join(said) or "–"))])


def safety_card(lines: Sequence[str]) -> list[Block]:
    """The card that comes before everything else; nothing when there are no lines."""
    said, _ = within(lines, _SAFETY_ROOM)
    if not said:
        return []
    return [{**header(SAFETY_TITLE), "block_id": SAFETY}, rich(bullets(said)), divider()]


def _blocks(reply: Reply, extra: Sequence[Block] = ()) -> list[Block]:
    """Body and citations get the room that the parts which must be there leave."""
    top = [*safety_card(reply.safety), _lead(reply)]
    facts = _facts(reply.understood)
    end = [
        *choices(reply.choices),
        *([context(reply.footnote, _FOOTNOTE_ROOM)] if reply.footnote.strip() else []),
        *extra,
    ]
    room = MOST_CHARACTERS - weight([*top, *facts, *end])
    body, _ = within(reply.body, room // 2 if reply.citations else room)
    cited = _citations(reply.citations, room - sum(map(len, body)))
    return [*top, *paragraphs(body), *facts, *cited, *end]


def _lead(reply: Reply) -> Block:
    lead = _MARKS[reply.tone] + one_line(reply.lead)
    if len(escaped(lead, 1000)) <= LONGEST_HEADER:
        return header(lead)
    return rich(section(words("".join(within([lead], _LEAD_ROOM)[0]), "bold")))


def _facts(facts: Sequence[Understood]) -> list[Block]:
    shown = [it for it in facts if it.words.strip() and 0 < len(it.action) <= LONGEST_VALUE][:_MOST_FACTS]
    if not shown:
        return []
    elements = [
        {
            **button(Choice(it.words, it.action), f"do:fact{at}"),
            "accessibility_label": spoken_label(f"Change: {it.words}"),
        }
        for at, it in enumerate(shown)
    ]
    return [context("I understood this. Press one to put it right."), {"type": "actions", "elements": elements}]


def _citations(cited: Sequence[Cited], room: int) -> list[Block]:
    shown = cited[:_MOST_CITED]
    each = max(min(_CITED_ROOM, room // max(len(shown), 1)) - 150, 100)
    left = len(cited) - len(shown)
    return [*(_citation(it, each) for it in shown), *([context(f"And {left} more paragraphs.")] if left else [])]


def _citation(it: Cited, room: int) -> Block:
    where = f"{one_line(it.section)[:60]}, paragraph {it.paragraph}"
    said, _ = within([it.words], room // 2 if it.quote else room)
    first = section(
        words(where, "bold"), words(f"  {one_line(it.force)[:40]}\n", "italic"), words("".join(said) or "–")
    )
    exact, _ = within([it.quote or ""], room // 2)
    return rich(first, quote("".join(exact))) if exact else rich(first)


def _feedback() -> Block:
    """Slack's own pair of thumbs; which way is counted, and nothing else."""
    good = {"text": label("Helpful"), "value": "up", "accessibility_label": "This answer was helpful"}
    bad = {"text": label("Not helpful"), "value": "down", "accessibility_label": "This answer was not helpful"}
    pair = {"type": "feedback_buttons", "action_id": "feedback", "positive_button": good, "negative_button": bad}
    return {"type": "context_actions", "elements": [pair]}


def _carry_on(question: str) -> Block:
    made = button(Choice("Continue privately", clean(question)[:LONGEST_VALUE].strip() or "–"), "continue")
    return {"type": "actions", "elements": [made]}
