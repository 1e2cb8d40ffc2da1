"""The training methods: names, texts, costs and published values. ``explorer.training`` fills the table.

The table is on this layer because models are shown by their method's title; a method itself, from its objective to the
numbers of its paper, is one decorated function in one file of ``explorer/training/`` or of a plugin.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from explorer.palette import PLAIN, MethodColours
from explorer.registry import Registry

Provenance = Literal["stated", "measured"]


@dataclass(frozen=True)
class Source:
    """A paper.

    Attributes:
        key: Its key in files.
        authors: Its authors.
        year: Year of publication.
        title: Its title.
        arxiv: Its arXiv number, or "".
    """

    key: str
    authors: str
    year: int
    title: str
    arxiv: str

    @property
    def short(self) -> str:
        """How a figure names it, e.g. "Usama & Chang 2018"."""
        return f"{self.authors} {self.year}"

    def to_dict(self) -> dict[str, Any]:
        """The paper as a JSON object.

        Returns:
            ``{key, authors, year, title, arxiv, short}``.
        """
        return {**asdict(self), "short": self.short}


@dataclass(frozen=True)
class PublishedValue:
    """An accuracy that others published, or that their public weights reach, to compare with ours.

    It is one number of another network, trained and tested by others: it is drawn beside our curves and never joined
    to them.

    Attributes:
        data: The data set, by its name here, whose test images were used.
        method: The training method, by its name here.
        arch: The network in its source's words.
        same_as: Our architecture of that design; None where we ship none.
        setting: How it was trained.
        distortion: By its name here; None for clean images.
        amount: In the unit of the distortion; None for clean images.
        accuracy: In [0, 1].
        provenance: "stated" by the source, or "measured" by us on weights that its authors or others have published.
        source: Who reports it.
        certain: One sentence on what is known and what is inferred.
        n: The number of test images; None where it is not stated.
        about: Whether the amount is not stated and was inferred.
    """

    data: str
    method: str
    arch: str
    same_as: str | None
    setting: str
    distortion: str | None
    amount: float | None
    accuracy: float
    provenance: Provenance
    source: Source
    certain: str
    n: int | None = None
    about: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The value as a JSON object.

        Returns:
            The object; ``source`` as in ``Source.to_dict``.
        """
        return {**asdict(self), "source": self.source.to_dict()}


@dataclass(frozen=True)
class Formula:
    """A line of mathematics.

    Attributes:
        text: Words, numbers and signs. ``_`` and ``^`` set an index or a power of the preceding item; braces
            group, and ``{above} / {below}`` is a fraction: ``"x′ = x + N(0, σ^2)"``, ``"s = {‖ a ‖} / {‖ b ‖}"``.
        spoken: The same as it is read aloud.
    """

    text: str
    spoken: str


@dataclass(frozen=True)
class Method:
    """A training method, complete.

    Attributes:
        name: Its name in settings, cards and commands.
        title: Its name on screen.
        objective: The function ``(model, x, y, generator, **options) -> Loss``; its keyword-only arguments are the
            options.
        summary: What it does, in one sentence.
        formulas: What it minimises.
        symbols: What the letters of the formulas mean.
        passes: Forward passes per training image, each with its backward pass; standard training needs one.
        cost: The same in words.
        caution: What to beware of when reading its numbers.
        shown_by: A distortion under which the caution can be seen, if there is one.
        colours: What it is drawn in everywhere; None leaves that to the palette.
        source: The paper it comes from; None where there is none.
        published: What its paper or others reached with it, and with the baselines beside it.
    """

    name: str
    title: str
    objective: Callable[..., Any]
    summary: str = ""
    formulas: tuple[Formula, ...] = ()
    symbols: str = ""
    passes: int | None = None
    cost: str = ""
    caution: str = ""
    shown_by: str | None = None
    colours: MethodColours | None = None
    source: Source | None = None
    published: tuple[PublishedValue, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """Its options with their default values."""
        parameters = inspect.signature(self.objective).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


METHODS = Registry[Method]("training method", "explorer.training")
"""The training methods by name, in the order in which they are shown; filled by :func:`explorer.training.method`."""


def method_title(name: str) -> str:
    """Title of a training method on screen.

    Args:
        name: Its name.

    Returns:
        Its title; made from the name if the method is unknown, as on the card of another project.
    """
    known = METHODS.get(name)
    return known.title if known is not None else name.replace("_", " ").capitalize()


def method_colours(name: str) -> MethodColours:
    """The colours of a method.

    Args:
        name: Name of the method.

    Returns:
        Its colours; those of secondary text if it is unknown or has none.
    """
    known = METHODS.get(name)
    return (known and known.colours) or PLAIN


def published_values(
    data: str | tuple[str, ...] | list[str] | None = None,
    *,
    method: str | None = None,
    distortion: str | None = None,
    clean: bool = True,
) -> list[PublishedValue]:
    """The published values of all methods, or some of them.

    Args:
        data: One data set or several; None for all.
        method: Only values of this method.
        distortion: Only values under this distortion.
        clean: Whether values on clean images, where each curve begins, come with those of ``distortion``.

    Returns:
        The values, in the order of the methods.
    """
    names = [data] if isinstance(data, str) else data
    return [
        value
        for known in METHODS.values()
        for value in known.published
        if (names is None or value.data in names)
        and method in (None, value.method)
        and (distortion in (None, value.distortion) or (clean and value.distortion is None))
    ]
