"""Plotly figures of plain results: curves, lines, bars, heat maps, rows of pictures; and a way to show them anywhere.

Each function takes results and gives a :class:`Figure`, a ``plotly.graph_objects.Figure`` that brings a static picture
of itself along, so that a stored notebook reads well where no script runs. Every axis has a name and a unit; a model
has the colour of its method and a dash or a hatching of its own.
"""

from explorer.figures.charts import bars, heatmap, lines
from explorer.figures.display import Figure, show
from explorer.figures.pictures import pictures
from explorer.figures.static import png
from explorer.figures.sweeps import curves
from explorer.figures.thresholds import thresholds

__all__ = ["Figure", "bars", "curves", "heatmap", "lines", "pictures", "png", "show", "thresholds"]
