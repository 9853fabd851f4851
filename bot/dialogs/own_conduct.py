"""Two short forms about one's own conduct: declaring a contact, and giving the reason for departing from the guidance."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date

from bot.cases.model import About, Filing, Kind, NoRoute
from bot.dialogs.form import STOP, Context, Form, Step, Values, answers
from bot.dialogs.report import no_route, to_whom
from bot.dialogs.spine import UNSURE
from bot.model import Field, FieldKind, Option

MONTHS = {"3": "In 3 months", "6": "In 6 months", "12": "In a year"}

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
            UNSURE,
        ),
    ),
    Field("name", "What is their name?", FieldKind.TEXT, limit=200),
    Field(
        "how",
        "How do you know each other?",
        FieldKind.LONG_TEXT,
        hint="For example: family, neighbours, the same club.",
        limit=1500,
    ),
    Field("since", "Since when?", FieldKind.TEXT, hint="As near as you can. “Not sure” is fine.", limit=200),
    Field(
        "touch",
        "Are you in touch online?",
        FieldKind.ONE_OF,
        (
            Option("online", "Yes, online"),
            Option("person", "No, only in person"),
            Option("both", "Both online and in person"),
            UNSURE,
        ),
    ),
    Field(
        "online",
        "Where online?",
        FieldKind.TEXT,
        hint="For example: Facebook friends, a club's group chat.",
        required=False,
        limit=300,
    ),
    Field("open", "Who already knows about it?", FieldKind.TEXT, hint="“Nobody yet” is fine.", limit=300),
    Field(
        "again",
        "When should it be looked at again?",
        FieldKind.ONE_OF,
        tuple(Option(value, label) for value, label in MONTHS.items()),
        hint="You are asked then whether it is still so.",
        value="12",
    ),
)
_WHAT = Field("what", "What did you do, or what would you like to do?", FieldKind.LONG_TEXT, limit=4000)
JUSTIFIED = (
    Field(
        "taken",
        "Have you done it already?",
        FieldKind.ONE_OF,
        (Option("taken", "Yes, it is done"), Option("proposed", "No, I am thinking of it"), UNSURE),
    ),
    _WHAT,
    Field("when", "When?", FieldKind.TEXT, hint="“Not sure” is fine.", limit=200),
    Field(
        "rule",
        "Which part of the guidance does it depart from?",
        FieldKind.TEXT,
        hint="In your own words. “Not sure” is fine.",
        required=False,
        limit=300,
    ),
    Field("why", "Why was it, or would it be, the right thing?", FieldKind.LONG_TEXT, limit=2000),
    Field("safe", "What keeps it safe and open?", FieldKind.TEXT, required=False, limit=600),
    Field("agreed", "Who knows or has agreed?", FieldKind.TEXT, hint="“Nobody yet” is fine.", limit=300),
)


def review_date(values: Values, today: date) -> date | None:
    """The day on which a declaration is to be looked at again; None when none was chosen."""
    chosen = values.get("again", "")
    if chosen not in MONTHS:
        return None
    years, month = divmod(today.month - 1 + int(chosen), 12)
    year, month = today.year + years, month + 1
    return date(year, month, min(today.day, monthrange(year, month)[1]))


def _own(kind: Kind, name: str, title: str, fields: tuple[Field, ...], carry: Field | None = None) -> Form:
    """A form that is about the person who fills it in."""

    def filing(draft: str, values: Values, context: Context) -> Filing:
        put = answers(form, values, context) if draft else {}
        return Filing(draft, kind, About.SELF, context.person, put, review=review_date(values, context.today))

    def steps(values: Values, context: Context) -> tuple[Step, ...]:
        route = context.route(filing("", values, context))
        if isinstance(route, NoRoute):
            return (no_route(route, STOP),)
        first, *others = (one for one in fields if not _is_idle(one, values))
        return (Step(first.name, (first,), to_whom(route)), *(Step(one.name, (one,)) for one in others))

    form = Form(name, title, steps, filing, _note_for(filing), carry=carry)
    return form


def _is_idle(one: Field, values: Mapping[str, str]) -> bool:
    """Nobody is asked where online they meet when they only meet in person."""
    return one.name == "online" and values.get("touch") == "person"


def _note_for(filing: Callable[[str, Values, Context], Filing]) -> Callable[[Values, Context], tuple[str, ...]]:
    def note(values: Values, context: Context) -> tuple[str, ...]:
        route = context.route(filing("", values, context))
        return route.numbers if isinstance(route, NoRoute) else to_whom(route)

    return note


DECLARE = _own(Kind.DECLARATION, "declare", "Declare a contact", DECLARED)
JUSTIFY = _own(Kind.JUSTIFICATION, "justify", "Tell leadership why", JUSTIFIED, carry=_WHAT)
