"""The curves under the panel: what every model answers while one step of the recipe grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.analysis.request import ComparisonRequest
from explorer.distortions import find_distortion
from explorer.web.answers import curves_to_paint


def curves_key(request: ComparisonRequest, step: int) -> str | None:
    """Name what curves depend on: everything but the amount of their own step, of which only the slider's side counts.

    Args:
        request: The comparison.
        step: Index of the step that the curves are about.

    Returns:
        Text that changes when the curves do; None if the recipe has no such step.
    """
    if step >= len(request.recipe.steps):
        return None
    name, at = request.recipe.steps[step]
    distortion = find_distortion(name)
    mild, _ = distortion.span(request.pixels.shape[-1])
    others = [other for i, other in enumerate(request.recipe.steps) if i != step]
    recipe = (tuple(others), request.recipe.seed, request.recipe.against, request.recipe.quantised)
    asked = (id(request.pixels), tuple(map(id, request.models)), recipe, step, name, distortion.two_sided and at < mild)
    return f"{hash(asked):x}"


def curves_of(request: ComparisonRequest, step: int, stop: Callable[[], None]) -> dict[str, Any]:
    """Compute the curves of one step.

    Args:
        request: The comparison.
        step: Index of the step.
        stop: Called between pieces of the work; ends it by raising.

    Returns:
        The JSON object that ``curves.js`` draws, and ``key``, as in ``curves_key``.

    Raises:
        ExplorerError: As in ``sweep``.
    """
    found = curves_to_paint(
        request.models,
        request.pixels,
        request.recipe,
        step,
        label=request.label,
        exact=None,
        progress=lambda _done, _total: stop(),
    )
    return found | {"key": curves_key(request, step)}
