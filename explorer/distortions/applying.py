"""Applying a recipe to images, and varying one of its steps."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from explorer.data.images import check_batch
from explorer.distortions.draws import Draws, Target
from explorer.distortions.recipe import Recipe
from explorer.distortions.rounding import Bound, rounded
from explorer.errors import ExplorerError


def apply(
    recipe: Recipe, x: Tensor, *, target: Target | None = None, seeds: Sequence[int] | None = None
) -> Tensor:  # fmt: skip
    """Apply a recipe to images.

    Image i draws from ``seeds[i]``. The random stream of a step depends on the seed, the distortion's name and how many
    steps of that name came before, so that removing or moving a step leaves the noise of the others unchanged. Attacks
    without labels keep the model's own prediction on the untouched images.

    Args:
        recipe: The recipe.
        x: float32 (N, 1 or 3, H, W) in [0, 1].
        target: What attacks are computed against; needed if the recipe has any.
        seeds: One seed per image; ``recipe.seed`` for all by default.

    Returns:
        Distorted images of the same shape, range and device, rounded to 8 bits unless ``recipe.quantised`` is false;
        what an attack made as the last step stays within its amount (``rounding``).

    Raises:
        ExplorerError: If the images are invalid, if the number of seeds is wrong, or if an attack has no target.
    """
    check_batch(x)
    if seeds is None:
        seeds = [recipe.seed] * len(x)
    elif len(seeds) != len(x):
        raise ExplorerError(f"There are {len(x)} images and {len(seeds)} seeds: give one seed per image.")
    if target is not None and target.labels is None and recipe.adversarial:
        with torch.no_grad():
            target = replace(target, labels=target.logits(x).argmax(1))
    seen: Counter[str] = Counter()
    out, bound = x, None
    for name, amount in recipe.steps:
        distortion = recipe.distortion(name)
        draws = Draws([_stream(seed, name, seen[name]) for seed in seeds] if distortion.random else [0] * len(x))
        seen[name] += 1
        before, out = out, distortion(out, amount, draws, target)
        bound = bound if out is before else Bound(distortion, before, amount)
    return rounded(out, bound) if recipe.quantised else out


def vary(
    recipe: Recipe, x: Tensor, step_index: int, pieces: Iterable[Sequence[float]], *, target: Target | None = None
) -> Iterator[Tensor]:
    """Vary the amount of one step of a recipe.

    Gives the same pixels as ``apply`` for each amount alone with less work: earlier steps run once, later ones on the
    batch, and an attack takes the amounts of a piece as one batch.

    Args:
        recipe: The recipe.
        x: One image (1, C, H, W) in [0, 1].
        step_index: Index of the step.
        pieces: Amounts, piece by piece.
        target: What attacks are computed against, with its label (1,).

    Yields:
        One batch (len(piece), C, H, W) per piece.
    """
    for floats, whole in vary_both(recipe, x, step_index, pieces, target=target):
        yield whole if recipe.quantised else floats


def vary_both(
    recipe: Recipe, x: Tensor, step_index: int, pieces: Iterable[Sequence[float]], *, target: Target | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """As ``vary``, before and after rounding.

    Args:
        recipe: The recipe.
        x: One image (1, C, H, W) in [0, 1].
        step_index: Index of the step.
        pieces: Amounts, piece by piece.
        target: What attacks are computed against, with its label (1,).

    Yields:
        Per piece a batch (len(piece), C, H, W) of float pixels, and the same rounded to 8 bits.
    """
    check_batch(x)
    seen: Counter[str] = Counter()
    chain = []
    for name, amount in recipe.steps:
        distortion = recipe.distortion(name)
        chain.append((distortion, amount, _stream(recipe.seed, name, seen[name]) if distortion.random else 0))
        seen[name] += 1
    earlier: Bound | None = None
    for distortion, amount, stream in chain[:step_index]:
        before, x = x, distortion(x, amount, Draws([stream]), target)
        earlier = earlier if x is before else Bound(distortion, before, amount)
    varied, _, stream_of_step = chain[step_index]
    for amounts in pieces:
        count = len(amounts)
        aim = target
        if target is not None and target.labels is not None:
            aim = replace(target, labels=target.labels.expand(count))
        out = varied.at_each(x.expand(count, -1, -1, -1), amounts, stream_of_step, aim)
        sizes = torch.tensor(amounts, dtype=torch.float64).view(-1, 1, 1, 1)
        idle, bound = sizes.view(-1) == varied.identity, Bound(varied, x, sizes)
        for distortion, amount, stream in chain[step_index + 1 :]:
            before, out = out, distortion(out, amount, Draws([stream] * count), aim)
            if out is not before:
                idle, bound = torch.zeros_like(idle), Bound(distortion, before, amount)
        whole = rounded(out, bound)
        if earlier is not None and bool(idle.any()):
            whole[idle] = rounded(out[idle], earlier)
        yield out, whole


def image_seed(seed: int, index: int) -> int:
    """The seed of one image of a data set.

    Args:
        seed: Base seed.
        index: Index of the image.

    Returns:
        A seed with which a recipe reproduces that image alone.
    """
    return int.from_bytes(hashlib.sha256(f"{seed}:image:{index}".encode()).digest()[:6], "big")


def _stream(seed: int, name: str, occurrence: int) -> int:
    """The generator seed of one step for one image."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}:{occurrence}".encode()).digest()[:8], "big")
