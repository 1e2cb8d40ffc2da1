"""What the widget shows: a question and its answer, and what could be shown instead."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from explorer.analysis import Comparison, compare_image
from explorer.analysis.request import ComparisonRequest, read_recipe
from explorer.data import images
from explorer.data.fitting import Takes
from explorer.data.inputs import Picture, read_picture
from explorer.data.photographs import read_photograph
from explorer.defaults import MAX_MODELS, MAX_STEPS, first_picture
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models import Classifier, list_models
from explorer.models.families import Family, family_of, group
from explorer.models.folding import reread
from explorer.models.inference import check_together
from explorer.models.reading import first_models, read_models
from explorer.models.views import bare
from explorer.web.answers import answer_to_paint


@dataclass(frozen=True, eq=False)
class WidgetState:
    """The state of the widget.

    Attributes:
        request: The picture, the models and the recipe.
        image: The picture as it was named.
        given: The models as they were named.
        family: The family of the models.
        families: All families that could be shown instead, by key.
    """

    request: ComparisonRequest
    image: Any
    given: tuple[Any, ...]
    family: Family
    families: Mapping[str, Family]

    def compare(self) -> Comparison:
        """Compare the models.

        Returns:
            The same as ``explorer.compare`` gives, bit for bit; answers to the clean picture are not cached.
        """
        request = self.request
        for named, model in zip(self.given, request.models, strict=True):
            if not isinstance(named, str | Path):  # a network in the user's hands, who may have changed it
                reread(model)
        return compare_image(request.models, request.pixels, request.recipe, label=request.label)

    def paint(self, comparison: Comparison) -> dict[str, Any]:
        """Prepare a comparison of this state for the panel.

        Args:
            comparison: The comparison.

        Returns:
            As ``panel.js`` draws it.

        Raises:
            ExplorerError: If a number in it is not finite.
        """
        shown = images.data_url(comparison.clean)
        answer = answer_to_paint(comparison, self.request.models, self.family, shown=shown, label=self.request.label)
        try:
            json.dumps(answer, allow_nan=False)
        except ValueError:  # features so large that their distance overflows, say
            raise ExplorerError(
                "A model's numbers for this picture are not finite; is its normalisation right?"
            ) from None
        return answer


def make_state(
    image: Any, models: Any, recipe: Any, before: WidgetState | None = None, *, read: bool = False
) -> WidgetState:
    """Make the state for what was chosen.

    Args:
        image: As in ``explorer.compare``, but pixels of any size are fitted.
        models: As in ``explorer.compare``.
        recipe: As in ``explorer.compare``.
        before: The present state; parts that are the same are reused.
        read: Whether to read the picture again, even if it is the same object.

    Returns:
        The new state.

    Raises:
        ExplorerError: If something cannot be read, if the recipe is too long, or if the models do not know the same
            classes.
    """
    chain = read_recipe(recipe)
    if len(chain.steps) > MAX_STEPS:
        raise ExplorerError(f"The widget shows at most {MAX_STEPS} distortions in a chain, not {len(chain.steps)}.")
    given, chosen = _models(models)
    if before is not None and chosen == tuple(map(bare, before.request.models)):
        families, family = before.families, before.family
    else:
        families, family = _families(chosen)
    image = first_picture(chosen[0].channels, chosen[0].size) if image is None else image
    whole = chain.on == PHOTOGRAPH
    shown = check_together(chosen, photographs=whole, window=chain.window)
    same = before is not None and image is before.image and before.request.recipe.on == chain.on
    if before is not None and same and not read and before.request.models[0].takes == chosen[0].takes:
        request = replace(before.request, models=shown, recipe=chain)
    else:
        picture = read_photograph(image) if whole else _fitted(image, chosen[0].takes)
        request = ComparisonRequest(picture, shown, chain, picture.index_in(family.classes))
    return WidgetState(request, image, given, family, families)


def _fitted(image: Any, takes: Takes) -> Picture:
    picture = read_picture(image, takes)
    return replace(picture, pixels=images.fit(picture.pixels, *takes))


def _models(models: Any) -> tuple[tuple[Any, ...], tuple[Classifier, ...]]:
    """The models as they are to be named from now on, and loaded."""
    if models is None:
        models = first_models()
    chosen = read_models(models)
    if len(chosen) > MAX_MODELS:
        raise ExplorerError(f"At most {MAX_MODELS} models can be compared at once, not {len(chosen)}.")
    if isinstance(models, Mapping) or not isinstance(models, Sequence) or isinstance(models, str):
        models = [models] if isinstance(models, str | Path | nn.Module) else chosen
    given = tuple(one if isinstance(one, str | Path) else model for one, model in zip(models, chosen, strict=True))
    return given, chosen


def _families(models: tuple[Classifier, ...]) -> tuple[dict[str, Family], Family]:
    """The shipped families, with these models in the ones they belong to, and the one that holds them all."""
    given = {model.name: model.card for model in models}
    shipped = {card.name: card for card in list_models()}
    families = group(list((shipped | given).values()))
    family = family_of([model.name for model in models], families)
    if family is None:
        first, other = models[0], next(model for model in models if _knows(model) != _knows(models[0]))
        raise ExplorerError(
            f"{first.name} and {other.name} cannot be compared side by side: their classes differ; "
            "choose models of one family."
        )
    check_together(models)
    return families, family


def _knows(model: Classifier) -> tuple[Any, ...]:
    return (model.channels, model.classes)
