"""The next image of a data set on which the models do not agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from explorer.analysis.varied import breathing, undistorted
from explorer.data.classes import class_index
from explorer.data.datasets import Dataset
from explorer.data.photographs import read_rows as read_photographs
from explorer.data.reading import Images, read_rows
from explorer.distortions import Recipe, apply
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.progress import Meter, Progress


def next_disagreement(
    models: Sequence[Classifier],
    dataset: Dataset,
    recipe: Recipe,
    start: int,
    *,
    label: int | None = None,
    step: int = 1,
    progress: Progress | None = None,
) -> int | None:
    """Find the next image of a data set that the models do not all classify alike.

    Every image is fitted and distorted as in ``compare`` with the recipe's own seed; attacks move away from the true
    class if the models know it, otherwise from the attacked model's answer.

    Args:
        models: At least two models of one input size.
        dataset: The images.
        recipe: The distortion.
        start: Row to start from; it is skipped. -1 searches all rows from the first.
        label: Index of a class; only its rows are searched.
        step: Rows to advance by; -1 searches backwards.
        progress: Called with rows done and rows in all.

    Returns:
        The row, after at most one pass through the data set; None if the models agree everywhere.

    Raises:
        ExplorerError: If there are fewer than two models, if the start is not a row or the label not a class, and as in
            ``compare``.
    """
    models = inputs.check_together(models, photographs=recipe.on == PHOTOGRAPH, window=recipe.window)
    n = len(dataset)
    if step == 0 or not -1 <= start < n:
        raise ExplorerError(
            f"The search starts at row {start} with step {step}; rows go from 0 to {n - 1}, steps are not 0."
        )
    if label is not None and not 0 <= label < len(dataset.classes):
        raise ExplorerError(f"{dataset.name} has the classes 0 to {len(dataset.classes) - 1}, not {label}.")
    if len(models) < 2:
        raise ExplorerError("Finding a disagreement needs at least two models; add another.")
    rows = [row for row in _round(start, step, n) if label is None or int(dataset.labels[row]) == label]
    meter = Meter(progress, len(rows))
    for part in _growing(
        rows, inputs.piece_size((models[0].channels, models[0].size, models[0].size), inputs.DRAWN_VALUES)
    ):
        for read in _read(models, dataset, recipe, part):
            agree = _agree(models, _distorted(models, dataset, recipe, read, meter), meter)
            if not bool(agree.all()):
                return read.rows[int((~agree).nonzero()[0])]
        meter.step(len(part))
    return None


def _read(models: Sequence[Classifier], dataset: Dataset, recipe: Recipe, part: Sequence[int]) -> Iterator[Images]:
    """The rows without those that cannot be read; photographs at their own size come one by one."""
    if recipe.on == PHOTOGRAPH:
        found, _ = read_photographs(dataset, part)
        for row, pixels in found.items():
            yield Images(pixels, torch.from_numpy(np.asarray(dataset.labels)[[row]]), (row,))
        return
    read = read_rows(dataset, part, models[0].takes)
    if read.rows:
        yield read


def _round(start: int, step: int, n: int) -> Iterator[int]:
    """The rows after ``start``, once round; all of them from an end on where ``start`` is -1."""
    first, count = (
        (start, n // math.gcd(n, step) - 1) if start >= 0 else ((-1 if step > 0 else 0), n // math.gcd(n, step))
    )
    for i in range(1, count + 1):
        yield (first + i * step) % n


def _growing(rows: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """Pieces of 1, 2, 4 ... ``most`` rows: an answer near the start costs little, a long search few calls."""
    start, size = 0, 1
    while start < len(rows):
        yield rows[start : start + size]
        start, size = start + size, min(2 * size, most)


def _distorted(models: Sequence[Classifier], dataset: Dataset, recipe: Recipe, read: Images, meter: Meter) -> Tensor:
    x = read.pixels
    target = inputs.attack_target(recipe, models, undistorted(x, recipe.quantised), None)
    if target is not None and target.labels is not None:
        index = [class_index(name, models[0].classes) for name in dataset.classes]
        true = torch.tensor([-1 if label < 0 or (i := index[label]) is None else i for label in read.labels.tolist()])
        target = breathing(replace(target, labels=torch.where(true >= 0, true, target.labels)), meter.step)
    return apply(recipe, x, target=target)


def _agree(models: Sequence[Classifier], x: Tensor, meter: Meter) -> Tensor:
    """Whether all models call each image (N, C, H, W) by the same name, (N,)."""
    agree, first = torch.ones(len(x), dtype=torch.bool), list[str]()
    for model in models:
        names = [model.classes[i] for i in inputs.predictions(model, x).tolist()]
        first = first or names
        agree &= torch.tensor([ours == theirs for ours, theirs in zip(first, names, strict=True)])
        meter.step(0)
    return agree
