"""Gradio's own controls. Each hands its value to ``web/explore`` in the browser; no request is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from explorer.defaults import MAX_STEPS
from explorer.distortions import DISTORTIONS
from explorer.models.families import Family


@dataclass(frozen=True)
class Controls:
    """The controls whose values follow the state.

    Attributes:
        sliders: One per place in the chain of distortions.
        family: The family of models.
        add_model: Menu of models to add.
        add_step: Menu of distortions to add.
        seed: Seed of the recipe.
        against: The model that attacks are computed against.
        pixels: Whether the recipe rounds its pixels to 8 bits.
        on: What the recipe distorts.
        reroll: Button that draws another seed.
        recipe: The recipe's text.
    """

    sliders: tuple[gr.Slider, ...]
    family: gr.Radio
    add_model: gr.Dropdown
    add_step: gr.Dropdown
    seed: gr.Number
    against: gr.Dropdown
    pixels: gr.Radio
    on: gr.Radio
    reroll: gr.Button
    recipe: gr.Textbox

    @property
    def following(self) -> list[Any]:
        """What the ``sync`` event updates, in the order of ``web/explore/controls.js``."""
        menus = (self.family, self.add_model, self.add_step, self.seed, self.against)
        return [*self.sliders, *menus, self.pixels, self.on]


def step_sliders() -> tuple[gr.Slider, ...]:
    """Make one slider for each position in the chain.

    Returns:
        The sliders; ``web/explore`` gives each the range, name and help of its distortion.
    """
    return tuple(
        gr.Slider(
            0,
            1,
            0,
            step=0.01,
            label=f"Distortion {i + 1}",
            info=" ",
            interactive=True,
            buttons=[],
            elem_id=f"step-{i}",
            elem_classes="step",
        )
        for i in range(MAX_STEPS)
    )


def add_step_menu() -> gr.Dropdown:
    """Make the menu of distortions.

    Returns:
        A menu of every registered distortion, grouped by family.
    """
    choices = [(f"{distortion.family} · {distortion.title}", name) for name, distortion in DISTORTIONS.items()]
    return gr.Dropdown(
        choices,
        value=None,
        label="Add a distortion",
        info="It is put at the end of the chain.",
        elem_id="add-step",
        interactive=True,
    )


def family_menu(families: Mapping[str, Family], chosen: str) -> gr.Radio:
    """Build the choice of what the models were trained on; it is hidden where there is nothing to choose.

    Args:
        families: The families by key.
        chosen: Key of the one that is shown first.

    Returns:
        The choice, one click each.
    """
    return gr.Radio(
        [(family.title, key) for key, family in families.items()],
        value=chosen,
        label="Trained on",
        info="Models of one family know the same classes.",
        elem_id="family",
        interactive=True,
        visible=len(families) > 1,
    )


def add_model_menu(family: Family, shown: list[str]) -> gr.Dropdown:
    """Build the menu of the models that do not answer yet.

    Args:
        family: The family that is shown.
        shown: Names of the models that answer.

    Returns:
        The menu.
    """
    choices = [(card.name, card.name) for card in family.cards if card.name not in shown]
    return gr.Dropdown(
        choices,
        value=None,
        label="Add a model",
        info="It answers beside the others.",
        elem_id="add-model",
        interactive=True,
    )


def connect(controls: Controls, panel: gr.HTML) -> None:
    """Connect the controls in the browser (``fn=None``): no request, no queue.

    Args:
        controls: The controls.
        panel: The panel, whose events "sync" and "recipe" update them.
    """

    def listen(event: Any, js: str, inputs: list[Any], outputs: list[Any] | None = None) -> None:
        event(
            None,
            inputs,
            outputs or [],
            js=js,
            show_progress="hidden",
            queue=False,
            api_visibility="private",
            trigger_mode="multiple",
        )

    def call(function: str) -> str:
        return f"(value) => {{ window.stabilityExplorer?.{function}(value); return []; }}"

    def menu(function: str) -> str:
        return f"(value) => [window.stabilityExplorer?.{function}(value) ?? null]"

    listen(panel.sync, "() => window.stabilityExplorer.controls()", [], controls.following)
    listen(panel.recipe, "() => window.stabilityExplorer.recipeText()", [], [controls.recipe])
    listen(controls.family.input, call("chooseFamily"), [controls.family])
    listen(controls.add_model.input, menu("addModel"), [controls.add_model], [controls.add_model])
    listen(controls.add_step.input, menu("addStep"), [controls.add_step], [controls.add_step])
    listen(controls.seed.input, call("setSeed"), [controls.seed])
    listen(controls.against.input, call("setAgainst"), [controls.against])
    listen(controls.pixels.input, call("setPixels"), [controls.pixels])
    listen(controls.on.input, call("setOn"), [controls.on])
    listen(controls.reroll.click, call("reroll"), [])
    listen(controls.recipe.submit, call("setRecipe"), [controls.recipe])
    listen(controls.recipe.blur, call("setRecipe"), [controls.recipe])
