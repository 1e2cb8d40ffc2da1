"""Statistics of a survey: accuracy with intervals, the paired difference of two models, McNemar's test.

Everything here is paired: both models saw the same pixels, or each an attack crafted on itself, so that their
disagreements count. Images are the random sample; distortions and seeds are fixed. Intervals therefore resample images,
each with all of its seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import ExplorerError
from explorer.evaluation.statistics import RESAMPLES, bootstrap_intervals, mcnemar

if TYPE_CHECKING:
    import pandas as pd

    from explorer.survey.frame import View
    from explorer.survey.query import Survey

CLEAN = "clean"
"""Stands for the distortion of undistorted pictures."""


def accuracy(
    survey: Survey,
    pair: Sequence[str] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    patterns: pd.DataFrame | None = None,
) -> View:
    """Accuracy of two models by amount, with intervals and the paired difference.

    Intervals are percentile bootstraps over images (``LEVEL``). McNemar's test counts every case, so several seeds of
    one image count as several.

    Args:
        survey: The survey.
        pair: (baseline, other); the first two models by default.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.
        patterns: What ``paired`` returned, if it was computed already.

    Returns:
        One row per distortion and amount, the undistorted images first: ``n`` cases of ``images`` images, ``baseline``
        and ``other`` (share of correct answers; of unchanged ones if no class is known) with ``_low`` and ``_high``,
        ``difference`` (other minus baseline) with ``_low`` and ``_high``, ``only_baseline_fails``,
        ``only_other_fails``, ``p`` and ``exact`` of McNemar's test, and ``crafted_on``, the model that an attack was
        crafted on ("each" where each was attacked on itself, "" for what is no attack). An attack that was crafted on
        one of the two only has no p: it was transferred to the other.
    """
    import pandas as pd

    from explorer.survey.frame import View

    table = paired(survey, pair) if patterns is None else patterns
    ordered = pd.DataFrame(survey.mildness(), columns=["distortion", "amount", "mild"])
    rows = [
        _compare(group, resamples, seed) | _crafted(survey, pair, str(group.distortion.iloc[0]))
        for _, group in table.groupby(["distortion", "amount"], sort=False, dropna=False)
    ]
    found = pd.DataFrame(rows)
    found = found.merge(ordered, "left", on=["distortion", "amount"]).fillna({"mild": -1})
    names = [CLEAN, *dict.fromkeys(condition.distortion for condition in survey.plan.conditions)]
    found["position"] = found.distortion.map(names.index)
    found = found.sort_values(["position", "mild"]).drop(columns=["position", "mild"]).reset_index(drop=True)
    return View.of(found, "accuracy of two models")


def _crafted(survey: Survey, pair: Sequence[str] | None, distortion: str) -> dict[str, object]:
    """On which model the attack of one row was crafted; where it is one of the two, there is no p."""
    from explorer.distortions import DISTORTIONS

    if distortion not in DISTORTIONS or not DISTORTIONS[distortion].adversarial:
        return {"crafted_on": ""}
    against = survey.plan.against
    if against is None:
        return {"crafted_on": "each"}
    found: dict[str, object] = {"crafted_on": against}
    return found | {"p": float("nan"), "exact": False} if against in survey.pair(*(pair or (None, None))) else found


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


def _compare(group: pd.DataFrame, resamples: int, seed: int) -> dict[str, object]:
    """One row of ``accuracy`` from the patterns of one condition."""
    counts = group.images.to_numpy(np.int64)
    seeds, a_only, b_only, joint = (group[name].to_numpy(float) for name in ("seeds", "a_only", "b_only", "joint"))
    first, second = 1 - (a_only + joint) / seeds, 1 - (b_only + joint) / seeds
    columns = np.stack([first, second, second - first], 1)
    (low_a, high_a), (low_b, high_b), (low, high) = bootstrap_intervals(columns, counts, resamples=resamples, seed=seed)
    mean = counts @ columns / counts.sum()
    test = mcnemar(int(a_only @ counts), int(b_only @ counts))
    return {
        "distortion": group.distortion.iloc[0],
        "amount": float(group.amount.iloc[0]),
        "n": int(seeds @ counts),
        "images": int(counts.sum()),
        "baseline": mean[0],
        "baseline_low": low_a,
        "baseline_high": high_a,
        "other": mean[1],
        "other_low": low_b,
        "other_high": high_b,
        "difference": mean[2],
        "difference_low": low,
        "difference_high": high,
        "only_baseline_fails": test.baseline_only,
        "only_other_fails": test.other_only,
        "p": test.p,
        "exact": test.exact,
    }


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


def instability(
    survey: Survey, pair: Sequence[str] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> View:
    """Instability of two models per distortion: the share of images that a model gets right under some conditions
    and wrong under others.

    Cidon et al., "Characterizing and Taming Model Instability Across Edge Devices" (MLSys 2021). The undistorted image
    is one of the conditions; images of unknown class are left out.

    Args:
        survey: The survey.
        pair: (baseline, other); the first two models by default.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

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
        counts = group.images.to_numpy(np.int64)
        first, second = group.a.to_numpy(float), group.b.to_numpy(float)
        columns = np.stack([first, second, second - first], 1)
        found = bootstrap_intervals(columns, counts, resamples=resamples, seed=seed)
        mean = counts @ columns / counts.sum()
        row: dict[str, object] = {"distortion": distortion, "images": int(counts.sum())}
        for i, name in enumerate(("baseline", "other", "difference")):
            row |= {name: mean[i], f"{name}_low": found[i, 0], f"{name}_high": found[i, 1]}
        rows.append(row)
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


def standing(survey: Survey, baseline: str | None = None, *, resamples: int = RESAMPLES, seed: int = 0) -> View:
    """Compare every model with the baseline over all conditions together.

    Args:
        survey: The survey.
        baseline: Name of the baseline; by default the survey's first model.
        resamples: Bootstrap resamples, over images.
        seed: Seed of the resamples.

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
        counts, n = table.images.to_numpy(np.int64), table.n.to_numpy(float)
        clean, a, b = table.clean.to_numpy(float), table.a.to_numpy(float) / n, table.b.to_numpy(float) / n
        columns = np.stack([clean, b, b - a], 1)
        found = bootstrap_intervals(columns, counts, resamples=resamples, seed=seed)
        mean = counts @ columns / counts.sum()
        row: dict[str, object] = {
            "model": name,
            "n": int(counts @ n),
            "gained": int(counts @ table.gained),
            "lost": int(counts @ table.lost),
        }
        for i, column in enumerate(("clean", "distorted", "difference")):
            row |= {column: mean[i], f"{column}_low": found[i, 0], f"{column}_high": found[i, 1]}
        rows.append(row)
    return View.of(pd.DataFrame(rows), "accuracy of all models")


_STANDING = """
WITH a AS (SELECT "case", image, fails(correct, flipped) AS f FROM rows WHERE model = ?),
  b AS (SELECT "case", fails(correct, flipped) AS f, fails(clean_correct, false) AS c FROM rows WHERE model = ?)
SELECT n, clean, a, b, gained, lost, count(*) AS images FROM (
  SELECT count(*) AS n, 1 - bool_or(c)::INT AS clean, count(*) FILTER (NOT a.f) AS a, count(*) FILTER (NOT b.f) AS b,
    count(*) FILTER (a.f AND NOT b.f) AS gained, count(*) FILTER (b.f AND NOT a.f) AS lost
  FROM a JOIN b USING ("case") GROUP BY image) GROUP BY ALL ORDER BY ALL
"""
