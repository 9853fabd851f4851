"""Cards for Teams: whatever stands in a reply or a page, the card keeps to Teams' limits and shows words as words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model import Choice, Cited, Field, FieldKind, Option, Page, Reply, Section, Tone, Understood
from bot.render import teams as render
from bot.render.teams_parts import FIELD, MANY, Json, unpacked

EVIL = "<at>All</at> **bold** [link](https://evil.example) https://evil.example\n# head\n- list {{DATE()}} & <b>"


class Long(str):
    """A long text that prints short, so that an example can be read."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Long({self[:5]!r}…)"


LONG = [Long("word " * 1000), Long("x" * 20_000), Long("\U0001f600" * 3000), Long("line\n" * 300)]
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from([EVIL, "", *LONG]))
NAMES = st.text("abc:-_", min_size=1, max_size=20)
CHOICES = st.builds(Choice, TEXTS, NAMES, st.booleans())
CITED = st.builds(Cited, NAMES, TEXTS, st.integers(1, 40), TEXTS, TEXTS, st.one_of(st.none(), TEXTS))


def several(one: st.SearchStrategy[object], most: int = 4) -> st.SearchStrategy[tuple[object, ...]]:
    """A few of them."""
    return st.lists(one, max_size=most).map(tuple)


REPLIES = st.builds(
    Reply,
    lead=TEXTS,
    body=several(TEXTS),
    safety=several(TEXTS),
    understood=several(st.builds(Understood, NAMES, TEXTS, NAMES), 8),
    citations=several(CITED, 25),
    choices=several(CHOICES, 40),
    footnote=TEXTS,
    summary=TEXTS,
    tone=st.sampled_from(Tone),
)
FIELDS = st.builds(
    Field,
    name=NAMES,
    label=TEXTS,
    kind=st.sampled_from(FieldKind),
    options=several(st.builds(Option, NAMES, TEXTS), 15),
    hint=TEXTS,
    value=TEXTS,
    required=st.booleans(),
    error=st.text(max_size=80),
    limit=st.integers(1, 4000),
)
PAGES = st.builds(
    Page,
    id=NAMES,
    title=TEXTS,
    progress=st.text(max_size=20),
    safety=several(TEXTS),
    intro=several(TEXTS),
    sections=several(st.builds(Section, TEXTS, several(TEXTS), several(CHOICES)), 20),
    fields=several(FIELDS),
    buttons=several(CHOICES, 9),
)
ANY = settings(max_examples=40, suppress_health_check=list(HealthCheck))


def parts(card: object) -> Iterator[Json]:
    """Every object within a card."""
    if isinstance(card, dict):
        yield card
        for one in card.values():
            yield from parts(one)
    elif isinstance(card, list):
        for one in card:
            yield from parts(one)


def check(card: Json) -> None:
    """Teams' limits, the store's, and what every viewer needs."""
    assert len(json.dumps(card, ensure_ascii=False).encode("utf-16-le", "surrogatepass")) <= 80_000
    assert card["version"] == "1.5"
    for part in parts(card):
        if part.get("type") == "AdaptiveCard":
            assert len(part["actions"]) <= 6  # type: ignore[arg-type]
        if str(part.get("type", "")).startswith("Action."):
            assert part["title"]
            assert len(str(part["title"])) <= 80
            assert "tooltip" in part
            assert part.get("style", "default") == "default"
        if str(part.get("type", "")).startswith("Input."):
            assert part["label"]
        if part.get("type") == "TextBlock":
            assert part["wrap"] is True


def shown(card: object) -> str:
    """Every word that a card shows in text runs and headings."""
    return "".join(str(part["text"]) for part in parts(card) if part.get("type") in ("TextRun", "TextBlock"))


@ANY
@given(REPLIES)
def test_any_reply_keeps_to_the_limits(reply: Reply) -> None:
    """As a message and in a dialog."""
    message = render.message(reply, ["May I?"])
    check(message["attachments"][0]["content"])  # type: ignore[index]
    assert len(str(message["summary"])) <= 200
    for claim in (part for part in parts(message) if part.get("@type") == "DigitalDocument"):
        assert len(str(claim["name"])) <= 80
        assert len(str(claim["abstract"])) <= 160
    check(render.card(reply, inside=True))


@ANY
@given(PAGES)
def test_any_page_keeps_to_the_limits_and_loses_nothing(page: Page) -> None:
    """Each part of a page fits, together they show all of it, and the last one asks and sends."""
    count = len(render.page_parts(page))
    cards = [render.page_card(page, part) for part in range(count)]
    for card in cards:
        check(card)
    assert not any("This is cut short." in shown(card) for card in cards)
    read = shown(list(render.page_parts(page)))
    for section in page.sections:
        for line in (each for text in section.lines for each in text.splitlines()):
            assert line.strip() in read
    named = {
        str(part["id"]).partition(":")[2] for part in parts(cards[-1]) if str(part.get("type")).startswith("Input.")
    }
    assert {one.name for one in page.fields} <= named
    assert not [part for card in cards[:-1] for part in parts(card) if str(part.get("type")).startswith("Input.")]


@ANY
@given(st.lists(st.text("ab,%&\n 'é", min_size=1, max_size=8).map(lambda text: text.replace("\n", "")), max_size=5))
def test_several_picks_come_back_as_they_were(values: list[str]) -> None:
    """A value may hold the comma with which Teams joins them."""
    picked = [value for value in values if value]
    field = Field("x", "X", FieldKind.ANY_OF, tuple(Option(value, value) for value in picked), value="\n".join(picked))
    card = render.page_card(Page("p", "P", fields=(field,)))
    [box] = [part for part in parts(card) if part.get("type") == "Input.ChoiceSet"]
    assert unpacked(str(box["value"])) == "\n".join(picked)
    assert [unpacked(str(choice["value"])) for choice in box["choices"]] == picked  # type: ignore[attr-defined]


def evil_reply() -> Reply:
    """A reply in which every string is hostile."""
    cited = Cited(EVIL, EVIL, 1, EVIL, EVIL, EVIL)
    return Reply(EVIL, (EVIL,), (EVIL,), (Understood(EVIL, EVIL, EVIL),), (cited,), (Choice(EVIL, EVIL),), EVIL)


def evil_page() -> Page:
    """A page in which every string is hostile."""
    fields = tuple(Field(EVIL, EVIL, kind, (Option(EVIL, EVIL),), EVIL, EVIL, error=EVIL) for kind in FieldKind)
    return Page(EVIL, EVIL, EVIL, (EVIL,), (EVIL,), (Section(EVIL, (EVIL,), (Choice(EVIL, EVIL),)),), fields)


@pytest.mark.parametrize("card", [render.card(evil_reply()), render.page_card(evil_page())])
def test_no_words_become_formatting(card: Json) -> None:
    """Only our own marks stand where Teams reads formatting; all else stands in text runs."""
    formatted = [str(part["text"]) for part in parts(card) if part.get("type") == "TextBlock"]
    assert set(formatted) <= {"[1](cite:1)"}
    assert "**bold**" in shown(card)


def test_what_is_read_aloud_holds_no_mark_up() -> None:
    """A screen reader's text cannot be turned into speech mark-up."""
    assert not set("<>&") & set(str(render.card(evil_reply())["speak"]))


def test_safety_comes_first() -> None:
    """Nothing stands above the safety lines, on replies and on every part of a page."""
    reply = replace(evil_reply(), safety=("Ring 999 now.",))
    page = Page("p", "P", safety=("Ring 999 now.",), sections=(Section("Long", ("word " * 20_000,)),))
    cards = [render.card(reply), *(render.page_card(page, part) for part in range(len(render.page_parts(page))))]
    assert len(cards) > 3
    for card in cards:
        assert shown(card["body"][0]) == f"{render.SAFETY_TITLE}Ring 999 now."  # type: ignore[index]


def test_a_notification_tells_nothing() -> None:
    """The summary is the reply's own, and a page's is fixed."""
    assert render.message(Reply("Secret", summary="News of K7"))["summary"] == "News of K7"
    assert "Secret" not in str(render.page_message(Page("p", "Secret"))["summary"])


def test_only_what_opens_asks_for_a_dialog() -> None:
    """A button that opens a page is fetched as a dialog, with a way round it; inside a dialog it is sent as all others."""
    reply = Reply(
        "Lead", choices=(Choice("Report it", "open:form:report", opens=True), Choice("Who to ring", "safety"))
    )
    report, ring, here = render.card(reply)["actions"]  # type: ignore[misc]
    assert report["data"]["msteams"] == {"type": "task/fetch"}
    assert "msteams" not in ring["data"]
    assert (here["mode"], here["data"]["of"]) == ("secondary", [["Report it", "open:form:report"]])
    assert "task/fetch" not in json.dumps(render.card(reply, inside=True))


def test_many_choices_are_all_there() -> None:
    """Five as buttons, and the others in a list under More, each with what it stands for."""
    reply = Reply("Which?", choices=tuple(Choice(f"Choice {number}", f"set:x={number}") for number in range(30)))
    card = render.card(reply)
    *first, more = card["actions"]  # type: ignore[misc]
    [box] = more["card"]["body"]
    [choose] = more["card"]["actions"]
    assert len(first) == 5
    assert [choice["title"] for choice in box["choices"]] == [f"Choice {number}" for number in range(5, 30)]
    assert [one["action"] for one in choose["data"]["of"]] == [f"set:x={number}" for number in range(5, 30)]


def test_what_was_typed_and_picked_is_shown_again() -> None:
    """Text, one pick, several picks and a tick; a roster can be searched."""
    roster = tuple(Option(str(number), f"Person {number}") for number in range(20))
    fields = (
        Field("story", "Story", FieldKind.LONG_TEXT, value="First\nSecond"),
        Field("who", "Who?", FieldKind.ONE_OF, roster, value="7"),
        Field("apps", "Apps", FieldKind.ANY_OF, roster[:3], value="1\n2"),
        Field("sure", "Sure?", FieldKind.TICK, value="yes"),
    )
    card = render.page_card(Page("p", "P", fields=fields))
    boxes = {part["id"]: part for part in parts(card) if str(part.get("type")).startswith("Input.")}
    assert boxes[f"{FIELD}story"]["value"] == "First\nSecond"
    assert (boxes[f"{FIELD}who"]["value"], boxes[f"{FIELD}who"]["style"]) == ("7", "filtered")
    assert boxes[f"{MANY}apps"]["value"] == "1,2"
    assert boxes[f"{FIELD}sure"]["value"] == "yes"
