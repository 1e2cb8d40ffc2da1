"""Stability Explorer: how much the answers of networks change under small changes of a picture.

>>> import explorer
>>> models = ["digits/lenet/standard", "digits/lenet/stability"]
>>> comparison = explorer.compare(models, "digits:7", "gaussian_noise=0.2;seed=7")
>>> [answer.flipped for answer in comparison.models]
[False, False]

The names below are loaded on first use, so that ``import explorer`` itself costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from explorer.version import __version__

if TYPE_CHECKING:
    from explorer.analysis.certify import certify
    from explorer.analysis.compare import compare
    from explorer.analysis.flip import flip_point
    from explorer.analysis.sweep import sweep
    from explorer.analysis.transfer import transfer
    from explorer.analysis.weakness import weaknesses
    from explorer.clips.frames import frames
    from explorer.data.datasets import load_dataset
    from explorer.data.images import fit, load_image
    from explorer.distortions import Recipe
    from explorer.evaluation.evaluate import evaluate
    from explorer.evaluation.suites import run_suite
    from explorer.models import list_models, load_model, wrap
    from explorer.stabilizing import stabilize
    from explorer.widgets import show


__all__ = [
    "Recipe",
    "__version__",
    "certify",
    "compare",
    "evaluate",
    "fit",
    "flip_point",
    "frames",
    "list_models",
    "load_dataset",
    "load_image",
    "load_model",
    "run_suite",
    "show",
    "stabilize",
    "sweep",
    "transfer",
    "weaknesses",
    "wrap",
]

_HOMES = {
    "load_image": "explorer.data.images",
    "fit": "explorer.data.images",
    "load_dataset": "explorer.data.datasets",
    "Recipe": "explorer.distortions",
    "load_model": "explorer.models",
    "list_models": "explorer.models",
    "wrap": "explorer.models",
    "certify": "explorer.analysis",
    "compare": "explorer.analysis",
    "sweep": "explorer.analysis",
    "flip_point": "explorer.analysis",
    "evaluate": "explorer.evaluation",
    "frames": "explorer.clips",
    "run_suite": "explorer.evaluation",
    "weaknesses": "explorer.analysis",
    "transfer": "explorer.analysis",
    "stabilize": "explorer.stabilizing",
    "show": "explorer.widgets",
}

_PARTS = ("figures", "widgets")
"""Packages that are loaded when they are first named: ``explorer.figures.curves(...)`` needs no import of its own."""


def __getattr__(name: str) -> Any:  # PEP 562
    if name in _PARTS:
        return import_module(f"explorer.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
