"""Pictures in a row, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots
from torch import Tensor

from explorer.data import images
from explorer.errors import ExplorerError
from explorer.figures.charts import heading
from explorer.figures.display import Figure
from explorer.figures.style import LAYOUT, SOFT

PER_ROW = 6
SIDE = 130  # px on screen of one picture
MOST = 64


def pictures(batch: Tensor, captions: Sequence[str] | None = None, title: str | None = None) -> Figure:
    """Show images side by side, enlarged without smoothing; lossless for 8-bit values.

    Args:
        batch: (N, 3 or 1, H, W) in [0, 1], N up to 64; at most six stand in a row.
        captions: One text per image.
        title: Title of the figure.

    Returns:
        The figure.

    Raises:
        ExplorerError: If the batch is invalid or too large, or if the number of captions differs.
    """
    images.check_batch(batch)
    count = len(batch)
    if not 1 <= count <= MOST:
        raise ExplorerError(f"A figure shows 1 to {MOST} pictures, and the batch holds {count}; choose some of them.")
    words = [""] * count if captions is None else [str(caption) for caption in captions]
    if len(words) != count:
        raise ExplorerError(f"There are {count} pictures and {len(words)} captions; give one for each.")
    down = -(-count // PER_ROW)
    across = -(-count // down)  # 8 pictures are two rows of 4, not 6 and 2
    lines = max(word.count("<br>") + 1 for word in words)
    grid = make_subplots(
        rows=down, cols=across, subplot_titles=words, horizontal_spacing=0.06 / across, vertical_spacing=0.2 / down
    )
    figure = Figure(grid)
    for i in range(count):
        row, column = i // across + 1, i % across + 1
        picture = go.Image(source=images.data_url(batch[i]), hovertemplate="x %{x} px, y %{y} px<extra></extra>")
        figure.add_trace(picture, row=row, col=column)
    height, width = batch.shape[2:]
    tall = SIDE * height / width
    figure.update_layout(
        {
            **LAYOUT,
            "height": round(down * (tall + 18 + 15 * lines) + (44 if title else 14) + 40),
            "width": across * (SIDE + 10) + 70,
            "margin": {"l": 44, "r": 10, "t": (44 if title else 10) + 15 * lines, "b": 40},
            "title": heading(title),
        }
    )
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False, constrain="domain")
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False, constrain="domain")
    small = {"size": 10, "color": SOFT}
    figure.update_xaxes(title={"text": f"x (px, {width})", "font": small, "standoff": 2}, row=down)
    figure.update_yaxes(title={"text": f"y (px, {height})", "font": small, "standoff": 2}, col=1)
    figure.update_annotations(font={"size": 12})
    return figure
