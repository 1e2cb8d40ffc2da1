"""``timm:NAME[.TAG]`` and ``torchvision:NAME[:WEIGHTS]``: published networks by name, as their libraries give them.

Weights come through the libraries' own downloaders, which check a hash and keep the file, or from a file of one's own.
Each network keeps its published transform, its classes and the accuracy that is reported of it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from socket import getaddrinfo
from typing import Any, TypeVar
from urllib.parse import urlsplit

from explorer.data.imagenet import imagenet_classes, one_name_each
from explorer.errors import ExplorerError
from explorer.models.checkpoints import file_sha256
from explorer.models.classifier import Card
from explorer.models.fetching import from_an_address, from_the_hub
from explorer.models.sources import Loaded, model_source
from explorer.models.weights import fill, read_states

T = TypeVar("T")

IMAGENET = 1000  # classes
_MEASURED = {"accuracy", "test"}  # of the published weights
_HASH = re.compile(r"-([a-f0-9]{8,})\.")  # torch.hub's own: how the SHA-256 begins, in the file's name
# As these two were published, they bring ImageNet's mean and deviation to Inception's own.
_TRANSFORM_INPUT = {"googlenet", "inception_v3"}


@model_source("timm:", takes_weights=True)
def load_timm(name: str, weights: Path | None) -> Loaded:
    """Load a network of timm.

    Args:
        name: Such as ``timm:resnet50.a1_in1k``; without the tag, timm's own first choice.
        weights: A file of weights; None for the published ones, downloaded where they are not here.

    Returns:
        The network in eval mode, its card, and findings.

    Raises:
        ExplorerError: If timm has no such network, if it does not classify square pictures of three channels, or if its
            weights cannot be had.
    """
    import timm

    spec = name.partition(":")[2]
    if not timm.is_model(spec.partition(".")[0]):
        raise _unknown(name, spec.partition(".")[0], timm.list_models(), "timm")
    published = timm.list_models(f"{spec.partition('.')[0]}.*", pretrained=True)
    if "." in spec and spec not in published:
        raise _unknown(name, spec, published, "timm")
    config = timm.get_pretrained_cfg(spec)
    if config is None:
        raise ExplorerError(f"timm publishes no weights of {name}, so that its transform and classes are not known.")
    if config.num_classes and not is_square(config):
        raise ExplorerError(f"{name} takes pictures in a way that is not supported: square ones in colour, uncut.")
    if not config.num_classes:
        raise ExplorerError(f"{name} gives features, not classes; name one with a classifier.")
    height = config.input_size[1]
    if weights is None:
        kept = kept_by_timm(config)
        if kept is None:
            place = _place(config)
            fetch = partial(from_the_hub, config.hf_hub_id, _file(config)) if config.hf_hub_id else lambda: None
            kept = _downloaded(fetch, name, place)
        overlay = None if kept is None else {"file": kept}  # without a request
        build = partial(timm.create_model, spec, pretrained=True, pretrained_cfg_overlay=overlay)
        net = build() if kept else _downloaded(build, name, place)
        notes: tuple[str, ...] = ()
    else:
        net = timm.create_model(spec, pretrained=False, num_classes=config.num_classes)
        notes = fill(net, read_states(weights), weights.name, spec)
    card = _card(
        name,
        weights,
        arch=config.architecture or spec,
        classes=_timm_classes(config.num_classes),
        size=height,
        normalisation=(config.mean, config.std),
        transform={"resize": int(height / config.crop_pct), "interpolation": config.interpolation}
        | ({"squash": True} if config.crop_mode == "squash" else {}),
        source={"library": f"timm {timm.__version__}", "licence": config.license or "not stated"},
    )
    return net, card, notes


@model_source("torchvision:", takes_weights=True)
def load_torchvision(name: str, weights: Path | None) -> Loaded:
    """Load a network of torchvision.

    Args:
        name: Such as ``torchvision:resnet50`` or ``torchvision:resnet50:IMAGENET1K_V1``.
        weights: A file of weights; None for the published ones, downloaded where they are not here.

    Returns:
        The network in eval mode, its card, and findings.

    Raises:
        ExplorerError: If torchvision has no such network or weights, or if they cannot be had.
    """
    import torchvision
    from torchvision import models

    chosen = find_torchvision(name)
    arch = name.partition(":")[2].partition(":")[0]
    transform, meta = chosen.transforms(), chosen.meta
    notes: tuple[str, ...] = ()
    if weights is None:
        kept = kept_by_torchvision(chosen)
        if not kept.is_file():
            prefix = _HASH.search(kept.name)
            _downloaded(partial(from_an_address, chosen.url, kept, prefix and prefix[1]), name, chosen.url)
        net = models.get_model(arch, weights=chosen)
    else:
        settings = {"init_weights": False, "transform_input": True} if arch in _TRANSFORM_INPUT else {}
        net = models.get_model(arch, weights=None, **settings)
        notes = fill(net, read_states(weights), weights.name, arch)
    card = _card(
        name,
        weights,
        arch=arch,
        classes=imagenet_classes(),
        size=transform.crop_size[0],
        normalisation=(transform.mean, transform.std),
        transform={"resize": transform.resize_size[0], "interpolation": transform.interpolation.value},
        source={
            "library": f"torchvision {torchvision.__version__}",
            "licence": "BSD-3-Clause; its weights were trained on ImageNet",
            "page": meta["recipe"],
            "accuracy": meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100,
            "test": "the 50,000 validation images of ImageNet",
        },
    )
    return net, card, notes


def _card(
    name: str,
    weights: Path | None,
    arch: str,
    classes: tuple[str, ...],
    size: int,
    normalisation: tuple[Sequence[float], Sequence[float]],
    transform: dict[str, Any],
    source: dict[str, Any],
) -> Card:
    """A card; what is reported of the published weights is not said of a file of one's own."""
    own = {"title": name.partition(":")[2]} if weights is None else {"title": weights.stem}
    return Card(
        name=name if weights is None else f"{name}@{weights}",
        data="imagenet" if len(classes) == IMAGENET else "other",
        arch=arch,
        method="standard",
        classes=classes,
        size=size,
        channels=3,
        mean=tuple(normalisation[0]),
        std=tuple(normalisation[1]),
        sha256="" if weights is None else file_sha256(weights),
        transform=transform,
        source=own | {key: value for key, value in source.items() if weights is None or key not in _MEASURED},
    )


def _timm_classes(count: int) -> tuple[str, ...]:
    if count == IMAGENET:
        return imagenet_classes()
    from timm.data import ImageNetInfo, infer_imagenet_subset

    subset = infer_imagenet_subset({"num_classes": count})
    if subset is None:
        return tuple(str(i) for i in range(count))
    info = ImageNetInfo(subset)
    return one_name_each([info.index_to_description(i).split(",")[0] for i in range(count)])


def is_square(config: Any) -> bool:
    """Whether a network of timm classifies square pictures of three channels, as those of this package are.

    Args:
        config: What timm says of it.

    Returns:
        True if it can be loaded here.
    """
    channels, height, width = config.input_size
    square = channels == 3 and height == width and config.crop_mode in {"center", "squash"}
    return bool(square and config.num_classes)


def kept_by_timm(config: Any) -> str | None:
    """Find published weights that are here already.

    Args:
        config: What timm says of the network.

    Returns:
        Path of the file; None where it is not here, or does not come from the Hugging Face Hub.
    """
    if not config.hf_hub_id:
        return None
    from huggingface_hub import try_to_load_from_cache

    kept = try_to_load_from_cache(config.hf_hub_id, _file(config))
    return kept if isinstance(kept, str) else None


def kept_by_torchvision(chosen: Any) -> Path:
    """Name the file in which torch.hub keeps weights of torchvision.

    Args:
        chosen: The weights.

    Returns:
        The path, whether the file is there or not.
    """
    from torch import hub

    return Path(hub.get_dir()) / "checkpoints" / Path(urlsplit(chosen.url).path).name


def find_torchvision(name: str) -> Any:
    """Find weights of torchvision.

    Args:
        name: Such as ``torchvision:resnet50`` or ``torchvision:resnet50:IMAGENET1K_V1``.

    Returns:
        The weights; without a tag, torchvision's default.

    Raises:
        ExplorerError: If there is no such network, or no such weights of it.
    """
    from torchvision import models

    arch, _, tag = name.partition(":")[2].partition(":")
    known = models.list_models(module=models)
    if arch not in known:
        raise _unknown(name, arch, known, "torchvision")
    published = models.get_model_weights(arch)
    if tag and tag not in published.__members__:
        raise _unknown(name, tag, published.__members__, f"torchvision's {arch}", "weights")
    return published[tag] if tag else published.DEFAULT


def _file(config: Any) -> str:
    return config.hf_hub_filename or "model.safetensors"


def _place(config: Any) -> str:
    hub = f"https://huggingface.co/{config.hf_hub_id}/resolve/main/{_file(config)}"
    return hub if config.hf_hub_id else str(config.url)


def _downloaded(fetch: Callable[[], T], name: str, place: str) -> T:
    try:
        getaddrinfo(urlsplit(place).hostname, 443)  # the downloaders try for minutes where there is no connection
        return fetch()
    except (OSError, RuntimeError, ValueError) as error:  # what the downloaders raise: URLError, HfHubHTTPError, a hash
        reason = str(error).strip().split("\n")[0][:200]
        raise ExplorerError(
            f"The weights of {name} are not here, and {place} cannot be read ({reason}). Fetch that "
            f"file on another machine, and name it: --weights FILE, or weights=FILE in Python."
        ) from error


def _unknown(name: str, wanted: str, known: Iterable[str], library: str, noun: str = "network") -> ExplorerError:
    near = difflib.get_close_matches(wanted, list(known), 3, 0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else "."
    return ExplorerError(f"{library} has no {noun} {wanted[:100]!r} for {name[:100]}{hint}")
