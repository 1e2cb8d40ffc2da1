"""The options that describe networks of one's own, defined once for all commands that load models."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

from explorer.cli.inputs import load_models
from explorer.cli.options import Arch, ClassNames, Device, Mean, Names, Side, Std, Weights

if TYPE_CHECKING:
    from explorer.models import Classifier


@dataclass(frozen=True)
class Networks:
    """What the options say of networks of one's own; each field is an option, with its default.

    Attributes:
        arch: Architecture.
        mean: Normalisation, mean per channel.
        std: Normalisation, deviation per channel.
        name: Names in place of paths.
        weights: Files of weights.
        size: Side of the input in px.
        classes: Names of the classes.
        device: Where they run.
    """

    arch: Arch = None
    mean: Mean = None
    std: Std = None
    name: Names = None
    weights: Weights = None
    size: Side = None
    classes: ClassNames = None
    device: Device = "auto"

    def load(self, models: Sequence[str]) -> list[Classifier]:
        """Load the models of a command.

        Args:
            models: Names or paths, or several separated by commas.

        Returns:
            The models; an ``ExplorerError`` says where one cannot be loaded, as ``load_models``.
        """
        return load_models(
            models, self.arch, self.mean, self.std, self.device, self.name, self.weights, self.size, self.classes
        )


def describes_networks(command: Callable[..., None]) -> Callable[..., None]:
    """Decorator that gives a command these options in place of its argument ``networks``.

    Args:
        command: The command, with a keyword-only argument ``networks``.

    Returns:
        The same with the options behind its own ones.
    """
    hints = get_type_hints(Networks, include_extras=True)
    shared = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(Networks)
    ]
    own = inspect.signature(command, eval_str=True)
    kept = [one for one in own.parameters.values() if one.name != "networks"]
    signature = own.replace(parameters=[*kept, *shared])

    @wraps(command)
    def run(*args: Any, **given: Any) -> None:
        bound = signature.bind(*args, **given)
        networks = Networks(
            **{one.name: bound.arguments.pop(one.name) for one in shared if one.name in bound.arguments}
        )
        command(*bound.args, **bound.kwargs, networks=networks)

    run.__signature__ = signature  # type: ignore[attr-defined]  # what typer reads
    run.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()} | {"return": None}
    return run
