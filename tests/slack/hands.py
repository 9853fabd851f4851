"""What a person does in Slack's window, found by the words they read there: buttons, fields, options. No delivery."""

from __future__ import annotations

from collections.abc import Iterator

from tests.slack.block_kit import Json, elements
from tests.slack.workspace import View


def pressable(blocks: list[Json], label: str) -> Json | None:
    """The action that comes of pressing what is labelled so: a button, a thumb, or an option of a menu."""
    return next((action for action, said in _offered(blocks) if said == label), None)


def labels(blocks: list[Json]) -> list[str]:
    """Everything that can be pressed, in the order it is shown."""
    return [said for _, said in _offered(blocks)]


def _offered(blocks: list[Json]) -> Iterator[tuple[Json, str]]:
    for block in blocks:
        if block["type"] == "input":
            continue
        for element in elements([block]):
            common = {"type": element["type"], "action_id": element["action_id"], "block_id": element["block_id"]}
            match element["type"]:
                case "button":
                    value = {"value": element["value"]} if "value" in element else {}
                    yield {**common, **value, "text": element["text"]}, element["text"]["text"]
                case "feedback_buttons":
                    for thumb in (element["positive_button"], element["negative_button"]):
                        yield {**common, "value": thumb["value"], "text": thumb["text"]}, thumb["text"]["text"]
                case _:
                    for option in _options(element):
                        yield {**common, "selected_option": option}, option["text"]["text"]


def fill(view: View, name: str, value: str) -> None:
    """Type or choose. `name` is a field's name or label; an option is known by its value or its words.

    Raises AssertionError where Slack's window would not let a person do it.
    """
    block = field(view.blocks, name)
    element = block["element"]
    place = (block["block_id"], element["action_id"])
    if element["type"] == "plain_text_input":
        longest = element.get("max_length", 3000)
        assert len(value) <= longest, f"{name}: Slack's window takes {longest} characters"
        view.typed[place] = {"type": "plain_text_input", "value": value or None}
    elif element["type"] in ("checkboxes", "multi_static_select"):
        chosen = [_option(element, each) for each in value.splitlines()]
        view.typed[place] = {"type": element["type"], "selected_options": chosen}
    else:
        view.typed[place] = {"type": element["type"], "selected_option": _option(element, value)}


def field(blocks: list[Json], name: str) -> Json:
    """The input block of that name or label. Raises AssertionError when it is not shown."""
    inputs = [block for block in blocks if block["type"] == "input"]
    for block in inputs:
        if block["block_id"] == name or block["label"]["text"].startswith(name):
            return block
    raise AssertionError(f"no field {name!r}; there are {[b['label']['text'] for b in inputs]}")


def missing(view: View) -> list[str]:
    """Fields that Slack's window would not let go empty."""
    values = view.state()["values"]
    return [
        block["label"]["text"]
        for block in view.blocks
        if block["type"] == "input"
        and not block.get("optional", False)
        and _empty(values[block["block_id"]][block["element"]["action_id"]])
    ]


def _empty(state: Json) -> bool:
    return not any(value for name, value in state.items() if name != "type")


def _options(element: Json) -> list[Json]:
    groups = element.get("option_groups", [])
    return [*element.get("options", []), *(option for group in groups for option in group["options"])]


def _option(element: Json, value: str) -> Json:
    for option in _options(element):
        if value in (option["value"], option["text"]["text"]):
            return option
    raise AssertionError(f"no option {value!r}; there are {[o['text']['text'] for o in _options(element)]}")
