"""Nothing leaks through a form: each claim holds for every form and class of subject, and fails without its guard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from bot.cases.desk import Desk
from bot.cases.model import About, NoRoute
from bot.cases.routing import Roster
from bot.dialogs import FORMS
from bot.dialogs.form import REVIEW, STEP, Values
from bot.model import FieldKind, Outcome, Page, Platform, Room, Submitted
from guidance_kb.facts import Facts
from intents.model import Intent, Reading, Risk
from tests.fakes import FakeMemory, assemble
from tests.filling import CALM, PEOPLE, SCHOOL, STORY, context
from tests.guidance import library
from tests.small_school import HandClock, MemoryCaseStore

PRIYA = PEOPLE["priya"]
ROOM = Room(Platform.WEB, "dm:priya")
DISCLOSURE = "she says she wants to hurt herself"
TEXT_KINDS = (FieldKind.TEXT, FieldKind.LONG_TEXT)


class ListeningReader:
    """A `Reader` that hears one disclosure and nothing else."""

    def read(self, text: str, earlier: Sequence[str] = (), known: Facts | None = None) -> Reading:  # noqa: ARG002
        """As the port says."""
        alarm = DISCLOSURE in text
        return Reading(intents={Intent.QUESTION: 1.0}, risk=Risk(alarm, float(alarm)), facts={})


@dataclass
class School:
    """The whole product on ports in memory, with one person filling in forms."""

    store: MemoryCaseStore = field(default_factory=MemoryCaseStore)
    memory: FakeMemory = field(default_factory=FakeMemory)

    def __post_init__(self) -> None:
        clock = HandClock()
        desk = Desk(self.store, Roster(SCHOOL.people, frozenset({Platform.WEB})), clock, SCHOOL.numbers())
        self.charter = assemble(ListeningReader(), library(), desk, self.memory, SCHOOL, clock)

    async def submit(self, form: str, before: Values, action: str, sent: Values) -> Outcome:
        """Submit one page of a draft that stands where `before` says."""
        await self.memory.save_draft("d", PRIYA, form, before)
        return await self.charter.handle(Submitted(PRIYA, ROOM, "draft:d", action, sent))

    def kept(self) -> str:
        """Everything that is stored of drafts and cases, written out."""
        return repr((self.memory.drafts, self.store.cases, self.store.stories, self.store.notices))


ABOUT_A_PUPIL: Values = {"about": About.STUDENT}


def typed_fields(whom: Values = ABOUT_A_PUPIL, only: str = "") -> list[tuple[str, str, Values]]:
    """Every free-text field of every form, or of one: the form, the field, and a draft that stands at it."""
    found: list[tuple[str, str, Values]] = []
    for name, form in FORMS.items():
        if only not in ("", name):
            continue
        kind = "pupil_message" if whom is ABOUT_A_PUPIL else "other"
        values: Values = {**CALM, **whom, **STORY, "type": kind} if name == "report" else {}
        full = {f.name: f.options[0].value if f.options else "x" for s in form.steps({}, context()) for f in s.fields}
        start = values or full
        for step in form.steps(start, context()):
            found += [
                (name, f.name, {**_before(name, start), STEP: step.name}) for f in step.fields if f.kind in TEXT_KINDS
            ]
    return found


def _before(name: str, start: Values) -> Values:
    extra = {"pupil_message.replied": "no", "pupil_message.worrying": "no", "pupil_message.kept": "yes"}
    return {**start, **extra, "way": "write"} if name == "report" else start


FIELDS = typed_fields()


def test_the_fields_below_are_all_the_fields() -> None:
    """The claims are made of every form with free text, and of the type's own questions too."""
    assert {form for form, _, _ in FIELDS} == {"report", "ask_leadership", "declare", "justify"}
    assert {"what", "when", "where", "people", "pupil_message.replied", "evidence", "done"} <= {f for _, f, _ in FIELDS}


# 5: a leader is named, though the report is said to be about somebody else

CLASSES: list[Values] = [
    {"about": About.SELF},
    {"about": About.STUDENT},
    {"about": About.PARENT},
    {"about": About.UNKNOWN},
    {"about": About.COLLEAGUE, "subject": "dan"},
    {"about": About.GOVERNOR, "subject": "other"},
    {"about": About.SLT_OR_DSL, "subject": "ruth"},
    {"about": About.SLT_OR_DSL, "subject": "amara"},
    {"about": About.HEADTEACHER, "conflict": "no"},
    {"about": About.CHAIR},
]
by_class = pytest.mark.parametrize("whom", CLASSES, ids=lambda whom: "-".join(whom.values()))
LEADERS = ("sam", "ruth", "amara", "helen", "peter")


def not_the_subject(whom: Values) -> list[str]:
    """Leaders whom this report is not said to be about."""
    subject = {About.HEADTEACHER: "helen", About.CHAIR: "peter"}.get(About(whom["about"]), whom.get("subject"))
    return [leader for leader in LEADERS if leader != subject]


async def claim_a_named_leader_is_asked_about(whom: Values, text_field: str) -> None:
    """However it is sent, a report that names another leader is not filed before the reporter has said what it is."""
    for leader in not_the_subject(whom):
        office = School()
        values = {**CALM, **whom, **STORY, "way": "write", text_field: f"It was {PEOPLE[leader].name}", STEP: REVIEW}
        if isinstance(context().route(FORMS["report"].filing("", values, context())), NoRoute):
            continue
        outcome = await office.submit("report", values, "send", {"@true": "yes"})
        assert not office.store.cases, leader
        assert isinstance(outcome, Page)
        assert PEOPLE[leader].name in outcome.fields[0].label
        assert f"about:{leader}" in {option.value for option in outcome.fields[0].options}


@pytest.mark.parametrize("text_field", ["what", "where", "people", "evidence", "done"])
@by_class
async def test_a_leader_named_in_the_text_is_asked_about_before_sending(whom: Values, text_field: str) -> None:
    """Whichever class was tapped, and wherever the name stands."""
    await claim_a_named_leader_is_asked_about(whom, text_field)


@by_class
async def test_without_the_look_for_names_the_report_would_be_sent(
    whom: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof."""
    monkeypatch.setattr("bot.dialogs.report.mentioned", lambda _text, _people: ())
    with pytest.raises(AssertionError):
        await claim_a_named_leader_is_asked_about(whom, "what")


NAMED: Values = {**CALM, "about": "student", **STORY, "way": "write", "what": "It was Sam Carter", STEP: "named"}


async def test_a_report_that_is_about_the_leader_after_all_starts_again_from_whom() -> None:
    """Whom it is about is filled in, the new recipients are shown, and the leader is not among them."""
    office = School()
    outcome = await office.submit("report", NAMED, "next", {"named": "about:sam"})
    seen = [outcome]
    for sent in ({"about": "slt_or_dsl"}, {"subject": "sam"}, {"type": "other"}, {"excluded": ""}):
        assert isinstance(outcome, Page)
        shown = {one.name: one.value for one in outcome.fields}
        assert shown.keys() == sent.keys()
        outcome = await office.charter.handle(Submitted(PRIYA, ROOM, "draft:d", "next", {**shown, **sent}))
        seen.append(outcome)
    assert isinstance(outcome, Page)
    assert "Helen Marsh" in outcome.intro[0]
    assert "Sam Carter" not in outcome.intro[0]
    await office.charter.handle(Submitted(PRIYA, ROOM, "draft:d", "send", {"@true": "yes"}))
    (case,) = office.store.cases.values()
    assert case.handlers == ("helen",)
    assert "sam" in case.concern.closed_to


async def test_a_leader_who_is_only_named_can_be_kept_out() -> None:
    """Not about them, but not for them either: they are left out, and the review shows it."""
    office = School()
    outcome = await office.submit("report", NAMED, "next", {"named": "keep:sam"})
    assert isinstance(outcome, Page)
    assert "Sam Carter" not in outcome.intro[0]
    await office.charter.handle(Submitted(PRIYA, ROOM, "draft:d", "send", {"@true": "yes"}))
    (case,) = office.store.cases.values()
    assert "sam" not in case.handlers
    assert "keep" not in repr(office.store.stories)


async def test_nothing_is_re_routed_in_silence() -> None:
    """Not about them, and they may see it: it goes where it was going."""
    office = School()
    await office.submit("report", NAMED, "next", {"named": "no:sam"})
    await office.charter.handle(Submitted(PRIYA, ROOM, "draft:d", "send", {"@true": "yes"}))
    (case,) = office.store.cases.values()
    assert "sam" in case.handlers


@pytest.mark.parametrize("answer", ["no:sam", "keep:sam"])
async def test_another_name_typed_later_is_asked_about_again(answer: str) -> None:
    """An answer holds for the names that it was given for."""
    office = School()
    values = {**NAMED, "named": answer, "done": "Then Ruth Evans came", STEP: REVIEW}
    outcome = await office.submit("report", values, "send", {"@true": "yes"})
    assert not office.store.cases
    assert isinstance(outcome, Page)
    assert "Ruth Evans" in outcome.fields[0].label


# 8: safety words inside any step interrupt it


async def claim_danger_interrupts(form: str, name: str, before: Values, action: str) -> None:
    """A disclosure typed into any field brings up who to ring, on that page and on the next."""
    office = School()
    outcome = await office.submit(form, before, action, {name: DISCLOSURE})
    assert any(SCHOOL.contacts.emergency in line for line in outcome.safety)
    assert any(SCHOOL.contacts.dsl.number in line for line in outcome.safety)
    later = await office.charter.handle(Submitted(PRIYA, ROOM, "draft:d", "back", {}))
    assert later.safety == outcome.safety


@pytest.mark.parametrize("action", ["next", "back", "forged"])
@pytest.mark.parametrize(("form", "name", "before"), FIELDS, ids=lambda it: it if isinstance(it, str) else "")
async def test_danger_typed_anywhere_interrupts(form: str, name: str, before: Values, action: str) -> None:
    """Every free-text field of every form, whatever is pressed."""
    await claim_danger_interrupts(form, name, before, action)


@pytest.mark.parametrize(("form", "name", "before"), FIELDS, ids=lambda it: it if isinstance(it, str) else "")
async def test_without_the_reading_of_pages_danger_would_pass(
    form: str, name: str, before: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof."""
    monkeypatch.setattr("bot.formwork.Formwork._alarmed", lambda _self, values, _shown, _sent: values)
    with pytest.raises(AssertionError):
        await claim_danger_interrupts(form, name, before, "next")


@by_class
async def test_danger_interrupts_whomever_it_is_about(whom: Values) -> None:
    """Every free-text field of a report about each class of subject."""
    fields = typed_fields(whom, "report")
    assert {"what", "when", "where", "people", "done"} <= {name for _, name, _ in fields}
    for form, name, before in fields:
        await claim_danger_interrupts(form, name, before, "next")


@by_class
async def test_without_the_reading_of_pages_it_would_interrupt_nowhere(
    whom: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof, for each field of each class."""
    monkeypatch.setattr("bot.formwork.Formwork._alarmed", lambda _self, values, _shown, _sent: values)
    for form, name, before in typed_fields(whom, "report"):
        with pytest.raises(AssertionError):
            await claim_danger_interrupts(form, name, before, "next")


# 9: attachments, image links, data URIs and passwords: refused, not stored, not logged

SECRETS = (
    "look data:image/png;base64,iVBORsecret",
    "see https://example.org/secret.jpg",
    "her password is Secret2024!",
    "PIN: 4821secret",
)


async def claim_a_secret_is_refused(form: str, name: str, before: Values, text: str) -> None:
    """It is in no draft, no case, no log line and no page; the person is told why."""
    office = School()
    with capture_logs() as logs:
        outcome = await office.submit(form, before, "next", {name: text})
    assert "secret" not in office.kept().casefold()
    assert "secret" not in repr((outcome, logs)).casefold()
    assert isinstance(outcome, Page)
    assert any(one.error for one in outcome.fields)


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize(("form", "name", "before"), FIELDS, ids=lambda it: it if isinstance(it, str) else "")
async def test_what_must_not_be_stored_is_refused_in_every_field(
    form: str, name: str, before: Values, text: str
) -> None:
    """No form has a field that takes it."""
    await claim_a_secret_is_refused(form, name, before, text)


@pytest.mark.parametrize(("form", "name", "before"), FIELDS, ids=lambda it: it if isinstance(it, str) else "")
async def test_without_the_screen_it_would_be_stored(
    form: str, name: str, before: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof."""
    monkeypatch.setattr("bot.dialogs.fields.refusal", lambda _text: None)
    with pytest.raises(AssertionError):
        await claim_a_secret_is_refused(form, name, before, SECRETS[0])


@by_class
async def test_what_must_not_be_stored_is_refused_whomever_it_is_about(whom: Values) -> None:
    """Every free-text field of a report about each class of subject, and every kind of secret."""
    for form, name, before in typed_fields(whom, "report"):
        for text in SECRETS:
            await claim_a_secret_is_refused(form, name, before, text)


@by_class
async def test_without_the_screen_it_would_be_stored_whomever_it_is_about(
    whom: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counter-proof, for each field of each class."""
    monkeypatch.setattr("bot.dialogs.fields.refusal", lambda _text: None)
    for form, name, before in typed_fields(whom, "report"):
        with pytest.raises(AssertionError):
            await claim_a_secret_is_refused(form, name, before, SECRETS[0])


async def test_a_late_press_stores_no_secret_either() -> None:
    """What comes from another page of the form is screened in the same way."""
    office = School()
    before = {**NAMED, STEP: "when"}
    for text in SECRETS:
        await office.submit("report", before, "next", {"what": text})
        assert "secret" not in office.kept().casefold()


async def test_several_named_leaders_can_be_kept_out_together() -> None:
    """One answer holds for all of them."""
    office = School()
    values = {**NAMED, "what": "Sam Carter and Ruth Evans were there"}
    (asked,) = (step.fields[0] for step in FORMS["report"].steps(values, context()) if step.name == "named")
    keep = next(option.value for option in asked.options if option.value.startswith("keep:"))
    await office.submit("report", values, "next", {"named": keep})
    await office.charter.handle(Submitted(PRIYA, ROOM, "draft:d", "send", {"@true": "yes"}))
    (case,) = office.store.cases.values()
    assert {"sam", "ruth"}.isdisjoint(case.handlers)
    assert {"sam", "ruth"} <= case.concern.closed_to
