"""The measurements of the report: three networks on the same pictures, under what was trained on and what was not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.distortions import Recipe, apply, find_distortion, image_seed
from explorer.evaluation.statistics import Interval, compare_paired, holm, wilson_interval
from explorer.models.classifier import Classifier
from explorer.progress import Meter
from explorer.stabilizing.reading import Parts, Source
from explorer.stabilizing.settings import Settings
from explorer.stabilizing.tasks import CHUNK
from explorer.training.stability_mix import RELATIVES

ROLES = ("start", "stabilized", "control")

OTHERS = (
    *("shot_noise", "impulse_noise", "gaussian_blur", "motion_blur", "pixelate"),
    *("webp", "contrast", "brightness", "fog", "rotate"),
)
"""Distortions of every family, by which the report looks for losses; those that were trained on are left out."""


@dataclass(frozen=True)
class Row:
    """One network under one condition; shares in [0, 1].

    Attributes:
        role: ``start``, ``stabilized`` or ``control``.
        recipe: The condition; "clean" for none.
        trained: Whether the distortion was drawn in training.
        n: Number of pictures.
        holds: Share of distorted pictures that it answers as the clean one; 1 for clean ones.
        holds_interval: Its 95 % interval (Wilson).
        agreement: Share that it answers as the start network answered the clean picture.
        difference: ``holds`` (of clean pictures: ``agreement``) minus that of the start network; None for that.
        interval: Its 95 % interval, paired (Tango).
        p: Of the exact paired test.
        holm: The same after Holm's correction over all conditions of this network.
        accuracy: Share named rightly, where labels are known.
        accuracy_difference: Minus that of the start network.
        accuracy_interval: Its 95 % interval, paired (Tango).
        instability: Share named rightly in the clean or in the distorted version, but not in both (Cidon et al. 2020,
            arXiv 2010.09028).
    """

    role: str
    recipe: str
    trained: bool
    n: int
    holds: float
    holds_interval: Interval
    agreement: float
    difference: float | None = None
    interval: Interval | None = None
    p: float | None = None
    holm: float | None = None
    accuracy: float | None = None
    accuracy_difference: float | None = None
    accuracy_interval: Interval | None = None
    instability: float | None = None


@dataclass(frozen=True)
class Example:
    """A picture that tells something.

    Attributes:
        kind: ``gained`` (its answer flipped before and holds now), ``lost`` (the reverse) or ``changed`` (another
            answer to the clean picture).
        source: Where the picture comes from.
        recipe: With its seed; "" for the clean picture.
        before: The start network's answers to the clean and to the distorted picture.
        after: Those of the stabilized one.
        pixels: The distorted picture, uint8 (C, H, W).
    """

    kind: str
    source: Source
    recipe: str
    before: tuple[str, str]
    after: tuple[str, str]
    pixels: Tensor

    def to_dict(self) -> dict[str, Any]:
        """The example as a JSON object, without its pixels.

        Returns:
            Plain values.
        """
        told = {key: getattr(self, key) for key in ("kind", "recipe", "before", "after")}
        return told | {"name": self.source.name, "row": self.source.row}


def conditions(settings: Settings, side: int) -> list[tuple[Recipe, bool]]:
    """What the report measures under.

    Args:
        settings: Of the training.
        side: Side of the pictures in px.

    Returns:
        Recipes, and whether their distortion was trained on: clean; the middle and the strong end of every range; and
        each of ``OTHERS`` at its published severity 3, or where none is published its default amount.
    """
    found = [(Recipe((), settings.seed), False)]
    for one in settings.under:
        ends = dict.fromkeys(((one.low + one.high) / 2, one.strong))
        found += [(_recipe(one.name, amount, settings.seed), settings.method != "mix") for amount in ends]
    drawn = {one.name for one in settings.under} | (set(RELATIVES) if settings.method == "mix" else set())
    for name in OTHERS:
        if name not in drawn:
            distortion = find_distortion(name)
            amounts = distortion.severities_at(side) or (distortion.default,) * 5
            found.append((_recipe(name, amounts[2], settings.seed), False))
    return found


def _recipe(name: str, amount: float, seed: int) -> Recipe:
    return Recipe.parse(f"{name}={find_distortion(name).check(amount):.6g};seed={seed}")


def measure(
    models: Sequence[Classifier], parts: Parts, settings: Settings, meter: Callable[[str, int], Meter]
) -> tuple[tuple[Row, ...], tuple[Example, ...]]:
    """Measure the start network, the stabilized one and the control on the pictures of the report.

    Args:
        models: These two or three, in this order.
        parts: The pictures.
        settings: Of the training.
        meter: Makes what counts forward passes.

    Returns:
        A row for each condition and network, and the telling pictures.
    """
    plan = conditions(settings, models[0].size)
    counted = meter("report", len(plan) * len(parts.reported) * len(models))
    answers = [_answers(models, parts, recipe, counted) for recipe, _ in plan]
    clean = answers[0]
    known = parts.reported.y.numpy() if parts.labelled else None
    rows: list[Row] = []
    for (recipe, trained), found in zip(plan, answers, strict=True):
        for i, role in enumerate(ROLES[: len(models)]):
            rows.append(_row(role, recipe, trained, clean, found, i, known))
    return _corrected(rows), _examples(models, parts, plan, answers)


def _row(
    role: str,
    recipe: Recipe,
    trained: bool,
    clean: NDArray[np.int64],
    found: NDArray[np.int64],
    i: int,
    known: NDArray[np.int64] | None,
) -> Row:
    n = len(clean[0])
    kept = found == (clean if recipe.steps else clean[:1])  # clean pictures: as the start network answered them
    right = None if known is None else found == known
    values: dict[str, object] = {}
    if i:
        one = compare_paired(kept[i] & ~kept[0], kept[0] & ~kept[i], kept[0] & kept[i])
        values |= {"difference": one.difference, "interval": one.interval, "p": one.p}
    if right is not None and known is not None:
        values["accuracy"] = float(right[i].mean())
        values["instability"] = float((right[i] != (clean[i] == known)).mean())
        if i:
            two = compare_paired(right[i] & ~right[0], right[0] & ~right[i], right[0] & right[i])
            values |= {"accuracy_difference": two.difference, "accuracy_interval": two.interval}
    holds = found[i] == clean[i]
    text = str(recipe).partition(";")[0] if recipe.steps else "clean"
    share, agreement = float(holds.mean()), float((found[i] == clean[0]).mean())
    return Row(role, text, trained, n, share, wilson_interval(int(holds.sum()), n), agreement, **values)  # type: ignore[arg-type]  # by name


def _corrected(rows: Sequence[Row]) -> tuple[Row, ...]:
    """With Holm's correction over the conditions of each network."""
    found = list(rows)
    for role in ROLES[1:]:
        own = [i for i, row in enumerate(rows) if row.role == role]
        for i, p in zip(own, holm([rows[i].p or 0.0 for i in own]), strict=True):
            found[i] = replace(rows[i], holm=p)
    return tuple(found)


@torch.no_grad()
def _answers(models: Sequence[Classifier], parts: Parts, recipe: Recipe, meter: Meter) -> NDArray[np.int64]:
    """The likeliest class of each picture (models, n)."""
    found: list[list[Tensor]] = [[] for _ in models]
    for start in range(0, len(parts.reported), CHUNK):
        rows = list(range(start, min(start + CHUNK, len(parts.reported))))
        x = _pixels(parts, rows, recipe)
        for own, model in zip(found, models, strict=True):
            own.append(model(x.to(model.device)).argmax(1).cpu())
            meter.step(len(rows))
    return torch.stack([torch.cat(own) for own in found]).numpy()


def _pixels(parts: Parts, rows: list[int], recipe: Recipe) -> Tensor:
    x = parts.reported.batch(rows, torch.device("cpu"))
    return apply(recipe, x, seeds=[image_seed(recipe.seed, row) for row in rows]) if recipe.steps else x


def _examples(
    models: Sequence[Classifier],
    parts: Parts,
    plan: Sequence[tuple[Recipe, bool]],
    answers: Sequence[NDArray[np.int64]],
    count: int = 3,
) -> tuple[Example, ...]:
    """Up to three pictures of each kind, each from another condition where there are enough."""
    classes, clean = models[0].classes, answers[0]
    found: list[Example] = []

    def example(kind: str, row: int, k: int) -> Example:
        recipe = plan[k][0]
        own = "" if not k else f"{str(recipe).partition(';')[0]};seed={image_seed(recipe.seed, row)}"
        before, after = ((classes[clean[i][row]], classes[answers[k][i][row]]) for i in (0, 1))
        pixels = _pixels(parts, [row], recipe)[0].mul(255).round().byte()
        return Example(kind, parts.sources[row], own, before, after, pixels)

    changed = np.flatnonzero(clean[0] != clean[1])[:count]
    for kind, sign in (("gained", 1), ("lost", -1)):
        seen: set[int] = set()
        for k in range(1, len(plan)):
            before, after = (answers[k][i] == clean[i] for i in (0, 1))
            same = clean[0] == clean[1]
            rows = np.flatnonzero(same & ((after & ~before) if sign > 0 else (before & ~after)))
            fresh = [int(row) for row in rows if int(row) not in seen]
            if fresh and len(seen) < count:
                seen.add(fresh[0])
                found.append(example(kind, fresh[0], k))
    return (*found, *(example("changed", int(row), 0) for row in changed))
