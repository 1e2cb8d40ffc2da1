"""One image, examined closely: comparison, sweep, flip point, weak spots, transferred attacks, layers and evidence."""

from explorer.analysis.answers import Answer, Comparison, Comparisons
from explorer.analysis.certify import Certificate, Certificates, certify
from explorer.analysis.compare import CleanPass, clean_pass, compare, compare_image, pinned_pass
from explorer.analysis.disagree import next_disagreement
from explorer.analysis.evidence import Evidence, evidence
from explorer.analysis.flip import FlipPoints, flip_point
from explorer.analysis.layers import Channel, LayerChannels, channels
from explorer.analysis.measures import FeatureDistance, InputDistance
from explorer.analysis.request import ComparisonRequest, read_request
from explorer.analysis.sweep import Band, Curves, Spread, Sweep, sweep
from explorer.analysis.transfer import Cell, Flag, Sanity, Transfer, attacks, transfer
from explorer.analysis.weakness import Weakness, Weaknesses, weaknesses

__all__ = [
    "Answer",
    "Band",
    "Cell",
    "Certificate",
    "Certificates",
    "Channel",
    "CleanPass",
    "Comparison",
    "ComparisonRequest",
    "Comparisons",
    "Curves",
    "Evidence",
    "FeatureDistance",
    "Flag",
    "FlipPoints",
    "InputDistance",
    "LayerChannels",
    "Sanity",
    "Spread",
    "Sweep",
    "Transfer",
    "Weakness",
    "Weaknesses",
    "attacks",
    "certify",
    "channels",
    "clean_pass",
    "compare",
    "compare_image",
    "evidence",
    "flip_point",
    "next_disagreement",
    "pinned_pass",
    "read_request",
    "sweep",
    "transfer",
    "weaknesses",
]
