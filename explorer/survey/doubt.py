"""Doubt over the rows of a survey: how well what each answer says of itself tells the wrong ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.analysis.doubt import CONTROL
from explorer.distortions import find_distortion
from explorer.errors import ExplorerError
from explorer.evaluation.doubts import QUESTIONS, Doubts, Told, risk_curve, tell
from explorer.survey.query import Survey

if TYPE_CHECKING:
    import pandas as pd

_SCORES = {CONTROL: "confidence * (1 - confidence)", "margin": "1 - margin"}
"""The scores that the columns of a row give; others ask a network anew (``evaluation.doubts``)."""


def survey_doubts(survey: Survey, distortion: str | None = None) -> Doubts:
    """Measure how well scores of doubt tell failures from other answers, over the rows of a survey.

    Wrong answers against right ones; where no class is known, changed answers against unchanged ones. Changed answers
    to pictures that were crafted on the model itself against its answers to clean ones. Each beside the control
    p (1 - p). Rows of one image are not independent: intervals count images, not rows.

    Args:
        survey: The survey.
        distortion: Only the rows of this one; all by default.

    Returns:
        One row per model, question and score.

    Raises:
        ExplorerError: If the survey has no such distortion, or no finished rows.

    Examples:
        >>> from explorer.survey import Survey, shipped
        >>> found = survey_doubts(Survey(shipped()[0]), "gaussian_noise")
        >>> sorted({one.score for one in found.rows})
        ['control', 'margin']
    """
    plan = survey.plan
    known = list(dict.fromkeys(condition.distortion for condition in plan.conditions))
    if distortion is not None and distortion not in known:
        raise ExplorerError(f"This survey has no rows of {distortion!r}; there are {', '.join(known)}.")
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in _SCORES.items())
    rows, notes = list[Told](), list[str]()
    for model in plan.models:
        where = "model = ?" + (" AND distortion = ?" if distortion else "")
        table = survey.sql(
            f"SELECT image, distortion, fails(correct, flipped) AS failed, flipped, {chosen}, "  # noqa: S608  # ours
            f"clean_confidence * (1 - clean_confidence) AS clean FROM rows WHERE {where}",
            [model, *([distortion] if distortion else [])],
        )
        if table.empty:
            raise ExplorerError(f"No rows of {model} are finished yet.")
        for score in _SCORES:
            found = _of(table[table.failed], table[~table.failed], model, score, "wrong", score)
            if isinstance(found, Told):
                order = table[score].to_numpy(np.float64)
                rows.append(replace(found, risk=risk_curve(order, table.failed.to_numpy(bool))))
            else:
                notes.append(found)
        attacks = [name for name in known if find_distortion(name).adversarial and plan.against in (None, model)]
        crafted = table[table.distortion.isin(attacks)]
        if len(crafted):
            clean = crafted.drop_duplicates("image")
            found = _of(crafted[crafted.flipped], clean, model, CONTROL, "attacked", "clean")
            rows += [found] if isinstance(found, Told) else []
            notes += [] if isinstance(found, Told) else [found]
    rows.sort(key=lambda one: plan.models.index(one.model))
    seed = min((condition.seed for condition in plan.conditions if condition.seed is not None), default=0)
    return Doubts(plan.data, plan.rows, seed, 0.0, "", tuple(rows), tuple(dict.fromkeys(notes)))


def _of(
    doubtful: pd.DataFrame, others: pd.DataFrame, model: str, score: str, question: str, column: str
) -> Told | str:  # fmt: skip
    """The area with its curve; a sentence where one side is empty."""
    if not len(doubtful) or not len(others):
        return f"{model}: there are no {QUESTIONS[question]}."
    values = doubtful[score].to_numpy(np.float64), others[column].to_numpy(np.float64)
    return tell(model, score, question, *values, units=(doubtful.image.nunique(), others.image.nunique()))
