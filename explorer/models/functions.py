"""``package.module:function[@weights]``: networks that a function of the user's own Python builds."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from explorer.errors import ExplorerError
from explorer.models.external import check_module
from explorer.models.naming import split_remedies
from explorer.models.weights import fill, read_states

_WORDS = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
_NAME = re.compile(rf"(?P<module>(?!\w:){_WORDS}):(?P<function>{_WORDS})(@(?P<file>.+))?")  # one letter is a drive


def is_function(name: str) -> bool:
    """Whether a model is named as a function: its code runs when it is loaded.

    Args:
        name: The model's name.

    Returns:
        True for ``package.module:function``, with or without ``@weights``, and whatever remedies stand around it.
    """
    return _NAME.fullmatch(split_remedies(name)[0]) is not None


def build(name: str, weights: Path | None) -> tuple[nn.Module, tuple[str, ...]]:
    """Build a network by calling a function without arguments, and fill it.

    The module is looked for as Python does, and in the working folder.

    Args:
        name: Such as ``nets.small:make``; a class does as well as a function.
        weights: A file of weights; None takes the network as the function returns it.

    Returns:
        The network, and findings, one sentence each.

    Raises:
        ExplorerError: If there is no such module or function, if it fails or returns no network, or if the weights do
            not fit.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise ExplorerError(f"{name[:200]!r} does not name a function; write package.module:function.")
    where, what = found["module"], found["function"]
    with _working_folder():
        made: Any = _try(lambda: import_module(where), f"The module {where} cannot be imported")
        for part in what.split("."):
            if not hasattr(made, part):
                raise ExplorerError(f"The module {where} has no {what}; name a function that returns a network.")
            made = getattr(made, part)
        net = _try(made, f"{where}:{what}, which is called without arguments, failed")
    check_module(net)
    return net, () if weights is None else fill(net, read_states(weights), weights.name, f"{where}:{what}")


def _try(call: Callable[[], Any], otherwise: str) -> Any:
    try:
        return call()
    except Exception as error:  # whatever the user's own code raises
        reason = (str(error).strip().split("\n") or [""])[0][:200]
        raise ExplorerError(f"{otherwise}: {type(error).__name__}{': ' if reason else ''}{reason}.") from error


@contextmanager
def _working_folder() -> Iterator[None]:
    """The working folder among the places of modules, last, as ``python -m`` has it."""
    here = str(Path.cwd())
    if here in sys.path:
        yield
        return
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)
