"""The suites' results as tables: a column per model."""

from __future__ import annotations

from collections.abc import Iterable

from explorer.evaluation import AutoAttack, Calibration, CertifiedAccuracy, Everyday, LineSearch, Perturbations, Suite
from explorer.evaluation.line_search import Search
from explorer.evaluation.results import attack_size
from explorer.evaluation.statistics import Interval
from explorer.reports.tables import Sheet, Table


def suite_sheet(found: Suite) -> Sheet:
    """The accuracies under a suite.

    Args:
        found: The result of the suite.

    Returns:
        Its table with heading and notes.
    """
    return Sheet([suite_table(found)], found.heading, found.warnings)


def calibration_sheet(found: Calibration) -> Sheet:
    """Calibration errors, and the reliability of each model on clean images.

    Args:
        found: The result of the suite ``calibration``.

    Returns:
        Its tables with heading and notes.
    """
    return Sheet([calibration_table(found), *reliability_tables(found)], found.heading, found.warnings)


def line_search_sheet(found: LineSearch) -> Sheet:
    """The measurements of a line search.

    Args:
        found: The result of the suite ``line-search``.

    Returns:
        A table per model with heading and notes.
    """
    return Sheet(line_search_tables(found), found.heading, [STEPS, *found.warnings])


def autoattack_sheet(found: AutoAttack) -> Sheet:
    """The accuracies under AutoAttack.

    Args:
        found: The result of the suite ``autoattack``.

    Returns:
        Its table with heading.
    """
    rows = [
        [one.model, _with(100 * one.clean, one.clean_interval, 100), _with(100 * one.accuracy, one.interval, 100)]
        for one in found.summaries
    ]
    size = attack_size(found.amount)
    caption = f"accuracy in %, n = {found.n:,}; 95 % Wilson intervals; each model is attacked on itself"
    return Sheet(
        [Table(["model", "clean", f"AutoAttack, ε = {size}"], rows, 1, caption)], found.heading, found.warnings
    )


def everyday_sheet(found: Everyday) -> Sheet:
    """The table of Zheng et al.

    Args:
        found: The result of the suite ``zheng``.

    Returns:
        Its table with heading: top-1 and top-5 of each model, and its paired difference to the first.
    """
    rows = [
        [
            row.condition,
            row.model,
            _with(100 * row.accuracy, row.interval, 100),
            _with(100 * row.top5, row.top5_interval, 100),
            "" if row.difference_interval is None else _gap(row.difference or 0.0, row.difference_interval),
            f"{100 * row.instability:.1f}",
        ]
        for row in sorted(found.rows, key=lambda row: [one.condition for one in found.rows].index(row.condition))
    ]
    caption = f"in %, n = {found.n:,}; 95 % intervals; difference in top-1 to the first model, paired"
    header = ["photograph", "model", "top-1", "top-5", "difference", "instability"]
    return Sheet([Table(header, rows, 2, caption)], found.heading, found.warnings)


def certified_sheet(found: CertifiedAccuracy) -> Sheet:
    """What smoothing guarantees.

    Args:
        found: The result of the suite ``certified``.

    Returns:
        A row per model: average certified radius, share of abstentions, and certified accuracy by radius.
    """
    radii = list(dict.fromkeys(at.radius for one in found.summaries for at in one.curve))
    rows = []
    for one in found.summaries:
        held = {at.radius: _with(100 * at.accuracy, at.interval, 100) for at in one.curve}
        mean = f"{one.mean_radius:.3f} ({one.interval[0]:.3f} to {one.interval[1]:.3f})"
        silent = _with(100 * one.abstained, one.abstained_interval, 100)
        rows.append([one.model, mean, f"{one.largest:.3f}", silent, *(held.get(radius, "–") for radius in radii)])
    settings = dict.fromkeys(
        f"σ = {one.sigma:g}, n0 = {one.n0:,}, n = {one.n:,}, α = {one.alpha:g}" for one in found.summaries
    )
    caption = (
        f"radii are L2 distances on [0, 1] pixels; certified accuracy in % by radius, n = {found.n:,} images; 95 % "
        f"intervals; {'; '.join(settings)}"
    )
    head = ["model", "average certified radius", "largest possible", "abstains", *(f"at {r:g}" for r in radii)]
    return Sheet([Table(head, rows, 1, caption)], found.heading, found.warnings)


def perturbations_sheet(found: Perturbations) -> Sheet:
    """Flip probabilities along perturbation sequences.

    Args:
        found: The result of the suite ``perturbations``.

    Returns:
        A table with a row per model and family of sequences, and one with the means.
    """
    rows = [
        [
            row.sequence + (" *" if row.extra else ""),
            row.model,
            _with(100 * row.flip_probability, row.interval, 100),
            "" if row.difference_interval is None else _gap(row.difference or 0.0, row.difference_interval),
            f"{row.top5_distance:.2f}",
        ]
        for row in sorted(found.rows, key=lambda row: [one.sequence for one in found.rows].index(row.sequence))
    ]
    means = [
        [
            one.model,
            _with(100 * one.flip_probability, one.interval, 100),
            "" if one.difference_interval is None else _gap(one.difference or 0.0, one.difference_interval),
            "" if one.flip_rate is None else f"{100 * one.flip_rate:.1f}",
            f"{one.top5_distance:.2f}",
        ]
        for one in found.summaries
    ]
    caption = (
        f"in %, n = {found.n:,} sequences each; 95 % intervals, a sequence as one; difference to the first model, "
        "paired; * not in the means"
    )
    first = found.summaries[0].model
    mean = f"means of the families in %; 95 % intervals over images; flip rate: {first} is 100"
    head = ["flip probability", "difference", "top-5 distance"]
    return Sheet(
        [
            Table(["sequence", "model", *head], rows, 2, caption),
            Table(["model", *head[:2], "flip rate", head[2]], means, 1, mean),
        ],
        found.heading,
        found.warnings,
    )


def _gap(difference: float, interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{100 * difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def suite_table(suite: Suite) -> Table:
    """Accuracy per distortion.

    Args:
        suite: The result of the suite.

    Returns:
        The mean over the severities per distortion and model; then the mean over all, and for attacks the worst by
        size.
    """
    summaries = suite.summaries
    attacked = summaries[0].zero_gradients is not None
    rows = [["clean", *(percent(s.clean) for s in summaries)]]
    rows += [[name, *(percent(s.by_distortion[name]) for s in summaries)] for name in summaries[0].by_distortion]
    rows.append(["mean", *(percent(s.mean) for s in summaries)])
    rows.append(["95 % interval", *(span(s.interval) for s in summaries)])
    for i, worst in enumerate(summaries[0].worst):
        rows.append([f"worst at ε = {attack_size(worst.amount)}", *(percent(s.worst[i].accuracy) for s in summaries)])
        rows.append(["95 % interval", *(span(s.worst[i].interval) for s in summaries)])
    if attacked:
        rows.append(["float32 gradient zero", *(percent(s.zero_gradients or 0) for s in summaries)])
        rows.append(["p(true) 1 in float32", *(percent(s.saturated or 0) for s in summaries)])
    over = "mean of the severities 1 to 5"
    if attacked:
        over = f"mean over ε = {', '.join(attack_size(worst.amount) for worst in summaries[0].worst)}"
    caption = f"accuracy in %, {over}; n = {suite.n:,}; interval of the mean: Wilson, all versions of an image as one"
    if attacked:
        caption += "; worst: right clean and under every attack of that size, Wilson interval"
    return Table(["distortion", *(s.model for s in summaries)], rows, 1, caption)


def calibration_table(found: Calibration) -> Table:
    """Expected calibration error and Brier score.

    Args:
        found: The result of the suite ``calibration``.

    Returns:
        Clean images and each corruption, two columns per model.
    """
    summaries = found.summaries

    def cells(errors: Iterable[float], scores: Iterable[float]) -> list[str]:
        return [f"{percent(error)}  {score:.3f}" for error, score in zip(errors, scores, strict=True)]

    rows = [["clean", *cells((s.clean for s in summaries), (s.clean_brier for s in summaries))]]
    rows.append(["95 % interval", *(span(s.clean_interval) for s in summaries)])
    for name in summaries[0].by_distortion:
        errors, scores = (s.by_distortion[name] for s in summaries), (s.brier_by_distortion[name] for s in summaries)
        rows.append([name, *cells(errors, scores)])
    rows.append(["mean", *cells((s.mean for s in summaries), (s.mean_brier for s in summaries))])
    rows.append(["95 % interval", *(span(s.interval) for s in summaries)])
    caption = (
        "expected calibration error in % (15 bins) and Brier score, mean of the severities 1 to 5; "
        f"n = {found.n:,}; chance alone adds to the error, the more the fewer the images: the interval (bootstrap over "
        "images) takes most of that off and may lie below it"
    )
    return Table(["distortion", *(s.model for s in summaries)], rows, 1, caption)


def reliability_tables(found: Calibration) -> list[Table]:
    """Confidence and accuracy on clean images, bin by bin.

    Args:
        found: The result of the suite ``calibration``.

    Returns:
        One table per model, without empty bins.
    """
    tables = []
    for row in found.rows:
        if row.severity:
            continue
        rows = [
            [f"{one.low:.3f} to {one.high:.3f}", percent(one.confidence), percent(one.accuracy), f"{one.n:,}"]
            for one in row.bins
            if one.confidence is not None and one.accuracy is not None
        ]
        head = [f"{row.model}, clean", "confidence", "accuracy", "n"]
        tables.append(Table(head, rows, 1, "images by the probability of their answer, in %"))
    return tables


def line_search_tables(found: LineSearch) -> list[Table]:
    """How many correct answers change along each direction, and after which step.

    Args:
        found: The result of the suite ``line-search``.

    Returns:
        One table per model with a row per direction; shares are of the images that it classifies correctly.
    """
    tables = []
    for summary in found.summaries:
        rows = [
            [
                one.direction,
                _with(100 * one.broken, one.interval, 100),
                _step(one),
                _median(one),
                _pass(one),
                percent(one.zero_gradients),
            ]
            for one in summary.searches
        ]
        caption = f"of {summary.correct:,} of {found.n:,} images, which it classifies correctly; 95 % intervals"
        tables.append(
            Table([summary.model, "broken, %", "mean ε, 1/255", "median ε", "PASS", "gradient 0"], rows, 1, caption)
        )
    return tables


STEPS = (
    "Broken: some step of 1/255 to 255/255 along the direction changes the answer. ε: the smallest such step, as mean "
    "over the broken ones, and as median over all, where those not broken count as ∞. PASS: mean similarity of these "
    "pictures to the originals, SSIM after alignment. Gradient 0: share in %, exactly zero in float32, so that there "
    "is no direction."
)
"""What stands below the tables of a line search."""


def _step(one: Search) -> str:
    """The mean step with its interval, "42.1 (40.0–44.2)"."""
    if one.epsilon is None or one.epsilon_interval is None:
        return ""
    return _with(one.epsilon, one.epsilon_interval)


def _median(one: Search) -> str:
    """The median step over all images."""
    return "∞" if one.median_all is None else f"{one.median_all:g}"


def _pass(one: Search) -> str:
    """The mean similarity of the pictures found."""
    return "" if one.similarity is None else f"{one.similarity:.3f}"


def _with(value: float, interval: Interval, times: float = 1) -> str:
    return f"{value:.1f} ({times * interval[0]:.1f}–{times * interval[1]:.1f})"


def percent(share: float) -> str:
    """Format a share.

    Args:
        share: In [0, 1].

    Returns:
        Per cent.
    """
    return f"{100 * share:.1f}"


def span(interval: Interval) -> str:
    """Format an interval of shares.

    Args:
        interval: Its ends, in [0, 1].

    Returns:
        Per cent.
    """
    return f"{percent(interval[0])} to {percent(interval[1])}"
