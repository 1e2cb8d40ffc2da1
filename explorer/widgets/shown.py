"""``explorer.show(...)``, the one-liner."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from explorer.defaults import RECIPE

if TYPE_CHECKING:
    from explorer.data.inputs import PictureLike
    from explorer.distortions import Recipe
    from explorer.models.reading import ModelsLike
    from explorer.widgets.explorer import Explorer


def show(
    image: PictureLike | None = None,
    models: ModelsLike | None = None,
    recipe: Recipe | str = RECIPE,
) -> Explorer:
    """Show the explorer as the output of a cell: sliders, the live panel, and curves.

    Without arguments it is the app's first screen. Outside a notebook nothing is displayed.

    Args:
        image: One picture, as for ``compare``; pixels of any size are fitted to the models.
        models: Names, paths, loaded models or networks of your own, as for ``compare``.
        recipe: The distortions and the seed, a ``Recipe`` or its text.

    Returns:
        The widget; its traits ``image``, ``models``, ``recipe`` and ``comparison`` can be read, set and observed.

    Raises:
        ExplorerError: If something of it makes no sense, in one sentence.

    Examples:
        >>> import explorer
        >>> w = explorer.show("digits:7", "digits/lenet/standard", "contrast=0.2")
        >>> w.comparison.models[0].flipped
        True
        >>> w.recipe = "jpeg=20;seed=0"
        >>> w.comparison.models[0].flipped
        False
    """
    from explorer.widgets.explorer import Explorer

    explorer = Explorer(image, models, recipe)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        explorer._ipython_display_()
    return explorer
