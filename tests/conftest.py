"""What every suite may use."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.databases import Postgres

settings.register_profile("charter", deadline=None)
settings.load_profile("charter")
"""What an example takes says nothing on a machine that four workers share."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for all tests."""
    server = Postgres()
    yield server
    server.close()


LONGEST = (
    "leaks/test_surface_leaks.py",
    "unit/test_desk_model.py",
    "teams/test_leaks.py",
    "integration/test_running.py",
    "teams/test_pictures.py",
    "browser/test_every_report.py",
    "leaks/test_notice_leaks.py",
    "integration/test_crash.py",
    "integration/test_outages.py",
    "browser/test_main_job.py",
    "unit/test_render_teams.py",
    "unit/test_form_walks.py",
    "teams/test_playground.py",
    "content/test_figures.py",
)
"""Files that take long go first, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the rest stays in order."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """Four thousand tests stay until the end: nobody need look through them for garbage again and again."""
    gc.collect()
    gc.freeze()
