"""``explorer pairs``, ``neighbours``, ``triplets`` and ``duplicates``: near-duplicates and similar images."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer import defaults
from explorer.cli.inputs import load_models, read_model_names
from explorer.cli.options import AsCsv, AsJson, Device, Image, Out
from explorer.cli.output import check_outs, deliver, progress_bar, tell_warnings, written

if TYPE_CHECKING:
    from explorer.search.embedders import ModelLike

Data = Annotated[str, typer.Option(help="Pictures: a folder, a list of files, a data set.")]
Several = Annotated[
    list[str], typer.Option(help="Models by name or path, and pixels, phash, dhash, pdq; separated by commas.")
]
One = Annotated[str, typer.Option(help="A model by name or path, or pixels, phash, dhash, pdq.")]
Layer = Annotated[str | None, typer.Option(help="A layer of the networks; else the penultimate one.")]
Kept = Annotated[bool, typer.Option(help="Keep vectors on disk for the next time.")]


def _models(names: list[str], device: str) -> list[ModelLike]:
    """Networks, loaded, and models without learning, by name."""
    from explorer.search import UNLEARNED

    found: list[ModelLike] = []
    for name in read_model_names(names):
        if name in UNLEARNED:
            found.append(name)
            continue
        loaded = load_models([name], None, None, None, device)
        tell_warnings(loaded)
        found += loaded
    return found


def pairs(
    data: Data,
    models: Several,
    distortions: Annotated[
        str, typer.Option(help="How copies are made, each kind by commas; + chains: thumbnail=96+jpeg=50.")
    ] = defaults.COPIES,
    background: Annotated[str | None, typer.Option(help="Other pictures, to normalise scores by.")] = None,
    prior: Annotated[
        float | None, typer.Option(help="Share of copies among all pairs that precisions are for; else that of these.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the distortions.")] = 0,
    limit: Annotated[int | None, typer.Option(min=2, help="How many pictures; else all.")] = None,
    layer: Layer = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for rows in Parquet, JSON, CSV, Markdown and the report.")
    ] = None,
    *,
    cache: Kept = True,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    device: Device = "auto",
) -> None:
    """Measure which copies of pictures models recognise: precision and recall over all pairs, with intervals.

    Each picture is compared with the distorted copies of all of them; its own is the right one. Photographs are
    distorted at their own size, and the others are compared with the first model on the same pictures.
    """
    from explorer.figures.results import of_copies
    from explorer.files import write_whole
    from explorer.reports.searching import markdown
    from explorer.search import pair_study
    from explorer.search.store import save_study

    with progress_bar(data) as progress:
        found = pair_study(
            _models(models, device), data, distortions, limit=limit, layer=layer, seed=seed, background=background,
            prior=prior, cache=cache, progress=progress,
        )  # fmt: skip
    deliver(found, None, as_json=as_json, as_csv=as_csv)
    if out is None:
        return
    pictures = {f"pairs-{re.sub(r'[^A-Za-z0-9.]+', '-', row.distortion)}.png": row.distortion for row in found.rows}
    for name, kind in pictures.items():
        write_whole(out / name, of_copies(found, kind).static("png"))
    write_whole(out / "pairs.md", markdown(found, shlex.join(["explorer", *sys.argv[1:]]), list(pictures)))
    for path in (out / "pairs.md", *save_study(found, out)):
        written(path)


def neighbours(
    picture: Image,
    data: Data,
    model: One,
    recipe: Annotated[str | None, typer.Option(help="What is done to the picture, such as jpeg=10.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many.")] = 30,
    layer: Layer = None,
    out: Out = None,
    *,
    cache: Kept = True,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    device: Device = "auto",
) -> None:
    """Find the pictures most like one, and with a recipe, how their ranks move when it is distorted."""
    from explorer.search import find_relatives

    check_outs(out)
    (asked,) = _models([model], device)
    with progress_bar(data) as progress:
        found = find_relatives(asked, picture, data, recipe, k=k, layer=layer, cache=cache, progress=progress)
    deliver(found, out, as_json=as_json, as_csv=as_csv)


def triplets(
    file: Annotated[
        str,
        typer.Argument(
            help="A text file of query,positive,negative; of DISC's pairs; a folder of UKBench, of Copydays or with a "
            "sub-folder per class; or a data set."
        ),
    ],
    models: Several,
    data: Annotated[Path | None, typer.Option(help="Folder of the pictures that a file names; else its own.")] = None,
    distortions: Annotated[str, typer.Option(help="Beside the originals: thumbnail=96,jpeg=50.")] = "",
    k: Annotated[int, typer.Option("-k", min=1, help="K of score@K.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Seed of distortions, and of triplets that are drawn.")] = 0,
    layer: Layer = None,
    out: Out = None,
    *,
    cache: Kept = True,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    device: Device = "auto",
) -> None:
    """Measure how models order triplets: the share in order, and score@K of Wang et al. 2014."""
    from explorer.search import rank_triplets, read_triplets

    check_outs(out)
    read = read_triplets(file, data, seed=seed)
    with progress_bar(file) as progress:
        found = rank_triplets(
            _models(models, device), read, distortions, k=k, layer=layer, seed=seed, cache=cache, progress=progress
        )
    deliver(found, out, as_json=as_json, as_csv=as_csv)


def duplicates(
    folder: Annotated[str, typer.Argument(help="The pictures: a folder, a list of files, a data set.")],
    model: One,
    threshold: Annotated[float | None, typer.Option(min=0, help="Largest distance of two duplicates.")] = None,
    precision: Annotated[
        float, typer.Option(min=0, max=1, help="Where none is given: that of the threshold on copies made of them.")
    ] = 0.995,
    layer: Layer = None,
    out: Out = None,
    *,
    cache: Kept = True,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    device: Device = "auto",
) -> None:
    """Find duplicates among one's own pictures, in groups, with a suggestion which to keep. It never deletes.

    With --out groups.csv or groups.json the groups are saved.
    """
    from explorer.search import find_duplicates

    check_outs(out)
    (asked,) = _models([model], device)
    with progress_bar(folder) as progress:
        found = find_duplicates(
            asked, folder, threshold=threshold, precision=precision, layer=layer, cache=cache, progress=progress
        )
    deliver(found, out, as_json=as_json, as_csv=as_csv)
