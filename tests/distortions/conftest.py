"""What the tests of distortions share."""

from __future__ import annotations

import pytest
from torch import Tensor

from explorer.data.images import fit, sample_images


@pytest.fixture(scope="module")
def cat() -> Tensor:
    """The sample at 32 px, ``(1, 3, 32, 32)``."""
    return fit(sample_images()["cat"](), 32, 3)
