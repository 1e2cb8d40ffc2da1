"""The suites' results as tables for the terminal: a column per model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.cli.tables import framed

if TYPE_CHECKING:
    from rich.table import Table

    from explorer.probe import Suite
    from explorer.probe.intervals import Interval


def suite_table(suite: Suite) -> Table:
    """Accuracy per distortion, its mean over the severities; then the mean, and the worst of the attacks by size."""
    summaries = suite.summaries
    attacked = summaries[0].zero_gradients is not None
    rows = [["clean", *(percent(s.clean) for s in summaries)]]
    rows += [[name, *(percent(s.by_distortion[name]) for s in summaries)] for name in summaries[0].by_distortion]
    rows.append(["mean", *(percent(s.mean) for s in summaries)])
    rows.append(["95 % interval", *(span(s.interval) for s in summaries)])
    for i, worst in enumerate(summaries[0].worst):
        rows.append([f"worst at ε = {size(worst.amount)}", *(percent(s.worst[i].accuracy) for s in summaries)])
        rows.append(["95 % interval", *(span(s.worst[i].interval) for s in summaries)])
    if attacked:
        rows.append(["gradient exactly zero", *(percent(s.zero_gradients or 0) for s in summaries)])
    table = framed(["distortion", *(s.model for s in summaries)], rows, left=1)
    over = "mean of the severities 1 to 5"
    if attacked:
        over = f"mean over ε = {', '.join(size(worst.amount) for worst in summaries[0].worst)}"
    table.caption = f"accuracy in %, {over}; n = {suite.n:,}; interval of the mean: bootstrap over images"
    if attacked:
        table.caption += "; worst: right clean and under every attack of that size, Wilson interval"
    return table


def percent(share: float) -> str:
    """A share of 1 in per cent."""
    return f"{100 * share:.1f}"


def span(interval: Interval) -> str:
    """An interval of shares in per cent."""
    return f"{percent(interval[0])} to {percent(interval[1])}"


def size(amount: float) -> str:
    """The size of an attack as it is published: "8/255", "0.3"."""
    return f"{amount:g}" if round(amount, 3) == amount else f"{255 * amount:.4g}/255"
