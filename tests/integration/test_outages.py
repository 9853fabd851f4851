"""The database goes away for two seconds, the platform for ten minutes: the short proof."""

from tests.proofs.outages import AfterOutages


class TestAfterAShortOutage(AfterOutages):
    """Two seconds: a writer of SQLite's may simply have waited."""

    SECONDS = 2
