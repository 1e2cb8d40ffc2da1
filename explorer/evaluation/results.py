"""What every suite's result says of itself, and how it becomes JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    """

    name: str
    data: str
    split: str
    seed: int
    n: int
    fitted: bool

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON object.

        Returns:
            Plain values; rows and summaries as lists.
        """
        return {key: [one.to_dict() for one in value] if isinstance(value, tuple) else value
                for key, value in vars(self).items()}  # fmt: skip

    @property
    def heading(self) -> str:
        """What was measured: data set, suite and seed."""
        return f"{self.data}, {self.name}, seed {self.seed}"

    def _of_all(self) -> dict[str, Any]:
        """The columns that are the same in every row of the table."""
        return {"suite": self.name, "data": self.data, "split": self.split, "seed": self.seed}


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
