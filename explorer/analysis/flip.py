"""The flip point: the smallest amount of a distortion at which a model's answer changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.analysis.request import issue, read_request
from explorer.analysis.search import check_tolerance, first_amount, flip_of, scan, stops
from explorer.analysis.varied import varied
from explorer.data.inputs import PictureLike
from explorer.distortions import Recipe, find_distortion
from explorer.models.reading import ModelsLike
from explorer.progress import Meter, Progress
from explorer.results import Result


@dataclass(frozen=True, eq=False, repr=False)
class FlipPoints(Result, Mapping[str, float | None]):
    """The flip point of each model: a mapping from model name to amount, None if its answer never changes.

    Attributes:
        distortion: Name of the distortion.
        unit: Unit of the amounts.
        amounts: Amount by model name.
        span: Mild and strong end that were searched.
        recipe: The recipe whose step was varied.
        titles: Titles of the models, in the order of ``amounts``.
        methods: Training methods of the models, likewise.
    """

    distortion: str
    unit: str
    amounts: dict[str, float | None]
    span: tuple[float, float]
    recipe: Recipe
    titles: tuple[str, ...]
    methods: tuple[str, ...]

    def __getitem__(self, name: str) -> float | None:
        return self.amounts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.amounts)

    def __len__(self) -> int:
        return len(self.amounts)

    def to_dict(self) -> dict[str, Any]:
        """The flip points as a JSON object.

        Returns:
            The object.
        """
        return {
            "distortion": self.distortion,
            "unit": self.unit,
            "span": list(self.span),
            "recipe": str(self.recipe),
            "flip_points": dict(self.amounts),
        }

    def records(self) -> list[dict[str, Any]]:
        """The flip points as rows of a table.

        Returns:
            One row per model; ``flip_point`` is None if its answer never changes.
        """
        return [
            {
                "model": name,
                "title": title,
                "method": method,
                "distortion": self.distortion,
                "unit": self.unit,
                "flip_point": amount,
                "recipe": str(self.recipe),
            }
            for (name, amount), title, method in zip(self.amounts.items(), self.titles, self.methods, strict=True)
        ]

    def __str__(self) -> str:
        distortion = find_distortion(self.distortion)
        points = (
            f"  {name}: {'never flips' if amount is None else f'flips at {distortion.show(amount)}'}"
            for name, amount in self.amounts.items()
        )
        return "\n".join([f"Flip points of {self.distortion}", *points])


def flip_point(
    models: ModelsLike,
    image: PictureLike,
    distortion: str,
    *,
    recipe: Recipe | str | None = None,
    label: int | None = None,
    step_index: int | None = None,
    tolerance: float | None = None,
    progress: Progress | None = None,
) -> FlipPoints:
    """Find the smallest amount of a distortion at which each model's answer changes.

    An answer need not change only once: it may come back as the amount grows. So the span is scanned first, in
    batches, at the slider's stops (64 to 128 steps); the step before the first change is then cut into 16 again and
    again (a bisection in batches, always taking the first change) until it is no wider than ``tolerance``. At the
    amount returned the answer has changed; at some amount at most ``tolerance`` milder it has not. Where a whole number
    gives the very same pixels, as codecs round their quality, it is returned instead. A change that comes and goes
    between two neighbouring amounts of the first scan is not seen.

    Args:
        models: Names, paths, loaded models or networks of your own, as for ``compare``.
        image: One picture, as for ``compare``.
        distortion: The distortion that is varied.
        recipe: The steps that stay as they are, and the seed; where they alone change the answer, the flip point is the
            mild end itself.
        label: Index of the class that attacks lead away from, as for ``sweep``.
        step_index: Index of the step that is varied, as for ``sweep``.
        tolerance: How exact, in the distortion's unit; by default 1/1000 of the span.
        progress: Called with the number of images of the first scan that are done, and of all.

    Returns:
        The amount per model name, as a mapping, in the distortion's unit; None where no amount changes the answer.

    Raises:
        ExplorerError: As ``compare``.

    Examples:
        >>> import explorer
        >>> explorer.flip_point("digits/lenet/standard", "digits:7", "contrast")
        Flip points of contrast
          digits/lenet/standard: flips at c = 0.21
    """
    request = read_request(models, image, Recipe() if recipe is None else recipe, label=label)
    issue(request.notes)
    chosen = request.models
    line = varied(chosen, request.pixels, distortion, request.recipe, step_index=step_index, label=request.label)
    width = check_tolerance(tolerance, line)
    amounts = stops(line)
    meter = Meter(progress, len(amounts) * (1 + len(chosen)))
    events = [flip_of(i) for i in range(len(chosen))]
    scanned = scan(chosen, line, amounts, events, meter.step)
    found = {
        model.name: first_amount(scanned, event, width, meter.step) for model, event in zip(chosen, events, strict=True)
    }
    return FlipPoints(
        distortion=distortion,
        unit=line.distortion.unit,
        amounts=found,
        span=line.span,
        recipe=line.recipe,
        titles=tuple(model.card.title for model in chosen),
        methods=tuple(model.method for model in chosen),
    )
