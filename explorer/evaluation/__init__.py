"""One data set in memory: accuracy under a recipe, suites of corruptions and attacks, calibration, line search."""

from explorer.distortions.protocols import CORRUPTIONS
from explorer.evaluation.autoattack import AutoAttack, autoattack
from explorer.evaluation.calibration import Calibration, calibration
from explorer.evaluation.certified import CertifiedAccuracy, certified
from explorer.evaluation.doubts import Doubts, doubts
from explorer.evaluation.evaluate import Evaluation, Evaluations, evaluate, evaluate_many
from explorer.evaluation.everyday import Everyday, everyday
from explorer.evaluation.line_search import LineSearch, line_search
from explorer.evaluation.masking import Verdicts, masking
from explorer.evaluation.perturbations import Perturbations, perturbations
from explorer.evaluation.statistics import mcnemar, wilson_interval
from explorer.evaluation.suites import SUITES, Suite, run_suite

__all__ = [
    "CORRUPTIONS",
    "SUITES",
    "AutoAttack",
    "Calibration",
    "CertifiedAccuracy",
    "Doubts",
    "Evaluation",
    "Evaluations",
    "Everyday",
    "LineSearch",
    "Perturbations",
    "Suite",
    "Verdicts",
    "autoattack",
    "calibration",
    "certified",
    "doubts",
    "evaluate",
    "evaluate_many",
    "everyday",
    "line_search",
    "masking",
    "mcnemar",
    "perturbations",
    "run_suite",
    "wilson_interval",
]
