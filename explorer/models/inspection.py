"""Inspecting an unknown network: what it takes, what it returns, which layers are visible, what looks wrong."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.errors import ExplorerError
from explorer.numbers import counted

SIZES = (8, 16, 28, 32, 64, 96, 128, 224)
"""Sides in px that are tried if the input size of a network is not given."""

SUM_OFF = 1e-3  # how far from 1 the probabilities of one picture may add up, in half precision too
_WEIGHED = (nn.Linear, nn.Conv1d, nn.Conv2d)


@dataclass(frozen=True, eq=False)
class NetworkInfo:
    """Result of inspecting a network.

    Attributes:
        classes: Number of classes.
        output_kind: ``logits``, ``probabilities`` or ``log-probabilities``.
        layers: Stages by name, in the order they run, each with its path in the network.
        head: The path of the last layer with weights, or None.
        has_features: Whether the network returns features itself, as the architectures of this package do.
        chance: Whether it answers the same images differently each time.
        warnings: What looks wrong, one sentence each.
    """

    classes: int
    output_kind: str
    layers: tuple[tuple[str, str], ...]
    head: str | None
    has_features: bool
    chance: bool
    warnings: tuple[str, ...]

    def logits(self, out: Tensor) -> Tensor:
        """Turn the network's output into logits.

        Args:
            out: Output (N, K).

        Returns:
            Logits (N, K); their softmax equals the output where that was probabilities.
        """
        return out.clamp_min(torch.finfo(out.dtype).tiny).log() if self.output_kind == "probabilities" else out

    def run(self, net: nn.Module, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Run the network once.

        Args:
            net: The network.
            z: Normalised images (N, C, H, W).

        Returns:
            The output (N, K) and the features by layer name.
        """
        if self.has_features:
            features: dict[str, Tensor] = net.forward_features(z)  # type: ignore[operator]
            return net.head(features["penultimate"]), features  # type: ignore[operator]
        seen: dict[str, Tensor] = {}
        with ExitStack() as hooks:
            for name, path in self.layers:
                hooks.callback(net.get_submodule(path).register_forward_hook(_keep(seen, name, len(z))).remove)
            if self.head is not None:
                hooks.callback(net.get_submodule(self.head).register_forward_pre_hook(_keep_input(seen)).remove)
            out = tensor_of(net(z))
        last = seen.pop("penultimate", None)
        if last is None or len(last) != len(z):
            last = next(reversed(seen.values()), out)
        return out, seen | {"penultimate": last.flatten(1)}


def _keep(seen: dict[str, Tensor], name: str, count: int) -> Any:
    def hook(_: nn.Module, __: Any, out: Any) -> Any:
        if not isinstance(out, Tensor) or out.ndim < 2 or len(out) != count:
            return None
        seen.pop(name, None)  # a stage that is used twice counts where it was used last
        seen[name] = out
        return out.clone()  # what follows may work in place, as many a ReLU does

    return hook


def _keep_input(seen: dict[str, Tensor]) -> Any:
    def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
        if given and isinstance(given[0], Tensor):
            seen["penultimate"] = given[0]

    return hook


def tensor_of(out: Any) -> Tensor:
    """Find the logits in a network's return value.

    Args:
        out: A tensor; an object or a dict with ``logits``; a dict or a list of one; a list whose first one is a tensor
            (N, K) and has no other beside it that could be meant, as auxiliary outputs have as many classes.

    Returns:
        The tensor, dense and real numbers of a floating-point type.

    Raises:
        ExplorerError: If there is none, or several.
    """
    found = out.get("logits", out) if isinstance(out, dict) else getattr(out, "logits", out)
    if isinstance(found, dict) and len(found) == 1:
        (found,) = found.values()
    if isinstance(found, list | tuple) and found and not _rivals(found):
        found = found[0]
    if not isinstance(found, Tensor):
        raise ExplorerError(
            f"The network returns {_described(found)}, not logits; wrap it in a module that returns those (N, K)."
        )
    if found.is_complex():
        raise ExplorerError("The network returns complex numbers, not logits; wrap it in a module that returns those.")
    if found.is_quantized:
        return found.dequantize()
    if found.layout is not torch.strided:
        found = found.to_dense()
    return found if found.is_floating_point() else found.float()


def _rivals(outputs: list[Any] | tuple[Any, ...]) -> bool:
    """Whether the first of several outputs is not evidently the logits."""
    first, *rest = outputs
    if not isinstance(first, Tensor):
        return True
    tables = [one for one in rest if isinstance(one, Tensor) and one.ndim == 2]
    return bool(rest) and (first.ndim != 2 or any(one.shape != first.shape for one in tables))


def _described(out: Any) -> str:
    """A return value in words: "a tuple of (4, 10) and (4, 512)"."""
    kind = type(out).__name__
    words = f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
    parts = out.items() if isinstance(out, dict) else enumerate(out) if isinstance(out, list | tuple) else ()
    shapes = [f"{key} " * isinstance(key, str) + str(tuple(getattr(one, "shape", ()))) for key, one in parts]
    return words + (f" of {' and '.join(shapes[:3])}" if shapes else "")


def find_input(net: nn.Module, name: str, size: int | None, channels: int | None) -> tuple[int, int]:
    """Find the input size of a network by trying.

    Args:
        net: The network.
        name: Its name, for errors.
        size: Side in px if known.
        channels: Channels if known.

    Returns:
        Side in px and channels.

    Raises:
        ExplorerError: If no size works, or more than one.
    """
    if size is not None and channels is not None:
        return size, channels
    fitting, reason = _fitting(net, (size,) if size else SIZES, (channels,) if channels else (3, 1))
    if not fitting:
        tried = f"{size} px" if size else f"{SIZES[0]} to {SIZES[-1]} px"
        raise ExplorerError(
            f"{name} does not take square images of {tried} ({reason}); give the size= and channels= it was made for."
        )
    if len(fitting) > 1:
        raise ExplorerError(f"{name} takes images of more than one size; give size=, the side in px it was trained on.")
    return fitting[0]


def _fitting(net: nn.Module, sizes: tuple[int, ...], channels: tuple[int, ...]) -> tuple[list[tuple[int, int]], str]:
    """The sides and channels that a network takes, one that it answers oddly if there is no other; why not the last."""
    device, dtype = device_and_dtype(net)
    found, odd, reason = list[tuple[int, int]](), list[tuple[int, int]](), ""
    for count in channels:
        for side in sizes:
            try:
                with torch.no_grad():
                    out = net(torch.zeros(1, count, side, side, device=device, dtype=dtype))
            except Exception as error:  # noqa: BLE001  # any error means that it does not take this size
                reason = _reason(error)
                continue
            try:
                usual = tensor_of(out).ndim == 2
            except ExplorerError:
                usual = False
            (found if usual else odd).append((side, count))
    return found or odd[:1], reason


def _reason(error: Exception) -> str:
    lines = (str(error).strip() or type(error).__name__).splitlines()
    return lines[-1 if "TorchScript" in lines[0] else 0].removeprefix("RuntimeError: ").rstrip(".")[:150]


def device_and_dtype(net: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Device and floating-point type of a network: those of its first weights.

    Args:
        net: The network.

    Returns:
        The device and the dtype.
    """
    first = next((t for t in (*net.parameters(), *net.buffers()) if t.is_floating_point()), torch.empty(0))
    return first.device, first.dtype


def inspect_network(
    net: nn.Module, name: str, pictures: Tensor, normalised: Tensor, *, was_training: bool
) -> NetworkInfo:
    """Run a network in eval mode on test images and describe it.

    Args:
        net: The network.
        name: Its name, for errors.
        pictures: Test images (N, C, H, W) in [0, 1].
        normalised: The same images as the network takes them, on its device.
        was_training: Whether it was in training mode.

    Returns:
        The description.

    Raises:
        ExplorerError: If it is not a classifier.
    """
    try:
        with torch.no_grad():
            raw = net(normalised.clone())  # a copy each time: some networks normalise in place
        out = tensor_of(raw)
    except ExplorerError as error:
        raise ExplorerError(str(error).replace("The network", name, 1)) from None
    except Exception as error:
        raise ExplorerError(_misfit(net, name, pictures, error)) from error
    _check_output(net, name, out, len(pictures))
    output_kind, message = _output_kind(net, name, out)
    warnings = [_training(name)] if was_training else []
    warnings += [message] if message else []
    if isinstance(raw, list | tuple) and len(raw) > 1 and not hasattr(raw, "logits"):
        warnings.append(f"{name} returns {_described(raw)}: the first was taken for its logits.")
    with torch.no_grad():
        again = tensor_of(net(normalised.clone()))
        try:
            alone = tensor_of(net(normalised[:1].clone()))
        except Exception as error:
            raise ExplorerError(_counting(name, f"{len(pictures)} images at once and not one", error)) from error
    if not torch.allclose(out, again, rtol=1e-2, atol=1e-3):
        warnings.append(
            f"{name} answers the same picture differently each time, as with dropout that stays on in eval mode "
            "(F.dropout without training=self.training): flips may be chance."
        )
    elif not torch.allclose(out[:1], alone, rtol=1e-2, atol=1e-2):
        warnings.append(
            f"{name} answers depend on the other pictures in the batch, as with batch norm without running statistics: "
            "the clean and the distorted picture are asked together and influence each other."
        )
    has_features = _has_features(net, normalised.clone())
    layers, head = ((), None) if has_features else _stages(net, normalised.clone())
    if not has_features and not layers and head is None:
        warnings.append(f"The layers of {name} cannot be seen, so its feature distance is that of its outputs.")
    return NetworkInfo(
        out.shape[1], output_kind, layers, head, has_features, not torch.equal(out, again), tuple(warnings)
    )


def sample_pictures(size: int, channels: int) -> Tensor:
    """Four meaningless test images, none of one colour, always the same.

    Args:
        size: Side in px.
        channels: 1 or 3.

    Returns:
        Images (4, C, H, W) in [0, 1].
    """
    noise = torch.rand(4, channels, size, size, generator=torch.Generator().manual_seed(0))
    return noise * torch.tensor([1.0, 1.0, 0.3, 0.1]).view(-1, 1, 1, 1)


def _training(name: str) -> str:
    return (
        f"{name} is in training mode, where dropout and batch norm let chance and the batch decide: a copy of it in "
        "eval mode was asked."
    )


def _misfit(net: nn.Module, name: str, pictures: Tensor, error: Exception) -> str:
    """One sentence on why a network does not take pictures like these."""
    count, side = pictures.shape[1], pictures.shape[-1]
    if isinstance(error, NotImplementedError) and "forward" in str(error):
        return f"{name} has no forward method, so it cannot be asked; give the network itself, not a part without one."
    given = f"{side} x {side} px with {counted(count, 'channel')}"
    fitting = _fitting(net, (side,), (1, 3))[0] or _fitting(net, SIZES, (3, 1))[0]
    if (side, count) in fitting:
        return _counting(name, f"one image and not {len(pictures)} at once", error)
    if fitting:
        sizes = " or ".join(f"{side} x {side} px with {counted(count, 'channel')}" for side, count in fitting[:3])
        side, count = fitting[0]
        return (
            f"{name} does not take images of {given} but of {sizes}; bring them to that with "
            f"explorer.fit(images, {side}, {count})."
        )
    why = _reason(error)
    return f"{name} does not take images of {given} ({why}); give images of the size and channels it was trained on."


def _counting(name: str, takes: str, error: Exception) -> str:
    return f"{name} takes {takes} ({_reason(error)}); its forward must take any number of images (N, C, H, W)."


def _check_output(net: nn.Module, name: str, out: Tensor, count: int) -> None:
    if out.ndim != 2 or len(out) != count:
        raise ExplorerError(
            f"{name} gives a tensor of shape {tuple(out.shape)} for {count} images; a classifier gives logits (N, K)."
        )
    if out.shape[1] < 2:
        raise ExplorerError(
            f"{name} gives one number per image; return a logit per class, torch.cat([0 * z, z], 1) for one logit z."
        )
    if not bool(torch.isfinite(out).all()):
        weights = ((key, value) for key, value in net.state_dict().items() if isinstance(value, Tensor))
        damaged = [key for key, value in weights if not bool(torch.isfinite(value).all())]
        why = f"its weights {damaged[0]} hold such values" if damaged else "it overflows or divides by zero"
        raise ExplorerError(f"{name} answers with values that are not finite numbers (NaN or infinite): {why}.")


def _output_kind(net: nn.Module, name: str, out: Tensor) -> tuple[str, str]:
    """The kind of the outputs, and a warning about it."""
    out = out.double()
    if bool((out >= 0).all()) and bool(((out.sum(1) - 1).abs() < SUM_OFF).all()):
        return "probabilities", (
            f"{name} answers with probabilities (a softmax) instead of logits: their logarithm was taken, so that its "
            "confidence is its own; return logits where you can, because probabilities near 0 and 1 are rounded."
        )
    if bool((out <= SUM_OFF).all()) and bool((out.logsumexp(1).abs() < SUM_OFF).all()):
        return "log-probabilities", (
            f"{name} answers with log-probabilities (a log-softmax) instead of logits: confidences are the same, only "
            "attacks on the margin of the logits see another scale."
        )
    last = list(net.modules())[-1]
    between = bool(((out > 0) & (out < 1)).all())
    if between and (isinstance(last, nn.Sigmoid) or out.shape[1] > 4):
        return "logits", (
            f"{name} answers with numbers between 0 and 1 that do not add up to 1, as after a sigmoid: taken as logits "
            "they make every confidence look low; return logits instead."
        )
    return "logits", ""


def _has_features(net: nn.Module, z: Tensor) -> bool:
    """Whether it gives {layer: tensor} with ``penultimate``, and its head makes of that what it answers."""
    if not (hasattr(net, "forward_features") and hasattr(net, "head")):
        return False
    try:
        with torch.no_grad():
            features = net.forward_features(z)  # type: ignore[operator]
            return torch.equal(net.head(features["penultimate"]), net(z))  # type: ignore[operator]
    except Exception:  # noqa: BLE001  # other packages use these names for other things
        return False


def _stages(net: nn.Module, z: Tensor) -> tuple[tuple[tuple[str, str], ...], str | None]:
    """The network's top-level parts that hold weights, in the order they run, and the path of the last one."""
    paths = {module: path for path, module in net.named_modules()}
    order: list[nn.Module] = []
    body = net
    while len(children := list(body.named_children())) == 1:
        body = children[0][1]
    stages = {module: name for name, module in children if next(module.parameters(), None) is not None}
    with ExitStack() as hooks, torch.no_grad():
        for module in net.modules():
            if not isinstance(module, torch.jit.ScriptModule) and (isinstance(module, _WEIGHED) or module in stages):
                hooks.callback(module.register_forward_hook(lambda ran, *_: order.append(ran)).remove)
        net(z)
    head = next((module for module in reversed(order) if isinstance(module, _WEIGHED)), None)
    layers = []
    for module in dict.fromkeys(order):
        if module in stages and not any(part is head for part in module.modules()):
            name = stages[module]
            layers.append((f"{type(module).__name__.lower()}_{name}" if name.isdigit() else name, paths[module]))
    return tuple(layers), None if head is None else paths[head]
