"""Lesson 9, hold still: neighbouring frames look the same; which network says so, and what that costs."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from explorer.clips import Frames, frames
from explorer.data.images import sample_images, to_uint8
from explorer.errors import ExplorerError
from explorer.evaluation.flips import flips, holds_among_neighbours
from explorer.lessons import Verdict, correct, exercise, hint, number, prediction

MODELS = ("cifar10/resnet20/standard", "cifar10/resnet20/stability")
COUNT, SIDE = 60, 160
SEQUENCES = ("cccccc", "cdcdcd", "ccdddd", "cdc", "cd", "abcabca")
"""Answers to short clips, a letter for each frame, on which a student's function is tried."""

prediction("9.1", "Sixty frames without any noise: how often does the standard network change its answer?")
prediction(
    "9.3",
    "Faint noise of its own on every frame: which network changes its answer more often?",
    choices=("standard", "stability", "no difference"),
)


def walk(folder: str | Path | None = None) -> Path:
    """Write a short clip: a window that wanders over the cat, 2 px right and 1 px down from frame to frame.

    Args:
        folder: Where to put it; by default a new temporary folder.

    Returns:
        The new folder ``walk`` in it, which ``explorer.frames`` reads.
    """
    place = Path(tempfile.mkdtemp() if folder is None else folder) / "walk"
    place.mkdir()
    photo = to_uint8(sample_images()["cat"]())[0]
    for i in range(COUNT):
        window = photo[40 + i : 40 + i + SIDE, 60 + 2 * i : 60 + 2 * i + SIDE]
        Image.fromarray(np.ascontiguousarray(window)).save(place / f"{i:02d}.png")
    return place


@exercise("9.2", "a function of a list of answers that gives the share of neighbours that differ")
def share_of_flips(answer: Any) -> Verdict | None:
    """Tried on short clips, a letter for each frame."""
    for letters in SEQUENCES:
        given = answer(list(letters))
        if given is ... or given is None:
            return None
        codes = np.array([[ord(letter) for letter in letters]])
        found, wanted = number(given, "the share"), float(flips(codes, noise=False).mean())
        if abs(found - wanted) < 1e-9:
            continue
        values = f"For {'-'.join(letters)} you get {found:.3g}; it is {wanted:.3g}."
        if abs(found - wanted * (len(letters) - 1) / len(letters)) < 1e-9:
            return hint("n frames have n - 1 pairs of neighbours.", words=values)
        return hint(
            "compare each answer with the one before it.",
            "zip(answers, answers[1:]) gives the pairs.",
            words=values,
        )
    return correct("That is the flip probability of Hendrycks & Dietterich (2019), for one sequence.")


@exercise("9.4", "a function of a list of booleans and k: the share of frames that are right with all neighbours")
def right_with_neighbours(answer: Any) -> Verdict | None:
    """Tried on made-up clips of forty frames."""
    draws = np.random.default_rng(0)
    for k in (0, 1, 3, 10):
        right = draws.random(40) < 0.9
        given = answer(right.tolist(), k)
        if given is ... or given is None:
            return None
        found, wanted = number(given, "the share"), float(holds_among_neighbours(right, k).mean())
        if abs(found - wanted) > 1e-9:
            return hint(
                "frame i counts where all of right[i - k] to right[i + k] are true.",
                "all(right[max(0, i - k) : i + k + 1]): an index below 0 would count from the end.",
                words=f"For k = {k} you get {found:.3g}; it is {wanted:.3g}.",
            )
    return correct("That is the pm-k accuracy of Shankar et al. (2019): one bad neighbour spoils the frame.")


@exercise("9.5", "a recipe under which the stabilized network flips more often than the standard one")
def worse(answer: Any) -> Verdict | None:
    """Runs the clip under the recipe, with the same noise on every frame."""
    if answer is None or answer is ...:
        return None
    if not isinstance(answer, str):
        raise ExplorerError("Expected a recipe as text, such as 'contrast=0.5;seed=0'.")
    standard, stability = (one.flips for one in _asked(answer).models)
    counts = f"standard flips {standard} times, stability {stability} times"
    if stability > standard:
        return correct(f"{counts}. Look at what the standard network says all the while, and how sure it is.")
    return hint(
        "try the noise with the same draws on every frame (noise='fixed'), a bit stronger.",
        "gaussian_noise=0.06;seed=0 is one.",
        words=f"Under that, {counts}.",
    )


@cache
def _asked(recipe: str) -> Frames:
    return frames(list(MODELS), _clip(), recipe)


@cache
def _clip() -> Path:
    return walk()
