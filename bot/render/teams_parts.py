"""The pieces of an Adaptive Card: plain text, headings, buttons and fields. Pure.

Every word that is not ours stands in a text run, which Teams shows as it is: nobody's words become a link, a list or bold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from urllib.parse import quote, unquote

from bot.model import Choice, Field, FieldKind

Json = dict[str, object]

MOST_ACTIONS = 6
"""Buttons on a card, as the store's guidelines allow."""

LONGEST_TITLE = 40
LONGEST_RUN = 1500
FIELD = "field:"
MANY = "many:"
PICKED = "picked"
LONG_LIST = 12
"""From this many options on, a list can be searched by typing."""

_SHORT_LIST = 6
_MARKDOWN = re.compile(r"[*_`#\[\]()<>~|\\!]|https?:|^\s*(?:[-+]|\d+[.)])\s")


def clip(text: str, most: int) -> str:
    """The text, cut short with an ellipsis where it is longer."""
    return text if len(text) <= most else text[: most - 1] + "…"


def paragraphs(text: str, **style: object) -> list[Json]:
    """A text of any length: each of its lines in pieces that a card can carry."""
    lines = [each for each in text.splitlines() if each.strip()]
    return [runs(each[at : at + LONGEST_RUN], **style) for each in lines for at in range(0, len(each), LONGEST_RUN)]


def runs(text: str, **style: object) -> Json:
    """One line of plain text."""
    spacing = {"spacing": style.pop("spacing")} if "spacing" in style else {}
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text or " ", **style}], **spacing}


def heading(text: str, size: str = "Medium", color: str = "Default") -> Json:
    """A heading that a screen reader finds; words that Teams might read as formatting stand as bold runs instead."""
    if _MARKDOWN.search(text):
        return runs(text, weight="Bolder", size=size, color=color)
    look = {"weight": "Bolder", "size": size, "color": color}
    return {"type": "TextBlock", "text": text or " ", "style": "heading", "wrap": True, **look}


def marked(text: str, mark: str) -> list[Json]:
    """A bold line with a mark of ours behind it, which Teams reads as formatting; other words never share its block."""
    block: Json = {"type": "TextBlock", "wrap": True, "spacing": "Medium"}
    if _MARKDOWN.search(text):
        return [{**block, "text": mark}, runs(text, weight="Bolder", spacing="None")]
    return [{**block, "text": f"{text} {mark}", "weight": "Bolder"}]


def box(items: Sequence[Json], style: str, **more: object) -> Json:
    """A container in one of the theme's own styles, so that it reads in light, dark and high contrast."""
    return {"type": "Container", "style": style, "items": list(items), **more}


def row(words: str, action: Json) -> Json:
    """A line that is pressed as a whole, with words that say so."""
    inlines = [
        {"type": "TextRun", "text": f"{words}  "},
        {"type": "TextRun", "text": str(action["title"]), "color": "Accent"},
    ]
    said = {**action, "tooltip": clip(f"{action['title']}: {words}", 200)}
    return box([{"type": "RichTextBlock", "inlines": inlines}], "emphasis", selectAction=said, spacing="Small")


def button(choice: Choice, data: Json, dialog: bool = False) -> Json:
    """A button. One that opens a dialog asks Teams to fetch it."""
    title = clip(choice.label, LONGEST_TITLE) or " "
    fetched: Json = {"msteams": {"type": "task/fetch"}} if dialog else {}
    return {"type": "Action.Submit", "title": title, "tooltip": clip(choice.label, 200), "data": {**data, **fetched}}


def actions(buttons: Sequence[Json]) -> list[Json]:
    """The buttons of a card; where there are too many, the last ones are picked from a list under More."""
    if len(buttons) <= MOST_ACTIONS:
        return list(buttons)
    shown, rest = buttons[: MOST_ACTIONS - 1], buttons[MOST_ACTIONS - 1 :]
    return [*shown, _more(rest)]


def _more(rest: Sequence[Json]) -> Json:
    """A card within the card. What is picked is told by its place; the button carries what each place stands for."""
    listed = [{"title": str(one["tooltip"]), "value": str(number)} for number, one in enumerate(rest)]
    picked: Json = {"type": "Input.ChoiceSet", "id": PICKED, "label": "More", "choices": listed, "style": "compact"}
    meant = [one["data"] for one in rest]
    choose: Json = {
        "type": "Action.Submit",
        "title": "Choose",
        "tooltip": "Choose",
        "data": {"do": "pick", "of": meant},
    }
    card: Json = {"type": "AdaptiveCard", "version": "1.5", "body": [picked], "actions": [choose]}
    return {"type": "Action.ShowCard", "title": "More", "tooltip": "More choices", "card": card}


def field(one: Field) -> list[Json]:
    """A question with its hint, its error and what was answered before."""
    label = clip(one.label if one.required else f"{one.label} (optional)", 400) or one.name
    above = [runs(f"⚠ {one.error}", color="Attention", weight="Bolder")] if one.error else []
    hint = [runs(clip(one.hint, 1000), isSubtle=True, size="Small", spacing="None")] if one.hint else []
    return [*above, _input(one, label), *hint]


def _input(one: Field, label: str) -> Json:
    named: Json = {"id": f"{FIELD}{one.name}", "label": label}
    match one.kind:
        case FieldKind.TEXT | FieldKind.LONG_TEXT:
            long = one.kind is FieldKind.LONG_TEXT
            text = {"isMultiline": long, "maxLength": one.limit, "value": one.value[: one.limit]}
            return {"type": "Input.Text", **named, **text}
        case FieldKind.TICK:
            ticked = {"valueOn": "yes", "valueOff": "", "value": "yes" if one.value == "yes" else ""}
            return {"type": "Input.Toggle", **named, "title": label, "label": " ", "wrap": True, **ticked}
        case FieldKind.ONE_OF:
            return _pick(one, named, str)
    return {**_pick(one, {**named, "id": f"{MANY}{one.name}"}, _packed), "isMultiSelect": True}


def _pick(one: Field, named: Json, pack: Callable[[str], str]) -> Json:
    """A list to pick from. Only what it offers can stand picked."""
    several = one.kind is FieldKind.ANY_OF
    before = set(one.value.split("\n") if several else [one.value])
    value = ",".join(pack(option.value) for option in one.options if option.value in before)
    choices = [{"title": clip(option.label, 200) or " ", "value": pack(option.value)} for option in one.options]
    long = "filtered" if len(choices) > LONG_LIST and not several else "compact"
    style = "expanded" if len(choices) <= _SHORT_LIST or several else long
    return {"type": "Input.ChoiceSet", **named, "choices": choices, "style": style, "wrap": True, "value": value}


def _packed(value: str) -> str:
    """A value without a comma: Teams joins what was picked with commas."""
    return quote(value, safe=" /:@'’“”")


def unpacked(several: str) -> str:
    """What was picked, joined by newlines as the model has it."""
    return "\n".join(unquote(value) for value in several.split(",") if value)
