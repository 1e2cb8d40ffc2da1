"""The app's data: loaded models, pictures, and a cache of clean answers.

Requests come from a browser as JSON objects and are not trusted. Nothing here knows of threads, jobs or the page.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.analysis import CleanPass, Comparison, ComparisonRequest, clean_pass, compare_image, pinned_pass
from explorer.analysis.doubt import Threshold
from explorer.app.cache import LruCache
from explorer.app.dataset_catalog import DatasetCatalog
from explorer.app.distortion_info import describe
from explorer.app.pictures import Pictures
from explorer.app.validation import mapping, read_doubt, read_drawn, read_recipe, read_watched
from explorer.data import images
from explorer.data.datasets import Dataset
from explorer.data.fitting import Takes
from explorer.defaults import MAX_MODELS
from explorer.distortions import DISTORTIONS, Recipe
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models import Card, Classifier, list_models, load_model
from explorer.models.families import Family, check_names, family_of, group
from explorer.models.inference import check_together
from explorer.models.naming import split_remedies
from explorer.models.remedies import canonical, put_around
from explorer.web.answers import answer_to_paint

MAX_ADDED = 24
"""Networks of libraries that the visitors of one app may add: each stays in memory."""

MAX_PASSES = 1000
"""Forward passes that one answer of a model with a remedy may cost here."""

CLEAN_PASSES = 64
"""Clean answers kept (a few hundred kB each): one per picture and set of models in use."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LoadedRequest(ComparisonRequest):
    """A state of the page, checked and loaded, with its cached answers.

    Attributes:
        family: The models' family.
        clean: The models' answers to the undistorted picture.
        pinned: Their answers to the distorted pixels of the ``reference``, where there is one.
        shown: The picture that the distorted one is compared with, as a data URL.
        doubt: How much doubt is too much.
    """

    family: Family
    clean: CleanPass
    pinned: CleanPass | None
    shown: str
    doubt: Threshold | None = None

    def compare(self) -> Comparison:
        """Compare the models; their answers to the clean picture come from the cache.

        Returns:
            The comparison.
        """
        return compare_image(
            self.models, self.pixels, self.recipe, label=self.label, clean=self.clean, reference=self.pinned,
            doubt=self.doubt,
        )  # fmt: skip


class Workspace:
    """The models, pictures and data sets of one running app, for all its visitors. Safe for use by many threads."""

    def __init__(self, models: Sequence[str | Classifier] | None = None, user_data: Sequence[Dataset] = ()) -> None:
        """Load the models that are shown first; the others are loaded when they are asked for.

        Args:
            models: The models shown first, loaded or by name or path; None shows each family's first two.
            user_data: The user's own data sets, offered beside the known ones.

        Raises:
            ExplorerError: If a named model does not load, if two models or two data sets have one name, if the models
                do not know the same classes, or if there is no checkpoint at all.
        """
        self._loaded: dict[str, Classifier] = {}
        self._views: LruCache[tuple[Any, ...], Classifier] = LruCache(CLEAN_PASSES * MAX_MODELS)
        """Kept longer than the cached answers that belong to them."""
        self._loading = threading.Lock()
        self.added = 0  # networks of libraries
        opened = [model if isinstance(model, Classifier) else load_model(model) for model in models or ()]
        check_names([model.name for model in opened], "models")
        check_names([data.name for data in user_data], "data sets")
        self._loaded.update({model.name: model for model in opened})
        cards = {card.name: card for card in (*list_models(), *(model.card for model in opened))}
        if not cards:
            raise ExplorerError(
                "There are no checkpoints here; train some with 'explorer train', or name one by its path."
            )
        self.families = group(list(cards.values()))
        self._first = [model.name for model in opened]
        if opened and family_of(self._first, self.families) is None:
            raise ExplorerError("The models named do not know the same classes; name models of one family.")
        self.user_data = tuple(user_data)
        self.catalog = DatasetCatalog(user_data)
        self.pictures = Pictures(sorted({card.takes for card in self.cards}), self.catalog)
        self._clean_passes: LruCache[tuple[Any, ...], tuple[CleanPass, str]] = LruCache(CLEAN_PASSES)

    @property
    def first(self) -> tuple[Family, list[str]]:
        """The family and the names of the models that are shown first."""
        family = family_of(self._first, self.families) or next(iter(self.families.values()))
        return family, self._first or family.defaults

    @property
    def named(self) -> bool:
        """Whether models or pictures were named at the start, so that these are shown and not what was chosen last."""
        return bool(self._first or self.user_data)

    @property
    def cards(self) -> list[Card]:
        """The cards of all models, family by family."""
        return [card for family in self.families.values() for card in family.cards]

    @property
    def known(self) -> dict[str, Any]:
        """What the page knows of models, and of distortions at the sizes of their inputs: families, distortions."""
        sides = sorted({card.size for card in self.cards})
        return {
            "families": [family.to_dict() for family in self.families.values()],
            "distortions": {name: describe(distortion, sides) for name, distortion in DISTORTIONS.items()},
        }

    def answer(self, state: Any) -> dict[str, Any]:
        """Compare the models on a state of the page.

        Args:
            state: {"picture", "models", "recipe", "reference"?, "watched"?, "doubt"?, "has"?} from the browser;
                ``has``: key of the picture to compare with that it holds already.

        Returns:
            The JSON object that the panel draws; the key of the picture that it is compared with as ``images.key``,
            and in place of the picture null where the browser has it.

        Raises:
            ExplorerError: If the state makes no sense.
        """
        request = self.load(state)
        pinned = None if request.reference is None else request.reference.recipe
        answer = answer_to_paint(
            request.compare(),
            request.models,
            request.family,
            shown=request.shown,
            label=request.label,
            pinned=pinned,
            watched=read_watched(mapping(state).get("watched"), len(request.family.classes)),
        )
        # Half of what is sent while a slider moves would be the picture that does not change.
        key = hashlib.sha256(request.shown.encode()).hexdigest()[:16]
        answer["recipe"] = str(read_recipe(mapping(state).get("recipe")))  # not that of a frame with noise of its own
        answer["images"] |= {"key": key} | ({"clean": None} if state.get("has") == key else {})
        return answer

    def load(self, state: Any) -> LoadedRequest:
        """Check a state of the page, and load its models and pictures.

        Args:
            state: As in ``answer``.

        Returns:
            What it means.

        Raises:
            ExplorerError: If the state makes no sense.
        """
        state = mapping(state)
        family, chosen = self.choose(state.get("models"))
        recipe = read_drawn(state)
        models, takes = self.on(recipe, chosen)
        key, picture = self.pictures.find(state.get("picture"), takes)
        names = tuple(model.name for model in models)
        clean, shown = self._clean_pass(
            (key, recipe.quantised, recipe.on, recipe.window, *names),
            lambda: clean_pass(models, picture.pixels, quantised=recipe.quantised),
        )
        pinned = reference = None
        if state.get("reference") is not None:
            reference, pinned, shown = self._pinned(mapping(state["reference"]), family, models, recipe, takes)
        return LoadedRequest(
            picture,
            models,
            recipe,
            picture.index_in(family.classes),
            reference,
            family=family,
            clean=clean,
            pinned=pinned,
            shown=shown,
            doubt=read_doubt(state.get("doubt")),
        )

    def choose(self, names: Any) -> tuple[Family, list[Classifier]]:
        """Load the models of a list of names.

        Args:
            names: What the browser names.

        Returns:
            Their family and the models.

        Raises:
            ExplorerError: If it is not a list of names of models that can be shown side by side.
        """
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ExplorerError("The models must be a list of names.")
        if not names:
            raise ExplorerError("Add a model to see its answer.")
        if len(names) > MAX_MODELS:
            raise ExplorerError(f"At most {MAX_MODELS} models can be compared at once; remove one first.")
        known = {card.name for card in self.cards}
        if unknown := [name for name in names if name not in known]:
            raise ExplorerError(
                f"There is no model named {unknown[0][:80]!r} here; the list of models shows what there is."
            )
        family = family_of(names, self.families)
        if family is None or len(set(names)) != len(names):
            raise ExplorerError("These models cannot be compared side by side; choose different ones of one family.")
        return family, [self.model(name) for name in names]

    def add(self, name: str) -> Family:
        """Add a network of a library; it is offered from then on.

        Args:
            name: Its name, such as ``timm:resnet50.a1_in1k``.

        Returns:
            The family that it belongs to.

        Raises:
            ExplorerError: If there is no such network, if its weights cannot be had, or if too many were added.
        """
        known = {card.name for card in self.cards}
        if name not in known:
            if self.added >= MAX_ADDED:
                raise ExplorerError(f"{MAX_ADDED} networks were added already; start the explorer anew for others.")
            return self.offer(load_model(name))
        found = family_of([name], self.families)
        if found is None:
            raise ExplorerError(f"{name} was not added; reload the page.")
        return found

    def put_around(self, name: str) -> str:
        """Offer a model that is here with a remedy around it, if it is not yet offered.

        Args:
            name: Its name, such as ``digits/lenet/standard+jpeg(quality=75)``.

        Returns:
            The name as its card has it, with all settings.

        Raises:
            ExplorerError: If the model within is not here, if there is no such remedy or setting, if one answer would
                cost too much, or if too many models were added.
        """
        base, around = split_remedies(name)
        known = {card.name: card for card in self.cards}
        whole = base + canonical(around)
        if whole in known:
            return whole
        if base not in known:
            raise ExplorerError(f"There is no model named {base[:80]!r} here to put a remedy around.")
        if self.added >= MAX_ADDED:
            raise ExplorerError(f"{MAX_ADDED} models were added already; start the explorer anew for others.")
        model = put_around(self.model(base), around)
        if model.card.passes > MAX_PASSES:
            raise ExplorerError(
                f"{whole} asks its network {model.card.passes:,} times for one answer; the explorer shows up to "
                f"{MAX_PASSES:,}."
            )
        self.offer(model)
        return whole

    def offer(self, model: Classifier) -> Family:
        """Offer a model beside the others.

        Args:
            model: The model; its name is not taken.

        Returns:
            The family that it belongs to.

        Raises:
            ExplorerError: If one of that name came in between.
        """
        with self._loading:
            check_names([*(card.name for card in self.cards), model.name], "models")
            self._loaded[model.name] = model
            self.families = group([*self.cards, model.card])
            self.pictures.inputs = tuple(sorted({card.takes for card in self.cards}))
            self.added += 1
            return next(family for family in self.families.values() if model.card in family.cards)

    def model(self, name: str) -> Classifier:
        """Load one of the models; each is loaded once.

        Args:
            name: Its name.

        Returns:
            The model.
        """
        with self._loading:
            if name not in self._loaded:
                self._loaded[name] = load_model(name)
            return self._loaded[name]

    def _clean_pass(self, key: tuple[Any, ...], ask: Callable[[], CleanPass]) -> tuple[CleanPass, str]:
        """The cached answers of a key, computed if necessary, with their picture as a data URL."""
        cached = self._clean_passes.get(key)
        if cached is None:
            clean = ask()
            cached = (clean, images.data_url(clean.pixels))
            self._clean_passes.put(key, cached)
        return cached

    def on(self, recipe: Recipe, models: Sequence[Classifier]) -> tuple[tuple[Classifier, ...], Takes | None]:
        """The models for what a recipe distorts.

        Args:
            recipe: The recipe.
            models: Loaded models of one family.

        Returns:
            The models, and what pictures are fitted to: as the first model takes them. With ``on=photograph`` the
            models fit these themselves, and they are read at their own size: None.
        """
        takes = None if recipe.on == PHOTOGRAPH else models[0].takes
        views = check_together(models, photographs=takes is None, window=recipe.window)
        given = recipe.window if takes is None else models[0].name
        with self._loading:
            return tuple(self._one_view((given, view.name), view) for view in views), takes

    def _one_view(self, key: tuple[Any, ...], view: Classifier) -> Classifier:
        """The view kept under a key, first of all this one: cached answers belong to it."""
        kept = self._views.get(key)
        if kept is None:
            self._views.put(key, view)
        return view if kept is None else kept

    def _pinned(
        self,
        state: Mapping[str, Any],
        family: Family,
        models: tuple[Classifier, ...],
        beside: Recipe,
        takes: Takes | None,
    ) -> tuple[ComparisonRequest, CleanPass, str]:
        """A pinned state, the models' answers to its distorted pixels, and these as a data URL."""
        recipe = read_drawn(state)
        if recipe.on != beside.on:
            raise ExplorerError("The pinned state distorts something else: put both on the input or the photograph.")
        if recipe.window != beside.window:
            raise ExplorerError("The pinned state takes another part of the photograph: give both the same window.")
        key, picture = self.pictures.find(state.get("picture"), takes)
        request = ComparisonRequest(picture, models, recipe, picture.index_in(family.classes))
        names = (model.name for model in models)
        answers, shown = self._clean_pass(
            ("pinned", key, str(recipe), *names),
            lambda: pinned_pass(models, request.pixels, recipe, label=request.label),
        )
        return request, answers, shown
