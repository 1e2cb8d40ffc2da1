"""Distortions beside kornia's and torchvision's of the same operation: ``python -m benchmarks.distortions``.

One run, one thread of the CPU, processor time: pictures of 32 and 224 px, one and 64 of them. Each side is given the
same float pixels in [0, 1] and one amount. A library that is not installed is left out (``pip install kornia``).
imagecorruptions is not run: its release calls what NumPy 2, SciPy and scikit-image no longer have, such as
``np.float_``. Times are medians of rounds in turns; the operations agree in kind, not in every bit: ours draw each
image's numbers from a seed of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from time import process_time
from typing import Any

import torch
from torch import Tensor

from benchmarks.timing import machine, race
from explorer.distortions import Recipe, apply

SIDES, COUNTS = (32, 224), (1, 64)
Operation = Callable[[Tensor], Any]


def ours(step: str) -> Operation:
    """A step of a recipe without rounding, image i with seed i."""
    recipe = Recipe.parse(f"{step};pixels=float")
    return lambda x: apply(recipe, x, seeds=range(len(x)))


def of_torchvision() -> dict[str, Operation]:
    """Torchvision's operation by step."""
    v2 = import_module("torchvision.transforms.v2.functional")
    bilinear = import_module("torchvision.transforms").InterpolationMode.BILINEAR
    return {
        "gaussian_noise=0.1": lambda x: v2.gaussian_noise(x, sigma=0.1),
        "gaussian_blur=1": lambda x: v2.gaussian_blur(x, [9, 9], [1.0, 1.0]),
        "brightness=0.2": lambda x: v2.adjust_brightness(x, 1.2),
        "contrast=0.4": lambda x: v2.adjust_contrast(x, 0.4),
        "saturation=2": lambda x: v2.adjust_saturation(x, 2.0),
        "hue=60": lambda x: v2.adjust_hue(x, 1 / 6),
        "gamma=2": lambda x: v2.adjust_gamma(x, 2.0),
        "bit_depth=3": lambda x: v2.posterize(x.mul(255).byte(), 3),
        "rotate=10": lambda x: v2.rotate(x, 10.0, bilinear),
        "jpeg=30": lambda x: [v2.jpeg(one.mul(255).byte(), 30) for one in x],
    }


def of_kornia() -> dict[str, Operation]:
    """Kornia's operation by step."""
    kornia = import_module("kornia")
    change, filters, geometry = kornia.enhance, kornia.filters, kornia.geometry
    return {
        "gaussian_noise=0.1": kornia.augmentation.RandomGaussianNoise(0.0, 0.1, p=1.0),
        "impulse_noise=0.05": kornia.augmentation.RandomSaltAndPepperNoise((0.05, 0.05), (0.5, 0.5), p=1.0),
        "gaussian_blur=1": lambda x: filters.gaussian_blur2d(x, (9, 9), (1.0, 1.0), "replicate"),
        "brightness=0.2": lambda x: change.adjust_brightness(x, 0.2),
        "contrast=0.4": lambda x: change.adjust_contrast_with_mean_subtraction(x, 0.4),
        "saturation=2": lambda x: change.adjust_saturation(x, 2.0),
        "hue=60": lambda x: change.adjust_hue(x, 1.047),
        "gamma=2": lambda x: change.adjust_gamma(x, 2.0),
        "bit_depth=3": lambda x: change.posterize(x, 3),
        "rotate=10": lambda x: geometry.rotate(x, torch.full((len(x),), 10.0)),
        "jpeg=30": lambda x: change.jpeg_codec_differentiable(x, torch.full((len(x),), 30.0)),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sides", nargs="+", type=int, default=SIDES)
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    libraries: dict[str, dict[str, Operation]] = {"torchvision": of_torchvision()}
    try:
        libraries["kornia"] = of_kornia()
    except ImportError:
        print("kornia is not installed; it is left out.")
    cases = [(side, count) for side in options.sides for count in options.counts]
    print(", ".join(f"{key} {value}" for key, value in machine().items()), end="\n\n")
    print("| step | library |", " | ".join(f"{side} px x {count}" for side, count in cases), "|")
    print("| --- | --- |", "---: | " * len(cases))
    steps = dict.fromkeys(step for operations in libraries.values() for step in operations)
    with torch.inference_mode():
        for step in steps:
            for library, operations in libraries.items():
                if step in operations:
                    found = [_ratio(step, operations[step], *case, options.rounds) for case in cases]
                    print(f"| `{step}` | {library} |", " | ".join(found), "|", flush=True)


def _ratio(step: str, other: Operation, side: int, count: int, rounds: int) -> str:
    """Our time as a share of the library's; a dash where it cannot be run."""
    x = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0)).mul(255).round().div(255)
    mine = ours(step)
    try:
        other(x)
    except Exception as error:  # noqa: BLE001  # whatever a library does not take
        return type(error).__name__
    fewer = rounds if side * count < 4096 else 5
    sides = ("ours", lambda: mine(x)), ("its", lambda: other(x))
    row = race(step, *sides, budget=1, rounds=fewer, warm_up=1, timer=process_time)
    return f"{row.ratio:.2f}"


if __name__ == "__main__":
    main()
