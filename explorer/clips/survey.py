"""A clip as a survey: its frames under distortions, in the form that the page "Failures" and every query read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from explorer.clips.reading import Clip, ClipLike, open_clip
from explorer.data.datasets import open_dataset
from explorer.errors import ExplorerError
from explorer.files import user_path
from explorer.models.inference import check_together
from explorer.models.reading import ModelsLike, read_models
from explorer.progress import Progress
from explorer.survey import Store, make_plan, run

FRAMES, SURVEY = "frames", "survey"


def survey_clip(
    models: ModelsLike | None,
    clip: ClipLike | Clip,
    distortions: Sequence[str],
    out: str | Path,
    *,
    label: str | None,
    every: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
) -> Store:
    """Write the frames of a clip as pictures, and survey them as a data set.

    ``explorer app --data OUT/frames --survey OUT/survey`` shows it: every frame is an image, its clean answer stands
    beside the one under each distortion.

    Args:
        models: As for ``explorer.frames``.
        clip: Likewise.
        distortions: As for ``make_plan``: ``gaussian_noise=0.05:0.1``, ``jpeg``, ...
        out: A new folder; the frames go into ``frames`` (PNG, at their own size), the survey into ``survey``.
        label: The true class of all frames.
        every: Take each one of so many frames.
        seed: Of the noise; every frame draws its own.
        progress: Called with answers done, and with all.

    Returns:
        The survey.

    Raises:
        ExplorerError: If the folder is not new, without a label, or as ``explorer.frames`` and ``make_plan``.
    """
    chosen, source, folder = check_together(read_models(models)), open_clip(clip).every(every), user_path(out)
    if label is None:
        raise ExplorerError("A survey counts right answers: say what the clip shows, with label.")
    if label not in chosen[0].classes:
        raise ExplorerError(f"{chosen[0].name} knows no class {label!r}; 'explorer models' lists what it knows.")
    if folder.exists() and any(folder.iterdir()):
        raise ExplorerError(f"{folder} is not empty; give a new folder for the frames and the survey.")
    place = folder / FRAMES / label
    try:
        place.mkdir(parents=True)
        for frame in source:
            Image.fromarray(frame.pixels).save(place / f"{frame.index:05d}.png")
    except OSError as error:
        raise ExplorerError(f"{folder} cannot be written to ({error.strerror}); give another folder.") from None
    data = open_dataset(folder / FRAMES)
    plan = make_plan(chosen, data, distortions, seeds=(seed,))
    return run(chosen, data, plan, folder / SURVEY, progress=progress)
