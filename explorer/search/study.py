"""Which copies models recognise: pictures against their copies under several distortions, one model beside another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer.defaults import COPIES
from explorer.distortions import Recipe
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.evaluation.results import interval_columns
from explorer.evaluation.sample import step_of
from explorer.numbers import count_of
from explorer.progress import Progress
from explorer.results import Result, percent
from explorer.search.copies import Copies, all_pairs
from explorer.search.embedders import ModelLike
from explorer.search.embeddings import embed
from explorer.search.intervals import Estimate, Resampled, differences, estimates, resample
from explorer.search.pairs import PRECISIONS
from explorer.search.sources import Pictures, PicturesLike, read_pictures

HEADLINE = f"recall_at_{PRECISIONS[0]:g}"
"""The number that the paper reports."""

NOTE = "Protocol after Zheng et al. 2016; corpus and prior differ. Precision depends on the number of negatives."


@dataclass(frozen=True, eq=False)
class PairRow:
    """One model under one distortion.

    Attributes:
        model: Name of the model.
        title: Its name on screen.
        distortion: What was done to the copies, such as ``thumbnail=96``.
        copies: The pairs, their curve, and the nearest false ones.
        estimates: Recalls and average precision with intervals, by name.
        differences: The same minus those of the first model, paired; None for the first.
    """

    model: str
    title: str
    distortion: str
    copies: Copies
    estimates: dict[str, Estimate]
    differences: dict[str, Estimate] | None

    def to_dict(self) -> dict[str, Any]:
        """The row as a JSON object.

        Returns:
            Plain values, with the curve.
        """
        gaps = self.differences
        return self.copies.to_dict() | {
            "title": self.title, "distortion": self.distortion,
            "estimates": {name: one.to_dict() for name, one in self.estimates.items()},
            "differences": None if gaps is None else {name: one.to_dict() for name, one in gaps.items()},
        }  # fmt: skip


@dataclass(frozen=True, repr=False, eq=False)
class PairStudy(Result):
    """Models on the same pictures and copies.

    Attributes:
        data: What the pictures are called.
        n: Number of pictures.
        negatives: Negative pairs of each row.
        prior: Share of positives that precisions are computed for.
        rows: One row per distortion and model.
        notes: What was noticed, one sentence each.
    """

    data: str
    n: int
    negatives: int
    prior: float
    rows: tuple[PairRow, ...]
    notes: tuple[str, ...]

    @property
    def heading(self) -> str:
        """What was measured."""
        return f"Copies of {self.n:,} pictures of {self.data}, {self.rows[0].copies.curve.prior_words}"

    def __str__(self) -> str:
        lines = [f"{self.heading}: recall at precision {PRECISIONS[0]:.1%}"]
        for row in self.rows:
            one = row.estimates[HEADLINE]
            text = f"  {row.distortion}, {row.model}: {percent(one.value)} {_range(one)}"
            gap = None if row.differences is None else row.differences[HEADLINE]
            lines.append(text + ("" if gap is None else f", difference {100 * gap.value:+.1f} points {_range(gap)}"))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The study as a JSON object.

        Returns:
            Plain values; a row per distortion and model, with its curve.
        """
        own = {key: getattr(self, key) for key in ("data", "n", "negatives", "prior")}
        return own | {"rows": [row.to_dict() for row in self.rows], "notes": [*self.notes]}

    def records(self) -> list[dict[str, Any]]:
        """The rows of a table.

        Returns:
            One row per distortion and model.
        """
        found = []
        for row in self.rows:
            curve = row.copies.curve
            record: dict[str, Any] = {
                "data": self.data, "n": self.n, "negatives": self.negatives, "prior": self.prior, "model": row.model,
                "layer": row.copies.originals.layer, "distortion": row.distortion, "roc_area": curve.roc_area,
                "threshold_at_0.995": curve.threshold_at(PRECISIONS[0]),
            }  # fmt: skip
            for name, one in row.estimates.items():
                record |= {name: one.value} | interval_columns(one.interval, f"{name}_")
                gap = None if row.differences is None else row.differences[name]
                record[f"{name}_difference"] = None if gap is None else gap.value
                record |= interval_columns(None if gap is None else gap.interval, f"{name}_difference_")
            found.append(record)
        return found


def _range(one: Estimate) -> str:
    low, high = one.interval
    return f"({100 * low:.1f} to {100 * high:.1f})"


def read_copies(text: str, seed: int = 0) -> list[tuple[str, Recipe]]:
    """Read how copies are made.

    Args:
        text: Distortions of the photographs at their own size, one kind of copy each; + chains them:
            ``thumbnail=96,thumbnail=96+jpeg=50``.
        seed: Of their random draws.

    Returns:
        Each kind's text and recipe.

    Raises:
        ExplorerError: If there is none, or one cannot be read.
    """
    named = [part.strip() for part in text.split(",") if part.strip()]
    if not named:
        raise ExplorerError(f"Copies have to differ from their originals: name distortions, such as {COPIES}.")
    return [(one, replace(Recipe.parse(one.replace("+", ",")), seed=seed, on=PHOTOGRAPH)) for one in named]


def pair_study(
    models: Sequence[ModelLike],
    pictures: PicturesLike | Pictures,
    distortions: str = COPIES,
    *,
    limit: int | None = None,
    layer: str | None = None,
    seed: int = 0,
    background: PicturesLike | None = None,
    prior: float | None = None,
    cache: bool = True,
    progress: Progress | None = None,
) -> PairStudy:
    """Measure which copies models recognise among all pairs of pictures.

    Args:
        models: Networks, their names, or models without learning; the first is the one that others are compared with.
        pictures: A data set or its name, a folder, or pictures.
        distortions: How copies are made, as ``read_copies`` takes it.
        limit: Number of pictures; all by default.
        layer: A layer of the networks; the penultimate one by default.
        seed: Of the distortions.
        background: Other pictures, to normalise scores by; see ``all_pairs``.
        prior: Share of positives among all pairs for which precisions are computed; by default that of these pairs.
        cache: Whether vectors are kept on disk.
        progress: Called with pictures done and pictures in all, over all models and copies.

    Returns:
        A row per distortion and model, with intervals by picture.

    Raises:
        ExplorerError: If there is no model, a distortion cannot be read, or the pictures cannot be used.
    """
    if not models:
        raise ExplorerError("No model was given; give at least one, or pixels, phash, dhash or pdq.")
    kinds, source = read_copies(distortions, seed), read_pictures(pictures)
    source = source if limit is None else source.first(count_of(limit, "limit"))
    steps = len(models) * (len(kinds) + 1)
    found: list[list[Copies]] = []
    notes: list[str] = []
    for i, model in enumerate(models):
        passes = (step_of(progress, i * (len(kinds) + 1) + done, steps) for done in range(len(kinds) + 1))
        behind = None if background is None else embed(model, background, layer=layer, cache=cache)
        originals = embed(model, source, layer=layer, cache=cache, progress=next(passes))
        notes += originals.notes
        found.append(
            [
                all_pairs(
                    originals,
                    embed(model, source, layer=layer, recipe=recipe, cache=cache, progress=next(passes)),
                    background=behind, prior=prior,
                )
                for _, recipe in kinds
            ]
        )  # fmt: skip
    rows = [
        row
        for k, (text, _) in enumerate(kinds)
        for row in _rows(text, [own[k] for own in found])
    ]  # fmt: skip
    curve = rows[0].copies.curve
    said = (*dict.fromkeys(notes), NOTE)
    return PairStudy(source.name, curve.positives, curve.negatives, curve.prior, tuple(rows), said)


def _rows(distortion: str, found: Sequence[Copies]) -> list[PairRow]:
    rows: list[PairRow] = []
    first: Resampled = {}
    for i, one in enumerate(found):
        drawn = resample(one)
        first = first or drawn
        gaps = differences(found[0], one, (first, drawn)) if i else None
        rows.append(PairRow(one.model, one.originals.title, distortion, one, estimates(one, drawn), gaps))
    return rows
