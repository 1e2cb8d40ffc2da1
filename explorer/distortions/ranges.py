"""What pictures go through: distortions, each with a range of amounts, from which training and tests draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.distortions.draws import Draws
from explorer.distortions.registry import Distortion, find_distortion
from explorer.errors import ExplorerError


@dataclass(frozen=True)
class AmountRange:
    """A distortion and the amounts that are drawn.

    Attributes:
        name: Name of the distortion.
        low: One end of the range, in the distortion's unit.
        high: The other end; the same as ``low`` for a single amount.
    """

    name: str
    low: float
    high: float

    @property
    def distortion(self) -> Distortion:
        return find_distortion(self.name)

    @property
    def strong(self) -> float:
        """The end that is farther from what changes nothing."""
        return max(self.low, self.high, key=lambda amount: abs(amount - self.distortion.identity))

    def __str__(self) -> str:
        amounts = f"{self.low:g}" if self.low == self.high else f"{self.low:g}:{self.high:g}"
        return f"{self.name}={amounts}"


def parse_ranges(text: str) -> tuple[AmountRange, ...]:
    """Read ranges of amounts.

    Args:
        text: Distortions with the two ends of their range, such as ``gaussian_noise=0:0.2,jpeg=10:60``; one number
            stands for a single amount.

    Returns:
        The ranges, in their order; ``format_ranges`` writes them again.

    Raises:
        ExplorerError: If there are none, one cannot be read, or one is an attack, which needs a model to be computed
            against.

    Examples:
        >>> parse_ranges("jpeg=10:60")
        (AmountRange(name='jpeg', low=10.0, high=60.0),)
    """
    found: dict[str, AmountRange] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, amounts = (piece.strip() for piece in part.partition("="))
        distortion = find_distortion(name)
        if distortion.adversarial:
            raise ExplorerError(f"{name} is computed against a model, so it cannot be what pictures go through.")
        if name in found:
            raise ExplorerError(f"{name} is named twice; give each distortion one range.")
        ends = amounts.split(":")
        if not equals or len(ends) > 2:
            raise ExplorerError(f"{part[:80]!r} is not a range of amounts; write {name}=LOW:HIGH.")
        try:
            low, high = float(ends[0]), float(ends[-1])
        except ValueError:
            raise ExplorerError(f"{part[:80]!r} is not a range; write two numbers: {name}=LOW:HIGH.") from None
        found[name] = AmountRange(name, distortion.check(low), distortion.check(high))
    if not found:
        raise ExplorerError("Name what the pictures go through, for example gaussian_noise=0:0.2,jpeg=10:60.")
    return tuple(found.values())


def format_ranges(ranges: Sequence[AmountRange]) -> str:
    """Write ranges as ``parse_ranges`` reads them.

    Args:
        ranges: The ranges.

    Returns:
        Text such as ``gaussian_noise=0:0.2,jpeg=10:60``.
    """
    return ",".join(map(str, ranges))


def drawn(x: Tensor, ranges: Sequence[AmountRange], generator: torch.Generator) -> Tensor:
    """Distort each picture by one of the distortions, all equally likely, by an amount drawn uniformly.

    Args:
        x: Pictures (N, C, H, W) in [0, 1].
        ranges: What is drawn from.
        generator: Everything is drawn from it.

    Returns:
        Distorted pictures of the same shape and range.
    """
    device = generator.device
    out = []
    for picture in x.split(1):
        which, stream = (
            int(torch.randint(most, (1,), generator=generator, device=device)) for most in (len(ranges), 2**31)
        )
        share = float(torch.rand(1, generator=generator, device=device))
        one = ranges[which]
        out.append(one.distortion(picture, one.low + share * (one.high - one.low), Draws([stream])))
    return torch.cat(out)
