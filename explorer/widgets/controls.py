"""ipywidgets beside the panel: the picture, the models, a slider per distortion, the seed and the recipe's text."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import ipywidgets as widgets

from explorer.data import images
from explorer.data.datasets import DATASETS, local_file
from explorer.data.inputs import OWN
from explorer.data.published import PUBLISHED
from explorer.defaults import MAX_STEPS, RECIPE
from explorer.distortions import DISTORTIONS, Recipe, find_distortion
from explorer.errors import ExplorerError
from explorer.widgets.lifetime import close_whole
from explorer.widgets.sliders import Step
from explorer.widgets.state import WidgetState

Ask = Callable[..., None]
"""Called with what was chosen: any of ``image``, ``models``, ``recipe``; and ``live`` while a slider is dragged."""


class Controls:
    """``box`` holds the widgets; ``paint`` lets them show a state without their asking anything."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._painting = False
        self._state: WidgetState | None = None
        self.touched = 0
        """Index in the recipe of the step touched last: the curves are about it."""
        self.picture = self._menu("Picture")
        self.row = widgets.BoundedIntText(0, 0, 0, description="Row", layout=_wide(), style=_style())
        self.upload = widgets.FileUpload(accept="image/*", multiple=False, description="Own picture …", layout=_wide())
        self.family = self._menu("Trained on")
        self.models = widgets.VBox()
        self.steps = widgets.VBox()
        self.add = self._menu("Add")
        self.add.options = [("a distortion …", ""), *((f"{k.family}: {k.title}", n) for n, k in DISTORTIONS.items())]
        self.against = self._menu("Crafted on")
        narrow = widgets.Layout(flex="1 1 0", width="auto", min_width="0")
        self.seed = widgets.BoundedIntText(0, 0, 2**53 - 1, description="Seed", layout=narrow, style=_style())
        self.reroll = widgets.Button(
            description="↻", tooltip="Other noise of the same strength", layout={"flex": "0 0 36px", "padding": "0"}
        )
        self.recipe = widgets.Text(
            RECIPE, description="Recipe", continuous_update=False, layout=_wide(), style=_style()
        )
        self._sliders: list[Step] = []
        self._boxes: list[widgets.Checkbox] = []
        self._listen(self.picture, self._choose_picture)
        self._listen(self.row, self._choose_picture)
        self._listen(self.upload, self._take)
        self._listen(self.family, self._choose_family)
        self._listen(self.add, self._add_step)
        self._listen(self.against, lambda: self._ask(recipe=replace(self.chain, against=self.against.value)))
        self._listen(self.seed, lambda: self._ask(recipe=replace(self.chain, seed=self.seed.value)))
        self._listen(self.recipe, lambda: self._ask(recipe=self.recipe.value))
        self.reroll.on_click(lambda _: self._ask(recipe=replace(self.chain, seed=random.randrange(100_000))))
        draws = widgets.HBox([self.seed, self.reroll])
        parts = [self.picture, self.row, self.upload, self.family, self.models, self.steps, self.add, self.against]
        self.box = widgets.VBox([*parts, draws, self.recipe], layout=widgets.Layout(width="264px", flex="0 0 auto"))
        self.box.add_class("stability-rail")

    @property
    def state(self) -> WidgetState:
        """What is shown."""
        if self._state is None:  # pragma: no cover  # painted before anybody can touch anything
            raise RuntimeError
        return self._state

    @property
    def chain(self) -> Recipe:
        return self.state.request.recipe

    # ---- showing ----------------------------------------------------------------------------------------------------

    def paint(self, state: WidgetState) -> None:
        """Show a state.

        Controls that already show it are not touched, so that a slider being dragged does not jump. The present state
        is painted once more after a choice was refused.

        Args:
            state: The state.
        """
        before = None if self._state is state else self._state
        self._state = state
        with self._quietly():
            if before is None or before.image is not state.image or before.family is not state.family:
                self._paint_picture(state)
            if before is None or before.families is not state.families or before.request.models != state.request.models:
                self._paint_models(state)
            self._paint_steps(state)
            attacked = state.request.recipe.adversarial
            names = [model.name for model in state.request.models]
            self.against.layout.display = None if attacked else "none"
            if tuple(self.against.options) != tuple(names):
                self.against.options = names
            if attacked:
                self.against.value = state.request.recipe.against
            self.seed.value = state.request.recipe.seed
            self.recipe.value = str(state.request.recipe)

    def _paint_picture(self, state: WidgetState) -> None:
        data = [name for name in DATASETS if name not in PUBLISHED or local_file(name) is not None]
        options = [*images.sample_images(), *data]
        source, colon, row = state.request.picture.name.rpartition(":")
        in_data = bool(colon) and source in data
        shown = source if in_data else state.request.picture.name if state.request.picture.name in options else OWN
        self.picture.options = [*options, *([OWN] if shown == OWN else [])]
        self.picture.value = shown
        self.row.layout.display = None if in_data else "none"
        if in_data:
            self.row.max = 10**7
            self.row.value = int(row)

    def _paint_models(self, state: WidgetState) -> None:
        self.family.options = [(family.title, key) for key, family in state.families.items()]
        self.family.value = state.family.key
        self.family.layout.display = None if len(state.families) > 1 else "none"
        shown = {model.name for model in state.request.models}
        cards = state.family.cards
        if [box.tooltip for box in self._boxes] != [card.name for card in cards]:
            titles = [card.title for card in cards]
            words = [card.title if titles.count(card.title) == 1 else card.name for card in cards]
            old = self._boxes
            self._boxes = [
                widgets.Checkbox(description=word, indent=False, layout=_wide(), tooltip=card.name)
                for word, card in zip(words, cards, strict=True)
            ]
            self.models.children = self._boxes
            for box in self._boxes:
                self._listen(box, self._choose_models)
            for box in old:
                close_whole(box)
        for box in self._boxes:
            box.value = box.tooltip in shown

    def _paint_steps(self, state: WidgetState) -> None:
        names = [name for name, _ in state.request.recipe.steps]
        side = state.request.models[0].size
        if [(step.distortion.name, step.side) for step in self._sliders] != [(name, side) for name in names]:
            old = self._sliders
            self._sliders = [Step(find_distortion(name), side, step_index) for step_index, name in enumerate(names)]
            for step in self._sliders:
                self._listen(step.slider, partial(self._move, step))
                step.remove.on_click(partial(self._remove, step.index))
            self.steps.children = [step.box for step in self._sliders]
            for step in old:
                step.close()
        for step, (_, amount) in zip(self._sliders, state.request.recipe.steps, strict=True):
            step.show(amount)
        self.touched = min(self.touched, max(len(names) - 1, 0))
        self.add.layout.display = None if len(names) < MAX_STEPS else "none"
        self.add.value = ""

    # ---- asking -----------------------------------------------------------------------------------------------------

    def _choose_picture(self) -> None:
        if self.picture.value != OWN:
            in_data = self.picture.value in DATASETS
            self._ask(image=f"{self.picture.value}:{self.row.value}" if in_data else self.picture.value)

    def _take(self) -> None:
        if self.upload.value:
            self._ask(image=bytes(self.upload.value[0]["content"]))

    def _choose_family(self) -> None:
        family = self.state.families[self.family.value]
        image = self.state.image
        if family.channels != self.state.family.channels:
            image = None  # digits for networks of digits, photographs for the others
        recipe = self.chain if self.chain.against is None else replace(self.chain, against=family.defaults[0])
        self._ask(models=family.defaults, image=image, recipe=recipe)

    def _choose_models(self) -> None:
        """Keep the present order; a new one comes last."""
        known = {model.name: given for model, given in zip(self.state.request.models, self.state.given, strict=True)}
        wanted = [card.name for card, box in zip(self.state.family.cards, self._boxes, strict=True) if box.value]
        names = [*(name for name in known if name in wanted), *(name for name in wanted if name not in known)]
        recipe = self.chain
        if names and recipe.against is not None and recipe.against not in names:
            recipe = replace(recipe, against=names[0])
        self._ask(models=[known.get(name, name) for name in names], recipe=recipe)

    def _add_step(self) -> None:
        if not self.add.value:
            return
        distortion = find_distortion(self.add.value)
        self.touched = len(self.chain.steps)
        against = self.chain.against or (self.state.request.models[0].name if distortion.adversarial else None)
        mild, strong = distortion.span(self.state.request.models[0].size)
        amount = min(max(distortion.default, min(mild, strong)), max(mild, strong))
        self._ask(recipe=replace(self.chain, steps=(*self.chain.steps, (distortion.name, amount)), against=against))

    def _remove(self, step_index: int, _: widgets.Button) -> None:
        left = tuple(step for i, step in enumerate(self.chain.steps) if i != step_index)
        self._ask(recipe=replace(self.chain, steps=left))

    def pick(self, amount: float) -> None:
        """Move the slider of the step touched last.

        Args:
            amount: Where to, in the distortion's unit; the nearest end of the slider if it lies beyond.
        """
        if self.touched < len(self._sliders):
            self._sliders[self.touched].show(amount)

    def move(self, window: Any, live: bool) -> None:
        """Move the part of the photograph that the models are given.

        Args:
            window: Two shares of the free room, across and down, as the page sent them.
            live: Whether it is still being dragged.
        """
        try:
            chain = replace(self.chain, window=window)
        except ExplorerError:
            return  # the photograph was exchanged meanwhile, or this is none of our page's messages
        self._ask(recipe=chain, live=live)

    def _move(self, step: Step) -> None:
        steps = list(self.chain.steps)
        if step.index < len(steps):
            self.touched = step.index
            steps[step.index] = (step.distortion.name, step.amount)
            self._ask(recipe=replace(self.chain, steps=tuple(steps)), live=True)

    # ---- wiring -----------------------------------------------------------------------------------------------------

    def _menu(self, name: str) -> widgets.Dropdown:
        return widgets.Dropdown(description=name, layout=_wide(), style=_style())

    def _listen(self, widget: Any, then: Callable[[], None]) -> None:
        def changed(_: Any) -> None:
            if not self._painting:
                then()

        widget.observe(changed, "value")

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        before, self._painting = self._painting, True
        try:
            yield
        finally:
            self._painting = before


def _wide() -> widgets.Layout:
    """A layout of its own for each widget: what two share, such as being hidden, they share for good."""
    return widgets.Layout(width="auto")


def _style() -> dict[str, str]:
    return {"description_width": "76px"}
