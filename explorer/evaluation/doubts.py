"""How well scores of doubt tell what should not be relied on: wrong answers, attacked pictures, unknown classes.

For every score, beside the control p (1 - p): the area under the ROC curve (the probability that the doubtful case has
the larger score, ties counting half) with its interval, the curve itself, and the risk at every coverage: the share of
wrong answers among those that are kept when the most doubtful ones are refused (El-Yaniv & Wiener 2010; Geifman &
El-Yaniv 2017, arXiv 1705.08500). Attacked pictures are those of plain PGD-20, and those of an attack that knows of the
score (``explorer.analysis.doubt.evading``): a detector is worth what it keeps against the latter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.analysis.doubt import CONTROL, DOUBTS, evade, scores
from explorer.analysis.request import issue
from explorer.data.datasets import load_dataset
from explorer.data.image_files import left_out
from explorer.data.images import quantise
from explorer.data.reading import read_rows
from explorer.distortions import Recipe, apply, image_seed
from explorer.errors import ExplorerError
from explorer.evaluation.autoattack import COLOUR_SIZE, GREY_SIZE
from explorer.evaluation.evaluate import DatasetLike, read_data
from explorer.evaluation.sample import Sample
from explorer.evaluation.statistics import Z95, Interval
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.reading import ModelsLike
from explorer.progress import Meter, Progress
from explorer.results import Result, percent

QUESTIONS = {
    "wrong": "wrong answers against right ones",
    "attacked": "attacked pictures against clean ones",
    "evading": "pictures of an attack that knows of the score, against clean ones",
    "unknown": "unknown classes against known ones",
}
"""What a score is asked to tell, by name."""

GRID = tuple(i / 100 for i in range(101))
"""Shares at which curves are told: false alarms of a ROC curve, coverage of a risk curve."""


@dataclass(frozen=True)
class Told:
    """How well one score of one model tells one thing.

    Attributes:
        model: Name of the model.
        score: Name of the score.
        question: Name in ``QUESTIONS``.
        doubtful: Number of cases that should raise doubt.
        others: Number of cases that should not.
        auc: Area under the ROC curve, in [0, 1].
        interval: Its 95 % interval.
        roc: Share of the doubtful cases that are found where the share ``GRID`` of the others raises false alarm.
        risk: For wrong answers: share of wrong answers among those kept at the coverages ``GRID``; None at coverage 0,
            and empty for the other questions.
        thresholds: The score's quantiles ``GRID`` over the others.
    """

    model: str
    score: str
    question: str
    doubtful: int
    others: int
    auc: float
    interval: Interval
    roc: tuple[float, ...]
    risk: tuple[float | None, ...]
    thresholds: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """The row as a JSON object.

        Returns:
            Plain values; lists for curves and the interval.
        """
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


@dataclass(frozen=True, repr=False)
class Doubts(Result):
    """How well scores of doubt tell what should not be relied on.

    Attributes:
        data: Name of the data set.
        n: Number of images.
        seed: Of the attacks.
        size: Their size on [0, 1] pixels, L-infinity; 0 where there were none, or those of a survey.
        unknown: Name of the data set of unknown classes, or "".
        rows: One per model, question and score.
        notes: What could not be measured, one sentence each.
    """

    data: str
    n: int
    seed: int
    size: float
    unknown: str
    rows: tuple[Told, ...]
    notes: tuple[str, ...]

    @property
    def heading(self) -> str:
        """Data, number of images, and attacks."""
        attacks = f", attacks of {self.size:.3g} (L-infinity), seed {self.seed}" if self.size else ""
        return f"{self.data}, n = {self.n:,}{attacks}"

    def of(self, question: str) -> Doubts:
        """Only one question: its figure shows the ROC curves.

        Args:
            question: ``wrong``, ``attacked``, ``evading`` or ``unknown``.

        Returns:
            The same with its rows alone.

        Raises:
            ExplorerError: If it was not measured.
        """
        rows = tuple(one for one in self.rows if one.question == question)
        if not rows:
            known = ", ".join(dict.fromkeys(one.question for one in self.rows))
            raise ExplorerError(f"Nothing was measured of {question!r}; there are {known}.")
        return replace(self, rows=rows)

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object.

        Returns:
            Plain values.
        """
        return {**vars(self), "rows": [one.to_dict() for one in self.rows], "notes": list(self.notes)}

    def records(self) -> list[dict[str, Any]]:
        """The areas as a table.

        Returns:
            One row per model, question and score.
        """
        shown = ("model", "question", "score", "doubtful", "others", "auc")
        return [
            {"data": self.data, **{key: getattr(one, key) for key in shown}, "low": one.interval[0],
             "high": one.interval[1]}
            for one in self.rows
        ]  # fmt: skip

    def __str__(self) -> str:
        lines = [self.heading]
        for model, question in dict.fromkeys((one.model, one.question) for one in self.rows):
            rows = [one for one in self.rows if (one.model, one.question) == (model, question)]
            told = ", ".join(f"{one.score} {percent(one.auc)}" for one in rows)
            lines.append(f"  {model}, {QUESTIONS[question]}: {told}")
        return "\n".join(lines)


def doubts(
    models: ModelsLike,
    dataset: DatasetLike,
    *,
    names: Sequence[str] | None = None,
    recipe: Recipe | str = "clean",
    size: float | None = None,
    unknown: DatasetLike | None = None,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Doubts:
    """Measure how well scores of doubt tell what should not be relied on.

    Args:
        models: As for ``evaluate``.
        dataset: As for ``evaluate``.
        names: Names of the scores; all by default. The control is always among them.
        recipe: What all pictures go through before, so that there are wrong answers to tell; attacks start from there.
        size: Of the attacks, L-infinity on [0, 1] pixels; 0.3 for grey, 8/255 for colour images by default; 0 leaves
            them out.
        unknown: A data set of classes that the models do not know.
        limit: Number of images, of each data set.
        seed: Of the attacks.
        progress: Called with how much is done, and of how much.

    Returns:
        One row per model, question and score.

    Raises:
        ExplorerError: As ``evaluate``, and if there is no such score.

    Examples:
        >>> from explorer.evaluation import doubts
        >>> found = doubts("digits/lenet/standard", "digits", names=["entropy"], size=0, recipe="gaussian_noise=0.5",
        ...                limit=60)
        >>> [one.score for one in found.rows]
        ['control', 'entropy']
    """
    chosen, data = read_data(models, dataset)
    chain = Recipe.parse(recipe) if isinstance(recipe, str) else recipe
    listed = list(dict.fromkeys([CONTROL, *(DOUBTS if names is None else (DOUBTS.find(one).name for one in names))]))
    sample = Sample.of(chosen, data, limit)
    size = (GREY_SIZE if sample.models[0].channels == 1 else COLOUR_SIZE) if size is None else size
    strange = None if unknown is None else load_dataset(unknown)
    meter = Meter(progress, len(sample.models) * len(listed) * len(QUESTIONS))
    rows, notes = list[Told](), list[str]()
    for model in sample.models:
        parts = [(x, labels) for _, x, labels in sample.distorted(chain, models=[model])]
        x, labels = torch.cat([one for one, _ in parts]), torch.cat([one for _, one in parts])
        of_model = _OfModel(model, x, labels, size, seed)
        outside = None
        if strange is not None:
            asked = range(min(limit or len(strange), len(strange)))
            read = read_rows(strange, asked, model.takes)
            notes += left_out(len(asked), model.size, read.unread, len(read.enlarged))
            outside = quantise(read.pixels)
        for name in listed:
            for question in QUESTIONS:
                found = of_model.told(name, question, outside)
                meter.step()
                if isinstance(found, str):
                    notes += [found] if found else []
                else:
                    rows.append(found)
    issue(sample.notes)
    order = {question: i for i, question in enumerate(QUESTIONS)}
    first = {model.name: i for i, model in enumerate(sample.models)}
    rows.sort(key=lambda one: (first[one.model], order[one.question]))
    strange_name = "" if strange is None else strange.name
    return Doubts(data.name, sample.count, seed, size, strange_name, tuple(rows), tuple(dict.fromkeys(notes)))


class _OfModel:
    """The images of one model, its clean scores, and its attacked images."""

    def __init__(self, model: Classifier, x: Tensor, labels: Tensor, size: float, seed: int) -> None:
        self.model, self.x, self.labels, self.size, self.seed = model, x, labels, size, seed
        self.right = inputs.predictions(model, x) == labels
        self.seeds = [image_seed(seed, i) for i in self.right.nonzero()[:, 0].tolist()]
        self._plain: Tensor | None = None
        self._clean: dict[str, Tensor] = {}

    def told(self, name: str, question: str, outside: Tensor | None) -> Told | str:
        """The row; why there is none, or "" where it was not asked for."""
        if name not in self._clean:
            self._clean[name] = scores(name, self.model, self.x)
        own = self._clean[name]
        if question == "wrong":
            doubtful, others = own[~self.right], own[self.right]
        elif question == "unknown":
            if outside is None:
                return ""
            doubtful, others = scores(name, self.model, outside) if len(outside) else own[:0], own
        else:
            if self.size == 0 or not bool(self.right.any()):
                return ""
            shown = self._attacked() if question == "attacked" else self._evading(name)
            fooled = inputs.predictions(self.model, shown) != self.labels[self.right]
            doubtful, others = scores(name, self.model, shown[fooled]) if bool(fooled.any()) else own[:0], own
        if not len(doubtful) or not len(others):
            return f"{self.model.name}: there are no {QUESTIONS[question]}."
        risk = risk_curve(own.numpy(), ~self.right.numpy()) if question == "wrong" else ()
        return tell(self.model.name, name, question, doubtful.numpy(), others.numpy(), risk=risk)

    def _attacked(self) -> Tensor:
        if self._plain is None:
            x, labels = self.x[self.right], self.labels[self.right]
            recipe = Recipe((("pgd_linf_20_margin", self.size),), self.seed, against=self.model.name)
            self._plain = apply(recipe, x, target=inputs.target_of(self.model, labels), seeds=self.seeds)
        return self._plain

    def _evading(self, name: str) -> Tensor:
        return evade(self.model, self.x[self.right], self.labels[self.right], name, self.size, seeds=self.seeds)


def tell(
    model: str, score: str, question: str, doubtful: NDArray[np.float64], others: NDArray[np.float64],
    *, risk: tuple[float | None, ...] = (), units: tuple[int, int] | None = None,
) -> Told:  # fmt: skip
    """One row: the area, its interval, the ROC curve and the thresholds.

    Args:
        model: Name of the model.
        score: Name of the score.
        question: Name in ``QUESTIONS``.
        doubtful: Scores that should be large.
        others: Scores that should be small.
        risk: As ``risk_curve`` gives it, for wrong answers.
        units: Independent cases among both, where several scores belong to one image; by default all.

    Returns:
        The row.
    """
    auc = area(doubtful, others)
    interval = area_interval(auc, *(units or (len(doubtful), len(others))))
    quantiles = tuple(map(float, np.quantile(others, GRID)))
    curve = roc_curve(doubtful, others)
    return Told(model, score, question, len(doubtful), len(others), auc, interval, curve, risk, quantiles)


def roc_curve(doubtful: NDArray[np.float64], others: NDArray[np.float64]) -> tuple[float, ...]:
    """The ROC curve; among equal scores it is a straight line, so that ties count half in the area below it.

    Args:
        doubtful: Scores that should be large.
        others: Scores that should be small.

    Returns:
        The share of ``doubtful`` that is found at each share ``GRID`` of false alarms among ``others``.
    """
    cuts = np.unique(np.concatenate([doubtful, others]))[::-1]
    found, alarms = ((len(one) - np.searchsorted(np.sort(one), cuts)) / len(one) for one in (doubtful, others))
    return tuple(np.interp(GRID, [0, *alarms], [0, *found]).tolist())


def area(doubtful: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """The area under the ROC curve: how often a doubtful case has the larger score, ties counting half.

    Args:
        doubtful: Scores that should be large.
        others: Scores that should be small.

    Returns:
        The share of pairs, in [0, 1].
    """
    steps = np.sort(others)
    below, upto = np.searchsorted(steps, doubtful, "left"), np.searchsorted(steps, doubtful, "right")
    return float((below + upto).sum() / (2 * len(doubtful) * len(others)))


def area_interval(auc: float, doubtful: int, others: int) -> Interval:
    """The 95 % score interval of an area under the ROC curve; it has a width at 0 and 1, too.

    Args:
        auc: The area, in [0, 1].
        doubtful: Number of doubtful cases.
        others: Number of others.

    Returns:
        The bounds, in [0, 1].

    References:
        Newcombe, "Confidence intervals for an effect size measure based on the Mann-Whitney statistic", Statistics in
        Medicine 25 (2006), method 5.
    """
    half = (doubtful + others) / 2 - 1

    def outside(at: float) -> bool:
        spread = at * (1 - at) * (1 + half * ((1 - at) / (2 - at) + at / (1 + at)))
        return abs(at - auc) > Z95 * math.sqrt(spread / (doubtful * others))

    def bound(end: float) -> float:
        inside = auc
        for _ in range(50):
            middle = (inside + end) / 2
            inside, end = (inside, middle) if outside(middle) else (middle, end)
        return inside

    return bound(0.0), bound(1.0)


def risk_curve(own: NDArray[np.float64], wrong: NDArray[np.bool_]) -> tuple[float | None, ...]:
    """The risk-coverage curve; equal scores are kept in random order, that is, with their mean.

    Args:
        own: The scores of all answers.
        wrong: Which of these are wrong.

    Returns:
        Share of wrong answers among the least doubtful ones, at each coverage ``GRID``; None at coverage 0.
    """
    order = np.argsort(own, kind="stable")
    _, starts = np.unique(own[order], return_index=True)
    ends = np.append(starts[1:], len(own))
    sums = np.zeros(len(own) + 1)
    for start, end in zip(starts, ends, strict=True):
        share = wrong[order[start:end]].mean()
        sums[start + 1 : end + 1] = sums[start] + share * np.arange(1, end - start + 1)
    counts = [max(1, round(share * len(own))) for share in GRID[1:]]
    return (None, *(float(sums[count] / count) for count in counts))
