"""The images of a survey as its plan distorts them: a batch at the networks' input, or photographs one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from explorer.data.dataset import Dataset
from explorer.data.fitting import Takes
from explorer.data.images import fit_photographs
from explorer.data.photographs import read_rows as read_photographs
from explorer.data.reading import Images, in_steps, read_rows
from explorer.models import Classifier
from explorer.survey.plan import Plan

Read = tuple[list[Images], dict[int, str]]
"""Images, those of a part of one size; and why others could not be read, by row."""


def read(data: Dataset, rows: Sequence[int], plan: Plan, takes: Takes) -> Read:
    """Read images of a survey.

    Args:
        data: Its data set.
        rows: Which.
        plan: Its plan.
        takes: What its first model takes.

    Returns:
        All of them at that size as one part; or, where it distorts photographs, each at its own size (1, 3, H, W).
    """
    if not plan.photographs:
        batch = read_rows(data, rows, takes)
        return [batch] if batch.rows else [], batch.unread
    found, unread = read_photographs(data, rows)
    labels = torch.from_numpy(np.asarray(data.labels)[list(rows)])
    known = dict(zip(rows, labels.split(1), strict=True))
    return [Images(pixels, known[row], (row,)) for row, pixels in found.items()], unread


def stream(data: Dataset, rows: range, plan: Plan, takes: Takes) -> Iterator[Read]:
    """Read many images, a batch of the plan at a time; files are read while those before are used.

    Args:
        data: The data set.
        rows: Which.
        plan: The survey's plan.
        takes: What its first model takes.

    Yields:
        As ``read``.
    """
    return in_steps(data, rows, plan.batch, lambda some: read(data, some, plan, takes))


def given(models: Sequence[Classifier], pictures: Tensor, plan: Plan) -> list[Tensor]:
    """What each model is given of pictures.

    Args:
        models: The survey's models.
        pictures: A part of its images (N, C, H, W), clean or distorted.
        plan: Its plan.

    Returns:
        For each model these pictures; or the photographs as its own transform fits them.
    """
    if not plan.photographs:
        return [pictures] * len(models)
    fitted = {takes: fit_photographs(pictures, takes) for takes in dict.fromkeys(model.takes for model in models)}
    return [fitted[model.takes] for model in models]


def joined(parts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """Join what the models are given of several parts.

    Args:
        parts: For each part what ``given`` returned.

    Returns:
        One batch per model.
    """
    return [one[0] if len(one) == 1 else torch.cat(one) for one in zip(*parts, strict=True)]
