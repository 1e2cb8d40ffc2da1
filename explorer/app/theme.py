"""The style of Gradio's controls: system fonts, the panel's greys, no shadows; and the page's style sheets."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from explorer.app import static
from explorer.app.guard import Guard
from explorer.app.refusals import HANDLERS
from explorer.data.decoding import MAX_BYTES
from explorer.palette import CONTROL_BORDER, GENERAL, Colour
from explorer.web import stylesheets

FONT = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")

ICON = '<link rel="icon" href="favicon.ico">'  # relative; by itself a browser asks for it outside of a sub-path

NONE = Colour("transparent", "transparent")

COLOURS = {
    "body_background_fill": GENERAL["bg"],
    "body_text_color": GENERAL["text"],
    "body_text_color_subdued": GENERAL["soft"],
    "background_fill_primary": GENERAL["card"],
    "background_fill_secondary": GENERAL["bg"],
    "border_color_primary": GENERAL["line"],
    "border_color_accent": GENERAL["text"],
    "block_background_fill": NONE,
    "block_label_text_color": GENERAL["soft"],
    "block_title_text_color": GENERAL["soft"],
    "block_info_text_color": GENERAL["soft"],
    "input_background_fill": GENERAL["card"],
    "input_border_color": CONTROL_BORDER,
    "input_border_color_focus": GENERAL["text"],
    "color_accent_soft": GENERAL["track"],
    "slider_color": GENERAL["text"],
    "button_secondary_background_fill": GENERAL["card"],
    "button_secondary_border_color": CONTROL_BORDER,
    "button_secondary_text_color": GENERAL["soft"],
    "checkbox_label_background_fill": NONE,
    "checkbox_background_color_selected": GENERAL["text"],
    "checkbox_border_color_selected": GENERAL["text"],
}
"""Gradio's colours by the names that its themes have for them."""


def theme() -> gr.themes.Base:
    """Gradio's base theme in the panel's greys, with system fonts, so that nothing is fetched.

    Returns:
        The theme.
    """
    colours = {name: colour.light for name, colour in COLOURS.items()}
    colours |= {f"{name}_dark": colour.dark for name, colour in COLOURS.items()}
    shapes = {
        "color_accent": GENERAL["text"].light,  # has no dark twin: `styles` gives it one
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


def styles() -> str:
    """The page's style sheets.

    Returns:
        CSS.
    """
    return f".dark {{ --color-accent: {GENERAL['text'].dark}; }}\n{stylesheets.css(*stylesheets.APP)}"


def launch_options(names: Collection[str] = (), *, root_path: str = "", mcp: bool = False) -> dict[str, Any]:
    """Options for ``gr.Blocks.launch``: the look of the page, and what keeps it local.

    Args:
        names: Host names it answers to besides localhost and IP addresses.
        root_path: The sub-path under which a proxy serves the page, as ``/tools/explorer``.
        mcp: Whether to serve the API to MCP clients.

    Returns:
        Keyword arguments.
    """
    return {
        "theme": theme(),
        "head": f"{ICON}{static.preload()}<style>{styles()}</style>",
        "footer_links": [],
        "max_file_size": MAX_BYTES + 2**20,  # a little more than we read, so that ours is the sentence people see
        "share": False,
        "show_error": False,
        "enable_monitoring": False,
        "run_history": False,
        "pwa": False,
        "mcp_server": mcp,
        "app_kwargs": {
            "middleware": [Middleware(Guard, names, root_path=root_path, mcp=mcp)],
            "routes": static.routes(),
            "exception_handlers": HANDLERS,
        },
        "state_session_capacity": 1000,
        "ssr_mode": False,
        "quiet": True,
    }
