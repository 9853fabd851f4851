"""Replies and pages as Block Kit: always what Slack takes, always harmless, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Choice, Cited, Field, FieldKind, Option, Page, Reply, Section, Tone, Understood
from bot.render.slack import SAFETY_TITLE, message, notice, quoted
from bot.render.slack_home import closed, home
from bot.render.slack_page import errors, loading, values, view, warned
from bot.render.slack_text import CUT, escaped, pieces, within
from tests.slack.block_kit import Json, elements, message_faults, texts, view_faults

HOSTILE = (
    "<!channel> <!here|x> <!subteam^S1> <@U1> <#C1|x> <https://evil.example|https://school.example> <!date^1^{date}|x>",
    "&lt;!channel&gt; &amp;",
    "*bold* _it_ ~no~ `code` > quote\n• forged line",
    "\u202egnp.exe \u2066x\u2069 \ufeff\u200b",
    "x" * 15_000,
    "<" * 4000,
    "👩‍👩‍👧‍👦" * 1500,
    "\x00\x07 \ud800",
    " \n\t ",
    "",
)

_TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=80), st.text("<&> ab", min_size=1, max_size=200))
_ACTIONS = st.one_of(st.text(min_size=1, max_size=160), st.sampled_from(["open:form:report", "x" * 2001, ""]))
_CHOICES = st.lists(st.builds(Choice, _TEXTS, _ACTIONS, st.booleans(), st.booleans()), max_size=40).map(tuple)
_LINES = st.lists(_TEXTS, max_size=12).map(tuple)
_CITED = st.builds(Cited, _TEXTS, _TEXTS, st.integers(1, 99), _TEXTS, _TEXTS, st.none() | _TEXTS)
_REPLIES = st.builds(
    Reply,
    lead=_TEXTS,
    body=_LINES,
    safety=_LINES,
    understood=st.lists(st.builds(Understood, _TEXTS, _TEXTS, _ACTIONS), max_size=30).map(tuple),
    citations=st.lists(_CITED, max_size=20).map(tuple),
    choices=_CHOICES,
    footnote=_TEXTS,
    summary=_TEXTS,
    tone=st.sampled_from(Tone),
)
_OPTIONS = st.lists(
    st.builds(Option, st.text(min_size=1, max_size=160), _TEXTS), max_size=40, unique_by=lambda o: o.value
)
_FIELDS = st.builds(
    Field,
    name=st.text("abc_@1", min_size=1, max_size=12),
    label=_TEXTS,
    kind=st.sampled_from(FieldKind),
    options=_OPTIONS.map(tuple),
    hint=_TEXTS,
    value=_TEXTS,
    required=st.booleans(),
    error=_TEXTS,
    limit=st.sampled_from([1, 300, 4000, 200_000]),
)
_PAGES = st.builds(
    Page,
    id=_TEXTS,
    title=_TEXTS,
    progress=_TEXTS,
    safety=_LINES,
    intro=_LINES,
    sections=st.lists(st.builds(Section, _TEXTS, _LINES, _CHOICES), max_size=20).map(tuple),
    fields=st.lists(_FIELDS, max_size=8).map(tuple),
    buttons=_CHOICES,
)

_KEPT = settings(max_examples=40)


def plain_texts(part: object) -> Iterator[str]:
    """The text of every text object that Slack parses, and of none that it does not."""
    if isinstance(part, list):
        for each in part:
            yield from plain_texts(each)
    elif isinstance(part, dict):
        if part.get("type") in ("plain_text", "mrkdwn"):
            yield part["text"]
        else:
            yield from plain_texts(list(part.values()))


def live(shown: object) -> list[str]:
    """Whatever Slack would take for a mention, a ping or a link of somebody's making."""
    found = [text for text in plain_texts(shown) if "<" in text or ">" in text]
    kinds = {"broadcast", "user", "usergroup", "channel", "link", "markdown", "mrkdwn"}
    return found + [kind for kind in kinds if f'"type": "{kind}"' in json.dumps(shown)]


@_KEPT
@given(_REPLIES)
def test_any_reply_is_a_message_that_slack_takes(reply: Reply) -> None:
    """Whatever the words, the message stays within Slack's limits and nothing in it is live."""
    made = message(reply, mark="notice:1", carry=reply.lead)
    assert message_faults(made.blocks) == []
    assert live(made.blocks) == []
    assert 0 < len(made.text) <= 300
    assert "<" not in made.text


@_KEPT
@given(_REPLIES)
def test_any_reply_is_a_window_that_slack_takes(reply: Reply) -> None:
    """The same reply can stand in a modal, where fewer kinds of block are allowed."""
    assert view_faults(notice(reply)) == []
    assert view_faults(closed(reply)) == []
    assert live(notice(reply)) == []


@_KEPT
@given(_PAGES)
def test_any_page_is_a_window_that_slack_takes(page: Page) -> None:
    """Whatever the fields, options, lists and words, the modal stays within Slack's limits and nothing in it is live."""
    made = view(page)
    if any(block["type"] == "input" for block in made["blocks"]) and "submit" not in made:  # type: ignore[attr-defined]
        assert not page.buttons
        made["submit"] = {"type": "plain_text", "text": "Send"}
    assert view_faults(made) == []
    assert live(made["blocks"]) == []


@_KEPT
@given(_PAGES, _PAGES | st.none(), _TEXTS)
def test_any_lists_make_an_app_home_that_slack_takes(mine: Page, queue: Page | None, note: str) -> None:
    """App Home holds two long lists without breaking a limit."""
    mine = replace(mine, id=mine.id[:100])
    assert view_faults(home(mine, queue and replace(queue, id=queue.id[:100]), note)) == []


@pytest.mark.parametrize("text", HOSTILE)
def test_quoted_words_are_harmless(text: str) -> None:
    """The asker's words, said back to them, ping nobody."""
    made = quoted(text, text)
    assert message_faults(made.blocks) == []
    assert live(made.blocks) == []


def test_the_safety_card_comes_first_and_is_whole() -> None:
    """A long answer never pushes the numbers down or out."""
    lines = ("If anyone is in immediate danger, ring 999 now.", "Then ring Amara Okafor: 020 7946 0101.")
    made = message(Reply("x" * 5000, ("y" * 20_000,), lines, choices=(Choice("Report it", "open:form:report", True),)))
    shown = list(texts(made.blocks))
    assert shown[: 1 + len(lines)] == [SAFETY_TITLE, *lines]
    assert "Report it" in shown


def test_what_is_cut_says_so() -> None:
    """Nobody takes a part for the whole."""
    made = message(Reply("Lead", ("y" * 20_000,)))
    assert any(text.endswith(CUT) for text in texts(made.blocks))


def test_a_notification_shows_no_content() -> None:
    """The fallback text is the reply's summary, and neither the lead nor the body stands in it."""
    made = message(Reply("Not allowed", ("Because.",), summary="Charter: news of case K7-QM3."))
    assert made.text == "Charter: news of case K7-QM3."


def test_facts_are_buttons_that_say_what_pressing_does() -> None:
    """A screen reader hears that the button changes the fact, not the bare fact."""
    made = message(Reply("Lead", understood=(Understood("who", "a student", "correct:who"),)))
    (fact,) = elements(made.blocks)
    assert (fact["text"]["text"], fact["value"]) == ("a student", "correct:who")
    assert fact["accessibility_label"] == "Change: a student"


def test_many_choices_become_a_list_that_holds_them_all() -> None:
    """Ninety matters can be corrected to, none of them lost."""
    made = message(
        Reply("What should it be?", choices=tuple(Choice(f"matter {n}", f"set:matter={n}") for n in range(91)))
    )
    (picking,) = elements(made.blocks)
    assert [option["value"] for option in picking["options"]] == [f"set:matter={n}" for n in range(91)]


def test_a_citation_shows_section_paragraph_force_and_exact_words() -> None:
    """An answer can be checked: where it stands, how strong it is, and what it says word for word."""
    made = message(Reply("Lead", citations=(Cited("s.1", "Social contact", 3, "should", "Ours.", "Theirs."),)))
    block = next(block for block in made.blocks if block["type"] == "rich_text")
    assert list(texts(block)) == ["Social contact, paragraph 3", "  should\n", "Ours.", "Theirs."]
    assert block["elements"][1]["type"] == "rich_text_quote"  # type: ignore[index]


def test_only_answers_ask_for_feedback() -> None:
    """A receipt or a refusal does not ask whether it was helpful."""
    answer = Reply("Lead", citations=(Cited("s.1", "Social contact", 3, "should", "Ours."),))
    assert any(element["action_id"] == "feedback" for element in elements(message(answer).blocks))
    assert not any(element["action_id"] == "feedback" for element in elements(message(Reply("Thank you.")).blocks))


# Forms


def state(made: Json) -> Json:
    """What Slack sends back of a modal that nobody touched."""
    return {
        block["block_id"]: {"value": _untouched(block["element"])}
        for block in made["blocks"]
        if block["type"] == "input"
    }


def _untouched(element: Json) -> Json:
    if element["type"] == "plain_text_input":
        return {"type": element["type"], "value": element.get("initial_value")}
    if element["type"] in ("radio_buttons", "static_select"):
        return {"type": element["type"], "selected_option": element.get("initial_option")}
    return {"type": element["type"], "selected_options": element.get("initial_options", [])}


def _options(count: int) -> tuple[Option, ...]:
    return tuple(Option(f"value {n}", f"Label {n}") for n in range(count))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Field("a", "A", FieldKind.TEXT, limit=300), "one < two & three"),
        (Field("a", "A", FieldKind.LONG_TEXT, limit=4000), "line\n" * 790),
        (Field("a", "A", FieldKind.LONG_TEXT, limit=4000), "x" * 4000),
        (Field("a", "A", FieldKind.ONE_OF, _options(3)), "value 2"),
        (Field("a", "A", FieldKind.ONE_OF, _options(40)), "value 33"),
        (Field("a", "A", FieldKind.ANY_OF, _options(3)), "value 0\nvalue 2"),
        (Field("a", "A", FieldKind.ANY_OF, _options(40)), "value 7\nvalue 33"),
        (Field("a", "A", FieldKind.TICK), "yes"),
        (Field("a", "A", FieldKind.TICK), ""),
    ],
)
def test_a_value_comes_back_as_it_was(field: Field, value: str) -> None:
    """What was typed or chosen survives being shown again, whatever the kind of field and however long."""
    made = view(Page("draft:1", "Form", fields=(replace(field, value=value),), buttons=(Choice("Next", "next"),)))
    assert values(state(made)) == {"a": value}


@given(st.text(max_size=9000), st.integers(2, 3000))
def test_pieces_lose_nothing(text: str, size: int) -> None:
    """Long text is split, never cut, and no part is longer than asked."""
    parts = list(pieces(text, size))
    assert "".join(parts) == text
    assert all(0 < len(part) <= size for part in parts)


@given(st.text(), st.integers(20, 3000))
def test_escaped_text_keeps_within_its_limit_and_escapes_once(text: str, limit: int) -> None:
    """No limit is broken by escaping, no escape is cut in two, and none is doubled."""
    made = escaped(text, limit)
    assert len(made) <= limit
    assert "&" not in made.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


@given(st.lists(st.text(max_size=300), max_size=20), st.integers(0, 2000))
def test_lines_within_say_when_they_were_cut(lines: list[str], room: int) -> None:
    """Text is either whole or ends in a note that it is not."""
    kept, was_cut = within(lines, room)
    assert was_cut == bool(kept and kept[-1].endswith(CUT))
    assert sum(map(len, kept)) <= room + len(CUT)


def test_the_main_button_submits_and_the_others_send_the_fields_too() -> None:
    """Next is the window's own button; Back and Stop carry their action, and the window its page's id and nothing else."""
    buttons = (Choice("Next", "next"), Choice("Back", "back"), Choice("Stop", "stop"))
    made = view(Page("draft:abc", "Report", fields=(Field("a", "A", FieldKind.TEXT),), buttons=buttons))
    assert (made["callback_id"], made["private_metadata"]) == ("page:next", "draft:abc")
    assert made["submit"] == {"type": "plain_text", "text": "Next", "emoji": False}
    pressed = [one for one in elements(made["blocks"]) if one["type"] == "button"]  # type: ignore[arg-type]
    assert [(one["action_id"], one["value"]) for one in pressed] == [("also:0", "back"), ("also:1", "stop")]


def test_a_page_that_is_only_read_has_no_submit() -> None:
    """What can be done on a case stands in its buttons."""
    made = view(Page("case:K7-QM3", "Report K7-QM3", buttons=(Choice("I'll take this", "act:acknowledge"),)))
    assert "submit" not in made
    assert [one["value"] for one in elements(made["blocks"])] == ["act:acknowledge"]  # type: ignore[arg-type]


def test_errors_stand_beside_their_fields() -> None:
    """The window stays as it is, and only the wrong fields are spoken of."""
    page = Page(
        "draft:1", "Form", fields=(Field("a", "A", FieldKind.TEXT, error="Why <b>?"), Field("b", "B", FieldKind.TEXT))
    )
    assert errors(page, ("a", "b")) == {"a": "Why &lt;b&gt;?"}


def test_a_page_is_shown_anew_when_errors_would_hide_something() -> None:
    """Other fields, or a safety card that is not up yet, need the whole page."""
    page = Page("draft:1", "Form", fields=(Field("a", "A", FieldKind.TEXT, error="No."),))
    assert errors(page, ("b",)) is None
    assert errors(replace(page, safety=("Ring 999.",)), ("a",)) is None
    assert errors(replace(page, safety=("Ring 999.",)), ("a", "safety")) == {"a": "No."}
    assert errors(replace(page, fields=(Field("a", "A", FieldKind.TEXT),)), ("a",)) is None


def test_a_warning_leaves_every_input_where_it_was() -> None:
    """Slack keeps what was typed where block and action keep their names."""
    made = view(Page("draft:1", "Form", fields=(Field("a", "A", FieldKind.TEXT),), buttons=(Choice("Next", "next"),)))
    again = warned(warned(made, "Not stored."), "Still not stored.")
    assert view_faults(again) == []
    assert again["blocks"][1:] == made["blocks"]  # type: ignore[index]
    assert {**again, "blocks": []} == {**made, "blocks": []}


def test_a_waiting_window_is_one() -> None:
    """What stands there while a page is fetched is a window that Slack takes."""
    assert view_faults(loading()) == []


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_forged_state_gives_no_more_than_strings(forged: object) -> None:
    """Whatever stands in a view's state, fields come out as strings or not at all."""
    found = values({"a": {"value": forged}, "b": forged, "c~9": {"value": {"value": forged}}})
    assert all(isinstance(value, str) for value in found.values())
