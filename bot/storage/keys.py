"""Keys: everything sealed is sealed again with the newest, so that older ones can be taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import RowMapping, Table, bindparam, literal, select, tuple_, update

from bot.storage.database import Database
from bot.storage.sealing import Sealer
from bot.storage.tables import Base

Progress = Callable[[str, int], None]
"""Told after each batch: the table, and how many of its rows have been looked at."""

_BATCH = 200


async def rotate(database: Database, sealer: Sealer, progress: Progress = lambda *_: None) -> int:
    """Seal everything with the sealer's first key; how many rows were sealed again.

    Charter may serve meanwhile, provided that every process already has the new key first and the old ones after it: each
    batch is a short transaction. Interrupted, it is simply run again: what has the newest key is left alone. When it
    returns, the older keys are needed for backups only. Raises Unreadable, keeping the batches done, when a row opens with
    none of the keys.
    """
    return sum([await _rotate_table(database, sealer, table, progress) for table in sealed_tables()])


def sealed_tables() -> Sequence[Table]:
    """The tables that hold sealed text."""
    return [table for table in Base.metadata.sorted_tables if "sealed" in table.c]


async def _rotate_table(database: Database, sealer: Sealer, table: Table, progress: Progress) -> int:
    keys, changed, seen, last = list(table.primary_key.columns), 0, 0, None
    wanted = select(*keys, table.c.sealed).where(table.c.sealed.is_not(None)).order_by(*keys).limit(_BATCH)
    renewal = update(table).where(*(key == bindparam(f"at_{key.name}") for key in keys))
    while True:
        after = () if last is None else (tuple_(*keys) > tuple_(*map(literal, last)),)
        async with database.writing() as tx:
            rows = (await tx.execute(wanted.where(*after))).mappings().all()
            if stale := [new for row in rows if (new := _renewed(row, sealer))]:
                await (await tx.connection()).execute(renewal.values(sealed=bindparam("new")), stale)
        if not rows:
            return changed
        changed, seen, last = changed + len(stale), seen + len(rows), [rows[-1][key.name] for key in keys]
        progress(table.name, seen)


def _renewed(row: RowMapping, sealer: Sealer) -> dict[str, object] | None:
    """What to store in place of a row's sealed text, or None when it has the newest key."""
    sealed = sealer.renew(row["sealed"])
    keys = {f"at_{name}": value for name, value in row.items() if name != "sealed"}
    return None if sealed is None else {**keys, "new": sealed}
