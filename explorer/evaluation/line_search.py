"""Line search: how far an image must be moved along one direction until a correct answer changes.

The measure of the BANG paper (Rozsa, Guenther & Boult 2016, arXiv 1612.00138): for every image that a model classifies
correctly, the smallest step, in whole 1/255, along a direction taken from the gradient at the clean image, that changes
the answer; every step is clipped to [0, 1] and rounded to 8 bits. Reported are the share of images that some step of 1
to 255 breaks, the mean step over these, and the median over all, which the strongest images do not escape. Directions:

- ``fgsm``: sign of the gradient of the cross-entropy (FGS in the paper), every value moves by the step;
- ``fgsm_float32``: the same as float32 rounds this gradient, which is how published numbers were computed;
- ``fgsm_margin``: the same of the logit margin;
- ``hot_cold``: the gradient of the logit margin itself, which heats the nearest wrong class and cools the true one (HC1
  in the paper; Rozsa, Rudd & Boult 2016, arXiv 1605.01775);
- ``fgv``: the gradient of the cross-entropy itself (the fast gradient value of the latter paper).

The last two are scaled so that the value that moves most moves by the step. Where a gradient is exactly zero in
float32 there is no direction, and the image counts as not broken. The pictures found are rated by PASS, as in the
paper: their similarity to the originals after alignment (``explorer.evaluation.similarity``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.data.datasets import Dataset
from explorer.data.images import quantise
from explorer.distortions.adversarial import Objective, cross_entropy, log_odds, negative_margin, slope
from explorer.errors import ExplorerError
from explorer.evaluation.results import SuiteResult, about, interval_columns
from explorer.evaluation.sample import Sample
from explorer.evaluation.similarity import similarity
from explorer.evaluation.statistics import Interval, mean_interval, wilson_interval
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.progress import Progress
from explorer.results import percent

LARGEST = 255
"""The largest step, in 1/255: full scale."""


SCORED = 1000
"""How many pictures of a direction are rated by PASS, the first ones: the alignment takes some milliseconds each."""


def _largest_is_one(gradient: Tensor) -> Tensor:
    gradient = gradient.double()  # the smallest float32 numbers cannot be divided by one another
    return gradient / gradient.abs().amax((1, 2, 3), keepdim=True)


DIRECTIONS: dict[str, tuple[Objective, Callable[[Tensor], Tensor]]] = {
    "fgsm": (log_odds, torch.sign),
    "fgsm_float32": (cross_entropy, torch.sign),
    "fgsm_margin": (negative_margin, torch.sign),
    "fgv": (log_odds, _largest_is_one),
    "hot_cold": (negative_margin, _largest_is_one),
}
"""By name: what the gradient is taken of, and what makes a direction of it, its largest value 1 or -1."""


@dataclass(frozen=True)
class Search:
    """One direction, over the images that a model classifies correctly.

    Attributes:
        direction: Its name in ``DIRECTIONS``.
        broken: Share of the images that some step breaks, in [0, 1].
        interval: 95 % Wilson interval of ``broken``.
        epsilon: Mean of the smallest steps that break an image, in 1/255; None if no image is broken.
        epsilon_interval: Its 95 % percentile bootstrap interval over the broken images; None as above.
        median_all: Median of the smallest steps over all the images, in 1/255, those that no step breaks counting as
            infinitely far, which the mean leaves out; None where it is infinite.
        similarity: Mean PASS in [-1, 1] of the pictures that the smallest steps make, the first ``SCORED`` of them; 1
            where nothing can be seen of the step; None if no image is broken.
        zero_gradients: Share of the images whose gradient is exactly zero in float32.
    """

    direction: str
    broken: float
    interval: Interval
    epsilon: float | None
    epsilon_interval: Interval | None
    median_all: float | None
    similarity: float | None
    zero_gradients: float


@dataclass(frozen=True)
class SearchSummary:
    """The searches of one model.

    Attributes:
        model: Name of the model.
        clean: Accuracy on clean images, in [0, 1].
        clean_interval: Its 95 % Wilson interval.
        correct: Number of images that the model classifies correctly.
        searches: One search per direction.
    """

    model: str
    clean: float
    clean_interval: Interval
    correct: int
    searches: tuple[Search, ...]

    def to_dict(self) -> dict[str, Any]:
        """The summary as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        searches = [
            asdict(one)
            | {
                "interval": list(one.interval),
                "epsilon_interval": None if one.epsilon_interval is None else list(one.epsilon_interval),
            }
            for one in self.searches
        ]
        return {**vars(self), "clean_interval": list(self.clean_interval), "searches": searches}


@dataclass(frozen=True, repr=False)
class LineSearch(SuiteResult):
    """How far images must move until a correct answer changes.

    Attributes:
        summaries: One summary per model.
    """

    summaries: tuple[SearchSummary, ...]

    def records(self) -> list[dict[str, Any]]:
        """The search as rows of a table.

        Returns:
            One row per model and direction; ``n`` counts the images that the model classifies correctly.
        """
        return [
            {**self._of_all(), "model": one.model, "clean": one.clean, "n": one.correct, "direction": search.direction,
             "broken": search.broken, **interval_columns(search.interval), "epsilon": search.epsilon,
             **interval_columns(search.epsilon_interval, "epsilon_"), "median_all": search.median_all,
             "similarity": search.similarity,
             "zero_gradients": search.zero_gradients}
            for one in self.summaries
            for search in one.searches
        ]  # fmt: skip

    def __str__(self) -> str:
        lines = [self.heading]
        for one in self.summaries:
            broken = ", ".join(f"{search.direction} {percent(search.broken)}" for search in one.searches)
            lines.append(f"  {one.model}: clean {percent(one.clean)}, broken by {broken}")
        return "\n".join(lines)


def line_search(
    models: Sequence[Classifier],
    dataset: Dataset,
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> LineSearch:
    """Search along all directions on clean images, each model along its own.

    Args:
        models: Models of one input size.
        dataset: Labelled images.
        limit: Number of images, the first ones; all by default.
        seed: Not used: nothing is random.
        batch_size: Images per forward pass; chosen by size by default.
        progress: Called with images done and images in all.

    Returns:
        A summary per model.

    Raises:
        ExplorerError: As in ``run_suite``, and if a model classifies no image correctly.
    """
    sample = Sample.of(models, dataset, limit, batch_size)
    models, n = sample.models, sample.n
    summaries = []
    for index, model in enumerate(models):
        steps: dict[str, list[Tensor]] = {name: [] for name in DIRECTIONS}
        scores: dict[str, list[float]] = {name: [] for name in DIRECTIONS}
        zeros = dict.fromkeys(DIRECTIONS, 0)
        correct = 0
        for rows, clean, labels in sample.batches():
            x = quantise(clean)
            named_correctly = inputs.predictions(model, x) == labels
            x, labels = x[named_correctly], labels[named_correctly]
            correct += len(x)
            for name in DIRECTIONS if len(x) else ():
                found, zero = smallest_steps(model, x, labels, name)
                steps[name].append(found)
                first = found.nonzero()[: SCORED - len(scores[name]), 0]
                if len(first):
                    towards, _ = _direction(model, x[first], labels[first], name)
                    pictures = _moved(x[first], towards, found[first].double().view(-1, 1, 1, 1))
                    scores[name] += similarity(x[first], pictures).tolist()
                zeros[name] += int(zero.sum())
            if progress is not None:
                progress(index * n + rows[-1] + 1, len(models) * n)
        n = sample.count
        if not correct:
            raise ExplorerError(
                f"{model.name} classifies none of these {n} images correctly, so there is no answer to change."
            )
        searches = tuple(_search(name, torch.cat(steps[name]), scores[name], zeros[name]) for name in DIRECTIONS)
        summaries.append(SearchSummary(model.name, correct / n, wilson_interval(correct, n), correct, searches))
    return LineSearch("line-search", *about(sample, seed), tuple(summaries))


def smallest_steps(model: Classifier, x: Tensor, labels: Tensor, direction: str) -> tuple[Tensor, Tensor]:
    """Find the smallest step that breaks each image.

    Every step is tried, the small ones first, as answers may come back.

    Args:
        model: The model.
        x: Images (N, C, H, W) with 8-bit values in [0, 1].
        labels: The model's answers (N,).
        direction: A name in ``DIRECTIONS``.

    Returns:
        Steps (N,) int64 in 1/255, 0 where none up to ``LARGEST`` breaks the image; and booleans (N,), whether the
        gradient is zero.
    """
    towards, zero = _direction(model, x, labels, direction)
    found = torch.zeros(len(x), dtype=torch.int64)
    standing = (~zero).nonzero()[:, 0]
    at_once = inputs.batch_size(x.shape[1:], model.device)
    first = 1
    while first <= LARGEST and len(standing):
        # as many steps of the remaining images as fill one batch
        sizes = torch.arange(first, min(first + max(1, at_once // len(standing)), LARGEST + 1))
        shown = _moved(x[standing], towards[standing], sizes.view(-1, 1, 1, 1, 1)).flatten(0, 1)
        broken = inputs.predictions(model, shown).view(len(sizes), -1) != labels[standing]
        fell = broken.any(0)
        found[standing[fell]] = sizes[broken.int().argmax(0)][fell]
        standing = standing[~fell]
        first += len(sizes)
    return found, zero


def _direction(model: Classifier, x: Tensor, labels: Tensor, direction: str) -> tuple[Tensor, Tensor]:
    """The directions of images (N, C, H, W), float64, and whether there is none (N,): then it is all zeros."""
    objective, unit = DIRECTIONS[direction]
    gradient = slope(x, inputs.target_of(model, labels), objective)
    zero = (gradient == 0).flatten(1).all(1)
    towards = torch.zeros_like(x, dtype=torch.float64)
    towards[~zero] = unit(gradient[~zero]).double()
    return towards, zero


def _moved(x: Tensor, towards: Tensor, steps: Tensor) -> Tensor:
    """Images moved by steps in 1/255, clipped and rounded to 8 bits."""
    return quantise((x.double() + steps / 255 * towards).clamp(0, 1).float())


def _search(direction: str, steps: Tensor, scores: list[float], zeros: int) -> Search:
    """Summarise the smallest steps (N,) of one direction, 0 where there is none."""
    n, reached = len(steps), steps[steps > 0].double().numpy()
    count = len(reached)
    middle = float(np.median(np.where(steps > 0, steps, np.inf)))
    return Search(
        direction=direction,
        broken=count / n,
        interval=wilson_interval(count, n),
        epsilon=float(reached.mean()) if count else None,
        epsilon_interval=mean_interval(reached) if count else None,
        median_all=middle if np.isfinite(middle) else None,
        similarity=float(np.mean(scores)) if scores else None,
        zero_gradients=zeros / n,
    )
