"""What a distortion is, and the table of all of them.

A distortion is a pure function ``f(x, amount, draws) -> x'``: ``x`` and ``x'`` are float32 (N, C, H, W) in [0, 1],
``amount`` one physical number, ``draws`` the only source of randomness. Adversarial ones take a fourth argument, the
:class:`~explorer.distortions.draws.Target` they are computed against, and must accept one amount per image as well,
a float64 tensor (N, 1, 1, 1). The decorator :func:`distortion` puts a function
into :data:`DISTORTIONS`; the application, the notebooks, the command line and the tests read everything from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor

from explorer.defaults import SMALL_SIDE
from explorer.distortions.draws import Draws, Target
from explorer.distortions.threads import each_alone
from explorer.errors import ExplorerError
from explorer.numbers import plain_number
from explorer.registry import Registry

PUBLISHED = {"CIFAR-10-C": 32, "ImageNet-C": 224}
"""Data sets of published severities, and the side in px of the images they were published for."""

HENDRYCKS = "Hendrycks & Dietterich 2019 (arXiv 1903.12261), CIFAR-10-C and ImageNet-C"

REFERENCE_SIDE = PUBLISHED["CIFAR-10-C"]
"""Amounts of ``per_side`` distortions are stated for an image of this side, in px."""

LARGEST_SIDE = 4096
"""Side in px up to which the amount of a ``per_side`` distortion may grow."""


def published_for(side: int) -> str:
    """The data set whose severities and settings hold for one image size.

    Args:
        side: Side of the image in px, the shorter one.

    Returns:
        ``CIFAR-10-C`` or ``ImageNet-C``.
    """
    return "CIFAR-10-C" if side <= SMALL_SIDE else "ImageNet-C"


@dataclass(frozen=True)
class Distortion:
    """One distortion: its name, range, source and function.

    Attributes:
        name: Name in recipes.
        title: Name on screen.
        family: Group in menus, such as ``noise``.
        help: One sentence of help.
        unit: Unit of the amount.
        symbol: Symbol of the amount.
        low: Smallest amount of the slider.
        high: Largest amount of the slider.
        identity: Amount that changes nothing.
        default: A clearly visible amount.
        step: Step of the slider.
        reach: Largest amount that a recipe may hold, where sliders end before it.
        severities: Amounts of the published severities 1 to 5 by data set, at the side for which it was published; or
            None.
        random: Whether the seed matters.
        adversarial: Whether it is computed against a model.
        per_side: Whether ``low``, ``high`` and ``step`` are pixels of a 32 px image, which grow with the image as the
            severities do (``span``, ``severities_at``); the amount itself is always in pixels of the actual image.
        searched: Whether a search over all distortions includes it.
        source: The paper and its equation or constants.
        function: ``f(x, amount, draws)``, with a target as fourth argument if adversarial.
        of_pictures: The same of 8-bit pictures, for recipes that act on the photograph; None where ``function`` does.
    """

    name: str
    title: str
    family: str
    help: str
    unit: str
    symbol: str
    low: float
    high: float
    identity: float
    default: float
    step: float
    reach: float | None
    severities: Mapping[str, tuple[float, ...]] | None
    random: bool
    adversarial: bool
    per_side: bool
    searched: bool
    source: str
    function: Callable[..., Tensor]
    of_pictures: Callable[..., Tensor] | None = None

    def __call__(self, x: Tensor, amount: float, draws: Draws, target: Target | None = None) -> Tensor:
        """Distort x (N, C, H, W) in [0, 1] by ``amount``: same shape and range; the identity amount returns x itself.

        Raises ExplorerError for an amount out of range and for an adversarial distortion without a target.
        """
        amount = self.check(amount)
        if self.adversarial and target is None:
            raise ExplorerError(
                f"{self.name} is computed against a model, and none was named: add against=MODEL to the recipe."
            )
        if amount == self.identity or not len(x):
            return x
        if self.adversarial and target is not None and target.alone:
            return self._one_by_one(x, [amount] * len(x), draws, target)
        out = self.function(x, amount, draws, target) if self.adversarial else self.function(x, amount, draws)
        return out.clamp(0, 1)

    def at_each(self, x: Tensor, amounts: Sequence[float], stream: int, target: Target | None = None) -> Tensor:
        """Distort each image by an amount of its own, all with the same random draws: the points of a curve.

        Each image becomes what it would become alone; attacks take all amounts in one batch.

        Args:
            x: Images (N, C, H, W) in [0, 1].
            amounts: N amounts.
            stream: Seed of the draws.
            target: What an attack is computed against.

        Returns:
            Distorted images of the same shape.
        """
        if not self.adversarial or target is None or len(amounts) == 1:
            return torch.cat([self(x[i : i + 1], amount, Draws([stream]), target) for i, amount in enumerate(amounts)])
        if target.alone:
            return self._one_by_one(x, [self.check(amount) for amount in amounts], Draws([stream] * len(x)), target)
        sizes = torch.tensor([self.check(amount) for amount in amounts], dtype=torch.float64).view(-1, 1, 1, 1)
        out = self.function(x, sizes, Draws([stream] * len(x)), target).clamp(0, 1)
        return torch.where((sizes == self.identity).to(x.device), x, out)

    def _one_by_one(self, x: Tensor, amounts: Sequence[float], draws: Draws, target: Target) -> Tensor:
        """The attack on every image by itself, with an amount of its own."""

        def attacked(i: int, image: Tensor) -> Tensor:
            if amounts[i] == self.identity:
                return image
            return self.function(image, amounts[i], draws.only(i), target.only(i)).clamp(0, 1)

        return each_alone(attacked, x)

    @property
    def two_sided(self) -> bool:
        """Whether the amount may leave its identity value in both directions."""
        return self.low < self.identity < self.high

    @property
    def strong(self) -> float:
        """The far end of the slider (the end on the side of ``default`` where there are two), for a 32 px image."""
        return self.high if self.default > self.identity else self.low

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest amount accepted for an image of any side."""
        if not self.per_side:
            marks = [mark for five in (self.severities or {}).values() for mark in five]
            return min([self.low, *marks]), max([self.high if self.reach is None else self.reach, *marks])
        growth = LARGEST_SIDE / REFERENCE_SIDE
        return (self.low / REFERENCE_SIDE, self.high) if self.identity == self.high else (self.low, self.high * growth)

    def ends(self, side: int) -> tuple[float, float]:
        """The ends of the slider for one image size.

        Args:
            side: Side of the image in px.

        Returns:
            (smallest, largest amount); all published severities lie between them.
        """
        if not self.per_side:
            marks = self.severities_at(side) or ()
            return min(self.low, *marks, self.high), max(self.high, *marks, self.low)
        strong = self.strong * side / REFERENCE_SIDE
        if self.identity == self.high:
            return min(strong, float(side)), float(side)
        return self.low, max(strong, self.identity)

    def span(self, side: int) -> tuple[float, float]:
        """The range of the amounts for one image size, on the side of ``default`` where there are two.

        Args:
            side: Side of the image in px.

        Returns:
            (mild end, strong end); the mild end changes nothing.
        """
        low, high = self.ends(side)
        mild = float(side) if self.per_side and self.identity == self.high else self.identity
        return mild, high if self.default > self.identity else low

    def published_at(self, side: int) -> str | None:
        """The data set whose severities hold for one image size.

        Args:
            side: Side of the image in px.

        Returns:
            Its name; None if nothing is published.
        """
        fit = published_for(side)
        return None if not self.severities else fit if fit in self.severities else next(iter(self.severities))

    def severities_at(self, side: int) -> tuple[float, ...] | None:
        """The amounts of published severity 1 to 5 for one image size.

        Args:
            side: Side of the image in px; amounts in px grow with it.

        Returns:
            Five amounts, or None if nothing is published.
        """
        name = self.published_at(side)
        if self.severities is None or name is None:
            return None
        published, own_side = self.severities[name], PUBLISHED[name]
        if not self.per_side or side == own_side:
            return published
        return tuple(self.identity + (amount - self.identity) * side / own_side for amount in published)

    def amounts_at(self, side: int) -> tuple[float, ...]:
        """Amounts for one image size, where nobody names any.

        Args:
            side: Side of the image in px.

        Returns:
            The published severities, else five even steps over the slider's range.
        """
        mild, strong = self.span(side)
        return self.severities_at(side) or tuple(mild + (strong - mild) * i / 5 for i in range(1, 6))

    def check(self, amount: float) -> float:
        """Check an amount.

        Args:
            amount: The amount.

        Returns:
            The amount as a float; rounding errors at the ends are corrected.

        Raises:
            ExplorerError: If it is not a number in range; the sentence names the range.
        """
        amount = plain_number(amount)
        low, high = self.limits
        slack = 1e-9 * (high - low)
        if isinstance(amount, bool) or not isinstance(amount, (int, float)):
            raise ExplorerError(f"The amount of {self.name} must be a number from {low:g} to {high:g}, not {amount!r}.")
        if not (math.isfinite(amount) and low - slack <= amount <= high + slack):
            raise ExplorerError(f"{self.name}={amount:g} is out of range: {self.name} takes {low:g} to {high:g}.")
        return min(max(float(amount), low), high) + 0.0  # -0.0 becomes 0.0

    @property
    def norm(self) -> Literal["linf", "l2"] | None:
        """The norm that an attack's amount bounds; None for what is no attack."""
        norms: dict[str, Literal["linf", "l2"]] = {"n/255": "linf", "L2 norm": "l2"}
        return norms.get(self.unit) if self.adversarial else None

    @property
    def factor(self) -> int:
        """From an amount to the number that people read: 255 for amounts such as 8/255, else 1."""
        return 255 if self.unit == "n/255" else 1

    @property
    def readable_unit(self) -> str:
        """The unit of ``factor`` times an amount, in words."""
        return "1/255 of full scale" if self.unit == "n/255" else self.unit

    @property
    def axis(self) -> str:
        """The name of an axis of ``factor`` times the amounts: title, symbol and unit."""
        unit = self.readable_unit
        return f"{self.title} {self.symbol} ({unit})" if self.symbol != unit else f"{self.title} ({unit})"

    def show(self, amount: float) -> str:
        """Format an amount for people.

        Args:
            amount: The amount.

        Returns:
            Text such as "σ = 0.1", "ε = 8/255" or "45°".
        """
        if self.unit == "n/255":
            return f"{self.symbol} = {amount * self.factor:.3g}/255"
        if self.unit == "°":
            return f"{self.symbol} = {amount:.4g}°"
        unit = f" {self.unit}" if self.unit in {"px", "bits"} else ""
        return f"{self.symbol} = {amount:.4g}{unit}"


DISTORTIONS = Registry[Distortion]("distortion", "explorer.distortions")
"""Every registered distortion by name, in the order in which they are shown."""

F = TypeVar("F", bound=Callable[..., Tensor])


def distortion(
    name: str,
    *,
    title: str,
    family: str,
    unit: str,
    symbol: str,
    low: float,
    high: float,
    identity: float,
    default: float,
    step: float,
    source: str,
    reach: float | None = None,
    severities: Mapping[str, tuple[float, ...]] | None = None,
    random: bool = False,
    adversarial: bool = False,
    per_side: bool = False,
    searched: bool = True,
    of_pictures: Callable[..., Tensor] | None = None,
) -> Callable[[F], F]:
    """Decorator that registers a distortion function; the first paragraph of its docstring becomes its help.

    Args:
        name: Name in recipes.
        title: Name on screen.
        family: Group in menus.
        unit: Unit of the amount.
        symbol: Symbol of the amount.
        low: Smallest amount of the slider.
        high: Largest amount of the slider.
        identity: Amount that changes nothing.
        default: A clearly visible amount.
        step: Step of the slider.
        source: The paper and its equation or constants.
        reach: Largest amount a recipe may hold; ``high`` by default.
        severities: Amounts of the published severities 1 to 5 by data set.
        random: Whether the function uses its draws.
        adversarial: Whether the function takes a target.
        per_side: Whether amounts are pixels of a 32 px image.
        searched: Whether a search over all distortions includes it.
        of_pictures: The same function of 8-bit pictures, for recipes that act on the photograph.

    Returns:
        The decorator, which returns the function unchanged.

    Raises:
        ValueError: The name is taken.
    """

    def register(function: F) -> F:
        help_text = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        found = Distortion(
            name=name,
            title=title,
            family=family,
            help=help_text,
            unit=unit,
            symbol=symbol,
            low=float(low),
            high=float(high),
            identity=float(identity),
            default=float(default),
            step=float(step),
            reach=None if reach is None else float(reach),
            severities=None if severities is None else dict(severities),
            random=random,
            adversarial=adversarial,
            per_side=per_side,
            searched=searched,
            source=source,
            function=function,
            of_pictures=of_pictures,
        )
        DISTORTIONS.add(name, found)
        return function

    return register


def find_distortion(name: str) -> Distortion:
    """Find a distortion by name.

    Args:
        name: Its name.

    Returns:
        The distortion.

    Raises:
        ExplorerError: There is none; the sentence names the closest ones.
    """
    return DISTORTIONS.find(name)
