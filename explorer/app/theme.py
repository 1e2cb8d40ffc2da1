"""The look of Gradio's own controls: system fonts, the panel's greys, no shadows; and the page's style sheets."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from explorer.app.guard import Guard
from explorer.data.images import MAX_BYTES
from explorer.panel import panel_css

FONT = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")

# name: (light, dark), as in the panel's style sheet
GREYS = {
    "body_background_fill": ("#f6f7f9", "#0f1216"),
    "body_text_color": ("#14181f", "#e8ebef"),
    "body_text_color_subdued": ("#5b6573", "#98a2b0"),
    "background_fill_primary": ("#ffffff", "#171b21"),
    "background_fill_secondary": ("#f6f7f9", "#0f1216"),
    "border_color_primary": ("#e3e6ea", "#262c34"),
    "border_color_accent": ("#14181f", "#e8ebef"),
    "block_background_fill": ("transparent", "transparent"),
    "block_label_text_color": ("#5b6573", "#98a2b0"),
    "block_title_text_color": ("#5b6573", "#98a2b0"),
    "block_info_text_color": ("#5b6573", "#98a2b0"),
    "input_background_fill": ("#ffffff", "#171b21"),
    "input_border_color": ("#e3e6ea", "#323a44"),
    "input_border_color_focus": ("#14181f", "#e8ebef"),
    "color_accent_soft": ("#eceff2", "#232a32"),
    "slider_color": ("#14181f", "#e8ebef"),
    "button_secondary_background_fill": ("#ffffff", "#171b21"),
    "button_secondary_border_color": ("#e3e6ea", "#323a44"),
    "button_secondary_text_color": ("#5b6573", "#98a2b0"),
    "checkbox_label_background_fill": ("transparent", "transparent"),
    "checkbox_background_color_selected": ("#14181f", "#e8ebef"),
    "checkbox_border_color_selected": ("#14181f", "#e8ebef"),
}


def theme() -> gr.themes.Base:
    """Gradio's base theme in the panel's greys; the fonts are the system's, nothing is fetched."""
    colours = {
        key: value for name, (light, dark) in GREYS.items() for key, value in ((name, light), (f"{name}_dark", dark))
    }
    shapes = {
        "color_accent": "#14181f",  # has no dark twin; app.css gives it one
        "block_border_width": "0px",
        "block_padding": "0px",
        "block_shadow": "none",
        "block_title_text_size": "12px",
        "block_title_text_weight": "400",
        "block_info_text_size": "11px",
        "input_shadow": "none",
        "input_shadow_focus": "none",
        "input_text_size": "13px",
        "input_padding": "5px 9px",
        "input_radius": "8px",
        "button_secondary_shadow": "none",
        "layout_gap": "10px",
    }
    return gr.themes.Base(font=FONT, font_mono=MONO).set(**colours, **shapes)


def launch_options(names: Collection[str] = (), *, mcp: bool = False) -> dict[str, Any]:
    """What ``gr.Blocks.launch`` has to be told for the page to look as meant and to keep to itself.

    ``names``: host names it answers to besides localhost and IP addresses; ``mcp``: whether to serve the API as tools.
    """
    folder = Path(__file__).resolve().parent
    styles = panel_css() + "".join((folder / name).read_text(encoding="utf-8") for name in ("app.css", "browser.css"))
    styles += "".join(
        path.read_text(encoding="utf-8")
        for path in [
            *sorted((folder / "views").glob("*.css")),
            *(folder / place / f"{place}.css" for place in ("failures", "methods")),
        ]
    )
    return {
        "theme": theme(),
        "head": f"<style>{styles}</style>",
        "footer_links": [],
        "max_file_size": MAX_BYTES + 2**20,  # a little more than we read, so that ours is the sentence people see
        "share": False,
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,
        "pwa": False,
        "mcp_server": mcp,
        "app_kwargs": {"middleware": [Middleware(Guard, names, mcp=mcp)]},
        "state_session_capacity": 1000,
        "ssr_mode": False,
        "quiet": True,
    }
