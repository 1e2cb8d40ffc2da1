"""What models answered to the frames of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.evaluation.flips import holds_among_neighbours, same_among_neighbours
from explorer.evaluation.statistics import Interval, Paired, compare_paired, ratio_interval
from explorer.models import Card
from explorer.results import Result, percent

NEIGHBOURS = 10
"""Frames on each side among which an answer is to hold: the k of ImageNet-Vid-Robust."""

Blocks = NDArray[np.int64]


def blocks(count: int) -> Blocks:
    """Runs of neighbouring cases that count as one cluster, as long as there are of them.

    Args:
        count: Number of cases in order.

    Returns:
        Where each run begins; they are about sqrt(count) long.
    """
    return np.arange(0, count, max(1, round(count**0.5)))


def paired(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> Paired:
    """Compare two series of one clip, a run of neighbours as one cluster.

    Args:
        first: Cases in order (n,).
        second: The same cases for the other model.

    Returns:
        The shares with their intervals, and the difference.
    """
    gained, lost, both = _sums(second & ~first), _sums(first & ~second), _sums(first & second)
    return compare_paired(gained, lost, both, _sums(np.ones(len(first))))


def ratio(values: NDArray[Any], base: NDArray[Any] | None = None) -> tuple[float, Interval] | None:
    """The mean of a series of one clip, or its ratio to that of another.

    Args:
        values: In order (n,).
        base: What its sum is divided by (n,); None: the number of values.

    Returns:
        The ratio and its 95 % interval, by bootstrap over runs of neighbours; None where the sum of ``base`` is 0.
    """
    above, below = _sums(values), _sums(np.ones(len(values)) if base is None else base)
    interval = ratio_interval(above[None], below[None])
    return None if interval is None else (float(above.sum() / below.sum()), interval)


def _sums(values: NDArray[Any]) -> NDArray[np.float64]:
    """The sum of each run of neighbours."""
    found: NDArray[np.float64] = np.add.reduceat(values.astype(np.float64), blocks(len(values)))
    return found


@dataclass(frozen=True, eq=False)
class FrameAnswers:
    """One model's answers to the frames of a clip.

    Attributes:
        name: Name of the model.
        title: Title of its method.
        method: Its training method.
        classes: Its class names.
        answers: Index of the likeliest class of each frame (F,).
        confidence: Its probability, in [0, 1] (F,).
        change: Total variation between the probabilities of a frame and of the one before, in [0, 1] (F - 1,).
        top5_distance: Distance of the five likeliest classes of neighbours, 0 to 15 (F - 1,).
        feature_l2: L2 distance between the penultimate features of neighbours (F - 1,).
        feature_cosine: 1 - cos of their angle, in [0, 2] (F - 1,).
        card: The model's card.
    """

    name: str
    title: str
    method: str
    classes: tuple[str, ...]
    answers: NDArray[np.int64]
    confidence: NDArray[np.float64]
    change: NDArray[np.float64]
    top5_distance: NDArray[np.int64]
    feature_l2: NDArray[np.float64]
    feature_cosine: NDArray[np.float64]
    card: Card

    @cached_property
    def flipped(self) -> NDArray[np.bool_]:
        """Whether each frame is answered otherwise than the one before (F - 1,)."""
        found: NDArray[np.bool_] = self.answers[1:] != self.answers[:-1]
        return found

    @property
    def flips(self) -> int:
        """Number of flips."""
        return int(self.flipped.sum())

    @property
    def flip_rate(self) -> float:
        """Share of the pairs of neighbours that are answered differently: the clip's flip probability."""
        return float(self.flipped.mean())

    @property
    def interval(self) -> Interval:
        """The 95 % interval of ``flip_rate`` (Wilson), a run of neighbours as one cluster."""
        return paired(self.flipped, self.flipped).first_interval

    def steady(self, k: int = NEIGHBOURS) -> Paired:
        """Frames whose neighbours are all answered as they are.

        Args:
            k: Frames on each side.

        Returns:
            Their share, as ``first``, with its interval.
        """
        same = same_among_neighbours(self.answers, k)
        return paired(same, same)

    def to_dict(self) -> dict[str, Any]:
        """The answers as a JSON object.

        Returns:
            Plain values; lists with one value per frame, or per pair of neighbours; ``n``, the number of these pairs,
            belongs to all measures beside it.
        """
        steady = self.steady()
        return {
            "name": self.name,
            "title": self.title,
            "method": self.method,
            "frames": len(self.answers),
            "flips": self.flips,
            "n": len(self.flipped),
            "flip_rate": self.flip_rate,
            "interval": list(self.interval),
            "steady": {
                "k": NEIGHBOURS,
                "n": len(self.answers),
                "share": steady.first,
                "interval": list(steady.first_interval),
            },
            **_named("top5_distance_mean", ratio(self.top5_distance)),
            **_named("change_mean", ratio(self.change)),
            "answers": [self.classes[i] for i in self.answers.tolist()],
            "confidence": self.confidence.tolist(),
            "change": self.change.tolist(),
            "top5_distance": self.top5_distance.tolist(),
            "feature_distance": [
                {"l2": l2, "cosine": cosine}
                for l2, cosine in zip(self.feature_l2.tolist(), self.feature_cosine.tolist(), strict=True)
            ],
        }


def _named(name: str, found: tuple[float, Interval] | None) -> dict[str, Any]:
    """A measure and its interval as values of a JSON object, which the frames' own lists stand beside."""
    value, interval = found or (None, None)
    return {name: value, f"{name.removesuffix('_mean')}_interval": interval and list(interval)}


@dataclass(frozen=True, eq=False)
class TellingPair:
    """Two neighbours that look much alike and are answered very differently.

    Attributes:
        frame: Index of the second of them.
        model: Name of the model that changes its mind the most.
        change: By how much: the total variation between its probabilities, in [0, 1].
        rms: Root-mean-square difference of the pixels, in [0, 1].
        before: The first model's input (C, H, W), uint8.
        after: The same of the second frame.
    """

    frame: int
    model: str
    change: float
    rms: float
    before: Tensor
    after: Tensor

    @property
    def score(self) -> float:
        """Change of the answer per change of the picture; half a step of 8 bits counts as none."""
        return self.change / (self.rms + 0.5 / 255)

    def to_dict(self) -> dict[str, Any]:
        """The pair as a JSON object.

        Returns:
            Plain values, without the pixels.
        """
        return {"frame": self.frame, "model": self.model, "change": self.change, "rms": self.rms, "score": self.score}


@dataclass(frozen=True, eq=False, repr=False)
class Frames(Result):
    """What several models answer to the same frames of a clip.

    Attributes:
        clip: Name of the clip.
        recipe: The recipe that acted on every frame.
        noise: ``fixed``, the same draws on every frame, or ``fresh``.
        codec: Codec and quality that the clip went through, such as ``h264=35``; "" for none.
        times: When each frame is shown, in s (F,).
        models: One entry per model, in the order given.
        pairs: The most telling pairs of neighbours, those that flip first.
        rms: Root-mean-square difference of the pixels of neighbours, in [0, 1] (F - 1,).
        label: Index of the true class, if it is known.
        warnings: Findings, one sentence each.
    """

    clip: str
    recipe: Recipe
    noise: str
    codec: str
    times: NDArray[np.float64]
    models: tuple[FrameAnswers, ...]
    pairs: tuple[TellingPair, ...]
    rms: NDArray[np.float64]
    label: int | None = None
    warnings: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> FrameAnswers:
        for one in self.models:
            if one.name == name:
                return one
        raise ExplorerError(
            f"There is no model {name!r} in this result; there are {', '.join(m.name for m in self.models)}."
        )

    def compared(self, name: str) -> Paired:
        """A model's flips beside those of the first model, on the same pairs of neighbours.

        Args:
            name: Name of the model.

        Returns:
            The comparison: the shares are flip rates, so that a positive difference is a loss.
        """
        return paired(self.models[0].flipped, self[name].flipped)

    def pm_accuracy(self, name: str, k: int = NEIGHBOURS) -> Paired:
        """How often a model is right at a frame, and at it and all its neighbours: the pm-k accuracy.

        Args:
            name: Name of the model.
            k: Frames on each side.

        Returns:
            ``first`` is the accuracy, ``second`` the pm-k accuracy, ``difference`` what the neighbours cost.

        Raises:
            ExplorerError: If the true class is not known.
        """
        if self.label is None:
            raise ExplorerError("The accuracy needs the true class of the clip; give it as label.")
        right = self[name].answers == self.label
        return paired(right, holds_among_neighbours(right, k))

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object.

        Returns:
            Plain values.
        """
        models = []
        for i, one in enumerate(self.models):
            said = one.to_dict()
            if i:
                found = self.compared(one.name)
                said["difference"], said["difference_interval"] = found.difference, list(found.interval)
                first = self.models[0]
                said |= _named("relative_flip_rate", ratio(one.flipped, first.flipped))
                said |= _named("top5_distance_difference", ratio(one.top5_distance - first.top5_distance))
            if self.label is not None:
                pm = self.pm_accuracy(one.name)
                said["accuracy"], said["accuracy_interval"] = pm.first, list(pm.first_interval)
                said["pm_accuracy"], said["pm_accuracy_interval"] = pm.second, list(pm.second_interval)
            models.append(said)
        return {
            "clip": self.clip,
            "recipe": str(self.recipe),
            "noise": self.noise,
            **({"codec": self.codec} if self.codec else {}),
            "frames": len(self.times),
            "seconds": float(self.times[-1]),
            "times": self.times.tolist(),
            "rms": self.rms.tolist(),
            "models": models,
            "pairs": [pair.to_dict() for pair in self.pairs],
            **({"label": self.models[0].classes[self.label]} if self.label is not None else {}),
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }

    def records(self) -> list[dict[str, Any]]:
        """The answers as rows of a table.

        Returns:
            One row per model and frame; what compares with the frame before is None for the first one.
        """
        rows = []
        for one in self.models:
            for i, time in enumerate(self.times.tolist()):
                gap = i - 1
                rows.append(
                    {
                        "clip": self.clip,
                        "recipe": str(self.recipe),
                        "model": one.name,
                        "frame": i,
                        "time": time,
                        "answer": one.classes[int(one.answers[i])],
                        "confidence": float(one.confidence[i]),
                        "flipped": bool(one.flipped[gap]) if i else None,
                        "change": float(one.change[gap]) if i else None,
                        "top5_distance": int(one.top5_distance[gap]) if i else None,
                        "feature_l2": float(one.feature_l2[gap]) if i else None,
                        "feature_cosine": float(one.feature_cosine[gap]) if i else None,
                        "rms": float(self.rms[gap]) if i else None,
                    }
                )
        return rows

    def __str__(self) -> str:
        through = f", {self.codec}" if self.codec else ""
        noise = f", {self.noise} noise" if self.recipe.steps else ""
        lines = [f"{self.clip}, {len(self.times):,} frames, {self.recipe}{noise}{through}"]
        for one in self.models:
            low, high = map(percent, one.interval)
            lines.append(f"  {one.name}: {one.flips:,} flips, {percent(one.flip_rate)} ({low} to {high})")
        return "\n".join(lines)
