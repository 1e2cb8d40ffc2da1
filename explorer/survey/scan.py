"""The scan: batches of images in, rows of numbers out. Pure functions; nothing here knows about files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.analysis import measures
from explorer.analysis.varied import undistorted
from explorer.data import images
from explorer.data.reading import Images, ahead
from explorer.distortions import apply, image_seed
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.survey.pictures import given, joined
from explorer.survey.plan import Condition, Plan

Columns = dict[str, NDArray]
"""Rows by column: arrays of one length, ``layers`` (rows, layers of the model with most, NaN beyond)."""


@dataclass(frozen=True, eq=False)
class _Answer:
    """One model's answers to a batch: log-probabilities (N, K) in float64 and features by layer."""

    log_p: Tensor
    features: Mapping[str, Tensor]


Tick = Callable[[int], None]
"""Called with the number of new rows, between two pieces of work; what it raises ends it."""


def scan(models: Sequence[Classifier], parts: Sequence[Images], plan: Plan, tick: Tick | None = None) -> Columns:
    """Apply every condition of the plan to a batch of images and ask every model.

    Each distorted image is made once and given to all models, unless an attack is crafted on each of them; on a GPU,
    while the networks run, in a second thread. On a CPU the networks keep all cores busy, and a thread beside them
    costs half of the speed.

    Args:
        models: The models of the plan.
        parts: The images, those of a part of one size.
        plan: The conditions and the precision.
        tick: Called with the number of new rows between pieces of work; what it raises ends the scan.

    Returns:
        One row per condition, model and image, in this order.

    Raises:
        ExplorerError: If a model returns values that are not finite.
    """
    clean = [undistorted(part.pixels, plan.quantised) for part in parts]
    rows, labels = [row for part in parts for row in part.rows], torch.cat([part.labels for part in parts])
    # photographs are fitted here, once for all models that fit them alike
    asked = models if plan.photographs else inputs.check_together(models)
    known = _ask_each(asked, joined([given(models, one, plan) for one in clean]), plan)
    hashes = np.array([name for one in clean for name in images.image_hashes(one)])
    each = (_distort_for_each(asked, parts, plan, condition) for condition in plan.conditions)
    made = each if all(model.device.type == "cpu" for model in models) else ahead(each)
    found: list[Columns] = []
    for index, pixels in enumerate(made):
        shared = _shared(rows, labels, plan.conditions[index], index * plan.rows) | {"image_hash": hashes}
        for i, (model, (distorted, of_input)) in enumerate(zip(asked, pixels, strict=True)):
            measured = _measure(known[i], _ask(model, distorted, plan.precision), labels)
            found.append({**shared, **of_input, "model": np.full(len(rows), i, np.int16), **measured})
            if tick:
                tick(len(rows))
    return join(found)


def join(parts: Sequence[Columns]) -> Columns:
    """Concatenate rows.

    Args:
        parts: Rows of equal columns; ``layers`` may differ in width.

    Returns:
        All rows, one part after another; ``layers`` padded with NaN.
    """
    width = max(part["layers"].shape[1] for part in parts)
    for part in parts:
        missing = width - part["layers"].shape[1]
        part["layers"] = np.pad(part["layers"], ((0, 0), (0, missing)), constant_values=np.nan)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def distort(
    models: Sequence[Classifier], batch: Images, plan: Plan, condition: Condition, model: str | None = None
) -> tuple[Tensor, list[int]]:
    """Make the distorted images of one condition.

    Attacks move away from the true class, or from the attacked model's own answer where the class is unknown.

    Args:
        models: The models of the plan, among them the one attacked.
        batch: The images.
        plan: The plan of the survey.
        condition: One of its conditions.
        model: Name of the model that is shown the images, where each is attacked on itself; the first by default.

    Returns:
        The distorted images (N, C, H, W) in [0, 1] and the seed of each.
    """
    recipe = plan.recipe(condition, 0, model)
    clean, labels = undistorted(batch.pixels, plan.quantised), batch.labels
    unknown = labels < 0
    target = inputs.attack_target(recipe, models, clean, None if bool(unknown.any()) else labels)
    if target is not None and target.labels is not None:
        target = replace(target, labels=torch.where(unknown, target.labels.to(labels.device), labels))
    seeds = [image_seed(condition.seed, row) for row in batch.rows]
    return apply(recipe, batch.pixels, target=target, seeds=seeds), seeds


def _distort_for_each(
    models: Sequence[Classifier], parts: Sequence[Images], plan: Plan, condition: Condition
) -> list[tuple[Tensor, Columns]]:
    """What each model is given under one condition: the very same images, or an attack crafted on itself."""
    if plan.crafted_on_each(condition):
        found = [_distort(models, parts, plan, condition, model.name) for model in models]
        return [(pixels[i], columns) for i, (pixels, columns) in enumerate(found)]
    pixels, columns = _distort(models, parts, plan, condition)
    return [(one, columns) for one in pixels]


def _distort(
    models: Sequence[Classifier], parts: Sequence[Images], plan: Plan, condition: Condition, model: str | None = None
) -> tuple[list[Tensor], Columns]:
    """What each model is given of the distorted images of one condition, and how far they are from the clean ones."""
    shown, columns = [], []
    for part in parts:  # photographs one by one: only what the models are given of them is kept
        distorted, seeds = distort(models, part, plan, condition, model)
        of_input = _apart(undistorted(part.pixels, plan.quantised), distorted)
        columns.append(of_input | {"image_seed": np.array(seeds, np.int64)})
        shown.append(given(models, distorted, plan))
    return joined(shown), {name: np.concatenate([one[name] for one in columns]) for name in columns[0]}


def _apart(clean: Tensor, distorted: Tensor) -> Columns:
    """How far distorted images are from the clean ones, and their hashes."""
    difference = (distorted - clean).flatten(1).double()
    l2 = difference.norm(dim=1)
    psnr = 10 * torch.log10(difference.shape[1] / l2.square())  # infinite where nothing changed
    return {
        "l2": l2.float().numpy(),
        "linf": difference.abs().amax(dim=1).float().numpy(),
        "psnr": psnr.float().numpy(),
        "ssim": measures.ssim_each(clean, distorted).float().numpy(),
        "hash": np.array(images.image_hashes(distorted)),
    }


def _shared(images_of: Sequence[int], labels: Tensor, condition: Condition, first: int) -> Columns:
    """What the rows of all models have in common. ``first``: the number of the condition's first case."""
    n, rows = len(images_of), np.array(images_of, np.int64)
    return {
        "case": first + rows,
        "image": rows.astype(np.int32),
        "label": labels.numpy().astype(np.int16),
        "distortion": np.full(n, condition.distortion),
        "amount": np.full(n, condition.amount),
        "seed": np.full(n, condition.seed, np.int64),
    }


def _ask_each(models: Sequence[Classifier], shown: Sequence[Tensor], plan: Plan) -> list[_Answer]:
    return [_ask(model, x, plan.precision) for model, x in zip(models, shown, strict=True)]


def _ask(model: Classifier, x: Tensor, precision: str) -> _Answer:
    with _autocast(model, precision):
        logits, features = inputs.answer(model, x)
    return _Answer(measures.log_probabilities(logits), features)


def _autocast(model: Classifier, precision: str) -> AbstractContextManager[object]:
    if precision == "float32":
        return nullcontext()
    return torch.autocast(model.device.type, dtype=torch.bfloat16)


def _measure(clean: _Answer, answer: _Answer, labels: Tensor) -> Columns:
    """One model's columns: answers, confidence, margins, KL and feature distances."""
    before, after = clean.log_p.exp(), answer.log_p.exp()
    was, now = before.argmax(1), after.argmax(1)
    l2, cosine = measures.batch_distances(clean.features, answer.features)
    correct, correct_before = now == labels, was == labels
    return {
        "prediction": now.numpy().astype(np.int16),
        "confidence": after.amax(1).float().numpy(),
        "confidence_true": _of(after, labels),
        "margin": measures.margin(after).float().numpy(),
        "margin_true": _margin_of(after, labels),
        "kl": measures.kl(clean.log_p, answer.log_p).float().numpy(),
        "flipped": (was != now).numpy(),
        "correct": correct.numpy(),
        "clean_prediction": was.numpy().astype(np.int16),
        "clean_confidence": before.amax(1).float().numpy(),
        "clean_confidence_true": _of(before, labels),
        "clean_correct": correct_before.numpy(),
        "feature_l2": l2[:, -1],
        "feature_cosine": cosine,
        "layers": l2,
    }


def _of(p: Tensor, labels: Tensor) -> NDArray:
    """The probability (N,) of the true class, NaN where it is not known."""
    found = p.gather(1, labels.clamp_min(0)[:, None])[:, 0]
    return torch.where(labels < 0, torch.nan, found).float().numpy()


def _margin_of(p: Tensor, labels: Tensor) -> NDArray:
    """The probability (N,) of the true class minus the largest other one, NaN where it is not known."""
    of_label = labels.clamp_min(0)[:, None]
    others = p.scatter(1, of_label, -torch.inf).amax(1) if p.shape[1] > 1 else torch.zeros(len(p))
    return torch.where(labels < 0, torch.nan, p.gather(1, of_label)[:, 0] - others).float().numpy()
