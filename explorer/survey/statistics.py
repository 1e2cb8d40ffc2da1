"""Statistics of a survey: accuracy with intervals, the paired difference of two models and its exact test.

Everything here is paired: both models saw the same pixels, or each an attack crafted on itself, so that their
disagreements count. Images are the random sample; distortions and seeds are fixed. All seeds and versions of an image
are therefore one cluster (``evaluation.statistics``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ExplorerError
from explorer.evaluation.statistics import Interval, Paired, compare_paired, holm, wilson_interval
from explorer.survey.query import COMPUTED, Survey

if TYPE_CHECKING:
    import pandas as pd

    from explorer.survey.frame import View

CLEAN = "clean"
"""Stands for the distortion of undistorted pictures."""


def accuracy(survey: Survey, pair: Sequence[str] | None = None, *, patterns: pd.DataFrame | None = None) -> View:
    """Accuracy of two models by amount, with intervals, the paired difference and its test.

    Args:
        survey: The survey.
        pair: (baseline, other); the first two models by default.
        patterns: What ``paired`` returned, if it was computed already.

    Returns:
        One row per distortion and amount, the undistorted images first: ``n`` cases of ``images`` images, ``baseline``
        and ``other`` (share of correct answers; of unchanged ones if no class is known) with ``_low`` and ``_high``,
        ``difference`` (other minus baseline) with ``_low`` and ``_high``, ``only_baseline_fails`` and
        ``only_other_fails`` (cases), ``p`` of the exact test with the image as the unit, ``p_holm`` (adjusted for all
        rows with a test), ``verdict`` ("better" or "worse" where interval and test agree on the other model, else
        "") and ``crafted_on``, the model that an attack was crafted on ("each" where each was attacked on itself, ""
        for what is no attack). An attack that was crafted on one of the two only has no p and no verdict: it was
        transferred to the other.
    """
    import pandas as pd

    from explorer.survey.frame import View

    table = paired(survey, pair) if patterns is None else patterns
    ordered = pd.DataFrame(survey.mildness(), columns=["distortion", "amount", "mild"])
    rows = [
        _compare(group) | _crafted(survey, pair, str(group.distortion.iloc[0]))
        for _, group in table.groupby(["distortion", "amount"], sort=False, dropna=False)
    ]
    found = pd.DataFrame(rows)
    found = found.merge(ordered, "left", on=["distortion", "amount"]).fillna({"mild": -1})
    names = [CLEAN, *dict.fromkeys(condition.distortion for condition in survey.plan.conditions)]
    found["position"] = found.distortion.map(names.index)
    found = found.sort_values(["position", "mild"]).drop(columns=["position", "mild"]).reset_index(drop=True)
    found.insert(found.columns.get_loc("p") + 1, "p_holm", holm(found.p.tolist()))
    return View.of(found, "accuracy of two models")


def _differences(survey: Survey, pair: Sequence[str]) -> pd.DataFrame:
    """The view "differences": the columns of ``accuracy`` for which a terminal has room."""
    return accuracy(survey, pair).drop(columns=["images", "baseline_low", "baseline_high", "other_low", "other_high"])


COMPUTED["differences"] = _differences


def extremes(survey: Survey, baseline: str | None = None) -> View:
    """Find the conditions under which each model gains and loses most against the baseline.

    Args:
        survey: The survey.
        baseline: Name of the baseline; by default the survey's first model.

    Returns:
        Up to two rows per other model, ``what`` being "gain" or "loss": the condition with the largest ``difference``
        in that direction among those in which interval and exact test agree, with the columns of ``accuracy``. A model
        that nowhere gains, or nowhere loses, has no such row.
    """
    import pandas as pd

    from explorer.survey.frame import View

    baseline = baseline or survey.plan.models[0]
    columns = ["distortion", "amount", "n", "baseline", "other"]
    columns += ["difference", "difference_low", "difference_high", "p", "p_holm"]
    found = []
    for name in survey.plan.models:
        rows = accuracy(survey, (baseline, name)) if name != baseline else pd.DataFrame()
        for what, word in (("gain", "better"), ("loss", "worse")) if len(rows) else ():
            sure = rows[rows.verdict == word]
            if len(sure):
                most = sure.loc[sure.difference.abs().idxmax()]
                found.append({"model": name, "what": what} | {column: most[column] for column in columns})
    return View.of(pd.DataFrame(found, columns=["model", "what", *columns]), "largest gains and losses")


COMPUTED["extremes"] = lambda survey, pair: extremes(survey, pair[0])


def _crafted(survey: Survey, pair: Sequence[str] | None, distortion: str) -> dict[str, object]:
    """On which model the attack of one row was crafted; where it is one of the two, there is no p."""
    from explorer.distortions import DISTORTIONS

    if distortion not in DISTORTIONS or not DISTORTIONS[distortion].adversarial:
        return {"crafted_on": ""}
    against = survey.plan.against
    if against is None:
        return {"crafted_on": "each"}
    found: dict[str, object] = {"crafted_on": against}
    return found | {"p": float("nan"), "verdict": ""} if against in survey.pair(*(pair or (None, None))) else found


def paired(survey: Survey, pair: Sequence[str] | None = None) -> pd.DataFrame:
    """Count to how many images the same happened.

    Args:
        survey: The survey.
        pair: Names of the baseline and the other model; by default the first two.

    Returns:
        One row per ``distortion`` ("clean" too), ``amount`` (NaN for clean), number of ``seeds`` of an image, and
        number of those under which only the baseline failed (``a_only``), only the other (``b_only``) and both
        (``joint``); ``images`` counts the images. Millions of rows become a few hundred.
    """
    with survey.connect() as connection:
        return connection.execute(_PAIRED, list(survey.pair(*(pair or (None, None))))).df()


_PAIRED = """
WITH a AS (SELECT "case", image, distortion, amount, fails(correct, flipped) AS f,
    fails(clean_correct, false) AS c FROM rows WHERE model = ?),
  b AS (SELECT "case", fails(correct, flipped) AS f, fails(clean_correct, false) AS c FROM rows WHERE model = ?),
  both_models AS (SELECT a.image, a.distortion, a.amount, a.f AS fa, b.f AS fb, a.c AS ca, b.c AS cb
    FROM a JOIN b USING ("case")),
  cases AS (
    SELECT image, distortion, amount, count(*) AS seeds, count(*) FILTER (fa AND NOT fb) AS a_only,
      count(*) FILTER (fb AND NOT fa) AS b_only, count(*) FILTER (fa AND fb) AS joint
    FROM both_models GROUP BY ALL
    UNION ALL
    SELECT image, 'clean', NULL, 1, any_value((ca AND NOT cb)::BIGINT), any_value((cb AND NOT ca)::BIGINT),
      any_value((ca AND cb)::BIGINT)
    FROM both_models GROUP BY image)
SELECT distortion, coalesce(amount, 'nan'::DOUBLE) AS amount, seeds, a_only, b_only, joint, count(*) AS images
FROM cases GROUP BY ALL ORDER BY ALL
"""


def _compare(group: pd.DataFrame) -> dict[str, object]:
    """One row of ``accuracy`` from the patterns of one condition."""
    found = _paired(group)
    return {
        "distortion": group.distortion.iloc[0],
        "amount": float(group.amount.iloc[0]),
        "n": found.n,
        "images": found.images,
        **_spread("baseline", found.first, found.first_interval),
        **_spread("other", found.second, found.second_interval),
        **_spread("difference", found.difference, found.interval),
        "only_baseline_fails": found.gained,
        "only_other_fails": found.lost,
        "p": found.p,
        "verdict": ("worse", "", "better")[found.sign + 1],
    }


def _paired(group: pd.DataFrame) -> Paired:
    """Compare the two models of ``paired``'s rows."""
    seeds, a_only, b_only, joint, images = (
        group[name].to_numpy(np.int64) for name in ("seeds", "a_only", "b_only", "joint", "images")
    )
    return compare_paired(a_only, b_only, seeds - a_only - b_only - joint, seeds, images)


def _spread(name: str, value: float, interval: Interval) -> dict[str, float]:
    """A number and its interval as columns."""
    return {name: value, f"{name}_low": interval[0], f"{name}_high": interval[1]}


def confusion(survey: Survey, model: str, *, distortion: str | None = None, amount: float | None = None) -> View:
    """Count how a model's answers moved.

    Args:
        survey: The survey.
        model: Name of the model.
        distortion: Only cases of this distortion.
        amount: Only cases of this amount.

    Returns:
        Square table in the order of the survey's classes: rows are clean answers, columns answers to distorted images.

    Raises:
        ExplorerError: If the survey has no such model.
    """
    import pandas as pd

    from explorer.survey.frame import View

    if model not in survey.plan.models:
        raise ExplorerError(f"The survey has no model named {model!r}; it has {', '.join(survey.plan.models)}.")
    counted = survey.sql(
        "SELECT clean_prediction AS a, prediction AS b, count(*) AS n FROM rows WHERE model = $1 "
        "AND ($2 IS NULL OR distortion = $2) AND ($3 IS NULL OR amount = $3) GROUP BY ALL",
        [model, distortion, amount],
    )
    classes = list(survey.plan.classes)
    cells = np.zeros((len(classes), len(classes)), np.int64)
    cells[counted.a.to_numpy(int), counted.b.to_numpy(int)] = counted.n
    names = {"index": pd.Index(classes, name="clean"), "columns": pd.Index(classes, name="distorted")}
    return View.of(pd.DataFrame(cells, **names), f"answers of {model}")


def instability(survey: Survey, pair: Sequence[str] | None = None) -> View:
    """Instability of two models per distortion: the share of images that a model gets right under some conditions
    and wrong under others.

    Cidon et al., "Characterizing and Taming Model Instability Across Edge Devices" (MLSys 2021). The undistorted image
    is one of the conditions; images of unknown class are left out.

    Args:
        survey: The survey.
        pair: (baseline, other); the first two models by default.

    Returns:
        Columns as in ``accuracy``; a ``difference`` below 0 is a gain.
    """
    import pandas as pd

    from explorer.survey.frame import View

    baseline, other = survey.pair(*(pair or (None, None)))
    with survey.connect() as connection:
        table = connection.execute(_UNSTABLE, [baseline, other, baseline, other]).df()
    rows = []
    for distortion, group in table.groupby("distortion", sort=False):
        a, b = group.a.to_numpy(bool), group.b.to_numpy(bool)
        found = compare_paired(b & ~a, a & ~b, a & b, counts=group.images.to_numpy(np.int64))
        rows.append(
            {
                "distortion": distortion,
                "images": found.images,
                **_spread("baseline", found.first, found.first_interval),
                **_spread("other", found.second, found.second_interval),
                **_spread("difference", found.difference, found.interval),
            }
        )
    return View.of(pd.DataFrame(rows), "instability of two models")


_UNSTABLE = """
WITH own AS (
  SELECT image, model, distortion, (bool_or(correct) OR bool_or(clean_correct))
    AND (bool_or(NOT correct) OR bool_or(NOT clean_correct)) AS unstable
  FROM rows WHERE correct IS NOT NULL AND model IN (?, ?) GROUP BY ALL)
SELECT distortion, a, b, count(*) AS images FROM (
  SELECT image, distortion, bool_or(unstable) FILTER (model = ?) AS a, bool_or(unstable) FILTER (model = ?) AS b
  FROM own GROUP BY ALL) GROUP BY ALL ORDER BY ALL
"""


def standing(survey: Survey, baseline: str | None = None) -> View:
    """Compare every model with the baseline over all conditions together.

    Args:
        survey: The survey.
        baseline: Name of the baseline; by default the survey's first model.

    Returns:
        One row per model: ``clean`` and ``distorted`` accuracy with ``_low`` and ``_high``; ``gained`` and ``lost``,
        the cases that only the baseline fails and that only this model fails; ``difference`` (this minus baseline) with
        ``_low`` and ``_high``.

    Raises:
        ExplorerError: If the survey has no model of that name.
    """
    import pandas as pd

    from explorer.survey.frame import View

    models = survey.plan.models
    baseline = baseline or models[0]
    if baseline not in models:
        raise ExplorerError(f"The survey has no model named {baseline!r}; it has {', '.join(models)}.")
    with survey.connect() as connection:
        tables = {name: connection.execute(_STANDING, [baseline, name]).df() for name in models}
    rows = []
    for name, table in tables.items():
        found, images = _paired(table), table.images.to_numpy(np.int64)
        right = int(images @ table.clean)
        rows.append(
            {
                "model": name,
                "n": found.n,
                "gained": found.gained,
                "lost": found.lost,
                **_spread("clean", right / found.images, wilson_interval(right, found.images)),
                **_spread("distorted", found.second, found.second_interval),
                **_spread("difference", found.difference, found.interval),
            }
        )
    return View.of(pd.DataFrame(rows), "accuracy of all models")


_STANDING = """
WITH a AS (SELECT "case", image, fails(correct, flipped) AS f FROM rows WHERE model = ?),
  b AS (SELECT "case", fails(correct, flipped) AS f, fails(clean_correct, false) AS c FROM rows WHERE model = ?)
SELECT seeds, clean, a_only, b_only, joint, count(*) AS images FROM (
  SELECT count(*) AS seeds, (NOT bool_or(c))::INT AS clean, count(*) FILTER (a.f AND NOT b.f) AS a_only,
    count(*) FILTER (b.f AND NOT a.f) AS b_only, count(*) FILTER (a.f AND b.f) AS joint
  FROM a JOIN b USING ("case") GROUP BY image) GROUP BY ALL ORDER BY ALL
"""
