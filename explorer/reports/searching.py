"""The sheets of searches: pairs, triplets, duplicates and the nearest pictures."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.evaluation.statistics import Interval
from explorer.experiments.tables import table
from explorer.reports.tables import Sheet, Table
from explorer.results import percent
from explorer.search import PRECISIONS, Copies, Duplicates, PairStudy, PrecisionRecall, Relatives, TripletResult
from explorer.search.study import HEADLINE

MOST_GROUPS = 200
"""Groups of duplicates in a table; files hold all."""


def markdown(found: PairStudy, command: str, pictures: Sequence[str] = ()) -> str:
    """A study of pairs as a page in Markdown.

    Args:
        found: The study.
        command: The command that measures it again.
        pictures: The files of its figures, beside the page.

    Returns:
        The page.
    """
    told = pairs_sheet(found)
    parts = [f"# {told.heading}", f"`{command}`"]
    for one in told.tables:
        parts += [f"{one.caption}.", table(one.head, one.rows, one.left)]
    parts += [f"![{name}]({name})" for name in pictures]
    return "\n\n".join([*parts, *told.notes]) + "\n"


def pairs_sheet(found: PairStudy) -> Sheet:
    """The tables of a study of pairs.

    Args:
        found: The study.

    Returns:
        Recalls with intervals, differences and areas; then which wrong pairs come first.
    """
    head = ["copies", "model", *(f"recall at {one:.1%}" for one in PRECISIONS), f"difference at {PRECISIONS[0]:.1%}"]
    head += ["average precision", "ROC area", "threshold"]
    rows, wrong = [], []
    for row in found.rows:
        curve, gap = row.copies.curve, None if row.differences is None else row.differences[HEADLINE]
        recalls = [row.estimates[f"recall_at_{one:g}"] for one in PRECISIONS]
        rows.append(
            [
                row.distortion,
                row.model,
                *(f"{percent(one.value)} {_range(one.interval)}" for one in recalls),
                "" if gap is None else f"{100 * gap.value:+.1f} {_range(gap.interval)}",
                f"{row.estimates['average_precision'].value:.4f}",
                f"{curve.roc_area:.4f}",
                _threshold(curve.threshold_at(PRECISIONS[0])),
            ]
        )
        false = row.copies.false
        for i, j, away in list(zip(false.original, false.copy, false.distance, strict=True))[:2]:
            names = row.copies.originals.names
            wrong.append([row.distortion, row.model, names[i], names[j], f"{away:.4g}"])
    words = found.rows[0].copies.curve.prior_words
    tables = [
        Table(head, rows, left=2, caption=f"Recall at a precision (95 %), in points of it; {words}"),
        Table(["copies", "model", "picture", "nearest copy of another", "distance"], wrong, left=4,
              caption="The nearest wrong pairs: duplicates that are there already, or false friends"),
    ]  # fmt: skip
    return Sheet(tables, found.heading, found.notes)


def curve_sheet(found: Copies | PrecisionRecall) -> Sheet:
    """The table of one curve.

    Args:
        found: The curve, or the pairs with theirs.

    Returns:
        Recall and threshold at each precision, then the areas.
    """
    curve = found.curve if isinstance(found, Copies) else found
    rows = [[f"{one:.1%}", percent(curve.recall_at(one)), _threshold(curve.threshold_at(one))] for one in PRECISIONS]
    areas = f"Average precision {curve.average_precision:.4f}, ROC area {curve.roc_area:.4f}."
    return Sheet([Table(["precision", "recall", "threshold"], rows)], curve.heading, [areas])


def triplets_sheet(found: TripletResult) -> Sheet:
    """The table of triplets.

    Args:
        found: The result.

    Returns:
        Shares and scores with intervals.
    """
    head = ["pictures", "model", "ordered", f"score@{found.k}", "difference"]
    rows = [
        [
            row.distortion,
            row.model,
            f"{percent(row.ordered)} {_range(row.interval)}",
            f"{row.score:+,} ({row.score_interval[0]:+,.0f} to {row.score_interval[1]:+,.0f})",
            ""
            if row.difference is None or row.difference_interval is None
            else f"{row.difference:+,} ({row.difference_interval[0]:+,.0f} to {row.difference_interval[1]:+,.0f})",
        ]
        for row in found.rows
    ]
    first = found.rows[0]
    caption = f"{first.n:,} triplets of {first.queries:,} queries, intervals (95 %) by query"
    return Sheet([Table(head, rows, left=2, caption=caption)], found.data, found.notes)


def duplicates_sheet(found: Duplicates) -> Sheet:
    """The table of duplicates.

    Args:
        found: The groups.

    Returns:
        A row for each picture of a group.
    """
    rows = [
        [str(i), "keep" if one.keep else "", one.name, f"{one.width} x {one.height}", f"{one.file_bytes:,}",
         f"{one.sharpness:.3g}", f"{one.distance:.4g}"]
        for i, group in enumerate(found.groups[:MOST_GROUPS], 1)
        for one in group
    ]  # fmt: skip
    left = len(found.groups) - MOST_GROUPS
    more = [f"{left:,} more groups are in the file of --out."] if left > 0 else []
    head = ["group", "suggestion", "picture", "px", "bytes", "sharpness", "distance"]
    return Sheet([Table(head, rows, left=3)] if rows else [], str(found), (*found.notes, *more))


def relatives_sheet(found: Relatives) -> Sheet:
    """The table of nearest pictures.

    Args:
        found: The pictures.

    Returns:
        A row for each.
    """
    rows = [
        [one.name, str(one.rank), "" if one.before is None else str(one.before), f"{one.distance:.4g}"]
        for one in found.rows
    ]
    heading = str(found).partition("\n")[0]
    return Sheet([Table(["picture", "rank", "rank before", "distance"], rows)], heading, found.notes)


def _threshold(at: float | None) -> str:
    return "none" if at is None else f"{at:.4g}"


def _range(interval: Interval) -> str:
    low, high = interval
    return f"({100 * low:.1f} to {100 * high:.1f})"
