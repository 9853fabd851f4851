"""The report: safety first, then whom it is about, its type, who would receive it, and only then what happened.

What is asked about a member of staff never asks the reporter to judge it.
"""

from __future__ import annotations

import re

from bot.cases.model import SAFEGUARDING, About, Filing, Kind, NoRoute, Route, Urgency
from bot.dialogs import spine
from bot.dialogs.form import BACK, NEXT, STEP, STOP, UNTIL, After, Context, Ending, Form, Step, Values, Wish, answers
from bot.dialogs.incidents import INCIDENTS, Incident
from bot.dialogs.naming import mentioned
from bot.model import Choice, Field, FieldKind, Option, Person, Role

STAFF = frozenset({About.COLLEAGUE, About.SLT_OR_DSL, About.GOVERNOR})
OTHER = "other"

_LEADERS = frozenset({Role.SLT, Role.DSL, Role.DEPUTY_DSL})
_LOOKED_FOR = _LEADERS | {Role.HEADTEACHER, Role.CHAIR}
_AND = "\t"
"""Between ids in one answer: no id holds it."""
_NOT_TOLD = frozenset({"excluded", "named", "conflict"})
"""Whom the reporter kept out of it, and why, is not for the recipients to read."""
_INTIMATE = re.compile(r"\b(?:nudes?|naked|topless|sexts?|sexting|sexual|intimate|genitals?|penis|porn\w*)\b", re.I)


def steps(values: Values, context: Context) -> tuple[Step, ...]:
    """The steps that the answers so far lead to."""
    safety = _safety(values, context)
    if safety[-1].stop:
        return safety
    everyone = context.route(filing("", {**values, "excluded": "", "named": ""}, context))
    whom = _whom(values, context, everyone)
    return (*safety, *whom) if whom[-1].stop else (*safety, *whom, *_to_whom(values, context, everyone))


def ending(draft: str, values: Values, context: Context) -> Ending:
    """The filing that these answers make, or the wish to speak to somebody instead."""
    if values.get("way") == "speak":
        told = filing("", values, context)
        return Wish(told.about, told.subject, values.get("speak_to", ""), told.excluded, told.also)
    return filing(draft, values, context)


def filing(draft: str, values: Values, context: Context) -> Filing:
    """The filing that these answers make; without a draft only what decides where it goes."""
    about, incident = About(values.get("about", About.UNKNOWN)), _incident(values)
    subject = values.get("subject") if about in STAFF else None
    if about is About.HEADTEACHER and values.get("conflict") in ("yes", "unsure"):
        about = About.CONFLICT
    return Filing(
        draft=draft,
        kind=Kind.REPORT,
        about=about,
        reporter=context.person,
        answers=answers(REPORT, values, context, _NOT_TOLD) if draft else {},
        subject=None if subject == OTHER else subject,
        excluded=_kept_from(values) | (_above(context) if about is About.CONFLICT else frozenset()),
        urgency=Urgency.HIGH if _is_urgent(values, incident) else Urgency.NORMAL,
        also=(incident.also if incident else frozenset()) | _safeguarding(values),
    )


def to_whom(route: Route) -> tuple[str, ...]:
    """The recipients in words, as they really are, and who is given it when they stay silent."""
    pointer = "The leadership channel sees only that a case exists, not what it says." if route.channel else ""
    silence = f"If nobody takes it in time, it goes on to: {_listed(route.on_silence)}." if route.on_silence else ""
    above = f"If nobody here should handle it, it goes on to: {_listed(route.on_recusal)}." if route.on_recusal else ""
    return tuple(filter(None, (f"This will go to: {_listed(route.handlers)}.", route.not_to, silence, above, pointer)))


def _all(route: Route) -> tuple[Person, ...]:
    """Everybody who has it or may come to have it."""
    return (*route.handlers, *route.on_silence, *route.on_recusal)


def no_route(route: Route | NoRoute, *buttons: Choice) -> Step:
    """The step that takes nothing and shows the numbers to ring."""
    numbers = route.numbers if isinstance(route, NoRoute) else ()
    return Step("no_route", intro=(spine.CANNOT_CARRY, *numbers), buttons=buttons or (BACK, STOP), stop=True)


def _safety(values: Values, context: Context) -> tuple[Step, ...]:
    found = [Step("danger", (spine.DANGER,), spine.BEFORE)]
    if values.get("danger") in ("yes", "unsure"):
        found.append(Step("ring", intro=spine.RING, buttons=(spine.RUNG, STOP), alarm=True))
    found.append(Step("risk", (spine.RISK,)))
    if values.get("risk") == "adult":
        return (*found, no_route(context.route(filing("", {"about": About.ADULT_AT_RISK}, context))))
    if values.get("risk") in ("child", "unsure"):
        found.append(Step("tell", intro=spine.TELL, buttons=(spine.CARRY_ON, STOP), alarm=True))
    found.append(Step("image", (spine.IMAGE,)))
    if values.get("image") == "yes":
        found.append(Step("image_stop", intro=spine.IMAGE_STOP, buttons=(STOP,), alarm=True, stop=True))
    if values.get("image") == "unsure":
        found.append(Step("image_unsure", intro=spine.IMAGE_UNSURE, buttons=(spine.RUNG, STOP), alarm=True))
    return tuple(found)


def _whom(values: Values, context: Context, everyone: Route | NoRoute) -> tuple[Step, ...]:
    """Whom it is about, as far as it decides where it goes, and its type. `everyone`: where it goes if nobody is left out."""
    about = About(values.get("about", About.UNKNOWN))
    found = [Step("about", (spine.ABOUT,), through="recipients")]
    if about in STAFF:
        found.append(Step("subject", (_subject(about, context),), through="recipients"))
    if about is About.HEADTEACHER:
        found.append(Step("conflict", (spine.CONFLICT,), through="recipients"))
    if isinstance(everyone, NoRoute) and _is_whom_known(values):
        return (*found, no_route(everyone))
    return (*found, Step("type", (_type(values, about),), through="recipients"))


def _is_whom_known(values: Values) -> bool:
    about = values.get("about")
    return about is not None and (about not in STAFF or "subject" in values)


def _to_whom(values: Values, context: Context, everyone: Route | NoRoute) -> tuple[Step, ...]:
    """Who would receive it, and then the story; nothing is asked that could reach nobody safe."""
    said = filing("", {**values, "named": ""}, context)
    chosen = context.route(said)
    asked = (*_story(values), *_named(values, context, said, chosen))
    if isinstance(everyone, NoRoute):
        return (_recipients(Route((), channel=False)), *asked)
    if isinstance(chosen, NoRoute):
        return (_recipients(everyone), no_route(chosen))
    if values.get("way") == "speak":
        return (_recipients(everyone), Step("speak_to", (_speak_to(chosen),)))
    left = context.route(filing("", values, context))
    return (_recipients(everyone), *asked, *((no_route(left),) if isinstance(left, NoRoute) else ()))


def _story(values: Values) -> tuple[Step, ...]:
    incident = _incident(values)
    extra = incident.fields(About(values.get("about", About.UNKNOWN))) if incident else ()
    evidence = () if _is_intimate(values) else (spine.EVIDENCE,)
    return tuple(Step(one.name, (one,)) for one in (*spine.COMMON, *extra, *evidence, spine.DONE))


def _recipients(route: Route) -> Step:
    return Step(
        "recipients",
        (_excluded(route),),
        to_whom(route),
        buttons=(NEXT, spine.SPEAK, BACK, STOP),
        sets={"next": {"way": "write"}, "speak": {"way": "speak"}},
    )


def _excluded(route: Route) -> Field:
    options = tuple(Option(person.id, _entitled(person)) for person in _all(route))
    label = "Is there anyone here who should not see it?"
    hint = "Leave empty if not. They are not told that you left them out."
    return Field("excluded", label, FieldKind.ANY_OF, tuple(dict.fromkeys(options)), hint=hint, required=False)


def _speak_to(route: Route) -> Field:
    options = tuple(Option(person.id, _entitled(person)) for person in route.handlers)
    label, hint = "Who would you like to speak to?", "They are told that you ask to speak to them, and nothing else."
    return Field("speak_to", label, FieldKind.ONE_OF, options, hint, value=options[0].value)


def _subject(about: About, context: Context) -> Field:
    people = [person for person in context.school.people if person != context.person and _is(about, person)]
    options = (*(Option(person.id, _entitled(person)) for person in people), Option(OTHER, "Somebody not listed"))
    return Field("subject", "Which person?", FieldKind.ONE_OF, options, hint="They will never see this report.")


def _type(values: Values, about: About) -> Field:
    options = tuple(Option(one.name, one.label) for one in INCIDENTS.offered(about))
    guess = INCIDENTS.guess(values.get("what", ""), about) if "type" not in values else None
    label = "What kind of thing is it?"
    return Field("type", label, FieldKind.ONE_OF, options, "As near as you can.", guess.name if guess else "")


def _incident(values: Values) -> Incident | None:
    return INCIDENTS.get(values.get("type"))


def _is_urgent(values: Values, incident: Incident | None) -> bool:
    unsafe = {values.get("danger"), values.get("risk"), values.get("image")} & {"yes", "child", "unsure"}
    return bool(unsafe) or (incident is not None and incident.is_urgent(values))


def _safeguarding(values: Values) -> frozenset[Role]:
    """Whom a child who may be at risk adds to the recipients; not being sure counts as yes."""
    return SAFEGUARDING if values.get("risk") in ("child", "unsure") else frozenset()


def _is_intimate(values: Values) -> bool:
    """Whether a sexual picture may be in play: then nobody is asked to say what there is to show."""
    return values.get("image") == "unsure" or any(_INTIMATE.search(values.get(one, "")) for one in ("what", "people"))


# A leader named in the text of a report that is said to be about somebody else


def _named(values: Values, context: Context, said: Filing, route: Route | NoRoute) -> tuple[Step, ...]:
    near = _all(route) if isinstance(route, Route) else ()
    people = _named_people(values, context, said, near)
    return (Step("named", (_whether_about(people, near),), then=_put_right),) if people else ()


def _named_people(values: Values, context: Context, said: Filing, near: tuple[Person, ...]) -> tuple[Person, ...]:
    """Leaders and recipients whom the text seems to name although the report is said to be about somebody else."""
    known = {context.person.id, said.subject} | said.excluded | _ids(context, *_SUBJECT_ROLE.get(said.about, ()))
    people = [
        person
        for person in context.school.people
        if person.id not in known and (person in near or person.has(*_LOOKED_FOR))
    ]
    typed = (values.get(one.name, "") for step in _story(values) for one in step.fields if not one.options)
    return mentioned("\n".join(typed), people)


def _whether_about(people: tuple[Person, ...], near: tuple[Person, ...]) -> Field:
    names, ids = _joined(people, "and"), _AND.join(person.id for person in people)
    would = "who would receive this" if any(person in near for person in people) else "one of the school's leaders"
    them = "them" if len(people) == 1 else "one of them"
    return Field(
        "named",
        f"You named {names}, {would}. Is it about {them}?",
        FieldKind.ONE_OF,
        (
            *(Option(f"about:{person.id}", f"Yes, it is about {person.name}") for person in people),
            Option(f"keep:{ids}", f"No, but {_joined(people, 'or')} should not see it"),
            Option(f"no:{ids}", "No"),
        ),
        hint="I ask before sending because whoever a report is about must never receive it.",
    )


def _put_right(values: Values, context: Context) -> Values:
    """A report that is about the leader named after all goes back to whom it is about, with that person filled in."""
    verb, _, id = values.get("named", "").partition(":")
    person = next((one for one in context.school.people if one.id == id), None)
    if verb != "about" or person is None:
        return values
    about = _class_of(person)
    kept = {name: value for name, value in values.items() if name not in ("named", "subject", "conflict")}
    subject = {"subject": person.id} if about in STAFF else {}
    return {**kept, **subject, "about": about, STEP: "about", UNTIL: "recipients"}


_SUBJECT_ROLE = {
    About.HEADTEACHER: (Role.HEADTEACHER,),
    About.CHAIR: (Role.CHAIR,),
    About.CONFLICT: (Role.HEADTEACHER, Role.CHAIR),
}


def _kept_from(values: Values) -> frozenset[str]:
    verb, _, ids = values.get("named", "").partition(":")
    named = ids.split(_AND) if verb == "keep" else []
    return frozenset(filter(None, [*values.get("excluded", "").split("\n"), *named]))


def _class_of(person: Person) -> About:
    if person.has(Role.HEADTEACHER):
        return About.HEADTEACHER
    if person.has(Role.CHAIR):
        return About.CHAIR
    if person.has(*_LEADERS):
        return About.SLT_OR_DSL
    return About.GOVERNOR if person.has(Role.GOVERNOR) else About.COLLEAGUE


def _is(about: About, person: Person) -> bool:
    return _class_of(person) is about


def _above(context: Context) -> frozenset[str]:
    return _ids(context, Role.HEADTEACHER, Role.CHAIR)


def _ids(context: Context, *roles: Role) -> frozenset[str]:
    return frozenset(person.id for person in context.school.people if person.has(*roles))


def _entitled(person: Person) -> str:
    return f"{person.name}, {person.job}" if person.job else person.name


def _listed(people: tuple[Person, ...]) -> str:
    return ", ".join(f"{person.name} ({person.job})" if person.job else person.name for person in people)


def _joined(people: tuple[Person, ...], by: str) -> str:
    *others, last = (person.name for person in people)
    return f"{', '.join(others)} {by} {last}" if others else last


# What stands above the review and on the receipt


def _note(values: Values, context: Context) -> tuple[str, ...]:
    found = ending("", values, context)
    if isinstance(found, Wish):
        to = next((one.name for one in context.school.people if one.id == found.to), "")
        return (f"{to} will be told: “{context.person.name} asks to speak to you.”", spine.WISH_ONLY)
    route = context.route(filing("", values, context))
    return to_whom(route) if isinstance(route, Route) else route.numbers


def _receipt(values: Values) -> After:
    incident = _incident(values)
    return After(incident.advice if incident else (), INCIDENTS.do_not)


REPORT = Form("report", "Report a concern", steps, ending, _note, _receipt, carry=spine.WHAT)
