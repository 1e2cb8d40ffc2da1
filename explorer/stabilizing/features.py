"""Stability of features: of where a network puts pictures among others, not of its answers (Zheng et al. 2016).

f is a feature of length 1 (the penultimate layer's, divided by its L2 norm); distances are those of single pictures,
averaged over the batch. A norm over the whole batch would be another loss, in which one far picture hides the others;
and where no gradient flows through f(x'), the term moves nothing but the clean picture.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.errors import ExplorerError
from explorer.models.classifier import Classifier
from explorer.search.embedders import PENULTIMATE, unit

MARGIN = 0.2
"""g of the triplet's hinge, in the distance of features of length 1, which is 0 to 2."""


def features_of(model: Classifier, x: Tensor) -> Tensor:
    """The features of pictures, differentiable.

    Args:
        model: The model.
        x: Pictures (N, C, H, W) in [0, 1].

    Returns:
        Penultimate features (N, D), each of length 1.
    """
    return unit(model.features(x)[PENULTIMATE].float())


def feature_distance(one: Tensor, other: Tensor) -> Tensor:
    """||f - f'||_2 of each picture.

    Args:
        one: Features of length 1 (N, D).
        other: Features of length 1 (N, D).

    Returns:
        (N,) in [0, 2].
    """
    return torch.linalg.vector_norm(one - other, dim=1)


def stability_of_features(clean: Tensor, noisy: Tensor) -> Tensor:
    """L_stab(x, x') = ||f(x) - f(x')||_2 (equation 4 for features), mean over the pictures.

    Args:
        clean: Features of x, (N, D).
        noisy: Features of x', (N, D).

    Returns:
        A scalar; the gradient flows through both.
    """
    return feature_distance(clean, noisy).mean()


def anchored_loss(clean: Tensor, noisy: Tensor, teacher: Tensor, alpha: float) -> Tensor:
    """Stability without labels: ||f(x) - q(x)||_2 + alpha ||f(x) - f(x')||_2, with q the network before training.

    Without the first term the features of all pictures could become the same.

    Args:
        clean: Features of x, (N, D).
        noisy: Features of x', (N, D).
        teacher: Features of x before training, (N, D).
        alpha: Weight of stability.

    Returns:
        A scalar, mean over the pictures.
    """
    return feature_distance(clean, teacher).mean() + alpha * stability_of_features(clean, noisy)


def triplet_hinge(query: Tensor, positive: Tensor, negative: Tensor, *, margin: float = MARGIN) -> Tensor:
    """L0(q, p, n) = max(0, g + ||f(q) - f(p)||_2 - ||f(q) - f(n)||_2), mean over the triplets (Wang et al. 2014).

    Args:
        query: Features of q, (N, D).
        positive: Features of p, which is to be nearer.
        negative: Features of n.
        margin: g.

    Returns:
        A scalar.
    """
    apart = feature_distance(query, positive) - feature_distance(query, negative)
    return (margin + apart).clamp_min(0).mean()


def triplet_loss(clean: Tensor, noisy: Tensor, alpha: float, *, margin: float = MARGIN) -> Tensor:
    """L0(q, p, n) + alpha (L_stab(q, q') + L_stab(p, p') + L_stab(n, n')), each picture distorted by itself.

    Args:
        clean: Features of queries, positives and negatives, (3, N, D).
        noisy: Those of their distorted versions, (3, N, D).
        alpha: Weight of stability.
        margin: g of the hinge.

    Returns:
        A scalar, mean over the triplets.
    """
    query, positive, negative = clean
    hinge = triplet_hinge(query, positive, negative, margin=margin)
    return hinge + alpha * sum((stability_of_features(*pair) for pair in zip(clean, noisy, strict=True)), hinge * 0)


def draw_triplets(rows: list[int], labels: Tensor, generator: torch.Generator) -> Tensor:
    """Draw for each picture another one of its class and one of another class.

    Args:
        rows: The queries; one whose class has no other picture has none.
        labels: Class of every picture (M,).
        generator: They are drawn from it.

    Returns:
        Rows of queries, positives and negatives, (3, N).

    Raises:
        ExplorerError: If none of the queries has both.
    """
    found = []
    for row in rows:
        same = labels == labels[row]
        other = ~same
        same[row] = False
        if bool(same.any()) and bool(other.any()):
            picks = (side.nonzero()[:, 0] for side in (same, other))
            drawn = (
                int(side[int(torch.randint(len(side), (1,), generator=generator, device=generator.device))])
                for side in picks
            )
            found.append([row, *drawn])
    if not found:
        raise ExplorerError("Triplets need two pictures of one class and one of another; leave labels out.")
    return torch.tensor(found).T
