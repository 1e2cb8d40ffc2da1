"""Files of weights: reading them without running code, and finding a network's weights among what else they hold.

Training programs write more than weights. Lightning puts criteria and metrics beside the network, timm a moving average
of it, MMEngine splits it into a backbone and a head and adds objects of its own.
"""

from __future__ import annotations

import io
import pickle
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from explorer.errors import ExplorerError

TORCH_SUFFIXES = {".pth", ".pt", ".th", ".ckpt", ".bin", ".tar"}
# Names that public code gives to the same layers of these networks.
ALIASES = {"linear.": "fc.", "classifier.": "fc.", ".shortcut.": ".downsample."}

FOREIGN = {
    **dict.fromkeys((".h5", ".hdf5", ".keras"), "a Keras file"),
    **dict.fromkeys((".pb", ".tflite", ".mlmodel", ".engine"), "an exported network of another program"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle, which could run code"),
    **dict.fromkeys((".msgpack", ".npz", ".npy"), "a file of arrays"),
}
"""Endings of files that hold networks in a form that is not read, and what they are."""

# Wrappers that put a level of their own into the names of what they wrap.
_WRAPPERS = {"_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_AVERAGE = re.compile(r"(^|[._])(ema|swa|avg|averaged?|teacher|shadow|momentum)([._]|$)", re.IGNORECASE)
# Parts of a training step that say nothing about the network's answer.
_BYSTANDER = re.compile(
    r"criterion|.*loss(_fn|_func)?|(train|valid?|test)_.*|.*(acc|accuracy|metrics?|auroc|f1|confmat)\d*|n_averaged",
    re.IGNORECASE,
)
_COUNTER = "num_batches_tracked"  # of BatchNorm; bookkeeping, which older files lack
_MEAN = "running_mean"
_NEVER = {
    "builtins",
    "os",
    "posix",
    "nt",
    "sys",
    "subprocess",
    "shutil",
    "socket",
    "runpy",
    "importlib",
    "ctypes",
    "pty",
}
_reading = threading.Lock()


class _Ignored(dict[Any, Any]):
    """Stands for an object of another program; whatever the file does to it has no effect."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    def __setstate__(self, _: object) -> None:
        pass

    def __setitem__(self, _key: object, _value: object) -> None:
        pass

    __hash__ = object.__hash__  # type: ignore[assignment]  # it may be the key of a dict


@dataclass(frozen=True)
class Weights:
    """What of a file belongs to a network.

    Attributes:
        state: Tensors by the network's own names.
        notes: One sentence for each thing that a user should know, such as a second set of weights.
    """

    state: dict[str, Tensor]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Choice:
    place: str
    prefixes: tuple[str, ...]
    names: Mapping[str, Tensor]  # all that lies at this place
    found: Mapping[str, str]  # the network's name: the name in the file

    @property
    def label(self) -> str:
        prefixes = " and ".join(f"{prefix}*" for prefix in self.prefixes if prefix)
        return ": ".join(part for part in (self.place, prefixes) if part) or "the keys at the top"

    @property
    def average(self) -> bool:
        return any(_AVERAGE.search(part) for part in (self.place, *self.prefixes))

    def tensors(self) -> dict[str, Tensor]:
        return {name: self.names[key] for name, key in self.found.items()}

    def counters(self, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """BatchNorm's counters beside its means; they shape no answer, but count among what a fingerprint is of."""
        keys = {
            name.removesuffix(_MEAN) + _COUNTER: key.removesuffix(_MEAN) + _COUNTER for name, key in self.found.items()
        }
        found = {name: self.names[key] for name, key in keys.items() if name in wanted and key in self.names}
        return {name: value for name, value in found.items() if value.dtype == torch.int64 and value.ndim == 0}

    def rest(self) -> list[str]:
        """Keys that lie under the prefixes, and belong neither to the network nor to its training."""
        used = {*self.found.values()}
        rest = [key for key in self.names if key not in used and not key.endswith(_COUNTER)]
        under = [(key, next((p for p in self.prefixes if key.startswith(p)), None)) for key in rest]
        return [key for key, prefix in under if prefix is not None and not _aside(key.removeprefix(prefix))]


def read_states(path: Path) -> dict[str, dict[str, Tensor]]:
    """Read the state dicts of a file. Nothing is unpickled beyond plain weights.

    Args:
        path: A ``.safetensors`` file or a torch file.

    Returns:
        Tensors by name, by where in the file they lie: "" at the top, otherwise keys such as ``state_dict``.

    Raises:
        ExplorerError: If the file is missing, damaged, or holds no tensors by name.
    """
    try:
        if path.suffix == ".safetensors":
            raw: Any = load_file(path)
        elif path.suffix in TORCH_SUFFIXES:
            raw = _read_torch(path)
        else:
            raise ExplorerError(
                f"{path.name} is not a checkpoint; expected .safetensors, or .pth/.pt/.th with plain weights."
            )
    except ExplorerError:
        raise
    except pickle.UnpicklingError as error:
        raise ExplorerError(
            f"{path.name} holds more than plain weights, which could run code; save only its state_dict and open that."
        ) from error
    except Exception as error:  # readers raise many kinds on damaged files
        script = "TorchScript" in str(error)
        raise ExplorerError(
            f"{path.name} is a TorchScript program, which could run code; save only its state_dict and open that."
            if script
            else f"{path.name} is damaged or not a checkpoint; expected a .safetensors or .pth state dict."
        ) from error
    if isinstance(raw, _Ignored):
        raise ExplorerError(f"{path.name} holds a whole pickled network; save model.state_dict() and open that.")
    if not isinstance(raw, dict):
        raise ExplorerError(
            f"{path.name} holds a {type(raw).__name__}, not a state dict; save model.state_dict() and open that."
        )
    states = dict(_states(raw, ""))
    if not states:
        raise ExplorerError(f"{path.name} holds no tensors; expected the state dict of a network.")
    return states


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(_source(path), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        # Settings and logs of a training program are objects of its own classes. Each is replaced by one that does
        # nothing, so that torch's restricted reader gets at the weights; no code of the file runs either way.
        try:
            names = get_unsafe_globals_in_checkpoint(_source(path))
        except Exception:  # noqa: BLE001  # it raises many kinds on files that torch.load refused with one
            names = []
        others = [name for name in names if name != "builtins.getattr"]
        if not names or any(name.split(".")[0] in _NEVER for name in others):
            raise
        with _reading, safe_globals([(_Ignored, name) for name in names]):
            return torch.load(_source(path), map_location="cpu", weights_only=True)


def _source(path: Path) -> Path | io.BytesIO:
    """What torch reads: of its old format, which states lengths, the bytes, of which no length asks for more."""
    return path if zipfile.is_zipfile(path) else io.BytesIO(path.read_bytes())


def _states(raw: Mapping[Any, Any], place: str, depth: int = 0) -> Iterator[tuple[str, dict[str, Tensor]]]:
    if tensors := {str(key): value for key, value in raw.items() if isinstance(value, Tensor)}:
        yield place, tensors
    for key, value in raw.items():
        if isinstance(key, str) and isinstance(value, dict) and depth < 3:
            yield from _states(value, f"{place}.{key}".lstrip("."), depth + 1)


def aliased(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the layers that public code calls otherwise.

    Args:
        state: Tensors by name, without a prefix or with one.

    Returns:
        The same tensors by the names that they have here.
    """
    renamed = {}
    for key, value in state.items():
        for theirs, ours in ALIASES.items():
            pattern = re.escape(theirs) if theirs[0] == "." else rf"(^|(?<=\.)){re.escape(theirs)}"
            key = re.sub(pattern, ours, key)
        renamed[key] = value
    return renamed


def find_weights(
    states: Mapping[str, Mapping[str, Tensor]], wanted: Mapping[str, Tensor], filename: str, arch: str
) -> Weights:
    """Find the weights of a network, whatever prefix they have and whatever lies beside them.

    Args:
        states: What ``read_states`` returned.
        wanted: The network's own state dict, for its names.
        filename: The file, for messages.
        arch: The network's architecture, for messages.

    Returns:
        Tensors by the network's names.

    Raises:
        ExplorerError: If one is missing, or if there are more under the same prefix; the sentence names them and
            where they were looked for.
    """
    needed = {key for key in wanted if not key.endswith(_COUNTER)}
    choices = [choice for place, state in states.items() for choice in _choices(place, state, needed)]
    choices.sort(key=lambda choice: (-len(choice.found), choice.average))
    best = choices[0]
    missing, extra = sorted(needed - set(best.found)), best.rest()
    if missing or extra:
        raise ExplorerError(
            f"{filename} does not fit the architecture {arch}: it "
            + " and ".join(
                [*(["lacks " + _some(missing)] if missing else []), *(["has " + _some(extra)] if extra else [])]
            )
            + f"{' too much' if extra else ''}; tried {_some(list(dict.fromkeys(c.label for c in choices)))}."
        )
    state, notes = best.tensors(), []
    full = [choice for choice in choices[1:] if len(choice.found) == len(needed)]
    if others := [choice.label for choice in full if _differs(choice.tensors(), state)]:
        notes.append(f"{filename} holds several sets of weights that fit: {best.label} is used, not {_some(others)}.")
    ignored = {key for choice in (best, *full) if choice.place == best.place for key in choice.found.values()}
    under = tuple(prefix for choice in (best, *full) for prefix in choice.prefixes)
    beside = [k for k in best.names if k not in ignored and not k.startswith(under) and not _aside(k)]
    if beside:
        notes.append(f"Of {filename} only {best.label} is used; left out is {_some(beside)}.")
    return Weights(best.counters(wanted) | state, tuple(notes))


def fill(net: torch.nn.Module, states: Mapping[str, Mapping[str, Tensor]], filename: str, arch: str) -> tuple[str, ...]:
    """Fill a network with the weights of a file.

    Args:
        net: The network.
        states: What ``read_states`` returned.
        filename: The file, for messages.
        arch: The network's architecture, for messages.

    Returns:
        One sentence for each thing that a user should know.

    Raises:
        ExplorerError: As ``find_weights``; and where a tensor has another shape or kind, or holds NaN.
    """
    wanted = net.state_dict()
    weights = find_weights(states, wanted, filename, arch)
    for key, value in weights.state.items():
        if value.shape != wanted[key].shape:
            raise ExplorerError(
                f"{filename} does not fit the architecture {arch}: "
                f"{key} is {tuple(value.shape)}, not {tuple(wanted[key].shape)}."
            )
        plain = value.layout is torch.strided and value.device.type == "cpu" and not value.is_nested
        if not plain or value.is_floating_point() != wanted[key].is_floating_point():
            raise ExplorerError(
                f"{filename} holds {key} as {str(value.dtype).removeprefix('torch.')}, not as plain numbers; "
                "save the weights before they are quantised or made sparse."
            )
        if value.is_floating_point() and not torch.isfinite(value.float()).all():
            raise ExplorerError(
                f"{filename} holds NaN or infinite weights in {key}; it is damaged or its training diverged."
            )
    wanted.update(weights.state)  # in place: it keeps the version that some networks ask for
    net.load_state_dict(wanted)
    return weights.notes


def _choices(place: str, state: Mapping[str, Tensor], needed: set[str]) -> Iterator[_Choice]:
    """Each prefix under which some of the needed names lie; what one lacks may lie under another (backbone, head)."""
    wrappers = _WRAPPERS - {part for name in needed for part in name.split(".")}
    plain = {".".join(part for part in key.split(".") if part not in wrappers): value for key, value in state.items()}
    if len(plain) < len(state):  # the same weights with a wrapper and without
        plain = dict(state)
    renamed = aliased(plain)
    for names in (plain, renamed) if len(renamed) == len(plain) and renamed.keys() != plain.keys() else (plain,):
        found: dict[str, dict[str, str]] = {"": {}}
        for key in names:
            parts = key.split(".")
            for i in range(len(parts)):
                if (name := ".".join(parts[i:])) in needed:
                    found.setdefault("".join(f"{part}." for part in parts[:i]), {})[name] = key
        for prefix, mine in found.items():
            missing = needed - set(mine)
            beside = (p for p in found if missing and not p.startswith(prefix) and not prefix.startswith(p))
            rest = next((p for p in beside if missing <= set(found[p])), None)
            if rest is None:
                yield _Choice(place, (prefix,), names, mine)
            else:
                yield _Choice(place, (prefix, rest), names, mine | {name: found[rest][name] for name in missing})


def _aside(key: str) -> bool:
    first = key.split(".", maxsplit=1)[0]
    return bool(_BYSTANDER.fullmatch(first) or _AVERAGE.search(first))


def _differs(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return any(value.shape != other[name].shape or not torch.equal(value, other[name]) for name, value in one.items())


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
