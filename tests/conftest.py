"""What every suite may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for all tests."""
    server = Postgres()
    yield server
    server.close()
