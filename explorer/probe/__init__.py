"""One image, looked at closely: comparison, sweep, flip point, distances; and accuracy over a data set."""

from explorer.probe.compare import Answer, CleanPass, Comparison, clean_pass, compare
from explorer.probe.disagree import next_disagreement
from explorer.probe.evaluate import Evaluation, evaluate, evaluate_many, wilson_interval
from explorer.probe.flip import flip_point
from explorer.probe.inputs import Progress
from explorer.probe.measures import FeatureDistance, InputDistance
from explorer.probe.sweep import Band, Curves, Spread, Sweep, sweep
from explorer.probe.weakness import Weakness, weaknesses

__all__ = [
    "Answer",
    "Band",
    "CleanPass",
    "Comparison",
    "Curves",
    "Evaluation",
    "FeatureDistance",
    "InputDistance",
    "Progress",
    "Spread",
    "Sweep",
    "Weakness",
    "clean_pass",
    "compare",
    "evaluate",
    "evaluate_many",
    "flip_point",
    "next_disagreement",
    "sweep",
    "weaknesses",
    "wilson_interval",
]
