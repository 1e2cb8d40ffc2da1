"""The masking verdict: whether a model resists attacks, or only hides the gradient that they follow.

Athalye, Carlini & Wagner 2018 (arXiv 1802.00420, section 3.1) and Carlini et al. 2019 (arXiv 1902.06705) name the
signs. Every attack is made on the model itself, within one L-infinity size, on images that it answers rightly, and its
pixels are rounded to 8 bits within the size. The verdict is "masked" where at least one sign is found:

- ``one_step``: a single step breaks more images than twenty;
- ``transfer``: pixels made on another model break more than those made on the model itself;
- ``sampling``: random corners of the cube break more than the gradient does;
- ``margin``: following the logit margin breaks more than following the cross-entropy as float32 computes it, or one
  step along the cross-entropy's exact direction more than one along that which float32 computes;
- ``unbounded``: with the whole range of pixels allowed, more than a tenth of the images still withstand;
- ``zero_gradients``: at more than a tenth of the images the gradient is exactly zero;
- ``chance``: the model answers the same pixels differently when it is asked again.

"More" means significantly more of the same images: exact McNemar test, p < 0.01. Accuracy under attack is told for the
worst of all attacks, many restarts included, as only that is an upper bound of the robustness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.analysis.request import issue
from explorer.data.images import quantise
from explorer.distortions import Draws, find_distortion
from explorer.distortions.adversarial import (
    Objective,
    cross_entropy,
    log_odds,
    negative_margin,
    pgd_within,
    slope,
)
from explorer.distortions.draws import Target
from explorer.distortions.rounding import Bound, rounded
from explorer.errors import ExplorerError
from explorer.evaluation.autoattack import COLOUR_SIZE, GREY_SIZE
from explorer.evaluation.evaluate import DatasetLike, read_data
from explorer.evaluation.sample import Sample
from explorer.evaluation.statistics import Interval, mcnemar, wilson_interval
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.reading import ModelsLike, read_models
from explorer.numbers import count_of
from explorer.progress import Meter, Progress
from explorer.results import Result, percent

STEPS, RESTARTS, CORNERS = 20, 5, 50
"""Steps of every iterative attack; random starts of the strongest one, with each of two objectives; random corners."""

BATCH = 32
"""Images attacked at once."""

LEVEL = 0.01
"""Significance of the paired comparisons."""

MANY = 0.1
"""Share of images with a zero gradient, or unbroken without bounds, from which it is a sign."""

ATTACKS = {
    "one_step": "FGSM, one step",
    "one_step_float32": "FGSM, cross-entropy as float32 rounds it",
    "white_box": f"PGD, {STEPS} steps",
    "float32": f"PGD, {STEPS} steps, cross-entropy as float32 rounds it",
    "margin": f"PGD, {STEPS} steps, on the margin",
    "sampling": f"{CORNERS} random corners",
    "transfer": "made on another model",
    "unbounded": f"PGD, {STEPS} steps, any change allowed",
    "restarts": "PGD, many restarts, both objectives",
}
"""The attacks by name."""


ONE_STEP: dict[str, Objective] = {"one_step": log_odds, "one_step_float32": cross_entropy}
"""Those of a single step, and what they follow."""


@dataclass(frozen=True)
class Withstands:
    """One attack on one model.

    Attributes:
        attack: Name in ``ATTACKS``.
        accuracy: Share of the images that withstand it, in [0, 1].
        interval: Its 95 % Wilson interval.
    """

    attack: str
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Verdict:
    """The verdict on one model.

    Attributes:
        model: Name of the model.
        n: Images that it answers rightly.
        masked: Whether a sign of masking was found.
        signs: The signs, one sentence each.
        attacks: What withstands each attack.
        worst: Share of the images that withstand all attacks but the unbounded one, in [0, 1].
        worst_interval: Its 95 % Wilson interval.
        zero_gradients: Share of images with a gradient of exactly zero.
        source: Name of the model on which the transferred pixels were made, or "".
    """

    model: str
    n: int
    masked: bool
    signs: tuple[str, ...]
    attacks: tuple[Withstands, ...]
    worst: float
    worst_interval: Interval
    zero_gradients: float
    source: str

    def to_dict(self) -> dict[str, Any]:
        """The verdict as a JSON object.

        Returns:
            Plain values.
        """
        found = asdict(self)
        return {
            **found,
            "signs": list(self.signs),
            "worst_interval": list(self.worst_interval),
            "attacks": [one | {"interval": list(one["interval"])} for one in found["attacks"]],
        }


@dataclass(frozen=True, repr=False)
class Verdicts(Result):
    """Masking verdicts.

    Attributes:
        data: Name of the data set.
        size: Size of the attacks on [0, 1] pixels.
        seed: Of their random numbers.
        verdicts: One per model.
    """

    data: str
    size: float
    seed: int
    verdicts: tuple[Verdict, ...]

    def to_dict(self) -> dict[str, Any]:
        """The verdicts as a JSON object.

        Returns:
            Plain values.
        """
        return {**vars(self), "verdicts": [one.to_dict() for one in self.verdicts]}

    def of_card(self, verdict: Verdict, command: str) -> dict[str, Any]:
        """One verdict as a model's card keeps it.

        Args:
            verdict: One of ``verdicts``.
            command: The command line that gives it.

        Returns:
            ``Verdict.to_dict()`` without the name, with how it was measured.
        """
        kept = {key: value for key, value in verdict.to_dict().items() if key != "model"}
        return {**kept, "data": self.data, "size": self.size, "seed": self.seed, "command": command}

    def records(self) -> list[dict[str, Any]]:
        """The accuracies under attack as a table.

        Returns:
            One row per model and attack.
        """
        return [
            {"data": self.data, "size": self.size, "model": one.model, "n": one.n, "masked": one.masked,
             "attack": at.attack, "accuracy": at.accuracy, "low": at.interval[0], "high": at.interval[1]}
            for one in self.verdicts
            for at in one.attacks
        ]  # fmt: skip

    def __str__(self) -> str:
        lines = [f"{self.data}, attacks of {self.size:.3g}"]
        for one in self.verdicts:
            verdict = f"masked: {' '.join(one.signs)}" if one.masked else "no sign of masking"
            lines.append(f"  {one.model}: {percent(one.worst)} withstand all attacks (n = {one.n}); {verdict}")
        return "\n".join(lines)


def masking(
    models: ModelsLike,
    dataset: DatasetLike,
    *,
    source: ModelsLike | None = None,
    size: float | None = None,
    limit: int = 200,
    restarts: int = RESTARTS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Verdicts:
    """Give the masking verdict on models.

    Args:
        models: As for ``evaluate``.
        dataset: As for ``evaluate``.
        source: The model on which transferred attacks are made; by default another one of ``models``, if there is one.
        size: Of the attacks, L-infinity on [0, 1] pixels; 0.3 for grey and 8/255 for colour images by default.
        limit: Number of images; those that a model answers rightly count.
        restarts: Random starts of the strongest attack, with each of its two objectives.
        seed: Of the random numbers.
        progress: Called with how much is done, and of how much.

    Returns:
        One verdict per model.

    Raises:
        ExplorerError: As ``evaluate``, and if a model has no gradients or answers no image rightly, or ``size`` or
            ``restarts`` makes no sense.
    """
    chosen, data = read_data(models, dataset)
    sample = Sample.of(chosen, data, limit)
    chosen = sample.models
    size = (GREY_SIZE if chosen[0].channels == 1 else COLOUR_SIZE) if size is None else size
    if not 0 < size <= 1:
        raise ExplorerError(f"Attacks need a size above 0 and at most 1 on [0, 1] pixels, not {size}.")
    restarts = count_of(restarts, "restarts")
    given = [] if source is None else list(read_models(source, size=chosen[0].size, channels=chosen[0].channels))
    batches = [(quantise(x), labels) for _, x, labels in sample.batches()]
    x, labels = torch.cat([one for one, _ in batches]), torch.cat([one for _, one in batches])
    issue(sample.notes)
    meter, found = Meter(progress, len(chosen) * len(ATTACKS)), []
    for model in chosen:
        other = next((one for one in (*given, *chosen) if one.name != model.name), None)
        found.append(_OfModel(model, x, labels, size, seed).verdict(other, restarts, meter))
    return Verdicts(data.name, size, seed, tuple(found))


class _OfModel:
    """The attacks on one model."""

    def __init__(self, model: Classifier, x: Tensor, labels: Tensor, size: float, seed: int) -> None:
        first, again = inputs.logits(model, x), inputs.logits(model, x)
        self.by_chance = not torch.allclose(first, again, rtol=1e-3, atol=1e-4)
        right = (first.argmax(1) == labels) & (again.argmax(1) == labels)
        if not bool(right.any()):
            raise ExplorerError(f"{model.name} answers none of these images rightly, so there is nothing to attack.")
        self.model, self.size, self.seed = model, size, seed
        self.x, self.labels = x[right], labels[right]
        self.places = right.nonzero()[:, 0]  # among all images: what is drawn for one does not depend on others

    def verdict(self, other: Classifier | None, restarts: int, meter: Meter) -> Verdict:
        """Attack the model in every way, and judge."""
        holds: dict[str, NDArray[np.bool_]] = {}
        for name in ATTACKS:
            if name != "transfer" or other is not None:
                holds[name] = self._holds(name, other, restarts)
            meter.step()
        bounded = [one for name, one in holds.items() if name != "unbounded"]
        worst, n = int(np.logical_and.reduce(bounded).sum()), len(self.x)
        zeros = self._zeros()
        signs = self._signs(holds, zeros)
        counts = {name: int(one.sum()) for name, one in holds.items()}
        attacks = (Withstands(name, count / n, wilson_interval(count, n)) for name, count in counts.items())
        return Verdict(
            self.model.name, n, bool(signs), signs, tuple(attacks), worst / n, wilson_interval(worst, n), zeros,
            "" if other is None else other.name,
        )  # fmt: skip

    def _signs(self, holds: dict[str, NDArray[np.bool_]], zeros: float) -> tuple[str, ...]:
        found = []
        for name, against, sentence in (
            ("one_step", "white_box", "One step breaks more images than twenty."),
            ("transfer", "white_box", "Pixels made on another model break more than those made on itself."),
            ("sampling", "white_box", "Random corners break more than the gradient does."),
            ("margin", "float32", "The cross-entropy's gradient is lost in float32 where the margin's is not."),
            ("one_step", "one_step_float32", "One step along the cross-entropy's gradient loses its way in float32."),
        ):
            if name in holds:
                more = int((~holds[name] & holds[against]).sum())
                fewer = int((holds[name] & ~holds[against]).sum())
                if more > fewer and mcnemar(more, fewer) < LEVEL:
                    found.append(sentence)
        if holds["unbounded"].mean() > MANY:
            found.append(f"{percent(float(holds['unbounded'].mean()))} withstand although any change is allowed.")
        if zeros > MANY:
            found.append(f"At {percent(zeros)} of the images the gradient is exactly zero.")
        if self.by_chance:
            found.append("It answers the same pixels differently when it is asked again.")
        return tuple(found)

    def _holds(self, name: str, other: Classifier | None, restarts: int) -> NDArray[np.bool_]:
        """Which images withstand one attack."""
        if name in ONE_STEP:
            return self._survive(self.x + self.size * self._slopes(ONE_STEP[name]).sign())
        if name == "sampling":
            return self._against(self._corner, CORNERS)
        if name == "transfer" and other is not None:
            return self._survive(self._pgd(other, log_odds, 0))
        if name == "unbounded":
            return self._survive(self._pgd(self.model, negative_margin, 0, size=1.0), size=1.0)
        if name == "restarts":
            objectives = (log_odds, negative_margin)
            return self._against(lambda k, at: self._pgd(self.model, objectives[k % 2], 1 + k, at), 2 * restarts)
        objective: Objective = {"white_box": log_odds, "float32": cross_entropy, "margin": negative_margin}[name]
        return self._survive(self._pgd(self.model, objective, 0))

    def _corner(self, k: int, at: Tensor) -> Tensor:
        return self.x[at] + self.size * (self._draws(at, k).uniform(*self.x.shape[1:]) - 0.5).sign()

    def _slopes(self, objective: Objective) -> Tensor:
        parts = zip(self.x.split(BATCH), self.labels.split(BATCH), strict=True)
        return torch.cat([slope(x, self._target(self.model, labels), objective) for x, labels in parts])

    def _against(self, make: Callable[[int, Tensor], Tensor], times: int) -> NDArray[np.bool_]:
        """Which images withstand every one of several attacks; those that are broken are not attacked again."""
        left = torch.ones(len(self.x), dtype=torch.bool)
        for k in range(times):
            at = left.nonzero()[:, 0]
            if not len(at):
                break
            left[at] = self._keeps(make(k, at), self.x[at], self.labels[at], self.size)
        found: NDArray[np.bool_] = left.numpy()
        return found

    def _pgd(
        self, model: Classifier, objective: Objective, start: int, at: Tensor | None = None, size: float | None = None
    ) -> Tensor:
        size = self.size if size is None else size
        parts = (torch.arange(len(self.x)) if at is None else at).split(BATCH)
        return torch.cat(
            [
                pgd_within(
                    self.x[one], size, self._draws(one, start), self._target(model, self.labels[one]), objective, STEPS
                )
                for one in parts
            ]
        )

    def _draws(self, at: Tensor, start: int) -> Draws:
        return Draws([(self.seed * 1000 + start) * 100_003 + place for place in self.places[at].tolist()])

    def _target(self, model: Classifier, labels: Tensor) -> Target:
        own = inputs.target_of(model, labels)
        return Target(own.logits, own.labels, alone=False)  # a batch at once: what is measured is a share

    def _survive(self, moved: Tensor, size: float | None = None) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = self._keeps(moved, self.x, self.labels, size or self.size).numpy()
        return found

    def _keeps(self, moved: Tensor, x: Tensor, labels: Tensor, size: float) -> Tensor:
        shown = rounded(moved.detach().clamp(0, 1), Bound(find_distortion("pgd_linf"), x, size))
        return inputs.predictions(self.model, shown) == labels

    def _zeros(self) -> float:
        return float((self._slopes(negative_margin) == 0).flatten(1).all(1).double().mean())
