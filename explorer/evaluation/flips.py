"""How restless answers are along a sequence of pictures: flips, top-5 distance, instability over neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

TOP = 5


def likeliest(logits: Tensor) -> NDArray[np.int64]:
    """The likeliest classes, in order.

    Args:
        logits: Logits (..., K).

    Returns:
        Indices (..., min(5, K)), the likeliest first; of equals the earlier one.
    """
    found: NDArray[np.int64] = logits.sort(dim=-1, descending=True, stable=True).indices[..., :TOP].cpu().numpy()
    return found


def reference(values: NDArray[np.int64], *, noise: bool) -> NDArray[np.int64]:
    """What each frame but the first is compared with.

    Args:
        values: Something for each frame, (S, F, ...).
        noise: Whether the frames are independent draws: then the first frame, otherwise the frame before.

    Returns:
        (S, F - 1, ...).
    """
    return values[:, :1].repeat(values.shape[1] - 1, 1) if noise else values[:, :-1]


def flips(answers: NDArray[np.int64], *, noise: bool) -> NDArray[np.bool_]:
    """Which answers differ from that to the reference frame.

    Their mean over frames and sequences is the flip probability, Hendrycks & Dietterich 2019 (arXiv 1903.12261),
    section 4.2: FP = 1 / (m (n - 1)) sum_i sum_j 1(f(x_j) != f(x_j-1)), for noise f(x_1) in place of f(x_j-1).

    Args:
        answers: Likeliest class of each frame (S, F), F at least 2.
        noise: Whether the reference is the first frame rather than the frame before.

    Returns:
        (S, F - 1).
    """
    return answers[:, 1:] != reference(answers, noise=noise)


def top5_distances(five: NDArray[np.int64], *, noise: bool) -> NDArray[np.int64]:
    """How far the five likeliest classes move.

    The published d(tau(x), tau(x')) = sum_i=1..5 sum_j=min(i, s(i))+1..max(i, s(i)) 1(1 <= j - 1 <= 5) with the rank
    s(i) in x' of the class that has rank i in x, which is sum_i |i - min(s(i), 6)|: 0 for the same five in the same
    order, 15 for five others. Hendrycks & Dietterich 2019, section 4.2.

    Args:
        five: The likeliest classes in order (S, F, 5), of a model with fewer classes all of them.
        noise: Whether the reference is the first frame rather than the frame before.

    Returns:
        (S, F - 1).
    """
    before, after = reference(five, noise=noise), five[:, 1:]
    count = five.shape[2]
    found = before[..., :, None] == after[..., None, :]
    rank = np.where(found.any(-1), found.argmax(-1), count)
    distances: NDArray[np.int64] = np.abs(np.arange(count) - rank).sum(-1)
    return distances


def holds_among_neighbours(holds: NDArray[np.bool_], k: int) -> NDArray[np.bool_]:
    """Whether something holds at a frame and at all its neighbours up to ``k`` frames away.

    With "the answer is the true class" and k = 10 the mean is the pm-10 accuracy of ImageNet-Vid-Robust, Shankar et
    al. 2019 (arXiv 1906.02168), with every frame as an anchor; at the ends of the clip there are fewer neighbours.

    Args:
        holds: (F,).
        k: Frames on each side, 0 or more.

    Returns:
        (F,).
    """
    failures = np.concatenate([[0], np.cumsum(~holds)])
    at = np.arange(len(holds))
    return failures[np.minimum(at + k + 1, len(holds))] == failures[np.maximum(at - k, 0)]


def same_among_neighbours(answers: NDArray[np.int64], k: int) -> NDArray[np.bool_]:
    """Whether all neighbours up to ``k`` frames away are answered as the frame itself.

    Args:
        answers: Likeliest class of each frame (F,).
        k: Frames on each side, 0 or more.

    Returns:
        (F,).
    """
    changes = np.concatenate([[0], np.cumsum(answers[1:] != answers[:-1])])
    at = np.arange(len(answers))
    return changes[np.minimum(at + k, len(answers) - 1)] == changes[np.maximum(at - k, 0)]
