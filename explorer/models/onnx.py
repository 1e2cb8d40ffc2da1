"""ONNX files through onnxruntime, an extra (``stability-explorer[onnx]``): networks that answer, without gradients.

Beside ``net.onnx`` a file ``net.json`` may say what the network was trained with: ``classes`` (names in the order of
its answers), ``mean``, ``std``, ``size`` and ``transform``, as cards have them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer.errors import ExplorerError
from explorer.models.classifier import Card, Classifier
from explorer.models.external import wrap

SUFFIX = ".onnx"
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
_SAID = {"classes", "mean", "std", "size", "transform"}


class OnnxNetwork(nn.Module):
    """The network of an ONNX file, on the CPU.

    Attributes:
        no_gradients: Why it cannot be attacked, explained or trained, as the end of a sentence.
    """

    no_gradients = "is an ONNX file, which has no gradients"

    def __init__(self, path: Path) -> None:
        """Open a file.

        Args:
            path: The file; external data only from its own folder.

        Raises:
            ExplorerError: If onnxruntime is missing, cannot read the file, or the network does not take pictures.
        """
        super().__init__()
        self._path = path
        # of the file itself, so that surveys notice another one
        digest = hashlib.sha256(path.read_bytes()).digest()
        self.register_buffer("digest", torch.frombuffer(bytearray(digest), dtype=torch.uint8))
        self._session = _open(path)
        given = self._session.get_inputs()
        shape = given[0].shape if given else []
        if len(given) != 1 or len(shape) != 4 or given[0].type not in _TYPES:
            inputs = ", ".join(f"{one.name} {one.type} {one.shape}" for one in given)
            raise ExplorerError(f"{path.name} takes {inputs[:200] or 'nothing'}; pictures are one input (N, C, H, W).")
        self._name, self._type = given[0].name, _TYPES[given[0].type]
        self.batch, self.channels, height, width = (one if isinstance(one, int) else None for one in shape)
        if self.channels not in {1, 3, None} or (height and width and height != width):
            raise ExplorerError(
                f"{path.name} takes pictures of the shape {shape}; it must be (N, 1 or 3, side, side), channels first."
            )
        self.size = height or width

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        pixels = x.detach().cpu().numpy().astype(self._type)
        step = self.batch or len(pixels)
        parts = []
        for start in range(0, len(pixels), step):
            part = pixels[start : start + step]
            short = step - len(part)  # a fixed batch is filled up
            filled = np.concatenate([part, np.repeat(part[-1:], short, 0)]) if short else part
            parts.append([out[: len(part)] for out in self._session.run(None, {self._name: filled})])
        found = tuple(torch.from_numpy(np.concatenate(outs)) for outs in zip(*parts, strict=True))
        found = tuple(out.float() if out.is_floating_point() else out for out in found)
        return found[0] if len(found) == 1 else found

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self._path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]
        self.eval()


def load_onnx(path: Path, **described: Any) -> Classifier:
    """Load an ONNX file as a model.

    Args:
        path: The file.
        described: ``mean``, ``std``, ``classes`` and ``size`` as for ``load_model``; None where the file beside it says
            so, or nothing does.

    Returns:
        The model.

    Raises:
        ExplorerError: If the file cannot be opened, if ``size`` is not its input's side, and as ``wrap``.
    """
    net = OnnxNetwork(path).eval()
    said = _beside(path.with_suffix(".json"))
    transform = said.pop("transform", {})
    said |= {key: value for key, value in described.items() if value is not None}
    size = said.pop("size", None)
    if size and net.size and size != net.size:
        raise ExplorerError(f"{path.name} takes pictures of {net.size} px, not of {size} px.")
    model = wrap(net, name=path.stem, size=net.size or size, channels=net.channels, **said)
    card = replace(model.card, arch="onnx", transform=transform)
    model.card = Card.from_dict(card.to_dict()) if transform else card
    return model


def _open(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise ExplorerError(
            f"{path.name} needs the package onnxruntime: pip install 'stability-explorer[onnx]'."
        ) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # it talks to its developers
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  # its exceptions have no common class
        reason = str(error).strip().partition("\n")[0].rpartition("] : ")[2][:200]
        raise ExplorerError(f"onnxruntime cannot open {path.name}: {reason}.") from None


def _beside(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ExplorerError(f"{path.name} cannot be read: {str(error)[:200]}.") from error
    if not isinstance(said, dict) or set(said) - _SAID:
        raise ExplorerError(f"{path.name} must be a JSON object of {', '.join(sorted(_SAID))}, all of them optional.")
    return said
