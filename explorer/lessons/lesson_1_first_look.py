"""Lesson 1, a first look at instability: flip points, confidence, seeds, and where a stabilized network loses."""

from __future__ import annotations

from typing import Any

from explorer.analysis import Answer, compare_image, flip_point, sweep
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.lessons import Verdict, correct, exercise, hint, number, prediction
from explorer.lessons.material import network, photograph

SURVIVED = 0.05  # σ of exercise 1.6: hard, but not impossible, for the standard network to withstand
SEEDS = 100  # how many are tried to say how rare a survivor is

prediction("1.1", "At which noise σ (0 to 1) does the standard network stop saying cat?")
prediction(
    "1.3",
    "Once the standard network is wrong about the noisy cat, how sure does it get of its wrong answer?",
    choices=("below 50 %", "50 to 80 %", "above 80 %"),
)
prediction("1.5", "With how many of 20 seeds does the standard network still say cat at σ = 0.04?")
prediction(
    "1.7",
    "Which change makes the stabilized network leave cat, although the standard one stays with it?",
    choices=("noise", "JPEG", "blur", "hue"),
)
prediction(
    "1.9",
    "Digits with noise of σ = 0.2: which of the two networks classifies more of them correctly?",
    choices=("standard", "stability", "no clear difference"),
)


@exercise("1.2", "by how many of the 255 grey levels a value is typically off at the standard network's flip point")
def grey_levels(answer: Any) -> Verdict:
    """σ on the scale of 0 to 255."""
    given = number(answer, "the grey levels")
    sigma = flip_point([network()], photograph(), "gaussian_noise")[network().name]
    if sigma is None:
        raise ExplorerError("The standard network never flips here; its checkpoint is not the shipped one.")
    if abs(given - 255 * sigma) <= 0.5:
        return correct(f"A typical value is off by {255 * sigma:.0f} of 255 grey levels, and the answer is another.")
    if abs(given - sigma) <= 0.01:
        return hint(
            "a σ of 1 would be the whole range from black to white, 255 grey levels.", words="That is σ itself."
        )
    return hint("take the standard network's flip point from the cell above.", "multiply that σ by 255.")


@exercise("1.4", "the σ at which the standard network is surest of a wrong answer (seed 0)")
def surest_error(answer: Any) -> Verdict:
    """Accepts every σ whose wrong answer is nearly as sure as the surest along the slider."""
    sigma = number(answer, "σ")
    model = network()
    shown = _answer(f"gaussian_noise={sigma}")
    if not shown.flipped:
        return hint("look for amounts beyond the flip point.", words=f"At σ = {sigma:g} it still says {_class(shown)}.")
    curves = sweep([model], photograph(), "gaussian_noise").models[0]
    wrong = curves.probabilities[curves.predictions != curves.clean]
    best = float(wrong.amax())
    if shown.confidence >= best - 0.01:
        return correct(
            f"At σ = {sigma:g} it says {_class(shown)}, {shown.confidence:.0%} sure. "
            "Nothing in the answer warns you that it is wrong."
        )
    return hint(
        "curve.predictions tells the class at each amount, curve.probabilities how sure it is.",
        "set the rows where the prediction is the clean one to zero, then look for the largest value.",
        words=f"It says {_class(shown)} with {shown.confidence:.0%}, but somewhere it is surer of a wrong answer.",
    )


@exercise("1.6", f"a seed with which the standard network still says cat at σ = {SURVIVED:g}")
def lucky_seed(answer: Any) -> Verdict:
    """Any survivor will do; the words say how rare they are."""
    seed = number(answer, "the seed")
    if seed != int(seed) or seed < 0:
        return hint("0, 1, 2 and so on.", words="A seed is a whole number.")
    if _answer(f"gaussian_noise={SURVIVED};seed={int(seed)}").flipped:
        return hint("try many: a loop over range(100) takes a second.", words=f"With seed {int(seed)} it flips.")
    lucky = sum(not _answer(f"gaussian_noise={SURVIVED};seed={i}").flipped for i in range(SEEDS))
    return correct(
        f"With seed {int(seed)} it holds, as with {lucky} of the first {SEEDS} seeds: shown alone, your example "
        "would be true, and misleading."
    )


@exercise("1.8", "a recipe, as text, under which the standard network holds and the stabilized one flips")
def against_the_stable_one(answer: Any) -> Verdict:
    """Any recipe that separates the two in the unexpected direction."""
    recipe = answer if isinstance(answer, Recipe) else Recipe.parse(answer)
    standard, stable = compare_image([network(), network("stability")], photograph(), recipe).models
    if stable.flipped and not standard.flipped:
        return correct(
            f"{recipe}: standard says {_class(standard)}, stability says {_class(stable)}. "
            "Trained against noise is not trained against everything."
        )
    state = {
        (True, True): "Both flip.",
        (False, False): "Both hold.",
        (True, False): "The standard network flips and the stabilized one holds: the usual direction.",
    }[standard.flipped, stable.flipped]
    return hint(
        "look at the table of flip points: where is the stabilized network's the milder one?",
        "choose an amount between the two flip points of such a row.",
        "colours are a good place to look: hue, or contrast.",
        words=state,
    )


def _answer(recipe: str) -> Answer:
    """What the standard network says of the cat under a recipe."""
    return compare_image([network()], photograph(), Recipe.parse(recipe)).models[0]


def _class(answer: Answer) -> str:
    return answer.classes[int(answer.distorted.argmax())]
