"""The legal moves of a case, as one table. What is not in it cannot be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from bot.cases.model import State
from bot.cases.record import Act
from bot.notices.model import NoticeKind


class Standing(StrEnum):
    """What a person is to a case. A person with none cannot tell it from a case that is not there."""

    HANDLER = "handler"
    REPORTER = "reporter"
    NONE = "none"


class Action(StrEnum):
    """What a person may do to a case; the values stand in `CaseView.may`."""

    ACKNOWLEDGE = "acknowledge"
    REPLY = "reply"
    ADD = "add"
    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True)
class Move:
    """Who may make it, from which state to which, the event it writes and whom it tells.

    `drops_owner` leaves the case to be taken anew.
    """

    by: Standing
    to: Mapping[State, State]
    act: Act
    notice: NoticeKind
    tells: frozenset[Standing]
    drops_owner: bool = False


_TO_REPORTER = frozenset({Standing.REPORTER})
_TO_HANDLERS = frozenset({Standing.HANDLER})

MOVES: Mapping[Action, Move] = MappingProxyType(
    {
        Action.ACKNOWLEDGE: Move(
            Standing.HANDLER,
            {State.SUBMITTED: State.ACKNOWLEDGED, State.REOPENED: State.ACKNOWLEDGED},
            Act.ACKNOWLEDGED,
            NoticeKind.ACKNOWLEDGED,
            _TO_REPORTER,
        ),
        Action.REPLY: Move(
            Standing.HANDLER,
            {
                State.ACKNOWLEDGED: State.IN_PROGRESS,
                State.IN_PROGRESS: State.IN_PROGRESS,
                State.WAITING: State.IN_PROGRESS,
            },
            Act.REPLIED,
            NoticeKind.REPLIED,
            _TO_REPORTER,
        ),
        Action.ADD: Move(
            Standing.REPORTER,
            {state: state for state in State} | {State.WAITING: State.IN_PROGRESS},
            Act.ADDED,
            NoticeKind.ADDED,
            _TO_HANDLERS,
        ),
        Action.CLOSE: Move(
            Standing.HANDLER,
            dict.fromkeys((State.ACKNOWLEDGED, State.IN_PROGRESS, State.WAITING), State.CLOSED),
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
        ),
    }
)


def allowed(standing: Standing, state: State) -> frozenset[str]:
    """The actions that somebody with this standing may take on a case in this state."""
    return frozenset(action.value for action, move in MOVES.items() if move.by is standing and state in move.to)
