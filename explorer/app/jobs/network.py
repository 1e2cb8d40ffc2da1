"""Inside the networks: the channels of a stage that changed most, and where each network sees evidence for a class."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Annotated, Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from explorer.analysis import channels, evidence
from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.validation import StateRequest
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.progress import Progress

TOP = 8
"""Channels shown of each model."""

LARGEST = 96
"""Side of a map in values at most; larger maps are averaged, they would be drawn smaller than that anyway."""

STEPS = 255  # levels of a map in the page, where 8 bits is what a screen shows


class ChannelsRequest(StateRequest):
    """Which stage of the networks.

    Attributes:
        layer: Its name.
    """

    wrong = "The page asked for a stage that does not exist; reload it."

    layer: Annotated[str, Field(max_length=200)]


@job("channels", ChannelsRequest)
def most_changed(context: Context, request: ChannelsRequest, progress: Progress) -> dict[str, Any]:
    """Show the channels of a stage that the distortions change most.

    Returns:
        {"layer", "models": [{"name", "total", "low", "high", "swing", "channels"} or {"name", "error"}]}. ``channels``:
        the most changed first, {"index", "distance", "clean", "distorted", "difference"}; the first two maps on the
        scale from ``low`` to ``high``, which all of a model's maps share, the third from -``swing`` to ``swing``.

    Raises:
        ExplorerError: If the state makes no sense.
    """

    def one(model: Classifier, clean: Tensor, distorted: Tensor) -> dict[str, Any]:
        found = channels(model, clean, distorted, request.layer, top=TOP)
        maps = [(_fit(channel.clean), _fit(channel.distorted)) for channel in found.channels]
        swing = max(float((after - before).abs().max()) for before, after in maps)
        return {
            "total": found.total,
            "low": found.low,
            "high": found.high,
            "swing": swing,
            "channels": [
                {
                    "index": channel.index,
                    "distance": channel.distance,
                    "clean": packed(before, found.low, found.high),
                    "distorted": packed(after, found.low, found.high),
                    "difference": packed(after - before, -swing, swing, signed=True),
                }
                for channel, (before, after) in zip(found.channels, maps, strict=True)
            ],
        }

    return {"layer": request.layer, "models": _each(context, request, progress, one)}


@job("evidence", StateRequest)
def class_evidence(context: Context, request: StateRequest, progress: Progress) -> dict[str, Any]:
    """Show where each network sees evidence for a class.

    Returns:
        {"models": [{"name", "layer", "grid", "limit", "clean", "distorted", "other"} or {"name", "error"}]}. Each map
        has its "class" and runs from -``limit`` to ``limit``; ``other`` is null if the answer does not change.

    Raises:
        ExplorerError: If the state makes no sense.
    """

    def one(model: Classifier, clean: Tensor, distorted: Tensor) -> dict[str, Any]:
        found = evidence(model, clean, distorted)
        before, after = model.classes[found.class_clean], model.classes[found.class_distorted]

        def shown(values: Tensor, label: str) -> dict[str, Any]:
            return {"class": label, **packed(_fit(values), -found.limit, found.limit, signed=True)}

        return {
            "layer": found.layer,
            "grid": list(found.grid),
            "limit": found.limit,
            "clean": shown(found.clean, before),
            "distorted": shown(found.distorted, before),
            "other": None if found.class_clean == found.class_distorted else shown(found.other, after),
        }

    return {"models": _each(context, request, progress, one)}


def _each(
    context: Context,
    request: StateRequest,
    progress: Progress,
    one: Callable[[Classifier, Tensor, Tensor], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Call ``one`` for every model, on the picture that the page compares with and the distorted one.

    A model for which it fails gets a sentence of its own, beside the others.
    """
    loaded = context.workspace.load(request.state)
    total = len(loaded.models) + 1
    progress(0, total)
    seen = loaded.compare()
    answers = []
    for done, model in enumerate(loaded.models, start=1):
        progress(done, total)
        try:
            answers.append({"name": model.name, **one(model, seen.clean, seen.distorted)})
        except ExplorerError as error:
            answers.append({"name": model.name, "error": str(error)})
    progress(total, total)
    return answers


def _fit(values: Tensor) -> Tensor:
    """A map (H, W), averaged down where it has more than ``LARGEST`` values along a side."""
    height, width = values.shape
    if max(height, width) <= LARGEST:
        return values
    return F.adaptive_avg_pool2d(values[None, None], (min(height, LARGEST), min(width, LARGEST)))[0, 0]


def packed(values: Tensor, low: float, high: float, *, signed: bool = False) -> dict[str, Any]:
    """Pack a map for the page: one byte per value, in base64.

    Args:
        values: The map, (H, W).
        low: The value of byte 0.
        high: The value of byte 255.
        signed: Whether byte 128 stands for zero.

    Returns:
        {"width", "height", "data"}. If ``low`` is ``high``, all bytes are 0, or 128 if the map is ``signed``.
    """
    span = high - low
    parts = (values - low) / span if span > 0 else torch.full_like(values, 0.5 if signed else 0.0)
    levels = (parts.clamp(0, 1) * STEPS).round().to(torch.uint8)
    height, width = values.shape
    return {"width": width, "height": height, "data": base64.b64encode(levels.numpy().tobytes()).decode("ascii")}
