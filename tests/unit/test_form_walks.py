"""However somebody wanders through a form, what they typed stays, and nothing is sent that they did not look over."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cases.model import Filing, Route
from bot.dialogs import FORMS
from bot.dialogs.form import REVIEW, STEP, Form, Turned, Values, Wish, page, turn
from bot.dialogs.screen import clean, refusal
from bot.model import Field, FieldKind, Page
from tests.filling import PEOPLE, STORY, TOLD, context

MARK = "zqx"
TEXTS = st.one_of(
    st.text(max_size=30).map(lambda text: f"{MARK} {text}"),
    st.sampled_from(
        [
            "",
            f"{MARK} Sam Carter and Helen Marsh",
            f"{MARK} Peter Lowe's doing",
            f"{MARK} my password is Summer2024!",
            f"{MARK} data:image/png;base64,AAAA",
            f"{MARK} naked",
            f"{MARK} " + "x" * 4100,
        ]
    ),
)
ACTIONS = st.sampled_from(["next"] * 12 + ["back", "back", "send", "speak", "change", "forged", ""])
STARTS: list[Values] = [
    {},
    {**TOLD, STEP: "recipients"},
    {**TOLD, "way": "write", STEP: "what"},
    {**TOLD, **STORY, "way": "write", STEP: "known"},
    {**TOLD, **STORY, "way": "write", STEP: REVIEW},
]
"""Where a walk through the report begins; it is too long to be crossed by chance alone."""
TEXT_KINDS = (FieldKind.TEXT, FieldKind.LONG_TEXT)


@dataclass
class Wanderer:
    """Somebody who answers a form at random; `typed` is what must still be there."""

    form: Form
    data: st.DataObject
    values: Values = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    sent: Filing | Wish | None = None

    def __post_init__(self) -> None:
        self.person = PEOPLE[self.data.draw(st.sampled_from(["priya", "sam", "helen", "peter"]))]
        self.where = context(self.person)
        self.values = self.data.draw(st.sampled_from(STARTS)) if self.form.name == "report" else {}
        self.page = page(self.form, "d", self.values, self.where)

    def press(self) -> Turned:
        """Fill in the page somehow and press something."""
        sent = {one.name: self._answer(one) for one in self.page.fields}
        action = self.data.draw(ACTIONS)
        turned = turn(self.form, "d", self.values, action, sent, self.where)
        if turned.page is None:
            self._sent_only_from_the_review(action, sent)
        for one in self.page.fields:
            text = clean(sent[one.name])
            if one.kind in TEXT_KINDS and refusal(text) is None:
                self.typed[one.name] = text[: one.limit]
        self.values, self.page = turned.values, turned.page or self.page
        return turned

    def _answer(self, one: Field) -> str:
        if one.kind in TEXT_KINDS:
            return self.data.draw(TEXTS)
        if one.kind is FieldKind.TICK:
            return self.data.draw(st.sampled_from(["yes", ""]))
        offered = [option.value for option in one.options]
        if one.name == "@change":
            return self.data.draw(st.sampled_from(["", "", "", *offered]))
        calm = [value for value in ("no", "student", "write") if value in offered] * 6
        return self.data.draw(st.sampled_from([*offered, *calm, "forged"]))

    def _sent_only_from_the_review(self, action: str, sent: Values) -> None:
        ending = self.form.ending("d", self.values, self.where)
        assert self.values[STEP] == REVIEW
        assert action == "send"
        assert sent.get("@true") == "yes" or not isinstance(ending, Filing)
        assert not sent.get("@change")


@pytest.mark.parametrize("name", FORMS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_walk_loses_no_word_and_sends_nothing_unseen(name: str, data: st.DataObject) -> None:
    """Typed text stays until it is typed over; a filing comes only from the review, ticked; content stays in its place."""
    wanderer = Wanderer(FORMS[name], data)
    for _ in range(data.draw(st.integers(1, 45))):
        turned = wanderer.press()
        assert {one: turned.values.get(one) for one in wanderer.typed} == wanderer.typed
        assert not any(refusal(value) for value in turned.values.values())
        if turned.page is None:
            _nothing_beyond_what_was_shown(wanderer)
            return
        _content_stays_in_its_place(turned.page, name)


def _nothing_beyond_what_was_shown(wanderer: Wanderer) -> None:
    """A filing goes where the review said; a wish holds no word."""
    ending = wanderer.form.ending("d", wanderer.values, wanderer.where)
    if isinstance(ending, Filing):
        route = wanderer.where.route(ending)
        assert isinstance(route, Route)
        if wanderer.form.name != "ask_leadership":
            assert all(person.name in wanderer.page.intro[0] for person in route.handlers)
    assert isinstance(ending, Filing) or MARK not in repr(ending)


def _content_stays_in_its_place(shown: Page, name: str) -> None:
    """Typed words stand in fields and in the review's sections alone; a question's own text also above them."""
    around = (
        shown.id,
        shown.title,
        shown.progress,
        shown.buttons,
        [(f.label, f.hint, f.options) for f in shown.fields],
    )
    assert MARK not in repr(around)
    assert MARK not in repr(shown.intro) or name == "ask_leadership"


def test_a_walk_can_reach_the_end() -> None:
    """The walks above do not all stay on the first page."""

    def ended(form: Form) -> bool:
        found = []

        @settings(max_examples=150, database=None)
        @given(data=st.data())
        def walk(data: st.DataObject) -> None:
            wanderer = Wanderer(form, data)
            found.append(any(wanderer.press().page is None for _ in range(45)))

        walk()
        return any(found)

    assert ended(FORMS["ask_leadership"])
    assert ended(FORMS["joiner_check"])
