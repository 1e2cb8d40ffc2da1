"""Lesson 6, feature distance: layer by layer, near-duplicates, and the ranking of similar pictures."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from explorer.analysis import compare_image
from explorer.distortions import Recipe, apply, image_seed
from explorer.lessons import Verdict, choice, correct, exercise, hint, number, prediction
from explorer.lessons.material import network, photograph, tiles

CLEARLY = 0.02  # by how much an AUC must be worse in exercise 6.7
SHOWN = ("gaussian_noise", "jpeg", "thumbnail", "gaussian_blur", "crop", "shift", "rotate", "gamma", "contrast", "fog")
"""What the lesson's table holds already."""

SPACES = ("pixels", "standard", "stability")

prediction(
    "6.2",
    "Noise goes through the standard network. Relative to other pictures, does its trace grow from layer to layer?",
    choices=("grows", "shrinks", "stays"),
)
prediction("6.4", "Which finds the noisy copies best: plain pixels, or the features of which network?", choices=SPACES)
prediction("6.6", "And the copies turned by 45 degrees: which finds them best?", choices=SPACES)
prediction(
    "6.8", "How many per cent of the triplets does the standard network order correctly once the query is noisy?"
)


def distances(space: str, recipe: str) -> Tensor:
    """Compare distorted tiles with clean ones. Each tile has noise of its own.

    Args:
        space: ``pixels``, or the method of a network whose penultimate features are compared.
        recipe: The distortion.

    Returns:
        L2 distances float32 (N, N), distorted tiles in rows, clean ones in columns.
    """
    x = tiles().pixels
    seeds = [image_seed(0, i) for i in range(len(x))]
    distorted = apply(Recipe.parse(recipe), x, seeds=seeds)
    return apart(_embed(space, distorted), _embed(space, x))


def apart(a: Tensor, b: Tensor) -> Tensor:
    """L2 distances computed from differences, exact also where they are tiny.

    Args:
        a: Vectors (N, D).
        b: Vectors (M, D).

    Returns:
        Distances (N, M).
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def area(same: Tensor, different: Tensor) -> float:
    """Area under the ROC curve: how often a distance of ``same`` is below one of ``different``; ties count half.

    Args:
        same: Distances within pairs.
        different: Distances between pairs.

    Returns:
        The area, 0 to 1.
    """
    ranked, same = different.sort().values, same.contiguous()
    below, upto = torch.searchsorted(ranked, same), torch.searchsorted(ranked, same, right=True)
    return 1 - float((below + upto).double().mean()) / (2 * len(ranked))


@cache
def recognition(space: str, recipe: str) -> float:
    """How well distance tells distorted copies from tiles of other photographs.

    Args:
        space: ``pixels``, or the method of a network.
        recipe: The distortion of the copies.

    Returns:
        Area under the ROC curve, 0 to 1.
    """
    apart_by = distances(space, recipe)
    return area(apart_by.diagonal(), apart_by[~tiles().related()])


def _embed(space: str, x: Tensor) -> Tensor:
    """Where pictures lie: (N, D)."""
    if space == "pixels":
        return x.flatten(1)
    with torch.inference_mode():
        return network(space).features(x)["penultimate"]


@exercise(
    "6.1", "a function feature_distance(model, a, b, layer) that returns the L2 distance of two pictures' features"
)
def feature_distance(answer: Any) -> Verdict | None:
    """Held to what ``compare`` measures, in a vector layer and in one of maps."""
    for method, layer in (("standard", "penultimate"), ("stability", "stage2")):
        model = network(method)
        seen = compare_image([model], photograph(), Recipe.parse("gaussian_noise=0.1"))
        given = answer(model, seen.clean, seen.distorted, layer)
        if given is None or given is Ellipsis:
            return None
        wanted = seen.models[0].feature_distance[layer].l2
        count = model.features(seen.clean)[layer].numel()
        if abs(number(given, "the distance") - wanted) > 1e-3 * wanted:
            slips = {
                wanted**2: "take the square root.",
                wanted / count**0.5: "add up the squares, do not average them.",
            }
            slip = next((advice for value, advice in slips.items() if abs(number(given) - value) < 1e-3 * value), None)
            return hint(
                slip or "model.features(a)[layer] is a tensor; subtract the two, square, add up, take the root.",
                "(model.features(a)[layer] - model.features(b)[layer]).norm() does it.",
                words=f"For {layer} of {method} it gives {number(given):.4g}, the distance is {wanted:.4g}.",
            )
    return correct("That is the feature distance of the panel.")


@exercise(
    "6.3",
    "a noise σ that moves the cat in the standard network farther than a quarter of all pairs of pictures are apart",
)
def quarter(answer: Any) -> Verdict:
    """The percentile of the panel must be near 25."""
    sigma = number(answer, "σ")
    noise = Recipe((("gaussian_noise", sigma),))
    percentile = compare_image([network()], photograph(), noise).models[0].feature_percentile
    at = f"At σ = {sigma:.3g} the percentile is {percentile:.0f}"
    if percentile is None or abs(percentile - 25) > 3:
        return hint(
            "the percentile rises with σ: halve the interval, or read it off the panel.",
            "compare(...).models[0].feature_percentile tells it; lesson 2's find_amount works on its negative.",
            words=f"{at}, not 25.",
        )
    there = compare_image([network("stability")], photograph(), noise).models[0]
    return correct(
        f"{at}: a quarter of all pairs of different pictures are closer than the cat and its noisy copy. In the "
        f"stabilized network the same pixels are at percentile {there.feature_percentile or 0:.0f}."
    )


@exercise("6.5", "a function auc(same, different) of two tensors of distances")
def auc(answer: Any) -> Verdict | None:
    """Random distances, separated ones, and ties."""
    generator = torch.Generator().manual_seed(0)
    draws = [torch.rand(60, generator=generator) for _ in range(2)]
    cases = {
        "distances of 1 and 2 against 3 and 4": (torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])),
        "random distances": (draws[0], 0.3 + draws[1]),
        "distances that are all equal": (torch.ones(5), torch.ones(7)),
    }
    for what, (same, different) in cases.items():
        given = answer(same, different)
        if given is None or given is Ellipsis:
            return None
        wanted = area(same, different)
        if abs(number(given, "the area") - wanted) > 1e-3:
            advice = "compare every distance of same with every one of different: same[:, None] < different."
            if "equal" in what:
                advice = "ties count one half."
            elif abs(number(given) - (1 - wanted)) < 1e-3:
                advice = "a pair counts where the distance of the copies is the smaller one."
            return hint(
                advice,
                "the mean of (same[:, None] < different) plus half the mean of (same[:, None] == different).",
                words=f"For {what} it gives {number(given):.3f} instead of {wanted:.3f}.",
            )
    return correct("1 is perfect, 0.5 is a coin.")


@exercise(
    "6.7",
    "a recipe, not of the table, whose copies the standard network recognises better than the stabilized one",
)
def honest_loss(answer: Any) -> Verdict:
    """The area must be lower by CLEARLY for the stabilized network, and the standard one must do better than a coin."""
    chosen = answer if isinstance(answer, Recipe) else Recipe.parse(answer)
    if shown := sorted({name for name, _ in chosen.steps} & set(SHOWN)):
        return hint("explorer.distortions.DISTORTIONS has more.", words=f"{', '.join(shown)} is in the table already.")
    recipe = str(chosen)
    standard, stability = (recognition(method, recipe) for method in ("standard", "stability"))
    scores = f"AUC of standard {standard:.3f}, of stability {stability:.3f}"
    if standard - stability >= CLEARLY:
        return correct(f"{scores}: a change of tone or colour is nothing that noise prepares for.")
    return hint(
        "not noise, nor anything that removes fine detail; think of what lesson 1 and 2 found.",
        "colours are a good place to look: hue or saturation.",
        words=f"{scores}; the first should be higher by {CLEARLY} or more.",
    )


@exercise(
    "6.9", "a pair of 'pixels', 'standard' or 'stability': the best for noisy copies, the best for noisy relatives"
)
def what_for(answer: Any) -> Verdict:
    """Both as the areas and the triplets of noise 0.1 have it."""
    if isinstance(answer, str) or len(answer) != 2:
        return hint('write for example ("pixels", "standard").', words="Expected two choices.")
    copies, relatives = (choice(one, SPACES, "each of the two") for one in answer)
    best = max(SPACES, key=lambda space: recognition(space, "gaussian_noise=0.1"))
    ranked = max(SPACES, key=lambda space: ordered(space, "gaussian_noise=0.1"))
    if (copies, relatives) == (best, ranked):
        return correct(f"{best} for copies, {ranked} for relatives: which distance is best depends on the question.")
    return hint(
        "the table of areas answers the first, the table of triplets the second.",
        words=f"{'The second' if copies == best else 'The first'} is another one.",
    )


def ordered(space: str, recipe: str) -> float:
    """Share of triplets in which another tile of the query's photograph is nearer than one of another photograph.

    The query is distorted, the others are clean.

    Args:
        space: ``pixels``, or the method of a network.
        recipe: The distortion of the query.

    Returns:
        The share, 0 to 1.
    """
    apart_by, related = distances(space, recipe), tiles().related()
    own = related & ~torch.eye(len(related), dtype=torch.bool)
    shares = [area(row[mine], row[~kin]) for row, mine, kin in zip(apart_by, own, related, strict=True)]
    return sum(shares) / len(shares)
