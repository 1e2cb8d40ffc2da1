"""Stability training whose x' comes from a distribution over recipes: several distortions, mixed (ours)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.distortions import Distortion, find_distortion
from explorer.distortions.draws import Draws
from explorer.distortions.protocols import CORRUPTIONS
from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier
from explorer.models.methods import Formula
from explorer.palette import Colour, MethodColours
from explorer.training.objective import STABILITY, Loss, method
from explorer.training.stability import stability_term

RELATIVES = (
    *("gaussian_noise", "speckle_noise", "uniform_noise"),
    *("gaussian_blur", "thumbnail", "webp", "bit_depth"),
    *("gamma", "saturation", "hue", "patch"),
    *("shift", "rotate", "scale", "shear", "elastic"),
)
"""Distortions of every family; none of the fifteen of CIFAR-10-C but gaussian noise, though relatives of most, such as
gaussian blur for defocus and WebP for JPEG."""

MIXES = {"relatives": RELATIVES, "corruptions": CORRUPTIONS, "all": tuple(dict.fromkeys(CORRUPTIONS + RELATIVES))}
"""``corruptions`` are the fifteen themselves: a model trained on them has seen the test's distortions."""


def far_end(distortion: Distortion, side: int) -> float:
    """The strongest amount that training draws.

    Args:
        distortion: The distortion.
        side: Side of the images in px.

    Returns:
        The published severity farthest from the identity, else the default amount.
    """
    identity, _ = distortion.span(side)
    amounts = distortion.severities_at(side) or (distortion.default * (side / 32 if distortion.per_side else 1),)
    return max(amounts, key=lambda amount: abs(amount - identity))


def mixed(x: Tensor, generator: torch.Generator, names: tuple[str, ...], *, steps: int, group: int) -> Tensor:
    """Distort images, each group of them by a random recipe of its own.

    A recipe is a chain of 1 to ``steps`` distortions drawn from ``names`` (all equally likely, none twice), each by an
    amount drawn uniformly between its identity and ``far_end``, or as far on the other side where it has two; noise
    differs from image to image.

    Args:
        x: Images, float32 (N, C, H, W) in [0, 1].
        generator: Everything is drawn from it.
        names: Distortions by name.
        steps: The most distortions of one recipe.
        group: Images that share a recipe.

    Returns:
        x', of the same shape and range.
    """
    side, out = x.shape[-1], []

    def integer(high: int) -> int:
        return int(torch.randint(high, (1,), generator=generator, device=generator.device))

    for part in x.split(group):
        order = torch.randperm(len(names), generator=generator, device=generator.device)
        for index in order[: 1 + integer(steps)].tolist():
            distortion = find_distortion(names[index])
            identity, _ = distortion.span(side)
            share = float(torch.rand(1, generator=generator, device=generator.device))
            if distortion.two_sided and integer(2):
                share = -share
            low, high = distortion.limits
            amount = min(max(identity + share * (far_end(distortion, side) - identity), low), high)
            first = integer(2**31)
            part = distortion(part, amount, Draws(range(first, first + len(part))))
        out.append(part)
    return torch.cat(out)


@method(
    "stability_mix",
    title="Mixed stability",
    summary="Stability training whose x′ goes through a random recipe: one or more distortions of random strength.",
    formulas=[
        STABILITY,
        Formula("x′ = r(x), r ∼ R", "x prime equals r of x, with r drawn from a distribution R over recipes"),
    ],
    symbols="R draws distortions and their amounts anew for every few images.",
    passes=2,
    cost="2 forward passes per image, and the distortions.",
    caution="Ours, from no paper. A model trained on a distortion has seen it. The usual mix has none of CIFAR-10-C's "
    "fifteen but gaussian noise, though relatives of most, such as gaussian blur for defocus and WebP for JPEG: a test "
    "on the fifteen is not one on unseen kinds, and not comparable with methods that leave such relatives out.",
    colours=MethodColours(fill=Colour("#5a4fcf", "#8f88ee"), ink=Colour("#5a4fcf", "#a39dff")),
)
def stability_mix(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    *,
    alpha: float = 1.0,
    mix: str = "relatives",
    steps: int = 2,
    group: int = 8,
    loss: str = "kl",
    detach_clean: bool = False,
) -> Loss:
    """L(x, x') = L0(x) + alpha L_stab(x, x'), as stability training, with x' from random recipes (see ``mixed``).

    Args:
        model: The network f, in training mode.
        x: Clean images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Draws the recipes.
        alpha: The weight of stability against the task.
        mix: The distortions: ``relatives`` (none of the fifteen corruptions of CIFAR-10-C but gaussian noise,
            though relatives of most), ``corruptions`` (those fifteen themselves: their test is then no longer one of
            unseen distortions) or ``all``.
        steps: The most distortions of one recipe.
        group: Images that share a recipe.
        loss: ``kl``, ``cross_entropy`` or ``jensen_shannon``, see ``stability_term``.
        detach_clean: Whether the gradient of L_stab flows through the distorted branch only.

    Returns:
        The loss, the logits of x, and both terms to log.

    Raises:
        ExplorerError: There is no such mix, or ``steps`` or ``group`` is less than 1.
    """
    if mix not in MIXES:
        raise ExplorerError(f"Unknown mix {mix!r}; choose one of {', '.join(MIXES)}.")
    if steps < 1 or group < 1:
        raise ExplorerError("The steps of a recipe and the images in a group must be 1 or more.")
    distorted_x = mixed(x, generator, MIXES[mix], steps=steps, group=group)
    clean, distorted = model(torch.cat([x, distorted_x])).float().chunk(2)
    task = F.cross_entropy(clean, y)
    stab = stability_term(clean, distorted, loss=loss, detach_clean=detach_clean)
    return Loss(task + alpha * stab, clean, {"task": task, "stability": stab})
