"""A question to leadership: the asker edits it, chooses whether it bears their name, and sees exactly what is posted."""

from __future__ import annotations

import re

from bot.cases.model import About, Filing, Kind
from bot.dialogs.form import Context, Form, Step, Values
from bot.model import Field, FieldKind, Option

QUESTION = Field(
    "question",
    "What would you like to ask leadership?",
    FieldKind.LONG_TEXT,
    hint="It will stand in the leadership channel, so please leave names out.",
    limit=1500,
)
NAMED = Field(
    "named",
    "Should your name stand beside it?",
    FieldKind.ONE_OF,
    (Option("no", "No: “a member of staff” asks"), Option("yes", "Yes, with my name")),
    hint="The people who answer can see who asked either way, so that the reply reaches you.",
)

_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Sir|Mister)\.? [A-Z][\w'’-]+")


def steps(_values: Values, _context: Context) -> tuple[Step, ...]:
    """Two questions, then the exact text."""
    return (Step("question", (QUESTION,)), Step("named", (NAMED,)))


def filing(draft: str, values: Values, context: Context) -> Filing:
    """The filing: `public_text` is what the channel shows, word for word."""
    return Filing(
        draft=draft,
        kind=Kind.QUESTION,
        about=About.NOBODY,
        reporter=context.person,
        answers={QUESTION.label: values.get("question", "")},
        public_text=public_text(values, context),
    )


def public_text(values: Values, context: Context) -> str:
    """What stands in the channel."""
    by = context.person.name if values.get("named") == "yes" else "A member of staff"
    return f"{by} asks: {values.get('question', '')}"


def names_in(text: str, context: Context) -> tuple[str, ...]:
    """Names that seem to stand in the text: people on the roster, and titles with a surname."""
    known = [p.name for p in context.school.people if re.search(rf"\b{re.escape(p.name)}\b", text, re.IGNORECASE)]
    return tuple(dict.fromkeys([*known, *_TITLED.findall(text)]))


def _note(values: Values, context: Context) -> tuple[str, ...]:
    names = names_in(values.get("question", ""), context)
    warning = f"This seems to name somebody: {', '.join(names)}. Go back to take names out unless they are needed."
    return (
        "This is exactly what the leadership channel will show:",
        public_text(values, context),
        *([warning] if names else []),
    )


ASK_LEADERSHIP = Form("ask_leadership", "Ask leadership", steps, filing, _note, carry=QUESTION)
