"""One step of a chain whose amount is varied on one image: what a sweep, a flip point and a weakness have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import get_ident

import torch
from torch import Tensor

from explorer.data import images
from explorer.distortions import Distortion, Recipe, Target, find_distortion, vary
from explorer.distortions.applying import vary_both
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs

Tick = Callable[[int], None]
"""Called after a piece of work with the number of images in it; 0 where they count for nothing."""


@dataclass(frozen=True, eq=False)
class Varied:
    """One step of a recipe, ready to be varied on one image.

    Attributes:
        distortion: Distortion of the step.
        recipe: The whole recipe.
        step_index: Index of the step in ``recipe.steps``.
        image: Pixels before the recipe (1, C, H, W) in [0, 1].
        clean: The undistorted pixels (1, C, H, W) that the recipe's precision gives.
        target: What the recipe's attacks are computed against; None if it has no attack.
        span: Mild end, which changes nothing, and strong end of the amounts for this image.
    """

    distortion: Distortion
    recipe: Recipe
    step_index: int
    image: Tensor
    clean: Tensor
    target: Target | None
    span: tuple[float, float]

    @property
    def side(self) -> int:
        """Of the image, in px."""
        return int(self.image.shape[-1])

    @property
    def is_random(self) -> bool:
        """Whether another seed gives other pixels."""
        return is_random(self.recipe, self.step_index)

    def at(self, amount: float) -> Recipe:
        """The recipe with another amount.

        Args:
            amount: Amount of the step, in the distortion's unit.

        Returns:
            The recipe.
        """
        steps = list(self.recipe.steps)
        steps[self.step_index] = (self.distortion.name, amount)
        return replace(self.recipe, steps=tuple(steps))

    def grid(self, points: int) -> tuple[float, ...]:
        """Spread amounts evenly over the slider's span.

        Args:
            points: Number of amounts, 2 or more.

        Returns:
            The amounts, from mild to strong.
        """
        return tuple(torch.linspace(*self.span, points, dtype=torch.float64).tolist())

    def pixels(self, amounts: Sequence[float], tick: Tick, *, seed: int | None = None) -> Iterator[Tensor]:
        """Distort the image with every amount, in pieces that fit into memory.

        Args:
            amounts: Amounts in the distortion's unit.
            tick: Called after each piece with its number of images.
            seed: Seed in place of the recipe's; all amounts of a seed share one noise field, scaled.

        Returns:
            Batches (a, C, H, W) in [0, 1], in the order of the amounts.
        """
        recipe = self.recipe if seed is None else replace(self.recipe, seed=seed)
        pieces = inputs.pieces(amounts, inputs.piece_size(self.image.shape[1:], inputs.DRAWN_VALUES))
        target = None if self.target is None else breathing(self.target, tick)
        for part in vary(recipe, self.image, self.step_index, pieces, target=target):
            tick(len(part))
            yield part

    def render(self, amounts: Sequence[float], tick: Tick, *, seed: int | None = None) -> Tensor:
        """All of ``pixels`` as one batch.

        Args:
            amounts: Amounts in the distortion's unit, A of them.
            tick: Called after each piece with its number of images.
            seed: Seed in place of the recipe's.

        Returns:
            Pixels (A, C, H, W) in [0, 1].
        """
        return torch.cat(list(self.pixels(amounts, tick, seed=seed)))

    def render_both(self, amounts: Sequence[float], tick: Tick) -> tuple[Tensor, Tensor]:
        """Render the image at every amount, before and after rounding.

        Args:
            amounts: Amounts of the step.
            tick: Called with the number of images that are done.

        Returns:
            Float pixels (A, C, H, W), and the same rounded to 8 bits.
        """
        pieces = inputs.pieces(amounts, inputs.piece_size(self.image.shape[1:], inputs.DRAWN_VALUES))
        target = None if self.target is None else breathing(self.target, tick)
        found = []
        for part in vary_both(self.recipe, self.image, self.step_index, pieces, target=target):
            tick(len(part[0]))
            found.append(part)
        floats, whole = zip(*found, strict=True)
        return torch.cat(floats), torch.cat(whole)


def breathing(target: Target, tick: Tick) -> Target:
    """Let a caller pause or cancel within an attack.

    Args:
        target: What the attack is computed against.
        tick: Called with 0 before each of the attack's forward passes in the calling thread.

    Returns:
        The same target with these calls.
    """
    caller = get_ident()

    def logits(x: Tensor) -> Tensor:
        if get_ident() == caller:
            tick(0)
        return target.logits(x)

    return replace(target, logits=logits)


def varied(
    models: Sequence[Classifier],
    image: Tensor,
    distortion: str,
    recipe: Recipe,
    *,
    step_index: int | None = None,
    label: int | None = None,
) -> Varied:
    """Prepare one step of a recipe to be varied on an image.

    Args:
        models: Models that were checked; attacks are computed against the one that the recipe names.
        image: Pixels (1, C, H, W) in [0, 1]; they are checked here.
        distortion: Name of the step's distortion.
        recipe: The recipe.
        step_index: Index of the step in ``recipe.steps``; by default that of the last step of the distortion, or a new
            one at the end if there is none.
        label: Class that attacks move away from; by default the attacked model's clean answer.

    Returns:
        The step.

    Raises:
        ExplorerError: If the image, the label or the name does not fit, or if the step at the index is another one.
    """
    image = inputs.check_image(image, models[0])
    for model in models if label is not None else ():
        inputs.check_label(label, model)
    entry = find_distortion(distortion)
    if step_index is None:
        step_index = recipe.index_of(distortion)
    elif not 0 <= step_index < len(recipe.steps) or recipe.steps[step_index][0] != distortion:
        raise ExplorerError(f"Step {step_index} of the recipe, counted from 0, is not {distortion}: {recipe}.")
    if step_index == len(recipe.steps):
        recipe = replace(recipe, steps=(*recipe.steps, (distortion, entry.default)))
    clean = undistorted(image, recipe.quantised)
    target = inputs.attack_target(recipe, models, clean, None if label is None else torch.tensor([label]))
    return Varied(entry, recipe, step_index, image, clean, target, entry.span(image.shape[-1]))


def is_random(recipe: Recipe, step_index: int) -> bool:
    """Whether another seed would give other pixels while a step varies.

    Args:
        recipe: The recipe.
        step_index: Index of the step that varies.

    Returns:
        True if that step, or another one that is not at its identity, draws random numbers.
    """
    entries = [(find_distortion(name), amount, i) for i, (name, amount) in enumerate(recipe.steps)]
    return any(entry.random and (i == step_index or amount != entry.identity) for entry, amount, i in entries)


def undistorted(image: Tensor, quantised: bool) -> Tensor:
    """The image as an empty recipe leaves it.

    Args:
        image: Pixels (N, C, H, W) in [0, 1].
        quantised: Whether the recipe rounds its pixels to 8 bits.

    Returns:
        Pixels of the same shape.
    """
    return images.quantise(image) if quantised else image
