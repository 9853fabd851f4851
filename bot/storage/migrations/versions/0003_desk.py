"""The whole desk: what of a case may change, lines that are read in order, and events chained by keyed hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KIND = sa.String(200)
_SQLITE_REFUSES = """
CREATE TRIGGER case_events_no_{verb} BEFORE {verb} ON case_events {when}
BEGIN SELECT RAISE(ABORT, 'case_events is append-only'); END
"""
_SQLITE_TRIGGERS = (
    ("update", ""),
    ("delete", ""),
    ("insert", "WHEN EXISTS (SELECT 1 FROM case_events WHERE case_id = new.case_id AND seq = new.seq)"),
)
_POSTGRES_REFUSES = (
    """
    CREATE FUNCTION case_events_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'case_events is append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$
    """,
    """
    CREATE TRIGGER case_events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON case_events
    FOR EACH STATEMENT EXECUTE FUNCTION case_events_refuse()
    """,
)


def upgrade() -> None:
    """Widen cases, and start the chain on an empty story."""
    _forget_the_samples()
    _widen_cases()
    _widen_handlers()
    op.create_index("ix_notices_gone", "notices", ["gone_at"])
    _chain()
    _keep_events()


def _forget_the_samples() -> None:
    """Events from before cannot be chained, and only previews were ever made then: their sample cases go.

    Raises RuntimeError for a school's own.
    """
    for verb in ("UPDATE", "DELETE"):
        op.execute(f"DROP TRIGGER IF EXISTS case_events_no_{verb}" + _on_postgres(" ON case_events"))
    if op.get_bind().execute(sa.text("SELECT 1 FROM cases, installation WHERE installation.kind = 'school'")).first():
        raise RuntimeError("a school's cases from before the chain cannot be carried over")
    for table in ("case_content", "case_events", "case_handlers", "notices", "cases"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608


def _widen_cases() -> None:
    for column in (
        sa.Column("due", sa.DateTime),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("hold", sa.Boolean, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.Column("review", sa.Date),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("mark", sa.LargeBinary, nullable=False),
    ):
        op.add_column("cases", column)
    op.create_index("ix_cases_reporter", "cases", ["reporter", "opened"])
    op.create_index("ix_cases_due", "cases", ["due"])


def _widen_handlers() -> None:
    for column in (
        sa.Column("kind", _KIND, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("due", sa.DateTime),
        sa.Column("opened", sa.DateTime, nullable=False),
        sa.Column("needs", sa.Integer),
    ):
        op.add_column("case_handlers", column)
    op.drop_index("ix_case_handlers_person", "case_handlers")
    op.create_index("ix_case_handlers_line", "case_handlers", ["person", "closed", "due", "opened", "kind", "needs"])


def _chain() -> None:
    """Events are made anew: SQLite cannot add a unique column to a table."""
    op.drop_table("case_events")
    op.create_table(
        "case_events",
        sa.Column("case_id", sa.Integer, sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, nullable=False, unique=True),
        sa.Column("act", _KIND, nullable=False),
        sa.Column("person", _KIND, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "chain",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("mark", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("id = 1", name="ck_chain_one"),
    )


def _keep_events() -> None:
    """The database itself refuses to change or remove an event."""
    if _on_postgres("yes"):
        for statement in _POSTGRES_REFUSES:
            op.execute(statement)
        return
    for verb, when in _SQLITE_TRIGGERS:
        op.execute(_SQLITE_REFUSES.format(verb=verb, when=when))


def _on_postgres(text: str) -> str:
    return text if op.get_bind().dialect.name == "postgresql" else ""
