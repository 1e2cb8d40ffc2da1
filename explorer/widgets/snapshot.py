"""The last state without a kernel and without a script, for GitHub, nbviewer and exported pages: HTML with numbers."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from typing import Any

from PIL import Image

from explorer.reports.comparison import answers_html

SIDE = 160  # px on screen


def snapshot(answer: Mapping[str, Any], marker: str) -> str:
    """The panel as static HTML: both pictures, enlarged pixel by pixel, and the table of answers.

    Args:
        answer: As ``panel.js`` draws it.
        marker: A class by which the live widget finds and hides it.

    Returns:
        One element.
    """
    pictures = "".join(
        f'<td><img src="{_enlarged(answer["images"][which])}" width="{SIDE}" alt="{which} picture"><br>{which}</td>'
        for which in ("clean", "distorted")
    )
    words = f"Recipe <code>{escape(answer['recipe'])}</code>, pixels #{escape(answer['image_hash'])}"
    return (
        f'<div class="stability-snapshot {escape(marker)}"><table><tr>{pictures}</tr></table>'
        f"{answers_html(answer)}<p>{words}. Run the cell to move the sliders.</p></div>"
    )


def line(answer: Mapping[str, Any]) -> str:
    """The panel as one line of text.

    Args:
        answer: As ``panel.js`` draws it.

    Returns:
        The recipe and the models' answers.
    """
    answers = "; ".join(
        f"{model['title']}: {model['clean'][0]['label']} -> {model['distorted'][0]['label']} "
        f"({100 * model['confidence']:.0f} %)"
        for model in answer["models"]
    )
    return f"Explorer at {answer['recipe']}: {answers}"


def _enlarged(url: str) -> str:
    """A PNG data URL, nearest-neighbour enlarged: a page that strips styles would smooth a small one."""
    picture: Image.Image = Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
    times = max(1, SIDE // picture.width)
    out = io.BytesIO()
    enlarged = picture.resize((times * picture.width, times * picture.height), Image.Resampling.NEAREST)
    enlarged.save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")
