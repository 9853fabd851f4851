"""What a school's settings may change in the routing table, checked at start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from bot.cases.model import About, Kind
from bot.cases.routing import LEADERS, TABLE, Rule, Table, class_of, nobody_else
from bot.model import Person, Role


@dataclass(frozen=True)
class Change:
    """What a school changes in one row of the table; what is None stays as it is. `closed_to` adds to what the row has.

    `on_silence` and `on_recusal` are names of roles or ids of people. `people` handle it beside those who have one of
    `roles`.
    """

    __pydantic_config__: ClassVar[Mapping[str, str]] = {"extra": "forbid"}

    kind: Kind
    about: About
    roles: tuple[Role, ...] | None = None
    people: tuple[str, ...] | None = None
    channel: bool | None = None
    on_silence: tuple[str, ...] | None = None
    on_recusal: tuple[str, ...] | None = None
    closed_to: tuple[Role, ...] | None = None


def changed(changes: Iterable[Change], people: Iterable[Person], table: Table = TABLE) -> Table:
    """The table with a school's changes.

    Raises ValueError, naming the row and what to mend, for a row that is not in the table or stands there twice, a person
    who is not on the roster, a role that handles nothing, a pointer where there may be none, and a row that would send a
    report about a class to that class or to those who answer to it.
    """
    known = {person.id: person for person in people}
    rows = dict(table)
    seen: set[tuple[Kind, About]] = set()
    for change in changes:
        row = (change.kind, change.about)
        if row not in table or change.about is About.CONFLICT or row in seen:
            raise _wrong(row, "stands there twice" if row in seen else "is no row that can be changed")
        seen.add(row)
        rows[row] = _checked(row, _with(table[row], change), known)
    return MappingProxyType(rows)


def _with(rule: Rule, change: Change) -> Rule:
    """The row as changed; what it says of whom it does not go to holds for any row."""
    channel = rule.channel if change.channel is None else change.channel
    return replace(
        rule,
        roles=rule.roles if change.roles is None else frozenset(change.roles),
        people=rule.people if change.people is None else change.people,
        channel=channel,
        on_silence=_line(change.on_silence, rule.on_silence),
        on_recusal=_line(change.on_recusal, rule.on_recusal),
        closed_to=rule.closed_to | frozenset(change.closed_to or ()),
        not_to=nobody_else(channel),
    )


def _line(changed: tuple[str, ...] | None, before: tuple[Role | str, ...]) -> tuple[Role | str, ...]:
    if changed is None:
        return before
    return tuple(Role(who) if who in list(Role) else who for who in changed)


_MAY_HANDLE = LEADERS | {Role.HEADTEACHER, Role.CHAIR, Role.DPO}
_MAY_STAND_IN_CHANNEL = frozenset({About.NOBODY, About.SELF, About.STUDENT, About.PARENT, About.UNKNOWN})
_SAME_CLASS: Mapping[About, frozenset[About]] = {
    about: frozenset({about}) for about in (About.COLLEAGUE, About.GOVERNOR, About.SLT_OR_DSL, About.CHAIR)
} | {About.HEADTEACHER: frozenset({About.HEADTEACHER, About.SLT_OR_DSL})}
"""What may never handle a report about a class: itself, and for the headteacher those who answer to the headteacher too."""


def _checked(row: tuple[Kind, About], rule: Rule, known: Mapping[str, Person]) -> Rule:
    who = (*rule.roles, *rule.people, *rule.on_silence, *rule.on_recusal)
    for each in who:
        if not isinstance(each, Role) and each not in known:
            raise _wrong(row, f"names {each!r}, who is neither a role nor the id of a person")
        if isinstance(each, Role) and each not in _MAY_HANDLE:
            raise _wrong(row, f"gives cases to everybody with the role {each.value!r}: name the people instead")
        person = Person("", "", frozenset({each})) if isinstance(each, Role) else known[each]
        if class_of(person) in _SAME_CLASS.get(row[1], frozenset()):
            raise _wrong(row, f"would send it to {each!s}, whom such a report may be about")
    if rule.channel and row[1] not in _MAY_STAND_IN_CHANNEL:
        raise _wrong(row, "may not put a pointer in the channel")
    if rule.roles <= rule.closed_to and not rule.people and row[1] is not About.ADULT_AT_RISK:
        raise _wrong(row, "has nobody to handle it")
    return rule


def _wrong(row: tuple[Kind, About], what: str) -> ValueError:
    return ValueError(f"route {row[0].value} about {row[1].value}: {what}")
