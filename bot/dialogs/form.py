"""How every form moves: one step a page, back, review, send. Pure; the forms themselves are data beside it.

A draft's values are strings by field name. Names that start with `@` are the engine's own and are never filed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.cases.model import Filing, NoRoute, Route
from bot.dialogs.fields import take
from bot.model import Choice, Field, FieldKind, Page, Person, Section
from bot.school import School

Values = Mapping[str, str]

STEP = "@step"
ALARM = "@alarm"
REVIEW = "review"


@dataclass(frozen=True)
class Context:
    """What a form may know: the school, who fills it in, and where a filing would go."""

    school: School
    person: Person
    route: Callable[[Filing], Route | NoRoute]


@dataclass(frozen=True)
class Step:
    """One page of a form. Nothing leads on from a step with `stop`; `alarm` brings up the safety card for good."""

    name: str
    fields: tuple[Field, ...] = ()
    intro: tuple[str, ...] = ()
    buttons: tuple[Choice, ...] = ()
    alarm: bool = False
    stop: bool = False


@dataclass(frozen=True)
class Form:
    """A form as data: the steps that the answers so far lead to, and the filing that they make."""

    name: str
    title: str
    steps: Callable[[Values, Context], tuple[Step, ...]]
    filing: Callable[[str, Values, Context], Filing]
    note: Callable[[Values, Context], tuple[str, ...]] = field(default=lambda _values, _context: ())


@dataclass(frozen=True)
class Turned:
    """A draft after one submission: its values, and the page to show, or None when it is ready to be filed."""

    values: Values
    page: Page | None


NEXT = Choice("Next", "next")
BACK = Choice("Back", "back")
STOP = Choice("Stop", "stop")
SEND = Choice("Send", "send")

_TICK = Field("@true", "This is what I know, in my own words.", FieldKind.TICK)


def page(form: Form, draft: str, values: Values, context: Context, errors: Values | None = None) -> Page:
    """The page on which the draft stands."""
    steps = form.steps(values, context)
    at = _position(steps, values)
    if at == len(steps):
        return _review(form, draft, values, context, errors or {})
    step = steps[at]
    fields = tuple(
        replace(one, value=values.get(one.name, one.value), error=(errors or {}).get(one.name, ""))
        for one in step.fields
    )
    buttons = step.buttons or (NEXT, *((BACK,) if at else ()), STOP)
    progress = f"{at + 1} of {len(steps) + 1}"
    return Page(f"draft:{draft}", form.title, progress, intro=step.intro, fields=fields, buttons=buttons)


def turn(form: Form, draft: str, values: Values, action: str, sent: Values, context: Context) -> Turned:
    """Take one submission. Whatever was typed is kept, except what must not be stored; a wrong field says why."""
    steps = form.steps(values, context)
    at = _position(steps, values)
    if action == "send" and at == len(steps):
        return _send(form, draft, values, sent, context)
    taken, errors = take(steps[at].fields, sent) if at < len(steps) else ({}, {})
    values = {**values, **taken}
    if action == "back":
        return _to(form, draft, values, steps[max(at - 1, 0)].name, context)
    if errors or action != "next" or at == len(steps) or steps[at].stop:
        return Turned(values, page(form, draft, values, context, errors))
    return _to(form, draft, values, _after(form.steps(values, context), steps[at].name), context)


def answers(form: Form, values: Values, context: Context) -> dict[str, str]:
    """Each question that was put with its answer in words, in the order of the form."""
    return {
        one.label: _in_words(one, values[one.name])
        for step in form.steps(values, context)
        for one in step.fields
        if values.get(one.name)
    }


def _position(steps: tuple[Step, ...], values: Values) -> int:
    names = [step.name for step in steps]
    at = values.get(STEP, names[0])
    return names.index(at) if at in names else len(steps) if at == REVIEW else 0


def _after(steps: tuple[Step, ...], name: str) -> str:
    names = [*(step.name for step in steps), REVIEW]
    return names[names.index(name) + 1] if name in names else names[0]


def _to(form: Form, draft: str, values: Values, step: str, context: Context) -> Turned:
    values = {**values, STEP: step}
    if any(one.alarm for one in form.steps(values, context)):
        values.setdefault(ALARM, "child")
    return Turned(values, page(form, draft, values, context))


def _send(form: Form, draft: str, values: Values, sent: Values, context: Context) -> Turned:
    if sent.get(_TICK.name) == "yes":
        return Turned(values, None)
    return Turned(values, page(form, draft, values, context, {_TICK.name: "Please tick this before you send."}))


def _review(form: Form, draft: str, values: Values, context: Context, errors: Values) -> Page:
    steps = form.steps(values, context)
    put = tuple(Section(label, tuple(words.splitlines())) for label, words in answers(form, values, context).items())
    return Page(
        f"draft:{draft}",
        f"{form.title}: check and send",
        f"{len(steps) + 1} of {len(steps) + 1}",
        intro=form.note(values, context),
        sections=put,
        fields=(replace(_TICK, error=errors.get(_TICK.name, "")),),
        buttons=(SEND, BACK, STOP),
    )


def _in_words(one: Field, value: str) -> str:
    labels = {option.value: option.label for option in one.options}
    return ", ".join(labels.get(part, part) for part in value.split("\n")) if one.options else value
