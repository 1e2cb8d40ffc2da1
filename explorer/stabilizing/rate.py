"""A learning rate that is safe for this network: a short range test (after Smith 2017, arXiv 1506.01186)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.models.classifier import Classifier
from explorer.stabilizing.tasks import Task, rows_of
from explorer.training.drawing import epoch_seed

FIRST, FACTOR, MOST = 1e-5, 1.6, 1e-1
MOVED = 0.1
"""How far clean answers may move while the rate grows: KL in nats between those before and now."""

SHARE = 0.4
"""Of the rate at which they have moved that far; measured: it gives 1e-4 for EfficientNet-Lite0, at which 75 to 180
steps cost one to two points of clean accuracy, where 5e-4 costs nine."""

BATCH = 8


def safe_rate(task: Task, student: Classifier, parameters: Mapping[str, Tensor], probe: Tensor, seed: int) -> float:
    """Find a learning rate for Adam: let it grow from step to step until clean answers move, then take a part of it.

    Args:
        task: Gives the loss of a step.
        student: The model; its weights are as before when this returns.
        parameters: The weights that are trained.
        probe: Clean pictures (n, C, H, W) in [0, 1] on which answers are watched.
        seed: Of what is drawn.

    Returns:
        The rate.
    """
    before = {name: one.detach().clone() for name, one in parameters.items()}
    optimizer = torch.optim.Adam(list(parameters.values()), lr=FIRST)
    probe = probe.to(student.device)
    answers = _log_answers(student, probe)
    rate, step = FIRST, 0
    while rate < MOST:
        for group in optimizer.param_groups:
            group["lr"] = rate
        generator = torch.Generator(student.device).manual_seed(epoch_seed(seed, 2**19 + step))
        loss = task.loss(rows_of(step, task.count, min(BATCH, task.count), seed), generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        moved = float(F.kl_div(_log_answers(student, probe), answers, log_target=True, reduction="batchmean"))
        if not moved < MOVED:  # NaN, too
            break
        rate, step = rate * FACTOR, step + 1
    with torch.no_grad():
        for name, one in parameters.items():
            one.copy_(before[name])
    return float(f"{SHARE * rate:.2g}")


@torch.no_grad()
def _log_answers(model: Classifier, x: Tensor) -> Tensor:
    return model(x).float().log_softmax(1)
