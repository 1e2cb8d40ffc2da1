"""Remedies around any model, without training. Each is one decorated function in one file of this package."""

from __future__ import annotations

from explorer.models.remedies import smoothing  # noqa: F401  # isort: skip
from explorer.models.remedies import average  # noqa: F401  # isort: skip
from explorer.models.remedies import crops  # noqa: F401  # isort: skip
from explorer.models.remedies import jpeg  # noqa: F401  # isort: skip
from explorer.models.remedies import bits  # noqa: F401  # isort: skip
from explorer.models.remedies import median  # noqa: F401  # isort: skip
from explorer.models.remedies import squeezing  # noqa: F401  # isort: skip
from explorer.models.remedies.around import Around, RemediedClassifier, canonical, put_around
from explorer.models.remedies.registry import REMEDIES, Remedy, remedy

__all__ = ["REMEDIES", "Around", "RemediedClassifier", "Remedy", "canonical", "put_around", "remedy"]
