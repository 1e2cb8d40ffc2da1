"""Networks as they answer on a CPU: batch normalisation within the convolutions, colours beside each other in memory.

Batch norm that follows a convolution is a factor and a sum per channel in eval mode, which its weights can hold; and
kernels of convolutions are faster where the channels of a pixel stand together (``channels_last``). A copy of the
network answers so, for every caller alike, so that their numbers are equal. What needs gradients asks the network
itself.

The copy is used only where it answers test images as the network does, up to ``AGREES``, and as long as the network has
the parts and the weights that were copied.
"""

from __future__ import annotations

import copy
import threading
from contextlib import ExitStack
from itertools import chain
from operator import attrgetter, is_, itemgetter
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from explorer.models.classifier import Classifier
from explorer.models.inspection import sample_pictures
from explorer.models.views import View, bare

AGREES = 1e-4
"""How far logits and features of the copy may be off, as a share of the largest one where that is above 1."""

_FEW = 2**12  # values in a tensor that is compared together with others
_POINT = ((1, 1), (1, 1), (0, 0))
_training, _version = itemgetter("training"), attrgetter("_version")


def answer(model: Classifier, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits and features of one forward pass, without gradients.

    Args:
        model: A loaded model, in eval mode.
        x: Images (N, C, H, W) in [0, 1], on its device.

    Returns:
        Logits (N, K) and activations by layer name, in any memory format.
    """
    if isinstance(model, View):
        return answer(model.model, model.fit(x))
    net = _answering(model)
    if net is None:
        return model.answer(x)
    features: dict[str, Tensor] = net.forward_features(_normalised(model, x))  # type: ignore[operator]
    return net.head(features["penultimate"]), features  # type: ignore[operator]


def logits(model: Classifier, x: Tensor) -> Tensor:
    """Logits of one forward pass, without gradients.

    Args:
        model: A loaded model, in eval mode.
        x: Images (N, C, H, W) in [0, 1], on its device.

    Returns:
        Logits (N, K).
    """
    if isinstance(model, View):
        return logits(model.model, model.fit(x))
    net = _answering(model)
    found: Tensor = model(x) if net is None else net(_normalised(model, x))
    return found


def reread(model: Classifier) -> None:
    """Look whether weights were changed past torch (``weight.data``, NumPy); all other changes are seen anyway.

    Args:
        model: A loaded model that comes from a caller.
    """
    net = bare(model).net
    kept = _kept.get(net)
    if kept is not None and not kept.equals():
        _kept.pop(net, None)


def _normalised(model: Classifier, x: Tensor) -> Tensor:
    return model.normalise(x.contiguous(memory_format=torch.channels_last))


class _Kept:
    """A copy that answers for a network, and what the network held before it was made. Holds no reference to it."""

    def __init__(self, net: nn.Module, pictures: Tensor) -> None:
        modules = list(net.modules())
        kinds = ("_parameters", "_buffers", "_modules", "_forward_hooks", "_forward_pre_hooks")
        self._vars = list(map(vars, modules))
        self._dicts = [found[kind] for found in self._vars for kind in kinds]
        self._held = list(chain.from_iterable(map(dict.values, self._dicts)))
        self._tensors = [one for one in self._held if isinstance(one, Tensor) and one.is_floating_point()]
        self._marks = self._mark()
        views = [tensor.detach().numpy() for tensor in self._tensors]
        self._few = [view.ravel() for view in views if view.size <= _FEW]
        self._many = [view for view in views if view.size > _FEW]
        self._values = [view.copy() for view in self._read()]
        self.net = _made(net, pictures)
        """The copy; None where there is nothing to fold, or where it does not agree."""

    def holds(self) -> bool:
        """Whether the network has the same parts, none in training mode, and torch has written to no weight."""
        held = list(chain.from_iterable(map(dict.values, self._dicts)))
        same = len(held) == len(self._held) and all(map(is_, held, self._held))
        return same and not any(map(_training, self._vars)) and self._mark() == self._marks

    def equals(self) -> bool:
        """Whether every weight has the same value."""
        # NumPy takes a quarter of torch's time
        return all((a == b).all() for a, b in zip(self._read(), self._values, strict=True))

    def _read(self) -> list[NDArray]:
        """The weights, small ones in one."""
        return [np.concatenate(self._few), *self._many]

    def _mark(self) -> list[int]:
        """Where weights lie, and how often torch has written to them."""
        return [*map(Tensor.data_ptr, self._tensors), *map(_version, self._tensors)]


_kept: WeakKeyDictionary[nn.Module, _Kept] = WeakKeyDictionary()
_plain: WeakSet[nn.Module] = WeakSet()
_making = threading.Lock()


def _answering(model: Classifier) -> nn.Module | None:
    """The copy that answers; None for the network itself: on other devices, under autocast, and where hooks look."""
    net = model.net
    if type(model) is not Classifier or net in _plain or model.mean.device.type != "cpu":
        return None
    if model._forward_hooks or model._forward_pre_hooks or torch.is_autocast_enabled("cpu"):  # noqa: SLF001
        return None
    kept = _kept.get(net)
    if kept is None or not kept.holds():
        if not any(type(part) is nn.BatchNorm2d for part in net.modules()):
            _plain.add(net)
            return None
        if not _is_still(net):
            return None
        with _making:
            kept = _kept.get(net)
            if kept is None or not kept.holds():
                with torch.inference_mode(mode=False), torch.no_grad():
                    kept = _Kept(net, model.normalise(sample_pictures(model.size, model.channels)))
                if kept.net is None:
                    _plain.add(net)
                else:
                    _kept[net] = kept
    return kept.net


def _is_still(net: nn.Module) -> bool:
    """Whether nothing trains it or looks at it, and torch counts what is written to it."""
    looked = (part.training or part._forward_hooks or part._forward_pre_hooks for part in net.modules())  # noqa: SLF001
    tensors = (*net.parameters(), *net.buffers())
    return not any(looked) and not any(one.is_inference() or one.device.type != "cpu" for one in tensors)


def _made(net: nn.Module, pictures: Tensor) -> nn.Module | None:
    made = copy.deepcopy(net).requires_grad_(requires_grad=False)
    if not _fold(made, pictures):
        return None
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # mypy is told of its other forms only
    return made if _agree(net, made, pictures) else None


def _fold(net: nn.Module, pictures: Tensor) -> bool:
    """Fold every batch norm that is given what one convolution returns; whether there is any."""
    given: dict[int, tuple[nn.Conv2d, Tensor]] = {}
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def convolved(module: nn.Conv2d, _: Any, out: Tensor) -> None:
        given[id(out)] = module, out

    def normed(module: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        if id(inputs[0]) in given:
            pairs.append((given[id(inputs[0])][0], module))

    with ExitStack() as hooks:
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                hooks.callback(module.register_forward_hook(convolved).remove)
            elif type(module) is nn.BatchNorm2d and module.track_running_stats:
                hooks.callback(module.register_forward_pre_hook(normed).remove)
        net(pictures)
    paths = {module: path for path, module in net.named_modules()}
    for conv, norm in pairs:
        whole = fuse_conv_bn_eval(conv, norm)
        conv.weight, conv.bias = whole.weight, whole.bias
        where, _, name = paths[norm].rpartition(".")
        setattr(net.get_submodule(where), name, nn.Identity())
        if torch.backends.mkldnn.is_available() and (conv.kernel_size, conv.stride, conv.padding) == _POINT:
            conv.__class__ = _Pointwise
    return bool(pairs)


class _Pointwise(nn.Conv2d):
    """A convolution of 1 x 1, for which torch takes a slow kernel where few images are answered on one thread."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.mkldnn_convolution(x, self.weight, self.bias, (0, 0), (1, 1), self.dilation, self.groups)


def _agree(net: nn.Module, other: nn.Module, pictures: Tensor) -> bool:
    """Whether two networks give the same logits and features."""
    mine: dict[str, Tensor] = net.forward_features(pictures)  # type: ignore[operator]
    theirs = other.forward_features(pictures.contiguous(memory_format=torch.channels_last))  # type: ignore[operator]
    pairs = [(net(pictures), other(pictures)), *((mine[name], theirs[name]) for name in mine)]
    return all(bool((a - b).abs().max() <= AGREES * a.abs().max().clamp_min(1)) for a, b in pairs)
