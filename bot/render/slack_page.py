"""A page as a Slack modal, and a modal's state as the fields it holds. Pure; always within Slack's limits.

A modal carries its page's id and nothing else. Its main button comes back as the submitted view, the others as presses that
carry the fields too, so that going back loses nothing that was typed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from bot.model import Choice, Field, FieldKind, Page, Section
from bot.render.slack import safety_card
from bot.render.slack_choices import SUBMIT, button, choices, option
from bot.render.slack_text import (
    LONGEST_ID,
    LONGEST_OPTION_VALUE,
    LONGEST_TEXT,
    LONGEST_VALUE,
    Block,
    clean,
    context,
    escaped,
    header,
    label,
    one_line,
    paragraphs,
    pieces,
    plain,
    rich,
    section,
    size,
    within,
    words,
)

SUBMITTED = "page:"
"""Begins the callback_id of a modal with fields; its main button's action follows."""
VALUE = "value"
"""The action_id of every input: with the same block_id it keeps what was typed when a modal is shown again."""

MOST_BLOCKS = 100
MOST_BYTES = 200_000
"""Slack takes 250 KB in a view; this leaves room for what it adds."""
_MOST_ID = 3000
_TITLE = 24
_FEW_OPTIONS = 10
_MOST_OPTIONS = 100
_MOST_INPUTS = 80
_INPUT_BYTES = 150_000
_MOST_PARTS = 4
_ERROR = 300
_REST = "There is more than a Slack window can show. What is missing here is still stored."
_CONTINUED = "~"


def view(page: Page) -> Block:
    """The page as a modal."""
    fields = _unique(page.fields)
    main = page.buttons[0] if fields and page.buttons else None
    others = page.buttons[1:] if main else page.buttons
    end = [*_inputs(fields), *choices(others, SUBMIT)]
    return {
        "type": "modal",
        "callback_id": (SUBMITTED + main.action)[:LONGEST_ID] if main else "page",
        "private_metadata": page.id[:_MOST_ID],
        "title": label(page.title, _TITLE),
        "close": label("Close", _TITLE),
        **({"submit": label(main.label, _TITLE)} if main else {}),
        "blocks": fitted(_top(page), page.sections, end),
    }


def loading() -> Block:
    """What stands there while a page is fetched."""
    wait = [rich(section(words("One moment…")))]
    return {"type": "modal", "callback_id": "wait", "title": label("Charter", _TITLE), "blocks": wait}


def warned(shown: Mapping[str, object], warning: str) -> Block:
    """A modal as it stands, every word in it kept, with a warning on top."""
    kept = ("type", "callback_id", "private_metadata", "title", "close", "submit")
    blocks = shown.get("blocks")
    before = [block for block in blocks if block.get("block_id") != "warning"] if isinstance(blocks, list) else []
    told: Block = {**rich(section(words(f"⚠️ {clean(warning)[:_MOST_ID]}", "bold"))), "block_id": "warning"}
    return {**{name: shown[name] for name in kept if shown.get(name)}, "blocks": [told, *before][:MOST_BLOCKS]}


def values(state: Mapping[str, object]) -> dict[str, str]:
    """Field name → value, from a view's `state.values`. Everything in it is untrusted."""
    found: dict[str, str] = {}
    for name, block in state.items():
        element = block.get(VALUE) if isinstance(block, dict) else None
        if isinstance(element, dict):
            found[name] = _value(element)
    joined: dict[str, str] = {}
    for name in sorted(found, key=_part):
        joined[_name(name)] = joined.get(_name(name), "") + found[name]
    return joined


def errors(page: Page, shown: Collection[str]) -> dict[str, str] | None:
    """What to say beside the fields of the modal that is open, by block_id.

    None when the page has to be shown anew: nothing is wrong, other fields are asked, or the safety card is not up yet.
    `shown` are the block_ids of the open modal.
    """
    wrong = {field.name: escaped(one_line(field.error), _ERROR) for field in page.fields if field.error.strip()}
    same = all(field.name in shown for field in page.fields)
    return wrong if wrong and same and (not page.safety or "safety" in shown) else None


def fitted(top: Sequence[Block], sections: Sequence[Section], end: Sequence[Block]) -> list[Block]:
    """Top and end whole, and between them as many sections as a view may hold, with word of what is missing."""
    top = top[: MOST_BLOCKS - 1 - len(end)]
    room = MOST_BLOCKS - len(top) - len(end) - 1
    bytes_left = MOST_BYTES - size([*top, *end])
    middle: list[Block] = []
    for block in (block for one in sections for block in _section(one)):
        bytes_left -= size(block)
        if len(middle) >= room or bytes_left < 0:
            return [*top, *middle, context(_REST), *end]
        middle.append(block)
    return [*top, *middle, *end] or paragraphs(["Nothing to show."])


def _top(page: Page) -> list[Block]:
    whole = [header(page.title)] if len(escaped(one_line(page.title))) > _TITLE else []
    progress = [context(page.progress)] if page.progress.strip() else []
    intro, _ = within(page.intro, 4 * LONGEST_TEXT)
    return [*safety_card(page.safety), *whole, *progress, *paragraphs(intro)]


def _section(one: Section) -> list[Block]:
    """A line with one button beside it, as in lists of cases; otherwise a heading, the words and the choices."""
    lines = [clean(line) for line in one.lines]
    said = "\n".join([one_line(one.heading), *lines])
    if len(one.choices) == 1 and len(escaped(said, 4 * LONGEST_TEXT)) <= LONGEST_TEXT and _shown(one.choices[0]):
        return [{"type": "section", "text": plain(said), "accessory": button(one.choices[0], "do:0")}]
    heading = [rich(section(words(one_line(one.heading)[:LONGEST_TEXT], "bold")))] if one.heading.strip() else []
    return [*heading, *paragraphs(lines), *choices(one.choices)]


def _shown(it: Choice) -> bool:
    return bool(it.label.strip()) and 0 < len(it.action) <= LONGEST_VALUE


def _unique(fields: Sequence[Field]) -> list[Field]:
    named = {field.name: field for field in fields if 0 < len(field.name) <= LONGEST_ID - len("~4")}
    return list(named.values())


def _inputs(fields: Sequence[Field]) -> list[Block]:
    """Every field, as far as a view has room for them; no form of ours comes near."""
    blocks: list[Block] = []
    left = _INPUT_BYTES
    for made in map(_input, fields):
        left -= size(made)
        if len(blocks) + len(made) > _MOST_INPUTS or left < 0:
            return [*blocks, context(_REST)]
        blocks += made
    return blocks


def _input(field: Field) -> list[Block]:
    """The input for a field, and beneath it what was wrong with its last answer."""
    match field.kind:
        case FieldKind.TEXT | FieldKind.LONG_TEXT:
            made = _typed(field)
        case FieldKind.TICK:
            made = [_asked(field, _ticks((option("Yes", "yes"),), field, "checkboxes"))]
        case FieldKind.ONE_OF:
            made = _picked(field, "radio_buttons", "static_select")
        case FieldKind.ANY_OF:
            made = _picked(field, "checkboxes", "multi_static_select")
    wrong = [rich(section(words(f"⚠️ {one_line(field.error)[:_ERROR]}", "bold")))] if field.error.strip() else []
    return [*made, *wrong]


def _typed(field: Field) -> list[Block]:
    """One box; a value longer than Slack's boxes goes on in more of them, so that none of it is lost."""
    parts = list(pieces(clean(field.value)[: field.limit]))[:_MOST_PARTS] or [""]
    first = _asked(field, _box(field, parts[0]))
    more = [
        {**_asked(field, _box(field, part)), "block_id": f"{field.name}{_CONTINUED}{at}", "optional": True}
        for at, part in enumerate(parts[1:], 1)
    ]
    for block in more:
        block["label"] = label(f"{field.label[:60]} (continued)", LONGEST_VALUE)
    return [first, *more]


def _box(field: Field, value: str) -> Block:
    made: Block = {
        "type": "plain_text_input",
        "action_id": VALUE,
        "multiline": field.kind is FieldKind.LONG_TEXT or "\n" in value,
        "max_length": max(min(field.limit, LONGEST_TEXT), len(value), 1),
    }
    return {**made, "initial_value": value} if value else made


def _picked(field: Field, few: str, many: str) -> list[Block]:
    usable = [one for one in field.options if 0 < len(one.value) <= LONGEST_OPTION_VALUE]
    options = tuple(option(one.label, one.value) for one in usable[:_MOST_OPTIONS])
    if not options:
        return [context(f"{one_line(field.label)}: there is nothing to choose from.")]
    listed = len(options) > _FEW_OPTIONS
    element = _ticks(options, field, many if listed else few)
    if listed:
        element["placeholder"] = label("Choose…")
    lost = len(field.options) - len(options)
    return [_asked(field, element), *([context(f"{lost} more options don't fit in Slack.")] if lost else [])]


def _ticks(options: Sequence[Block], field: Field, kind: str) -> Block:
    """A choice element with what was chosen before."""
    chosen = [one for one in options if one["value"] in field.value.split("\n")]
    element: Block = {"type": kind, "action_id": VALUE, "options": list(options)}
    if not chosen:
        return element
    if kind in ("radio_buttons", "static_select"):
        return {**element, "initial_option": chosen[0]}
    return {**element, "initial_options": chosen}


def _asked(field: Field, element: Block) -> Block:
    made: Block = {
        "type": "input",
        "block_id": field.name,
        "label": label(field.label, LONGEST_VALUE),
        "element": element,
        "optional": not field.required,
    }
    return {**made, "hint": label(field.hint, LONGEST_VALUE)} if field.hint.strip() else made


def _value(element: Mapping[str, object]) -> str:
    if isinstance(chosen := element.get("selected_options"), list):
        return "\n".join(_text(one, "value") for one in chosen)
    if "selected_option" in element:
        return _text(element["selected_option"], "value")
    return _text(element, "value")


def _text(found: object, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def _name(block_id: str) -> str:
    return block_id.partition(_CONTINUED)[0]


def _part(block_id: str) -> tuple[str, int]:
    name, _, number = block_id.partition(_CONTINUED)
    return name, int(number) if number.isdecimal() else 0
