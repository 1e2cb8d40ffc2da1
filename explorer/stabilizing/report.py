"""What a stabilization bought and what it cost: the result that ``explorer.stabilize`` returns beside the model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from explorer.models.classifier import Classifier
from explorer.provenance import versions
from explorer.results import Result, percent
from explorer.stabilizing.loop import Point
from explorer.stabilizing.measure import Example, Row
from explorer.stabilizing.reading import Parts
from explorer.stabilizing.settings import Settings


@dataclass(frozen=True, repr=False)
class StabilizationReport(Result):
    """Measurements on pictures that were neither trained on nor chosen by.

    Attributes:
        model: Name of the new model.
        start: Name of the start network.
        data: What the pictures are called.
        counts: Pictures that were trained on, watched and reported on.
        settings: Everything that was chosen.
        facts: What became of it: steps, seconds, rate, share of the way that was taken, hardware; and the same of the
            control.
        curve: Agreement and flips on the watched pictures during the training.
        rows: The table.
        examples: Telling pictures.
        versions: Of the libraries.
        warnings: What was noticed, one sentence each.
    """

    model: str
    start: str
    data: str
    counts: tuple[int, int, int]
    settings: Settings
    facts: dict[str, Any]
    curve: tuple[Point, ...]
    rows: tuple[Row, ...]
    examples: tuple[Example, ...]
    versions: dict[str, str]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The report as a JSON object.

        Returns:
            Plain values; the examples without their pixels.
        """
        return {
            "model": self.model,
            "start": self.start,
            "data": self.data,
            "counts": dict(zip(("train", "watched", "reported"), self.counts, strict=True)),
            "settings": self.settings.to_dict(),
            "facts": self.facts,
            "curve": [asdict(point) for point in self.curve],
            "rows": self.records(),
            "examples": [one.to_dict() for one in self.examples],
            "versions": self.versions,
            "warnings": list(self.warnings),
        }

    def records(self) -> list[dict[str, Any]]:
        """The rows of the table.

        Returns:
            One row per condition and network; intervals as lists.
        """
        return [{key: list(v) if isinstance(v, tuple) else v for key, v in vars(row).items()} for row in self.rows]

    def of(self, role: str) -> tuple[Row, ...]:
        """The rows of one network.

        Args:
            role: ``start``, ``stabilized`` or ``control``.

        Returns:
            Its rows, clean first.
        """
        return tuple(row for row in self.rows if row.role == role)

    @property
    def unchanged(self) -> bool:
        """Whether nothing was taken of the training, because too many clean answers changed at every share of it."""
        return not self.facts["share"]

    def extremes(self, role: str = "stabilized") -> tuple[Row | None, Row | None]:
        """The largest gain and the largest loss against the start network.

        Args:
            role: Of which network.

        Returns:
            The condition with the largest positive and the one with the largest negative difference; None where there
            is none.
        """
        rows = [row for row in self.of(role)[1:] if row.difference]
        gain, loss = (pick(rows, key=lambda row: row.difference or 0, default=None) for pick in (max, min))
        return (
            gain if gain and (gain.difference or 0) > 0 else None,
            loss if loss and (loss.difference or 0) < 0 else None,
        )

    def __str__(self) -> str:
        clean = self.of("stabilized")[0]
        lines = [f"{self.model}: {percent(clean.agreement)} of clean answers as before, n = {clean.n:,}"]
        gain, loss = self.extremes()
        for word, row in (("largest gain", gain), ("largest loss", loss)):
            if row is not None and row.difference is not None:
                lines.append(f"  {word}: {row.recipe}, {100 * row.difference:+.1f} points of answers that hold")
        return "\n".join(lines + [f"  {warning}" for warning in self.warnings])


def make_report(
    model: Classifier,
    start: Classifier,
    parts: Parts,
    settings: Settings,
    facts: dict[str, Any],
    curve: list[Point],
    measured: tuple[tuple[Row, ...], tuple[Example, ...]],
) -> StabilizationReport:
    """Put a report together.

    Args:
        model: The new model.
        start: The start network.
        parts: The pictures.
        settings: Of the training.
        facts: What became of it.
        curve: Of the training.
        measured: Rows and examples.

    Returns:
        The report, with a sentence on everything that did not go as asked.
    """
    rows, examples = measured
    warnings = list(parts.notes)
    clean = next(row for row in rows if row.role == "stabilized")
    if not facts["share"]:
        warnings.append(
            f"Nothing was changed: at every share of the way fewer than {percent(settings.keep)} of the clean answers "
            "stayed as they were; choose a smaller keep, more pictures or a smaller learning rate."
        )
    elif clean.agreement < settings.keep:
        warnings.append(
            f"Of the reported pictures {percent(clean.agreement)} kept their clean answer, not the "
            f"{percent(settings.keep)} that were asked for, which {len(parts.watched):,} other pictures did."
        )
    if clean.n < 50:
        warnings.append(
            f"The report is about {clean.n} pictures: {100 * 2 / clean.n:.0f} points are two of them, and chance."
        )
    counts = (len(parts.train), len(parts.watched), len(parts.reported))
    used = versions("explorer", "python", "torch", "torchvision", "numpy", "pillow")
    return StabilizationReport(
        *(model.name, start.name, parts.data, counts, settings, facts, tuple(curve), rows, examples, used),
        tuple(dict.fromkeys(warnings)),
    )
