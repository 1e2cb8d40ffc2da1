"""How models with remedies around them are named: ``A+jpeg(quality=75)+smoothing(sigma=0.25,n=100)``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from explorer.errors import ExplorerError

_TAIL = re.compile(r"(\+[A-Za-z_]\w*\([^()]*\)|\+[A-Za-z_]\w*)+$")
_ONE = re.compile(r"\+([A-Za-z_]\w*)(?:\(([^()]*)\))?")
_COMMA = re.compile(r",(?![^()]*\))")


def split_remedies(name: str) -> tuple[str, str]:
    """Split a model's name into the model and what stands around it.

    Args:
        name: The name.

    Returns:
        The model's own name or path, and the rest, ``+remedy(setting=value,...)`` once or several times; "" where
        nothing stands around it.
    """
    found = _TAIL.search(name)
    return (name[: found.start()], name[found.start() :]) if found and found.start() else (name, "")


def read_remedies(tail: str) -> list[tuple[str, dict[str, str]]]:
    """Read what stands around a model.

    Args:
        tail: The second part of ``split_remedies``.

    Returns:
        The remedies from the inside out, each with its settings as text.

    Raises:
        ExplorerError: If a setting is given twice.
    """
    found = []
    for name, settings in _ONE.findall(tail):
        pairs = [part.partition("=") for part in settings.split(",") if part.strip()]
        given = {key.strip(): value.strip() for key, _, value in pairs}
        if len(given) < len(pairs):
            raise ExplorerError(f"+{name}({settings[:80]}) gives a setting twice; give each once.")
        found.append((name, given))
    return found


def split_names(text: str) -> Sequence[str]:
    """Split a list of models at its commas, but not at those between parentheses.

    Args:
        text: Names separated by commas.

    Returns:
        The names as they stand.
    """
    return _COMMA.split(text)
