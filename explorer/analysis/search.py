"""Search, in batches, for the smallest amount at which the models' answers change in a given way."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.analysis.varied import Tick, Varied
from explorer.distortions.registry import REFERENCE_SIDE
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs

SCAN = (64, 128)  # fewest and most steps of the first scan
PARTS = 16  # every later scan cuts the step in which it happened into this many


@dataclass(frozen=True)
class Event:
    """A change of answers to search for.

    Attributes:
        models: Indices of the models that it is about, m of them.
        so: From their flips (a, m) at a amounts to whether the event happens there, booleans (a,).
    """

    models: tuple[int, ...]
    so: Callable[[Tensor], Tensor]


def flip_of(index: int) -> Event:
    """The event that one model's answer differs from its clean answer.

    Args:
        index: Index of the model.

    Returns:
        The event.
    """
    return Event((index,), lambda flips: flips[:, 0])


def split_of(count: int) -> Event:
    """The event that some models keep their clean answers and others do not.

    Args:
        count: Number of models.

    Returns:
        The event.
    """
    return Event(tuple(range(count)), lambda flips: flips.any(dim=1) & ~flips.all(dim=1))


@dataclass(frozen=True, eq=False)
class Scan:
    """Answers of the models along the first amounts.

    Attributes:
        models: The models, M of them.
        line: The step that is varied.
        answers: Index of each model's clean answer.
        amounts: The amounts that were evaluated, from mild to strong, a of them.
        flips: Whether each answer differs from the clean one, booleans (a, M).
    """

    models: tuple[Classifier, ...]
    line: Varied
    answers: tuple[int, ...]
    amounts: tuple[float, ...]
    flips: Tensor


def stops(line: Varied) -> tuple[float, ...]:
    """Amounts at which a search first looks.

    Args:
        line: The step that is varied.

    Returns:
        Amounts from mild to strong in 64 to 128 equal steps; they include the slider's stops if those are fewer.
    """
    mild, strong = line.span
    step = line.distortion.step * line.side / REFERENCE_SIDE if line.distortion.per_side else line.distortion.step
    count = max(1, round(abs(strong - mild) / step))
    return line.grid(min(count * math.ceil(SCAN[0] / count), SCAN[1]) + 1)


def check_tolerance(tolerance: float | None, line: Varied) -> float:
    """Check the tolerance of a search.

    Args:
        tolerance: Width in the distortion's unit; None for 1/1000 of the slider's span.
        line: The step that is varied.

    Returns:
        The width.

    Raises:
        ExplorerError: If it is not above 0.
    """
    if tolerance is not None and not tolerance > 0:
        raise ExplorerError(f"The tolerance is {tolerance}; expected a number above 0, in the distortion's unit.")
    span = abs(line.span[1] - line.span[0])
    # Below 1e-9 of the span there is nothing to find between neighbouring 8-bit images.
    return span / 1000 if tolerance is None else max(tolerance, 1e-9 * span)


def scan(
    models: Sequence[Classifier], line: Varied, amounts: Sequence[float], events: Sequence[Event], tick: Tick
) -> Scan:
    """Evaluate the models along the amounts until each event has happened once.

    Args:
        models: The models.
        line: The step that is varied.
        amounts: Amounts from mild to strong.
        events: The events.
        tick: Called after each piece of work with its number of images.

    Returns:
        The scan; it ends with the piece in which the last event happened.
    """
    answers = tuple(int(inputs.predictions(model, line.clean)) for model in models)
    parts: list[Tensor] = []
    ahead = list(events)
    for pixels in line.pixels(amounts, tick):
        parts.append(_flips(models, pixels, answers, tick))
        ahead = [event for event in ahead if not bool(event.so(parts[-1][:, event.models]).any())]
        if not ahead:
            break
    flips = torch.cat(parts)
    return Scan(tuple(models), line, answers, tuple(amounts[: len(flips)]), flips)


def first_amount(scanned: Scan, event: Event, width: float, tick: Tick) -> float | None:
    """Narrow down the smallest amount at which an event happens.

    Args:
        scanned: The scan that holds the event.
        event: The event.
        width: Largest error, in the distortion's unit.
        tick: Called after each piece of work.

    Returns:
        The amount, at most ``width`` above the true one; the nearest whole number if it gives the same pixels, as with
        codecs, which round their quality. None if the event did not happen.
    """
    line, amounts = scanned.line, scanned.amounts
    first = _first(event.so(scanned.flips[:, event.models]))
    if first is None or first == 0:
        return None if first is None else amounts[0]
    models = [scanned.models[i] for i in event.models]
    answers = [scanned.answers[i] for i in event.models]
    before, after = amounts[first - 1], amounts[first]
    while abs(after - before) > width:
        between = torch.linspace(before, after, PARTS + 1, dtype=torch.float64)[1:-1].tolist()
        flips = _flips(models, line.render(between, _still(tick)), answers, _still(tick))
        first = _first(event.so(flips))
        if first is not None:
            after = between[first]
        if first != 0:
            before = between[-1 if first is None else first - 1]
    factor = line.distortion.factor
    whole = min(max(round(after * factor) / factor, min(line.span)), max(line.span))
    if whole == after:
        return after
    same = torch.equal(*(line.render([amount], _still(tick)) for amount in (after, whole)))
    return whole if same else after


def _still(tick: Tick) -> Tick:
    """Narrower scans let the caller pause or cancel, but are not counted as progress."""
    return lambda _: tick(0)


def _flips(models: Sequence[Classifier], pixels: Tensor, answers: Sequence[int], tick: Tick) -> Tensor:
    """Whether each model's answer to the pixels (a, C, H, W) is another than its clean one, (a, M)."""
    columns = []
    for model, answer in zip(models, answers, strict=True):
        parts = []
        for part in pixels.split(inputs.piece_size(pixels.shape[1:])):
            parts.append(inputs.predictions(model, part) != answer)
            tick(len(part))
        columns.append(torch.cat(parts))
    return torch.stack(columns, dim=1)


def _first(happens: Tensor) -> int | None:
    found = happens.nonzero()
    return int(found[0]) if len(found) else None
