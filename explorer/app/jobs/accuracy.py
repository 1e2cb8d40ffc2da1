"""Accuracy of all models of a data set while one distortion grows, on its first test images: for the page "Methods"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.methods.groups import find_group
from explorer.app.methods.measured import SIZES, amounts_of, find_known, reaches
from explorer.data import images
from explorer.data.datasets import Dataset
from explorer.distortions import Recipe, apply, find_distortion, image_seed
from explorer.errors import ExplorerError
from explorer.evaluation.evaluate import needs_fit
from explorer.evaluation.intervals import wilson_interval
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.inference import Meter, Progress

SEED = 0
"""Of all recipes; image i is distorted with ``image_seed(SEED, i)``, as in ``evaluate``."""

ATTACKED = 4  # an attack asks for gradients, some of them twenty times: its pieces hold fewer images


@job("accuracy")
def accuracy(context: Context, question: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """{"data", "distortion", "reach", "images"} -> the models' accuracies on the first so many test images.

    {"n", "seed", "amounts", "models": [{"name", "accuracy", "low", "high"}, ...]}: one number per amount, with its
    95 % Wilson interval. What was counted for fewer images is kept, so that asking for more goes on from there. All
    models see the same pixels; under an attack each sees the one made on itself.
    """
    group = find_group(context.workspace, question.get("data"))
    kind = find_known(question.get("distortion"))
    reach = question.get("reach")
    if reach not in reaches(kind, group):
        raise ExplorerError("The page asked for amounts that do not exist; reload it.")
    n = question.get("images")
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= SIZES[-1]:
        raise ExplorerError(f"Choose 1 to {SIZES[-1]} images.")
    if group.data not in context.workspace.catalog.names():
        raise ExplorerError(f"{group.title} is not on this machine; download it first.")
    models = [context.workspace.model(card.name) for card in group.cards]
    data = context.workspace.catalog.find(group.data, (group.family.size, group.family.channels))
    if len(data.classes) != len(models[0].classes):
        raise ExplorerError(f"{group.title} has other classes here than its models know.")
    n = min(n, len(data))
    amounts = amounts_of(kind, group, reach)
    counts = context.counts.counts(group.data, kind.name, reach)
    if n not in counts:
        start = max((known for known in counts if known < n), default=0)
        more = count_right(models, data, kind.name, amounts, range(start, n), progress)
        counts[n] = more + counts[start] if start else more
    right = counts[n]
    intervals = [[wilson_interval(int(one), n) for one in row] for row in right]
    return {
        "n": n,
        "seed": SEED,
        "amounts": amounts,
        "models": [
            {
                "name": model.name,
                "accuracy": (right[i] / n).tolist(),
                "low": [low for low, _ in intervals[i]],
                "high": [high for _, high in intervals[i]],
            }
            for i, model in enumerate(models)
        ],
    }


def count_right(
    models: Sequence[Classifier],
    data: Dataset,
    name: str,
    amounts: Sequence[float],
    rows: range,
    progress: Progress | None = None,
) -> NDArray[np.int64]:
    """How many of these rows each model names rightly under each amount, (models, amounts): as ``evaluate`` counts.

    In pieces of a few images, all amounts of a piece before the next, so that ``progress`` is called often.
    """
    kind, size, channels = find_distortion(name), models[0].size, models[0].channels
    values = inputs.PIECE_VALUES // (ATTACKED if kind.adversarial else 1)
    pieces = inputs.pieces(rows, inputs.piece_size((channels, size, size), values))
    meter = Meter(progress, len(pieces) * len(amounts) * len(models))
    right = np.zeros((len(models), len(amounts)), np.int64)
    for piece in pieces:
        x, labels = data.batch(piece)
        x = images.fit(x, size, channels) if needs_fit(models[0], data) else x
        seeds = [image_seed(SEED, i) for i in piece]
        for j, amount in enumerate(amounts):
            recipe = Recipe(((name, amount),), seed=SEED)
            shown = x if kind.adversarial else apply(recipe, x, seeds=seeds)
            for i, model in enumerate(models):
                if kind.adversarial:
                    own = replace(recipe, against=model.name)
                    shown = apply(own, x, target=inputs.attack_target(own, [model], x, labels), seeds=seeds)
                right[i, j] += int((inputs.predictions(model, shown) == labels).sum())
                meter.step()
    return right
