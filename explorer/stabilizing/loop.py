"""The steps of one training, resumable: killed and started again it draws the same and ends the same."""

from __future__ import annotations

import json
import math
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.errors import ExplorerError
from explorer.files import whole
from explorer.models.classifier import Classifier
from explorer.models.memory import kept_memory
from explorer.stabilizing import ranks
from explorer.stabilizing.checks import Score
from explorer.stabilizing.settings import Settings
from explorer.stabilizing.tasks import Task, rows_of
from explorer.training.drawing import epoch_seed

CHECKS = 5
"""How often the watched pictures are asked for between start and end."""

SAVE_SECONDS = 20


@dataclass(frozen=True)
class Point:
    """A point of the live curves.

    Attributes:
        step: Steps done.
        agreement: Share of clean pictures answered as before, in [0, 1].
        flips: Share of distorted pictures answered otherwise than the clean one, in [0, 1].
    """

    step: int
    agreement: float
    flips: float


@dataclass
class State:
    """Where a training stands, beside the weights.

    Attributes:
        step: Steps done.
        seconds: Spent so far.
        curve: Points so far.
    """

    step: int = 0
    seconds: float = 0.0
    curve: list[Point] = field(default_factory=list)


@kept_memory()  # a quarter less time a step at 224 px
def train(
    task: Task,
    student: Classifier,
    parameters: Mapping[str, Tensor],
    settings: Settings,
    *,
    score: Callable[[Classifier], Score],
    state_file: Path | None = None,
    step_done: Callable[[State], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> State:
    """Train to the end, or until it is told to stop.

    Adam, its rate falling linearly from ``settings.lr`` to 0.

    Args:
        task: Gives the loss of a step.
        student: The model whose weights are trained, in place.
        parameters: These weights by name.
        settings: Steps, batch, rate and seed; ``lr`` is a number here.
        score: Asks the watched pictures.
        state_file: Where the state is saved, and taken up again if it is there.
        step_done: Called after every step.
        stop: Asked after every step; true ends the training with what has been reached.

    Returns:
        How far it came.

    Raises:
        ExplorerError: If the loss is not finite, or the state file belongs to other settings or is damaged.
    """
    optimizer = torch.optim.Adam(list(parameters.values()), lr=settings.lr or 0)
    state = _resume(state_file, settings, parameters, optimizer)
    began, saved = time.perf_counter() - state.seconds, time.perf_counter()
    batch = min(settings.batch_size, task.count)
    if not state.curve:
        state.curve.append(Point(0, *asdict(score(student)).values()))
    while state.step < settings.steps and not ranks.any_of(stop()):
        for group in optimizer.param_groups:
            group["lr"] = (settings.lr or 0) * (1 - state.step / settings.steps)
        generator = torch.Generator(student.device).manual_seed(epoch_seed(settings.seed, state.step))
        rows = rows_of(state.step, task.count, batch, settings.seed)
        loss = task.loss(ranks.own_part(rows), ranks.own_generator(generator))
        if not math.isfinite(float(loss.detach())):
            raise ExplorerError(f"The loss was not finite at step {state.step + 1}; give a smaller --lr.")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        ranks.average(parameters.values())
        optimizer.step()
        state.step += 1
        state.seconds = time.perf_counter() - began
        if (
            state.step == settings.steps
            or state.step * CHECKS // settings.steps > (state.step - 1) * CHECKS // settings.steps
        ):
            state.curve.append(Point(state.step, *asdict(score(student)).values()))
            state.seconds = time.perf_counter() - began
        if state_file is not None and ranks.first() and time.perf_counter() - saved > SAVE_SECONDS:
            _save(state_file, settings, parameters, optimizer, state)
            saved = time.perf_counter()
        step_done(state)
    if state_file is not None and ranks.first():
        _save(state_file, settings, parameters, optimizer, state)
    if state.curve[-1].step != state.step:
        state.curve.append(Point(state.step, *asdict(score(student)).values()))
    return state


def steps_of(path: Path) -> int | None:
    """How many steps a saved training was to have.

    Args:
        path: Its state file.

    Returns:
        The number; None where there is no such file.

    Raises:
        ExplorerError: If the file is damaged.
    """
    return int(json.loads(_read(path)["settings"])["steps"]) if path.is_file() else None


def _read(path: Path) -> dict[str, Any]:
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
        json.loads(held["settings"])
    except (pickle.UnpicklingError, EOFError, RuntimeError, OSError, KeyError, TypeError, ValueError) as error:
        raise ExplorerError(f"{path} is damaged; remove it to start over.") from error
    return dict(held)


def _save(
    path: Path, settings: Settings, parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer, state: State
) -> None:
    held: dict[str, Any] = {
        "settings": settings.training,
        "parameters": {name: one.detach().cpu() for name, one in parameters.items()},
        "optimizer": optimizer.state_dict(),
        "step": state.step,
        "seconds": state.seconds,
        "curve": [[point.step, point.agreement, point.flips] for point in state.curve],
    }
    with whole(path) as part:
        torch.save(held, part)


def _resume(
    path: Path | None, settings: Settings, parameters: Mapping[str, Tensor], optimizer: torch.optim.Optimizer
) -> State:
    if path is None or not path.is_file():
        return State()
    held = _read(path)
    if held["settings"] != settings.training:
        raise ExplorerError(f"{path} belongs to a training with other settings; give the same ones, or another --out.")
    with torch.no_grad():
        for name, one in parameters.items():
            one.copy_(held["parameters"][name])
    optimizer.load_state_dict(held["optimizer"])
    return State(int(held["step"]), float(held["seconds"]), [Point(*point) for point in held["curve"]])
