"""The legal moves of a case, as one table. What is not in it cannot be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from bot.cases.model import Kind, State
from bot.cases.record import Act, Case
from bot.notices.model import NoticeKind


class Standing(StrEnum):
    """What a person is to a case. A person with none cannot tell it from a case that is not there."""

    HANDLER = "handler"
    REPORTER = "reporter"
    NONE = "none"


class Action(StrEnum):
    """What a person may do to a case; the values stand in `CaseView.may`."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    REPLY = "reply"
    ASK = "ask"
    NOTE = "note"
    ADD = "add"
    WITHDRAW = "withdraw"
    URGENCY = "urgency"
    HOLD = "hold"
    RELEASE = "release"
    RECUSE = "recuse"
    REROUTE = "reroute"
    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True)
class Move:
    """Who may make it, from which state to which, the event it writes and whom it tells.

    `drops_owner` leaves the case to be taken anew, and `waits` begins a new wait for somebody to take it. `given` is what
    must hold of the case besides its state.
    """

    by: Standing
    to: Mapping[State, State]
    act: Act
    notice: NoticeKind = NoticeKind.POINTER
    tells: frozenset[Standing] = frozenset()
    drops_owner: bool = False
    waits: bool = False
    given: Callable[[Case], bool] = lambda _: True


UNTAKEN = frozenset({State.SUBMITTED, State.REOPENED})
"""States in which somebody must still take the case."""

_TAKEN = (State.ACKNOWLEDGED, State.IN_PROGRESS, State.WAITING)
_OPEN = (*UNTAKEN, *_TAKEN)
_TO_REPORTER = frozenset({Standing.REPORTER})
_TO_HANDLERS = frozenset({Standing.HANDLER})


def _same(*states: State) -> dict[State, State]:
    return {state: state for state in states}


MOVES: Mapping[Action, Move] = MappingProxyType(
    {
        Action.ACKNOWLEDGE: Move(
            Standing.HANDLER,
            dict.fromkeys(UNTAKEN, State.ACKNOWLEDGED),
            Act.ACKNOWLEDGED,
            NoticeKind.ACKNOWLEDGED,
            _TO_REPORTER,
        ),
        Action.ASSIGN: Move(
            Standing.HANDLER,
            dict.fromkeys(_TAKEN, State.SUBMITTED) | _same(*UNTAKEN),
            Act.ASSIGNED,
            NoticeKind.ASSIGNED,
            waits=True,
        ),
        Action.REPLY: Move(
            Standing.HANDLER,
            dict.fromkeys(_TAKEN, State.IN_PROGRESS),
            Act.REPLIED,
            NoticeKind.REPLIED,
            _TO_REPORTER,
        ),
        Action.ASK: Move(
            Standing.HANDLER,
            dict.fromkeys(_TAKEN, State.WAITING),
            Act.ASKED,
            NoticeKind.ASKED,
            _TO_REPORTER,
        ),
        Action.NOTE: Move(Standing.HANDLER, _same(*State), Act.NOTED),
        Action.ADD: Move(
            Standing.REPORTER,
            _same(*State) | {State.WAITING: State.IN_PROGRESS},
            Act.ADDED,
            NoticeKind.ADDED,
            _TO_HANDLERS,
        ),
        Action.WITHDRAW: Move(
            Standing.REPORTER,
            _same(*_OPEN),
            Act.WITHDRAWN,
            NoticeKind.WITHDRAWN,
            _TO_HANDLERS,
            given=lambda case: not case.withdrawn,
        ),
        Action.URGENCY: Move(Standing.HANDLER, _same(*_OPEN), Act.URGENCY, waits=True),
        Action.HOLD: Move(Standing.HANDLER, _same(*State), Act.HELD, given=lambda case: not case.hold),
        Action.RELEASE: Move(Standing.HANDLER, _same(*State), Act.RELEASED, given=lambda case: case.hold),
        Action.RECUSE: Move(Standing.HANDLER, _same(*State), Act.RECUSED),
        Action.REROUTE: Move(
            Standing.HANDLER,
            dict.fromkeys(_OPEN, State.SUBMITTED),
            Act.REROUTED,
            drops_owner=True,
            waits=True,
            given=lambda case: case.kind is Kind.REPORT,
        ),
        Action.CLOSE: Move(
            Standing.HANDLER,
            dict.fromkeys(_TAKEN, State.CLOSED),
            Act.CLOSED,
            NoticeKind.CLOSED,
            _TO_REPORTER,
        ),
        Action.REOPEN: Move(
            Standing.HANDLER,
            {State.CLOSED: State.REOPENED},
            Act.REOPENED,
            NoticeKind.REOPENED,
            _TO_REPORTER | _TO_HANDLERS,
            drops_owner=True,
            waits=True,
        ),
    }
)


def legal(action: Action, case: Case) -> bool:
    """Whether the case stands so that this may be done to it, by whoever may."""
    return case.state in MOVES[action].to and MOVES[action].given(case)


def allowed(standing: Standing, case: Case) -> frozenset[str]:
    """The actions that somebody with this standing may take on this case now."""
    return frozenset(action.value for action, move in MOVES.items() if move.by is standing and legal(action, case))
