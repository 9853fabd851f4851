"""From cases and events to rows and back. What is content is sealed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import TypeAdapter

from bot.cases.model import Kind, State, Urgency
from bot.cases.record import Act, Case, Concern, Event
from bot.model import Role
from bot.storage.chain import new_salt
from bot.storage.sealing import Sealer
from bot.storage.tables import CaseRow, EventRow, HandlerRow


@dataclass(frozen=True)
class _Content:
    """The part of an event that is encrypted; `salt` makes its digest say nothing."""

    name: str
    words: str = ""
    outcome: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    public_text: str | None = None
    salt: str = ""


_CONTENT = TypeAdapter(_Content)
_CONCERN = TypeAdapter(Concern)
_FORGOTTEN = _Content("")

_BITS: Mapping[Role, int] = MappingProxyType(
    {
        Role.STAFF: 1,
        Role.SLT: 2,
        Role.HEADTEACHER: 4,
        Role.DSL: 8,
        Role.DEPUTY_DSL: 16,
        Role.CHAIR: 32,
        Role.GOVERNOR: 64,
        Role.DPO: 128,
        Role.IT: 256,
        Role.POLICY_OWNER: 512,
    }
)
"""They stand in the database: never give one another number."""


def put_case(row: CaseRow, case: Case, sealer: Sealer) -> None:
    """Write into a row all of a case that may change."""
    row.state, row.owner, row.version = case.state.value, case.owner, case.version
    row.urgency, row.due, row.step = case.urgency.value, case.due, case.step
    row.hold, row.withdrawn, row.review = case.hold, case.withdrawn, case.review
    row.sealed = sealer.seal(_CONCERN.dump_json(case.concern).decode())


def new_case_row(case: Case, draft: str, sealer: Sealer) -> CaseRow:
    """A row for a new case, without events yet."""
    row = CaseRow(
        ref=case.ref,
        draft=draft,
        kind=case.kind.value,
        reporter=case.reporter,
        opened=case.opened,
        events=0,
        mark=b"",
    )
    put_case(row, case, sealer)
    return row


def handler_rows(row: CaseRow, case: Case) -> list[HandlerRow]:
    """One for each person who is given the case; `row` is stored already."""
    return [
        HandlerRow(
            case_id=row.id,
            person=person,
            place=place,
            kind=case.kind.value,
            closed=case.state is State.CLOSED,
            due=case.due,
            opened=case.opened,
            needs=_needs(case.concern, person),
        )
        for place, person in enumerate(case.handlers)
    ]


def role_bits(roles: frozenset[Role]) -> int:
    """Roles as a number, a bit for each, so that a database can ask whether two sets meet."""
    return sum(_BITS[role] for role in roles)


def _needs(concern: Concern, person: str) -> int | None:
    needed = concern.needs(person)
    return None if needed is None else role_bits(needed)


def read_case(row: CaseRow, handlers: Sequence[str], sealer: Sealer) -> Case:
    """The case that a row holds. Raises Unreadable."""
    return Case(
        ref=row.ref,
        kind=Kind(row.kind),
        urgency=Urgency(row.urgency),
        reporter=row.reporter,
        opened=row.opened,
        handlers=tuple(handlers),
        concern=_CONCERN.validate_json(sealer.open(row.sealed)),
        state=State(row.state),
        owner=row.owner,
        version=row.version,
        due=row.due,
        step=row.step,
        hold=row.hold,
        withdrawn=row.withdrawn,
        review=row.review,
    )


def new_event_row(event: Event) -> tuple[EventRow, str]:
    """An event's metadata, to be linked into the chain, and its content in the clear."""
    said = _Content(event.name, event.words, event.outcome, event.answers, event.public_text, new_salt())
    return EventRow(act=event.act.value, person=event.by, at=event.at), _CONTENT.dump_json(said).decode()


def read_event(row: EventRow, sealed: bytes | None, sealer: Sealer) -> Event:
    """The event that a row holds; without words where its content is gone. Raises Unreadable."""
    said = _CONTENT.validate_json(sealer.open(sealed)) if sealed is not None else _FORGOTTEN
    return Event(Act(row.act), row.person, row.at, said.name, said.words, said.outcome, said.answers, said.public_text)
