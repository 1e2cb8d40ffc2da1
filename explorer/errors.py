"""The one exception for everything a user can do wrong."""


class ExplorerError(ValueError):
    """One plain sentence that says what is wrong and what would be right; interfaces show it without a traceback."""
