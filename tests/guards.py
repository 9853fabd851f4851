"""Taking a guard away, to show that the tests would notice."""

import sys
from collections.abc import Callable
from typing import Any

import pytest


def without_guard(monkeypatch: pytest.MonkeyPatch, guard: Callable[..., Any], instead: Callable[..., Any]) -> None:
    """Put something weaker in a guard's place wherever the product calls it by its name."""
    places = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("bot.") and getattr(module, guard.__name__, None) is guard
    ]
    assert places, f"{guard.__name__} is used nowhere"
    for module in places:
        monkeypatch.setattr(module, guard.__name__, instead)
