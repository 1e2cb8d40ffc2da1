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
    """One channel of a layer.

    Attributes:
        index: Its index.
        distance: L2 distance between its two maps.
        clean: Map of the clean image, float32 (H, W).
        distorted: Map of the distorted image, float32 (H, W).
    """

    index: int
    distance: float
    clean: Tensor
    distorted: Tensor


@dataclass(frozen=True, eq=False)
class LayerChannels:
    """The channels of a layer that changed most.

    Attributes:
        layer: Name of the layer.
        total: Number of its channels.
        channels: The most changed ones, largest change first. A layer that is a vector has maps of 1 x 1.
        low: Smallest value in these maps, the lower end of their common scale.
        high: Largest value in these maps.
    """

    layer: str
    total: int
    channels: tuple[Channel, ...]
    low: float
    high: float


def channels(model: Classifier, clean: Tensor, distorted: Tensor, layer: str, *, top: int = 8) -> LayerChannels:
    """Find the channels of a layer that differ most between two images.

    The squared distances of all channels add up to the squared distance of the layer in ``compare``.

    Args:
        model: The model.
        clean: (1, C, H, W) in [0, 1].
        distorted: (1, C, H, W) in [0, 1].
        layer: A name in ``model.features``.
        top: Number of channels; ties keep the channels' order.

    Returns:
        The channels.

    Raises:
        ExplorerError: If the layer is unknown, if the images do not fit, or if ``top`` is below 1.
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
