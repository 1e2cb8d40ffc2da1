"""The flip point: the smallest amount of a distortion at which a model's answer changes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from explorer.analysis.search import check_tolerance, first_amount, flip_of, scan, stops
from explorer.analysis.varied import varied
from explorer.distortions import Recipe
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.progress import Meter, Progress


def flip_point(
    models: Sequence[Classifier],
    image: Tensor,
    distortion: str,
    *,
    recipe: Recipe | None = None,
    label: int | None = None,
    place: int | None = None,
    tolerance: float | None = None,
    progress: Progress | None = None,
) -> dict[str, float | None]:
    """Per model name the smallest amount, from the mild end, whose answer is not the clean one; None if none is.

    An answer need not change only once: it may come back as the amount grows. So the span is scanned first, in
    batches, at the slider's stops (64 to 128 steps); the step before the first change is then cut into 16 again and
    again (a bisection in batches, always taking the first change) until it is no wider than ``tolerance``, in the
    distortion's unit (default 1/1000 of the span). At the amount returned the answer has changed; at some amount at
    most ``tolerance`` milder it has not. Where a whole number gives the very same pixels, as codecs round their
    quality, it is returned instead. A change that comes and goes between two neighbouring amounts of the first scan is
    not seen. Other steps of ``recipe`` stay; where they alone change the answer, the flip point is the mild end itself.
    ``place`` and ``label`` are those of ``sweep``; ``progress`` counts images of the first scan. Errors as in
    ``compare``.
    """
    models = inputs.check_models(models)
    line = varied(models, image, distortion, Recipe() if recipe is None else recipe, place=place, label=label)
    width = check_tolerance(tolerance, line)
    amounts = stops(line)
    meter = Meter(progress, len(amounts) * (1 + len(models)))
    events = [flip_of(i) for i in range(len(models))]
    scanned = scan(models, line, amounts, events, meter.step)
    return {
        model.name: first_amount(scanned, event, width, meter.step) for model, event in zip(models, events, strict=True)
    }
