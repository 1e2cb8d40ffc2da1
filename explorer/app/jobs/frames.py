"""The answers to every frame of a clip, for the tab "Frames"."""

from __future__ import annotations

from typing import Any

import torch

from explorer.app.context import Context
from explorer.app.jobs.registry import job
from explorer.app.validation import StateRequest, mapping, read_recipe
from explorer.clips.frames import answer_parts, part_size
from explorer.clips.results import TellingPair
from explorer.data import images
from explorer.data.fitting import as_pixels
from explorer.errors import ExplorerError
from explorer.progress import Progress

STRONGER = 4
"""How many times stronger the difference of two neighbours is shown."""


class FramesRequest(StateRequest):
    """Which clip.

    Attributes:
        clip: Its token.
        codec: What it goes through first, such as ``h264=35``; "" for nothing.
        noise: ``fixed`` or ``fresh``, as in ``explorer.frames``.
    """

    wrong = "The page asked for a clip that does not exist; choose it again."

    clip: str
    codec: str = ""
    noise: str = "fixed"


@job("frames", FramesRequest)
def frames(context: Context, request: FramesRequest, progress: Progress) -> dict[str, Any]:
    """Answer every frame with the models and the recipe of the state; its picture does not matter.

    Returns:
        As ``Frames.to_dict``, with "film", the beginning of the tokens of the frames, and the pictures of the pairs.

    Raises:
        ExplorerError: If the clip cannot be read, or the recipe acts on the photograph.
    """
    state = mapping(request.state)
    _, chosen = context.workspace.choose(state.get("models"))
    recipe = read_recipe(state.get("recipe"))
    models, takes = context.workspace.on(recipe, chosen)
    if takes is None:
        raise ExplorerError("Frames of a clip are distorted as the network's input: choose Acts on, input.")
    film = context.workspace.pictures.films.film(request.clip, request.codec, takes, progress)
    size = min(part_size(models), 16)  # pieces between which a slider is answered
    count = len(film.times)
    parts = (
        (torch.cat([as_pixels(one) for one in film.pixels[at : at + size]]), film.times[at : at + size])
        for at in range(0, count, size)
    )
    found = answer_parts(models, parts, recipe, name=film.name, noise=request.noise, codec=request.codec,
                         total=count, progress=progress)  # fmt: skip
    told = found.to_dict()
    told["film"] = f"{request.clip}/{request.codec}"
    told["pairs"] = [one | _pictures(pair) for one, pair in zip(told["pairs"], found.pairs, strict=True)]
    told["notes"] = list(film.notes)
    return told


def _pictures(pair: TellingPair) -> dict[str, str]:
    before, after = pair.before[None].float() / 255, pair.after[None].float() / 255
    gap = ((after - before).abs() * STRONGER).clamp(0, 1)
    return {name: images.data_url(one) for name, one in (("before", before), ("after", after), ("gap", gap))}
