"""AutoAttack: accuracy under the standard ensemble of four attacks, each model attacked on itself.

Croce & Hein 2020 (arXiv 2003.01690): APGD on the cross-entropy, targeted APGD on the difference of logits ratio,
targeted FAB, and the Square attack, which asks for no gradient, 5,000 queries an image. The attacks are the authors'
own code from the package ``pyautoattack``, the extra ``stability-explorer[autoattack]``. The size is the published one,
8/255 for colour and 0.3 for grey images in the L-infinity norm; attacked images are rounded to 8 bits within it. An
image counts only if the model classifies it correctly clean and attacked.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.data.datasets import Dataset
from explorer.data.images import quantise
from explorer.distortions import find_distortion
from explorer.distortions.rounding import Bound, rounded, whole_steps
from explorer.errors import ExplorerError
from explorer.evaluation.results import SuiteResult, about, attack_size, interval_columns
from explorer.evaluation.sample import Sample
from explorer.evaluation.statistics import Interval, wilson_interval
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.progress import Progress
from explorer.results import percent

COLOUR_SIZE, GREY_SIZE = 8 / 255, 0.3
"""Sizes of RobustBench's CIFAR-10 and of MNIST."""

FEWEST = 4
"""Classes that the targeted difference of logits ratio needs."""


@dataclass(frozen=True)
class Withstood:
    """One model under AutoAttack; accuracies are in [0, 1].

    Attributes:
        model: Name of the model.
        clean: Accuracy on clean images.
        clean_interval: Its 95 % Wilson interval.
        accuracy: Share of images that are classified correctly, clean and attacked.
        interval: Its 95 % Wilson interval.
    """

    model: str
    clean: float
    clean_interval: Interval
    accuracy: float
    interval: Interval

    def to_dict(self) -> dict[str, Any]:
        """The numbers as a JSON object.

        Returns:
            Plain values; intervals are lists [low, high].
        """
        return vars(self) | {"clean_interval": list(self.clean_interval), "interval": list(self.interval)}


@dataclass(frozen=True, repr=False)
class AutoAttack(SuiteResult):
    """Accuracy under AutoAttack.

    Attributes:
        amount: Size of the attacks in the L-infinity norm, on [0, 1] pixels.
        summaries: One per model.
    """

    amount: float
    summaries: tuple[Withstood, ...]

    def records(self) -> list[dict[str, Any]]:
        """The accuracies as rows of a table.

        Returns:
            One row per model.
        """
        return [
            {**self._of_all(), "model": one.model, "n": self.n, "amount": self.amount, "clean": one.clean,
             **interval_columns(one.clean_interval, "clean_"), "accuracy": one.accuracy,
             **interval_columns(one.interval)}
            for one in self.summaries
        ]  # fmt: skip

    def __str__(self) -> str:
        lines = [f"{self.heading}, ε = {attack_size(self.amount)}"]
        lines += [
            f"  {one.model}: clean {percent(one.clean)}, withstands {percent(one.accuracy)}" for one in self.summaries
        ]
        return "\n".join(lines)


def autoattack(
    models: Sequence[Classifier],
    dataset: Dataset,
    *,
    limit: int | None = None,
    seed: int = 0,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> AutoAttack:
    """Attack each model by the standard ensemble: hours for a whole test set on a CPU, so give a limit.

    Args:
        models: Models of one input size.
        dataset: Labelled images.
        limit: Number of images, as for ``evaluate``; all by default.
        seed: Of the attacks' random numbers. Pixels depend on the batch size as well.
        batch_size: Images attacked at once; chosen by size by default.
        progress: Called with images done and images in all.

    Returns:
        A summary per model.

    Raises:
        ExplorerError: If the package is not installed, as in ``run_suite``, and if there are fewer than four classes.
    """
    if importlib.util.find_spec("pyautoattack") is None:
        raise ExplorerError("The suite autoattack needs the package pyautoattack: pip install pyautoattack.")
    sample = Sample.of(models, dataset, limit, batch_size)
    models, n = sample.models, sample.n
    for model in models:
        if len(model.classes) < FEWEST:
            raise ExplorerError(f"AutoAttack needs at least {FEWEST} classes; {model.name} has {len(model.classes)}.")
    amount = GREY_SIZE if models[0].channels == 1 else COLOUR_SIZE
    summaries = []
    for index, model in enumerate(models):
        right = clean_right = 0
        for rows, clean, labels in sample.batches():
            x = quantise(clean)
            correct = inputs.predictions(model, x) == labels
            clean_right += int(correct.sum())
            if bool(correct.any()):
                attacked = _attacked(model, x[correct], labels[correct], amount, seed)
                right += int((inputs.predictions(model, attacked) == labels[correct]).sum())
            if progress is not None:
                progress(index * n + rows[-1] + 1, len(models) * n)
        read = sample.count
        summaries.append(
            Withstood(
                model.name,
                clean_right / read,
                wilson_interval(clean_right, read),
                right / read,
                wilson_interval(right, read),
            )
        )
    return AutoAttack("autoattack", *about(sample, seed), amount, tuple(summaries))


class _Logits(nn.Module):
    """The logits of a classifier as the module that the package expects."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self._logits = inputs.target_of(model, torch.zeros(1, dtype=torch.long)).logits

    def forward(self, x: Tensor) -> Tensor:
        return self._logits(x)


def _attacked(model: Classifier, x: Tensor, labels: Tensor, amount: float, seed: int) -> Tensor:
    """The images (N, C, H, W) after the ensemble, rounded to 8 bits within the size."""
    from pyautoattack import AutoAttack as Ensemble

    # the whole steps of 1/255 in the size: what is found then survives the rounding
    attack = Ensemble(_Logits(model).eval(), eps=whole_steps(amount) / 255, seed=seed, device=str(model.device))
    targets = min(9, len(model.classes) - 1)
    attack.apgd_targeted.n_target_classes = attack.fab.n_target_classes = targets
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        found, _ = attack.run_standard_evaluation(x, labels, batch_size=len(x))
    return rounded(found.detach().clamp(0, 1), Bound(find_distortion("fgsm"), x, amount))
