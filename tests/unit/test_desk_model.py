"""Whatever people do to the desk, over many random stories, it keeps to a model so simple that it can be read."""

import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import structlog
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bot.cases import pointers, routing, views
from tests.guards import without_guard
from tests.unit.desk_machine import INTERNAL, SECRET, DeskMachine
from tests.unit.desk_model import EVERYBODY


def _quiet(_logger: object, _name: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Every line of the log is looked at, and none is kept."""
    assert SECRET not in repr(event)
    assert INTERNAL not in repr(event)
    assert not any(each.name in repr(event) for each in EVERYBODY)
    raise structlog.DropEvent


@pytest.fixture(autouse=True)
def watched_log() -> Any:
    """The log of these tests."""
    before = structlog.get_config()
    structlog.configure(processors=[_quiet])
    yield
    structlog.configure(**before)


STORIES = int(os.environ.get("CHARTER_STORIES", "600"))
"""How many random stories are told; `make prove` tells thousands."""


def test_whatever_people_do_the_model_holds() -> None:
    """Rights, states, exclusion, counts, notices and logs over many random stories."""
    run_state_machine_as_test(
        DeskMachine,
        settings=settings(max_examples=STORIES, stateful_step_count=10, database=None),
    )


@pytest.mark.parametrize(
    ("guard", "instead"),
    [
        pytest.param(routing.closed_to, lambda *_: frozenset(), id="who a case is kept from"),
        pytest.param(views.holds, lambda case, person: person.id in case.handlers, id="roles lost"),
        pytest.param(views.shows, lambda *_: True, id="internal events"),
        pytest.param(pointers.may_know, lambda *_: True, id="notices of cases lost"),
        pytest.param(routing.in_channel, lambda rule, *_: rule.channel, id="pointer in the channel"),
    ],
)
def test_without_a_guard_the_model_is_broken(
    guard: Callable[..., Any], instead: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stories above would find each guard missing."""
    without_guard(monkeypatch, guard, instead)
    once = settings(
        max_examples=1500,
        stateful_step_count=12,
        database=None,
        phases=[Phase.generate],
        derandomize=True,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(DeskMachine, settings=once)
