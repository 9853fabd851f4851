"""What a given person may see, as pages: their own cases, the queue, one case, and the small forms on a case. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.cases.model import CaseSummary, CaseView, Kind, State, Urgency
from bot.model import Choice, Field, FieldKind, Option, Page, Section

KINDS = {
    Kind.QUESTION: "Question",
    Kind.REPORT: "Report",
    Kind.DECLARATION: "Declaration",
    Kind.JUSTIFICATION: "Justification",
}
STATES = {
    State.SUBMITTED: "waiting to be taken",
    State.ACKNOWLEDGED: "taken",
    State.IN_PROGRESS: "being looked at",
    State.WAITING: "waiting for the reporter",
    State.CLOSED: "closed",
    State.REOPENED: "open again",
}
OUTCOMES = (
    "No further action",
    "Advice given",
    "Setting changed or access removed",
    "Content removed or reported to the platform",
    "Contact noted",
    "Contact to stop",
    "Reason accepted",
    "Reason not accepted",
    "Passed to the right person",
    "Question answered",
)

_WORDS = Field("words", "Your words", FieldKind.LONG_TEXT, limit=4000)
_LABELS = {
    "acknowledge": "I'll take this",
    "reply": "Reply",
    "add": "Add something",
    "close": "Close the case",
    "reopen": "Open again",
}
_FORMS = {
    "reply": ("Reply to the reporter", (_WORDS,), "Send reply"),
    "add": ("Add to your case", (_WORDS,), "Add"),
    "reopen": ("Open the case again", (Field("words", "Why?", FieldKind.LONG_TEXT, limit=2000),), "Open again"),
    "close": (
        "Close the case",
        (
            Field("outcome", "Outcome", FieldKind.ONE_OF, tuple(Option(text, text) for text in OUTCOMES)),
            Field("words", "Reason, for the record", FieldKind.LONG_TEXT, limit=2000),
        ),
        "Close the case",
    ),
}
_SHORT = 48
"""The most characters of an answer that reads well beside its question."""

FORMS = frozenset(_FORMS)
"""Actions on a case that need words first."""


def mine(cases: tuple[CaseSummary, ...], now: datetime) -> Page:
    """The person's own cases, newest first."""
    intro = () if cases else ("You have no cases. Reports and questions that you send will be listed here.",)
    return Page("mine", "My cases", intro=intro, sections=tuple(_line(case, now) for case in cases))


def queue(cases: tuple[CaseSummary, ...], now: datetime) -> Page:
    """The cases this person handles."""
    intro = () if cases else ("Nothing is waiting for you.",)
    return Page("queue", "Cases for you", intro=intro, sections=tuple(_line(case, now) for case in cases))


def case(view: CaseView, now: datetime, note: str = "") -> Page:
    """One case as its viewer may see it; `note` says what became of the last press."""
    summary = view.summary
    head = (
        *filter(None, [note]),
        f"{KINDS[summary.kind]}, {STATES[summary.state]}. {'Urgent. ' if summary.urgency is Urgency.HIGH else ''}"
        f"Sent {age(summary.opened, now)} ago by {view.reporter}. {owner(summary)}.",
    )
    said = tuple(
        Section(f"{e.by}, {e.at:%d %b %Y %H:%M}: {e.what}", tuple(e.words.splitlines()))
        for e in reversed(view.story)
        if e.words
    )
    story = tuple(f"{e.at:%d %b %Y %H:%M}  {e.by}: {e.what}" for e in view.story if not e.words)
    buttons = tuple(Choice(label, f"act:{act}") for act, label in _LABELS.items() if act in view.may)
    return Page(
        f"case:{summary.ref}",
        f"{KINDS[summary.kind]} {summary.ref}",
        "",
        (),
        head,
        (*said, *_told(view.answers), Section("What has happened", story)),
        (),
        buttons,
    )


def _told(answers: Mapping[str, str]) -> tuple[Section, ...]:
    """What was filed: long answers each under their question, then the short ones together, so that the story comes first."""
    long = {label: words for label, words in answers.items() if len(words) > _SHORT or "\n" in words}
    short = tuple(f"{label} {words}" for label, words in answers.items() if label not in long)
    return (
        *(Section(label, tuple(words.splitlines())) for label, words in long.items()),
        *((Section("Also answered", short),) if short else ()),
    )


def act(ref: str, name: str, values: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None) -> Page:
    """The small form for an action on a case. Raises KeyError for an action that has none."""
    title, fields, send = _FORMS[name]
    shown = tuple(
        replace(one, value=(values or {}).get(one.name, ""), error=(errors or {}).get(one.name, "")) for one in fields
    )
    return Page(f"case:{ref}:{name}", title, ref, fields=shown, buttons=(Choice(send, "send"), Choice("Back", "back")))


def fields(name: str) -> tuple[Field, ...]:
    """The fields of an action's form. Raises KeyError for an action that has none."""
    return _FORMS[name][1]


def owner(summary: CaseSummary) -> str:
    """Who has the case, in words."""
    return f"{summary.owner} has it" if summary.owner else "Nobody has taken it yet"


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that is at least one."""
    waited = max(now - since, timedelta())
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        count = waited // length
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "less than a minute"


def _line(summary: CaseSummary, now: datetime) -> Section:
    urgent = "Urgent. " if summary.urgency is Urgency.HIGH else ""
    line = f"{urgent}{STATES[summary.state].capitalize()}, sent {age(summary.opened, now)} ago. {owner(summary)}."
    opening = Choice("Open", f"open:case:{summary.ref}", opens=True)
    return Section(f"{KINDS[summary.kind]} {summary.ref}", (line,), (opening,))
