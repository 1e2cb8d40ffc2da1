"""Lesson 6, feature distance: layer by layer, near-duplicates, and the ranking of similar pictures."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from explorer.analysis import compare_image
from explorer.distortions import Recipe
from explorer.lessons import Verdict, choice, correct, exercise, hint, number, prediction
from explorer.lessons.material import network, photograph, tiles
from explorer.search import PrecisionRecall, embed, precision_recall

CLEARLY = 0.02  # by how much an average precision must be worse in exercise 6.7
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


@cache
def vectors(space: str, recipe: str) -> Tensor:
    """Where distorted tiles lie. Each tile has noise of its own.

    Args:
        space: ``pixels``, or the method of a network whose penultimate features are taken.
        recipe: The distortion.

    Returns:
        float32 (N, D), each of length 1.
    """
    model = space if space == "pixels" else network(space)
    return torch.from_numpy(embed(model, tiles().pixels, recipe=recipe, cache=False).vectors)


def distances(space: str, recipe: str) -> Tensor:
    """Compare distorted tiles with clean ones.

    Args:
        space: As for ``vectors``.
        recipe: The distortion.

    Returns:
        L2 distances float32 (N, N), distorted tiles in rows, clean ones in columns.
    """
    return apart(vectors(space, recipe), vectors(space, "clean"))


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
def curve(space: str, recipe: str) -> PrecisionRecall:
    """How well distance tells distorted copies from tiles of other photographs.

    Args:
        space: As for ``vectors``.
        recipe: The distortion of the copies.

    Returns:
        Precision and recall at every threshold.
    """
    apart_by = distances(space, recipe)
    return precision_recall(apart_by.diagonal(), apart_by[~tiles().related()], name=f"{space}, {recipe}")


def recognition(space: str, recipe: str) -> float:
    """``curve`` in one number.

    Args:
        space: As for ``vectors``.
        recipe: The distortion of the copies.

    Returns:
        Its average precision, 0 to 1.
    """
    return curve(space, recipe).average_precision


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


@exercise("6.5", "a function recall_at(same, different, precision) of two tensors of distances and a share")
def recall_at(answer: Any) -> Verdict | None:
    """Distances in order, ties, precision that falls and rises again, and random ones."""
    generator = torch.Generator().manual_seed(0)
    draws = [torch.rand(60, generator=generator) for _ in range(2)]
    cases = (
        ("copies at 1, 2 and 4, others at 3 and 5", torch.tensor([1.0, 2.0, 4.0]), torch.tensor([3.0, 5.0]), 0.9),
        ("the same, one mistake in four allowed", torch.tensor([1.0, 2.0, 4.0]), torch.tensor([3.0, 5.0]), 0.75),
        ("three copies and one other pair at the same distance", torch.ones(3), torch.ones(1), 0.9),
        ("copies at 1, 3, 4 and 5, another pair at 2", torch.tensor([1.0, 3.0, 4.0, 5.0]), torch.tensor([2.0]), 0.8),
        ("random distances", draws[0], 0.4 + draws[1], 0.9),
    )  # fmt: skip
    advice = (
        "a threshold finds all pairs that are not farther; at which of them is the share of copies large enough?",
        "a threshold beyond the first mistake is allowed as long as enough of what it finds are copies.",
        "pairs at the same distance are found together: count with <=, on both sides.",
        "precision falls and may rise again: look at the distance of every copy, and take the last that will do.",
        "as thresholds only the distances of the copies matter.",
    )
    for (what, same, different, precision), slip in zip(cases, advice, strict=True):
        given = answer(same, different, precision)
        if given is None or given is Ellipsis:
            return None
        wanted = precision_recall(same, different).recall_at(precision)
        if abs(number(given, "the recall") - wanted) > 1e-3:
            return hint(
                slip,
                "for each t of same: found = (same <= t).sum(), mistaken = (different <= t).sum(); keep the largest "
                "found / len(same) with found / (found + mistaken) >= precision.",
                words=f"For {what}, precision {precision:.0%}, it gives {number(given):.3f} instead of {wanted:.3f}.",
            )
    return correct(
        "That is how a threshold is chosen: the precision is given, and as many copies as possible are found."
    )


@exercise(
    "6.7",
    "a recipe, not of the table, whose copies the standard network recognises better than the stabilized one",
)
def honest_loss(answer: Any) -> Verdict:
    """The average precision must be lower by CLEARLY for the stabilized network."""
    chosen = answer if isinstance(answer, Recipe) else Recipe.parse(answer)
    if shown := sorted({name for name, _ in chosen.steps} & set(SHOWN)):
        return hint("explorer.distortions.DISTORTIONS has more.", words=f"{', '.join(shown)} is in the table already.")
    recipe = str(chosen)
    standard, stability = (recognition(method, recipe) for method in ("standard", "stability"))
    scores = f"Average precision of standard {standard:.3f}, of stability {stability:.3f}"
    if standard - stability >= CLEARLY:
        return correct(f"{scores}: a change of tone or colour is nothing that noise prepares for.")
    return hint(
        "not noise, nor anything that removes fine detail; think of what lesson 1 and 2 found.",
        "colours are a good place to look: hue or saturation.",
        words=f"{scores}; the first should be higher by {CLEARLY} or more.",
    )


@exercise(
    "6.9", "a pair of 'pixels', 'standard' or 'stability': the best for shrunk copies, the best for shrunk relatives"
)
def what_for(answer: Any) -> Verdict:
    """Both as the average precision and the triplets of thumbnails have it."""
    if isinstance(answer, str) or len(answer) != 2:
        return hint('write for example ("pixels", "standard").', words="Expected two choices.")
    copies, relatives = (choice(one, SPACES, "each of the two") for one in answer)
    best = max(SPACES, key=lambda space: recognition(space, "thumbnail=16"))
    ranked = max(SPACES, key=lambda space: ordered(space, "thumbnail=16"))
    if (copies, relatives) == (best, ranked):
        return correct(f"{best} for copies, {ranked} for relatives: which distance is best depends on the question.")
    return hint(
        "the heat map answers the first, the bars of the triplets the second.",
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
