"""Lesson 3, stability training from scratch: its loss, its control, its two settings, and a trap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.lessons import Verdict, choice, correct, exercise, hint, is_open, number, prediction
from explorer.training.stability import stability_term

prediction("3.1", "How many per cent of the noisy digits does the network still read, at σ = 0.9?")
prediction(
    "3.3",
    "Which training reads the most digits at σ = 0.9?",
    choices=("standard", "gaussian", "stability", "no clear winner"),
)
prediction(
    "3.5",
    "What do you get with α = 100?",
    choices=("much like α = 1", "in between", "the same answer for every picture"),
)
prediction(
    "3.8", "With 50 training digits in place of 200, by how many points does stability training lead the noise control?"
)


@exercise("3.2", "a function of the clean and the noisy logits that gives the stability term, one number per batch")
def term(answer: Any) -> Verdict | None:
    """KL as in the training code, or the paper's cross-entropy; both branches must carry a gradient."""
    clean, distorted = _logits(1.0)
    given = answer(clean, distorted)
    if is_open(given):
        return None
    if not isinstance(given, Tensor) or given.numel() != 1:
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        return hint(
            "sum over the classes, then take the mean over the pictures.", words=f"Expected one number, not {shape}."
        )
    return _judged_term(answer, given, clean, distorted)


def _judged_term(
    answer: Callable[[Tensor, Tensor], Tensor], given: Tensor, clean: Tensor, distorted: Tensor
) -> Verdict:
    kl, cross_entropy = (stability_term(clean, distorted, loss=loss).detach() for loss in ("kl", "cross_entropy"))
    if not (_same(given, kl) or _same(given, cross_entropy)):
        return _what_else(given, clean, distorted)
    far = answer(*(200 * part for part in _logits(1.0)))
    if not torch.isfinite(far).all():
        return hint(
            "F.log_softmax(z, 1) computes the logarithm without ever taking the logarithm of zero.",
            words="Right for mild logits, but for large ones it is not a number.",
        )
    inputs = (clean, distorted)
    gradients = torch.autograd.grad(given, inputs, allow_unused=True) if given.requires_grad else [None]
    if any(gradient is None or not gradient.any() for gradient in gradients):
        return hint(
            "there is a detach() or a no_grad() too many.",
            words="The value is right, but the gradient reaches only one of the two answers, or none.",
        )
    if _same(given, cross_entropy):
        return correct("This is the paper's form. It differs from KL by the entropy of the clean answer.")
    return correct("KL(clean ‖ noisy), 0 where both answers agree, and gradients flow through both.")


def _logits(scale: float) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(3)
    clean, distorted = (scale * torch.randn(7, 10, generator=draws) for _ in range(2))
    return clean.requires_grad_(), distorted.requires_grad_()


def _same(a: Tensor, b: Tensor | float) -> bool:
    return abs(float(a.detach()) - float(b)) < 1e-4


def _what_else(given: Tensor, clean: Tensor, distorted: Tensor) -> Verdict:
    """Common mistakes, recognised by their value."""
    with torch.no_grad():
        kl = float(stability_term(clean, distorted))
        cross_entropy = float(stability_term(clean, distorted, loss="cross_entropy"))
        back = [float(stability_term(distorted, clean, loss=loss)) for loss in ("kl", "cross_entropy")]
        squares = float((clean.softmax(1) - distorted.softmax(1)).square().sum(1).mean())
    count, classes = clean.shape
    if any(_same(given, value) for value in back):
        return hint("the weights of the sum come from the clean answer.", words="That is the other way round.")
    if any(_same(given, value * count) for value in (kl, cross_entropy)):
        return hint(".sum(1) over classes, then .mean().", words="That is the sum over the batch, not its mean.")
    if any(_same(given, value / classes) for value in (kl, cross_entropy)):
        return hint("sum over the classes, mean over the pictures.", words="That is a mean over the classes as well.")
    if any(_same(given, -value) for value in (kl, cross_entropy)):
        return hint("an answer that moved must cost something.", words="The sign is wrong.")
    if _same(given, squares):
        return hint("use logarithms, as in the formula.", words="A fair distance, but not the one of the paper.")
    return hint(
        "turn logits into log-probabilities first: log_p = F.log_softmax(clean, 1), log_q likewise.",
        "(log_p.exp() * (log_p - log_q)).sum(1).mean()",
        words=f"For the test batch it should be {kl:.3f}, yours gives {float(given.detach()):.3f}.",
    )


@exercise("3.4", "a function of a model, pictures and noisy copies: the share of answers that change, in per cent")
def changed(answer: Any) -> Verdict | None:
    """Tried on a made-up network whose answers are known."""
    before = F.one_hot(torch.tensor([0, 1, 2, 3]), 5).float()[:, None, None]
    after = F.one_hot(torch.tensor([0, 1, 4, 4]), 5).float()[:, None, None]
    given = answer(nn.Flatten(), before, after)
    if is_open(given):
        return None
    share = number(given, "the share")
    if abs(share - 50) < 1e-3:
        return correct("No labels needed: stability can be measured without knowing the true classes.")
    if abs(share - 0.5) < 1e-5:
        return hint("multiply by 100.", words="That is the share as a fraction.")
    if abs(share - 2) < 1e-5:
        return hint("divide by the number of pictures.", words="That is the number of answers that change.")
    return hint(
        "model(x).argmax(1) are the answers.",
        "compare the answers to both batches with != and take the mean.",
        words=f"With 2 of 4 answers changed it gives {share:g}.",
    )


Table = Mapping[tuple[float, float], tuple[float, float]]


@exercise("3.6", "a function that picks the setting (α, σ) from a table of measurements")
def rule(answer: Any) -> Verdict | None:
    """The rule of the exercise, tried on tables in which it matters."""
    plain: Table = {(0.1, 0.5): (92.0, 70.0), (1.0, 0.5): (91.5, 78.0), (10.0, 0.5): (86.0, 80.0)}
    given = answer(dict(plain))
    if is_open(given):
        return None
    tables: list[Table] = [plain, {(1.0, 0.1): (90.0, 60.0), (2.0, 0.1): (89.0, 61.0), (3.0, 0.1): (88.9, 90.0)}]
    for table in tables:
        best = max(clean for clean, _ in table.values())
        allowed = {setting: noise for setting, (clean, noise) in table.items() if clean >= best - 1}
        wanted = max(allowed, key=lambda setting: allowed[setting])
        chosen = answer(dict(table))
        if chosen == wanted:
            continue
        if chosen == max(table, key=lambda setting: table[setting][1]):
            return hint(
                "first drop the settings whose clean accuracy is more than 1 point below the best.",
                words=f"From {_shown(table)} it picks {chosen}, whose clean accuracy is too low.",
            )
        return hint(
            "best = max(clean for clean, _ in table.values())",
            "among those with clean >= best - 1, max(..., key=...) of the noisy accuracy.",
            words=f"From {_shown(table)} it picks {chosen}; the rule gives {wanted}.",
        )
    return correct("A rule that was fixed before looking, on pictures that are not the test set: an honest choice.")


def _shown(table: Table) -> str:
    return "{" + ", ".join(f"{setting}: {values}" for setting, values in table.items()) + "}"


def variants() -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Three ways to write the term of exercise 3.7.

    Returns:
        Functions of the clean and the noisy logits (N, K), by name.
    """

    def a(clean: Tensor, noisy: Tensor) -> Tensor:
        return stability_term(clean, noisy)

    def b(clean: Tensor, noisy: Tensor) -> Tensor:
        return stability_term(clean.detach(), noisy)

    def c(clean: Tensor, noisy: Tensor) -> Tensor:
        return stability_term(clean, noisy).detach()

    return {"A": a, "B": b, "C": c}


@exercise("3.7", "which of the three, A, B or C, trains the same network as no stability term at all")
def trap(answer: Any) -> Verdict:
    """Found out by asking each variant for its gradient."""
    named = choice(answer, variants(), "the variant")
    silent = {name for name, write in variants().items() if not write(*_logits(1.0)).requires_grad}
    if named in silent:
        return correct("The loss it prints looks right and changes from step to step; nothing ever learns from it.")
    return hint(
        "which of them still has a gradient with respect to the network's weights?",
        "detach() cuts everything that was computed before it.",
        words=f"{named} still teaches: its gradient reaches the noisy answer.",
    )
