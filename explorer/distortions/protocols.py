"""Published protocols: which corruptions and which attacks are measured, at which amounts.

The corruptions are the fifteen of Hendrycks & Dietterich 2019 (arXiv 1903.12261), each at its five severities: for
inputs up to 64 px those of CIFAR-10-C, above those of ImageNet-C. They are made here by the published formulas with
random numbers of their own; frost has a drawn texture with the statistics of the published photographs. On CIFAR-10 the
accuracy under each, mean of the severities, is within a point or two of that on the published code's pixels.

The attacks are FGSM and PGD with 20 steps in the L-infinity norm, each on the cross-entropy and on the logit margin.
"""

from __future__ import annotations

from explorer.distortions.recipe import PHOTOGRAPH, Recipe
from explorer.distortions.registry import find_distortion

CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg"),
)
"""The fifteen corruptions in the order of the paper: noise, blur, weather, digital."""

ATTACKS = ("fgsm", "fgsm_margin", "pgd_linf_20", "pgd_linf_20_margin")
"""The attacks; each model is shown those crafted on itself."""

COLOUR_SIZES = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
GREY_SIZES = (0.05, 0.1, 0.2, 0.3)  # 0.1 to 0.3 as published for MNIST: grey digits withstand more
"""Sizes of the attacks: the largest change of a value of [0, 1] pixels."""

EVERYDAY = (("jpeg", 50.0), ("thumbnail", 64.0), ("crop", 10.0))
"""The distortions in the tables of Zheng et al. 2016 (arXiv 1604.04326), made of the photograph: JPEG quality 50, a
thumbnail (its area is not stated there; here that of 64 x 64 px), an offset of 10 px."""

Plan = list[tuple[str, int, Recipe]]
"""(distortion, severity from 1 on, recipe) of every condition."""


def corruption_plan(side: int, seed: int) -> Plan:
    """List all corruptions at all severities.

    Args:
        side: Side of the model's input in px.
        seed: Seed of every recipe.

    Returns:
        (distortion, severity, recipe) for each.
    """
    plan: Plan = []
    for name in CORRUPTIONS:
        marks = find_distortion(name).severities_at(side) or ()
        plan += [(name, i, Recipe(((name, amount),), seed=seed)) for i, amount in enumerate(marks, start=1)]
    return plan


def everyday_plan(seed: int) -> list[tuple[str, Recipe]]:
    """List the conditions of Zheng et al.'s table.

    Args:
        seed: Seed of every recipe.

    Returns:
        (condition, recipe) of each, the original first.
    """
    made = [(name, Recipe(((name, amount),), seed=seed, on=PHOTOGRAPH)) for name, amount in EVERYDAY]
    return [("original", Recipe(seed=seed, on=PHOTOGRAPH)), *made]


def attack_plan(channels: int, seed: int) -> Plan:
    """List all attacks at all sizes; the sizes count as severities. The recipes do not name a model yet.

    Args:
        channels: Channels of the model's input, which decide the sizes.
        seed: Seed of every recipe.

    Returns:
        (attack, severity, recipe) for each.
    """
    sizes = GREY_SIZES if channels == 1 else COLOUR_SIZES
    return [(name, i, Recipe(((name, size),), seed=seed)) for name in ATTACKS for i, size in enumerate(sizes, start=1)]
