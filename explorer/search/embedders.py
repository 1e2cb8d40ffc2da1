"""What turns pictures into vectors: a network's layer, or a fingerprint that nobody trained."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from explorer.data.images import fit, fit_photographs, to_uint8
from explorer.errors import ExplorerError
from explorer.models import Classifier, load_model, wrap
from explorer.models import inference as inputs
from explorer.models.views import bare
from explorer.provenance import versions

EUCLIDEAN, HAMMING = "euclidean", "hamming"
"""How vectors are compared: by the L2 distance of unit vectors, 0 to 2, or by the number of bits that differ."""

PENULTIMATE = "penultimate"
"""The layer that is embedded where none is named."""

THUMB = 32  # px: the side to which pictures are brought where their pixels are the vector

ModelLike = str | Classifier | nn.Module
"""A network, its name, or the name of one of ``UNLEARNED``."""


@dataclass(frozen=True, eq=False)
class Embedder:
    """A way to turn pictures into vectors.

    Attributes:
        name: Of the model.
        title: Its name on screen.
        layer: The layer that is read; "" without a network.
        metric: ``euclidean`` or ``hamming``.
        identity: What the cache knows it by; "" where nothing may be cached, as with a network in memory whose code
            can change.
        batch: Pictures at a time.
        shown: What it is given of pictures (N, C, H, W) at their own size.
        vectors: Turns those into vectors (N, D), float32.
        notes: What was noticed about it, one sentence each.
    """

    name: str
    title: str
    layer: str
    metric: str
    identity: str
    batch: int
    shown: Callable[[Tensor], Tensor]
    vectors: Callable[[Tensor], Tensor]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unlearned:
    """A fingerprint of pictures without learning, a baseline.

    Attributes:
        name: Its name in commands.
        title: Its name on screen.
        metric: ``euclidean`` or ``hamming``.
        package: The package that computes it; "" where none is needed.
        install: What installs it.
        bits: The fingerprint of pictures (N, C, H, W) in [0, 1], (N, D).
    """

    name: str
    title: str
    metric: str
    package: str
    install: str
    bits: Callable[[Tensor], NDArray[np.float32]]

    @property
    def here(self) -> bool:
        """Whether its package is installed."""
        return not self.package or find_spec(self.package) is not None


def _pixels(x: Tensor) -> NDArray[np.float32]:
    """The picture at 32 x 32 px minus its mean: distances are those of normalised correlation."""
    flat = fit(x.expand(-1, 3, -1, -1), THUMB, 3).flatten(1)
    return (flat - flat.mean(1, keepdim=True)).numpy()


def _imagehash(name: str) -> Callable[[Tensor], NDArray[np.float32]]:
    def bits(x: Tensor) -> NDArray[np.float32]:
        hashed = getattr(import_module("imagehash"), name)
        pictures = (Image.fromarray(one) for one in to_uint8(x.expand(-1, 3, -1, -1)))
        return np.stack([hashed(one).hash.ravel() for one in pictures]).astype(np.float32)

    return bits


def _pdq(x: Tensor) -> NDArray[np.float32]:
    compute = import_module("pdqhash").compute
    return np.stack([compute(one)[0] for one in to_uint8(x.expand(-1, 3, -1, -1))]).astype(np.float32)


_EXTRA = 'pip install "stability-explorer[search]"'
UNLEARNED = {
    one.name: one
    for one in (
        Unlearned("pixels", "Pixels", EUCLIDEAN, "", "", _pixels),
        Unlearned("phash", "pHash", HAMMING, "imagehash", _EXTRA, _imagehash("phash")),
        Unlearned("dhash", "dHash", HAMMING, "imagehash", _EXTRA, _imagehash("dhash")),
        Unlearned("pdq", "PDQ", HAMMING, "pdqhash", "pip install pdqhash, which needs a C++ compiler", _pdq),
    )
}
"""Models without learning, by name."""


def find_embedder(model: ModelLike, layer: str | None = None, *, batch: int | None = None) -> Embedder:
    """Find what turns pictures into vectors.

    Args:
        model: A network, its name, or a name of ``UNLEARNED``.
        layer: A layer of the network; the penultimate one by default.
        batch: Pictures at a time; chosen by size by default.

    Returns:
        What does it.

    Raises:
        ExplorerError: If there is no such model, it cannot be asked, or its package is not installed.
    """
    if isinstance(model, str) and model in UNLEARNED:
        return _without_network(UNLEARNED[model], layer, batch)
    loaded = load_model(model) if isinstance(model, str) else model
    network = loaded if isinstance(loaded, Classifier) else wrap(loaded)
    (network,) = inputs.check_models([bare(network)])
    wanted, takes = layer or PENULTIMATE, network.takes

    def vectors(x: Tensor) -> Tensor:
        with torch.inference_mode():
            features = network.features(x.to(network.device))
            if wanted not in features:
                raise ExplorerError(f"{network.name} has no layer {wanted!r}; it has {', '.join(features)}.")
            found = pooled(features[wanted]).float()
        if not bool(torch.isfinite(found).all()):
            raise ExplorerError(
                f"{network.name} gave features that are not finite numbers; its weights are damaged or it overflowed."
            )
        return unit(found).cpu()

    size = batch or inputs.batch_size((takes.channels, takes.size, takes.size), network.device)
    return Embedder(
        network.name, network.card.title, wanted, EUCLIDEAN, _identity(network, wanted), size,
        lambda x: fit_photographs(x, takes), vectors, network.warnings,
    )  # fmt: skip


def _without_network(found: Unlearned, layer: str | None, batch: int | None) -> Embedder:
    if layer:
        raise ExplorerError(f"{found.name} is no network, so it has no layer {layer!r}.")
    if not found.here:
        raise ExplorerError(f"{found.title} needs the package {found.package}: {found.install}.")

    def vectors(x: Tensor) -> Tensor:
        held = torch.from_numpy(found.bits(x))
        if found.metric == EUCLIDEAN:
            return unit(held)
        return (2 * held - 1) / held.shape[1] ** 0.5  # unit vectors: their dot product is 1 - 2 * bits that differ / D

    identity = f"{found.name} {_version(found.package)}"
    return Embedder(found.name, found.title, "", found.metric, identity, batch or 64, lambda x: x, vectors)


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package) if package else ""


def pooled(features: Tensor) -> Tensor:
    """Features of any layer as one vector per picture.

    Args:
        features: (N, D), maps (N, C, H, W), or tokens (N, T, D).

    Returns:
        (N, D): maps and tokens are averaged over their positions.
    """
    if features.ndim == 3:
        return features.mean(1)
    return features.flatten(2).mean(2) if features.ndim > 3 else features.flatten(1)


def unit(vectors: Tensor) -> Tensor:
    """Vectors of length 1.

    Args:
        vectors: (N, D).

    Returns:
        Each divided by its L2 norm. A vector of zeros has no direction: it becomes the one whose numbers are all the
        same, so that two of them are equal.
    """
    norms = vectors.norm(dim=1, keepdim=True)
    same = torch.full_like(vectors, vectors.shape[1] ** -0.5)
    return torch.where(norms > 0, vectors / norms.clamp_min(torch.finfo(vectors.dtype).tiny), same)


def _identity(model: Classifier, layer: str) -> str:
    """A network as the cache knows it: its name, remedies included, its weights, how it is built, what it is shown, and
    the versions of libraries.
    """
    card = model.card
    if not (card.sha256 or (card.source and not card.external)):
        return ""  # its code may be another one under the same name
    weights = hashlib.sha256()
    for name, value in model.net.state_dict().items():
        weights.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        weights.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    told = (card.name, type(model).__name__, card.arch, card.arch_options, card.mean, card.std, card.takes, layer)
    built = " ".join(map(str, told))
    return f"{weights.hexdigest()} {built} {versions('explorer', 'torch', 'timm', 'pillow')}"
