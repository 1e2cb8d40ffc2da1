"""Commands about one image: compare, sweep, weaknesses, transfer."""

from __future__ import annotations

from typing import Annotated

import typer

from explorer import defaults
from explorer.cli.inputs import load_models, open_picture, read_amount, read_names, read_numbers, read_recipe
from explorer.cli.options import DEFAULT_MODELS, Arch, AsJson, Device, Image, Mean, Models, RecipeText, Seed, Std
from explorer.cli.output import print_json, print_parts, progress_bar


def compare(
    image: Image = defaults.PICTURE,
    models: Models = DEFAULT_MODELS,
    recipe: RecipeText = defaults.RECIPE,
    seed: Seed = None,
    pin: Annotated[
        str | None, typer.Option(help="Compare with this state, not with the clean image: 'cat|jpeg=30;seed=0'.")
    ] = None,
    *,
    as_json: AsJson = False,
    arch: Arch = None,
    mean: Mean = None,
    std: Std = None,
    device: Device = "auto",
) -> None:
    """Distort an image; ask several models about the same pixels."""
    from explorer import analysis
    from explorer.cli import tables

    chain = read_recipe(recipe, seed)
    loaded = load_models(models, arch, mean, std, device)
    found = analysis.compare(loaded, open_picture(image, loaded), chain, reference=pin)
    if as_json:
        print_json(found.to_dict())
    else:
        print_parts(tables.comparison_title(found), tables.comparison_table(found))


def sweep(
    image: Image,
    distortion: Annotated[str, typer.Option(help="The distortion whose amount is varied: {distortions}.")],
    models: Models = DEFAULT_MODELS,
    recipe: RecipeText = "clean",
    seed: Seed = None,
    amounts: Annotated[str | None, typer.Option(help="Amounts, separated by commas; else 32 over the range.")] = None,
    seeds: Annotated[int, typer.Option(help="Noises of the same strength, from the seed on, 1 to 100.")] = 1,
    *,
    as_json: AsJson = False,
    arch: Arch = None,
    mean: Mean = None,
    std: Std = None,
    device: Device = "auto",
) -> None:
    """Vary one distortion; see where each model's answer changes.

    With --seeds, the flip points of as many noises are told as well; JSON holds the band of every curve.
    """
    from explorer import analysis
    from explorer.cli import tables

    chain = read_recipe(recipe, seed)
    grid = read_numbers("--amounts", amounts)
    loaded = load_models(models, arch, mean, std, device)
    picture = open_picture(image, loaded)
    with progress_bar(distortion) as progress:
        found = analysis.sweep(loaded, picture, distortion, amounts=grid, recipe=chain, seeds=seeds, progress=progress)
    if as_json:
        print_json(found.to_dict())
    else:
        print_parts(tables.sweep_table(found))


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
    *,
    as_json: AsJson = False,
    arch: Arch = None,
    mean: Mean = None,
    std: Std = None,
    device: Device = "auto",
) -> None:
    """Find the least distortion that breaks or separates models.

    Every distortion is searched from its mild end, attacks on the first model included.
    """
    from explorer import analysis
    from explorer.cli import tables

    chain = read_recipe(recipe, seed)
    names = read_names(distortions) if distortions else None
    loaded = load_models(models, arch, mean, std, device)
    picture = open_picture(image, loaded)
    with progress_bar("searching") as progress:
        found = analysis.weaknesses(loaded, picture, goal=goal, distortions=names, recipe=chain, progress=progress)
    if as_json:
        print_json({"goal": goal, "weaknesses": [spot.to_dict() for spot in found]})
    else:
        print_parts(tables.weaknesses_table(found, [model.name for model in loaded]))


def transfer(
    image: Image,
    attack: Annotated[str, typer.Option(help="The attack, for example fgsm or pgd_linf.")] = "pgd_linf",
    amount: Annotated[str | None, typer.Option(help="How strong, for example 4/255; else its default.")] = None,
    models: Models = DEFAULT_MODELS,
    recipe: RecipeText = "clean",
    seed: Seed = None,
    *,
    as_json: AsJson = False,
    arch: Arch = None,
    mean: Mean = None,
    std: Std = None,
    device: Device = "auto",
) -> None:
    """Craft an attack on each model; show it to all of them."""
    from explorer import analysis
    from explorer.cli import tables

    chain = read_recipe(recipe, seed)
    strength = read_amount(attack, amount)
    loaded = load_models(models, arch, mean, std, device)
    picture = open_picture(image, loaded)
    with progress_bar(attack) as progress:
        found = analysis.transfer(loaded, picture, attack, strength, recipe=chain, progress=progress)
    if as_json:
        print_json(found.to_dict())
    else:
        print_parts(tables.transfer_table(found), *tables.transfer_notes(found))
