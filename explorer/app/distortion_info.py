"""A distortion as the page needs to know it: words, unit, and the range of its slider."""

from __future__ import annotations

from typing import Any

from explorer.distortions import Distortion

PER_255 = "n/255"  # the unit of amounts that people write as 8/255: the slider counts the 255ths


def describe(kind: Distortion, sides: list[int]) -> dict[str, Any]:
    """Describe a distortion for the page.

    Args:
        kind: The distortion.
        sides: Sides of the models' inputs in px, for each of which the slider has a range.

    Returns:
        A JSON object; amounts in the distortion's unit, ``factor`` times which is what the page shows.
    """
    return {
        "title": kind.title,
        "help": kind.help,
        "unit": "1/255 of full scale" if kind.unit == PER_255 else kind.unit,
        "sign": kind.symbol,
        "symbol": {PER_255: "/255", "px": "px", "°": "°", "bits": "bits"}.get(kind.unit, kind.symbol),
        "factor": 255 if kind.unit == PER_255 else 1,
        "default": kind.default,
        "adversarial": kind.adversarial,
        "searched": kind.searched,
        "sides": {str(side): _range(kind, side) for side in sides},
    }


def _range(kind: Distortion, side: int) -> dict[str, Any]:
    mild, strong = kind.span(side)
    low, high = (kind.low, kind.high) if kind.two_sided else (min(mild, strong), max(mild, strong))
    marks = kind.severities_at(side)
    return {
        "low": low,
        "high": high,
        "step": kind.step,
        "identity": mild,
        "inverted": strong < mild and not kind.two_sided,  # mild on the left, strong on the right
        "marks": list(marks) if marks else None,
    }
