"""Looking for the smallest amount at which something happens to the models' answers, in batches."""

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
    """What is looked for: of the flips (a, m) of the models with these indices, whether it is so, (a,) booleans."""

    models: tuple[int, ...]
    so: Callable[[Tensor], Tensor]


def flip_of(index: int) -> Event:
    """The model with this index does not give its clean answer."""
    return Event((index,), lambda flips: flips[:, 0])


def split_of(count: int) -> Event:
    """Some of ``count`` models give their clean answers and others do not."""
    return Event(tuple(range(count)), lambda flips: flips.any(dim=1) & ~flips.all(dim=1))


@dataclass(frozen=True, eq=False)
class Scan:
    """The models along the first amounts: ``flips`` (a, M), whether each answer differs from the clean one."""

    models: tuple[Classifier, ...]
    line: Varied
    answers: tuple[int, ...]
    amounts: tuple[float, ...]
    flips: Tensor


def stops(line: Varied) -> tuple[float, ...]:
    """The slider's stops from mild to strong, or 64 to 128 steps that hold them all where they are few or many."""
    mild, strong = line.span
    step = line.distortion.step * line.side / REFERENCE_SIDE if line.distortion.per_side else line.distortion.step
    count = max(1, round(abs(strong - mild) / step))
    return line.grid(min(count * math.ceil(SCAN[0] / count), SCAN[1]) + 1)


def check_tolerance(tolerance: float | None, line: Varied) -> float:
    """How narrow to search, in the distortion's unit: 1/1000 of the span by default; ExplorerError unless above 0."""
    if tolerance is not None and not tolerance > 0:
        raise ExplorerError(f"The tolerance is {tolerance}; expected a number above 0, in the distortion's unit.")
    span = abs(line.span[1] - line.span[0])
    # Below 1e-9 of the span there is nothing to find between neighbouring 8-bit images.
    return span / 1000 if tolerance is None else max(tolerance, 1e-9 * span)


def scan(
    models: Sequence[Classifier], line: Varied, amounts: Sequence[float], events: Sequence[Event], tick: Tick
) -> Scan:
    """Ask the models along the amounts, from the first on, until each of the events has happened once."""
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
    """The smallest amount at which the event happens, at most ``width`` too strong; None where it never does.

    Where a whole number gives the very same pixels, as codecs round their quality, it is that one.
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
    whole = min(max(float(round(after)), min(line.span)), max(line.span))
    if whole == after:
        return after
    same = torch.equal(*(line.render([amount], _still(tick)) for amount in (after, whole)))
    return whole if same else after


def _still(tick: Tick) -> Tick:
    """The narrower scans give the caller a chance to pause, but count for nothing."""
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
