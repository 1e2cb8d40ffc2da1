"""The networks that timm and torchvision publish: what can be added by name, without loading any of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from explorer.models.libraries import IMAGENET, find_torchvision, is_square, kept_by_timm, kept_by_torchvision

FLOAT = 4  # bytes of a weight


@dataclass(frozen=True)
class Offer:
    """A published network.

    Attributes:
        name: As ``load_model`` takes it.
        size: Side of its input in px.
        licence: Of its weights, as its library states it.
        here: Whether its weights are on this machine.
        bytes: Size of the file of weights; None where only ``weigh`` tells it.
        accuracy: Share in [0, 1] of ImageNet's validation images that it names rightly, as reported; None if not.
        classes: How many it knows.
    """

    name: str
    size: int
    licence: str
    here: bool
    bytes: int | None = None
    accuracy: float | None = None
    classes: int = IMAGENET

    def to_dict(self) -> dict[str, Any]:
        """The offer as a JSON object.

        Returns:
            Plain values.
        """
        return asdict(self)


def search(text: str, most: int = 30) -> tuple[list[Offer], int]:
    """Search the libraries' names.

    Args:
        text: Words; each must be part of the name.
        most: Networks returned at most.

    Returns:
        Those found, the shortest names first, and how many there are in all.
    """
    words = text.lower().replace("timm:", "timm: ").replace("torchvision:", "torchvision: ").split()
    found = [name for name in _names() if all(word in name.lower() for word in words)]
    found.sort(key=lambda name: (len(name), name))
    return [offer(name) for name in found[:most]], len(found)


def offer(name: str) -> Offer:
    """Look a network up.

    Args:
        name: As ``load_model`` takes it, with a tag.

    Returns:
        What there is to say of it.
    """
    library, _, spec = name.partition(":")
    if library == "timm":
        import timm

        config = timm.get_pretrained_cfg(spec)
        here = kept_by_timm(config) is not None
        return Offer(name, config.input_size[1], config.license or "not stated", here, classes=config.num_classes)
    chosen = find_torchvision(name)
    return Offer(
        name,
        chosen.transforms().crop_size[0],
        "BSD-3-Clause",
        kept_by_torchvision(chosen).is_file(),
        int(chosen.meta["_file_size"] * 2**20),
        chosen.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100,
    )


@lru_cache(1000)
def weigh(name: str) -> int:
    """Find how large the weights of a network of timm are, by building it without any.

    Args:
        name: Such as ``timm:resnet50.a1_in1k``.

    Returns:
        Bytes of its file of weights, but for a few for names.
    """
    import timm
    import torch

    with torch.device("meta"):
        net = timm.create_model(name.partition(":")[2].partition(".")[0], pretrained=False)
    return FLOAT * sum(value.numel() for value in net.state_dict().values())


@lru_cache(1)
def _names() -> tuple[str, ...]:
    """What both libraries publish for square pictures of three channels, with classes."""
    import timm
    from torchvision import models

    ours = (name for name in timm.list_models(pretrained=True) if is_square(timm.get_pretrained_cfg(name)))
    theirs = (
        f"torchvision:{arch}:{weights.name}"
        for arch in models.list_models(module=models)
        for weights in models.get_model_weights(arch)
    )
    return (*(f"timm:{name}" for name in ours), *theirs)
