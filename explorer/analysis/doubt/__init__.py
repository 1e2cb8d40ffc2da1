"""Scores of doubt, each a decorated function, and the attack that knows of them."""

from __future__ import annotations

from explorer.analysis.doubt import answers  # noqa: F401  # isort: skip
from explorer.analysis.doubt import jpeg  # noqa: F401  # isort: skip
from explorer.analysis.doubt import squeezing  # noqa: F401  # isort: skip
from explorer.analysis.doubt import flips  # noqa: F401  # isort: skip
from explorer.analysis.doubt.evading import evade
from explorer.analysis.doubt.judging import Judged, Threshold
from explorer.analysis.doubt.registry import CONTROL, DOUBTS, Doubt, doubt, scores

__all__ = ["CONTROL", "DOUBTS", "Doubt", "Judged", "Threshold", "doubt", "evade", "scores"]
