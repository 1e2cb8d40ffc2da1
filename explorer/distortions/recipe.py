"""Recipes: an ordered chain of distortions and one seed, as text, JSON, URL query and Python."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote

from explorer.data.fitting import CENTRE
from explorer.distortions.registry import Distortion, find_distortion
from explorer.errors import ExplorerError
from explorer.numbers import plain_number

MAX_SEED = 2**53 - 1
"""The largest seed: every whole number up to it survives JSON and a browser exactly."""

INPUT, PHOTOGRAPH = "input", "photograph"
"""What a recipe distorts."""

_FORM = "name=amount,name=amount;seed=7"
_KEYS = ("steps", "seed", "against", "quantised", "on", "window")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Recipe:
    """An ordered chain of distortions with one seed.

    Attributes:
        steps: (distortion, amount) pairs in order.
        seed: Seed of all random draws, 0 to 2**53 - 1.
        against: Name of the model that attacks are computed against.
        quantised: Whether the result is rounded to 8 bits.
        on: What it distorts: the networks' ``input`` (as ImageNet-C and CIFAR-10-C are defined), or the ``photograph``
            at its own size, which each network then fits by its own transform (as Zheng et al. 2016 distort).
        window: Which part of the photograph each network is given: where that part lies, as shares in [0, 1] of the
            free room across and down. The centre, (0.5, 0.5), is where networks were published to look.

    Raises:
        ExplorerError: If a distortion is unknown, an amount is out of range or not finite, or the seed is invalid;
            if an attack is to act on the photograph, or a window is given without one.

    Examples:
        >>> import explorer
        >>> recipe = explorer.Recipe.parse("gaussian_noise=0.1,jpeg=30;seed=7")
        >>> recipe.steps, recipe.seed
        ((('gaussian_noise', 0.1), ('jpeg', 30.0)), 7)
        >>> str(recipe)
        'gaussian_noise=0.1,jpeg=30;seed=7'
    """

    steps: tuple[tuple[str, float], ...] = ()
    seed: int = 0
    against: str | None = None
    quantised: bool = True
    on: str = INPUT
    window: tuple[float, float] = CENTRE

    def __post_init__(self) -> None:
        try:
            steps = tuple((str(name), find_distortion(name).check(amount)) for name, amount in self.steps)
        except (TypeError, ValueError) as error:
            if isinstance(error, ExplorerError):
                raise
            raise ExplorerError("The steps of a recipe must be pairs of a distortion's name and an amount.") from None
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "seed", _check_seed(self.seed))
        if self.against is not None and (
            not isinstance(self.against, str) or not self.against.isprintable() or self.against.strip() != self.against
            or not self.against
        ):  # fmt: skip
            raise ExplorerError("The model a recipe attacks must be a name or a path, without spaces around it.")
        if not isinstance(self.quantised, bool):
            raise ExplorerError("Whether a recipe rounds its pixels to 8 bit must be true or false.")
        if self.on not in {INPUT, PHOTOGRAPH}:
            raise ExplorerError(f"A recipe acts on=input or on=photograph, not on={str(self.on)[:80]}.")
        if self.on == PHOTOGRAPH and self.adversarial:
            raise ExplorerError("An attack acts on a network's input, not on the photograph; leave on=photograph out.")
        object.__setattr__(self, "window", _check_window(self.window))
        if self.on != PHOTOGRAPH and self.window != CENTRE:
            raise ExplorerError("window= says which part of a photograph networks are given; write on=photograph, too.")

    def __str__(self) -> str:
        chain = ",".join(f"{name}={_number(amount)}" for name, amount in self.steps) or "clean"
        against = "" if self.against is None else f";against={_escape(self.against)}"
        pixels, on = "" if self.quantised else ";pixels=float", "" if self.on == INPUT else f";on={self.on}"
        window = "" if self.window == CENTRE else f";window={':'.join(map(_number, self.window))}"
        return f"{chain};seed={self.seed}{against}{pixels}{on}{window}"

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Read the text form, for example
        ``gaussian_noise=0.1,fgsm=8/255;seed=7;against=digits/lenet/bang;pixels=float`` or
        ``jpeg=10;on=photograph;window=0:0.5``.

        Args:
            text: The chain, then options after semicolons. ``clean`` is the empty chain; amounts may be fractions such
                as 8/255; the seed defaults to 0.

        Returns:
            The recipe.

        Raises:
            ExplorerError: If the text cannot be read.
        """
        if not isinstance(text, str) or not text.strip():
            raise ExplorerError(f"The recipe is empty: write clean, or a chain such as {_FORM}.")
        chain, *options = (part.strip() for part in text.split(";"))
        steps: list[tuple[str, float]] = []
        if chain != "clean":
            for step in chain.split(","):
                name, equals, amount = (part.strip() for part in step.partition("="))
                if not equals or not name:
                    raise ExplorerError(f"The step {step.strip()!r} cannot be read: a recipe looks like {_FORM}.")
                steps.append((find_distortion(name).name, _read_number(name, amount)))
        given: dict[str, str] = {}
        for option in options:
            key, equals, value = (part.strip() for part in option.partition("="))
            if not equals or key not in {"seed", "against", "pixels", "on", "window"} or key in given:
                raise ExplorerError(
                    f"The part {option!r} cannot be read: after the chain come seed=, against=, pixels=, on= and "
                    "window=, once each."
                )
            given[key] = value
        if given.get("pixels", "8bit") not in {"8bit", "float"}:
            raise ExplorerError(f"pixels={given['pixels']} is not known: write pixels=8bit or pixels=float.")
        return cls(
            steps=tuple(steps),
            seed=_read_seed(given.get("seed", "0")),
            against=_unescape(given["against"]) if "against" in given else None,
            quantised=given.get("pixels", "8bit") == "8bit",
            on=given.get("on", INPUT),
            window=_read_window(given["window"]) if "window" in given else CENTRE,
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON form.

        Returns:
            ``{"steps": [[name, amount], ...], "seed": int, "against": str or null, "quantised": bool, "on": str}``,
            and ``"window": [across, down]`` where that is not the centre.
        """
        return {
            "steps": [[name, amount] for name, amount in self.steps],
            "seed": self.seed,
            "against": self.against,
            "quantised": self.quantised,
            "on": self.on,
            **({} if self.window == CENTRE else {"window": list(self.window)}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """Read the JSON form.

        Args:
            data: The object; absent keys take their defaults.

        Returns:
            The recipe.

        Raises:
            ExplorerError: If a key is unknown or a value is invalid.
        """
        if not isinstance(data, Mapping):
            raise ExplorerError(f"A recipe in JSON must be an object with {', '.join(_KEYS)}.")
        unknown = sorted(str(key) for key in set(data) - set(_KEYS))
        if unknown:
            raise ExplorerError(f"A recipe has no {unknown[0]!r}: it has {', '.join(_KEYS)}.")
        steps = data.get("steps", ())
        if not isinstance(steps, Sequence) or isinstance(steps, str):
            raise ExplorerError("The steps of a recipe must be a list of pairs of a distortion's name and an amount.")
        return cls(
            tuple(steps),
            data.get("seed", 0),
            data.get("against"),
            data.get("quantised", True),
            data.get("on", INPUT),
            data.get("window", CENTRE),
        )

    def to_query(self) -> str:
        """The form for a URL.

        Returns:
            ``recipe=gaussian_noise=0.1,jpeg=30;seed=7``, percent-encoded where a URL needs it.
        """
        return "recipe=" + quote(str(self), safe="=,;/:")

    @classmethod
    def from_query(cls, query: str) -> Recipe:
        """Read ``recipe=`` from a URL query.

        Args:
            query: The query; a leading ``?`` and other keys are ignored.

        Returns:
            The recipe; the clean one if the query has none.

        Raises:
            ExplorerError: If the recipe cannot be read or occurs twice.
        """
        values = [value for key, value in parse_qsl(query.lstrip("?"), keep_blank_values=True) if key == "recipe"]
        if len(values) > 1:
            raise ExplorerError("The address holds more than one recipe: keep one recipe=.")
        return cls.parse(values[0]) if values else cls()

    def to_python(self) -> str:
        """A line of Python that makes this recipe.

        Returns:
            The source text.
        """
        return f"Recipe.parse({str(self)!r})"

    def with_amount(self, name: str, amount: float) -> Recipe:
        """Change the amount of the last step of a distortion, the one that ``sweep`` and ``flip_point`` vary.

        Args:
            name: Name of the distortion; it is appended if the recipe lacks it.
            amount: The new amount.

        Returns:
            The new recipe.
        """
        steps, index = list(self.steps), self.index_of(name)
        steps[index : index + 1] = [(name, amount)]
        return replace(self, steps=tuple(steps))

    def index_of(self, name: str) -> int:
        """Find the last step of a distortion.

        Args:
            name: Name of the distortion.

        Returns:
            Its index, or the index it would have if appended.
        """
        found = [i for i, (known, _) in enumerate(self.steps) if known == name]
        return found[-1] if found else len(self.steps)

    def distortion(self, name: str) -> Distortion:
        """Find a distortion as it acts on what this recipe distorts.

        Args:
            name: Its name.

        Returns:
            The distortion; of the photograph, with the bytes that a program for pictures gives.
        """
        found = find_distortion(name)
        if self.on == INPUT or found.of_pictures is None:
            return found
        return replace(found, function=found.of_pictures)

    @property
    def adversarial(self) -> bool:
        """Whether any step needs a model to attack."""
        return any(find_distortion(name).adversarial for name, _ in self.steps)


def _check_seed(seed: Any) -> int:
    seed = plain_number(seed)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise ExplorerError(f"The seed must be a whole number from 0 to {MAX_SEED}, not {seed!r}.")
    return seed


def _check_window(window: Any) -> tuple[float, float]:
    try:
        across, down = (0.0 + plain_number(share) for share in window)
    except (TypeError, ValueError):
        across = down = math.nan
    if not (0 <= across <= 1 and 0 <= down <= 1):
        raise ExplorerError(
            "The window is two shares from 0 to 1 of the free room, across and down; window=0.5:0.5 is the centre."
        )
    return across, down


def _read_window(text: str) -> tuple[float, float]:
    shares = text.split(":")
    return _check_window([float(share) if _NUMBER.fullmatch(share) else math.nan for share in map(str.strip, shares)])


def _read_seed(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,16}", text):
        raise ExplorerError(f"The seed must be a whole number from 0 to {MAX_SEED}, not {text!r}.")
    return int(text)


def _read_number(name: str, text: str) -> float:
    """A decimal number or a fraction of two, e.g. 0.1, 3e-2 or 8/255."""
    parts = [part.strip() for part in text.split("/")]
    if len(parts) > 2 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise ExplorerError(f"The amount {text!r} of {name} is not a number: write for example {name}=0.1 or 8/255.")
    numbers = [float(part) for part in parts]
    if len(numbers) == 2 and numbers[1] == 0:
        raise ExplorerError(f"The amount {text!r} of {name} divides by zero.")
    value = numbers[0] / numbers[1] if len(numbers) == 2 else numbers[0]
    if not math.isfinite(value):
        raise ExplorerError(f"The amount {text!r} of {name} is too large.")
    return value


def _number(amount: float) -> str:
    """The shortest text that reads back as exactly this float, without a trailing .0."""
    return repr(amount).removesuffix(".0")


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace(";", "%3B")


def _unescape(text: str) -> str:
    return text.replace("%3B", ";").replace("%25", "%")
