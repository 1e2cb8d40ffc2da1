"""What the page needs to know about a distortion: texts, unit, and the range of its slider."""

from __future__ import annotations

from typing import Any

from explorer.distortions import Distortion
from explorer.web.answers import distortion_words

WHOLE = "With 8-bit pixels the size acts as the whole steps of 1/255 in it; below 1/255 nothing changes."


def describe(distortion: Distortion, sides: list[int]) -> dict[str, Any]:
    """Describe a distortion for the page.

    Args:
        distortion: The distortion.
        sides: Sides of the models' inputs in px, for each of which the slider has a range.

    Returns:
        A JSON object; amounts in the distortion's unit, ``factor`` times which is what the page shows.
    """
    return {
        **distortion_words(distortion),
        "help": f"{distortion.help} {WHOLE}" if distortion.norm == "linf" else distortion.help,
        "family": distortion.family,
        "default": distortion.default,
        "adversarial": distortion.adversarial,
        "searched": distortion.searched,
        "sides": {str(side): _range(distortion, side) for side in sides},
    }


def _range(distortion: Distortion, side: int) -> dict[str, Any]:
    mild, strong = distortion.span(side)
    low, high = distortion.ends(side)
    severities = distortion.severities_at(side)
    return {
        "low": low,
        "high": high,
        "step": distortion.step,
        "identity": mild,
        "inverted": strong < mild and not distortion.two_sided,  # mild on the left, strong on the right
        "severities": list(severities) if severities else None,
        "amounts": list(distortion.amounts_at(side)),  # what a survey asks about where none are named
        "published": distortion.published_at(side),  # the data set that the severities are those of
    }
