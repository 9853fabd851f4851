"""How every form moves: one step a page, back, review, send. Pure; the forms themselves are data beside it.

A draft's values are strings by field name. Names that start with `@` are the engine's own and are never filed. Nobody
stands beyond a question that still needs an answer, so a draft of an older shape opens at the first one it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from bot.cases.model import About, Filing, NoRoute, Route
from bot.dialogs.fields import take, wrong
from bot.dialogs.incidents import Advice
from bot.dialogs.screen import clean, refusal
from bot.model import Choice, Field, FieldKind, Option, Page, Person, Role, Section
from bot.school import School

Values = Mapping[str, str]

STEP = "@step"
ALARM = "@alarm"
UNTIL = "@until"
REVIEW = "review"


@dataclass(frozen=True)
class Context:
    """What a form may know: the school, who fills it in, where a filing would go, and the day."""

    school: School
    person: Person
    route: Callable[[Filing], Route | NoRoute]
    today: date = field(default_factory=lambda: datetime.now(UTC).date())


@dataclass(frozen=True)
class Wish:
    """What is done instead of filing when somebody would rather speak: `to` is told that they ask to, and nothing else.

    `excluded` and `also` are as in a filing: silence must not carry it to somebody who was kept out.
    """

    about: About
    subject: str | None
    to: str
    excluded: frozenset[str] = frozenset()
    also: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Checked:
    """The end of a checklist: nothing is filed, and only the date may be kept. `left` is what remains to be done, to show."""

    on: date
    left: tuple[str, ...] = ()


Ending = Filing | Wish | Checked


@dataclass(frozen=True)
class After:
    """What a receipt adds: what to do at once, and what not to do."""

    advice: tuple[Advice, ...] = ()
    do_not: str = ""


def _unchanged(values: Values, _context: Context) -> Values:
    return values


@dataclass(frozen=True)
class Step:
    """One page of a form. Nothing leads on from a step with `stop`; `alarm` brings up the safety card for good.

    `sets` are buttons that answer and go on: action → the values that it sets. `then` is what follows from the answers;
    it may move the draft elsewhere. A change of this step, made from the review, leads on through the step `through`.
    """

    name: str
    fields: tuple[Field, ...] = ()
    intro: tuple[str, ...] = ()
    buttons: tuple[Choice, ...] = ()
    alarm: bool = False
    stop: bool = False
    sets: Mapping[str, Values] = field(default_factory=dict)
    then: Callable[[Values, Context], Values] = _unchanged
    through: str = ""


@dataclass(frozen=True)
class Form:
    """A form as data: the steps that the answers so far lead to, and how it ends.

    `note` stands above the review and `after` on the receipt. Words typed in chat may be carried into the field `carry`.
    """

    name: str
    title: str
    steps: Callable[[Values, Context], tuple[Step, ...]]
    ending: Callable[[str, Values, Context], Ending]
    note: Callable[[Values, Context], tuple[str, ...]] = field(default=lambda _values, _context: ())
    after: Callable[[Values], After] = field(default=lambda _values: After())
    carry: Field | None = None

    def filing(self, draft: str, values: Values, context: Context) -> Filing:
        """The filing that the form ends in. Raises TypeError when it ends otherwise."""
        ending = self.ending(draft, values, context)
        if not isinstance(ending, Filing):
            raise TypeError(f"the form {self.name!r} ends without a filing")
        return ending


@dataclass(frozen=True)
class Turned:
    """A draft after one submission: its values, and the page to show, or None when it is ready to be ended."""

    values: Values
    page: Page | None


NEXT = Choice("Next", "next")
BACK = Choice("Back", "back")
STOP = Choice("Stop", "stop")
SEND = Choice("Send", "send")

_TICK = Field("@true", "This is what I know, in my own words.", FieldKind.TICK)
_CHANGE = Field("@change", "Is there anything to change?", FieldKind.ONE_OF, required=False)
_FAR = 9
"""From so many steps on, going back one by one is too far: the review offers to change one answer."""


def carried(form: Form, text: str) -> Values:
    """The first values of a draft, from words typed in chat; none where there is no place for them or they are refused."""
    kept = clean(text).strip()
    return {form.carry.name: kept[: form.carry.limit]} if form.carry and kept and refusal(kept) is None else {}


def unfinished(form: Form, saved: datetime, now: datetime) -> str:
    """One line that offers to go on with a draft; both times as the school's clocks show them."""
    day = "" if saved.date() == now.date() else "yesterday, "
    return f"You have an unfinished form, “{form.title}”, from {day}{saved:%H:%M}. Would you like to go on with it?"


def page(form: Form, draft: str, values: Values, context: Context, errors: Values | None = None) -> Page:
    """The page on which the draft stands."""
    return _page(form, draft, values, context, form.steps(values, context), errors or {})


def _page(form: Form, draft: str, values: Values, context: Context, steps: tuple[Step, ...], errors: Values) -> Page:
    at = _position(steps, values)
    if at == len(steps):
        return _review(form, draft, values, context, steps, errors)
    step = steps[at]
    fields = tuple(
        replace(one, value=values.get(one.name, one.value), error=errors.get(one.name, "")) for one in step.fields
    )
    buttons = step.buttons or (NEXT, *((BACK,) if at else ()), STOP)
    progress = f"{at + 1} of {len(steps) + 1}"
    return Page(f"draft:{draft}", form.title, progress, intro=step.intro, fields=fields, buttons=buttons)


def turn(form: Form, draft: str, values: Values, action: str, sent: Values, context: Context) -> Turned:
    """Take one submission. Whatever was typed is kept, except what must not be stored; a wrong field says why."""
    steps = form.steps(values, context)
    at = _position(steps, values)
    if at == len(steps):
        return _reviewed(form, draft, values, action, sent, context)
    step = steps[at]
    if _belongs_elsewhere(step, steps, sent):
        return Turned({**values, **_typed(steps, sent)}, page(form, draft, values, context))
    taken, errors = take(step.fields, sent)
    values = {**values, **taken}
    if action == "back":
        return _to(form, draft, values, steps[max(at - 1, 0)].name, context)
    if errors or action not in ("next", *step.sets) or step.stop:
        return Turned(values, page(form, draft, values, context, errors))
    return _onward(form, draft, {**values, **step.sets.get(action, {})}, step, context)


def answers(form: Form, values: Values, context: Context, without: frozenset[str] = frozenset()) -> dict[str, str]:
    """Each question that was put with its answer in words, in the order of the form, without some fields by name."""
    return {
        one.label: _in_words(one, values[one.name])
        for step in form.steps(values, context)
        for one in step.fields
        if values.get(one.name) and one.name not in without
    }


def _position(steps: tuple[Step, ...], values: Values) -> int:
    """Where the draft stands: where it was left, but never beyond a step that stops it or still needs an answer."""
    names = [*(step.name for step in steps), REVIEW]
    at = values.get(STEP, names[0])
    left = names.index(at) if at in names else 0
    return next((n for n, step in enumerate(steps[:left]) if step.stop or _lacks(step, values)), left)


def _lacks(step: Step, values: Values) -> bool:
    return any(wrong(one, values.get(one.name, "")) for one in step.fields)


def _belongs_elsewhere(step: Step, steps: tuple[Step, ...], sent: Values) -> bool:
    """Whether this was sent from another page of the form: pressed twice, or left open in another window."""
    here = {one.name for one in step.fields}
    others = {one.name for other in steps for one in other.fields}
    return here.isdisjoint(sent) and not others.isdisjoint(sent)


def _typed(steps: tuple[Step, ...], sent: Values) -> dict[str, str]:
    """What was typed on another page, kept where it can be."""
    fields = tuple(one for step in steps for one in step.fields if sent.get(one.name))
    taken, errors = take(fields, sent)
    return {name: value for name, value in taken.items() if name not in errors}


def _onward(form: Form, draft: str, values: Values, step: Step, context: Context) -> Turned:
    """On from a step whose answers are good."""
    moved = step.then({**values, STEP: step.name}, context)
    if moved[STEP] != step.name:
        return _to(form, draft, moved, moved[STEP], context)
    if moved.get(UNTIL) == step.name:
        rest = {name: value for name, value in moved.items() if name != UNTIL}
        return _to(form, draft, rest, REVIEW, context)
    return _to(form, draft, moved, _after(form.steps(moved, context), step.name), context)


def _after(steps: tuple[Step, ...], name: str) -> str:
    names = [*(step.name for step in steps), REVIEW]
    return names[names.index(name) + 1] if name in names else names[0]


def _to(form: Form, draft: str, values: Values, step: str, context: Context) -> Turned:
    values = {**values, STEP: step}
    steps = form.steps(values, context)
    at = _position(steps, values)
    values[STEP] = steps[at].name if at < len(steps) else REVIEW
    if any(one.alarm for one in steps):
        values.setdefault(ALARM, "child")
    return Turned(values, _page(form, draft, values, context, steps, {}))


def _reviewed(form: Form, draft: str, values: Values, action: str, sent: Values, context: Context) -> Turned:
    """Take a press on the review. An answer picked to be changed is changed first, whichever button it was."""
    steps = {step.name: step for step in form.steps(values, context)}
    picked = steps.get(sent.get(_CHANGE.name, ""))
    if picked and action in ("send", "change"):
        return _to(form, draft, {**values, UNTIL: picked.through or picked.name}, picked.name, context)
    if action == "back":
        return _to(form, draft, values, [*steps][-1], context)
    if action == "send":
        return _send(form, draft, values, sent, context)
    return Turned(values, page(form, draft, values, context))


def _send(form: Form, draft: str, values: Values, sent: Values, context: Context) -> Turned:
    ending = form.ending(draft, values, context)
    if sent.get(_TICK.name) == "yes" or not isinstance(ending, Filing):
        return Turned(values, None)
    return Turned(values, page(form, draft, values, context, {_TICK.name: "Please tick this before you send."}))


def _review(form: Form, draft: str, values: Values, context: Context, steps: tuple[Step, ...], errors: Values) -> Page:
    ending = form.ending(draft, values, context)
    put = {} if isinstance(ending, Wish) else answers(form, values, context)
    tick = (replace(_TICK, error=errors.get(_TICK.name, "")),) if isinstance(ending, Filing) else ()
    change = _change(steps) if len(steps) >= _FAR else ()
    return Page(
        f"draft:{draft}",
        f"{form.title}: check and send",
        f"{len(steps) + 1} of {len(steps) + 1}",
        intro=form.note(values, context),
        sections=tuple(Section(label, tuple(words.splitlines())) for label, words in put.items()),
        fields=(*change, *tick),
        buttons=(SEND, *((Choice("Change it", "change"),) if change else ()), BACK, STOP),
    )


def _change(steps: tuple[Step, ...]) -> tuple[Field, ...]:
    options = tuple(Option(step.name, step.fields[0].label) for step in steps if step.fields)
    return (replace(_CHANGE, options=options),)


def _in_words(one: Field, value: str) -> str:
    labels = {option.value: option.label for option in one.options}
    return ", ".join(labels.get(part, part) for part in value.split("\n")) if one.options else value
