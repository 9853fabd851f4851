"""Two short forms about one's own conduct: declaring a contact, and giving the reason for departing from the guidance."""

from __future__ import annotations

from collections.abc import Callable

from bot.cases.model import About, Filing, Kind, NoRoute
from bot.dialogs.form import STOP, Context, Form, Step, Values, answers
from bot.dialogs.report import to_whom
from bot.model import Field, FieldKind, Option

DECLARED = (
    Field(
        "who",
        "Who is the contact with?",
        FieldKind.ONE_OF,
        (
            Option("parent", "A parent"),
            Option("student", "A student"),
            Option("leaver", "A former student"),
            Option("other", "Somebody else"),
        ),
    ),
    Field("name", "What is their name?", FieldKind.TEXT, limit=200),
    Field("how", "How do you know each other, and since when?", FieldKind.LONG_TEXT, limit=1500),
    Field(
        "online",
        "How are you in touch?",
        FieldKind.TEXT,
        hint="For example: Facebook friends, a club's group chat.",
        limit=300,
    ),
    Field("open", "Who already knows about it?", FieldKind.TEXT, required=False, limit=300),
)
JUSTIFIED = (
    Field(
        "taken",
        "Have you done it already?",
        FieldKind.ONE_OF,
        (Option("taken", "Yes, it is done"), Option("proposed", "No, I am thinking of it")),
    ),
    Field("what", "What did you do, or what would you like to do?", FieldKind.LONG_TEXT, limit=2000),
    Field("why", "Why was it, or would it be, the right thing?", FieldKind.LONG_TEXT, limit=2000),
    Field("when", "When?", FieldKind.TEXT, limit=200),
    Field("safe", "What keeps it safe and open? Who knows?", FieldKind.TEXT, required=False, limit=600),
)


def _own(kind: Kind, name: str, title: str, fields: tuple[Field, ...]) -> Form:
    """A form that is about the person who fills it in."""

    def filing(draft: str, values: Values, context: Context) -> Filing:
        put = answers(form, values, context) if draft else {}
        return Filing(draft, kind, About.SELF, context.person, put)

    def steps(values: Values, context: Context) -> tuple[Step, ...]:
        route = context.route(filing("", values, context))
        if isinstance(route, NoRoute):
            return (Step("no_route", intro=(_CANNOT_CARRY, *route.numbers), buttons=(STOP,), stop=True),)
        first, *others = fields
        return (Step(first.name, (first,), to_whom(route)), *(Step(one.name, (one,)) for one in others))

    form = Form(name, title, steps, filing, _note_for(filing))
    return form


def _note_for(filing: Callable[[str, Values, Context], Filing]) -> Callable[[Values, Context], tuple[str, ...]]:
    def note(values: Values, context: Context) -> tuple[str, ...]:
        route = context.route(filing("", values, context))
        return route.numbers if isinstance(route, NoRoute) else to_whom(route)

    return note


_CANNOT_CARRY = "I can't carry this one safely, so I won't take any details. Please speak to:"

DECLARE = _own(Kind.DECLARATION, "declare", "Declare a contact", DECLARED)
JUSTIFY = _own(Kind.JUSTIFICATION, "justify", "Tell leadership why", JUSTIFIED)
