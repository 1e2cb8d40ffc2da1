"""The one exception for everything a user can do wrong, and the one warning for what only looks like it."""


class ExplorerError(ValueError):
    """One plain sentence that says what is wrong and what would be right; interfaces show it without a traceback."""


class ExplorerWarning(UserWarning):
    """A finding that does not prevent a result, as one plain sentence; results carry it in ``warnings``, too."""
