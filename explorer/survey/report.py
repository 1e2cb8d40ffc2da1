"""The content of a survey's report as plain data: numbers, the most telling cases, and how to reproduce them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.data.datasets import DATASETS, Dataset
from explorer.distortions import find_distortion
from explorer.errors import ExplorerError
from explorer.results import Result, plain_records
from explorer.survey import statistics
from explorer.survey.annotations import Annotation, read_annotations
from explorer.survey.cases import Case, models_of, open_cases
from explorer.survey.plan import Plan
from explorer.survey.query import QUADRANTS, Survey

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12
"""Cases of each quadrant."""

RULES: dict[str, tuple[str, str]] = {
    "only_baseline_fails": (
        "The two models disagree most surely: the largest difference between their margins.",
        "coalesce(other_margin_true - margin_true, confidence + other_confidence)",
    ),
    "only_other_fails": (
        "The two models disagree most surely: the largest difference between their margins.",
        "coalesce(margin_true - other_margin_true, confidence + other_confidence)",
    ),
    "both_fail": (
        "Both are most surely wrong: the smallest sum of their margins.",
        "coalesce(-margin_true - other_margin_true, confidence + other_confidence)",
    ),
    "neither_fails": (
        "Both hold, but only just: the smallest of their margins.",
        "-coalesce(least(margin_true, other_margin_true), least(confidence, other_confidence))",
    ),
}
"""How the most telling cases of a quadrant are chosen: in words, and as the score that puts the highest first."""

ONCE = (
    "Every image is shown once per group, under the condition that scores highest, and the distortions take turns, so "
    "that none fills the group alone; equal scores go by case number. "
    "The margin is the probability of the true class minus the largest other one."
)


@dataclass(frozen=True, eq=False, repr=False)
class Findings(Result):
    """The content of a report on two models of a survey.

    Attributes:
        plan: The survey's plan.
        baseline: Name of the baseline.
        other: Name of the other model.
        unread: Why images could not be read, by row.
        finished: Number of images that were surveyed.
        accuracy: One row per distortion and amount, as ``Survey.accuracy`` gives them.
        instability: Shares of images whose answer is correct under some conditions only.
        standing: Every model over all conditions together.
        extremes: Each model's largest gain and loss against the baseline.
        quadrants: Number of cases per quadrant.
        telling: The most telling cases of each quadrant.
        pictures: Cases by number; empty if they cannot be rendered.
        missing: Why they cannot, as a sentence; else "".
        cards: Cards by model; None where the model is not here.
        annotations: Annotations by case.
        command: The command that makes the same survey.
    """

    plan: Plan
    baseline: str
    other: str
    unread: dict[int, str]
    finished: int
    accuracy: pd.DataFrame
    instability: pd.DataFrame
    standing: pd.DataFrame
    extremes: pd.DataFrame
    quadrants: dict[str, int]
    telling: dict[str, pd.DataFrame]
    pictures: dict[int, Case]
    missing: str
    cards: dict[str, dict[str, Any] | None]
    annotations: dict[int, Annotation]
    command: str

    def to_dict(self) -> dict[str, Any]:
        """The findings as a JSON object.

        Returns:
            Plain values; the most telling cases of each quadrant as rows.
        """
        return {
            "data": self.plan.data,
            "baseline": self.baseline,
            "other": self.other,
            "images": self.finished,
            "unread": {str(row): why for row, why in self.unread.items()},
            "quadrants": dict(self.quadrants),
            "accuracy": plain_records(self.accuracy),
            "instability": plain_records(self.instability),
            "standing": plain_records(self.standing),
            "extremes": plain_records(self.extremes),
            "telling": {name: [int(case) for case in frame["case"]] for name, frame in self.telling.items()},
            "command": self.command,
        }

    def records(self) -> list[dict[str, Any]]:
        """The accuracies as rows of a table.

        Returns:
            One row per distortion and amount.
        """
        models = {"baseline_model": self.baseline, "other_model": self.other}
        return [{**models, **row} for row in plain_records(self.accuracy)]

    def __str__(self) -> str:
        cases = sum(self.quadrants.values())
        counts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in self.quadrants.items())
        return f"{self.baseline} and {self.other} on {self.plan.data}\n  {cases:,} cases: {counts}"


def findings(
    survey: Survey, *, baseline: str | None = None, other: str | None = None, data: Dataset | None = None
) -> Findings:
    """Collect what a report of two models says.

    Args:
        survey: The survey.
        baseline: Name of the baseline; by default the survey's first model.
        other: Name of the other model; by default the next one.
        data: The data set; found by its name by default.

    Returns:
        The findings; without pictures where they cannot be rendered.
    """
    pair = survey.pair(baseline, other)
    chosen = {name: telling(survey, name, pair) for name in QUADRANTS}
    wanted = [int(case) for frame in chosen.values() for case in frame["case"]]
    pictures, missing = dict[int, Case](), ""
    try:
        pictures = {case.case: case for case in open_cases(survey, wanted, data=data, model=pair[0])}
    except ExplorerError as error:
        missing = str(error)
    counted = survey.view("quadrants", baseline=pair[0], other=pair[1])
    return Findings(
        plan=survey.plan,
        baseline=pair[0],
        other=pair[1],
        unread=survey.unread(),
        finished=int(survey.sql("SELECT count(DISTINCT image) AS n FROM rows").n[0]),
        accuracy=statistics.accuracy(survey, pair),
        instability=statistics.instability(survey, pair),
        standing=statistics.standing(survey, pair[0]),
        extremes=statistics.extremes(survey, pair[0]),
        quadrants={name: int(counted[name].sum()) for name in QUADRANTS},
        telling=chosen,
        pictures=pictures,
        missing=missing,
        cards={name: _card(survey, name) for name in survey.plan.models},
        annotations=read_annotations(survey),
        command=command(survey.plan),
    )


def telling(survey: Survey, quadrant: str, pair: tuple[str, str], count: int = SHOWN) -> pd.DataFrame:
    """Choose the most telling cases of a quadrant.

    Args:
        survey: The survey.
        quadrant: Name of the quadrant; ``RULES`` holds the score of each.
        pair: Names of the baseline and the other model.
        count: Number of cases.

    Returns:
        One row per case, no image twice; distortions take turns.
    """
    score = RULES[quadrant][1]
    return survey.sql(
        f"WITH scored AS (SELECT *, {score} AS score FROM pairs(?, ?) WHERE quadrant = ?), "  # noqa: S608  # ours
        'best AS (SELECT *, row_number() OVER (PARTITION BY image ORDER BY score DESC, "case") AS rank FROM scored), '
        'turns AS (SELECT * EXCLUDE (rank), row_number() OVER (PARTITION BY distortion ORDER BY score DESC, "case") '
        "AS turn FROM best WHERE rank = 1) "
        'SELECT * EXCLUDE (turn) FROM turns ORDER BY turn, score DESC, "case" LIMIT ?',
        [*pair, quadrant, count],
    )


def command(plan: Plan) -> str:
    """The command that makes the same survey, given the same data, models and versions.

    Args:
        plan: The survey's plan.

    Returns:
        The command line.
    """
    groups: dict[str, dict[float, None]] = {}
    for condition in plan.conditions:
        groups.setdefault(condition.distortion, {})[condition.amount] = None
    distortions = ",".join(f"{name}={':'.join(map(_number, amounts))}" for name, amounts in groups.items())
    seeds = dict.fromkeys(
        condition.seed for condition in plan.conditions if find_distortion(condition.distortion).random
    ) or dict.fromkeys(condition.seed for condition in plan.conditions)
    words = ["explorer", "survey", "run", "--models", ",".join(plan.models), "--data"]
    words += [plan.data if plan.data in DATASETS else f"PATH/OF/{plan.data}", "--distortions", distortions]
    words += ["--seeds", ",".join(map(str, seeds)), "--limit", str(plan.rows)]
    words += ["--against", plan.against] if plan.against else []
    words += ["--precision", plan.precision] if plan.precision != "float32" else []
    words += [] if plan.quantised else ["--float"]
    words += ["--on", "photograph"] if plan.photographs else []
    return shlex.join([*words, "--out", "DIR"])


def _number(amount: float) -> str:
    return repr(float(amount)).removesuffix(".0")


def _card(survey: Survey, name: str) -> dict[str, Any] | None:
    try:
        return models_of(survey, [name])[0].card.to_dict()
    except ExplorerError:
        return None
