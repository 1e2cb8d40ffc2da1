"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer import defaults
from explorer.errors import ExplorerError

DEFAULT_MODELS = [",".join(defaults.MODELS)]

Image = Annotated[str, typer.Argument(help="An image file, a bundled photograph (cat), or a test image (digits:7).")]
FirstImage = Annotated[
    str | None, typer.Argument(help="Likewise; else the first picture of the models: temple, cat or digits:0.")
]
Models = Annotated[list[str], typer.Option(help="Models by name or path, separated by commas.")]
RecipeText = Annotated[str, typer.Option(help="Distortions in order, for example gaussian_noise=0.1,jpeg=30;seed=7.")]
Names = Annotated[
    list[str] | None, typer.Option("--name", help="Names for the models opened by path, in their order, by commas.")
]
Side = Annotated[int | None, typer.Option("--size", help="Side of its input in px, where it takes more than one.")]
ClassNames = Annotated[
    str | None,
    typer.Option("--classes", help="Names of its classes in order: by commas, a file with one a line, or imagenet."),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(help="Files of weights for networks of libraries (timm:resnet50), in their order, by commas."),
]
Seed = Annotated[int | None, typer.Option(help="Seed, in place of the recipe's.")]


def _one_form(context: typer.Context, value: bool) -> bool:  # typer calls it with two values
    if value and (context.params.get("as_json") or context.params.get("as_csv")):
        raise ExplorerError("--json and --csv are two forms of one output; give one of them.")
    return value


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.", callback=_one_form)]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.", callback=_one_form)]
Out = Annotated[
    list[Path] | None,
    typer.Option("--out", help="Save the result, too: .html, .json, .csv, .png or .svg. May be repeated."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Arch = Annotated[str | None, typer.Option(help="Architecture of a checkpoint opened by path, for example resnet20.")]
Mean = Annotated[str | None, typer.Option(help="Its normalisation, mean per channel: 0.485,0.456,0.406.")]
Std = Annotated[str | None, typer.Option(help="Its normalisation, deviation per channel: 0.229,0.224,0.225.")]
