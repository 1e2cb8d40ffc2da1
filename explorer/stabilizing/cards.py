"""The card of a stabilized network."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import torch

from explorer.distortions.ranges import format_ranges
from explorer.models.classifier import EXTERNAL, Card, Classifier
from explorer.models.derived import STORED, is_derived
from explorer.provenance import versions
from explorer.stabilizing.settings import Settings

TRAINING = {"mix": "stability_mix"}
"""Methods that are called otherwise where networks are trained from scratch."""


def stabilized_card(start: Classifier, name: str | None, settings: Settings, facts: dict[str, Any]) -> Card:
    """Make the card: the start network's, with the method and how it was trained.

    Args:
        start: The network before training.
        name: Name of the result; by default the last part of the start network's, with the method behind it.
        settings: Of the training.
        facts: What became of it.

    Returns:
        The card, without results.
    """
    card, method = start.card, TRAINING.get(settings.method, settings.method)
    last = re.split("[/:]", card.name.removesuffix("/standard"))[-1]
    called = name or f"{last}-{method}{'-features' if settings.features else ''}"
    source = {key: value for key, value in card.source.items() if key not in ("title", "accuracy", "test", STORED)}
    base = {"base": card.name} | ({"base_sha256": card.sha256} if card.sha256 else {})
    if is_derived(card):  # its code is where that of its own start network is
        base = {"start": card.name}
    return replace(
        card,
        name=called,
        method=method if card.method != EXTERNAL or card.source else EXTERNAL,
        training=settings.to_dict() | facts,
        command=command(card.name, settings),
        versions=versions("explorer", "python", "torchvision", "numpy", "pillow") | {"torch": torch.__version__},
        results=[],
        reference={},
        reference_source={},
        masking={},
        sha256="",
        source=source | base,
    )


def command(model: str, settings: Settings) -> str:
    """The command that does the same again.

    Args:
        model: Name of the start network.
        settings: Of the training.

    Returns:
        One line; FOLDER stands for the pictures.
    """
    words: list[object] = ["explorer", "stabilize", model, "--pictures", "FOLDER"]
    words += ["--under", format_ranges(settings.under)]
    words += ["--method", settings.method, "--layers", settings.layers, *(["--labels"] if settings.labels else [])]
    words += ["--features"] if settings.features else []
    words += ["--steps", settings.steps, "--batch-size", settings.batch_size, "--lr", f"{settings.lr:g}"]
    words += ["--alpha", f"{settings.alpha:g}", "--keep", f"{settings.keep:g}", "--seed", settings.seed]
    words += ["--precision", "bf16" if settings.bf16 else "fp32"]
    return " ".join(map(str, words))
