"""The tables. Columns named `sealed` hold encrypted text; every other column holds ids, states and times only.

They are made by the migrations alone; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Moment(TypeDecorator[datetime]):
    """A time with its zone, stored as UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """To UTC, as databases without zones keep it. Raises ValueError for a time without zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time needs its zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From UTC."""
        return value.replace(tzinfo=UTC) if value else None


class Base(DeclarativeBase):
    """All tables of Charter."""

    type_annotation_map = {datetime: Moment(), str: String(200), bytes: LargeBinary()}  # noqa: RUF012


def table_of(row: type[Base]) -> Table:
    """The table behind a row, for statements that need no objects."""
    table = row.__table__
    assert isinstance(table, Table)  # noqa: S101
    return table


class CaseRow(Base):
    """One case. `sealed` says whom it is about and whom it is closed to; `mark` vouches for its events' end and number."""

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("reporter", "draft", name="uq_cases_draft"),
        CheckConstraint("version > 0", name="ck_cases_version"),
        Index("ix_cases_reporter", "reporter", "opened"),
        Index("ix_cases_due", "due"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    draft: Mapped[str]
    kind: Mapped[str]
    urgency: Mapped[str]
    state: Mapped[str]
    reporter: Mapped[str]
    owner: Mapped[str | None]
    opened: Mapped[datetime]
    version: Mapped[int]
    due: Mapped[datetime | None]
    step: Mapped[int]
    hold: Mapped[bool]
    withdrawn: Mapped[bool]
    review: Mapped[date | None]
    events: Mapped[int] = mapped_column(default=0)
    mark: Mapped[bytes] = mapped_column(default=b"")
    sealed: Mapped[bytes]


class HandlerRow(Base):
    """A person to whom a case was given; `place` keeps the order in which the reporter was shown them.

    Kind, closed, due and opened repeat the case's, so that a line of any length is read in order from the index alone.
    `needs` are the roles of which the person must hold one, a bit for each; none when the person is named.
    """

    __tablename__ = "case_handlers"
    __table_args__ = (Index("ix_case_handlers_line", "person", "closed", "due", "opened", "kind", "needs"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True)
    person: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]
    kind: Mapped[str]
    closed: Mapped[bool]
    due: Mapped[datetime | None]
    opened: Mapped[datetime]
    needs: Mapped[int | None]


class EventRow(Base):
    """One event of a case: metadata only, and never changed.

    `number` counts all events of the database without a gap; `digest` is that of the content; `hash` chains it all.
    """

    __tablename__ = "case_events"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(unique=True)
    act: Mapped[str]
    person: Mapped[str]
    at: Mapped[datetime]
    digest: Mapped[bytes]
    hash: Mapped[bytes]


class ContentRow(Base):
    """What was said with an event, in a row of its own, so that it can be deleted while the event stays."""

    __tablename__ = "case_content"

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sealed: Mapped[bytes]


class ChainRow(Base):
    """The key of every hash, sealed, and how many events there are in all; one row. `mark` vouches for the number."""

    __tablename__ = "chain"
    __table_args__ = (CheckConstraint("id = 1", name="ck_chain_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    events: Mapped[int]
    mark: Mapped[bytes]
    sealed: Mapped[bytes]


class NoticeRow(Base):
    """One notice to one destination. `seq` keeps the order; `attempts` is what claims are compared with."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_waiting", "finished", "destination", "seq"),
        Index("ix_notices_gone", "gone_at"),
    )

    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    destination: Mapped[str]
    kind: Mapped[str]
    ref: Mapped[str] = mapped_column(ForeignKey("cases.ref"))
    created: Mapped[datetime]
    due: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    unsure: Mapped[bool] = mapped_column(default=False)
    finished: Mapped[bool] = mapped_column(default=False)
    sent_at: Mapped[datetime | None]
    gone_at: Mapped[datetime | None]
    message: Mapped[str | None] = mapped_column(String(400))


class DraftRow(Base):
    """A form's answers so far; only its own person finds it."""

    __tablename__ = "drafts"

    person: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    saved_at: Mapped[datetime] = mapped_column(index=True)
    sealed: Mapped[bytes]


class ConversationRow(Base):
    """What a conversation needs for its next turn."""

    __tablename__ = "conversations"

    person: Mapped[str] = mapped_column(primary_key=True)
    platform: Mapped[str] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(primary_key=True)
    saved_at: Mapped[datetime]
    sealed: Mapped[bytes]


class InboxRow(Base):
    """An event that came in; its payload goes when it is done."""

    __tablename__ = "inbox"

    seq: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(String(400), unique=True)
    received_at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column(index=True)
    sealed: Mapped[bytes | None]


class PreviewMessageRow(Base):
    """One line of a conversation in the browser preview; `author` is a person, or empty for Charter."""

    __tablename__ = "preview_messages"

    seq: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(500), unique=True)
    room: Mapped[str] = mapped_column(index=True)
    author: Mapped[str | None]
    at: Mapped[datetime]
    sealed: Mapped[bytes]


class ShelfRow(Base):
    """What must be found again to write on a platform on our own account: chats, threads, posts. Names hold ids only."""

    __tablename__ = "shelf"

    name: Mapped[str] = mapped_column(String(500), primary_key=True)
    sealed: Mapped[bytes]


class InstallationRow(Base):
    """What this database was made for; one row."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="ck_installation_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
