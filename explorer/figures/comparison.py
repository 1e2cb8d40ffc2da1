"""A comparison as one figure: the pictures that were compared, and what every model answered to both."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots
from torch import Tensor

from explorer.analysis import Comparison
from explorer.analysis.answers import ranking
from explorer.data import images
from explorer.figures.charts import heading
from explorer.figures.display import Figure
from explorer.figures.style import LAYOUT, axis, colours, tint
from explorer.results import distinct_titles

SIDE = 224  # px on screen of one picture
WIDTH = 3 * SIDE + 90
GAIN = 2  # how much the difference is amplified, as on the app's first screen: × 1 shows −1 to 1


def comparison(found: Comparison) -> Figure:
    """The clean picture, the distorted one and their difference, and below them a pair of bars per model.

    The difference is drawn around middle grey. The left bar of a pair is the probability of the clean
    answer on the clean pixels, the right one that of the distorted answer on the distorted pixels.

    Args:
        found: What ``explorer.compare`` returned for one image.

    Returns:
        The figure; the pictures in it are lossless at 8 bit.
    """
    shown = {
        "clean": found.clean,
        "distorted": found.distorted,
        f"difference × {GAIN}": difference(found.clean, found.distorted),
    }
    grid = make_subplots(
        rows=2,
        cols=3,
        specs=[[{}, {}, {}], [{"colspan": 3}, None, None]],
        subplot_titles=list(shown),
        horizontal_spacing=0.03,
        vertical_spacing=0.16,
        row_heights=[0.55, 0.45],
    )
    figure = Figure(grid)
    for i, pixels in enumerate(shown.values(), start=1):
        hover = "x %{x} px, y %{y} px<extra></extra>"
        figure.add_trace(go.Image(source=images.data_url(pixels), hovertemplate=hover), row=1, col=i)
    _bars(figure, found)
    figure.update_layout(
        {
            **LAYOUT,
            "width": WIDTH,
            "height": round(SIDE / 0.5) + 130,
            "margin": {"l": 60, "r": 20, "t": 66, "b": 56},
            "title": heading(f"{found.recipe}, pixels {found.image_hash}"),
            "barmode": "group",
            "showlegend": False,
        }
    )
    side = found.clean.shape[-1]
    bare = {"showticklabels": False, "showgrid": False, "zeroline": False, "constrain": "domain"}
    for i in range(1, 4):
        figure.update_xaxes(bare, row=1, col=i)
        figure.update_yaxes(bare, row=1, col=i)
    figure.update_xaxes(axis(f"model ({side} px pictures; left bar: clean, right bar: distorted)"), row=2, col=1)
    figure.update_yaxes(axis("probability of the answer (%)", range=[0, 114]), row=2, col=1)
    return figure


def _bars(figure: Figure, found: Comparison) -> None:
    """A pale bar for the clean answer and a full one for the distorted answer, each with its class above."""
    names = distinct_titles([answer.title for answer in found.models], [answer.name for answer in found.models])
    inks = colours(names, [answer.method for answer in found.models])
    for which, shift in (("clean", -0.175), ("distorted", 0.175)):
        likeliest = [ranking(getattr(answer, which), answer.classes, 1)[0] for answer in found.models]
        heights = [100 * one["probability"] for one in likeliest]
        full = which == "distorted"
        figure.add_trace(
            go.Bar(
                x=names,
                y=heights,
                name=which,
                marker={"color": inks if full else [tint(ink) for ink in inks], "pattern": {"shape": ""}},
                showlegend=False,
            ),
            row=2,
            col=1,
        )
        for i, (one, height, answer) in enumerate(zip(likeliest, heights, found.models, strict=True)):
            mark = "◆ " if full and answer.flipped else ""
            text = f"{mark}{one['label']} {height:.1f}"
            where = {"x": i + shift, "y": height, "xanchor": "center", "yanchor": "bottom"}
            figure.add_annotation(text=text, showarrow=False, font={"size": 11}, **where, row=2, col=1)


def difference(clean: Tensor, distorted: Tensor) -> Tensor:
    """The difference of two images, as the live view draws it.

    Args:
        clean: Image (1, C, H, W) in [0, 1].
        distorted: Image of the same shape.

    Returns:
        An image (1, C, H, W) in [0, 1]; no difference is middle grey.
    """
    return (0.5 + GAIN / 2 * (distorted.cpu().float() - clean.cpu().float())).clamp(0, 1)
