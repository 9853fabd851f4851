"""What the tests of this folder may use."""

from __future__ import annotations

import pytest

from tests.office import Office

pytest.register_assert_rewrite("tests.unit.desk_machine")


@pytest.fixture
def office() -> Office:
    """A fresh office."""
    return Office()
