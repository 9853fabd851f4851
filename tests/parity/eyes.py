"""What a person reads and can do on each surface, taken from what is rendered and from nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bot.model import Outcome, Page, Platform
from bot.render import slack, slack_page, teams, web
from bot.render.teams_parts import FIELD, MANY, unpacked
from tests.parity.tree import Node, parse

_REF = re.compile(r"\b[A-Z0-9]{2}-[A-Z0-9]{3}\b")
_DRAFT = re.compile(r"draft:[\w-]+")
_WORD = re.compile(r"[\w'’]+")
_FURNITURE = (
    "I understood this. Press one to put it right.",
    "I understood",
    "Exact words",
    "Choose one…",
)
"""What a surface says of its own, beside Charter's words."""


@dataclass(frozen=True)
class Asked:
    """A field as it stands there."""

    name: str
    label: str
    required: bool
    value: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Seen:
    """What is read, word by word; what can be pressed, by its label; what is asked. `page` is what a form stands on.

    References and drafts have other ids in every run, so they are masked in what is read.
    """

    said: Counter[str]
    choices: dict[str, str]
    buttons: dict[str, str]
    fields: tuple[Asked, ...]
    page: str = ""

    def differences(self, other: Seen) -> str:
        """What differs but for ids; nothing when all is the same."""
        parts = {
            "not said here": sorted((other.said - self.said).elements()),
            "said here alone": sorted((self.said - other.said).elements()),
            "choices": _unlike(_ids(self.choices), _ids(other.choices)),
            "buttons": _unlike(_ids(self.buttons), _ids(other.buttons)),
            "fields": _unlike(self.fields, other.fields),
            "page": _unlike(_masked(self.page), _masked(other.page)) if self.buttons else "",
        }
        return "; ".join(f"{name}: {found}" for name, found in parts.items() if found)


def _ids(pressed: dict[str, str]) -> dict[str, str]:
    return {label: _masked(action) for label, action in pressed.items()}


def _unlike(one: object, other: object) -> str:
    return "" if one == other else f"{one} for {other}"


def _masked(text: str) -> str:
    return _DRAFT.sub("draft:", _REF.sub("REF", text))


def _said(*texts: str) -> Counter[str]:
    whole = " \n ".join(texts)
    for one in _FURNITURE:
        whole = whole.replace(one, "")
    return Counter(_WORD.findall(_masked(whole)))


# The preview


def preview(outcome: Outcome) -> Seen:
    """The HTML of a message or a dialog."""
    if not isinstance(outcome, Page):
        body = parse(web.reply(outcome)).all("sheet-body")[0]
        return Seen(_said(body.text("button")), _pressed(body), {}, ())
    [form] = parse(web.page(outcome)).all("form")
    asked = form.all("field")
    notes = [note.text() for one in asked for note in (*one.all("hint"), *one.all("error"))]
    buttons = {one.text(): one.attributes["value"] for foot in form.all("footer") for one in foot.all("button")}
    texts = (form.text("button", "field", "footer"), *notes)
    return Seen(_said(*texts), _pressed(form), buttons, tuple(map(_field, asked)), form.attributes["data-page"])


def _pressed(node: Node) -> dict[str, str]:
    return {one.text(): one.attributes["data-action"] for one in node.all("button") if "data-action" in one.attributes}


def _field(node: Node) -> Asked:
    name, kind = node.attributes["data-name"], node.attributes["data-kind"]
    required = not node.all("optional")
    if kind == "tick":
        [box] = node.all("input")
        return Asked(name, node.all("label")[0].text(), required, "yes" if "checked" in box.attributes else "")
    titles = node.all("legend") or node.all("label")
    title = titles[0].text("optional")
    if kind in ("text", "long_text"):
        boxes = node.all("textarea")
        return Asked(name, title, required, boxes[0].text() if boxes else node.all("input")[0].attributes["value"])
    if listed := node.all("select"):
        options = [
            (one.text(), one.attributes["value"], "selected" in one.attributes) for one in listed[0].all("option")[1:]
        ]
    else:
        each = [(one.text(), one.all("input")[0].attributes) for one in node.all("option")]
        options = [(text, box["value"], "checked" in box) for text, box in each]
    value = "\n".join(value for _, value, picked in options if picked)
    return Asked(name, title, required, value, tuple((text, value) for text, value, _ in options))


# Slack


def in_slack(outcome: Outcome) -> Seen:
    """The blocks of a message or a modal."""
    if not isinstance(outcome, Page):
        blocks: Any = slack.message(outcome).blocks
        return Seen(_said(*_texts(blocks)), _offered(blocks), {}, ())
    view: Any = slack_page.view(outcome)
    blocks = view["blocks"]
    headed = any(one["type"] == "header" and one.get("block_id") != slack.SAFETY for one in blocks)
    inputs = [one for one in blocks if one["type"] == "input"]
    hints = [_plain(one["hint"]["text"]) for one in inputs if "hint" in one]
    buttons = _offered(blocks, "also")
    if "submit" in view:
        buttons[_plain(view["submit"]["text"])] = view["callback_id"].removeprefix(slack_page.SUBMITTED)
    title = () if headed else (_plain(view["title"]["text"]),)
    said = _said(*title, *_texts(blocks), *hints)
    return Seen(said, _offered(blocks), buttons, tuple(map(_input, inputs)), view["private_metadata"])


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _texts(part: Any) -> Iterator[str]:
    """Every word that is read, runs of one paragraph joined."""
    if isinstance(part, list):
        for one in part:
            yield from _texts(one)
    elif isinstance(part, dict) and part.get("type") not in ("actions", "input", "button", "context_actions"):
        if part.get("type") == "rich_text_section":
            yield "".join(one["text"] for one in part["elements"])
            return
        if isinstance(part.get("text"), str):
            yield _plain(part["text"]) if part.get("type") == "plain_text" else part["text"]
        yield from _texts([value for value in part.values() if isinstance(value, dict | list)])


def _offered(blocks: Any, kind: str = "do") -> dict[str, str]:
    found = {}
    for block in blocks:
        elements = block.get("elements", []) if block["type"] == "actions" else []
        for one in [*elements, *([block["accessory"]] if "accessory" in block else [])]:
            if not one["action_id"].startswith(f"{kind}:"):
                continue
            if one["type"] == "button":
                found[_plain(one["text"]["text"])] = one["value"]
            for option in one.get("options", []):
                found[_plain(option["text"]["text"])] = option["value"]
    return found


def _input(block: Any) -> Asked:
    element, label = block["element"], _plain(block["label"]["text"])
    required = not block["optional"]
    if element["type"] == "plain_text_input":
        return Asked(block["block_id"], label, required, " ".join(element.get("initial_value", "").split()))
    chosen = element.get("initial_options") or [one for one in [element.get("initial_option")] if one]
    value = "\n".join(one["value"] for one in chosen)
    options = tuple((_plain(one["text"]["text"]), one["value"]) for one in element["options"])
    tick = options == (("Yes", "yes"),)
    return Asked(block["block_id"], label, required, value, () if tick else options)


# Teams


def in_teams(outcome: Outcome) -> Seen:
    """The card of a message or of a dialog, all its parts."""
    if not isinstance(outcome, Page):
        card: Any = teams.card(outcome)
        return Seen(
            _said(*_runs(card["body"])), dict(_actions([*_rows(card["body"]), *card["actions"]], "press")), {}, ()
        )
    cards: list[Any] = [teams.page_card(outcome, part) for part in range(len(teams.page_parts(outcome)))]
    body = [*cards[0]["body"], *(piece for one in cards[1:] for piece in one["body"][_heads(outcome) :])]
    inputs = [one for one in body if one["type"].startswith("Input.")]
    buttons = dict(_actions(cards[-1]["actions"], "submit"))
    pages = {one["data"]["page"] for one in cards[-1]["actions"] if "page" in one.get("data", {})}
    seen = Seen(_said(*_runs(body)), dict(_actions(_rows(body), "press")), buttons, tuple(map(_answer, inputs)))
    return seen if not pages else Seen(seen.said, seen.choices, seen.buttons, seen.fields, pages.pop())


def _heads(page: Page) -> int:
    return 2 + bool(page.safety)


def _runs(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from _runs(one)
    elif isinstance(part, dict) and "selectAction" not in part:
        if part["type"] == "RichTextBlock":
            yield "".join(one["text"] for one in part["inlines"])
        elif part["type"] == "TextBlock":
            yield re.sub(r"\[\d+\]\(cite:\d+\)", "", part["text"])
        yield from _runs(part.get("items", []))


def _rows(body: Any) -> list[Any]:
    """Lines that are pressed as a whole, named by what stands on them."""
    found = []
    for one in body:
        if "selectAction" in one:
            runs = [run["text"] for run in one["items"][0]["inlines"]]
            words = runs[0].strip().removeprefix("✓ ")
            found.append({**one["selectAction"], "title": words or runs[1]})
    return found


def _actions(listed: Any, kind: str) -> Iterator[tuple[str, str]]:
    for one in listed:
        if one["type"] == "Action.ShowCard":
            [choose], [picked] = one["card"]["actions"], one["card"]["body"]
            for option in picked["choices"]:
                data = choose["data"]["of"][int(option["value"])]
                if data["do"] == kind:
                    yield option["title"], data["action"]
        elif one["data"]["do"] == kind:
            yield one["tooltip"] if "…" in one["title"] else one["title"], one["data"]["action"]


def _answer(one: Any) -> Asked:
    name = one["id"].removeprefix(FIELD).removeprefix(MANY)
    label, required = one["label"].removesuffix(" (optional)"), not one["label"].endswith(" (optional)")
    match one["type"]:
        case "Input.Text":
            return Asked(name, label, required, " ".join(one["value"].split()))
        case "Input.Toggle":
            title = one["title"]
            return Asked(name, title.removesuffix(" (optional)"), not title.endswith(" (optional)"), one["value"])
    several = one["id"].startswith(MANY)
    unpack = unpacked if several else str
    options = tuple((option["title"], unpack(option["value"])) for option in one["choices"])
    return Asked(name, label, required, unpack(one["value"]), options)


EYES: dict[Platform, Callable[[Outcome], Seen]] = {
    Platform.WEB: preview,
    Platform.SLACK: in_slack,
    Platform.TEAMS: in_teams,
}
