"""What was said in the browser preview."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the preview's table."""
    op.create_table(
        "preview_messages",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(500), nullable=False, unique=True),
        sa.Column("room", sa.String(200), nullable=False),
        sa.Column("author", sa.String(200)),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_preview_messages_room", "preview_messages", ["room"])
