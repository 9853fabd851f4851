"""Looking through one's own accounts on joining: a checklist. Nothing is filed, and nothing is kept but the date."""

from __future__ import annotations

from bot.dialogs.form import After, Checked, Context, Form, Step, Values
from bot.dialogs.incidents import Advice
from bot.model import Field, FieldKind, Option

_ANSWERS = (
    Option("done", "I have checked"),
    Option("later", "I'll do it later"),
    Option("none", "I don't have any"),
    Option("unsure", "I'm not sure"),
)
_LEFT = ("later", "unsure")

CHECKS = {
    "accounts": (
        "Your own accounts",
        "Search for your own name while signed out. Is what strangers can see correct and suitable?",
    ),
    "privacy": (
        "Who can see them",
        "Open the privacy settings of each account. Do you know who can see your page, and how to keep a group out?",
    ),
    "photos": (
        "Photos",
        "Look through old photos, and those that others tagged you in. Could any embarrass you or the school?",
    ),
    "numbers": (
        "Phone numbers and address",
        "Look for your phone number and address on your profiles. Are they off everything that others can see?",
    ),
}
_INTRO = (
    "This is for you alone. Your answers are sent to nobody and are forgotten when you finish, or after a day: "
    "only the date may be kept."
)


def steps(_values: Values, _context: Context) -> tuple[Step, ...]:
    """One thing to look at a page."""
    fields = (Field(name, asked, FieldKind.ONE_OF, _ANSWERS) for name, (_, asked) in CHECKS.items())
    first, *others = (Step(one.name, (one,)) for one in fields)
    return (Step(first.name, first.fields, (_INTRO,)), *others)


def ending(_draft: str, values: Values, context: Context) -> Checked:
    """The day, and what is left to be done, to be shown once."""
    return Checked(context.today, tuple(CHECKS[name][0] for name in CHECKS if values.get(name) in _LEFT))


def _after(_values: Values) -> After:
    return After(
        (
            Advice(
                words="You should look through your pages when you join, and now and then afterwards.",
                paragraph="safer-online-behaviour.2",
            ),
            Advice(
                words="You should know who can see your pages on each site, and how to keep groups out.",
                paragraph="protection-of-personal-information.4",
            ),
            Advice(
                words="You should keep your own phone numbers to yourself.",
                paragraph="protection-of-personal-information.2",
            ),
        )
    )


JOINER_CHECK = Form("joiner_check", "Check your own accounts", steps, ending, after=_after)
