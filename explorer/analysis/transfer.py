"""Attacks crafted on one model and shown to all: which attack fools which model, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from torch import Tensor

from explorer.analysis import measures
from explorer.analysis.request import issue, read_request
from explorer.analysis.varied import Varied, varied
from explorer.data.inputs import PictureLike
from explorer.distortions import DISTORTIONS, Distortion, Recipe, Target, apply, find_distortion
from explorer.distortions.adversarial import objective_of, saturated, slope
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.reading import ModelsLike
from explorer.progress import Meter, Progress
from explorer.results import Result

GRID = 8  # amounts over the slider at which an attack must not lose what it won at a smaller one
MANY_ZEROS = 0.5  # share of zero entries from which a gradient says little


@dataclass(frozen=True)
class Cell:
    """What one model answers to pixels crafted on one model.

    Attributes:
        answer: The likeliest class.
        confidence: Probability in [0, 1] of the true class if known, otherwise of this model's clean answer.
        margin: Likeliest minus second likeliest probability, in [0, 1].
        flipped: Whether the answer differs from this model's clean one.
    """

    answer: str
    confidence: float
    margin: float
    flipped: bool


@dataclass(frozen=True)
class Flag:
    """A reason why an attack may look weaker than it is.

    Attributes:
        raised: Whether it applies.
        sentence: One sentence about it.
    """

    raised: bool
    sentence: str


@dataclass(frozen=True)
class Sanity:
    """Whether an attack on one model can be trusted; with a raised flag, resisting the attack proves little.

    Attributes:
        zero_share: Share in [0, 1] of exactly zero entries of the gradient at the clean image.
        zero_gradient: Raised if most entries are zero.
        saturated: Raised if the true class has a probability of 1 in float32, and an attack that follows the
            cross-entropy as float32 rounds it fails (for ``fgsm``, where the exact one succeeds).
        falls: Raised if the attack fools its own model at some amount but not at a larger one.
        undone: Raised if it fools its own model with float pixels but not after rounding to 8 bits.
    """

    zero_share: float
    zero_gradient: Flag
    saturated: Flag
    falls: Flag
    undone: Flag


@dataclass(frozen=True, eq=False, repr=False)
class Transfer(Result):
    """The transfer matrix of one attack.

    Attributes:
        attack: Name of the attack.
        title: Its title.
        amount: Its size.
        shown: The size as people read it.
        models: Names of the models.
        clean: Answers to the undistorted pixels, one per model.
        cells: ``cells[i][j]`` is what ``models[j]`` answers to the pixels crafted on ``models[i]``.
        sanity: Whether the attack on each model can be trusted.
        recipes: ``recipes[i]`` makes the pixels of row i.
    """

    attack: str
    title: str
    amount: float
    shown: str
    models: tuple[str, ...]
    clean: tuple[Cell, ...]
    cells: tuple[tuple[Cell, ...], ...]
    sanity: tuple[Sanity, ...]
    recipes: tuple[Recipe, ...]

    def to_dict(self) -> dict[str, Any]:
        """The matrix as a JSON object.

        Returns:
            Finite numbers, strings and booleans only.
        """
        return {
            **{key: getattr(self, key) for key in ("attack", "title", "amount", "shown")},
            "models": list(self.models),
            "clean": [asdict(cell) for cell in self.clean],
            "cells": [[asdict(cell) for cell in row] for row in self.cells],
            "sanity": [asdict(sanity) for sanity in self.sanity],
            "recipes": [str(recipe) for recipe in self.recipes],
        }

    def records(self) -> list[dict[str, Any]]:
        """The matrix as rows of a table.

        Returns:
            One row per pixels and model; ``crafted_on`` is None for the undistorted pixels.
        """
        crafted = [(None, "clean", self.clean), *zip(self.models, map(str, self.recipes), self.cells, strict=True)]
        return [
            {"attack": self.attack, "amount": self.amount, "crafted_on": source, "model": name, **asdict(cell),
             "recipe": recipe}
            for source, recipe, cells in crafted
            for name, cell in zip(self.models, cells, strict=True)
        ]  # fmt: skip

    def notes(self) -> list[str]:
        """Why the attacks may look weaker than they are.

        Returns:
            One sentence per raised flag.
        """
        return [
            f"{name}: {flag.sentence}"
            for name, sanity in zip(self.models, self.sanity, strict=True)
            for flag in (sanity.zero_gradient, sanity.saturated, sanity.falls, sanity.undone)
            if flag.raised
        ]

    def __str__(self) -> str:
        lines = [f"{self.title}, {self.shown}"]
        for name, cells in zip(self.models, self.cells, strict=True):
            fooled = ", ".join(model for model, cell in zip(self.models, cells, strict=True) if cell.flipped)
            lines.append(f"  crafted on {name}: flips {fooled or 'none'}")
        return "\n".join([*lines, *(f"  Note: {note}" for note in self.notes())])


def attacks() -> list[str]:
    """List the adversarial distortions.

    Returns:
        Their names.
    """
    return [name for name, distortion in DISTORTIONS.items() if distortion.adversarial]


def transfer(
    models: ModelsLike,
    image: PictureLike,
    attack: str = "pgd_linf",
    amount: float | None = None,
    *,
    recipe: Recipe | str | None = None,
    label: int | None = None,
    progress: Progress | None = None,
) -> Transfer:
    """Craft an attack on each model and show it to all of them.

    Args:
        models: Names, paths, loaded models or networks of your own, as for ``compare``.
        image: One picture, as for ``compare``.
        attack: An adversarial distortion: the last step of that name in ``recipe``, or a new one at its end.
        amount: How strong, in the attack's unit; by default its own default.
        recipe: The steps that stay as they are, and the seed; its ``against`` is each model in turn.
        label: Index of the class that attacks lead away from, as for ``sweep``.
        progress: Called with the number of images that are done, and of all.

    Returns:
        The matrix of answers, and for each attack whether it can be trusted.

    Raises:
        ExplorerError: As ``compare``, for a distortion that is not an attack, and for an amount out of its range.

    Examples:
        >>> import explorer
        >>> models = ["digits/lenet/standard", "digits/lenet/stability"]
        >>> found = explorer.transfer(models, "digits:7", "fgsm", 12 / 255)
        >>> [[cell.flipped for cell in row] for row in found.cells]
        [[True, True], [False, True]]
    """
    distortion = find_distortion(attack)
    if not distortion.adversarial:
        raise ExplorerError(f"{attack} is not an attack; attacks are {', '.join(attacks())}.")
    amount = distortion.default if amount is None else distortion.check(amount)
    request = read_request(models, image, Recipe() if recipe is None else recipe, label=label)
    issue(request.notes)
    chosen, label = request.models, request.label
    base = replace(request.recipe, against=chosen[0].name)
    lines = [varied(chosen, request.pixels, attack, replace(base, against=model.name), label=label) for model in chosen]
    grid = lines[0].grid(GRID + 1)[1:]
    meter = Meter(progress, len(chosen) * (len(grid) + 1 + 1 + len(chosen)) + len(chosen))
    clean_answers = []
    for model in chosen:
        clean_answers.append(int(inputs.predictions(model, lines[0].clean)))
        meter.step()
    clean = tuple(
        _cell(model, lines[0].clean, before, label) for model, before in zip(chosen, clean_answers, strict=True)
    )
    rows, sanity = [], []
    for model, line in zip(chosen, lines, strict=True):
        floats, whole = line.render_both([*grid, amount], meter.step)
        sanity.append(_sanity(model, line, floats, whole, [*grid, amount]))
        meter.step()
        pixels = whole[-1:] if base.quantised else floats[-1:]
        row = []
        for shown, before in zip(chosen, clean_answers, strict=True):
            row.append(_cell(shown, pixels, before, label))
            meter.step()
        rows.append(tuple(row))
    return Transfer(
        attack=attack,
        title=distortion.title,
        amount=amount,
        shown=distortion.show(amount),
        models=tuple(model.name for model in chosen),
        clean=clean,
        cells=tuple(rows),
        sanity=tuple(sanity),
        recipes=tuple(line.at(amount) for line in lines),
    )


def _cell(model: Classifier, pixels: Tensor, before: int, label: int | None) -> Cell:
    """What the model says of pixels (1, C, H, W); its clean answer is ``before``."""
    logits, _ = inputs.answer(model, pixels)
    probability = measures.probabilities(logits)[0]
    answer = int(logits[0].argmax())
    return Cell(
        answer=model.classes[answer],
        confidence=float(probability[before if label is None else label]),
        margin=float(measures.margin(probability)),
        flipped=answer != before,
    )


def _sanity(model: Classifier, line: Varied, floats: Tensor, rounded: Tensor, amounts: Sequence[float]) -> Sanity:
    """The checks of the attack on one model, by its float and rounded pixels (A, C, H, W), the last those asked for."""
    target = line.target
    if target is None or target.labels is None:  # an adversarial step has one
        raise ExplorerError(f"{line.distortion.name} needs a model to craft the attack on.")
    seen = rounded if line.recipe.quantised else floats
    fooled = (inputs.predictions(model, seen) != target.labels).tolist()
    fooled_float, fooled_rounded = (
        bool(inputs.predictions(model, pixels[-1:]) != target.labels) for pixels in (floats, rounded)
    )
    gradient = slope(line.clean, target, objective_of(line.distortion.name))
    share = float((gradient == 0).double().mean())
    return Sanity(
        zero_share=share,
        zero_gradient=_zero_gradient(share),
        saturated=_saturated(model, line, target, amounts[-1], fooled[-1]),
        falls=_falls(line.distortion, sorted(zip(amounts, fooled, strict=True))),
        undone=_undone(fooled_float, fooled_rounded),
    )


def _zero_gradient(share: float) -> Flag:
    if share <= MANY_ZEROS:
        return Flag(raised=False, sentence="The gradient at the clean picture points somewhere: the attack has a way.")
    many = "All entries" if share == 1 else f"{100 * share:.0f} % of the entries"
    return Flag(
        raised=True,
        sentence=f"{many} of the gradient at the clean picture are exactly zero, so the attack hardly knows where to "
        "go; that it fails may only mean that the gradient is hidden.",
    )


def _saturated(model: Classifier, line: Varied, target: Target, amount: float, fooled: bool) -> Flag:
    """Whether the cross-entropy is rounded away at the clean picture; ``fooled`` by the attack of this amount."""
    plain, exact = "fgsm_float32", "fgsm"
    sure = target.labels is not None and bool(saturated(inputs.logits(model, line.clean), target.labels))
    if sure and line.distortion.name == plain and not fooled:
        return Flag(
            raised=True,
            sentence="The true class has a probability of 1 in float32, where the cross-entropy's gradient is rounded "
            f"away; that this attack fails may only mean that: ask {exact}, which computes it exactly.",
        )
    if sure and line.distortion.name == exact and fooled:
        recipe = replace(line.at(amount), steps=(*line.recipe.steps[: line.step_index], (plain, amount)))
        pixels = apply(recipe, line.image, target=target)
        if not bool(inputs.predictions(model, pixels) != target.labels):
            return Flag(
                raised=True,
                sentence="The true class has a probability of 1 in float32: the attack fools the model, but FGSM along "
                "the gradient as float32 rounds it does not. A robustness that was measured so is a rounding error.",
            )
    return Flag(raised=False, sentence="No rounding of the cross-entropy's gradient hides a way for this attack.")


def _falls(distortion: Distortion, outcomes: Sequence[tuple[float, bool]]) -> Flag:
    """``outcomes``: amounts from small to large, and whether the attack fools its own model."""
    for i, (small, fooled) in enumerate(outcomes):
        lost = [large for large, fools in outcomes[i:] if not fools]
        if fooled and lost:
            return Flag(
                raised=True,
                sentence=f"At {distortion.show(small)} the attack fools the model it was crafted on, at the larger "
                f"{distortion.show(lost[0])} it does not; a good search never loses by being allowed more, so this one "
                "misses weak spots.",
            )
    return Flag(raised=False, sentence="No larger amount that was tried loses what a smaller one had won.")


def _undone(fooled_float: bool, fooled_rounded: bool) -> Flag:
    if fooled_float and not fooled_rounded:
        return Flag(
            raised=True,
            sentence="The attack fools the model it was crafted on, but not once its pixels are rounded to the 8 bits "
            "that a picture file holds.",
        )
    return Flag(raised=False, sentence="Rounding to the 8 bits of a picture file does not undo the attack.")
