"""Stabilize a network of one's own on pictures of one's own, without labels: train, choose, report, save."""

from explorer.stabilizing.report import StabilizationReport
from explorer.stabilizing.run import Live, Stabilized, stabilize

__all__ = ["Live", "StabilizationReport", "Stabilized", "stabilize"]
