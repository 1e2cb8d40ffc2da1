"""``explorer.show(...)``, the one-liner."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from explorer.defaults import RECIPE

if TYPE_CHECKING:
    from explorer.distortions import Recipe
    from explorer.models import Classifier
    from explorer.widgets.explorer import Explorer


def show(
    image: Any = None,
    models: Sequence[str | Classifier] | None = None,
    recipe: str | Recipe = RECIPE,
) -> Explorer:
    """The explorer as the output of a cell: sliders, the live panel, and curves; returns the widget.

    ``image``: a bundled photograph's name, a row such as ``digits:7``, a path, a Pillow picture, an array or a tensor;
    ``models``: names or loaded models; ``recipe``: text or an ``explorer.Recipe``. By default the app's first screen.
    The traits of what is returned can be read, set and observed (``w.recipe = "jpeg=20;seed=0"``, ``w.comparison``).
    Outside a notebook nothing is displayed. ExplorerError, one sentence, where something makes no sense.
    """
    from explorer.widgets.explorer import Explorer

    explorer = Explorer(image, models, recipe)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        explorer._ipython_display_()
    return explorer
