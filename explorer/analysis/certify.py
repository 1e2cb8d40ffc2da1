"""Randomized smoothing's guarantee: a radius within which the answer holds, with a stated probability of error.

Cohen, Rosenfeld & Kolter 2019 (arXiv 1902.02918): let g(x) be the class that f is likeliest to give to x + e with e ~
N(0, sigma^2). If it does so with a probability of at least p > 1/2, then g answers the same to every picture within the
L2 distance sigma * Phi^-1(p) (Theorem 1, with the bound 1 - p for the runner-up). The probability is not known:
``n0`` noisy copies choose the class and ``n`` others bound its probability from below (Clopper & Pearson 1934, on one
side at level ``alpha``), so that the statement is wrong with a probability of at most ``alpha``, for each image. Where
the bound is not above 1/2, nothing is stated: the model abstains.

The guarantee is of g, the classifier with infinitely many copies; an answer of n copies can differ from it. Noise is
added to the float pixels and not clipped; the rounding errors of floating-point numbers are not accounted for (Voracek
& Hein 2022, arXiv 2207.07209).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from explorer.analysis.request import issue, read_request
from explorer.data.inputs import PictureLike
from explorer.distortions import Recipe, apply
from explorer.distortions.threads import each_alone
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models.inference import BATCH_VALUES, attack_target, check_logits
from explorer.models.reading import ModelsLike
from explorer.models.remedies import RemediedClassifier
from explorer.progress import Meter, Progress
from explorer.results import Result, Results

SIGMA, N0, N, ALPHA = 0.25, 100, 1000, 0.001
"""Defaults: standard deviation on [0, 1] pixels, copies that choose, copies that bound, error. Published: 100 / 100,000
/ 0.001."""

COPIES = 64
"""Copies in one forward pass, fewer for large pictures."""

CHOOSE, LOOKS = 5, (10, 30, 100, 300, 1000)
"""Copies that choose the class of a running certificate, and copies in all, those included, after which it is told;
each look has an equal part of the error."""

GROUP = 16
"""Forward passes between which a caller may pause or cancel."""


@dataclass(frozen=True, repr=False)
class Certificate(Result):
    """What smoothing guarantees of one model's answer to one picture.

    Attributes:
        model: Name of the model within, whose answers are smoothed.
        sigma: Standard deviation of the noise on [0, 1] pixels.
        n0: Copies that chose the class.
        n: Copies that bounded its probability.
        alpha: Largest probability that the statement is wrong.
        answer: The class that was chosen.
        votes: How many of the ``n`` copies were given this class.
        low: Lower bound of its probability.
        radius: L2 distance on [0, 1] pixels within which the answer holds; 0 where the model abstains.
        abstained: Whether nothing can be stated.
    """

    model: str
    sigma: float
    n0: int
    n: int
    alpha: float
    answer: str
    votes: int
    low: float
    radius: float
    abstained: bool

    def to_dict(self) -> dict[str, Any]:
        """The certificate as a JSON object.

        Returns:
            Plain values.
        """
        return dict(vars(self))

    def records(self) -> list[dict[str, Any]]:
        """The certificate as a table.

        Returns:
            One row.
        """
        return [self.to_dict()]

    def __str__(self) -> str:
        told = f"{self.model}, σ = {self.sigma:g}, n0 = {self.n0:,}, n = {self.n:,}, α = {self.alpha:g}: "
        if self.abstained:
            return f"{told}abstains ({self.votes:,} votes for {self.answer})"
        return f"{told}{self.answer} holds within an L2 distance of {self.radius:.3f} ({self.votes:,} votes)"


@dataclass(frozen=True, repr=False)
class Certificates(Results[Certificate]):
    """The certificates of several models for one picture."""

    def to_dict(self) -> dict[str, Any]:
        """The certificates as a JSON object.

        Returns:
            ``{"models": [...]}``.
        """
        return {"models": [one.to_dict() for one in self]}

    def records(self) -> list[dict[str, Any]]:
        """The certificates as a table.

        Returns:
            One row per model.
        """
        return [one.to_dict() for one in self]

    def __str__(self) -> str:
        return "\n".join(map(str, self))


def certify(
    models: ModelsLike | None = None,
    image: PictureLike | None = None,
    recipe: Recipe | str = "clean",
    *,
    sigma: float | None = None,
    n0: int = N0,
    n: int | None = None,
    alpha: float = ALPHA,
    progress: Progress | None = None,
) -> Certificates:
    """Certify each model's smoothed answer to a picture: the radius within which it holds.

    Args:
        models: As for ``compare``. One with ``+smoothing(sigma=...,n=...)`` around it brings both; any other is
            smoothed here.
        image: One picture, as for ``compare``.
        recipe: What the picture goes through before; its seed is that of the copies' noise as well.
        sigma: Standard deviation of the noise, for all models; 0.25 by default.
        n0: Copies that choose the class.
        n: Copies that bound its probability, for all models; 1,000 by default.
        alpha: Largest probability that a statement is wrong, at most 0.5.
        progress: Called with the number of copies that were asked about, and of all.

    Returns:
        One certificate per model.

    Raises:
        ExplorerError: As ``compare``, and for numbers that make no sense.

    Examples:
        >>> import explorer
        >>> found = explorer.certify("digits/lenet/stability", "digits:7", n=200)
        >>> found[0].abstained, 0.2 < found[0].radius < 0.46
        (False, True)
    """
    request = read_request(models, image, recipe)
    issue(request.notes)
    if other := next((model.name for model in request.models if model.any_size), None):
        raise ExplorerError(f"{other} is shown another model's input; certify it alone.")
    target = attack_target(request.recipe, request.models, request.pixels, None)
    x = apply(request.recipe, request.pixels, target=target)
    parts = [smoothed(model, sigma, n) for model in request.models]
    meter = Meter(progress, sum(n0 + copies for _, _, copies in parts))
    found = [
        certificate(within, x, noise, n0, copies, alpha, seed=request.recipe.seed, meter=meter)
        for within, noise, copies in parts
    ]
    return Certificates(tuple(found))


def smoothed(model: Classifier, sigma: float | None = None, n: int | None = None) -> tuple[Classifier, float, int]:
    """What is to be certified of a model.

    Args:
        model: The model, with or without smoothing around it.
        sigma: Standard deviation of the noise; by default that of its smoothing, else 0.25.
        n: Copies; by default those of its smoothing, else 1,000.

    Returns:
        The model within, sigma and n.
    """
    own_sigma, own_n = SIGMA, N
    if isinstance(model, RemediedClassifier) and model.net.remedy.name == "smoothing":
        own_sigma, own_n = float(model.net.settings["sigma"]), int(model.net.settings["n"])
        model = model.within
    return model, own_sigma if sigma is None else sigma, own_n if n is None else n


def certificate(
    model: Classifier,
    x: Tensor,
    sigma: float = SIGMA,
    n0: int = N0,
    n: int = N,
    alpha: float = ALPHA,
    *,
    seed: int = 0,
    meter: Meter | None = None,
) -> Certificate:
    """Certify the smoothed answer to one picture.

    Args:
        model: The model within.
        x: Pixels (1, C, H, W) in [0, 1], as the model takes them.
        sigma: Standard deviation of the noise on [0, 1] pixels.
        n0: Copies that choose the class.
        n: Copies that bound its probability.
        alpha: Largest probability that the statement is wrong.
        seed: Of the noise.
        meter: Counts copies.

    Returns:
        The certificate.

    Raises:
        ExplorerError: If a number makes no sense.
    """
    _check(sigma, n0, n, alpha)
    first = count_votes(model, x, sigma, n0, f"{seed}:choose", meter)
    answer = int(first.argmax())
    votes = int(count_votes(model, x, sigma, n, f"{seed}:bound", meter)[answer])
    return _certificate(model, sigma, n0, n, alpha, answer, votes)


def running(
    model: Classifier, x: Tensor, sigma: float = SIGMA, alpha: float = ALPHA, *, seed: int = 0,
    looks: Sequence[int] = LOOKS,
) -> Iterator[Certificate]:  # fmt: skip
    """Certify the smoothed answer to one picture, telling what holds already as copies are added.

    Args:
        model: The model within.
        x: Pixels (1, C, H, W) in [0, 1].
        sigma: Standard deviation of the noise on [0, 1] pixels.
        alpha: Largest probability that any of the statements is wrong.
        seed: Of the noise.
        looks: Copies in all after which a certificate is told, rising, from 6 on.

    Yields:
        One certificate per look.
    """
    so_far: tuple[int, int] | None = None
    for look in range(len(looks)):
        found, so_far = next_look(model, x, sigma, alpha, seed=seed, look=look, so_far=so_far, looks=looks)
        yield found


def next_look(
    model: Classifier, x: Tensor, sigma: float = SIGMA, alpha: float = ALPHA, *, seed: int = 0, look: int = 0,
    so_far: tuple[int, int] | None = None, looks: Sequence[int] = LOOKS,
) -> tuple[Certificate, tuple[int, int]]:  # fmt: skip
    """One look of a running certificate: only the copies that came since the look before are asked about.

    The class is chosen by the first five copies, which bound nothing. Each look has ``alpha / len(looks)``, so that all
    statements together are wrong with a probability of at most ``alpha``, whenever one stops.

    Args:
        model: The model within.
        x: Pixels (1, C, H, W) in [0, 1].
        sigma: Standard deviation of the noise on [0, 1] pixels.
        alpha: Largest probability that any of the statements is wrong.
        seed: Of the noise.
        look: Which look, from 0.
        so_far: What the look before returned; None at the first.
        looks: As for ``running``.

    Returns:
        The certificate, and the chosen class with its votes so far.
    """
    _check(sigma, CHOOSE, looks[0] - CHOOSE, alpha)
    if so_far is None:
        so_far = int(count_votes(model, x, sigma, CHOOSE, f"{seed}:choose").argmax()), 0
    answer, votes = so_far
    asked = looks[look - 1] if look else CHOOSE
    votes += int(count_votes(model, x, sigma, looks[look] - asked, f"{seed}:look:{looks[look]}")[answer])
    found = _certificate(model, sigma, CHOOSE, looks[look] - CHOOSE, alpha / len(looks), answer, votes)
    return found, (answer, votes)


def count_votes(
    model: Classifier, x: Tensor, sigma: float, n: int, stream: str, meter: Meter | None = None
) -> Tensor:  # fmt: skip
    """Ask a model about noisy copies of one picture.

    Args:
        model: The model.
        x: Pixels (1, C, H, W) in [0, 1].
        sigma: Standard deviation of the noise.
        n: Copies.
        stream: Names the noise: the same name gives the same copies.
        meter: Counts copies.

    Returns:
        How many copies were given each class, int64 (K,).
    """
    step = max(1, min(COPIES, BATCH_VALUES // x[0].numel()))
    sizes = [min(step, n - start) for start in range(0, n, step)]
    x = x.to(model.device)

    def ask(i: int) -> Tensor:
        made = hashlib.sha256(f"certify:{stream}:{i}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(made[:8], "big"))
        noise = torch.randn(sizes[i], *x.shape[1:], generator=generator).to(x)
        logits = check_logits(model, model(x + sigma * noise))
        return torch.bincount(logits.argmax(1), minlength=logits.shape[1])[None]

    found = torch.zeros(len(model.classes), dtype=torch.int64)
    for start in range(0, len(sizes), GROUP):
        group = torch.arange(start, min(start + GROUP, len(sizes)))
        if model.device.type == "cpu":
            found += each_alone(lambda _, at: ask(int(at)), group).sum(0)
        else:
            with torch.no_grad():
                found += torch.cat([ask(int(i)) for i in group]).sum(0)
        if meter is not None:
            meter.step(sum(sizes[start : start + GROUP]))
    return found


def lower_bound(votes: int, n: int, alpha: float) -> float:
    """The one-sided lower bound of a share, which is wrong with a probability of at most alpha.

    Args:
        votes: Successes.
        n: Trials.
        alpha: Probability of an error.

    Returns:
        The bound, in [0, 1].

    References:
        Clopper & Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
        Biometrika 26 (1934).
    """
    from scipy.special import betaincinv  # type: ignore[import-untyped]

    return float(betaincinv(votes, n - votes + 1, alpha)) if votes else 0.0


def largest_radius(sigma: float, n: int, alpha: float) -> float:
    """The radius that is certified where all copies agree: no number of votes gives more.

    Args:
        sigma: Standard deviation of the noise.
        n: Copies.
        alpha: Probability of an error.

    Returns:
        L2 distance on [0, 1] pixels.
    """
    return radius_of(lower_bound(n, n, alpha), sigma)


def radius_of(low: float, sigma: float) -> float:
    """The radius that a bound of the probability grants: sigma * Phi^-1(low).

    Args:
        low: Lower bound of the probability, below 1.
        sigma: Standard deviation of the noise.

    Returns:
        L2 distance on [0, 1] pixels; 0 where the bound is not above 1/2.
    """
    from scipy.special import ndtri  # type: ignore[import-untyped]

    return sigma * float(ndtri(low)) if low > 0.5 else 0.0


def _certificate(
    model: Classifier, sigma: float, n0: int, n: int, alpha: float, answer: int, votes: int
) -> Certificate:  # fmt: skip
    low = lower_bound(votes, n, alpha)
    about = partial(Certificate, model.name, sigma, n0, n, alpha, model.classes[answer], votes, low)
    return about(radius_of(low, sigma), low <= 0.5)


def _check(sigma: float, n0: int, n: int, alpha: float) -> None:
    if not 0 < sigma < math.inf:
        raise ExplorerError(f"The noise of a certificate needs a standard deviation above 0, not {sigma}.")
    if min(n0, n) < 1:
        raise ExplorerError(f"A certificate needs at least one copy to choose and one to bound, not {n0} and {n}.")
    if not 0 < alpha <= 0.5:
        raise ExplorerError(f"The probability of an error, alpha, is above 0 and at most 0.5, not {alpha}.")
