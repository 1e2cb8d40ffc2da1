"""Commands about one image or one clip: compare, sweep, weaknesses, transfer, frames."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer import defaults
from explorer.cli.inputs import open_picture, read_amount, read_names, read_numbers, read_recipe
from explorer.cli.networks import Networks, describes_networks
from explorer.cli.options import (
    DEFAULT_MODELS,
    AsCsv,
    AsJson,
    FirstImage,
    Image,
    Models,
    Out,
    RecipeText,
    Seed,
)
from explorer.cli.output import check_outs, deliver, progress_bar, written


@describes_networks
def compare(
    image: FirstImage = None,
    models: Models = DEFAULT_MODELS,
    recipe: RecipeText = defaults.RECIPE,
    seed: Seed = None,
    pin: Annotated[
        str | None, typer.Option(help="Compare with this state, not with the clean image: 'cat|jpeg=30;seed=0'.")
    ] = None,
    doubt: Annotated[
        str | None, typer.Option(help="A score and how much of it is too much, such as entropy=0.5: answer, or unsure.")
    ] = None,
    out: Out = None,
    pixels: Annotated[
        Path | None, typer.Option(help="Save the distorted pixels, exactly: .png (8 bits) or .npy (floats).")
    ] = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Distort an image; ask several models about the same pixels."""
    from explorer import analysis
    from explorer.analysis.answers import check_pixels
    from explorer.analysis.doubt import Threshold

    check_outs(out)
    chain = read_recipe(recipe, seed)
    limit = None if doubt is None else Threshold.parse(doubt)
    if pixels is not None:
        check_pixels(pixels, chain)
    loaded = networks.load(models)
    picture = open_picture(image or defaults.first_picture(loaded[0].channels, loaded[0].size), loaded, chain)
    found = analysis.compare(loaded, picture, chain, reference=pin, doubt=limit)
    deliver(found, out, as_json=as_json, as_csv=as_csv)
    if pixels is not None:
        written(found.save_pixels(pixels))


@describes_networks
def sweep(
    image: Image,
    distortion: Annotated[str, typer.Option(help="The distortion whose amount is varied: {distortions}.")],
    models: Models = DEFAULT_MODELS,
    recipe: RecipeText = "clean",
    seed: Seed = None,
    amounts: Annotated[str | None, typer.Option(help="Amounts, separated by commas; else 32 over the range.")] = None,
    seeds: Annotated[int, typer.Option(help="Noises of the same strength, from the seed on, 1 to 100.")] = 1,
    out: Out = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Vary one distortion; see where each model's answer changes.

    With --seeds, the flip points under that many noises are shown as well; JSON holds the band of every curve.
    """
    from explorer import analysis

    check_outs(out)
    chain = read_recipe(recipe, seed)
    grid = read_numbers("--amounts", amounts)
    loaded = networks.load(models)
    picture = open_picture(image, loaded, chain)
    with progress_bar(distortion) as progress:
        found = analysis.sweep(loaded, picture, distortion, amounts=grid, recipe=chain, seeds=seeds, progress=progress)
    deliver(found, out, as_json=as_json, as_csv=as_csv)


@describes_networks
def weaknesses(
    image: Image,
    models: Models = DEFAULT_MODELS,
    goal: Annotated[
        str, typer.Option(help="break: what flips the first model soonest; separate: what tells them apart soonest.")
    ] = "break",
    distortions: Annotated[
        list[str] | None, typer.Option("--distortion", help="These only, separated by commas; else all.")
    ] = None,
    recipe: RecipeText = "clean",
    seed: Seed = None,
    out: Out = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Find the least distortion that breaks or separates models.

    Every distortion is searched from its mild end, attacks on the first model included.
    """
    from explorer import analysis

    check_outs(out)
    chain = read_recipe(recipe, seed)
    names = read_names(distortions) if distortions else None
    loaded = networks.load(models)
    picture = open_picture(image, loaded, chain)
    with progress_bar("searching") as progress:
        found = analysis.weaknesses(loaded, picture, goal=goal, distortions=names, recipe=chain, progress=progress)
    deliver(found, out, as_json=as_json, as_csv=as_csv)


@describes_networks
def transfer(
    image: Image,
    attack: Annotated[str, typer.Option(help="The attack, for example fgsm or pgd_linf.")] = "pgd_linf",
    amount: Annotated[str | None, typer.Option(help="How strong, for example 4/255; else its default.")] = None,
    models: Models = DEFAULT_MODELS,
    recipe: RecipeText = "clean",
    seed: Seed = None,
    out: Out = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Craft an attack on each model; show it to all of them."""
    from explorer import analysis

    check_outs(out)
    chain = read_recipe(recipe, seed)
    strength = read_amount(attack, amount)
    loaded = networks.load(models)
    picture = open_picture(image, loaded, chain)
    with progress_bar(attack) as progress:
        found = analysis.transfer(loaded, picture, attack, strength, recipe=chain, progress=progress)
    deliver(found, out, as_json=as_json, as_csv=as_csv)


@describes_networks
def frames(
    clip: Annotated[str, typer.Argument(help="MP4, WebM, MOV, GIF or animated WebP, or a folder of frames.")],
    models: Models = DEFAULT_MODELS,
    recipe: RecipeText = "clean",
    seed: Seed = None,
    noise: Annotated[str, typer.Option(help="fixed: the same noise on every frame; fresh: each its own.")] = "fixed",
    codec: Annotated[
        str | None, typer.Option(help="A video codec and its quality, before the recipe: h264=35, vp9=50, av1=55.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Take each one of so many frames.")] = 1,
    label: Annotated[str | None, typer.Option(help="The true class, for accuracies.")] = None,
    survey: Annotated[
        Path | None,
        typer.Option(help="Survey the frames under each step of the recipe, too, into this new folder; with --label."),
    ] = None,
    out: Out = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Ask several models about every frame of a clip; count flips."""
    from explorer import clips

    check_outs(out)
    chain = read_recipe(recipe, seed)
    source = clips.open_clip(clip)
    loaded = networks.load(models)
    steps = [f"{step}={amount!r}" for step, amount in chain.steps]
    if survey is not None:
        seen = clips.encoded(source, clips.read_encoding(codec)) if codec else source
        with progress_bar("survey") as progress:
            clips.survey_clip(loaded, seen, steps, survey, every=every, label=label, seed=chain.seed, progress=progress)
    with progress_bar(source.name) as progress:
        found = clips.frames(
            loaded, source, chain, noise=noise, codec=codec, every=every, label=label, progress=progress
        )
    deliver(found, out, as_json=as_json, as_csv=as_csv)
