"""The page: which parts it has. ``controls.py`` (Gradio's part) and ``web/explore/page.js`` wire what they do."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import gradio as gr
import torch

from explorer import defaults
from explorer.analysis.doubt import DOUBTS
from explorer.app import api, static
from explorer.app.context import Context
from explorer.app.controls import Controls, add_model_menu, add_step_menu, connect, family_menu, step_sliders
from explorer.app.endpoints import Endpoints
from explorer.app.pictures import sample_strip
from explorer.app.workspace import Workspace
from explorer.clips import VIDEO_CODECS
from explorer.data.decoding import MAX_BYTES
from explorer.defaults import MAX_STEPS
from explorer.distortions import Recipe
from explorer.models import pick_device
from explorer.search import UNLEARNED
from explorer.web.files import address

NAV = """<nav class="stability-colours" aria-label="Stability Explorer">
<b>Stability Explorer</b><div id="pages"></div>
<div id="tools" role="toolbar" aria-label="Tools"></div><span class="device"></span>
<button id="theme" type="button" aria-label="Dark colours" title="Light or dark">&#9680;</button></nav>"""


def page(context: Context, endpoints: Endpoints) -> gr.Blocks:
    """Build the page.

    Args:
        context: What it shows.
        endpoints: What answers its requests.

    Returns:
        The app as Blocks.
    """
    workspace = context.workspace
    family, shown = workspace.first
    with api.Blocks(title="Stability Explorer", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(
            NAV,
            elem_id="nav",
            apply_default_css=False,
            js_on_load=f"element.querySelector('.device').textContent = {json.dumps(device_line())};",
        )
        with gr.Row(elem_id="explore", elem_classes="stability-colours", equal_height=False):
            with gr.Column(elem_id="rail"):
                with gr.Column(elem_classes="box"):
                    _part('<h2>Image</h2><div id="pictures"></div>')
                with gr.Column(elem_classes="box"):
                    _part("<h2>Models</h2>")
                    families = family_menu(workspace.families, family.key)
                    _part('<ul id="models"></ul>')
                    add_model = add_model_menu(family, shown)
                    _part('<div id="networks"></div>')
                with gr.Column(elem_classes="box", elem_id="chain"):
                    _part("<h2>Distortions, in this order</h2>")
                    sliders = step_sliders()
                    add_step = add_step_menu()
                    against = gr.Dropdown(
                        [],
                        label="Crafted on",
                        info="The model whose weakness the attack looks for.",
                        visible=False,
                        interactive=True,
                        filterable=False,
                        elem_id="against",
                    )
                    with gr.Row(elem_id="draws"):
                        seed = gr.Number(
                            0,
                            label="Seed",
                            info="The same seed gives the same noise.",
                            precision=0,
                            minimum=0,
                            elem_id="seed",
                            min_width=80,
                        )
                        reroll = gr.Button("↻", elem_id="reroll", size="sm", min_width=40)
                        pixels = gr.Radio(
                            ["8-bit", "float"],
                            value="8-bit",
                            label="Pixels",
                            info="8-bit: rounded to what a file can hold.",
                            elem_id="pixels",
                            min_width=130,
                        )
                    on = gr.Radio(
                        ["input", "photograph"],
                        value="input",
                        label="Acts on",
                        info="input: what the networks take. photograph: at its own size, before each network fits it.",
                        elem_id="on",
                    )
                    recipe = gr.Textbox(
                        "",
                        label="Recipe",
                        info="All of this as one line: copy it, or paste one.",
                        buttons=["copy"],
                        lines=1,
                        max_lines=3,
                        elem_id="recipe",
                    )
            with gr.Column(elem_id="stage"):
                panel = gr.HTML(
                    html_template="",
                    apply_default_css=False,
                    elem_id="panel",
                    js_on_load=on_load(catalogue(workspace)),
                    server_functions=server_functions(endpoints),
                )
                _part('<div id="more" class="box-like"></div>')
            _part('<div id="failures"></div>')
            _part('<div id="search"></div>')
            _part('<div id="methods"></div>')
        connect(Controls(sliders, families, add_model, add_step, seed, against, pixels, on, reroll, recipe), panel)
        api.add(context, blocks)
    return blocks


def _part(html: str) -> gr.HTML:
    return gr.HTML(html, apply_default_css=False, js_on_load=None)


def server_functions(endpoints: Endpoints) -> list[Any]:
    """Wrap the endpoints for Gradio.

    Args:
        endpoints: What answers the page's requests.

    Returns:
        The functions that the page calls as ``server.<name>(argument)``.
    """

    def plain(method: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        @wraps(method)  # Gradio puts a mark on the function, which a method does not take
        async def call(argument: Any) -> Any:
            return await method(argument)

        return call

    return [plain(method) for method in endpoints.functions]


def catalogue(workspace: Workspace) -> dict[str, Any]:
    """Collect what the page knows without asking.

    Args:
        workspace: The models, pictures and data sets.

    Returns:
        A JSON object: families, distortions, samples, data sets, measures, limits, and the first state.
    """
    first, models = workspace.first
    return {
        **workspace.known,
        "samples": sample_strip(),
        "datasets": workspace.catalog.catalogue(),
        "measures": [{"name": one.name, "title": one.title, "here": one.here} for one in UNLEARNED.values()],
        "codecs": [
            {name: getattr(one, name) for name in ("name", "title", "low", "high", "default")}
            for one in VIDEO_CODECS.values()
        ],
        "doubts": [
            {"name": one.name, "title": one.title, "help": one.help, "span": list(one.span)} for one in DOUBTS.values()
        ],
        "limits": {"steps": MAX_STEPS, "bytes": MAX_BYTES},
        "first": {
            "family": first.key,
            "models": models,
            "named": workspace.named,
            "steps": Recipe.parse(defaults.RECIPE).to_dict()["steps"],
            "picture": first_picture(workspace),
        },
    }


def first_picture(workspace: Workspace) -> dict[str, Any]:
    """Choose the picture to open on.

    Args:
        workspace: The models, pictures and data sets.

    Returns:
        The first row of the user's own data where the app was given some, else the first picture of the first models,
        as the page names it.
    """
    if workspace.user_data:
        return {"dataset": workspace.user_data[0].name, "index": 0}
    return workspace.first[0].picture


def on_load(known: dict[str, Any]) -> str:
    """Write the script that starts the page: Gradio runs it with ``element``, ``server`` and ``trigger``.

    Gradio makes listeners for the events that are quoted in it: "sync" and "recipe".

    Args:
        known: What ``catalogue`` returns.

    Returns:
        The script.
    """
    entry = json.dumps(address(static.ENTRY))
    return f"""import(new URL({entry}, document.baseURI)).then(({{ start }}) => {{
  start({{ element, server, trigger, catalogue: {json.dumps(known)} }});
}}); // triggers 'sync' and 'recipe'
"""


def device_line() -> str:
    """Name what computes the answers.

    Returns:
        The graphics card, or the processor.
    """
    device = pick_device()
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cores = os.cpu_count() or 1
    return "Apple GPU" if device.type == "mps" else f"CPU · {cores} core{'s' if cores > 1 else ''}"
