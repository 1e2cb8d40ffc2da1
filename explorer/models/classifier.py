"""The Classifier: a network with its normalisation inside and a card that says what it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from explorer.data.fitting import INTERPOLATIONS, Takes
from explorer.errors import ExplorerError
from explorer.models.methods import method_title
from explorer.models.naming import split_remedies

EXTERNAL = "external"
"""Method and data set on the card of a network that was trained elsewhere."""


@dataclass(frozen=True)
class Card:
    """What is known about a checkpoint; stored as JSON beside its weights.

    Attributes:
        name: Name, such as ``cifar10/resnet20/stability``.
        data: Data set it was trained on.
        arch: Architecture.
        method: Training method.
        classes: Class names in the order of the logits.
        size: Side of the input in px.
        channels: Channels of the input, 1 or 3.
        mean: Normalisation mean per channel in [0, 1] pixel units.
        std: Normalisation standard deviation per channel in [0, 1] pixel units.
        arch_options: Options of the architecture.
        training: Settings and facts of the training run.
        command: Command line that trains it again.
        versions: Versions of the libraries used.
        results: ``{recipe, seed, n, accuracy}`` on the test set, accuracy in [0, 1].
        reference: Per layer 101 quantiles (0 % to 100 %) of the L2 distance between features of different clean test
            images.
        reference_source: Where these distances come from: how many ``images`` and ``pairs``, the ``seed``, and the
            ``command`` that measures them.
        masking: The verdict on whether it withstands attacks or only hides its gradient, as ``explorer masking`` gives
            it (``evaluation.masking.Verdict``), with ``data``, ``size``, ``seed`` and ``command``. Empty: not measured.
        sha256: Hash of the file of weights.
        transform: The transform that the network was published with: ``resize``, the px to which the shorter side of a
            photograph is brought before the centre is cut out, ``interpolation``, and ``squash`` where both sides are
            brought to it. Empty where the whole central square is resized (``explorer.fit``).
        source: Where a network of others comes from: ``licence``, ``page``, ``accuracy`` as reported there, and so on;
            of one that was stabilized, the start network as ``base``; where that was a stabilized one itself, it is
            ``start``, and ``base`` the one that it began with.
        remedies: What stands around the network (``explorer.models.remedies``), from the inside out: ``name``,
            ``title``, ``settings``, and ``passes``, the forward passes that one answer costs.
    """

    name: str
    data: str
    arch: str
    method: str
    classes: tuple[str, ...]
    size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    arch_options: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    results: list[dict[str, Any]] = field(default_factory=list)
    reference: dict[str, list[float]] = field(default_factory=dict)
    reference_source: dict[str, Any] = field(default_factory=dict)
    masking: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""
    transform: dict[str, Any] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    remedies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def base(self) -> str:
        """The name of the model without what stands around it."""
        return split_remedies(self.name)[0] if self.remedies else self.name

    @property
    def passes(self) -> int:
        """Forward passes of the network for one answer."""
        return math.prod(int(one["passes"]) for one in self.remedies)

    @property
    def takes(self) -> Takes:
        """How pictures are fitted for it: the arguments of ``explorer.fit``."""
        return Takes(self.size, self.channels, **self.transform)

    @property
    def external(self) -> bool:
        """Whether the network was trained elsewhere, so that its method and its data set are not known."""
        return self.method == EXTERNAL

    @property
    def title(self) -> str:
        """Its name on screen: the title of its method, or the name of its file where the method is not known.

        What stands around it follows as in its name.
        """
        if self.remedies and (around := split_remedies(self.name)[1]):
            return f"{replace(self, name=self.base, remedies=[]).title} {around}"
        if self.source and "base" not in self.source:
            return str(self.source.get("title", self.name))
        return self.name.rpartition("/")[2] if self.external else method_title(self.method)

    def to_dict(self) -> dict[str, Any]:
        """The card as a JSON object.

        Returns:
            Plain values; ``from_dict`` reads them back.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Card:
        """Read a card from its JSON object.

        Args:
            raw: What ``to_dict`` returned.

        Returns:
            The card.

        Raises:
            ExplorerError: If a field is missing, unknown or of another kind, or if the normalisation makes no sense.
        """
        known = {f.name for f in fields(cls)}
        if unknown := set(raw) - known:
            raise ExplorerError(f"The card has unknown fields {sorted(unknown)}; it was written by another version.")
        former = {key: EXTERNAL for key in ("data", "method") if raw.get(key) == "outside"}  # the word of older cards
        raw = {**raw, **former}
        for key in ("classes", "mean", "std"):
            if not isinstance(raw.get(key, []), list | tuple):
                raise ExplorerError(f"The card's {key} is not a list.")
        lists: dict[str, Any] = {key: tuple(raw[key]) for key in ("classes", "mean", "std") if key in raw}
        try:
            card = cls(**{**raw, **lists})
        except TypeError as error:
            raise ExplorerError(f"The card is incomplete: {error}.") from error
        for one in fields(cls):
            kind = _KINDS.get(str(one.type).split("[")[0])
            if kind and not isinstance(getattr(card, one.name), kind):
                raise ExplorerError(f"The card's {one.name} is not of the kind {one.type}.")
        if not card.classes or not all(isinstance(name, str) for name in card.classes):
            raise ExplorerError("The card's classes are not names.")
        if not 1 <= card.size <= 4096 or card.channels not in (1, 3):
            raise ExplorerError(f"The card's input of {card.channels} channels and {card.size} px makes no sense.")
        check_normalisation(card.mean, card.std, card.channels)
        if card.transform:
            _check_transform(card.transform, card.size)
        return card


_KINDS: dict[str, type] = {"str": str, "int": int, "dict": dict, "list": list}


def check_normalisation(mean: Sequence[Any], std: Sequence[Any], channels: int) -> None:
    """Check a normalisation, wherever it was stated.

    Args:
        mean: Mean, 1 number or one per channel, in [0, 1] pixel units.
        std: Standard deviation, as ``mean``.
        channels: Channels of the network's input.

    Raises:
        ExplorerError: If there are more or fewer numbers, if ``std`` is not above 0, or if they count in 0 to 255.
    """
    for label, values in (("mean", mean), ("std", std)):
        if not all(isinstance(value, int | float) and abs(value) < 1e6 for value in values):
            raise ExplorerError(
                f"{label} needs 1 or {channels} finite numbers, got {', '.join(map(str, values))[:80]}."
            )
        if len(values) not in (1, channels):
            raise ExplorerError(f"{label} needs 1 or {channels} numbers for this network, got {len(values)}.")
    if min(std) <= 0:
        raise ExplorerError("std needs numbers above 0.")
    if (
        max(mean) > 1 or max(std) > 10
    ):  # the deviation of pixels in [0, 1] is 0.5 at most; of those in 0 to 255, some 50
        label, value = ("mean", max(mean)) if max(mean) > 1 else ("std", max(std))
        raise ExplorerError(
            f"The {label} {value:g} counts in 0 to 255, pixels are in [0, 1]; divide mean and std by 255."
        )


def _check_transform(transform: dict[str, Any], size: int) -> None:
    resize, interpolation, squash = (transform.get(key) for key in ("resize", "interpolation", "squash"))
    named = {"resize", "interpolation"} <= set(transform) <= {"resize", "interpolation", "squash"}
    if not named or interpolation not in INTERPOLATIONS or squash not in {None, True, False}:
        raise ExplorerError(
            f"The card's transform {transform} is not known; it names resize, interpolation, one of "
            f"{', '.join(INTERPOLATIONS)}, and squash, true or false."
        )
    if not isinstance(resize, int) or not size <= resize <= 2 * 4096:
        raise ExplorerError(f"The card's transform resizes to {resize} px, which does not suit an input of {size} px.")


class Classifier(nn.Module):
    """A network that takes image batches (N, C, H, W) in [0, 1] and normalises them itself.

    ``model(x)`` gives logits (N, K); ``model.features(x)`` the activations by layer name, in order, the last one
    ``penultimate``; ``model.answer(x)`` both from one forward pass.
    """

    any_size = False
    """Whether it fits pictures itself (``explorer.models.views``); otherwise it takes those of its own size."""

    def __init__(self, net: nn.Module, card: Card) -> None:
        super().__init__()
        self.net = net
        self.card = card
        self.warnings: tuple[str, ...] = ()  # findings about it, one sentence each
        self.register_buffer("mean", torch.tensor(card.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(card.std).view(1, -1, 1, 1), persistent=False)
        self.mean: Tensor
        self.std: Tensor

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def method(self) -> str:
        return self.card.method

    @property
    def classes(self) -> tuple[str, ...]:
        return self.card.classes

    @property
    def size(self) -> int:
        """Side of its input in px."""
        return self.card.size

    @property
    def channels(self) -> int:
        return self.card.channels

    @property
    def takes(self) -> Takes:
        """How pictures are fitted for it: the arguments of ``explorer.fit``."""
        return self.card.takes

    @property
    def device(self) -> torch.device:
        return self.mean.device

    def normalise(self, x: Tensor) -> Tensor:
        """Normalise pixels for the network: (x - mean) / std per channel.

        Args:
            x: Images (N, C, H, W) in [0, 1].

        Returns:
            Normalised images of the same shape.
        """
        return (x - self.mean) / self.std

    def forward(self, x: Tensor) -> Tensor:
        return self.of_normalised(self.normalise(x))

    def of_normalised(self, z: Tensor) -> Tensor:
        """Logits of images that are normalised already, for losses that add noise there.

        Args:
            z: What ``normalise`` returns, (N, C, H, W).

        Returns:
            Logits (N, K).
        """
        logits: Tensor = self.net(z)
        return logits

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Activations of one forward pass.

        Args:
            x: Images (N, C, H, W) in [0, 1].

        Returns:
            Activations by layer name, in order; the last one is ``penultimate`` (N, D).
        """
        features: dict[str, Tensor] = self.net.forward_features(self.normalise(x))  # type: ignore[operator]
        return features

    def answer(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits and features of one forward pass.

        Args:
            x: Images (N, C, H, W) in [0, 1].

        Returns:
            Logits (N, K) and activations by layer name.
        """
        features = self.features(x)
        logits: Tensor = self.net.head(features["penultimate"])  # type: ignore[operator]
        return logits, features
