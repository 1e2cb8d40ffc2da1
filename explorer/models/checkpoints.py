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
    """The folder of the shipped checkpoints: ``$EXPLORER_CHECKPOINTS``, else the wheel's own, else the clone's."""
    if named := os.environ.get("EXPLORER_CHECKPOINTS"):
        return Path(named)
    return PACKAGED if PACKAGED.is_dir() else IN_CLONE


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """The device of that name; ``auto`` is CUDA where there is one, else MPS, else the CPU."""
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
    """The cards of all shipped checkpoints, ordered by data set, architecture and method."""
    order = {method: i for i, method in enumerate(METHODS)}
    cards = [read_card(path) for path in checkpoint_folder().glob("*/*/*.json")]
    return sorted(cards, key=lambda card: (card.data, card.arch, order.get(card.method, len(order)), card.name))


def read_card(path: Path) -> Card:
    """The card in a JSON file; ExplorerError where it is not one."""
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
    """A model by its name (``cifar10/resnet20/stability``) or by the path of a state dict, in eval mode.

    A path may be ``.safetensors`` or a weights-only ``.pth``; with a card beside it (same name, ``.json``) nothing else
    is needed. Without one ``arch`` is, and ``mean`` and ``std`` (per channel, in [0, 1] pixel units) state the
    normalisation the network was trained with (default: none, i.e. 0 and 1). ``module.`` prefixes and nested
    ``state_dict`` keys are handled. Raises ExplorerError in one sentence for everything that does not fit.
    """
    where = pick_device(device)
    path = _find(str(name_or_path))
    card_path = path.with_suffix(".json")
    outside = any(option is not None for option in (arch, mean, std, classes, size))
    if card_path.is_file() and not outside:
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
        card = _outside_card(path, find_architecture(arch), state, mean, std, classes, size)
    architecture = find_architecture(card.arch)
    net = architecture.build(classes=len(card.classes), in_channels=card.channels, **card.arch_options)
    _fill(net, state, path.name, card.arch)
    return Classifier(net, card).eval().requires_grad_(False).to(where)


def halved(model: Classifier) -> Classifier:
    """A copy whose weights are rounded to 16 bits (float16), as they come back from ``save_model(..., half=True)``."""
    small = copy.deepcopy(model)
    small.net.load_state_dict({key: _half(value) for key, value in model.net.state_dict().items()})
    return small


def _half(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def save_model(model: Classifier, folder: Path, *, half: bool = False) -> Card:
    """Write ``folder/<name>.safetensors`` and its card (sha256 filled in), each atomically; returns the card.

    ``half`` stores the weights in 16 bits; ``load_model`` gives float32 again, those of ``halved(model)``.
    """
    target = folder / f"{model.name}.safetensors"
    state = {key: value.detach().cpu().contiguous() for key, value in model.net.state_dict().items()}
    data = save({key: _half(value) if half else value for key, value in state.items()})
    card = replace(model.card, sha256=hashlib.sha256(data).hexdigest())
    write_whole(target, data)
    write_card(card, folder)
    return card


def write_card(card: Card, folder: Path) -> None:
    """Write ``folder/<name>.json`` atomically."""
    write_whole(folder / f"{card.name}.json", json.dumps(card.to_dict(), indent=1) + "\n")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` file or of a weights-only torch file, unwrapped and with prefixes removed."""
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
        raise ExplorerError(f"There is no file {name[:200]}: no user of that name has a home here.") from None
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


def _outside_card(
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
