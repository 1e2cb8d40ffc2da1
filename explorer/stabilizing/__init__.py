"""Stabilize a network of one's own on pictures of one's own, without labels: train, choose, report, save."""

from explorer.stabilizing.cost import Cost
from explorer.stabilizing.proposal import Proposal
from explorer.stabilizing.report import StabilizationReport
from explorer.stabilizing.run import Live, Stabilized, stabilize

__all__ = ["Cost", "Live", "Proposal", "StabilizationReport", "Stabilized", "stabilize"]
