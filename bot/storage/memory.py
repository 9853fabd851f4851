"""Conversations and drafts in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, delete, select

from bot.model import ConversationState, Draft, Person, Room
from bot.ports import Clock
from bot.storage.database import Database
from bot.storage.put import Put
from bot.storage.sealing import Sealer
from bot.storage.tables import CaseRow, ConversationRow, DraftRow, table_of

DRAFT_LIFE = timedelta(hours=24)
_RECENT = 50
"""How many of a person's drafts are looked through for an unfinished one."""


@dataclass(frozen=True)
class _Draft:
    form: str
    values: Mapping[str, str]


_DRAFT = TypeAdapter(_Draft)
_STATE = TypeAdapter(ConversationState)

_TALK, _DRAFTS, _CASES = table_of(ConversationRow), table_of(DraftRow), table_of(CaseRow)
_PUT_STATE = Put(_TALK, "person", "platform", "room")
_PUT_DRAFT = Put(_DRAFTS, "person", "id")
_OF_ROOM = select(_TALK.c.sealed).where(*(_TALK.c[name] == bindparam(name) for name in ("person", "platform", "room")))
_MINE = (_DRAFTS.c.person == bindparam("mine"), _DRAFTS.c.id == bindparam("named"))
_FILED = select(_CASES.c.id).where(_CASES.c.reporter == bindparam("mine"), _CASES.c.draft == bindparam("named"))


class SqlMemory:
    """Implements `bot.ports.Memory`. An answer need not wait until its conversation is stored: that is done soon after."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._not_yet_stored: dict[tuple[str, Room], ConversationState] = {}

    async def recall(self, person: Person, room: Room) -> ConversationState:
        """The conversation's state; an empty one when there is none."""
        if (state := self._not_yet_stored.get((person.id, room))) is not None:
            return state
        sealed = await self._database.read(lambda tx: tx.execute(_OF_ROOM, _key(person, room)).scalar())
        return _STATE.validate_json(self._sealer.open(sealed)) if sealed else ConversationState()

    async def remember(self, person: Person, room: Room, state: ConversationState) -> None:
        """Keep the state for the next turn. One that cannot be stored is logged and forgotten: the next stands for itself."""
        sealed = self._sealer.seal(_STATE.dump_json(state).decode())
        row = {**_key(person, room), "saved_at": self._clock.now(), "sealed": sealed}
        self._not_yet_stored[person.id, room] = state

        def settled(_: object) -> None:
            if self._not_yet_stored.get((person.id, room)) is state:
                del self._not_yet_stored[person.id, room]

        soon = self._database.write_soon(lambda tx: _PUT_STATE.over(tx, row), unless="conversation_not_stored")
        soon.add_done_callback(settled)

    async def save_draft(self, draft: str, person: Person, form: str, values: Mapping[str, str]) -> None:
        """Keep a form's answers and drop every draft that has expired. A draft that was filed stays gone."""
        now = self._clock.now()
        sealed = self._sealer.seal(_DRAFT.dump_json(_Draft(form, values)).decode())
        row = {"person": person.id, "id": draft, "saved_at": now, "sealed": sealed}

        def save(tx: Connection) -> None:
            tx.execute(delete(_DRAFTS).where(_DRAFTS.c.saved_at <= now - DRAFT_LIFE))
            if tx.execute(_FILED, _named(draft, person)).first() is None:
                _PUT_DRAFT.over(tx, row)

        await self._database.write(save)

    async def load_draft(self, draft: str, person: Person) -> tuple[str, Mapping[str, str]] | None:
        """The form's name and answers, or None when it is not theirs, has expired or was filed."""
        wanted = select(_DRAFTS).where(*_MINE)
        found = await self._database.read(lambda tx: tx.execute(wanted, _named(draft, person)).first())
        if found is None or found.saved_at <= self._clock.now() - DRAFT_LIFE:
            return None
        kept = _DRAFT.validate_json(self._sealer.open(found.sealed))
        return kept.form, kept.values

    async def latest_draft(self, person: Person, form: str, having: str) -> Draft | None:
        """The newest of their drafts of this form in which the value `having` is set, or None."""
        alive = self._clock.now() - DRAFT_LIFE
        mine = select(_DRAFTS).where(_DRAFTS.c.person == person.id, _DRAFTS.c.saved_at > alive)
        newest = mine.order_by(_DRAFTS.c.saved_at.desc()).limit(_RECENT)
        for row in await self._database.read(lambda tx: tx.execute(newest).all()):
            kept = _DRAFT.validate_json(self._sealer.open(row.sealed))
            if kept.form == form and having in kept.values:
                return Draft(row.id, kept.values, row.saved_at)
        return None

    async def drop_draft(self, draft: str, person: Person) -> None:
        """Forget a draft of this person's."""
        await self._database.write(lambda tx: tx.execute(delete(_DRAFTS).where(*_MINE), _named(draft, person)))


def _key(person: Person, room: Room) -> dict[str, object]:
    return {"person": person.id, "platform": room.platform.value, "room": room.id}


def _named(draft: str, person: Person) -> dict[str, object]:
    return {"mine": person.id, "named": draft}
