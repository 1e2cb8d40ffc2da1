"""BANG: batch adjusted network gradients (Rozsa, Guenther, Boult 2016, arXiv 1612.00138)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.models.classifier import Classifier
from explorer.models.methods import Formula, PublishedValue, Source
from explorer.palette import Colour, MethodColours
from explorer.training.objective import Loss, method


def gradient_scales(gradients: Tensor, exponents: Tensor) -> Tensor:
    """s_i = (K / k_i) ** (e_i (1 - k_i / K)), with k_i the L2 norm of sample i's gradient and K the largest of them.

    Args:
        gradients: Gradients of a layer's output, (N, ...).
        exponents: e, (N,).

    Returns:
        s, (N,), each at least 1; exactly 1 where k_i = 0.
    """
    norms = gradients.flatten(1).float().norm(dim=1)
    largest = norms.max()
    ratio = torch.where(norms > 0, norms / largest, torch.ones_like(norms))
    return ratio ** (-exponents * (1 - ratio))


class Adjustment:
    """Values for the layers' backward passes: e_i per sample, set after the forward pass, and beta."""

    def __init__(self, beta: float) -> None:
        self.beta = beta
        self.exponents = torch.empty(0)

    def scale(self, gradients: Tensor) -> Tensor:
        """Scale the gradients from which a layer's weights learn (Rozsa et al. 2016).

        Args:
            gradients: Gradients d_i of the layer's output (N, ...).

        Returns:
            s_i d_i beta, of the same shape.
        """
        scales = gradient_scales(gradients, self.exponents) * self.beta
        return gradients * scales.to(gradients.dtype).view(-1, *[1] * (gradients.ndim - 1))


class _AdjustedConv(torch.autograd.Function):
    """A convolution whose weights learn from scaled gradients while its input receives the original ones."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, layer: nn.Conv2d, adjustment: Adjustment
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.layer, ctx.adjustment, ctx.has_bias = layer, adjustment, bias is not None
        return F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        layer = ctx.layer

        def convolution_backward(gradient: Tensor, want: list[bool]) -> tuple[Tensor | None, ...]:
            bias_sizes = [weight.shape[0]] if ctx.has_bias else None
            result: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
                gradient,
                x,
                weight,
                bias_sizes,
                layer.stride,
                layer.padding,
                layer.dilation,
                False,
                [0, 0],
                layer.groups,
                want,
            )
            return result

        dx = convolution_backward(d, [True, False, False])[0] if ctx.needs_input_grad[0] else None
        _, dw, db = convolution_backward(ctx.adjustment.scale(d), [False, True, ctx.has_bias])
        return dx, dw, db, None, None


class _AdjustedLinear(torch.autograd.Function):
    """The same for a linear layer on (N, D)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, adjustment: Adjustment) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.adjustment, ctx.has_bias = adjustment, bias is not None
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        scaled = ctx.adjustment.scale(d)
        return d @ weight, scaled.T @ x, scaled.sum(0) if ctx.has_bias else None, None


@contextmanager
def adjusted_layers(net: nn.Module, adjustment: Adjustment) -> Iterator[None]:
    """Run every Conv2d and Linear of a network through its adjusted twin; parameters are untouched.

    Args:
        net: The network.
        adjustment: How the gradients are scaled.

    Yields:
        None; the network is as before afterwards.
    """
    layers = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    for layer in layers:

        def forward(x: Tensor, layer: nn.Conv2d | nn.Linear = layer) -> Tensor:
            # A custom Function is opaque to autocast: bring its inputs to the precision autocast would choose.
            weight, bias = layer.weight, layer.bias
            if torch.is_autocast_enabled(x.device.type):
                dtype = torch.get_autocast_dtype(x.device.type)
                x, weight, bias = x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
            if isinstance(layer, nn.Linear):
                return _AdjustedLinear.apply(x, weight, bias, adjustment)  # type: ignore[no-any-return,no-untyped-call]
            return _AdjustedConv.apply(x, weight, bias, layer, adjustment)  # type: ignore[no-any-return,no-untyped-call]

        layer.forward = forward  # type: ignore[assignment,method-assign]  # an instance attribute, removed below
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


BANG = Source(
    "rozsa2016", "Rozsa, Günther & Boult", 2016, "Towards Robust Deep Neural Networks with BANG", "1612.00138"
)

# BANG's author's own networks: data, network, method, setting, then percent on clean images, under gaussian noise of a
# sigma, and under FGSM of a size on the network itself.
_USUAL = "trained as usual by BANG's author"
_BANG: tuple[tuple[str, str, str, str, float, dict[float, float], dict[float, float]], ...] = (
    (
        "mnist",
        "LeNet",
        "standard",
        _USUAL,
        99.16,
        {0.2: 98.42, 0.3: 92.06, 0.5: 54.57},
        {0.1: 79.2, 0.2: 22.4, 0.3: 4.8},
    ),
    (
        "mnist",
        "LeNet",
        "bang",
        "ε 0.815, β 1.0, ratio 1.0",
        99.22,
        {0.2: 98.87, 0.3: 97.88, 0.5: 87.92},
        {0.1: 91.8, 0.2: 61.9, 0.3: 30.1},
    ),
    (
        "cifar10",
        "CIFAR-10 quick",
        "standard",
        _USUAL,
        80.17,
        {0.06: 73.2, 0.1: 59.1, 0.2: 28.3},
        {1 / 255: 56.4, 4 / 255: 14.1, 8 / 255: 4.1},
    ),
    (
        "cifar10",
        "CIFAR-10 quick",
        "bang",
        "ε 0.855, β 0.4, ratio 0.5",
        78.87,
        {0.06: 73.4, 0.1: 63.3, 0.2: 29.8},
        {1 / 255: 63.5, 4 / 255: 53.6, 8 / 255: 36.5},
    ),
)
_MEASURED = {
    "mnist": "Measured by us on the author's published weights and the exact test images.",
    "cifar10": "Measured by us on the author's published weights; 23 of the 10,000 test images were JPEG copies.",
}
_MASKED = " Each network is attacked along its own gradient as float32 rounds it, which hides weaknesses of BANG's."


def _published() -> Iterator[PublishedValue]:
    for data, arch, name, setting, clean, noise, fgsm in _BANG:
        cells: list[tuple[str | None, float | None, float]] = [(None, None, clean)]
        cells += [("gaussian_noise", sigma, percent) for sigma, percent in noise.items()]
        cells += [("fgsm_float32", size, percent) for size, percent in fgsm.items()]
        for distortion, amount, percent in cells:
            yield PublishedValue(
                data=data,
                method=name,
                arch=arch,
                same_as="lenet" if arch == "LeNet" else None,
                setting=setting,
                distortion=distortion,
                amount=amount,
                accuracy=round(percent / 100, 6),
                provenance="measured",
                source=BANG,
                certain=_MEASURED[data] + (_MASKED if distortion == "fgsm_float32" else ""),
            )


SATURATED = 0.96
"""Share of MNIST's test images to whose true class the shipped network gives a probability of 1 in float32, where the
cross-entropy's gradient is rounded."""

FGSM_MNIST = {"float32": (20.5, 74.2), "exact": (19.8, 23.9)}
"""Accuracy in % of the shipped MNIST networks (standard, BANG) under FGSM of 0.2, along the gradient as float32 rounds
it and along the exact one, on the first 1,000 test images."""


@method(
    "bang",
    title="BANG",
    summary="Let images that are learned already go on teaching: their small weight gradients are scaled up, layer by "
    "layer.",
    formulas=[
        Formula(
            "s_i = {(K / k_i)} ^ {e_i (1 − k_i / K)}",
            "s i equals K over k i, to the power of e i times 1 minus k i over K",
        )
    ],
    symbols="kᵢ is the length of image i's gradient in a layer, K the longest of the batch; eᵢ is ε, or ε times the "
    "ratio for misclassified images.",
    passes=1,
    cost="1 forward pass per image; each layer's backward pass is done in two parts.",
    caution="Its strength against FGSM is a rounding error: its networks give the true class a probability of 1 in "
    f"float32 (at {100 * SATURATED:.0f} % of MNIST's test images), where the gradient of the loss is rounded. Under "
    f"FGSM of 0.2 along the rounded gradient {FGSM_MNIST['float32'][1]:.0f} % stay right, along the exact one "
    f"{FGSM_MNIST['exact'][1]:.0f} %; of the standard network {FGSM_MNIST['exact'][0]:.0f} % (the first 1,000).",
    shown_by="fgsm",
    colours=MethodColours(fill=Colour("#a64d79", "#cb7fa7"), ink=Colour("#a64d79", "#d58fb4")),
    source=BANG,
    published=_published(),
)
def bang(
    model: Classifier,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    *,
    epsilon: float = 0.855,
    beta: float = 0.4,
    ratio: float = 0.5,
) -> Loss:
    """Cross-entropy whose weight gradients are balanced over the batch, layer by layer (as in the author's code).

    In each Conv2d and Linear layer the weights learn from beta s_i d_i, with e_i = epsilon where sample i is classified
    correctly in this forward pass and epsilon * ratio elsewhere; what travels down is the original d_i. The defaults
    are the paper's CIFAR-10 setting "B0"; "B1" on MNIST is epsilon 0.815, beta 1, ratio 1. The paper's networks have no
    other weights; those of batch normalisation are neither scaled nor multiplied by beta here, so that with a beta of
    0.4 they learn 2.5 times as fast as the layers around them.

    Args:
        model: The network f, in training mode.
        x: Clean images (N, C, H, W) in [0, 1].
        y: Their classes (N,).
        generator: Not used.
        epsilon: The exponent of correctly classified samples.
        beta: A factor on all weight gradients.
        ratio: A factor on the exponent of misclassified samples.

    Returns:
        The loss and the logits of x.
    """
    adjustment = Adjustment(beta)
    with adjusted_layers(model.net, adjustment):
        logits = model(x).float()
    correct = logits.detach().argmax(1) == y
    adjustment.exponents = torch.where(correct, epsilon, epsilon * ratio)
    return Loss(F.cross_entropy(logits, y), logits)
