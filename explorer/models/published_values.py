"""Accuracies that others published, or that their public weights reach, beside which ours may stand.

Every value says who reports it, for which network and setting, and what of it is certain. A published value is one
number from another network, trained and tested by others: it stands beside our curves and is never joined to them.
Papers that give no accuracy on these data sets (stability training's are on ImageNet) have no value here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["stated", "measured"]


@dataclass(frozen=True)
class Source:
    """Where values come from: a paper, and where it has one its arXiv number."""

    key: str
    authors: str
    year: int
    title: str
    arxiv: str

    @property
    def short(self) -> str:
        """How a figure names it, e.g. "Usama & Chang 2018"."""
        return f"{self.authors} {self.year}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON object {key, authors, year, title, arxiv, short}."""
        return {**asdict(self), "short": self.short}


@dataclass(frozen=True)
class PublishedValue:
    """``accuracy`` (0-1) of one network of others on the test images of ``data``.

    ``arch``: the network in its source's words; ``same_as``: our architecture of that design, None where we ship none.
    ``distortion`` and ``amount``: ours, in its unit; None for clean images. ``about``: the amount is not stated and was
    inferred. ``n``: test images, None where not stated. ``kind``: "stated" by the source, or "measured" by us on
    weights that its authors or others have published. ``setting``: how it was trained. ``certain``: one sentence on
    what is known and what is inferred.
    """

    data: str
    method: str
    arch: str
    same_as: str | None
    setting: str
    distortion: str | None
    amount: float | None
    accuracy: float
    kind: Kind
    source: Source
    certain: str
    n: int | None = None
    about: bool = False

    def to_dict(self) -> dict[str, Any]:
        """A JSON object; ``source`` is that of ``Source.to_dict``."""
        return {**asdict(self), "source": self.source.to_dict()}


LIPSCHITZ = Source(
    "usama2018", "Usama & Chang", 2018, "Towards Robust Neural Networks with Lipschitz Continuity", "1811.09008"
)
BANG = Source(
    "rozsa2016", "Rozsa, Günther & Boult", 2016, "Towards Robust Deep Neural Networks with BANG", "1612.00138"
)
STABILITY = Source(
    "zheng2016",
    "Zheng, Song, Leung & Goodfellow",
    2016,
    "Improving the Robustness of Deep Neural Networks via Stability Training",
    "1604.04326",
)
NOISE = Source(
    "kireev2021",
    "Kireev, Andriushchenko & Flammarion",
    2021,
    "On the effectiveness of adversarial training against common corruptions",
    "2103.02325",
)

# Usama & Chang, ResNet-20 on CIFAR-10: standard, then lambda -> sigma -> clean, mid, high, each for three values of L.
_STANDARD = (92.77, 38.28, 18.01)
_RESNET20 = {
    ("small", "0.01"): ((92.39, 92.44, 92.68), (32.5, 36.56, 34.09), (15.68, 19.65, 16.33)),
    ("small", "0.1"): ((92.57, 92.32, 93.02), (34.15, 38.48, 42.06), (13.67, 20.63, 21.56)),
    ("medium", "0.01"): ((88.02, 82.49, 88.18), (50.56, 45.80, 58.56), (23.49, 21.68, 29.70)),
    ("medium", "0.1"): ((88.86, 88.21, 89.00), (63.01, 59.05, 57.92), (34.73, 31.17, 25.84)),
    ("large", "0.01"): ((82.97, 82.72, 82.55), (70.31, 67.60, 66.89), (46.47, 43.91, 41.15)),
    ("large", "0.1"): ((81.36, 83.20, 84.62), (58.55, 60.09, 72.40), (36.25, 40.75, 45.53)),
}
_LEVELS = ((None, None), ("gaussian_noise", 0.072), ("gaussian_noise", 0.123))
"""The three noise levels. The paper's noise is on the normalised input; its sizes, near 0.3 and 0.5 there, are inferred
from what a public ResNet-20 reaches under them: 43.2 % and 19.1 %, the paper's standard one 38.28 % and 18.01 %."""

_CERTAIN = "The paper states the accuracy, of one run"


def _lipschitz() -> Iterator[PublishedValue]:
    settings = [("standard", "trained without the penalty", _STANDARD)]
    for (lam, sigma), levels in _RESNET20.items():
        for i, place in enumerate(("first", "second", "third")):
            first, second, third = (level[i] for level in levels)
            words = f"λ {lam}, σ = {sigma} on the normalised input, {place} of three bounds L"
            settings.append(("lipschitz", words, (first, second, third)))
    for method, words, cells in settings:
        for (distortion, amount), percent in zip(_LEVELS, cells, strict=True):
            inferred = [f"the noise is about σ = {amount}"] if amount else []
            inferred += ["which L this is"] if method == "lipschitz" else []
            certain = f"{_CERTAIN}; inferred: {' and '.join(inferred)}." if inferred else f"{_CERTAIN}."
            yield PublishedValue(
                data="cifar10",
                method=method,
                arch="ResNet-20",
                same_as="resnet20",
                setting=words,
                distortion=distortion,
                amount=amount,
                accuracy=round(percent / 100, 6),
                kind="stated",
                source=LIPSCHITZ,
                certain=certain,
                about=amount is not None,
            )


# BANG's author's own networks: data, network, method, setting, then percent on clean images, under gaussian noise of a
# sigma, and under FGSM of a size on the network itself.
_USUAL = "trained as usual by BANG's author"
_BANG: tuple[tuple[str, str, str, str, float, dict[float, float], dict[float, float]], ...] = (
    (
        "mnist",
        "LeNet",
        "standard",
        _USUAL,
        99.16,
        {0.2: 98.42, 0.3: 92.06, 0.5: 54.57},
        {0.1: 79.2, 0.2: 22.4, 0.3: 4.8},
    ),
    (
        "mnist",
        "LeNet",
        "bang",
        "ε 0.815, β 1.0, ratio 1.0",
        99.22,
        {0.2: 98.87, 0.3: 97.88, 0.5: 87.92},
        {0.1: 91.8, 0.2: 61.9, 0.3: 30.1},
    ),
    (
        "cifar10",
        "CIFAR-10 quick",
        "standard",
        _USUAL,
        80.17,
        {0.06: 73.2, 0.1: 59.1, 0.2: 28.3},
        {1 / 255: 56.4, 4 / 255: 14.1, 8 / 255: 4.1},
    ),
    (
        "cifar10",
        "CIFAR-10 quick",
        "bang",
        "ε 0.855, β 0.4, ratio 0.5",
        78.87,
        {0.06: 73.4, 0.1: 63.3, 0.2: 29.8},
        {1 / 255: 63.5, 4 / 255: 53.6, 8 / 255: 36.5},
    ),
)
_MEASURED = "Measured by us on the author's published weights and the exact test images."
_MASKED = " Each network is attacked along its own gradient, which BANG makes exactly zero at some images."


def _bang() -> Iterator[PublishedValue]:
    for data, arch, method, setting, clean, noise, fgsm in _BANG:
        cells: list[tuple[str | None, float | None, float]] = [(None, None, clean)]
        cells += [("gaussian_noise", sigma, percent) for sigma, percent in noise.items()]
        cells += [("fgsm", size, percent) for size, percent in fgsm.items()]
        for distortion, amount, percent in cells:
            yield PublishedValue(
                data=data,
                method=method,
                arch=arch,
                same_as="lenet" if arch == "LeNet" else None,
                setting=setting,
                distortion=distortion,
                amount=amount,
                accuracy=round(percent / 100, 6),
                kind="measured",
                source=BANG,
                certain=_MEASURED + (_MASKED if distortion == "fgsm" else ""),
            )


def _noise() -> Iterator[PublishedValue]:
    """Noise augmentation's clean accuracy and those on the five published levels of CIFAR-10-C."""
    levels = zip((0.04, 0.06, 0.08, 0.09, 0.10), (92.0, 90.9, 90.6, 90.4, 90.2), strict=True)
    cells = [(None, None, 93.24), *(("gaussian_noise", amount, percent) for amount, percent in levels)]
    for distortion, amount, percent in cells:
        yield PublishedValue(
            data="cifar10",
            method="gaussian",
            arch="PreActResNet-18",
            same_as=None,
            setting="half of each batch with noise of σ = 0.1",
            distortion=distortion,
            amount=amount,
            accuracy=round(percent / 100, 6),
            kind="stated",
            source=NOISE,
            certain="Stated for the authors' published network"
            + (", on CIFAR-10-C's own files of 10,000 images; ours are made anew." if amount else "."),
            n=10_000,
        )


PUBLISHED_VALUES: tuple[PublishedValue, ...] = (*_lipschitz(), *_bang(), *_noise())
"""All of them."""

ZERO_GRADIENTS = {"mnist": 0.12, "cifar10": 0.06}
"""Share of test images at which the cross-entropy's input gradient of the BANG author's own network is exactly zero in
float32, measured by us: attacks that follow this gradient do nothing there (gradient masking)."""


def published_values(
    data: str | Sequence[str], *, method: str | None = None, distortion: str | None = None, clean: bool = True
) -> list[PublishedValue]:
    """Those on a data set or several, of one ``method`` or all.

    With ``distortion`` only its own, and with ``clean`` those on undistorted images too, which are where each of its
    curves begins; without one, all.
    """
    names = [data] if isinstance(data, str) else list(data)
    return [
        value
        for value in PUBLISHED_VALUES
        if value.data in names
        and method in (None, value.method)
        and (distortion in (None, value.distortion) or (clean and value.distortion is None))
    ]
