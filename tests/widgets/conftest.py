"""A widget on a digit."""

from __future__ import annotations

import pytest

from explorer.widgets import Explorer
from tests.support.questions import DIGITS, SEVEN


@pytest.fixture
def w() -> Explorer:
    return Explorer(SEVEN, DIGITS, "gaussian_noise=0.2;seed=7")
