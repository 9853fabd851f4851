"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TEXT = sa.String(200)
_EVENTS_ARE_KEPT = """
CREATE TRIGGER case_events_no_{verb} BEFORE {verb} ON case_events
BEGIN SELECT RAISE(ABORT, 'case_events is append-only'); END
"""


def upgrade() -> None:
    """Make every table."""
    _cases()
    _story()
    _notices()
    _turns()
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_installation_one"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(_EVENTS_ARE_KEPT.format(verb=verb))


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ref", _TEXT, nullable=False, unique=True),
        sa.Column("draft", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("urgency", _TEXT, nullable=False),
        sa.Column("state", _TEXT, nullable=False),
        sa.Column("reporter", _TEXT, nullable=False),
        sa.Column("owner", _TEXT),
        sa.Column("opened", sa.DateTime, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("reporter", "draft", name="uq_cases_draft"),
        sa.CheckConstraint("version > 0", name="ck_cases_version"),
    )
    op.create_table(
        "case_handlers",
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("person", _TEXT, primary_key=True),
        sa.Column("place", sa.Integer, nullable=False),
    )
    op.create_index("ix_case_handlers_person", "case_handlers", ["person"])


def _story() -> None:
    op.create_table(
        "case_events",
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("act", _TEXT, nullable=False),
        sa.Column("person", _TEXT, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "case_content",
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", _TEXT, nullable=False, unique=True),
        sa.Column("destination", _TEXT, nullable=False),
        sa.Column("kind", _TEXT, nullable=False),
        sa.Column("ref", _TEXT, sa.ForeignKey("cases.ref"), nullable=False),
        sa.Column("created", sa.DateTime, nullable=False),
        sa.Column("due", sa.DateTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("unsure", sa.Boolean, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("sent_at", sa.DateTime),
        sa.Column("gone_at", sa.DateTime),
        sa.Column("message", sa.String(400)),
    )
    op.create_index("ix_notices_waiting", "notices", ["finished", "destination", "seq"])


def _turns() -> None:
    op.create_table(
        "drafts",
        sa.Column("person", _TEXT, primary_key=True),
        sa.Column("id", _TEXT, primary_key=True),
        sa.Column("saved_at", sa.DateTime, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_drafts_saved_at", "drafts", ["saved_at"])
    op.create_table(
        "conversations",
        sa.Column("person", _TEXT, primary_key=True),
        sa.Column("platform", _TEXT, primary_key=True),
        sa.Column("room", _TEXT, primary_key=True),
        sa.Column("saved_at", sa.DateTime, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "inbox",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("event_id", sa.String(400), nullable=False, unique=True),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("done_at", sa.DateTime),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_index("ix_inbox_done_at", "inbox", ["done_at"])
