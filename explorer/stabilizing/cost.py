"""What a stabilization takes, estimated before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from explorer.models.classifier import Classifier
from explorer.models.inspection import sample_pictures
from explorer.stabilizing import checks
from explorer.stabilizing.layers import choose, student_of
from explorer.stabilizing.loop import CHECKS
from explorer.stabilizing.measure import conditions
from explorer.stabilizing.settings import BLENDS, Settings
from explorer.stabilizing.tasks import CHUNK, VERSIONS

STEP = 7
"""Forward passes that a step takes per picture: the teacher's, and forward and backward, thrice that, of x and x'."""


@dataclass(frozen=True)
class Cost:
    """What a stabilization takes.

    Attributes:
        train: Pictures that are trained on.
        watched: Pictures that are held out to choose by.
        reported: Pictures that are held out for the report.
        weights: How many weights are trained.
        seconds: Estimated time, from the time of forward passes on this machine.
    """

    train: int
    watched: int
    reported: int
    weights: int
    seconds: float


def estimate(
    start: Classifier,
    counts: tuple[int, int, int],
    settings: Settings,
    *,
    minutes: float | None,
    control: bool,
    breathe: Callable[[], None] = lambda: None,
) -> Cost:
    """Estimate what a stabilization takes.

    Args:
        start: The start network.
        counts: Pictures to train on, to watch and to report on, as ``reading.divided`` gives them.
        settings: Of the training; ``steps`` count where ``minutes`` is None.
        minutes: Of the training.
        control: Whether plain noise augmentation is trained as long.
        breathe: Called between the parts of the work; what it raises ends it.

    Returns:
        The estimate.
    """
    train, watched, reported = counts
    student = student_of(start)
    weights = sum(one.numel() for one in choose(student, settings.layers, features=settings.features).values())
    breathe()
    trainings = 1 + control
    asked = watched * checks.PASSES * (CHECKS + len(BLENDS)) * trainings
    asked += reported * len(conditions(settings, start.size)) * (1 + trainings)
    if settings.stored:
        asked += train * (1 + VERSIONS) * trainings  # the steps themselves take next to nothing
    elif minutes is None:
        asked += STEP * settings.batch_size * settings.steps * trainings
    x = sample_pictures(start.size, start.channels).to(start.device)[:1].expand(CHUNK, -1, -1, -1)
    took = []
    with torch.no_grad():
        for _ in range(2):
            began = time.perf_counter()
            student(x)
            took.append((time.perf_counter() - began) / CHUNK)
            breathe()
    trained = 0.0 if minutes is None or settings.stored else 60 * minutes * trainings
    return Cost(train, watched, reported, weights, trained + asked * min(took))
