"""How replies, pages and conversations stand in HTML."""

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from bot.model import (
    Choice,
    Cited,
    Field,
    FieldKind,
    Option,
    Page,
    Person,
    Reply,
    Role,
    Section,
    Tone,
    Understood,
)
from bot.preview import Line, from_json, to_json
from bot.render import web as render

EVIL = """<img src=x onerror="alert(1)">'&"</textarea></script>"""
NOW = datetime(2025, 3, 3, 9, 5, tzinfo=UTC)
TESS = Person("tess", "Mrs Tess van Dyke", frozenset({Role.STAFF}), job="Teacher")
HANNAH = Person("hannah", "Hannah Reed", frozenset({Role.HEADTEACHER}), job="Headteacher")
PEOPLE = {person.id: person for person in (TESS, HANNAH)}
FULL = Reply(
    lead="Not allowed by the guidance",
    body=("Please do not accept.",),
    safety=("Ring 999 now.", "Then ring the safeguarding lead."),
    understood=(Understood("who", "a student", "correct:who"),),
    citations=(Cited("contact.1", "Contact", 3, "must never", "Do not add students.", "Exact & true."),),
    choices=(Choice("Report it", "open:form:report", opens=True), Choice("Delete", "delete", danger=True)),
    footnote="Worried about a child? Ring 1.",
    tone=Tone.NO,
)
FIELDS = (
    Field(
        "name", "Your name", FieldKind.TEXT, hint="As on your badge", error="Please write it.", value="Tess", limit=80
    ),
    Field("story", "What happened?", FieldKind.LONG_TEXT, value="\nFirst line empty"),
    Field("about", "About whom?", FieldKind.ONE_OF, (Option("a", "A student"), Option("b", "A parent")), value="b"),
    Field("where", "Where?", FieldKind.ANY_OF, (Option("x", "X"), Option("y", "Y"), Option("z", "Z")), value="x\nz"),
    Field("sure", "I have rung", FieldKind.TICK, value="yes", required=False),
)
FORM = Page("draft:7", "Report", "Step 1 of 3", ("Ring 999 now.",), ("Hello.",), (), FIELDS, (Choice("Next", "next"),))


class Tags(HTMLParser):
    """Every tag of a document with its attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        """The attributes of each such tag."""
        wanted = {name.replace("_", "-").strip("-"): value for name, value in attributes.items()}
        return [found for name, found in self.tags if name == tag and wanted.items() <= found.items()]


def said(content: str | Reply, author: str | None = None) -> Tags:
    """One line, parsed."""
    return Tags(render.message(Line("k", author, NOW, content), PEOPLE))


def test_a_reply_reads_from_top_to_bottom() -> None:
    """The safety card leads, and the rest follows in the order that the model promises."""
    text = said(FULL).text
    parts = ["Ring 999", "Not allowed", "Please do not", "a student", "Do not add", "Exact &", "Report it", "Worried"]
    assert sorted(parts, key=text.index) == parts


def test_the_safety_card_is_an_alert() -> None:
    """A screen reader is told of it at once; a reply without safety lines has none."""
    assert said(FULL).all("section", role="alert")
    assert not said(replace(FULL, safety=())).all("section")


def test_buttons_carry_their_actions() -> None:
    """A choice and a fact come back by their own action, and one that opens a page says so."""
    buttons = {found["data-action"]: found for found in said(FULL).all("button")}
    assert list(buttons) == ["correct:who", "open:form:report", "delete"]
    assert buttons["open:form:report"]["aria-haspopup"] == "dialog"
    assert "danger" in str(buttons["delete"]["class"])


def test_a_citation_shows_where_and_how_strongly() -> None:
    """Section, paragraph and force stand beside our words; the exact words only when the school gave them."""
    shown = said(FULL)
    assert "Contact, paragraph 3" in shown.text
    assert "must never" in shown.text
    assert shown.all("blockquote")
    bare = replace(FULL, citations=(replace(FULL.citations[0], quote=None),))
    assert not said(bare).all("blockquote")


@pytest.mark.parametrize("tone", [tone for tone in Tone if tone is not Tone.PLAIN])
def test_a_verdict_has_an_icon_that_exists(tone: Tone) -> None:
    """A tone is drawn with an icon of the page's own sprite, so that it never rests on colour."""
    drawn = said(Reply("Verdict", tone=tone)).all("use", href=f"#i-{tone}")
    assert drawn
    assert Tags(render.shell(list(PEOPLE.values()), "", FULL)).all("symbol", id=f"i-{tone}")


def evil_page() -> Page:
    """A page in which every string is hostile."""
    kinds = [Field(EVIL, EVIL, kind, (Option(EVIL, EVIL),), EVIL, EVIL, error=EVIL) for kind in FieldKind]
    many = Field(EVIL, EVIL, FieldKind.ONE_OF, (Option(EVIL, EVIL),) * render.LONG_LIST)
    choices = (Choice(EVIL, EVIL),)
    return Page(EVIL, EVIL, EVIL, (EVIL,), (EVIL,), (Section(EVIL, (EVIL,), choices),), (*kinds, many), choices)


def evil_reply() -> Reply:
    """A reply in which every string is hostile."""
    cited = Cited(EVIL, EVIL, 1, EVIL, EVIL, EVIL)
    facts = (Understood(EVIL, EVIL, EVIL),)
    return Reply(EVIL, (EVIL,), (EVIL,), facts, (cited,), (Choice(EVIL, EVIL),), EVIL)


@pytest.mark.parametrize(
    "html",
    [
        render.page(evil_page()),
        render.reply(evil_reply()),
        render.message(Line(EVIL, "evil", NOW, EVIL), {"evil": Person("evil", EVIL, frozenset(), job=EVIL)}),
        render.room([], {}, [EVIL], private=True),
        render.shell([Person(EVIL, EVIL, frozenset(), job=EVIL)], EVIL, evil_reply()),
    ],
)
def test_no_text_becomes_markup(html: str) -> None:
    """Whatever anybody writes is shown as it was written: no tag and no handler comes of it."""
    found = Tags(html)
    assert not found.all("img")
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]


@pytest.mark.parametrize("html", [render.shell(list(PEOPLE.values()), "School", FULL), render.page(FORM)])
def test_nothing_stands_inline_and_nothing_comes_from_afar(html: str) -> None:
    """The strict content security policy holds: no style, no script text, no other site."""
    found = Tags(html)
    assert not found.all("style")
    assert not [attributes for _, attributes in found.tags if "style" in attributes]
    assert all(str(script["src"]).startswith("/static/") for script in found.all("script"))
    assert "://" not in html


def test_fields_keep_what_was_given() -> None:
    """Text, picks and ticks come back as they were, a first empty line included."""
    html = render.page(FORM)
    found = Tags(html)
    assert found.all("input", type="text", value="Tess")
    assert ">\n\nFirst line empty</textarea>" in html
    checked = [box["value"] for box in found.all("input") if "checked" in box]
    assert checked == ["b", "x", "z", "yes"]


def test_each_field_is_labelled_and_tied_to_its_hint_and_error() -> None:
    """Every control has a label, and its error is read out with it."""
    found = Tags(render.page(FORM))
    labelled = {label.get("for") for label in found.all("label")}
    controls = [*found.all("input", type="text"), *found.all("textarea")]
    assert {box["id"] for box in controls} <= labelled
    [wrong] = [box for box in controls if box.get("aria-invalid") == "true"]
    assert str(wrong["aria-describedby"]).split() == ["field-1-hint", "field-1-error"]
    assert {"field-1-hint", "field-1-error"} <= {mark.get("id") for mark in found.all("p")}


def test_a_long_list_is_folded() -> None:
    """A roster to pick from is a drop-down with nobody picked."""
    roster = tuple(Option(str(number), f"Person {number}") for number in range(render.LONG_LIST))
    found = Tags(render.page(replace(FORM, fields=(Field("who", "Who?", FieldKind.ONE_OF, roster),))))
    assert len(found.all("option")) == render.LONG_LIST + 1
    assert not [option for option in found.all("option") if "selected" in option]


def test_only_the_first_button_is_the_main_one() -> None:
    """Enter in a field does what the first button does, and it looks like it; a dangerous button never does."""
    page = replace(FORM, buttons=(Choice("Next", "next"), Choice("Back", "back"), Choice("Stop", "stop", danger=True)))
    classes = [str(button["class"]).split() for button in Tags(render.page(page)).all("button", type="submit")]
    assert [("main" in each, "danger" in each) for each in classes] == [(True, False), (False, False), (False, True)]


def test_an_empty_private_room_offers_starters_and_an_empty_channel_none() -> None:
    """A visitor's first screen says what to ask; the leadership channel only says what will stand there."""
    assert Tags(render.room([], PEOPLE, ["May I?"], private=True)).all("button", data_say="May I?")
    assert not Tags(render.room([], PEOPLE, ["May I?"], private=False)).all("button")


def test_a_room_shows_each_line_with_its_author() -> None:
    """Names come from the roster; somebody who has left is not named."""
    lines = [Line("a", "tess", NOW, "Hello"), Line("b", None, NOW, FULL), Line("c", "gone", NOW, "Bye")]
    found = Tags(render.room(lines, PEOPLE, [], private=True))
    assert [each["data-author"] for each in found.all("article")] == ["tess", "", "gone"]
    assert "Mrs Tess van Dyke" in found.text
    assert "Someone" in found.text


def test_initials_leave_titles_out() -> None:
    """An avatar shows first and last name."""
    assert render.face(TESS).initials == "TD"
    assert render.face(replace(TESS, name="Cher")).initials == "C"


@pytest.mark.parametrize("content", [FULL, evil_reply(), EVIL, "", '{"lead": "not a reply"}'])
def test_what_is_written_down_reads_back_unchanged(content: str | Reply) -> None:
    """A stored line is the line that was said, also when its text looks like a stored reply."""
    assert from_json(to_json(content)) == content
