"""One row put by its key, in one statement. SQLite and PostgreSQL say it alike, each through its own dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Row: TypeAlias = Mapping[str, object]


class Put:
    """Puts rows into a table in which `key` names one row."""

    def __init__(self, table: Table, *key: str) -> None:
        changing = [column.name for column in table.columns if column.name not in key and not column.primary_key]
        first, other = sqlite.insert(table), postgresql.insert(table)
        self._new = {
            "sqlite": first.on_conflict_do_nothing(index_elements=key),
            "postgresql": other.on_conflict_do_nothing(index_elements=key),
        }
        self._over = {
            "sqlite": first.on_conflict_do_update(
                index_elements=key, set_={name: first.excluded[name] for name in changing}
            ),
            "postgresql": other.on_conflict_do_update(
                index_elements=key, set_={name: other.excluded[name] for name in changing}
            ),
        }

    def new(self, tx: Connection, row: Row) -> bool:
        """Put a row if there is none of its key; whether there was none."""
        return tx.execute(self._new[tx.dialect.name], row).rowcount == 1

    def over(self, tx: Connection, row: Row) -> None:
        """Put a row in the place of the one of its key, if there is one."""
        tx.execute(self._over[tx.dialect.name], row)
