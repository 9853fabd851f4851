"""Killed at any moment, Charter loses nothing that it said was stored: the short proof. `make prove` runs the long one."""

from tests.proofs.kills import AfterKills


class TestAfterAFewKills(AfterKills):
    """On SQLite, and on PostgreSQL with two processes at a time."""

    KILLS = 8
    CASES = 5
