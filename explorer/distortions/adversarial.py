"""Attacks: small changes computed against one model, to be shown to all.

Gradients are taken with respect to the picture only and never left on the model. Each attack comes in two forms: on
the cross-entropy of the true label, as published, and (``_margin``) on the logit margin, true logit minus the largest
other. "True" is the given label, or the model's own answer to the clean picture. A zero gradient leaves the picture
unchanged. Sizes hold for 8-bit pixels as well: what an attack made as the last step is rounded within them
(``rounding``), so that an L-infinity size acts as the whole steps of 1/255 in it.

The direction of the cross-entropy's gradient is computed without rounding errors. The cross-entropy is log(1 +
exp(log_odds)) with log_odds = logsumexp(other logits) - true logit, so that both have gradients in the same direction;
but in float32 the cross-entropy's own vanishes, or loses the part of the true class, once the true class has a
probability of 1 - 6e-8 (for networks trained with BANG, at most pictures). ``fgsm_float32`` follows that one, as
published numbers did.

Where the target says ``alone`` (a model on the CPU), every image is attacked by itself on one thread: its pixels are
the same to the last bit in any batch and with any number of threads. On a GPU a batch is attacked at once, and pixels
are the same up to rounding. For that, all attacks take one amount per image as well, float64 (N, 1, 1, 1), so that a
curve over the amounts is one batched attack.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.distortions.draws import Draws, Target
from explorer.distortions.registry import distortion
from explorer.distortions.threads import each_alone
from explorer.errors import ExplorerError

STEPS = 10
"""Default steps of projected gradient descent, each 2.5 / STEPS of the ball's radius."""

Objective = Callable[[Tensor, Tensor], Tensor]
"""Logits (N, K) and labels (N,) to the N numbers that an attack drives up."""


Amount = float | Tensor
"""One size for all images, or float64 (N, 1, 1, 1)."""


def _as(size: Amount, x: Tensor) -> Tensor:
    """The size as a tensor of x's type on its device: one for all images, or one for each (N, 1, 1, 1)."""
    return torch.as_tensor(size, dtype=torch.float64).to(x)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the true labels.

    Args:
        logits: (N, K).
        labels: (N,).

    Returns:
        Values (N,), in nats.
    """
    return F.cross_entropy(logits, labels, reduction="none")


def log_odds(logits: Tensor, labels: Tensor) -> Tensor:
    """Log of the odds against the true label, log((1 - p) / p); the cross-entropy is log(1 + exp(log_odds)).

    Args:
        logits: (N, K), K >= 2.
        labels: (N,).

    Returns:
        Values (N,).

    Raises:
        ExplorerError: If there is only one class.
    """
    true, others = _true_and_others(logits, labels)
    return others.logsumexp(1) - true


def saturated(logits: Tensor, labels: Tensor) -> Tensor:
    """Whether the true label's probability is 1 in float32, where the cross-entropy's own gradient is lost.

    Args:
        logits: (N, K).
        labels: (N,).

    Returns:
        Booleans (N,).
    """
    return F.softmax(logits.float(), 1).gather(1, labels[:, None])[:, 0] == 1


def _true_and_others(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    if logits.shape[1] < 2:
        raise ExplorerError("The attacked model has only one class, so its answer cannot change.")
    return logits.gather(1, labels[:, None])[:, 0], logits.scatter(1, labels[:, None], -torch.inf)


def negative_margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Largest other logit minus the true one (Carlini & Wagner 2017); positive where the answer is wrong.

    Args:
        logits: (N, K), K >= 2.
        labels: (N,).

    Returns:
        Values (N,).

    Raises:
        ExplorerError: If there is only one class.
    """
    true, others = _true_and_others(logits, labels)
    return others.amax(1) - true


def objective_of(attack: str) -> Objective:
    """What an attack increases.

    Args:
        attack: Name of the attack.

    Returns:
        The negative margin for ``hot_cold`` and names that end in ``_margin``, the cross-entropy as float32 has it for
        those that end in ``_float32``, otherwise ``log_odds``, which has the cross-entropy's direction.
    """
    if attack.endswith("_float32"):
        return cross_entropy
    return negative_margin if attack.endswith("_margin") or attack == "hot_cold" else log_odds


def slope(x: Tensor, target: Target, objective: Objective) -> Tensor:
    """The gradient of an objective with respect to images.

    Args:
        x: Images (N, C, H, W) in [0, 1].
        target: The attacked model and the labels.
        objective: What the attack increases.

    Returns:
        Gradient (N, C, H, W).
    """
    if target.alone:
        return each_alone(lambda i, image: _slope(image, target.only(i), objective), x)
    return _slope(x, target, objective)


def _slope(x: Tensor, target: Target, objective: Objective) -> Tensor:
    return _ascent(x, target, objective)(x)


def _ascent(x: Tensor, target: Target, objective: Objective) -> Callable[[Tensor], Tensor]:
    """A function that maps images like x to the gradient of the objective with respect to them."""
    with torch.no_grad():
        labels = target.logits(x).argmax(1) if target.labels is None else target.labels.to(x.device)

    def gradient(at: Tensor) -> Tensor:
        with torch.inference_mode(mode=False), torch.enable_grad():
            place = at.clone().detach().requires_grad_()
            value = objective(target.logits(place), labels.clone()).sum()
            (found,) = torch.autograd.grad(value, place, allow_unused=True) if value.requires_grad else (None,)
            if found is None:
                raise ExplorerError("The attacked model gives no gradient: its logits must be differentiable.")
            return found

    return gradient


def _norm(x: Tensor) -> Tensor:
    """L2 norm of each image, (N, 1, 1, 1)."""
    return x.square().sum((1, 2, 3), keepdim=True).sqrt()


def _unit(x: Tensor) -> Tensor:
    """Each image scaled to L2 norm 1, however small; zero stays zero."""
    x = x / x.abs().amax((1, 2, 3), keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
    return x / _norm(x).clamp_min(0.5)


def _fgsm(x: Tensor, amount: Amount, target: Target, objective: Objective) -> Tensor:
    return x + _as(amount, x) * _slope(x, target, objective).sign()


def _pgd(
    x: Tensor,
    amount: Amount,
    target: Target,
    objective: Objective,
    start: Tensor,
    direction: Callable[[Tensor], Tensor],
    project: Callable[[Tensor], Tensor],
    steps: int = STEPS,
) -> Tensor:
    gradient = _ascent(x, target, objective)
    step = _as(2.5 * amount / steps, x)
    delta = (x + start).clamp(0, 1) - x
    moved = torch.zeros_like(x[:, :1, :1, :1], dtype=torch.bool)
    for _ in range(steps):
        uphill = gradient((x + delta).clamp(0, 1))
        moved |= (uphill != 0).any(1, keepdim=True).any(2, keepdim=True).any(3, keepdim=True)
        delta = project(delta + direction(uphill) * step)
        delta = (x + delta).clamp(0, 1) - x
    return torch.where(moved, x + delta, x)


def pgd_within(
    x: Tensor, amount: Amount, draws: Draws, target: Target, objective: Objective, steps: int = STEPS
) -> Tensor:
    """Projected gradient ascent within an L-infinity ball, from a random start.

    Args:
        x: Images (N, C, H, W) in [0, 1].
        amount: Largest change of a value.
        draws: Of the start.
        target: The attacked model and the labels.
        objective: What is increased.
        steps: Steps of 2.5 amount / steps along the gradient's sign.

    Returns:
        Images of the same shape; where every gradient was zero, the given ones.
    """
    radius = _as(amount, x)
    start = (draws.uniform(*x.shape[1:]).to(x.device) * 2 - 1) * radius
    return _pgd(x, amount, target, objective, start, torch.sign, lambda delta: delta.clamp(-radius, radius), steps)


def _pgd_l2(x: Tensor, amount: Amount, draws: Draws, target: Target, objective: Objective) -> Tensor:
    values, radius = x[0].numel(), _as(amount, x)
    share = draws.uniform(1, 1, 1).to(x.device) ** (1 / values)
    start = _unit(draws.normal(*x.shape[1:]).to(x.device)) * (share * radius)

    def project(delta: Tensor) -> Tensor:
        # as torch divides a number by a tensor: one size for all and one for each image round alike
        return delta * (_norm(delta).clamp_min(1e-12).reciprocal() * radius).clamp(max=1)

    return _pgd(x, amount, target, objective, start, _unit, project)


_linf = partial(
    distortion, family="adversarial", unit="n/255", symbol="ε", low=0, high=16 / 255, identity=0, default=2 / 255,
    step=1 / 255, reach=1, adversarial=True,
)  # fmt: skip  # grey digits are attacked with up to 0.3, which colour pictures' sliders need not show
_l2 = partial(
    distortion, family="adversarial", unit="L2 norm", symbol="ε", low=0, high=2, identity=0, default=0.25, step=0.01,
    adversarial=True, per_side=True,
)  # fmt: skip
_FGSM = "Goodfellow, Shlens & Szegedy 2015 (arXiv 1412.6572), eq. of section 4"
_PGD = "Madry et al. 2018 (arXiv 1706.06083)"
_MARGIN = "; on the logit margin as Carlini & Wagner 2017 (arXiv 1608.04644)"


@_linf("fgsm", title="FGSM", source=_FGSM)
def fgsm(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """Moves every value by the same small step in the direction that raises the attacked model's loss.

    x' = x + eps sign(gradient of the cross-entropy); ``amount`` is eps, the largest change of a value, on [0, 1]
    pixels; with 8-bit pixels the whole steps of 1/255 in it.
    """
    return _fgsm(x, amount, target, log_odds)


@_linf("fgsm_float32", title="FGSM, rounded gradient", source=_FGSM, searched=False)
def fgsm_float32(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """FGSM on the cross-entropy as float32 rounds it, which sees nothing of a network that is sure enough.

    As fgsm, but for the rounding: for comparison with published numbers, which were computed so.
    """
    return _fgsm(x, amount, target, cross_entropy)


@_linf("fgsm_margin", title="FGSM on the margin", source=_FGSM + _MARGIN)
def fgsm_margin(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """Moves every value by the same small step in the direction that shrinks the attacked model's logit margin.

    FGSM on (largest other logit - true logit); ``amount`` as for fgsm.
    """
    return _fgsm(x, amount, target, negative_margin)


@_linf("pgd_linf", title="PGD, L-infinity", source=_PGD, random=True)
def pgd_linf(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """Searches, in ten steps, the worst picture in which no value differs by more than the amount.

    Random start, 10 steps of 2.5 eps / 10 along the sign of the cross-entropy's gradient, all projected onto the
    L-infinity ball of radius eps = ``amount`` and onto [0, 1].
    """
    return pgd_within(x, amount, draws, target, log_odds)


@_linf("pgd_linf_margin", title="PGD, L-infinity, on the margin", source=_PGD + _MARGIN, random=True)
def pgd_linf_margin(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """Searches the picture with the smallest logit margin in which no value differs by more than the amount.

    As pgd_linf, on (largest other logit - true logit).
    """
    return pgd_within(x, amount, draws, target, negative_margin)


@_linf("pgd_linf_20", title="PGD, L-infinity, 20 steps", source=_PGD, random=True, searched=False)
def pgd_linf_20(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """Searches, in twenty steps, the worst picture in which no value differs by more than the amount.

    As pgd_linf, in 20 steps of 2.5 eps / 20: for measuring whole data sets.
    """
    return pgd_within(x, amount, draws, target, log_odds, 20)


@_linf(
    "pgd_linf_20_margin", title="PGD, L-infinity, on the margin, 20 steps", source=_PGD + _MARGIN, random=True,
    searched=False,
)  # fmt: skip
def pgd_linf_20_margin(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """Searches, in twenty steps, the picture with the smallest logit margin in which no value differs by more.

    As pgd_linf_margin, in 20 steps of 2.5 eps / 20.
    """
    return pgd_within(x, amount, draws, target, negative_margin, 20)


@_l2("pgd_l2", title="PGD, L2", source=_PGD, random=True)
def pgd_l2(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """Searches, in ten steps, the worst picture within a Euclidean distance.

    Random start, 10 steps of length 2.5 eps / 10 along the cross-entropy's gradient, each projected onto the L2 ball of
    radius eps = ``amount`` (over all values of the image on [0, 1]) and onto [0, 1].
    """
    return _pgd_l2(x, amount, draws, target, log_odds)


@_l2("pgd_l2_margin", title="PGD, L2, on the margin", source=_PGD + _MARGIN, random=True)
def pgd_l2_margin(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """Searches the picture with the smallest logit margin within a Euclidean distance.

    As pgd_l2, on (largest other logit - true logit).
    """
    return _pgd_l2(x, amount, draws, target, negative_margin)


@_l2(
    "hot_cold", title="Hot/cold",
    source="Rozsa, Rudd & Boult 2016 (arXiv 1605.01775), used in the BANG paper (arXiv 1612.00138)",
)  # fmt: skip
def hot_cold(x: Tensor, amount: Amount, draws: Draws, target: Target) -> Tensor:
    """Walks straight in the direction that heats the nearest wrong class and cools the true one.

    One step of L2 norm ``amount`` along the gradient of z_hot - z_cold at the given picture: hot is the wrong class
    with the largest logit, cold the true class, both with weight 1.
    """
    return x + _as(amount, x) * _unit(_slope(x, target, negative_margin))
