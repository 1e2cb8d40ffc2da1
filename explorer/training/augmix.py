"""AugMix: the same answer to three views of an image (Hendrycks et al. 2020, arXiv 1912.02781)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier
from explorer.models.methods import Formula, Source
from explorer.palette import Colour, MethodColours
from explorer.training.objective import CROSS_ENTROPY, Loss, jensen_shannon, method

AUGMIX = Source(
    "hendrycks2020",
    "Hendrycks et al.",
    2020,
    "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty",
    "1912.02781",
)


def view(x: Tensor, generator: torch.Generator, *, severity: int, group: int) -> Tensor:
    """AugMix's view of images, by torchvision's own transform: 3 chains of 1 to 3 operations, mixed with the image.

    The operations are the paper's nine (autocontrast, equalize, posterize, solarize, rotation, shear and translation),
    none of them one of the fifteen corruptions of CIFAR-10-C. The weights of the mixture are each image's own.

    Args:
        x: Images (N, C, H, W) in [0, 1].
        generator: Everything is drawn from it.
        severity: Strength of the operations, 1 to 10.
        group: Images that share their operations; 1 in the paper.

    Returns:
        The views, of the shape and range of x.
    """
    from torchvision.transforms import v2  # only where it is used: it is slow to import

    augment = v2.AugMix(severity=severity, all_ops=False)
    pixels = x.mul(255).round().to(torch.uint8)
    seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
    with torch.random.fork_rng(devices=[]):  # the transform draws from torch's own generator
        torch.manual_seed(seed)
        return torch.cat([augment(part) for part in pixels.split(group)]).to(x.dtype).div(255)


@method(
    "augmix",
    title="AugMix",
    summary="Give three views of an image the same answer: itself, and two mixtures of simple operations on it.",
    formulas=[
        Formula(
            "L = CE(f(x), y) + λ JS(f(x), f(x′), f(x″))",
            "L equals the cross-entropy of f of x and y, plus lambda times the Jensen-Shannon divergence "
            "of the answers to x, x prime and x double prime",
        ),
    ],
    symbols=f"{CROSS_ENTROPY}; x′ and x″ are views of x; JS is the mean divergence of the answers from their mean.",
    passes=3,
    cost="3 forward passes per image, and the views.",
    caution="Its operations leave out noise, blur, weather and compression, but rotation, shear and translation are "
    "distortions here. The paper states errors on CIFAR-10-C as means over all fifteen corruptions, and of larger "
    "networks, so that none of them stands beside our curves.",
    colours=MethodColours(fill=Colour("#3b7d8c", "#5fb0c2"), ink=Colour("#2f7080", "#6fc0d2")),
    source=AUGMIX,
)
def augmix(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    *,
    weight: float = 12.0,
    severity: int = 3,
    group: int = 1,
) -> Loss:
    """L = CE(f(x), y) + weight JS(f(x), f(x'), f(x'')), with two AugMix views x' and x'' (the paper's section 3).

    The three go through the network in one batch, as in the authors' code.

    Args:
        model: The network f, in training mode.
        x: Clean images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Draws the views.
        weight: lambda; 12 in the paper.
        severity: Strength of the operations, 1 to 10; 3 in the paper.
        group: Images that share their operations, to save time; 1 in the paper.

    Returns:
        The loss, the logits of x, and both terms to log.

    Raises:
        ExplorerError: ``severity`` is not 1 to 10, or ``group`` is less than 1.
    """
    if not 1 <= severity <= 10 or group < 1:
        raise ExplorerError("AugMix needs a severity from 1 to 10, and groups of 1 or more images.")
    views = [view(x, generator, severity=severity, group=group) for _ in range(2)]
    logits = list(model(torch.cat([x, *views])).float().chunk(3))
    task, consistency = F.cross_entropy(logits[0], y), jensen_shannon(*(F.log_softmax(one, 1) for one in logits))
    return Loss(task + weight * consistency, logits[0], {"task": task, "consistency": consistency})
