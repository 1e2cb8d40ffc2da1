"""One step of a chain whose amount is varied on one image: what a sweep, a flip point and a weakness have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import get_ident

import torch
from torch import Tensor

from explorer.data import images
from explorer.distortions import Distortion, Recipe, Target, find_distortion, vary
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs

Tick = Callable[[int], None]
"""Called after a piece of work with the number of images in it; 0 where they count for nothing."""


@dataclass(frozen=True, eq=False)
class Varied:
    """A step of ``recipe``, at ``step_index``, varied on ``image`` (1, C, H, W); ``clean`` are its undistorted pixels.

    ``target`` is what the recipe's attacks are computed against, None where it has none. ``span``: the amounts' mild
    end, which changes nothing, and their strong end, for this image.
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
        """The recipe with that amount."""
        steps = list(self.recipe.steps)
        steps[self.step_index] = (self.distortion.name, amount)
        return replace(self.recipe, steps=tuple(steps))

    def grid(self, points: int) -> tuple[float, ...]:
        """``points`` evenly spaced amounts over the slider's span, from mild to strong."""
        return tuple(torch.linspace(*self.span, points, dtype=torch.float64).tolist())

    def pixels(self, amounts: Sequence[float], tick: Tick, *, seed: int | None = None) -> Iterator[Tensor]:
        """The image at every amount, piece by piece, (a, C, H, W) each; every seed has one noise field, scaled."""
        recipe = self.recipe if seed is None else replace(self.recipe, seed=seed)
        pieces = inputs.pieces(amounts, inputs.piece_size(self.image.shape[1:], inputs.DRAWN_VALUES))
        target = None if self.target is None else breathing(self.target, tick)
        for part in vary(recipe, self.image, self.step_index, pieces, target=target):
            tick(len(part))
            yield part

    def render(self, amounts: Sequence[float], tick: Tick, *, seed: int | None = None) -> Tensor:
        """All of ``pixels`` as one batch (A, C, H, W)."""
        return torch.cat(list(self.pixels(amounts, tick, seed=seed)))


def breathing(target: Target, tick: Tick) -> Target:
    """The same target; ``tick`` is called before each of an attack's steps in the calling thread."""
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
    """The step of ``distortion`` in the recipe, ready to be varied; ``models`` were checked, the image is checked here.

    ``step_index`` is its index in ``recipe.steps``: by default that of the last step of that name, or a new one at the
    end where there is none. Attacks go away from the class ``label``, or from the attacked model's own clean answer.
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
    """Whether another seed gives other pixels while that step varies: idle random steps do not count."""
    entries = [(find_distortion(name), amount, i) for i, (name, amount) in enumerate(recipe.steps)]
    return any(entry.random and (i == step_index or amount != entry.identity) for entry, amount, i in entries)


def undistorted(image: Tensor, quantised: bool) -> Tensor:
    """The image as an empty recipe leaves it: rounded to 8 bits where recipes are ``quantised``."""
    return images.quantise(image) if quantised else image
