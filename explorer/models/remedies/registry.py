"""What a remedy around a model is, and the table of all of them. A new one is one decorated function in one file.

A remedy asks a model not about a picture but about one or several copies that it made of it, and answers by their votes
or by the mean of their probabilities. It is a function ``f(x, draws, **settings) -> x'`` of a batch of copies (M, C, H,
W), each with its own random draws. The model that stands within is not changed and not trained.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from explorer.errors import ExplorerError
from explorer.registry import Registry

COPIES = "n"
"""The setting that says how many copies are made; a remedy without it makes one."""

SEED = "seed"
"""The setting of the draws, which every remedy with draws has beside its own."""

Answered = Literal["one", "mean", "votes"]
"""Of one copy; by the mean of the copies' probabilities; by their votes."""


@dataclass(frozen=True)
class Remedy:
    """One remedy.

    Attributes:
        name: Its name behind the ``+``.
        title: Name on screen.
        help: One sentence of help.
        source: The paper and its settings.
        answered: How the answer is made of the copies' answers.
        differentiable: Whether gradients pass through the function. If not, attacks take it for the identity on the
            way back (BPDA, Athalye, Carlini & Wagner 2018, arXiv 1802.00420), so that it hides none.
        random: Whether it draws.
        settings: Its settings with their defaults.
        limits: Smallest and largest value of each setting.
        function: ``f(x, draws, **settings)``.
    """

    name: str
    title: str
    help: str
    source: str
    answered: Answered
    differentiable: bool
    random: bool
    settings: Mapping[str, float]
    limits: Mapping[str, tuple[float, float]]
    function: Callable[..., Tensor]

    def to_dict(self) -> dict[str, Any]:
        """The remedy as a JSON object.

        Returns:
            Plain values; ``written`` as it stands in a model's name with its defaults, ``passes`` what it then costs.
        """
        told = {key: value for key, value in vars(self).items() if key != "function"}
        return {
            **told,
            "settings": dict(self.settings),
            "limits": {key: list(self.limits[key]) for key in self.settings},
            "written": self.write(self.settings),
            "passes": self.copies(self.settings),
        }

    def check(self, given: Mapping[str, Any]) -> dict[str, float]:
        """Check settings.

        Args:
            given: Numbers, or texts of numbers, by name.

        Returns:
            All settings, those not given with their defaults.

        Raises:
            ExplorerError: If there is no such setting, or its value is not a number within its limits.
        """
        settings = dict(self.settings)
        for key, value in given.items():
            if key not in settings:
                raise ExplorerError(f"{self.name} has no setting {key[:40]!r}; it has {', '.join(settings)}.")
            settings[key] = self._number(key, value)
        return settings

    def _number(self, key: str, value: Any) -> float:
        low, high = self.limits[key]
        whole = isinstance(self.settings[key], int)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not (low <= number <= high) or (whole and number != round(number)):
            kind = "a whole number" if whole else "a number"
            raise ExplorerError(f"{key} of {self.name} is {kind} from {low:g} to {high:.16g}, not {str(value)[:40]!r}.")
        return round(number) if whole else number

    def write(self, settings: Mapping[str, float]) -> str:
        """The remedy as it stands in a model's name.

        Args:
            settings: All settings, as ``check`` returns them.

        Returns:
            ``+name(setting=value,...)``; the seed only where it is not 0.
        """
        shown = {key: value for key, value in settings.items() if key != SEED or value}
        inner = ",".join(f"{key}={repr(value).removesuffix('.0')}" for key, value in shown.items())
        return f"+{self.name}({inner})" if inner else f"+{self.name}"

    def copies(self, settings: Mapping[str, float]) -> int:
        """How many forward passes one answer costs.

        Args:
            settings: All settings.

        Returns:
            The number of copies.
        """
        return int(settings.get(COPIES, 1))


REMEDIES = Registry[Remedy]("remedy", "explorer.models.remedies")
"""Every remedy by name, filled by :func:`remedy`."""


def remedy(
    name: str,
    *,
    title: str,
    source: str,
    limits: Mapping[str, tuple[float, float]],
    answered: Answered = "one",
    differentiable: bool = False,
    random: bool = False,
) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Decorator that registers a remedy; the first paragraph of the docstring becomes its help.

    The function's keyword arguments are its settings, whole numbers or not as their defaults are.

    Args:
        name: Its name behind the ``+``.
        title: Name on screen.
        source: The paper and its settings.
        limits: Smallest and largest value of each setting.
        answered: How the answer is made of the copies' answers.
        differentiable: Whether gradients pass through the function.
        random: Whether it draws; it then has the setting ``seed`` as well.

    Returns:
        The decorator, which returns the function unchanged.

    Raises:
        ValueError: The name is taken.
    """

    def register(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        parameters = list(inspect.signature(function).parameters.values())[2:]
        settings = {one.name: one.default for one in parameters} | ({SEED: 0} if random else {})
        ranges = {**limits, SEED: (0, 2**53 - 1)}
        text = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        found = Remedy(name, title, text, source, answered, differentiable, random, settings, ranges, function)
        REMEDIES.add(name, found)
        return function

    return register
