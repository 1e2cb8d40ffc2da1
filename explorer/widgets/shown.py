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
    """Show the explorer as the output of a cell: sliders, the live panel and curves. Outside a notebook nothing is
    shown.

    Args:
        image: Name of a sample photograph, a row such as ``digits:7``, a path, a Pillow image, an array or a tensor.
        models: Names or loaded models.
        recipe: Text or an ``explorer.Recipe``. All defaults are those of the app's first screen.

    Returns:
        The widget; its traits can be read, set and observed (``w.recipe = "jpeg=20;seed=0"``, ``w.comparison``).

    Raises:
        ExplorerError: If an argument is invalid.
    """
    from explorer.widgets.explorer import Explorer

    explorer = Explorer(image, models, recipe)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        explorer._ipython_display_()
    return explorer
