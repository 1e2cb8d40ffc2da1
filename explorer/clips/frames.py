"""Several models answer every frame of a clip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.analysis import measures
from explorer.analysis.request import issue, read_recipe, small_attacks
from explorer.analysis.varied import undistorted
from explorer.clips.encoding import Encoding, encoded, read_encoding
from explorer.clips.reading import Clip, ClipLike, Frame, open_clip
from explorer.clips.results import FrameAnswers, Frames, TellingPair
from explorer.data.classes import class_index
from explorer.data.fitting import Takes, as_pixels
from explorer.data.images import load_fitted
from explorer.data.photographs import working_pixels
from explorer.distortions import Recipe, apply, image_seed
from explorer.distortions.recipe import PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.evaluation.flips import likeliest, top5_distances
from explorer.models import Classifier
from explorer.models import inference as inputs
from explorer.models.reading import ModelsLike, class_notes, open_models, wrap_opened
from explorer.progress import Progress, silent

PAIRS = 8
"""Telling pairs that are kept."""

NOISES = ("fixed", "fresh")


def frames(
    models: ModelsLike | None,
    clip: ClipLike | Clip,
    recipe: Recipe | str = "clean",
    *,
    noise: str = "fixed",
    codec: str | Encoding | None = None,
    every: int = 1,
    label: int | str | None = None,
    progress: Progress | None = None,
) -> Frames:
    """Ask several models about every frame of a clip.

    Frames are fitted to the first model as a photograph would be, distorted, and given to all models; they are read one
    after another, so that a long clip takes no more memory than a short one.

    Args:
        models: As for ``compare``: names, paths, loaded models or networks of your own; None for the first models.
        clip: The path of an MP4, WebM, MOV, GIF or animated WebP file, its bytes, or a folder of frames.
        recipe: Distortions of every frame, a ``Recipe`` or its text; none by default.
        noise: ``fixed``: every frame gets the same draws, those of the recipe's seed, as a dirty lens has; ``fresh``:
            frame i draws from ``image_seed(seed, i)``, as a sensor does.
        codec: A video codec that the clip goes through first, such as ``h264=35`` (``VIDEO_CODECS``).
        every: Take each one of so many frames.
        label: The true class, its index or its name, for the accuracies.
        progress: Called with the frames that are done, and with all where the clip says how many there are.

    Returns:
        Answers, flips, confidences and distances between neighbours, per model; and the most telling pairs.

    Raises:
        ExplorerError: If the clip cannot be read, has fewer than two frames, or something does not go together.

    Examples:
        >>> import explorer, numpy, tempfile
        >>> from PIL import Image
        >>> folder = tempfile.mkdtemp()
        >>> digit = explorer.load_dataset("digits", "test").batch([7])[0][0, 0].mul(255).byte().numpy()
        >>> for i in range(3):
        ...     Image.fromarray(numpy.roll(digit, i, 1)).save(f"{folder}/{i}.png")
        >>> found = explorer.frames("digits/lenet/standard", folder)
        >>> len(found.models[0].answers)
        3
    """
    chain = read_recipe(recipe, "clean")
    source = open_clip(clip)
    coded = read_encoding(codec) if isinstance(codec, str) else codec
    chosen = inputs.check_together(
        wrap_opened(open_models(models), None, None), photographs=chain.on == PHOTOGRAPH, window=chain.window
    )
    read = (encoded(source, coded) if coded else source).every(every)
    parts = (_fitted(part, chosen, chain.on) for part in _parts(read, part_size(chosen)))
    found = answer_parts(chosen, parts, chain, name=source.name, noise=noise, codec=str(coded or ""), label=label,
                         total=source.every(every).expected, progress=progress)  # fmt: skip
    warned = tuple(dict.fromkeys((*read.notes, *found.warnings)))
    issue(warned)
    return replace(found, warnings=warned)


Part = tuple[Tensor, Sequence[float]]
"""Neighbouring frames as the models take them (N, C, H, W), undistorted, and when each is shown, in s."""


def answer_parts(
    models: Sequence[Classifier],
    parts: Iterable[Part],
    recipe: Recipe,
    *,
    name: str,
    noise: str = "fixed",
    codec: str = "",
    label: int | str | None = None,
    total: int = 0,
    progress: Progress | None = None,
) -> Frames:
    """``frames`` for loaded models and frames that were read and fitted before.

    Args:
        models: Loaded models that take the same pixels.
        parts: The frames in order, some at a time.
        recipe: Distortions of every frame.
        name: Name of the clip.
        noise: As in ``frames``.
        codec: What the clip went through.
        label: As in ``frames``.
        total: How many frames there are, if that is known.
        progress: As in ``frames``.

    Returns:
        What the models answer.

    Raises:
        ExplorerError: As in ``frames``.
    """
    if noise not in NOISES:
        raise ExplorerError(f"noise is one of {' and '.join(NOISES)}, not {noise!r}.")
    true = _true_class(label, models[0])
    series, telling = [_Series(model) for model in models], _Telling()
    times, rms = list[float](), list[float]()
    before: Tensor | None = None
    said = progress or silent
    said(0, total)
    for clean, shown in parts:
        x = _distorted(clean, models, recipe, len(times) if noise == "fresh" else None)
        pixels = x if before is None else torch.cat([before, x])
        moved = (pixels[1:] - pixels[:-1]).square().mean((1, 2, 3)).sqrt().tolist()
        changes = {one.model.name: one.add(x) for one in series}
        times += shown
        telling.add(len(times) - len(moved), pixels, moved, changes)
        before = x[-1:].clone()  # not a view, which would hold the whole part
        rms += moved
        said(len(times), max(len(times), total))
    if len(times) < 2:
        raise ExplorerError(f"{name} gives one frame; flips are found between two.")
    notes = (*(note for one in models for note in one.warnings), *class_notes(models), *small_attacks(recipe))
    return Frames(
        *(name, recipe, noise, codec, np.array(times)),
        models=tuple(one.finished() for one in series),
        pairs=telling.found(),
        rms=np.array(rms),
        label=true,
        warnings=tuple(dict.fromkeys(notes)),
    )


def part_size(models: Sequence[Classifier]) -> int:
    """How many frames are answered at once.

    Args:
        models: The models.

    Returns:
        The number of frames.
    """
    first = models[0]
    return inputs.batch_size((first.channels, first.size, first.size), first.device)


def fitted(frame: Frame, takes: Takes) -> Tensor:
    """A frame as a model takes it.

    Args:
        frame: The frame.
        takes: What the model takes.

    Returns:
        (1, C, size, size) in [0, 1], 8-bit values.
    """
    (x,) = load_fitted(frame.pixels, [takes])
    return x


def _fitted(part: Sequence[Frame], models: Sequence[Classifier], on: str) -> Part:
    if on == PHOTOGRAPH:
        made = [as_pixels(working_pixels(frame.pixels)) for frame in part]
        if len({one.shape for one in made}) > 1:
            raise ExplorerError("The frames differ in size; let the recipe act on the network's input (on=input).")
    else:
        made = [fitted(frame, models[0].takes) for frame in part]
    return torch.cat(made), [frame.time for frame in part]


def _parts(clip: Clip, size: int) -> Iterator[list[Frame]]:
    """The frames in lists of at most ``size``."""
    part: list[Frame] = []
    for frame in clip:
        part.append(frame)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def _true_class(label: int | str | None, model: Classifier) -> int | None:
    """The index of the true class."""
    if label is None:
        return None
    index = class_index(label, model.classes) if isinstance(label, str) else label
    if index is None:
        raise ExplorerError(f"{model.name} knows no class {label!r}; 'explorer models' lists what it knows.")
    inputs.check_label(index, model)
    return index


def _distorted(clean: Tensor, models: Sequence[Classifier], recipe: Recipe, first: int | None) -> Tensor:
    """The frames under the recipe; with noise of its own each, counted from the frame ``first``."""
    seeds = None if first is None else [image_seed(recipe.seed, first + i) for i in range(len(clean))]
    target = inputs.attack_target(recipe, models, undistorted(clean, recipe.quantised), None)
    return apply(recipe, clean, target=target, seeds=seeds)


Change = tuple[NDArray[np.bool_], NDArray[np.float64]]
"""Of each frame and the one before: whether the answer flipped, and the total variation of the probabilities."""


class _Series:
    """Collects the answers of one model, part by part."""

    def __init__(self, model: Classifier) -> None:
        self.model = model
        self._last: tuple[Tensor, NDArray[np.int64], Tensor] | None = None  # of the last frame, for the next part
        self._parts: dict[str, list[NDArray[np.generic]]] = {}

    def add(self, x: Tensor) -> Change:
        """Ask about the next frames (N, C, H, W)."""
        logits, features = inputs.answer(self.model, x)
        name, last = list(features.items())[-1]
        p, five = measures.log_probabilities(logits).exp(), likeliest(logits)
        self._keep(answers=five[:, 0], confidence=measures.confidence(p).numpy())
        if self._last is not None:
            before_p, before_five, before_last = self._last
            p, five, last = (
                torch.cat([before_p, p]),
                np.concatenate([before_five, five]),
                torch.cat([before_last, last]),
            )
        self._last = p[-1:], five[-1:], last[-1:].clone()  # not a view, which would hold the whole part
        change = ((p[1:] - p[:-1]).abs().sum(1) / 2).numpy()
        l2, cosine = measures.batch_distances({name: last[:-1]}, {name: last[1:]})
        distance = top5_distances(five[None], noise=False)[0]
        self._keep(change=change, top5_distance=distance, feature_l2=l2[:, 0], feature_cosine=cosine)
        return five[1:, 0] != five[:-1, 0], change

    def _keep(self, **values: NDArray[np.generic]) -> None:
        for name, value in values.items():
            self._parts.setdefault(name, []).append(value)

    def finished(self) -> FrameAnswers:
        """All that was collected."""
        card, whole = self.model.card, {name: np.concatenate(parts) for name, parts in self._parts.items()}
        return FrameAnswers(self.model.name, card.title, card.method, self.model.classes, card=card, **whole)  # type: ignore[arg-type]


class _Telling:
    """Keeps the most telling pairs of neighbours: those that flip first, by the change per change of the picture."""

    def __init__(self) -> None:
        self._kept: list[tuple[bool, float, int, TellingPair]] = []

    def add(self, first: int, pixels: Tensor, moved: Sequence[float], changes: Mapping[str, Change]) -> None:
        """Look at the pairs of ``pixels`` (N + 1, C, H, W); ``first`` is the index of the second frame of the first."""
        for j, rms in enumerate(moved):
            flipped, change, model = max((bool(f[j]), float(c[j]), name) for name, (f, c) in changes.items())
            pair = TellingPair(first + j, model, change, rms, pixels[j], pixels[j + 1])
            rank = (flipped, pair.score, -pair.frame)
            if len(self._kept) < PAIRS or rank > self._kept[0][:3]:
                before, after = (one.mul(255).round().byte() for one in (pair.before, pair.after))
                self._kept.append((*rank, replace(pair, before=before, after=after)))
                self._kept = sorted(self._kept, key=lambda one: one[:3])[-PAIRS:]

    def found(self) -> tuple[TellingPair, ...]:
        """The pairs, the most telling first."""
        return tuple(pair for *_, pair in reversed(self._kept))
