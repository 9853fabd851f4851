"""Conversations and drafts in the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import TypeAdapter
from sqlalchemy import delete, select

from bot.model import ConversationState, Draft, Person, Room
from bot.ports import Clock
from bot.storage.database import Database
from bot.storage.sealing import Sealer
from bot.storage.tables import CaseRow, ConversationRow, DraftRow

DRAFT_LIFE = timedelta(hours=24)
_RECENT = 50
"""How many of a person's drafts are looked through for an unfinished one."""


@dataclass(frozen=True)
class _Draft:
    form: str
    values: Mapping[str, str]


_DRAFT = TypeAdapter(_Draft)
_STATE = TypeAdapter(ConversationState)


class SqlMemory:
    """Implements `bot.ports.Memory`."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock

    async def recall(self, person: Person, room: Room) -> ConversationState:
        """The conversation's state; an empty one when there is none."""
        async with self._database.reading() as tx:
            found = await tx.get(ConversationRow, (person.id, room.platform.value, room.id))
        return _STATE.validate_json(self._sealer.open(found.sealed)) if found else ConversationState()

    async def remember(self, person: Person, room: Room, state: ConversationState) -> None:
        """Keep the state for the next turn."""
        row = ConversationRow(
            person=person.id,
            platform=room.platform.value,
            room=room.id,
            saved_at=self._clock.now(),
            sealed=self._sealer.seal(_STATE.dump_json(state).decode()),
        )
        async with self._database.writing() as tx:
            await tx.merge(row)

    async def save_draft(self, draft: str, person: Person, form: str, values: Mapping[str, str]) -> None:
        """Keep a form's answers and drop every draft that has expired. A draft that was filed stays gone."""
        now = self._clock.now()
        sealed = self._sealer.seal(_DRAFT.dump_json(_Draft(form, values)).decode())
        filed = select(CaseRow.id).where(CaseRow.reporter == person.id, CaseRow.draft == draft)
        async with self._database.writing() as tx:
            await tx.execute(delete(DraftRow).where(DraftRow.saved_at <= now - DRAFT_LIFE))
            if await tx.scalar(filed) is None:
                await tx.merge(DraftRow(person=person.id, id=draft, saved_at=now, sealed=sealed))

    async def load_draft(self, draft: str, person: Person) -> tuple[str, Mapping[str, str]] | None:
        """The form's name and answers, or None when it is not theirs, has expired or was filed."""
        async with self._database.reading() as tx:
            found = await tx.get(DraftRow, (person.id, draft))
        if found is None or found.saved_at <= self._clock.now() - DRAFT_LIFE:
            return None
        kept = _DRAFT.validate_json(self._sealer.open(found.sealed))
        return kept.form, kept.values

    async def latest_draft(self, person: Person, form: str, having: str) -> Draft | None:
        """The newest of their drafts of this form in which the value `having` is set, or None."""
        alive = self._clock.now() - DRAFT_LIFE
        mine = select(DraftRow).where(DraftRow.person == person.id, DraftRow.saved_at > alive)
        async with self._database.reading() as tx:
            rows = (await tx.scalars(mine.order_by(DraftRow.saved_at.desc()).limit(_RECENT))).all()
        for row in rows:
            kept = _DRAFT.validate_json(self._sealer.open(row.sealed))
            if kept.form == form and having in kept.values:
                return Draft(row.id, kept.values, row.saved_at)
        return None

    async def drop_draft(self, draft: str, person: Person) -> None:
        """Forget a draft of this person's."""
        async with self._database.writing() as tx:
            await tx.execute(delete(DraftRow).where(DraftRow.person == person.id, DraftRow.id == draft))
