"""How steep a network is around given images, by sampling and by attack, and what the Lipschitz paper's theorem makes
of it (Usama & Chang 2018, arXiv 1811.09008, Theorem 1).

The slope between two inputs is ||f(a) - f(b)|| / ||a - b||, of logits (or probabilities) and of the network's
normalised input, as the paper's loss takes it. The theorem: where f is L-Lipschitz everywhere, a change smaller than
half the smallest distance between labels, sqrt(2) / 2, divided by L, keeps the answer. It needs two assumptions. The
first, that f(x) is its label's one-hot vector, holds nearly for probabilities and not at all for logits; what holds for
both is the radius m / (sqrt(2) L) of each image, with m the margin of the true class over the next, since f(a) - f(b)
can change m by at most sqrt(2) ||f(a) - f(b)||. The second, the slope L everywhere, no training guarantees: here it is
measured how far networks are from it, and how many answers fall within the radii that L would grant.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError
from explorer.evaluation.sample import Sample
from explorer.models import Classifier
from explorer.results import Result

HALF_LABEL_DISTANCE = math.sqrt(2) / 2
"""Half the distance between two one-hot labels: the corners that probabilities are drawn to; logits are not."""

QUANTILES = {"margin_05": 0.05, "margin_50": 0.5, "margin_95": 0.95}
"""Which quantiles of the images' radii are told, by their key."""

DIRECTIONS = 16
"""Gaussian directions per image."""

STEPS = 20
"""Steps of each gradient ascent."""


@dataclass(frozen=True, repr=False)
class Slopes(Result):
    """Local slopes around images that the model classifies correctly: change of the answer per change of the input.

    Attributes:
        n: Number of images.
        bound: The slope that the model was trained for.
        radius: L2 norm on the normalised input within which slopes were sought.
        sampled_median: Median over images of the largest slope along 16 Gaussian directions of that length.
        sampled_max: The largest of these.
        attacked_median: Median over images of the largest slope that gradient ascent finds within the radius.
        attacked_max: The largest of these.
        above_sampled: Share of images whose sampled slope exceeds the bound, in [0, 1].
        above_attacked: Share of images whose attacked slope exceeds the bound.
        granted: The paper's radius, half the distance of two labels divided by the bound: it takes f(x) for one-hot and
            the bound for kept everywhere.
        flipped: Share of images whose answer an attack within ``granted`` changes, all pixels staying in [0, 1].
        margin_05: 5 % quantile over images of the radius m / (sqrt(2) bound), with m the margin of f(x): it takes only
            the bound for kept everywhere.
        margin_50: Its median.
        margin_95: Its 95 % quantile.
        margin_flipped: Share of images whose answer an attack within the image's own such radius changes.
    """

    n: int
    bound: float
    radius: float
    sampled_median: float
    sampled_max: float
    attacked_median: float
    attacked_max: float
    above_sampled: float
    above_attacked: float
    granted: float
    flipped: float
    margin_05: float
    margin_50: float
    margin_95: float
    margin_flipped: float

    def to_dict(self) -> dict[str, Any]:
        """The slopes as a JSON object.

        Returns:
            Number by name, to six decimals.
        """
        return {key: value if isinstance(value, int) else round(value, 6) for key, value in asdict(self).items()}

    def records(self) -> list[dict[str, Any]]:
        """The slopes as a table.

        Returns:
            One row.
        """
        return [asdict(self)]

    def __str__(self) -> str:
        return (
            f"Slope of {self.n:,} images: median {self.sampled_median:.3g} by sampling, {self.attacked_median:.3g} by "
            f"attack, bound {self.bound:g}; radius by margin {self.margin_05:.3g} to {self.margin_95:.3g}"
        )


def measure_slopes(
    model: Classifier,
    dataset: Dataset,
    bound: float,
    *,
    sigma: float = 0.1,
    limit: int = 200,
    softmax: bool = False,
    seed: int = 0,
    batch_size: int | None = None,
) -> Slopes:
    """Measure slopes around images, by sampling and by attack.

    Args:
        model: The model.
        dataset: Labelled images.
        bound: The slope that the model was trained for, above 0.
        sigma: Standard deviation of the loss's noise on the normalised input. The radius is the norm of such noise,
            sigma * sqrt(number of values).
        limit: The first so many images; those that the model classifies correctly count.
        softmax: Whether to take probabilities instead of logits.
        seed: Seed of the directions.
        batch_size: Images per forward pass; chosen by size by default.

    Returns:
        The slopes.

    Raises:
        ExplorerError: The bound is not positive, or no image is classified correctly.
    """
    if not bound > 0:
        raise ExplorerError(f"The slope a network was trained for must be a positive number, not {bound}.")
    generator = torch.Generator().manual_seed(seed)
    radius = sigma * math.sqrt(model.channels * model.size**2)
    granted = HALF_LABEL_DISTANCE / bound
    sampled, attacked, flipped, radii, flipped_in_radius = [], [], [], [], []
    for _, x, labels in Sample.of([model], dataset, limit, batch_size).batches():
        x, labels = x.to(model.device), labels.to(model.device)
        with torch.no_grad():
            correct = model(x).argmax(1) == labels
        x, labels = x[correct], labels[correct]
        if len(x):
            sampled.append(sampled_slope(model, x, radius, generator, softmax=softmax).cpu())
            attacked.append(attacked_slope(model, x, radius, generator, softmax=softmax).cpu())
            flipped.append(flips_within(model, x, labels, granted).cpu())
            radii.append(margin_radius(model, x, labels, bound, softmax=softmax))
            flipped_in_radius.append(flips_within(model, x, labels, radii[-1]).cpu())
    if not sampled:
        raise ExplorerError(f"{model.name} classifies none of the images correctly, so there is no answer to keep.")
    drawn, sought, lost = torch.cat(sampled), torch.cat(attacked), torch.cat(flipped)
    sought = torch.maximum(drawn, sought)  # both are lower bounds of the same thing
    return Slopes(
        n=len(drawn),
        bound=bound,
        radius=radius,
        sampled_median=float(drawn.median()),
        sampled_max=float(drawn.max()),
        attacked_median=float(sought.median()),
        attacked_max=float(sought.max()),
        above_sampled=float((drawn > bound).float().mean()),
        above_attacked=float((sought > bound).float().mean()),
        granted=granted,
        flipped=float(lost.float().mean()),
        **{key: float(torch.cat(radii).cpu().double().quantile(at)) for key, at in QUANTILES.items()},
        margin_flipped=float(torch.cat(flipped_in_radius).float().mean()),
    )


def margin_radius(model: Classifier, x: Tensor, labels: Tensor, bound: float, *, softmax: bool = False) -> Tensor:
    """The radius within which a network of slope ``bound`` keeps its answer: m / (sqrt(2) bound).

    Args:
        model: The model.
        x: Images (N, C, H, W) in [0, 1].
        labels: True classes (N,).
        bound: L, above 0.
        softmax: Whether f is the probabilities instead of the logits.

    Returns:
        Radii (N,), L2 on the normalised input; 0 where the answer is wrong.
    """
    with torch.no_grad():
        answer = _answer(model, model.normalise(x), softmax=softmax)
    true = answer.gather(1, labels[:, None])[:, 0]
    others = answer.scatter(1, labels[:, None], -torch.inf).amax(1)
    return (true - others).clamp_min(0) / (math.sqrt(2) * bound)


def sampled_slope(
    model: Classifier, x: Tensor, radius: float, generator: torch.Generator, *, softmax: bool = False
) -> Tensor:
    """Largest slope from each image along random directions.

    Args:
        model: The model.
        x: Images (N, C, H, W) in [0, 1].
        radius: Length of the 16 Gaussian directions, L2 on the normalised input.
        generator: Draws the directions, on the CPU.
        softmax: Whether to take probabilities instead of logits.

    Returns:
        Slopes (N,).
    """
    with torch.no_grad():
        z = model.normalise(x)
        answer = _answer(model, z, softmax=softmax)
        best = torch.zeros(len(x), device=x.device)
        for _ in range(DIRECTIONS):
            step = _unit(torch.randn(z.shape, generator=generator).to(z)) * radius
            change = _answer(model, z + step, softmax=softmax) - answer
            best = torch.maximum(best, change.norm(dim=1) / radius)
    return best


def attacked_slope(
    model: Classifier, x: Tensor, radius: float, generator: torch.Generator, *, softmax: bool = False
) -> Tensor:
    """Largest slope ||f(z + d) - f(z)|| / ||d|| that gradient ascent finds with 0 < ||d|| <= radius.

    Args:
        model: The model.
        x: Images (N, C, H, W) in [0, 1].
        radius: Largest length of d, L2 on the normalised input z.
        generator: Draws the start, on the CPU.
        softmax: Whether to take probabilities instead of logits.

    Returns:
        Slopes (N,).
    """
    z = model.normalise(x).detach()
    with torch.no_grad():
        answer = _answer(model, z, softmax=softmax)
    d = _unit(torch.randn(z.shape, generator=generator).to(z)) * (radius / 2)
    best = torch.zeros(len(x), device=x.device)
    for step in range(STEPS + 1):
        d = d.detach().requires_grad_()
        slope = (_answer(model, z + d, softmax=softmax) - answer).norm(dim=1) / _norm(d).flatten()
        best = torch.maximum(best, slope.detach())
        if step == STEPS:
            break
        (uphill,) = torch.autograd.grad(slope.sum(), d)
        # Half the radius at first, a tenth at last; the ratio is not defined at 0, so no step ends there.
        moved = d.detach() + _unit(uphill) * radius * (0.5 - 0.4 * step / STEPS)
        length = _norm(moved)
        d = moved * (length.clamp(radius / 100, radius) / length.clamp_min(1e-12))
    return best


def flips_within(model: Classifier, x: Tensor, labels: Tensor, radius: float | Tensor) -> Tensor:
    """Whether an attack changes the answer to each image.

    Gradient ascent on the largest wrong logit minus the true one; every point on the way is tested, and stays in
    [0, 1].

    Args:
        model: The model.
        x: Images (N, C, H, W) in [0, 1].
        labels: True classes (N,).
        radius: Largest change, L2 on the normalised input, for all or for each image (N,).

    Returns:
        Booleans (N,).
    """
    z = model.normalise(x).detach()
    low, high = model.normalise(torch.zeros_like(x[:1])), model.normalise(torch.ones_like(x[:1]))
    radius = torch.as_tensor(radius, device=x.device, dtype=x.dtype).view(-1, 1, 1, 1)
    lost = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    d = torch.zeros_like(z)
    for step in range(STEPS + 1):
        d = d.detach().requires_grad_()
        logits = model.net(z + d).float()
        true = logits.gather(1, labels[:, None])[:, 0]
        others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
        lost |= others.detach() > true.detach()
        if step == STEPS or lost.all():
            break
        (uphill,) = torch.autograd.grad((others - true).sum(), d)
        d = d.detach() + _unit(uphill) * (2.5 * radius / STEPS)
        d = d * (radius / _norm(d).clamp_min(1e-12)).clamp(max=1)
        d = (z + d).clamp(low, high) - z  # a convex set that holds z: this only shortens d
    return lost


def _answer(model: Classifier, z: Tensor, *, softmax: bool) -> Tensor:
    """Logits or probabilities (N, K) of normalised input."""
    logits: Tensor = model.net(z).float()
    return logits.softmax(1) if softmax else logits


def _norm(d: Tensor) -> Tensor:
    """L2 norm per image, (N, 1, 1, 1)."""
    return d.flatten(1).norm(dim=1).view(-1, 1, 1, 1)


def _unit(d: Tensor) -> Tensor:
    """Each image scaled to L2 norm 1; zero stays zero."""
    return d / _norm(d).clamp_min(1e-12)
