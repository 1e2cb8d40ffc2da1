"""``explorer certify``, ``doubt`` and ``masking``: what holds, what is doubtful, what only seems robust."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from explorer.cli.inputs import open_picture, read_amount, read_names, read_recipe
from explorer.cli.networks import Networks, describes_networks
from explorer.cli.options import (
    DEFAULT_MODELS,
    AsCsv,
    AsJson,
    Image,
    Models,
    Out,
    RecipeText,
)
from explorer.cli.output import check_outs, deliver, progress_bar, tell_warnings
from explorer.errors import ExplorerError

Given = Annotated[list[str], typer.Argument(help="Models by name or path.", metavar="MODEL...")]
Data = Annotated[str, typer.Option(help="Data set, as for 'explorer evaluate'.")]
Size = Annotated[
    str | None, typer.Option("--attack-size", help="L-infinity, such as 8/255; else 0.3 for grey, 8/255 for colour.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the attacks.")]


@describes_networks
def certify(
    image: Image,
    models: Models = DEFAULT_MODELS,
    recipe: RecipeText = "clean",
    sigma: Annotated[float | None, typer.Option(help="Noise; else that of +smoothing(sigma=...), else 0.25.")] = None,
    n0: Annotated[int, typer.Option(min=1, help="Copies that choose the class.")] = 100,
    n: Annotated[int | None, typer.Option(min=1, help="Copies that bound it; else of +smoothing, or 1000.")] = None,
    alpha: Annotated[float, typer.Option(help="Largest probability that a statement is wrong.")] = 0.001,
    out: Out = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Certify the answer of each model, smoothed by noise: the L2 radius within which it provably holds."""
    from explorer import analysis

    check_outs(out)
    chain = read_recipe(recipe, None)
    loaded = networks.load(models)
    picture = open_picture(image, loaded, chain)
    with progress_bar("copies") as progress:
        found = analysis.certify(loaded, picture, chain, sigma=sigma, n0=n0, n=n, alpha=alpha, progress=progress)
    deliver(found, out, as_json=as_json, as_csv=as_csv)


@describes_networks
def doubt(
    models: Given,
    data: Data,
    scores: Annotated[str | None, typer.Option(help="Scores, by commas; all by default.")] = None,
    recipe: RecipeText = "clean",
    attack_size: Size = None,
    unknown: Annotated[str | None, typer.Option(help="A data set of classes that the models do not know.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many images.")] = 200,
    seed: Seed = 0,
    out: Out = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Measure which score of doubt tells wrong answers, attacked pictures and unknown classes.

    Every score stands beside the control p (1 - p), and against an attack that knows of it. --attack-size 0 leaves the
    attacks out.
    """
    from explorer.evaluation import doubts

    check_outs(out)
    loaded = networks.load(models)
    tell_warnings(loaded)
    with progress_bar("doubt") as progress:
        found = doubts(
            loaded, data, names=read_names([scores]) if scores else None, recipe=read_recipe(recipe, None),
            size=_size(attack_size), unknown=unknown, limit=limit, seed=seed, progress=progress,
        )  # fmt: skip
    deliver(found, out, as_json=as_json, as_csv=as_csv)


@describes_networks
def masking(
    models: Given,
    data: Data,
    source: Annotated[
        str | None, typer.Option(help="The model on which transferred attacks are made; else another one of these.")
    ] = None,
    attack_size: Size = None,
    limit: Annotated[int, typer.Option(min=1, help="How many images.")] = 200,
    restarts: Annotated[int, typer.Option(min=1, help="Random starts of the strongest attack.")] = 5,
    seed: Seed = 0,
    cards: Annotated[
        Path | None, typer.Option(help="Folder of checkpoints: the verdicts are put into the models' cards there.")
    ] = None,
    out: Out = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Judge whether models resist attacks or only hide the gradient that attacks follow.

    White-box attacks against a transferred one, random sampling, the margin, any change allowed, and many restarts.
    """
    from explorer.evaluation import masking as judge
    from explorer.models.checkpoints import write_card

    check_outs(out)
    loaded = networks.load(models)
    if cards and (around := next((model.card for model in loaded if model.card.remedies), None)):
        raise ExplorerError(f"{around.name} has no card of its own, so --cards goes without it; judge {around.base}.")
    tell_warnings(loaded)
    with progress_bar("masking") as progress:
        found = judge(
            loaded, data, source=source, size=_size(attack_size), limit=limit, restarts=restarts, seed=seed,
            progress=progress,
        )  # fmt: skip
    if cards:
        for model, verdict in zip(loaded, found.verdicts, strict=True):
            given = {
                "data": data, "source": verdict.source, "attack-size": attack_size, "limit": limit,
                "restarts": restarts, "seed": seed,
            }  # fmt: skip
            options = " ".join(f"--{key} {value}" for key, value in given.items() if value not in (None, ""))
            command = f"explorer masking {model.name} {options}"
            write_card(replace(model.card, masking=found.of_card(verdict, command)), cards)
    deliver(found, out, as_json=as_json, as_csv=as_csv)


def _size(text: str | None) -> float | None:
    return None if text is None else read_amount("pgd_linf", text, "--attack-size")
