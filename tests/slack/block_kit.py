"""What Slack takes of Block Kit, and nothing more: every limit, and where each part may stand.

From the reference pages of Block Kit (docs.slack.dev/reference/block-kit) and the lengths that slack_sdk's own models
check. Slack's errors say more than these sentences do; what matters here is that it refuses.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

Json = dict[str, Any]
Check = Callable[[Any, str], Iterator[str]]

MOST_TEXT_OF_A_MESSAGE = 13_200
"""Characters in all blocks of one message, beyond which Slack says `msg_blocks_too_long` (measured by others)."""
MOST_BYTES_OF_A_VIEW = 250_000


# The small language in which the tables below are written


def string(most: int, least: int = 1) -> Check:
    """A string of so many characters."""

    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{path}: must be a string"
        elif not least <= len(value) <= most:
            yield f"{path}: has {len(value)} characters, takes {least} to {most}"

    return check


def flag(value: Any, path: str) -> Iterator[str]:
    """True or false."""
    if not isinstance(value, bool):
        yield f"{path}: must be true or false"


def whole(least: int, most: int) -> Check:
    """A whole number between two bounds."""

    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield f"{path}: must be a whole number from {least} to {most}"

    return check


def word(*allowed: str) -> Check:
    """One of these words."""

    def check(value: Any, path: str) -> Iterator[str]:
        if value not in allowed:
            yield f"{path}: must be one of {', '.join(allowed)}"

    return check


def many(of: Check, most: int, least: int = 1) -> Check:
    """A list of so many."""

    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path}: must be a list"
            return
        if not least <= len(value) <= most:
            yield f"{path}: has {len(value)} items, takes {least} to {most}"
        for number, each in enumerate(value):
            yield from of(each, f"{path}/{number}")

    return check


def shape(needs: Mapping[str, Check], **may: Check) -> Check:
    """An object that has all of `needs`, may have the others, and has nothing else."""
    known = {**needs, **may}

    def check(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: must be an object"
            return
        yield from (f"{path}/{name}: is missing" for name in needs if name not in value)
        for name, each in value.items():
            if name in known:
                yield from known[name](each, f"{path}/{name}")
            else:
                yield f"{path}/{name}: is not a property of it"

    return check


Kinds = Mapping[str, Check]


def kind(name: str, needs: Mapping[str, Check] = MappingProxyType({}), /, **may: Check) -> Kinds:
    """The shape of one `type`."""
    return {name: shape({"type": word(name), **needs}, **may)}


def either(*kinds: Kinds) -> Check:
    """An object of one of these types."""
    table = {name: check for each in kinds for name, check in each.items()}

    def check(value: Any, path: str) -> Iterator[str]:
        name = value.get("type") if isinstance(value, dict) else None
        if name in table:
            yield from table[name](value, path)
        else:
            yield f"{path}: {name!r} cannot stand here"

    return check


# Text


def _plain(most: int) -> Kinds:
    return kind("plain_text", {"text": string(most)}, emoji=flag)


def _marked(most: int) -> Kinds:
    return kind("mrkdwn", {"text": string(most)}, verbatim=flag)


def plain(most: int) -> Check:
    """A `plain_text` object."""
    return either(_plain(most))


def text(most: int) -> Check:
    """A `plain_text` or `mrkdwn` object."""
    return either(_plain(most), _marked(most))


_STYLE = shape({}, bold=flag, italic=flag, strike=flag, code=flag, underline=flag)
_INLINES = many(
    either(
        kind("text", {"text": string(30_000)}, style=_STYLE),
        kind("link", {"url": string(3000)}, text=string(3000), style=_STYLE, unsafe=flag),
        kind("emoji", {"name": string(255)}, unicode=string(255), style=_STYLE),
        kind("user", {"user_id": string(255)}, style=_STYLE),
        kind("channel", {"channel_id": string(255)}, style=_STYLE),
        kind("usergroup", {"usergroup_id": string(255)}, style=_STYLE),
        kind("broadcast", {"range": word("here", "channel", "everyone")}),
    ),
    3000,
)
_LINES = kind("rich_text_section", {"elements": _INLINES})
_RICH_TEXT = many(
    either(
        _LINES,
        kind("rich_text_quote", {"elements": _INLINES}, border=whole(0, 1)),
        kind("rich_text_preformatted", {"elements": _INLINES}, border=whole(0, 1)),
        kind(
            "rich_text_list",
            {"style": word("bullet", "ordered"), "elements": many(either(_LINES), 3000)},
            indent=whole(0, 8),
            offset=whole(0, 10_000),
            border=whole(0, 1),
        ),
    ),
    3000,
)

# Elements

_ID = string(255)
_CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, style=word("primary", "danger")
)
_ACTION: dict[str, Check] = {"action_id": _ID, "confirm": _CONFIRM}
_BUTTON = kind(
    "button",
    {"text": plain(75)},
    **_ACTION,
    value=string(2000),
    url=string(3000),
    style=word("primary", "danger"),
    accessibility_label=string(75),
)
_OPTION = shape({"text": plain(75), "value": string(150)}, description=plain(75), url=string(3000))
_TICKED = shape({"text": text(75), "value": string(150)}, description=text(75))
_ASKED: dict[str, Check] = {**_ACTION, "focus_on_load": flag}
_LISTED: dict[str, Check] = {
    **_ASKED,
    "placeholder": plain(150),
    "options": many(_OPTION, 100),
    "option_groups": many(shape({"label": plain(75), "options": many(_OPTION, 100)}), 100),
}
_SELECT = kind("static_select", {}, **_LISTED, initial_option=_OPTION)
_MULTI = kind(
    "multi_static_select", {}, **_LISTED, initial_options=many(_OPTION, 100), max_selected_items=whole(1, 100)
)
_EXTERNAL = kind(
    "external_select", {}, **_ASKED, placeholder=plain(150), initial_option=_OPTION, min_query_length=whole(0, 100)
)
_RADIO = kind("radio_buttons", {"options": many(_TICKED, 10)}, **_ASKED, initial_option=_TICKED)
_BOXES = kind("checkboxes", {"options": many(_TICKED, 10)}, **_ASKED, initial_options=many(_TICKED, 10))
_DATE = kind("datepicker", {}, **_ASKED, placeholder=plain(150), initial_date=string(10, 10))
_OVERFLOW = kind("overflow", {"options": many(_OPTION, 5)}, **_ACTION)
_TYPED = kind(
    "plain_text_input",
    action_id=_ID,
    initial_value=string(3000, least=0),
    multiline=flag,
    min_length=whole(0, 3000),
    max_length=whole(1, 3000),
    placeholder=plain(150),
    focus_on_load=flag,
)
_IMAGE = kind("image", {"alt_text": string(2000), "image_url": string(3000)})
_THUMB = shape({"text": plain(75), "value": string(2000)}, accessibility_label=string(75))
_FEEDBACK = kind("feedback_buttons", {"positive_button": _THUMB, "negative_button": _THUMB}, action_id=_ID)

_CHOOSING = (_SELECT, _MULTI, _EXTERNAL, _RADIO, _BOXES, _DATE)
_ACTIVE = (_BUTTON, *_CHOOSING, _OVERFLOW)

# Blocks

_EVERYWHERE = (
    kind(
        "section",
        block_id=_ID,
        text=text(3000),
        fields=many(text(2000), 10),
        accessory=either(*_ACTIVE, _IMAGE),
        expand=flag,
    ),
    kind("header", {"text": plain(150)}, block_id=_ID),
    kind("divider", block_id=_ID),
    kind("context", {"elements": many(either(_plain(3000), _marked(3000), _IMAGE), 10)}, block_id=_ID),
    kind("actions", {"elements": many(either(*_ACTIVE), 25)}, block_id=_ID),
    kind("rich_text", {"elements": _RICH_TEXT}, block_id=_ID),
    kind(
        "input",
        {"label": plain(2000), "element": either(_TYPED, *_CHOOSING)},
        block_id=_ID,
        hint=plain(2000),
        optional=flag,
        dispatch_action=flag,
    ),
)
_MESSAGES_ALONE = (
    kind("markdown", {"text": string(12_000)}, block_id=_ID),
    kind("context_actions", {"elements": many(either(_FEEDBACK), 5)}, block_id=_ID),
)
_MESSAGE = many(either(*_EVERYWHERE, *_MESSAGES_ALONE), 50, least=0)
_VIEW_BLOCKS = many(either(*_EVERYWHERE), 100)
_VIEW: dict[str, Check] = {
    "private_metadata": string(3000, least=0),
    "callback_id": string(255),
    "external_id": string(255),
}
_VIEWS = either(
    kind(
        "modal",
        {"title": plain(24), "blocks": _VIEW_BLOCKS},
        **_VIEW,
        submit=plain(24),
        close=plain(24),
        clear_on_close=flag,
        notify_on_close=flag,
        submit_disabled=flag,
    ),
    kind("home", {"blocks": _VIEW_BLOCKS}, **_VIEW),
)


# What is asked of them


def message_faults(blocks: Any) -> list[str]:
    """What Slack would refuse about a message's blocks; nothing when it takes them."""
    return list(_MESSAGE(blocks, "/blocks")) or [*_whole(blocks), *_too_long(blocks)]


def view_faults(view: Any) -> list[str]:
    """What Slack would refuse about a view; nothing when it takes it."""
    found = list(_VIEWS(view, "/view"))
    if found:
        return found
    if len(json.dumps(view).encode()) > MOST_BYTES_OF_A_VIEW:
        found.append("/view: is larger than 250 kB")
    if view["type"] == "modal" and any(block["type"] == "input" for block in view["blocks"]) and "submit" not in view:
        found.append("/view/submit: is missing although there are inputs")
    if sum(element.get("focus_on_load", False) for element in elements(view["blocks"])) > 1:
        found.append("/view/blocks: more than one element asks for the focus")
    return [*found, *_whole(view["blocks"])]


def elements(blocks: list[Json]) -> Iterator[Json]:
    """Whatever can be pressed, chosen or typed into, in the order it is shown; each with its `block_id`."""
    for block in blocks:
        within = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        for element in within:
            if isinstance(element, dict) and "action_id" in element:
                yield {**element, "block_id": block.get("block_id")}


def _whole(blocks: list[Json]) -> Iterator[str]:
    """What cannot be seen in one part alone."""
    named = Counter(block["block_id"] for block in blocks if "block_id" in block)
    yield from (f"/blocks: block_id {name!r} stands there twice" for name, count in named.items() if count > 1)
    for block in blocks:
        if block["type"] == "section" and not block.keys() & {"text", "fields"}:
            yield "/blocks: a section without text"
        actions = Counter(element["action_id"] for element in elements([block]))
        yield from (f"/blocks: action_id {name!r} stands there twice" for name, n in actions.items() if n > 1)
    for element in elements(blocks):
        yield from _chosen(element)


def _chosen(element: Json) -> Iterator[str]:
    groups = element.get("option_groups", [])
    offered = [*element.get("options", []), *(option for group in groups for option in group["options"])]
    chosen = [*element.get("initial_options", []), *filter(None, [element.get("initial_option")])]
    if offered and any(option not in offered for option in chosen):
        yield f"/blocks: what {element['action_id']!r} begins with is not among its options"
    if element["type"] == "static_select" and not offered:
        yield f"/blocks: {element['action_id']!r} has no options"


def _too_long(blocks: Any) -> Iterator[str]:
    length = sum(map(len, texts(blocks)))
    if length > MOST_TEXT_OF_A_MESSAGE:
        yield f"/blocks: {length} characters in all, takes {MOST_TEXT_OF_A_MESSAGE}"


def texts(part: Any) -> Iterator[str]:
    """Every text that a reader sees in a part, in order."""
    if isinstance(part, list):
        for each in part:
            yield from texts(each)
    elif isinstance(part, dict):
        for name, each in part.items():
            if name in ("text", "initial_value") and isinstance(each, str):
                yield each
            elif name != "value":
                yield from texts(each)


def read(part: Any) -> Iterator[str]:
    """Every text as its reader reads it: in rich text as it stands, elsewhere with Slack's three escapes undone."""
    if isinstance(part, list):
        for each in part:
            yield from read(each)
    elif isinstance(part, dict):
        if isinstance(said := part.get("text"), str):
            yield said if part.get("type") == "text" else _undone(said)
        for each in part.values():
            yield from read(each)


def _undone(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
