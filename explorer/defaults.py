"""Defaults and limits, the same for command line, Python, notebook and app.

Plain values without imports, so that ``explorer --help`` can name them.
"""

from __future__ import annotations

PICTURE = "temple"
"""The first picture: a bundled photograph."""

SMALL_PICTURE = "cat"
"""The first picture for networks of small pictures, which know few classes: CIFAR-10 has cats."""

DIGIT = "digits:0"
"""The first picture for networks that know digits."""

RECIPE = "gaussian_noise=0.1;seed=0"
"""The first recipe: the standard networks have left their answer (a palace, a cat), the stabilized ones stay."""

MODELS = ("photos/efficientnet_lite0/standard", "photos/efficientnet_lite0/stability")
"""The first models: a baseline and its stabilized sibling."""

FAMILIES = ("imagenet", "cifar10", "digits")
"""Data sets whose families of models come first; the others follow by name."""

METHODS = ("standard", "stability")
"""Methods whose models of one architecture are shown first."""

ARCHITECTURES = ("efficientnet_lite0", "resnet20", "mnist_cnn", "lenet")
"""Architectures whose models are shown first, where they have siblings of both methods."""

COPIES = "thumbnail=96,jpeg=50,crop=10"
"""How copies of pictures are made for searches: the kinds of Zheng et al. 2016."""

MAX_STEPS = 8
"""Distortions in one chain on screen: as many sliders as there are."""

MAX_MODELS = 12
"""Models side by side on screen."""

SMALL_SIDE = 64
"""Inputs up to this side in px are small: severities are those of CIFAR-10-C, above them those of ImageNet-C."""

WORKING_SIDE = 1024
"""Longest side in px of the copy of a photograph that a recipe with ``on=photograph`` distorts."""


def first_picture(channels: int, size: int) -> str:
    """Choose the picture that is shown first.

    Args:
        channels: Channels of the models' input, 1 or 3.
        size: Its side in px.

    Returns:
        Its name, for ``data.inputs.read_picture``: a digit for one channel; else a photograph, another one for small
        inputs.
    """
    if channels == 1:
        return DIGIT
    return SMALL_PICTURE if size <= SMALL_SIDE else PICTURE
