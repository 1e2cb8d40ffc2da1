"""Defaults and limits, the same for command line, Python, notebook and app.

Plain values without imports, so that ``explorer --help`` can name them.
"""

from __future__ import annotations

PICTURE = "cat"
"""The first picture: a bundled photograph."""

DIGIT = "digits:0"
"""The first picture for networks that know digits."""

RECIPE = "gaussian_noise=0.06;seed=0"
"""The first recipe: about where a standard network begins to call the cat a frog."""

MODELS = ("cifar10/resnet20/standard", "cifar10/resnet20/stability")
"""The first models: a baseline and its stabilized sibling."""

FAMILIES = ("cifar10", "digits")
"""Data sets whose families of models come first; the others follow by name."""

METHODS = ("standard", "stability")
"""Methods whose models of one architecture are shown first."""

ARCHITECTURES = ("resnet20", "mnist_cnn", "lenet")
"""Architectures whose models are shown first, where they have siblings of both methods."""

MAX_STEPS = 8
"""Distortions in one chain on screen: as many sliders as there are."""

MAX_MODELS = 12
"""Models side by side on screen."""

WORKING_SIDE = 1024
"""Longest side in px of the copy of a photograph that a recipe with ``on=photograph`` distorts."""
