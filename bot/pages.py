"""What a given person may see, as pages: their own cases, the queue, registers, one case, and the small forms on it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.model import About, CaseSummary, CaseView, Kind, Listing, State, Urgency
from bot.model import Choice, Field, FieldKind, Option, Page, Person, Section

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
REGISTERS = {Kind.DECLARATION: "Declared contacts", Kind.JUSTIFICATION: "Reasons given"}
CLASSES = {
    About.SELF: "The reporter",
    About.STUDENT: "A student",
    About.PARENT: "A parent or somebody outside school",
    About.COLLEAGUE: "A colleague, volunteer or contractor",
    About.SLT_OR_DSL: "A member of the leadership team or a safeguarding lead",
    About.HEADTEACHER: "The headteacher",
    About.GOVERNOR: "A governor",
    About.CHAIR: "The chair of governors",
    About.UNKNOWN: "Not known",
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

_SHORT = 48
"""The most characters of an answer that reads well beside its question."""


@dataclass(frozen=True)
class ActForm:
    """What an action on a case asks first: its title, its fields and what its button says."""

    title: str
    fields: tuple[Field, ...]
    send: str


_WORDS = Field("words", "Your words", FieldKind.LONG_TEXT, limit=4000)
_REASON = Field("words", "Why?", FieldKind.LONG_TEXT, hint="For the record.", limit=2000)
_OUTCOME = Field("outcome", "Outcome", FieldKind.ONE_OF, tuple(Option(text, text) for text in OUTCOMES))
_URGENCY = Field(
    "urgency",
    "How urgent is it?",
    FieldKind.ONE_OF,
    (Option(Urgency.HIGH, "Urgent"), Option(Urgency.NORMAL, "Not urgent")),
)
_CLASS = Field(
    "about",
    "Who is it really about?",
    FieldKind.ONE_OF,
    tuple(Option(about, label) for about, label in CLASSES.items()),
)
_TO = Field("to", "Who should have it?", FieldKind.ONE_OF)
_SUBJECT = Field("subject", "Which member of staff, if it is one?", FieldKind.ONE_OF, required=False)

FORMS: Mapping[str, ActForm] = {
    "reply": ActForm("Reply to the reporter", (_WORDS,), "Send reply"),
    "ask": ActForm("Ask the reporter something", (_WORDS,), "Send question"),
    "add": ActForm("Add to your case", (_WORDS,), "Add"),
    "note": ActForm("A note for those who handle this", (_WORDS,), "Keep note"),
    "assign": ActForm("Give it to somebody else", (_TO,), "Give it"),
    "close": ActForm("Close the case", (_OUTCOME, replace(_REASON, label="Reason, for the record")), "Close the case"),
    "reopen": ActForm("Open the case again", (_REASON,), "Open again"),
    "withdraw": ActForm("Withdraw your case", (_REASON,), "Withdraw"),
    "urgency": ActForm("Change the urgency", (_URGENCY, _REASON), "Change"),
    "hold": ActForm("Keep it from being deleted", (_REASON,), "Keep it"),
    "release": ActForm("Let it be deleted in time again", (_REASON,), "Let go"),
    "recuse": ActForm("I should not handle this", (_REASON,), "Pass it on"),
    "reroute": ActForm("It belongs elsewhere", (_CLASS, _SUBJECT, _REASON), "Move it"),
}
"""Actions that ask for something first; the others are done by the press alone."""

_MAIN = {
    "acknowledge": "I'll take this",
    "reply": "Reply",
    "ask": "Ask the reporter",
    "add": "Add something",
    "close": "Close the case",
    "reopen": "Open again",
}
_MORE = {
    "assign": "Give it to somebody else",
    "note": "Add a note",
    "urgency": "Change the urgency",
    "reroute": "It belongs elsewhere",
    "recuse": "I should not handle this",
    "hold": "Keep it from being deleted",
    "release": "Let it be deleted in time again",
    "withdraw": "Withdraw",
}


def mine(listing: Listing, now: datetime) -> Page:
    """The person's own cases, newest first."""
    none = "You have no cases. Reports and questions that you send will be listed here."
    return Page("mine", "My cases", intro=_counted(listing, none), sections=_lines(listing, now))


def queue(listing: Listing, now: datetime) -> Page:
    """The open cases this person handles, overdue first, and the way to the registers."""
    choices = tuple(Choice(title, f"open:register:{kind}", opens=True) for kind, title in REGISTERS.items())
    sections = (*_lines(listing, now), Section("Registers", choices=choices))
    return Page("queue", "Cases for you", intro=_counted(listing, "Nothing is waiting for you."), sections=sections)


def register(kind: Kind, listing: Listing, now: datetime) -> Page:
    """Declared contacts, or reasons given, that this person handles."""
    intro = _counted(listing, "Nothing stands here that is yours to see.")
    return Page(f"register:{kind}", REGISTERS[kind], intro=intro, sections=_lines(listing, now))


def case(view: CaseView, now: datetime, note: str = "") -> Page:
    """One case as its viewer may see it; `note` says what became of the last press."""
    said = tuple(
        Section(f"{e.by}, {e.at:%d %b %Y %H:%M}: {e.what}", tuple(e.words.splitlines()))
        for e in reversed(view.story)
        if e.words
    )
    story = tuple(f"{e.at:%d %b %Y %H:%M}  {e.by}: {e.what}" for e in view.story if not e.words)
    sections = (*said, *_told(view.answers), Section("What has happened", story))
    return Page(
        f"case:{view.summary.ref}",
        f"{KINDS[view.summary.kind]} {view.summary.ref}",
        intro=tuple(filter(None, [note, _head(view, now)])),
        sections=sections,
        buttons=_buttons(view),
    )


def more(view: CaseView) -> Page:
    """The less usual actions on a case."""
    buttons = tuple(Choice(label, f"act:{act}") for act, label in _MORE.items() if act in view.may)
    return Page(f"case:{view.summary.ref}", "More", view.summary.ref, buttons=(*buttons, Choice("Back", "back")))


def act(
    ref: str,
    name: str,
    fields: tuple[Field, ...],
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Page:
    """The small form for an action on a case. Raises KeyError for an action that has none."""
    form = FORMS[name]
    shown = tuple(
        replace(one, value=(values or {}).get(one.name, ""), error=(errors or {}).get(one.name, "")) for one in fields
    )
    return Page(
        f"case:{ref}:{name}", form.title, ref, fields=shown, buttons=(Choice(form.send, "send"), Choice("Back", "back"))
    )


def fields(name: str, eligible: tuple[Person, ...] = (), staff: tuple[Person, ...] = ()) -> tuple[Field, ...]:
    """The fields of an action's form, with the people that may be chosen. Raises KeyError for an action that has none."""
    people = {"to": eligible, "subject": staff}
    return tuple(
        replace(one, options=tuple(Option(p.id, named(p)) for p in people[one.name])) if one.name in people else one
        for one in FORMS[name].fields
    )


def named(person: Person) -> str:
    """A person as they are offered: name and job."""
    return f"{person.name}, {person.job}" if person.job else person.name


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


def _head(view: CaseView, now: datetime) -> str:
    summary = view.summary
    parts = (
        f"{KINDS[summary.kind]}, {STATES[summary.state]}.",
        "Urgent." if summary.urgency is Urgency.HIGH else "",
        f"Sent {age(summary.opened, now)} ago by {view.reporter}.",
        f"{owner(summary)}.",
        "Kept from deletion." if summary.hold else "",
        f"To be looked at again on {summary.review:%d %B %Y}." if summary.review else "",
    )
    return " ".join(filter(None, parts))


def _buttons(view: CaseView) -> tuple[Choice, ...]:
    main = tuple(Choice(label, f"act:{act}") for act, label in _MAIN.items() if act in view.may)
    return (*main, Choice("More", "act:more")) if not view.may.isdisjoint(_MORE) else main


def _told(answers: Mapping[str, str]) -> tuple[Section, ...]:
    """What was filed: long answers each under their question, then the short ones together, so that the story comes first."""
    long = {label: words for label, words in answers.items() if len(words) > _SHORT or "\n" in words}
    short = tuple(f"{label} {words}" for label, words in answers.items() if label not in long)
    return (
        *(Section(label, tuple(words.splitlines())) for label, words in long.items()),
        *((Section("Also answered", short),) if short else ()),
    )


def _counted(listing: Listing, none: str) -> tuple[str, ...]:
    if not listing.total:
        return (none,)
    return (f"Showing {len(listing.cases)} of {listing.total}.",) if listing.total > len(listing.cases) else ()


def _lines(listing: Listing, now: datetime) -> tuple[Section, ...]:
    return tuple(_line(case, now) for case in listing.cases)


def _line(summary: CaseSummary, now: datetime) -> Section:
    parts = (
        "Overdue." if summary.overdue else "",
        "Urgent." if summary.urgency is Urgency.HIGH else "",
        f"{STATES[summary.state].capitalize()}, sent {age(summary.opened, now)} ago.",
        f"{owner(summary)}.",
        f"To be looked at again on {summary.review:%d %B %Y}." if summary.review else "",
    )
    opening = Choice("Open", f"open:case:{summary.ref}", opens=True)
    return Section(f"{KINDS[summary.kind]} {summary.ref}", (" ".join(filter(None, parts)),), (opening,))
