"""Killed at any moment, Charter loses nothing that it said was stored: the long proof. `make prove` runs it."""

from collections import Counter

from tests.proofs.kills import AfterKills, Aftermath


class TestAfterFiftyKills(AfterKills):
    """Fifty kills and three hundred cases at least, on each database; on PostgreSQL two processes at a time."""

    KILLS = 50
    CASES = 300

    def test_some_kills_fell_into_a_delivery(self, aftermath: Aftermath) -> None:
        """Notices were claimed again after a kill, and some were shown twice, or nothing would be proved of them."""
        assert aftermath.rows("SELECT count(*) FROM notices WHERE attempts > 1") > [(0,)]
        keys = Counter(each["key"] for each in aftermath.shown())
        assert max(keys.values()) > 1
