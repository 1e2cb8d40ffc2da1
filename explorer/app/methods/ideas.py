"""Each training method's idea in a few lines: what it does, its formula, what it costs, what to beware of.

What it gains and loses is not here: that is measured, and stands in the cards.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from explorer.models.published_values import BANG, LIPSCHITZ, NOISE, STABILITY, ZERO_GRADIENTS, Source

_WORD = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([^\W\d_]+)([\u0303′]?)|(\S))")
_ACCENTS = {"\u0303": "<mover><mi>{}</mi><mo>~</mo></mover>", "′": '<mi>{}</mi><mo lspace="0" rspace="0">′</mo>'}


def mathml(text: str) -> str:
    """A line of mathematics as the inside of a MathML element: words, numbers and operators, with ``_`` for a one-word
    index and ``^`` for a one-word power, e.g. ``"x′ = x + N(0, σ^2)"``.
    """
    parts: list[str] = []
    join = ""
    for number, word, accent, sign in _WORD.findall(text):
        if sign in {"_", "^"}:
            join = sign
            continue
        if word:
            part = _ACCENTS.get(accent, "<mi>{}</mi>").format(word)
        else:
            part = f"<mn>{number}</mn>" if number else f'<mo stretchy="false">{html.escape(sign)}</mo>'
        if join:
            kind = "msub" if join == "_" else "msup"
            part, join = f"<{kind}>{parts.pop()}{part}</{kind}>", ""
        parts.append(part)
    return "".join(parts)


def _row(inside: str) -> str:
    return f"<mrow>{inside}</mrow>"


def _fraction(above: str, below: str) -> str:
    return f"<mfrac>{_row(mathml(above))}{_row(mathml(below))}</mfrac>"


@dataclass(frozen=True)
class Idea:
    """What a method does. ``formulas``: (MathML inside, the same as it is read aloud); ``symbols``: what they mean.

    ``passes``: forward passes per training image, each with its backward pass, of which standard training needs one.
    ``look``: a distortion on this page under which ``beware`` can be seen.
    """

    idea: str = ""
    formulas: tuple[tuple[str, str], ...] = ()
    symbols: str = ""
    passes: int | None = None
    cost: str = ""
    beware: str = ""
    source: Source | None = None
    look: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """A JSON object."""
        source = None if self.source is None else self.source.to_dict()
        return {**vars(self), "formulas": [list(pair) for pair in self.formulas], "source": source}


_TASK = "CE is the cross-entropy, f the network, y the true class"
_NOISY = (mathml("x′ = x + N(0, σ^2)"), "x prime equals x plus normal noise of variance sigma squared")
_STABLE = (
    mathml("L = CE(f(x), y) + α KL(f(x) ‖ f(x′))"),
    "L equals the cross-entropy of f of x and y, plus alpha times the divergence of f of x prime from it",
)

IDEAS: dict[str, Idea] = {
    "standard": Idea(
        idea="Name the clean training images rightly; nothing is asked of changed ones.",
        formulas=((mathml("L = CE(f(x), y)"), "L equals the cross-entropy of f of x and y"),),
        symbols=f"{_TASK}.",
        passes=1,
        cost="1 forward pass per image.",
        beware="The baseline: the others are read against it.",
    ),
    "gaussian": Idea(
        idea="Train on noisy images as if they were clean: data augmentation.",
        formulas=(
            (mathml("L = CE(f(x′), y)"), "L equals the cross-entropy of f of x prime and y"),
            _NOISY,
        ),
        symbols="x′ is used for a part of each batch, x for the rest; σ is the noise on [0, 1] pixels.",
        passes=1,
        cost="1 forward pass per image, as standard training.",
        beware="The control: a method that does not beat it gains nothing by its formula. It can fit the one σ it is "
        "trained with.",
        source=NOISE,
    ),
    "stability": Idea(
        idea="Name clean images rightly, and answer noisy ones as the clean one, whatever that answer is.",
        formulas=(_STABLE, _NOISY),
        symbols="KL compares the two answers' probabilities; α weighs stability against the task.",
        passes=2,
        cost="2 forward passes per image: clean and noisy.",
        beware="The true class is never asked of x′: a clean answer that is wrong is held fast, too. The paper's "
        "accuracies are on ImageNet, so that none stands beside ours.",
        source=STABILITY,
    ),
    "stability_mix": Idea(
        idea="Stability training whose x′ goes through a random recipe: one or more distortions, at random strengths.",
        formulas=(
            _STABLE,
            (mathml("x′ = r(x), r ∼ R"), "x prime equals r of x, with r drawn from a distribution R over recipes"),
        ),
        symbols="R draws distortions and their amounts anew for every few images.",
        passes=2,
        cost="2 forward passes per image, and the distortions.",
        beware="Ours, from no paper. A model trained on a distortion has seen it: only the others tell what it "
        "learned beyond it.",
    ),
    "lipschitz": Idea(
        idea="Bound how fast the answer may change: small steps of the input, small steps of the logits.",
        formulas=(
            (
                mathml("L = CE(f(x), y) + λ max(0, s − B)"),
                "L equals the cross-entropy of f of x and y, plus lambda times the part of s above B",
            ),
            (
                mathml("s =") + _fraction("‖ f(x̃) − f(x) ‖", "‖ x̃ − x ‖"),
                "s equals the norm of f of x tilde minus f of x, divided by the norm of x tilde minus x",
            ),
        ),
        symbols="x̃ is x with noise of σ on the normalised input; B is the bound (the paper's L), λ its weight.",
        passes=2,
        cost="2 forward passes per image: clean and noisy.",
        beware="The paper's theorem wants a bound everywhere; training asks for it at the drawn steps only. Its λ "
        "and L, and whether it squares the excess, are not known: these are ours.",
        source=LIPSCHITZ,
    ),
    "bang": Idea(
        idea="Let images that are learned already go on teaching: their small weight gradients are scaled up, layer by "
        "layer.",
        formulas=(
            (
                mathml("s_i =") + f"<msup>{_row(mathml('(K / k_i)'))}{_row(mathml('e_i (1 − k_i / K)'))}</msup>",
                "s i equals K over k i, to the power of e i times 1 minus k i over K",
            ),
        ),
        symbols="kᵢ is the length of image i's gradient in a layer, K the longest of the batch; eᵢ is ε, or ε times "
        "the ratio for images named wrongly.",
        passes=1,
        cost="1 forward pass per image; each layer's backward pass is done in two parts.",
        beware="Part of its strength against attacks is gradient masking: in the author's own networks the gradient is "
        f"exactly zero at {100 * ZERO_GRADIENTS['mnist']:.0f} % of MNIST's and {100 * ZERO_GRADIENTS['cifar10']:.0f} % "
        "of CIFAR-10's test images (measured by us), where an attack on the loss does nothing. Attacks on the margin "
        "tell more.",
        source=BANG,
        look="fgsm_margin",
    ),
}
"""By method. One that is missing is shown with its numbers alone."""
