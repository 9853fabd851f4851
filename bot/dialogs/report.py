"""The report: safety first, then whom it is about, then who would receive it, and only then what happened.

The order and the questions follow the walk-through that the field's record-keeping guides share; what is asked about a
member of staff never asks the reporter to judge it.
"""

from __future__ import annotations

from bot.cases.model import About, Filing, Kind, NoRoute, Route, Urgency
from bot.dialogs.form import STOP, Context, Form, Step, Values, answers
from bot.model import Choice, Field, FieldKind, Option, Person, Role

_YES_NO = (Option("yes", "Yes"), Option("no", "No"))
_RUNG = Choice("I have rung: carry on", "next")

DANGER = Field("danger", "Is anyone in immediate danger?", FieldKind.ONE_OF, _YES_NO)
RISK = Field(
    "risk",
    "Could somebody be at risk of harm, now or later?",
    FieldKind.ONE_OF,
    (
        Option("no", "No"),
        Option("child", "A child may be"),
        Option("adult", "An adult may be"),
        Option("unsure", "I'm not sure"),
    ),
)
IMAGE = Field("image", "Is there a nude or sexual picture or video of somebody under 18?", FieldKind.ONE_OF, _YES_NO)
ABOUT = Field(
    "about",
    "Who is it about?",
    FieldKind.ONE_OF,
    (
        Option(About.SELF, "Me"),
        Option(About.STUDENT, "A student"),
        Option(About.PARENT, "A parent or somebody outside school"),
        Option(About.COLLEAGUE, "A colleague, volunteer or contractor"),
        Option(About.SLT_OR_DSL, "A member of the leadership team or a safeguarding lead"),
        Option(About.HEADTEACHER, "The headteacher"),
        Option(About.GOVERNOR, "A governor"),
        Option(About.CHAIR, "The chair of governors"),
        Option(About.UNKNOWN, "I don't know who did it"),
    ),
    hint="Only this decides where it goes.",
)
STORY = (
    Field(
        "what",
        "What happened?",
        FieldKind.LONG_TEXT,
        hint="Use your own words: what you saw or heard. Give full names. Put exact words in quotation marks.",
    ),
    Field(
        "when", "When did it happen, and when did you find out?", FieldKind.TEXT, hint="As near as you can.", limit=300
    ),
    Field("where", "Where: which app, site, account or place?", FieldKind.TEXT, limit=300),
    Field("people", "Who was involved?", FieldKind.TEXT, hint="Names and who they are. “Unknown” is fine.", limit=600),
    Field(
        "known",
        "How do you know?",
        FieldKind.ONE_OF,
        (
            Option("saw", "I saw it"),
            Option("received", "It came to me"),
            Option("told", "Somebody told me"),
            Option("found", "I found it"),
        ),
    ),
    Field(
        "evidence",
        "Is there anything to show it, and where is it now?",
        FieldKind.TEXT,
        hint="Say where it is held. Don't send it, and don't delete it.",
        required=False,
        limit=600,
    ),
    Field(
        "done",
        "What have you done so far, and whom have you told?",
        FieldKind.TEXT,
        hint="“Nothing yet” is fine.",
        required=False,
        limit=1000,
    ),
)

_STAFF = {About.COLLEAGUE, About.SLT_OR_DSL, About.GOVERNOR}
_LEADERS = frozenset({Role.SLT, Role.DSL, Role.DEPUTY_DSL})
_GOVERNORS = frozenset({Role.GOVERNOR})
OTHER = "other"


def steps(values: Values, context: Context) -> tuple[Step, ...]:
    """The steps that the answers so far lead to."""
    found = [Step("danger", (DANGER,), _BEFORE)]
    if values.get("danger") == "yes":
        found.append(Step("ring", intro=_RING, buttons=(_RUNG, STOP), alarm=True))
    found.append(Step("risk", (RISK,)))
    if values.get("risk") == "adult":
        return (*found, _no_route(context.route(filing("", {**values, "about": About.ADULT_AT_RISK}, context))))
    if values.get("risk") in ("child", "unsure"):
        found.append(Step("tell", intro=_TELL, buttons=(Choice("Carry on", "next"), STOP), alarm=True))
    found.append(Step("image", (IMAGE,)))
    if values.get("image") == "yes":
        return (*found, Step("image_stop", intro=_IMAGE_STOP, buttons=(STOP,), alarm=True, stop=True))
    found.append(Step("about", (ABOUT,)))
    if values.get("about") in _STAFF:
        found.append(Step("subject", (_subject(About(values["about"]), context),)))
    return (*found, *_to_whom(values, context))


def filing(draft: str, values: Values, context: Context) -> Filing:
    """The filing that these answers make."""
    subject = values.get("subject") if values.get("about") in _STAFF else None
    return Filing(
        draft=draft,
        kind=Kind.REPORT,
        about=About(values.get("about", About.UNKNOWN)),
        reporter=context.person,
        answers=_told(values, context) if draft else {},
        subject=None if subject == OTHER else subject,
        excluded=frozenset(filter(None, values.get("excluded", "").split("\n"))),
        urgency=Urgency.HIGH
        if values.get("danger") == "yes" or values.get("risk") in ("child", "unsure")
        else Urgency.NORMAL,
    )


def _told(values: Values, context: Context) -> dict[str, str]:
    """What the recipients read. Whom the reporter kept out of it is not theirs to see."""
    return answers(REPORT, {**values, "excluded": ""}, context)


def _to_whom(values: Values, context: Context) -> tuple[Step, ...]:
    """Who would receive it, and then the story; nothing is asked that could reach nobody safe."""
    if "about" not in values or (values["about"] in _STAFF and "subject" not in values):
        return tuple(Step(one.name, (one,)) for one in STORY)
    everyone = context.route(filing("", {**values, "excluded": ""}, context))
    if isinstance(everyone, NoRoute):
        return (_no_route(everyone),)
    route = context.route(filing("", values, context))
    recipients = Step("recipients", (_excluded(everyone),), to_whom(everyone))
    if isinstance(route, NoRoute):
        return (recipients, _no_route(route))
    return (recipients, *(Step(one.name, (one,)) for one in STORY))


def to_whom(route: Route) -> tuple[str, ...]:
    """The recipients in words, as they really are."""
    names = ", ".join(f"{person.name} ({person.job})" if person.job else person.name for person in route.handlers)
    pointer = "The leadership channel sees only that a case exists, not what it says." if route.channel else ""
    return tuple(filter(None, (f"This will go to: {names}.", route.not_to, pointer)))


def _no_route(route: Route | NoRoute) -> Step:
    numbers = route.numbers if isinstance(route, NoRoute) else ()
    return Step("no_route", intro=(_CANNOT_CARRY, *numbers), buttons=(Choice("Back", "back"), STOP), stop=True)


def _subject(about: About, context: Context) -> Field:
    people = [person for person in context.school.people if person != context.person and _is(about, person)]
    options = (*(Option(person.id, _named(person)) for person in people), Option(OTHER, "Somebody who is not listed"))
    return Field("subject", "Which person?", FieldKind.ONE_OF, options, hint="They will never see this report.")


def _is(about: About, person: Person) -> bool:
    if person.has(Role.HEADTEACHER, Role.CHAIR):
        return False
    leads = not person.roles.isdisjoint(_LEADERS)
    governs = not person.roles.isdisjoint(_GOVERNORS)
    return {About.SLT_OR_DSL: leads, About.GOVERNOR: governs}.get(about, not leads and not governs)


def _named(person: Person) -> str:
    return f"{person.name}, {person.job}" if person.job else person.name


def _excluded(route: Route) -> Field:
    options = tuple(Option(person.id, _named(person)) for person in route.handlers)
    label = "Is there anyone here who should not see it?"
    return Field("excluded", label, FieldKind.ANY_OF, options, hint="Leave empty if not.", required=False)


def _note(values: Values, context: Context) -> tuple[str, ...]:
    route = context.route(filing("", values, context))
    return to_whom(route) if isinstance(route, Route) else route.numbers


_BEFORE = (
    "I can record this and pass it to the right person. I can't keep it secret, "
    "but only people who need to know will see it.",
    "Telling us is not an accusation, and I don't decide what happens.",
)
_RING = ("Ring now, before anything else. Come back when you have rung, and I will take the record.",)
_TELL = (
    "Speak to the safeguarding lead today, in person or by phone. Don't wait for a reply here.",
    "When you have, or while you wait to get through, carry on and I will take the record.",
)
_IMAGE_STOP = (
    "Stop here. Don't look at it again, and don't copy, save, send or delete it.",
    "Tell the safeguarding lead at once, by phone or in person. I take no record of this: it must go by voice.",
)
_CANNOT_CARRY = "I can't carry this one safely, so I won't take any details. Please ring:"

REPORT = Form("report", "Report a concern", steps, filing, _note)
