"""One image, looked at closely: comparison, sweep, weak spots, attacks, layers; and accuracy over a data set."""

from explorer.distortions.yardsticks import CORRUPTIONS
from explorer.probe.answers import Answer, Comparison, Comparisons
from explorer.probe.calibration import Calibration, calibration
from explorer.probe.compare import CleanPass, clean_pass, compare, pinned_pass
from explorer.probe.disagree import next_disagreement
from explorer.probe.evaluate import Evaluation, evaluate, evaluate_many
from explorer.probe.evidence import Evidence, evidence
from explorer.probe.flip import flip_point
from explorer.probe.inputs import Progress
from explorer.probe.intervals import wilson_interval
from explorer.probe.layers import Channel, LayerChannels, channels
from explorer.probe.line_search import LineSearch, line_search
from explorer.probe.measures import FeatureDistance, InputDistance
from explorer.probe.suites import SUITES, Suite, run_suite
from explorer.probe.sweep import Band, Curves, Spread, Sweep, sweep
from explorer.probe.transfer import Cell, Flag, Sanity, Transfer, attacks, transfer
from explorer.probe.weakness import Weakness, weaknesses

__all__ = [
    "CORRUPTIONS",
    "SUITES",
    "Answer",
    "Band",
    "Calibration",
    "Cell",
    "Channel",
    "CleanPass",
    "Comparison",
    "Comparisons",
    "Curves",
    "Evaluation",
    "Evidence",
    "FeatureDistance",
    "Flag",
    "InputDistance",
    "LayerChannels",
    "LineSearch",
    "Progress",
    "Sanity",
    "Spread",
    "Suite",
    "Sweep",
    "Transfer",
    "Weakness",
    "attacks",
    "calibration",
    "channels",
    "clean_pass",
    "compare",
    "evaluate",
    "evaluate_many",
    "evidence",
    "flip_point",
    "line_search",
    "next_disagreement",
    "pinned_pass",
    "run_suite",
    "sweep",
    "transfer",
    "weaknesses",
    "wilson_interval",
]
