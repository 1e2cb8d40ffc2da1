"""The flip point: the smallest amount of a distortion at which a model's answer changes."""

from __future__ import annotations

from explorer.analysis.request import issue, read_request
from explorer.analysis.search import check_tolerance, first_amount, flip_of, scan, stops
from explorer.analysis.varied import varied
from explorer.data.inputs import PictureLike
from explorer.distortions import Recipe
from explorer.models.reading import ModelsLike
from explorer.progress import Meter, Progress


def flip_point(
    models: ModelsLike,
    image: PictureLike,
    distortion: str,
    *,
    recipe: Recipe | str | None = None,
    label: int | None = None,
    place: int | None = None,
    tolerance: float | None = None,
    progress: Progress | None = None,
) -> dict[str, float | None]:
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
        place: Index of the step that is varied, as for ``sweep``.
        tolerance: How exact, in the distortion's unit; by default 1/1000 of the span.
        progress: Called with the number of images of the first scan that are done, and of all.

    Returns:
        The amount per model name, in the distortion's unit; None where no amount changes the answer.

    Raises:
        ExplorerError: As ``compare``.

    Examples:
        >>> import explorer
        >>> explorer.flip_point("digits/lenet/standard", "digits:7", "contrast")
        {'digits/lenet/standard': 0.21}
    """
    asked = read_request(models, image, Recipe() if recipe is None else recipe, label=label)
    issue(asked.notes)
    chosen = asked.models
    line = varied(chosen, asked.pixels, distortion, asked.recipe, place=place, label=asked.label)
    width = check_tolerance(tolerance, line)
    amounts = stops(line)
    meter = Meter(progress, len(amounts) * (1 + len(chosen)))
    events = [flip_of(i) for i in range(len(chosen))]
    scanned = scan(chosen, line, amounts, events, meter.step)
    return {
        model.name: first_amount(scanned, event, width, meter.step) for model, event in zip(chosen, events, strict=True)
    }
