"""Tables of a survey as figures: bars by condition, and a heat map of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.errors import ExplorerError
from explorer.figures.charts import bars, heatmap
from explorer.figures.display import Figure
from explorer.results import short_names
from explorer.survey.query import QUADRANTS
from explorer.survey.report import Findings
from explorer.survey.view import SurveyView

if TYPE_CHECKING:
    import pandas as pd

MEASURED = ("accuracy", "instability", "distorted")
"""Shares of images, in the order in which one is looked for."""


def findings_figure(found: Findings) -> Figure:
    """Draw the accuracy of both models by distortion, mean over the amounts.

    Args:
        found: What ``explorer.survey.report.findings`` returned.

    Returns:
        The figure.
    """
    means = found.accuracy.groupby("distortion", sort=False)[["baseline", "other"]].mean()
    names = short_names([found.baseline, found.other])
    title = f"{found.plan.data}, {found.finished:,} images: mean over the amounts"
    return _shares(
        {name: means[side].to_dict() for name, side in zip(names, ("baseline", "other"), strict=True)}, title
    )


def view_figure(found: SurveyView) -> Figure:
    """Draw a table of a survey: what it measures by condition, or how many rows it has of each.

    Args:
        found: A view of a survey, or a table of its statistics.

    Returns:
        The figure.

    Raises:
        ExplorerError: If the table is empty.
    """
    frame = found.to_frame()
    if frame.empty:
        raise ExplorerError(f"The table {found.title!r} is empty, so there is nothing to draw.")
    columns = list(frame.columns)
    if columns == ["clean", "distorted", "n"]:
        return _answers(frame, found.title)
    frame = frame.assign(condition=_conditions(frame))
    if "only_baseline_fails" in columns and "both_fail" in columns:
        counts = {name.replace("_", " "): dict(zip(frame.condition, frame[name], strict=True)) for name in QUADRANTS}
        return bars(counts, "condition", "cases", found.title)
    if "baseline" in columns and "other" in columns:
        sides = {side: dict(zip(frame.condition, frame[side], strict=True)) for side in ("baseline", "other")}
        return _shares(sides, found.title)
    measured = next((name for name in MEASURED if name in columns), None)
    if measured is not None:
        groups = frame.groupby("model", sort=False)
        names = short_names([str(name) for name, _ in groups])
        values = {
            name: dict(zip(group.condition, group[measured], strict=True))
            for name, (_, group) in zip(names, groups, strict=True)
        }
        return _shares(values, found.title)
    by_model = "model" in columns and frame.model.nunique() > 1
    groups = frame.groupby("model", sort=False) if by_model else [("rows", frame)]
    names = short_names([str(name) for name, _ in groups])
    sizes = frame.get("n", 1)
    counted = {
        name: {
            str(key): float(size)
            for key, size in group.assign(n=sizes).groupby("condition", sort=False).n.sum().items()
        }
        for name, (_, group) in zip(names, groups, strict=True)
    }
    return bars(counted, "condition" if "distortion" in columns else "answer", "rows", found.title)


def _conditions(frame: pd.DataFrame) -> Any:
    """What the rows are grouped by: distortion and amount, or the change of the answer."""
    if "distortion" not in frame:
        same = frame.clean_prediction == frame.prediction if "prediction" in frame else frame.index >= 0
        return same.map({True: "unchanged", False: "changed"}) if "prediction" in frame else ["all"] * len(frame)
    if "amount" not in frame:
        return frame.distortion.astype(str)
    amounts = frame.amount.map(lambda amount: "" if amount != amount else f" {amount:.3g}")  # noqa: PLR0124  # NaN
    return frame.distortion.astype(str) + amounts.astype(str)


def _answers(frame: pd.DataFrame, title: str) -> Figure:
    table = frame.pivot_table("n", "clean", "distorted", sort=False)
    names = [str(name) for name in table.index]
    return heatmap(
        table.to_numpy(), names, [str(name) for name in table.columns], "answer to the distorted picture",
        "answer to the clean picture", "cases", title,
    )  # fmt: skip


def _shares(values: dict[str, dict[Any, float]], title: str) -> Figure:
    percents = {
        name: {str(key): 100 * share for key, share in shares.items() if share == share}  # noqa: PLR0124  # NaN
        for name, shares in values.items()
    }
    figure = bars(percents, "condition", "share of images (%)", title)
    figure.update_yaxes(range=[0, 101])
    return figure
