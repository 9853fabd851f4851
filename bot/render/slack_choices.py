"""Choices as buttons, and as lists to pick from where there are too many for buttons. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model import Choice
from bot.render.slack_text import (
    LONGEST_LABEL,
    LONGEST_OPTION_VALUE,
    LONGEST_VALUE,
    Block,
    context,
    label,
    one_line,
    weight,
)

PRESS = "do"
"""Begins the action_id of a choice that is pressed."""
SUBMIT = "also"
"""Begins the action_id of a button that sends a modal's fields without closing it."""

MOST_BUTTONS = 10
"""From more choices than this somebody picks from a list."""
_IN_A_BLOCK = 25
_IN_A_LIST = 100
_LIST_ROOM = 5000
_NOT_SHOWN = "Not every choice fits here. You can also say it in your own words."


def choices(them: Sequence[Choice], kind: str = PRESS) -> list[Block]:
    """Blocks for the choices; what cannot be shown is said. `kind` is PRESS or SUBMIT."""
    usable = [it for it in them if it.label.strip() and 0 < len(it.action) <= LONGEST_VALUE]
    listed = [it for it in usable if _listable(it)] if len(usable) > MOST_BUTTONS else []
    buttons = [it for it in usable if it not in listed]
    options = _options(listed)
    blocks = [_list(options, kind)] if options else []
    if buttons:
        blocks.append(_row(buttons[:_IN_A_BLOCK], kind))
    shown = len(options) + min(len(buttons), _IN_A_BLOCK)
    return [*blocks, context(_NOT_SHOWN)] if shown < len(them) else blocks


def button(it: Choice, action_id: str) -> Block:
    """One button; its accessible label says that a form will open."""
    spoken = f"{it.label} (opens a form)" if it.opens else it.label
    made: Block = {
        "type": "button",
        "action_id": action_id,
        "text": label(it.label),
        "value": it.action,
        "accessibility_label": spoken_label(spoken),
    }
    return {**made, "style": "danger"} if it.danger else made


def spoken_label(text: str) -> str:
    """What a screen reader says instead of a button's text. It is a bare string, so nothing in it is escaped."""
    return one_line(text)[:LONGEST_LABEL] or "–"


def option(text: str, value: str) -> Block:
    """One option of a list."""
    return {"text": label(text), "value": value}


def _listable(it: Choice) -> bool:
    return not it.opens and not it.danger and len(it.action) <= LONGEST_OPTION_VALUE


def _options(them: Sequence[Choice]) -> list[Block]:
    made = [option(it.label, it.action) for it in them[:_IN_A_LIST]]
    while weight(made) > _LIST_ROOM:
        made.pop()
    return made


def _row(them: Sequence[Choice], kind: str) -> Block:
    return {"type": "actions", "elements": [button(it, f"{kind}:{at}") for at, it in enumerate(them)]}


def _list(options: Sequence[Block], kind: str) -> Block:
    picking = {
        "type": "static_select",
        "action_id": f"{kind}:list",
        "placeholder": label("Choose one…"),
        "options": list(options),
    }
    return {"type": "actions", "elements": [picking]}
