"""What every suite's result says of itself, and how it becomes JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.evaluation.sample import Sample
from explorer.results import Result


@dataclass(frozen=True, repr=False)
class SuiteResult(Result):
    """A suite, measured on a data set. Subclasses add ``summaries``, one per model, and ``rows``, if any.

    Attributes:
        name: Name of the suite.
        data: Name of the data set.
        split: ``train`` or ``test``.
        seed: Seed of every row's recipe.
        n: Number of images.
        fitted: Whether the images had another size or other channels than the models take and went through
            ``explorer.fit``.
        sample: Which images, such as "100 of 50,000 images, stratified, seed 0"; "" for all.
        warnings: What was noticed about the images, one sentence each.
    """

    name: str
    data: str
    split: str
    seed: int
    n: int
    fitted: bool
    sample: str
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object.

        Returns:
            Plain values; rows and summaries as lists.
        """
        maybe = ("sample", "warnings", "severities")
        own = {key: value for key, value in vars(self).items() if value or key not in maybe}
        return {key: [one if isinstance(one, str) else one.to_dict() for one in value] if isinstance(value, tuple)
                else value for key, value in own.items()}  # fmt: skip

    @property
    def heading(self) -> str:
        """What was measured: data set, suite and seed."""
        return ", ".join(text for text in (self.data, self.sample, self.name, f"seed {self.seed}") if text)

    def _of_all(self) -> dict[str, Any]:
        """The columns that are the same in every row of the table."""
        return {"suite": self.name, "data": self.data, "split": self.split, "seed": self.seed}


def about(sample: Sample, seed: int) -> tuple[str, str, int, int, bool, str, tuple[str, ...]]:
    """What every suite's result says of its images, when all of them are measured.

    Args:
        sample: The images.
        seed: Seed of every row's recipe.

    Returns:
        The attributes of ``SuiteResult`` from ``data`` to ``warnings``.
    """
    data = sample.dataset
    return data.name, data.split, seed, sample.count, sample.fitted, sample.words, tuple(sample.notes)


def interval_columns(interval: tuple[float, float] | None, prefix: str = "") -> dict[str, float | None]:
    """The ends of an interval as two columns of a table.

    Args:
        interval: (low, high), or None.
        prefix: Prefix of the columns' names.

    Returns:
        ``low`` and ``high``; None where there is no interval.
    """
    low, high = (None, None) if interval is None else interval
    return {f"{prefix}low": low, f"{prefix}high": high}


def attack_size(amount: float) -> str:
    """Format the size of an attack as papers do.

    Args:
        amount: Its size on [0, 1] pixels.

    Returns:
        Text such as "8/255" or "0.3".
    """
    return f"{amount:g}" if round(amount, 3) == amount else f"{255 * amount:.4g}/255"
