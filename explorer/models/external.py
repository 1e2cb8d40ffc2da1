"""Networks from elsewhere: any ``torch.nn.Module`` as a Classifier, without changing the network.

Each network answers one call at a time. If it is in training mode, a snapshot of it in eval mode answers instead, so
that it can be trained at the same time. Its mode, weights, device and gradients are left alone. Its output is inspected
once, so that common mistakes are noticed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from explorer.errors import ExplorerError
from explorer.models.classifier import EXTERNAL, Card, Classifier, check_normalisation
from explorer.models.inspection import (
    NetworkInfo,
    device_and_dtype,
    find_input,
    inspect_network,
    sample_pictures,
    tensor_of,
)
from explorer.models.snapshots import snapshot
from explorer.numbers import count_of, counted

_PARALLEL = (nn.DataParallel, nn.parallel.DistributedDataParallel)

_locks: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_finding = threading.Lock()


class ExternalClassifier(Classifier):
    """A user's own network; made by ``wrap``.

    ``net`` is not part of this module: moving, training or saving the wrapper leaves it alone.

    Attributes:
        net: The user's network.
        warnings: Findings about it, one sentence each.
    """

    def __init__(self, net: nn.Module, card: Card, seen: NetworkInfo) -> None:
        super().__init__(net, card)
        del self._modules["net"]
        object.__setattr__(self, "net", net)
        self._seen = seen
        self.warnings = seen.warnings
        self.eval()

    @property
    def device(self) -> torch.device:
        """Where the network is now."""
        return device_and_dtype(self.net)[0]

    def normalise(self, x: Tensor) -> Tensor:
        """Normalise pixels for the network, in its floating-point type.

        Args:
            x: Images (N, C, H, W) in [0, 1].

        Returns:
            Normalised images of the same shape.
        """
        normalised = (x - self.mean.to(x.device)) / self.std.to(x.device)
        return normalised.to(device_and_dtype(self.net)[1]).contiguous()  # many a network calls view

    def forward(self, x: Tensor) -> Tensor:
        with _usable():  # what is normalised here may be changed in place
            return super().forward(x)

    def of_normalised(self, z: Tensor) -> Tensor:
        """Logits of images that are normalised already.

        Args:
            z: What ``normalise`` returns, (N, C, H, W).

        Returns:
            Logits (N, K).
        """
        with borrowed(self.net) as net, _usable():
            return self._seen.logits(tensor_of(net(z)))

    def features(self, x: Tensor) -> dict[str, Tensor]:
        """Activations of one forward pass.

        Args:
            x: Images (N, C, H, W) in [0, 1].

        Returns:
            Activations by layer name; the last one is ``penultimate`` (N, D).
        """
        return self.answer(x)[1]

    def answer(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits and features of one forward pass.

        Args:
            x: Images (N, C, H, W) in [0, 1].

        Returns:
            Logits (N, K) and activations by layer name.
        """
        with borrowed(self.net) as net, _usable():
            out, features = self._seen.run(net, self.normalise(x))
            return self._seen.logits(out), features


@contextmanager
def _usable() -> Iterator[None]:
    """Without inference mode: a network may keep tensors, and training could not use those that were made under it."""
    if not torch.is_inference_mode_enabled():
        yield
        return
    with torch.inference_mode(mode=False), torch.no_grad():
        yield


def wrap(
    net: nn.Module,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
    name: str | None = None,
    size: int | None = None,
    channels: int | None = None,
    like: Classifier | None = None,
) -> Classifier:
    """Use any network (N, C, H, W) -> logits (N, K) in ``compare``, ``sweep``, ``show`` and the rest.

    Layers for ``features`` are the network's own stages, found by running it once; ``penultimate`` is the input of its
    last linear layer. What looks wrong becomes a warning: training mode (a copy in eval mode answers), probabilities
    or log-probabilities in place of logits (used as what they are), sigmoid outputs, answers that depend on chance or
    on the rest of the batch, layers that cannot be seen.

    Args:
        net: The network. A loaded model is returned as it is.
        mean: Mean per channel in [0, 1] pixel units with which it was trained; 0 by default.
        std: Standard deviation per channel in [0, 1] pixel units; 1 by default.
        classes: Names of its classes in the order of its logits.
        name: Its name; that of its class by default.
        size: Side of its input in px; found by trying if only one of 8, 16, 28, 32, 64, 96, 128 and 224 px fits.
        channels: Channels of its input, 1 or 3; found likewise.
        like: A model to stand beside: its size and channels are used, and its classes if there are as many.

    Returns:
        The network as a model.

    Raises:
        ExplorerError: If it is not a network, does not take such images, or returns anything but finite (N, K) numbers
            with K >= 2; if ``classes``, ``mean`` or ``std`` do not fit.

    Examples:
        >>> import torch, explorer
        >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 10)).eval()
        >>> model = explorer.wrap(net, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), size=32, channels=3)
        >>> model.size, len(model.classes)
        (32, 10)
    """
    if isinstance(net, Classifier):
        return net
    check_module(net)
    net = unwrapped(net)
    name = name or type(net).__name__
    size, channels = (
        None if given is None else count_of(given, name) for given, name in ((size, "size"), (channels, "channels"))
    )
    if like is not None:
        size, channels = size or like.size, channels or like.channels
    with borrowed(net) as network, torch.inference_mode(mode=False):
        random_numbers = torch.get_rng_state()
        size, channels = find_input(network, name, size, channels)
        card = external_card(name, "", 1, channels, size, mean, std, ["unknown"])
        pictures = sample_pictures(size, channels)
        normalised = Classifier(network, card).normalise(pictures)
        device, dtype = device_and_dtype(network)
        seen = inspect_network(network, name, pictures, normalised.to(device, dtype), was_training=network is not net)
        if seen.chance:  # not otherwise: a training in another thread goes on drawing meanwhile
            torch.set_rng_state(random_numbers)
    if classes is None and like is not None and len(like.classes) == seen.classes:
        classes = like.classes
    card = external_card(name, type(net).__name__, seen.classes, channels, size, mean, std, classes)
    return ExternalClassifier(net, card, seen)


def unwrapped(net: nn.Module) -> nn.Module:
    """The network that torch.compile or a parallel wrapper holds, whose layers, mode and name can be seen.

    Args:
        net: A network.

    Returns:
        The network within, or the given one.
    """
    within = net.module if isinstance(net, _PARALLEL) else getattr(net, "_orig_mod", None)
    return unwrapped(within) if isinstance(within, nn.Module) else net


def with_card(net: nn.Module, card: Card) -> ExternalClassifier:
    """Use a network of a library whose card is known.

    Args:
        net: The network, in eval mode.
        card: What it is and takes.

    Returns:
        The network as a model.

    Raises:
        ExplorerError: If it does not take such images, or answers with another number of classes.
    """
    with torch.inference_mode(mode=False):
        pictures = sample_pictures(card.size, card.channels)
        device, dtype = device_and_dtype(net)
        normalised = Classifier(net, card).normalise(pictures).to(device, dtype)
        seen = inspect_network(net, card.name, pictures, normalised, was_training=False)
    if seen.classes != len(card.classes):
        raise ExplorerError(f"{card.name} answers with {seen.classes} classes, but its card names {len(card.classes)}.")
    return ExternalClassifier(net, card, seen)


def check_module(net: Any) -> None:
    """Check that an object is a network that can be called.

    Args:
        net: Any object.

    Raises:
        ExplorerError: If it is a class, a state dict, something else, or a network whose weights have no values yet:
            lazy layers, the device meta.
    """
    if isinstance(net, type) and issubclass(net, nn.Module):
        raise ExplorerError(f"{net.__name__} is a class, not a network; give an instance of it: {net.__name__}().")
    if isinstance(net, dict):
        raise ExplorerError("This is a state dict, not a network; fill a network with its load_state_dict first.")
    if not isinstance(net, nn.Module):
        type_name = type(net).__name__
        raise ExplorerError(f"Expected a model (name, path, Classifier or torch.nn.Module), got {type_name}.")
    tensors = (*net.parameters(), *net.buffers())
    if any(isinstance(tensor, (nn.UninitializedParameter, nn.UninitializedBuffer)) for tensor in tensors):
        raise ExplorerError(
            f"{type(net).__name__} has lazy layers that have not seen an image yet; call it once on a batch, train it, "
            "and then compare."
        )
    if any(tensor.is_meta for tensor in tensors):
        raise ExplorerError(
            f"{type(net).__name__} is on the device meta, where weights have no values; load it on another device."
        )


@contextmanager
def borrowed(net: nn.Module) -> Iterator[nn.Module]:
    """Lock a network for this thread.

    Args:
        net: The network.

    Yields:
        The network itself if it is in eval mode, else a snapshot of it in eval mode.
    """
    with _finding:
        lock = _locks.setdefault(net, threading.RLock())
    with lock:
        yield snapshot(net) if any(map(_trains, net.modules())) else net


def _trains(module: nn.Module) -> bool:
    """Whether a part is in training mode; frozen TorchScript has none, and that of a quantised layer means nothing."""
    return getattr(module, "training", False) and not type(module).__module__.startswith("torch.ao.nn.quantized")


def default_classes(count: int, channels: int) -> tuple[str, ...]:
    """What classes are called where nobody says it: as those of CIFAR-10 if they may be these, else by numbers.

    Args:
        count: How many there are.
        channels: Channels of the network's input.

    Returns:
        The names.
    """
    from explorer.data.published import CIFAR10_CLASSES

    return tuple(CIFAR10_CLASSES) if (count, channels) == (10, 3) else tuple(map(str, range(count)))


def external_card(
    name: str,
    arch: str,
    count: int,
    channels: int,
    size: int,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    classes: Sequence[str] | None,
    arch_options: dict[str, Any] | None = None,
) -> Card:
    """Make the card of a network that was trained elsewhere.

    Args:
        name: Its name.
        arch: Its architecture, or the name of its class.
        count: Number of classes that it answers with.
        channels: Channels of its input.
        size: Side of its input in px.
        mean: Normalisation mean, 1 number or one per channel, in [0, 1] pixel units; 0 by default.
        std: Normalisation standard deviation, as ``mean``; 1 by default.
        classes: Class names; numbers by default.
        arch_options: Options of the architecture.

    Returns:
        The card.

    Raises:
        ExplorerError: If the number of names, means or standard deviations does not fit, if ``std`` is not above 0, or
            if the means count in 0 to 255.
    """
    classes = default_classes(count, channels) if classes is None else classes
    if len(classes) != count:
        raise ExplorerError(
            f"{name} answers with {counted(count, 'class')}, not with the {counted(len(classes), 'class name')} given."
        )
    mean, std = [float(v) for v in mean or [0.0]], [float(v) for v in std or [1.0]]
    check_normalisation(mean, std, channels)
    return Card(
        name=name,
        data=EXTERNAL,
        arch=arch,
        method=EXTERNAL,
        classes=tuple(classes),
        size=size,
        channels=channels,
        mean=tuple(mean),
        std=tuple(std),
        arch_options=arch_options or {},
    )
