"""Runs the migrations on the connection that `bot.storage.database` hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from bot.storage.tables import Base

connection = context.config.attributes["connection"]
if not isinstance(connection, Connection):
    raise TypeError("migrations run through bot.storage.database.migrate")
context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
