"""Looks for what must not exist: a picture within a certified radius that the smoothed model answers otherwise.

``python -m benchmarks.certified --checks 10000`` certifies digits, attacks the smoothed model within each radius (PGD
in L2 through fresh noise, on the probabilities and on their margin), and asks about every picture found with noise of
its own. A picture counts as a violation where another class has significantly more votes (p < 0.001) than the certified
one. Each certificate may be wrong with a probability of 0.001.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from scipy.stats import binomtest  # type: ignore[import-untyped]
from torch import Tensor

from explorer import load_model
from explorer.analysis.certify import ALPHA, certificate, count_votes
from explorer.data.datasets import load_dataset
from explorer.data.images import fit, quantise
from explorer.distortions import Draws, find_distortion
from explorer.distortions.draws import Target
from explorer.models import Classifier
from explorer.models.remedies import put_around

KINDS = ("pgd_l2", "pgd_l2_margin")
WITHIN = 0.999
"""Share of the radius that attacks use: rounding must not carry a picture out of it."""


@dataclass(frozen=True)
class Checked:
    """Certified images (N, C, H, W), the classes that hold, and their radii (N,)."""

    x: Tensor
    answers: Tensor
    radii: Tensor


def certified_images(model: Classifier, count: int, sigma: float, n: int) -> Checked:
    """The first images of the digits that are certified, whether their answer is right or not."""
    data = load_dataset("digits", "test")
    images = quantise(fit(data.batch(slice(0, count))[0], model.size, model.channels))
    found = [certificate(model, x, sigma, n=n, seed=i) for i, x in enumerate(images.split(1))]
    kept = [i for i, one in enumerate(found) if not one.abstained]
    answers = torch.tensor([model.classes.index(found[i].answer) for i in kept])
    return Checked(images[kept], answers, torch.tensor([found[i].radius for i in kept], dtype=torch.float64))


def violations(model: Classifier, of: Checked, sigma: float, seed: int, copies: int = 8) -> Iterator[tuple[int, bool]]:
    """Attack every certified image once, and yield its index and whether the certificate was refuted."""
    attacked = put_around(model, f"+smoothing(sigma={sigma},n={copies},seed={seed})")
    kind = KINDS[seed % len(KINDS)]
    sizes = (WITHIN * of.radii).view(-1, 1, 1, 1)
    draws = Draws([seed * len(of.x) + i for i in range(len(of.x))])
    shown = find_distortion(kind).function(of.x, sizes, draws, Target(attacked, of.answers, alone=False)).clamp(0, 1)
    distance = (shown.double() - of.x.double()).flatten(1).norm(dim=1)
    assert bool((distance <= of.radii).all()), "an attack left its radius"  # noqa: S101  # a check of the check
    for i, x in enumerate(shown.split(1)):
        yield i, refuted(model, x, int(of.answers[i]), sigma, f"{seed}:{i}")


def refuted(model: Classifier, x: Tensor, answer: int, sigma: float, stream: str) -> bool:
    """Whether the smoothed model answers something else for sure."""
    if int(count_votes(model, x, sigma, 100, f"look:{stream}").argmax()) == answer:
        return False
    votes = count_votes(model, x, sigma, 10_000, f"judge:{stream}")
    other = int(votes.argmax())
    both = int(votes[other] + votes[answer])
    return other != answer and binomtest(int(votes[other]), both).pvalue < ALPHA


def main() -> None:
    """Check as many times as were asked for, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="digits/lenet/stability")
    parser.add_argument("--checks", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--sigma", type=float, default=0.25)
    parser.add_argument("--n", type=int, default=1000)
    given = parser.parse_args()
    model = load_model(given.model, device="cpu")
    of = certified_images(model, given.images, given.sigma, given.n)
    if not len(of.x):
        raise SystemExit(f"None of {given.images} images is certified, so there is nothing to refute.")
    print(f"{given.model}: {len(of.x)} of {given.images} images certified, mean radius {of.radii.mean():.3f}")
    done, wrong, seed = 0, set[int](), 0
    while done < given.checks:
        for i, found in violations(model, of, given.sigma, seed):
            done += 1
            wrong |= {i} if found else set()
        seed += 1
        print(f"{done:,} checks, {len(wrong)} certificates refuted", flush=True)


if __name__ == "__main__":
    main()
