"""Where a network sees evidence for a class: Grad-CAM maps of the clean and of the distorted picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.gradients import check_gradients


@dataclass(frozen=True, eq=False)
class Evidence:
    """Class-evidence maps; values above 0 support the class, below 0 oppose it.

    Attributes:
        layer: The layer they were taken at.
        grid: (height, width) of the layer before the maps were enlarged.
        class_clean: Index of the clean answer's class.
        class_distorted: Index of the distorted answer's class.
        clean: Map for ``class_clean`` on the clean image, float32 (H, W).
        distorted: Map for ``class_clean`` on the distorted image, float32 (H, W).
        other: Map for ``class_distorted`` on the distorted image; ``distorted`` itself if the answer is the same.
        limit: All maps share the scale from -``limit`` to ``limit``.
    """

    layer: str
    grid: tuple[int, int]
    class_clean: int
    class_distorted: int
    clean: Tensor
    distorted: Tensor
    other: Tensor
    limit: float


class _Tap(nn.Module):
    """A model for Captum, which needs a module whose output is the layer; ``point`` passes it on.

    Layers are named tensors here, and not all come out of a module of their own.
    """

    def __init__(self, model: Classifier, layer: str) -> None:
        super().__init__()
        self.model, self.layer, self.point = model, layer, nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        logits, features = self.model.answer(x)
        if not (logits.requires_grad and features[self.layer].requires_grad):
            raise ExplorerError(
                f"{self.model.name} gives no gradient at its layer {self.layer}, so there is no class-evidence map."
            )
        self.point(features[self.layer])
        return logits


def evidence(model: Classifier, clean: Tensor, distorted: Tensor, *, target: int | None = None) -> Evidence:
    """Class-evidence maps of two images: Grad-CAM at the last layer with spatial maps.

    Selvaraju et al. 2017 (arXiv 1610.02391), eq. 1 and 2 without the final ReLU, so that evidence against the class is
    visible too: each channel, weighted by the mean gradient of the logit with respect to it, is summed and enlarged
    bilinearly. Computed by Captum's LayerGradCam.

    Args:
        model: The model.
        clean: (1, C, H, W) in [0, 1].
        distorted: (1, C, H, W) in [0, 1].
        target: Index of the class to follow; the clean answer's by default.

    Returns:
        The maps.

    Raises:
        ExplorerError: If images or class do not fit, if the network has no spatial layer or no gradient there, or if
            Captum is not installed.
    """
    check_gradients(model, "explained by a class-evidence map")
    if model.card.remedies:
        raise ExplorerError(
            f"{model.name} answers from copies of the picture, so there is no class-evidence map; ask "
            f"{model.card.base}."
        )
    try:
        from captum.attr import LayerGradCam
    except ImportError as error:
        raise ExplorerError(
            "Class-evidence maps need the package captum; 'explorer doctor' shows how to get it."
        ) from error
    (model,) = inputs.check_models([model])
    pair = torch.cat([inputs.check_image(image, model) for image in (clean, distorted)])
    inputs.check_label(target, model)
    logits, features = inputs.answer(model, pair)
    first, last = logits.argmax(dim=1).tolist()
    first = first if target is None else target
    layer = next((name for name, value in reversed(features.items()) if value.ndim == 4 and value.shape[2] > 1), None)
    if layer is None:
        raise ExplorerError(f"{model.name} has no layer with spatial feature maps, so there is no class-evidence map.")
    # the classes of all three maps, in one batch: (clean, first), (distorted, first), (distorted, last)
    pixels = pair[[0, 1, 1]].to(model.device)
    tap = _Tap(model, layer)
    with torch.inference_mode(mode=False), torch.enable_grad():
        cam = LayerGradCam(tap, tap.point)
        maps = cam.attribute(
            pixels.clone().requires_grad_(), target=torch.tensor([first, first, last], device=model.device)
        )
    maps = F.interpolate(maps.detach(), size=pair.shape[2:], mode="bilinear", align_corners=False)[:, 0].float().cpu()
    if not bool(torch.isfinite(maps).all()):
        raise ExplorerError(f"{model.name} has a gradient that is not finite, so there is no class-evidence map.")
    return Evidence(
        layer=layer,
        grid=(features[layer].shape[2], features[layer].shape[3]),
        class_clean=first,
        class_distorted=last,
        clean=maps[0],
        distorted=maps[1],
        other=maps[2],
        limit=float(maps.abs().max()),
    )
