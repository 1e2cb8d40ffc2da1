"""Inside a network: the channels of one layer that changed most between two pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel: its ``index``, the L2 ``distance`` between its two maps, and the maps, float32 (H, W) each."""

    index: int
    distance: float
    clean: Tensor
    distorted: Tensor


@dataclass(frozen=True, eq=False)
class LayerChannels:
    """The most changed ``channels`` of a ``layer`` that has ``total`` of them, the most changed first.

    ``low`` and ``high``: the smallest and the largest value in all of these maps, the scale they share. A layer that is
    a vector has maps of 1 x 1.
    """

    layer: str
    total: int
    channels: tuple[Channel, ...]
    low: float
    high: float


def channels(model: Classifier, clean: Tensor, distorted: Tensor, layer: str, *, top: int = 8) -> LayerChannels:
    """The ``top`` channels of a layer that differ most between two images (1, C, H, W) in [0, 1].

    ``layer`` is a name of ``model.features``; ExplorerError for others, for images the model does not take, and for a
    ``top`` below 1. Equal changes keep the channels' order. The squares of all channels' distances add up to that of
    the layer's distance in ``compare``.
    """
    (model,) = inputs.check_models([model])
    pair = torch.cat([inputs.check_image(image, model) for image in (clean, distorted)])
    if top < 1:
        raise ExplorerError(f"The number of channels to show must be 1 or more, not {top}.")
    _, features = inputs.answer(model, pair)
    if layer not in features:
        raise ExplorerError(f"{model.name} has no layer {layer!r}; its layers are {', '.join(features)}.")
    maps = features[layer].float().cpu()
    if maps.ndim < 4:
        maps = maps.reshape(2, -1, 1, 1)
    distances = (maps[1] - maps[0]).double().flatten(1).norm(dim=1)
    order = distances.sort(descending=True, stable=True).indices[:top]
    low, high = maps[:, order].aminmax()
    return LayerChannels(
        layer=layer,
        total=maps.shape[1],
        channels=tuple(Channel(i, float(distances[i]), maps[0, i], maps[1, i]) for i in order.tolist()),
        low=float(low),
        high=float(high),
    )
