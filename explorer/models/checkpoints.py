"""Checkpoints: safetensors + JSON card, found by name or opened by path. Nothing is ever unpickled."""

from __future__ import annotations

import copy
import difflib
import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from explorer import defaults
from explorer.errors import ExplorerError
from explorer.files import user_path, write_whole
from explorer.models.classifier import Card, Classifier
from explorer.models.derived import is_derived, load_derived
from explorer.models.efficientnet import EfficientNetLite0
from explorer.models.external import external_card, with_card, wrap
from explorer.models.functions import build, is_function
from explorer.models.methods import METHODS
from explorer.models.naming import split_remedies
from explorer.models.registry import Architecture, find_architecture
from explorer.models.remedies import put_around
from explorer.models.sources import SOURCES, Loaded, find_source
from explorer.models.weights import FOREIGN, TORCH_SUFFIXES, aliased, fill, find_weights, read_states

PACKAGED = Path(__file__).resolve().parents[1] / "checkpoints"  # inside an installed wheel
IN_CLONE = Path(__file__).resolve().parents[2] / "checkpoints"  # inside a clone


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
    """List the models that are here: the shipped checkpoints, and what installed libraries bring.

    Returns:
        Their cards, ordered by data set, architecture (those that are shown first come first) and method.

    Examples:
        >>> import explorer
        >>> [card.name for card in explorer.list_models() if card.method == "bang" and card.data == "digits"]
        ['digits/lenet/bang']
    """
    order, first = ({name: i for i, name in enumerate(names)} for names in (METHODS, defaults.ARCHITECTURES))
    cards = [read_card(path) for path in checkpoint_folder().glob("*/*/*.json")]
    cards += [card for source in SOURCES.values() for card in source.cards()]
    rank = {
        card.name: (first.get(card.arch, len(first)), card.arch, order.get(card.method, len(order))) for card in cards
    }
    return sorted(cards, key=lambda card: (card.data, rank[card.name], card.name))


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
    weights: str | Path | None = None,
) -> Classifier:
    """Load a model by its name or from a file of weights, in eval mode.

    ``timm:NAME`` and ``torchvision:NAME`` are published networks (``explorer.models.libraries``);
    ``package.module:function`` calls a function of your own, which returns a network.

    Behind any name or path may stand remedies (``explorer.models.remedies``), which need no training:
    ``cifar10/resnet20/standard+smoothing(sigma=0.25,n=100)``.

    A path may be a ``.safetensors``, a torch file (``.pth``, ``.ckpt``) or an ``.onnx`` (``explorer.models.onnx``).
    With a card beside it (same name, ``.json``) nothing else is needed; without one, ``arch`` is, but for ONNX. The
    network's weights are found under the prefixes of common training programs and among what else these save; of a
    network and a moving average of it, the network is taken.

    Args:
        name_or_path: A name such as ``cifar10/resnet20/stability`` or ``timm:resnet50.a1_in1k``, or a path. After an @
            it may name a file of weights, as ``weights`` does.
        arch: Architecture of a file without a card.
        mean: Mean per channel in [0, 1] pixel units with which the network was trained; 0 by default.
        std: Standard deviation per channel in [0, 1] pixel units; 1 by default.
        classes: Class names of a file without a card.
        size: Side of the network's input in px; the architecture's own by default.
        device: Where the model runs; see ``pick_device``.
        weights: For a network of a library or of a function: a file of weights in place of its own.

    Returns:
        The model.

    Raises:
        ExplorerError: If the name is unknown, if published weights are neither here nor to be had, or if file, card,
            hash and architecture do not fit together.

    Examples:
        >>> import explorer
        >>> model = explorer.load_model("digits/lenet/stability")
        >>> model.size, model.channels, len(model.classes)
        (28, 1, 10)
    """
    base, around = split_remedies(str(name_or_path))
    if around:
        within = load_model(
            base, arch=arch, mean=mean, std=std, classes=classes, size=size, device=device, weights=weights
        )
        return put_around(within, around)
    where = pick_device(device)
    external = any(option is not None for option in (arch, mean, std, classes, size))
    name, _, file = str(name_or_path).partition("@")
    chosen = user_path(str(weights or file)) if weights or file else None
    if (source := find_source(name)) is not None and name not in _shipped():
        if external:
            raise ExplorerError(f"{name_or_path} brings its own card; arch, mean, std, classes and size go without it.")
        if chosen is not None and not source.takes_weights:
            raise ExplorerError(f"{name} brings its weights; others are named with networks such as timm:resnet50.")
        return _of_others(source.load(name, chosen), where)
    if is_function(name):
        called = name if chosen is None else f"{name}@{weights or file}"
        return _built(name, chosen, where, arch, mean=mean, std=std, classes=classes, size=size, name=called)
    if weights is None and Path(str(name_or_path)).suffix == ".onnx":
        from explorer.models.onnx import load_onnx

        if arch is not None:
            raise ExplorerError(f"{name_or_path} holds its architecture itself; arch goes without it.")
        return load_onnx(_find(str(name_or_path)), mean=mean, std=std, classes=classes, size=size)
    if weights is not None:
        raise ExplorerError(
            "weights goes with a network such as timm:resnet50 or package.module:function; a checkpoint is opened by "
            "its path."
        )
    states, card, path = _read_checkpoint(_find(str(name_or_path)), arch, mean, std, classes, size)
    if is_derived(card):
        return _of_others(load_derived(card, states, path), where)
    architecture = find_architecture(card.arch)
    net = architecture.build(classes=len(card.classes), in_channels=card.channels, **card.arch_options)
    notes = fill(net, states, path.name, card.arch)
    return _noted(Classifier(net, card).eval().requires_grad_(False).to(where), notes)


def _read_checkpoint(
    path: Path,
    arch: str | None,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    classes: Sequence[str] | None,
    size: int | None,
) -> tuple[dict[str, dict[str, Tensor]], Card, Path]:
    """What a file holds, and its card; one is made where there is none, or something else is said of the network."""
    described = any(option is not None for option in (arch, mean, std, classes, size))
    card_path = path.with_suffix(".json")
    if card_path.is_file() and not described:
        card = read_card(card_path)
        if card.sha256 and card.sha256 != file_sha256(path):
            raise ExplorerError(
                f"The checkpoint {path.name} does not match its card (sha256 differs); fetch both again."
            )
        return read_states(path), card, path
    if arch is None:
        raise ExplorerError(f"{path.name} has no card beside it; name its architecture, for example --arch resnet20.")
    states = read_states(path)
    return states, _external_card(path, find_architecture(arch), states, mean, std, classes, size), path


def _built(function: str, weights: Path | None, device: torch.device, arch: str | None, **described: Any) -> Classifier:
    if arch is not None:
        raise ExplorerError(f"{described['name']} builds its network itself; arch goes without it.")
    net, notes = build(function, weights)
    return _noted(wrap(_frozen(net, device), **described), notes)


def _of_others(loaded: Loaded, device: torch.device) -> Classifier:
    net, card, notes = loaded
    if isinstance(net, EfficientNetLite0):  # of this package: nothing about it has to be found out
        return _noted(Classifier(_frozen(net, device), card).eval().to(device), notes)
    return _noted(with_card(_frozen(net, device), card), notes)


def _frozen(net: torch.nn.Module, device: torch.device) -> torch.nn.Module:
    return net.eval().requires_grad_(requires_grad=False).to(device)


def _noted(model: Classifier, notes: Sequence[str]) -> Classifier:
    model.warnings = (*notes, *model.warnings)
    return model


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


def checkpoint_name(text: str) -> str:
    """Check a name that a person gives a checkpoint: it becomes a path below the folder of checkpoints.

    Args:
        text: The name, such as ``cifar10/quick/bang``.

    Returns:
        The name.

    Raises:
        ExplorerError: If it holds anything but letters, digits, ``_``, ``.``, ``-`` and slashes between them, or if a
            part of it begins with a dot.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*", text, re.ASCII) or len(text) > 200:
        raise ExplorerError(
            f"A model cannot be called {text[:60]!r}; use letters, digits, '_', '.' and '-', as in cifar10/quick/bang."
        )
    return text


def save_model(model: Classifier, folder: Path, *, half: bool = False) -> Card:
    """Write ``folder/<name>.safetensors`` and its card, each completely or not at all.

    Args:
        model: The model.
        folder: Folder of checkpoints.
        half: Whether weights are stored in 16 bits; ``load_model`` returns float32 again, those of ``halved(model)``.

    Returns:
        The card with the hash of the file.

    Raises:
        ExplorerError: If remedies stand around the model, as in ``write_card``.
    """
    if model.card.remedies:
        raise ExplorerError(f"{model.name} is no checkpoint of its own; save {model.card.base}.")
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

    Raises:
        ExplorerError: If remedies stand around the model: the checkpoint is that of the model within.
    """
    if card.remedies:
        raise ExplorerError(f"{card.name} is no checkpoint of its own; save {card.base}.")
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


def _shipped() -> dict[str, Path]:
    """The files of the shipped checkpoints by the model's name."""
    folder = checkpoint_folder()
    return {p.relative_to(folder).with_suffix("").as_posix(): p for p in folder.glob("*/*/*.safetensors")}


def _find(name: str) -> Path:
    path = user_path(name)
    if path.parts[:1] and path.parts[0].startswith("~") and not path.exists():
        raise ExplorerError(f"There is no file {name[:200]}: the path names an unknown user.")
    if path.suffix in {".safetensors", ".onnx", *TORCH_SUFFIXES}:
        if path.is_file():
            return path
        raise ExplorerError(f"There is no file {name}.")
    if kind := FOREIGN.get(path.suffix):
        raise ExplorerError(
            f"{path.name} is {kind}; save the weights of the same network in PyTorch, as .safetensors or .pth."
        )
    # Compare with the names that exist instead of joining the name to a folder: no path can step outside.
    folder, known = checkpoint_folder(), _shipped()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)[:3]
    hint = f"did you mean {', '.join(near)}" if near else f"no checkpoints are in {folder}"
    raise ExplorerError(
        f"Unknown model {name!r}; {hint}? 'explorer models' lists them; a path must end in .safetensors, .pth or .onnx."
    )


def _external_card(
    path: Path,
    architecture: Architecture,
    states: dict[str, dict[str, Tensor]],
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
    classes: Sequence[str] | None,
    size: int | None,
) -> Card:
    options = architecture.options_from_state(
        {key: value for state in states.values() for key, value in aliased(state).items()}
    )
    with torch.device("meta"):
        pattern = architecture.build(classes=2, in_channels=architecture.channels, **options).state_dict()
    found = find_weights(states, pattern, path.name, architecture.name).state
    first = next((found[key] for key, value in pattern.items() if value.ndim == 4), None)
    last = next((found[key] for key, value in reversed(pattern.items()) if value.ndim == 2), None)
    if first is None or last is None or first.ndim != 4 or last.ndim != 2:
        raise ExplorerError(
            f"{path.name} does not hold the weights of a {architecture.name}: no convolution or no linear layer."
        )
    channels, count = int(first.shape[1]), int(last.shape[0])
    return external_card(
        path.stem, architecture.name, count, channels, size or architecture.size, mean, std, classes, options
    )
