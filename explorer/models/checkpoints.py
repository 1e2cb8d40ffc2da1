"""Checkpoints: safetensors + JSON card, found by name or opened by path. Nothing is ever unpickled."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import os
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from explorer.errors import ExplorerError
from explorer.files import write_whole
from explorer.models.classifier import Card, Classifier
from explorer.models.external import external_card
from explorer.models.methods import METHODS
from explorer.models.registry import Architecture, find_architecture

PACKAGED = Path(__file__).resolve().parents[1] / "checkpoints"  # inside an installed wheel
IN_CLONE = Path(__file__).resolve().parents[2] / "checkpoints"  # inside a clone
TORCH_SUFFIXES = {".pth", ".pt", ".th", ".ckpt", ".bin", ".tar"}
NESTED_KEYS = ("state_dict", "model", "model_state_dict", "net", "state_dict_ema")
PREFIXES = ("module.", "model.", "net.", "_orig_mod.")
# Names that public code gives to the same layers of these networks.
ALIASES = {"linear.": "fc.", "classifier.": "fc.", ".shortcut.": ".downsample."}


def checkpoint_folder() -> Path:
    """Find the folder of the shipped checkpoints.

    Returns:
        ``$EXPLORER_CHECKPOINTS`` if set, otherwise the folder inside the wheel or the clone.
    """
    if named := os.environ.get("EXPLORER_CHECKPOINTS"):
        return Path(named)
    return PACKAGED if PACKAGED.is_dir() else IN_CLONE


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """Choose a device.

    Args:
        device: Name of a device, or ``auto``: CUDA if available, otherwise MPS, otherwise the CPU.

    Returns:
        The device.

    Raises:
        ExplorerError: If the device is not available.
    """
    if str(device) != "auto":
        try:
            chosen = torch.device(device)
            torch.empty(0, device=chosen)
        except (RuntimeError, AssertionError) as error:
            raise ExplorerError(
                f"The device {str(device)!r} is not available here; use auto, cpu, cuda or mps."
            ) from error
        return chosen
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def list_models() -> list[Card]:
    """List the shipped checkpoints.

    Returns:
        Their cards, ordered by data set, architecture and method.

    Examples:
        >>> import explorer
        >>> [card.name for card in explorer.list_models() if card.method == "bang" and card.data == "digits"]
        ['digits/lenet/bang']
    """
    order = {method: i for i, method in enumerate(METHODS)}
    cards = [read_card(path) for path in checkpoint_folder().glob("*/*/*.json")]
    return sorted(cards, key=lambda card: (card.data, card.arch, order.get(card.method, len(order)), card.name))


def read_card(path: Path) -> Card:
    """Read a card.

    Args:
        path: The JSON file.

    Returns:
        The card.

    Raises:
        ExplorerError: If the file is not a card.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(raw, dict):
            raise ValueError("not a JSON object")
        return Card.from_dict(raw)
    except (OSError, ValueError) as error:
        raise ExplorerError(f"The card {path.name} cannot be read: {error}") from error


def load_model(
    name_or_path: str | Path,
    *,
    arch: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    classes: Sequence[str] | None = None,
    size: int | None = None,
    device: str | torch.device = "auto",
) -> Classifier:
    """Load a model by its name or from a file of weights, in eval mode.

    A path may be a ``.safetensors`` or a weights-only ``.pth`` file. With a card beside it (same name, ``.json``)
    nothing else is needed; without one, ``arch`` is. ``module.`` prefixes and nested ``state_dict`` keys are handled.

    Args:
        name_or_path: A name such as ``cifar10/resnet20/stability``, or a path.
        arch: Architecture of a file without a card.
        mean: Mean per channel in [0, 1] pixel units with which the network was trained; 0 by default.
        std: Standard deviation per channel in [0, 1] pixel units; 1 by default.
        classes: Class names of a file without a card.
        size: Side of the network's input in px; the architecture's own by default.
        device: Where the model runs; see ``pick_device``.

    Returns:
        The model.

    Raises:
        ExplorerError: If the name is unknown, or if file, card, hash and architecture do not fit together.

    Examples:
        >>> import explorer
        >>> model = explorer.load_model("digits/lenet/stability")
        >>> model.size, model.channels, len(model.classes)
        (28, 1, 10)
    """
    where = pick_device(device)
    path = _find(str(name_or_path))
    card_path = path.with_suffix(".json")
    external = any(option is not None for option in (arch, mean, std, classes, size))
    if card_path.is_file() and not external:
        card = read_card(card_path)
        if card.sha256 and card.sha256 != file_sha256(path):
            raise ExplorerError(
                f"The checkpoint {path.name} does not match its card (sha256 differs); fetch both again."
            )
        state = read_state(path)
    else:
        if arch is None:
            raise ExplorerError(
                f"{path.name} has no card beside it; name its architecture, for example --arch resnet20."
            )
        state = read_state(path)
        card = _external_card(path, find_architecture(arch), state, mean, std, classes, size)
    architecture = find_architecture(card.arch)
    net = architecture.build(classes=len(card.classes), in_channels=card.channels, **card.arch_options)
    _fill(net, state, path.name, card.arch)
    return Classifier(net, card).eval().requires_grad_(False).to(where)


def halved(model: Classifier) -> Classifier:
    """Round a model's weights to 16 bits, as ``save_model(..., half=True)`` stores them.

    Args:
        model: The model.

    Returns:
        A copy with float32 weights that 16 bits can hold exactly.
    """
    small = copy.deepcopy(model)
    small.net.load_state_dict({key: _half(value) for key, value in model.net.state_dict().items()})
    return small


def _half(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def save_model(model: Classifier, folder: Path, *, half: bool = False) -> Card:
    """Write ``folder/<name>.safetensors`` and its card, each completely or not at all.

    Args:
        model: The model.
        folder: Folder of checkpoints.
        half: Whether weights are stored in 16 bits; ``load_model`` returns float32 again, those of ``halved(model)``.

    Returns:
        The card with the hash of the file.
    """
    target = folder / f"{model.name}.safetensors"
    state = {key: value.detach().cpu().contiguous() for key, value in model.net.state_dict().items()}
    data = save({key: _half(value) if half else value for key, value in state.items()})
    card = replace(model.card, sha256=hashlib.sha256(data).hexdigest())
    write_whole(target, data)
    write_card(card, folder)
    return card


def write_card(card: Card, folder: Path) -> None:
    """Write ``folder/<name>.json`` completely or not at all.

    Args:
        card: The card.
        folder: Folder of checkpoints.
    """
    write_whole(folder / f"{card.name}.json", json.dumps(card.to_dict(), indent=1) + "\n")


def file_sha256(path: Path) -> str:
    """Hash a file.

    Args:
        path: The file.

    Returns:
        SHA-256 in hex.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a state dict. Nothing is unpickled beyond plain weights.

    Args:
        path: A ``.safetensors`` file or a weights-only torch file.

    Returns:
        Tensors by name, unwrapped and with prefixes removed.

    Raises:
        ExplorerError: If the file is missing, damaged, or holds anything else.
    """
    raw: Any
    try:
        if path.suffix == ".safetensors":
            raw = load_file(path)
        elif path.suffix in TORCH_SUFFIXES:
            raw = torch.load(path, map_location="cpu", weights_only=True)
        else:
            raise ExplorerError(
                f"{path.name} is not a checkpoint; expected .safetensors, or .pth/.pt/.th with plain weights."
            )
    except pickle.UnpicklingError as error:
        raise ExplorerError(
            f"{path.name} holds more than plain weights, which could run code; save only its state_dict and open that."
        ) from error
    except (SafetensorError, OSError, RuntimeError, EOFError, KeyError, ValueError) as error:
        if isinstance(error, ExplorerError):
            raise
        raise ExplorerError(
            f"{path.name} is damaged or not a checkpoint; expected a .safetensors or .pth state dict."
        ) from error
    while isinstance(raw, dict) and (
        inner := next((raw[k] for k in NESTED_KEYS if isinstance(raw.get(k), dict)), None)
    ):
        raw = inner
    if not isinstance(raw, dict):
        raise ExplorerError(
            f"{path.name} holds a {type(raw).__name__}, not a state dict; save model.state_dict() and open that."
        )
    state = {str(key): value for key, value in raw.items() if isinstance(value, Tensor)}
    if not state:
        raise ExplorerError(f"{path.name} holds no tensors; expected the state dict of a network.")
    while prefix := next((p for p in PREFIXES if all(key.startswith(p) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    return state


def _find(name: str) -> Path:
    try:
        path = Path(name).expanduser()
    except RuntimeError:
        raise ExplorerError(f"There is no file {name[:200]}: the path names an unknown user.") from None
    if path.suffix == ".safetensors" or path.suffix in TORCH_SUFFIXES:
        if path.is_file():
            return path
        raise ExplorerError(f"There is no file {name}.")
    # Compare with the names that exist instead of joining the name to a folder: no path can step outside.
    folder = checkpoint_folder()
    known = {p.relative_to(folder).with_suffix("").as_posix(): p for p in folder.glob("*/*/*.safetensors")}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)[:3]
    hint = f"did you mean {', '.join(near)}" if near else f"no checkpoints are in {folder}"
    raise ExplorerError(
        f"Unknown model {name!r}; {hint}? 'explorer models' lists them; a path must end in .safetensors or .pth."
    )


def _external_card(
    path: Path,
    architecture: Architecture,
    state: dict[str, Tensor],
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    classes: Sequence[str] | None,
    size: int | None,
) -> Card:
    first = next((t for t in state.values() if t.ndim == 4), None)
    last = next((t for t in reversed(list(state.values())) if t.ndim == 2), None)
    if first is None or last is None:
        raise ExplorerError(
            f"{path.name} does not hold the weights of a {architecture.name}: no convolution or no linear layer."
        )
    channels, count = int(first.shape[1]), int(last.shape[0])
    options = architecture.options_from_state(_aliased(state))
    return external_card(
        path.stem, architecture.name, count, channels, size or architecture.size, mean, std, classes, options
    )


def _aliased(state: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for key, value in state.items():
        for theirs, ours in ALIASES.items():
            key = (
                ours + key.removeprefix(theirs)
                if key.startswith(theirs)
                else key.replace(theirs, ours)
                if theirs[0] == "."
                else key
            )
        renamed[key] = value
    return renamed


def _fill(net: torch.nn.Module, state: dict[str, Tensor], filename: str, arch: str) -> None:
    wanted = net.state_dict()
    if set(state) != set(wanted):
        state = _aliased(state)
    # BatchNorm's step counters are bookkeeping: older files lack them.
    state = {k: v for k, v in wanted.items() if k.endswith("num_batches_tracked")} | state
    missing, extra = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    if missing or extra:
        what = f"lacks {missing[0]}" if missing else f"has an unexpected {extra[0]}"
        raise ExplorerError(
            f"{filename} does not fit the architecture {arch}: it {what} ({len(missing)} missing, {len(extra)} extra)."
        )
    for key, value in state.items():
        if value.shape != wanted[key].shape:
            raise ExplorerError(
                f"{filename} does not fit the architecture {arch}: "
                f"{key} is {tuple(value.shape)}, not {tuple(wanted[key].shape)}."
            )
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ExplorerError(
                f"{filename} holds NaN or infinite weights in {key}; it is damaged or its training diverged."
            )
    net.load_state_dict(state)
