"""Where chats, threads and posts of a platform are found again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the shelf."""
    op.create_table(
        "shelf",
        sa.Column("name", sa.String(500), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
