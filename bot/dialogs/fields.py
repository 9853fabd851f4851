"""Taking what was typed into fields: what may be kept, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Mapping

from bot.dialogs.screen import clean, refusal
from bot.model import Field


def take(fields: tuple[Field, ...], sent: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Values by field name that may be kept, and by field name what is wrong with the others, in words for the person.

    A field that was not sent at all keeps what it had.
    """
    taken: dict[str, str] = {}
    errors: dict[str, str] = {}
    for one in fields:
        value = clean(sent.get(one.name, ""))
        fault = wrong(one, value)
        if fault:
            errors[one.name] = fault
        if one.name in sent and refusal(value) is None and not (fault and one.options):
            taken[one.name] = value[: one.limit]
    return taken, errors


def wrong(one: Field, value: str) -> str:
    """What is wrong with a value of a field, in words for the person; empty when nothing is."""
    if not value.strip():
        return "Please answer this." if one.required else ""
    if one.options and not {*value.split("\n")} <= {option.value for option in one.options}:
        return "Please choose one of these."
    if len(value) > one.limit:
        return f"Please keep this under {one.limit:,} characters. Your words are still here up to that point."
    return refusal(value) or ""
