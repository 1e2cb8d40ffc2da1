"""What to stabilize against, where nobody says: the distortions that change most answers on these very pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from explorer.distortions import DISTORTIONS, Distortion
from explorer.distortions.draws import Draws
from explorer.distortions.ranges import AmountRange
from explorer.models.classifier import Classifier
from explorer.progress import Meter
from explorer.stabilizing.tasks import CHUNK, Pictures

ASKED = 32
"""Pictures that are asked about."""

COUNT = 3
"""Distortions that are proposed, of different families."""

ENOUGH = 0.25
"""Share of answers that flip at which a range ends: enough to learn from, and the picture is still there to be seen."""

NOTHING = 0.05
"""Share of flipping answers up to which a distortion is not worth a training."""


@dataclass(frozen=True)
class Proposal:
    """A distortion that hurts.

    Attributes:
        range: From the amount that changes nothing to one at which many answers flip.
        flips: Share in [0, 1] of the answers that flip at that amount.
        n: Pictures that were asked about.
    """

    range: AmountRange
    flips: float
    n: int


def propose(
    model: Classifier,
    pictures: Pictures,
    *,
    seed: int = 0,
    count: int = COUNT,
    meter: Callable[[int], Meter] | None = None,
) -> tuple[Proposal, ...]:
    """Find the distortions that change most of a model's answers to some pictures.

    Every distortion that a search includes is tried in the middle of its usual amounts (where severities are published
    for the model's input size, severity 3). The worst one of each family is kept, and the range ends at the mildest
    usual amount at which a quarter of the answers flip.

    Args:
        model: The model.
        pictures: Its pictures; the first 32 are asked about.
        seed: Of the distortions' draws.
        count: How many are proposed at most.
        meter: Makes what counts forward passes, of their number.

    Returns:
        The worst first; empty where nothing flips more than a twentieth of the answers.
    """
    tried = [one for one in DISTORTIONS.values() if one.searched and not one.adversarial]
    rows = range(min(ASKED, len(pictures)))
    counted = Meter(None, 0) if meter is None else meter((1 + len(tried) + 5 * count) * len(rows))
    clean = _answers(model, pictures, rows, None, seed, counted)

    def flips(one: Distortion, amount: float) -> float:
        return float((_answers(model, pictures, rows, (one, amount), seed, counted) != clean).double().mean())

    worst: dict[str, tuple[float, Distortion]] = {}
    for one in tried:
        share = flips(one, _usual(one, model.size)[2])
        if share > NOTHING and share > worst.get(one.family, (0.0, one))[0]:
            worst[one.family] = share, one
    found = []
    for _, one in sorted(worst.values(), key=lambda pair: -pair[0])[:count]:
        for amount in _usual(one, model.size):
            share = flips(one, amount)
            if share >= ENOUGH:
                break
        found.append(Proposal(AmountRange(one.name, one.span(model.size)[0], amount), share, len(rows)))
    return tuple(sorted(found, key=lambda one: -one.flips))


def _usual(one: Distortion, side: int) -> list[float]:
    """Its five usual amounts as a range writes them."""
    return [float(f"{amount:.4g}") for amount in one.amounts_at(side)]


@torch.no_grad()
def _answers(
    model: Classifier, pictures: Pictures, rows: range, by: tuple[Distortion, float] | None, seed: int, meter: Meter
) -> torch.Tensor:
    answers = []
    for part in (rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)):
        x = pictures.batch(list(part), torch.device("cpu"))
        if by is not None:
            x = by[0](x, by[1], Draws([seed + row for row in part])).mul(255).round().div(255)
        answers.append(model(x.to(model.device)).argmax(1).cpu())
        meter.step(len(part))
    return torch.cat(answers)
