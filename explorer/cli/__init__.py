"""The command line: one sub-command per job. Errors are one line on stderr; bad use exits with 2.

Heavy libraries are imported inside the commands, so that ``explorer --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from explorer import __version__
from explorer.cli.analysis import compare, frames, sweep, transfer, weaknesses
from explorer.cli.doubt import certify, doubt, masking
from explorer.cli.experiment import experiment
from explorer.cli.inputs import load_models, read_recipe
from explorer.cli.networks import Networks, describes_networks
from explorer.cli.options import (
    Arch,
    AsCsv,
    AsJson,
    ClassNames,
    Mean,
    Out,
    RecipeText,
    Seed,
    Side,
    Std,
    Weights,
)
from explorer.cli.output import (
    check_outs,
    deliver,
    deliver_records,
    forgive_encoding,
    progress_bar,
    tell_warnings,
)
from explorer.cli.registered import RegisteredCommand
from explorer.cli.search import duplicates, neighbours, pairs, triplets
from explorer.cli.stabilize import stabilize
from explorer.cli.survey import survey
from explorer.cli.train import measure, train
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.results import Result

# The base of all complaints about a command line. Its home moved between typer's versions, BadParameter's did not.
Complaint: type[Exception] = typer.BadParameter.mro()[2]

EXIT_CODES = (
    "Exit codes: 0 done; 1 done, but the installation is broken, runs of an experiment failed, a package is missing or "
    "the output cannot be written; 2 not done, one sentence on stderr says why; 130 interrupted."
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, epilog=EXIT_CODES)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context, *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Change a picture a little; see how much the answers of baseline and stabilized networks change."""
    if version:
        print(__version__)
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def models(
    search: Annotated[
        str | None, typer.Argument(help="Search the networks of timm and torchvision: words such as resnet50.")
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many of the networks found are listed.")] = 30,
    data: Annotated[str | None, typer.Option(help="Only models trained on this data set, such as cifar10.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    gains: Annotated[bool, typer.Option("--gains", help="What each gains and loses against the standard one.")] = False,
    against: Annotated[str | None, typer.Option(help="With --gains: the model to compare with.")] = None,
    markdown: Annotated[bool, typer.Option(help="Print a Markdown table.")] = False,
) -> None:
    """List the models that are here, with their measured accuracies; those of others with the reported ones.

    With words to search for: networks of timm and torchvision, with size, licence, input, and whether they are here.
    """
    from explorer.cli import tables
    from explorer.data.classes import listed
    from explorer.models import list_models

    if search is not None:
        from explorer.models.offers import search as find
        from explorer.models.offers import weigh

        found, total = find(search, limit)
        offers = [{**one.to_dict(), "bytes": one.bytes or weigh(one.name)} for one in found]
        rest = [] if total <= limit else [f"{total - limit:,} more; --limit {total} lists all."]
        deliver_records(offers, lambda: [tables.offers_table(offers), *rest], as_json=as_json, as_csv=as_csv)
        return
    cards = [card for card in list_models() if data in (None, card.data)]
    if not cards:
        known = listed(sorted({card.data for card in list_models()}))
        raise ExplorerError(f"No model that is here was trained on {data!r}; there are models of {known}.")
    baseline = None if against is None else next((card for card in cards if card.name == against), None)
    if against is not None and baseline is None:
        raise ExplorerError(f"No shipped model is named {against!r}; 'explorer models' lists them.")
    if markdown and not as_json:
        print(tables.models_markdown(cards, gains=gains))
        return
    records = [card.to_dict() for card in cards]
    if gains and not as_json:
        head, rows = tables.gain_rows(cards, baseline)
        lines = [dict(zip(head, row, strict=True)) for row in rows]
        shown = tables.plain_table(head, rows)
        deliver_records(lines, lambda: [shown, "In points, with 95 % intervals."], as_json=False, as_csv=as_csv)
        return
    if as_csv:  # a line for each measured accuracy; cards hold hundreds of numbers
        named = [({"model": c.name, "arch": c.arch, "method": c.method, "data": c.data}, c.results) for c in cards]
        facts = ("recipe", "seed", "n", "accuracy")
        records = [{**name, **{k: one.get(k) for k in facts}} for name, results in named for one in results]
    both = [tables.models_table(cards), tables.library_models_table(cards)]
    deliver_records(records, lambda: both, as_json=as_json, as_csv=as_csv)


@app.command()
def distortions(*, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the distortions with their amounts and units."""
    from explorer.cli import tables
    from explorer.distortions import DISTORTIONS

    known = list(DISTORTIONS.values())
    records = [{k: v for k, v in vars(d).items() if k not in {"function", "of_pictures"}} for d in known]
    deliver_records(records, lambda: [tables.distortions_table(known)], as_json=as_json, as_csv=as_csv)


@app.command()
def remedies(*, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List what can stand around any model without training, such as MODEL+smoothing(sigma=0.25,n=100)."""
    from explorer.cli import tables
    from explorer.models.remedies import REMEDIES

    known = [one.to_dict() for one in REMEDIES.values()]
    rows = [[one["written"], f"{one['help']}\n{one['source']}", str(one["passes"])] for one in known]
    shown = tables.plain_table(["written, with its defaults", "what it does", "forward passes"], rows)
    deliver_records(known, lambda: [shown], as_json=as_json, as_csv=as_csv)


app.command()(compare)
app.command(cls=RegisteredCommand)(sweep)
app.command(cls=RegisteredCommand)(weaknesses)
app.command()(transfer)
app.command()(frames)
app.command()(certify)
app.command()(doubt)
app.command()(masking)


@app.command(cls=RegisteredCommand)
@describes_networks
def evaluate(
    models: Annotated[list[str], typer.Argument(help="Models by name or path.", metavar="MODEL...")],
    data: Annotated[
        str, typer.Option(help="Data set: {datasets}, a folder of class folders, a .csv or .jsonl list, an .npz.")
    ],
    recipe: RecipeText = "clean",
    suite: Annotated[
        str | None,
        typer.Option(
            help="In place of a recipe: corruptions, adversarial, calibration, line-search, autoattack, zheng, "
            "perturbations, certified."
        ),
    ] = None,
    seed: Seed = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many images: a stratified sample, or a benchmark's first.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="train or test; else the test split, and where there is none, all images.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images a batch; no matter for the result.")] = None,
    out: Out = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Measure accuracy on a test set, clean or distorted, or run a whole suite.

    Every image gets noise of its own, drawn from the seed and its place in the set. Suites: corruptions, the 15 of
    CIFAR-10-C, above 64 px of ImageNet-C, at 5 severities; adversarial, FGSM and PGD-20 crafted on each model, and the
    worst of them; calibration, whether a model is right as often as it says, clean and under the corruptions;
    line-search, the smallest step along a gradient that changes a right answer; perturbations, how often answers flip
    along the sequences of CIFAR-10-P, above 64 px of ImageNet-P; certified, within which L2 distance answers smoothed
    by noise provably stay.
    """
    from explorer import evaluation
    from explorer.data.datasets import load_dataset

    check_outs(out)
    chain = read_recipe(recipe, seed)
    if suite is not None and chain.steps:
        raise ExplorerError(
            "--suite brings its own distortions, so that it goes without --recipe; give one of the two."
        )
    loaded = networks.load(models)
    tell_warnings(loaded)
    dataset = load_dataset(data, split)
    found: Result
    with progress_bar(", ".join(model.name for model in loaded)) as progress:
        if suite is not None:
            found = evaluation.run_suite(
                loaded, dataset, suite, limit=limit, seed=chain.seed, batch_size=batch_size, progress=progress
            )
        else:
            found = evaluation.evaluate_many(
                loaded, dataset, chain, limit=limit, batch_size=batch_size, progress=progress
            )
    deliver(found, out, as_json=as_json, as_csv=as_csv)


app.command()(stabilize)
for search_command in (pairs, neighbours, triplets, duplicates):
    app.command()(search_command)
app.add_typer(survey, name="survey")
app.add_typer(experiment, name="experiment")
app.command(cls=RegisteredCommand, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(train)

app.command()(measure)


@app.command("app")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 127.0.0.1 is this machine only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port; the next free one if it is taken.")] = 7860,
    models: Annotated[list[str] | None, typer.Option(help="Models to start with, by name or path.")] = None,
    arch: Arch = None,
    mean: Mean = None,
    std: Std = None,
    size: Side = None,
    classes: ClassNames = None,
    weights: Weights = None,
    data: Annotated[
        list[str] | None, typer.Option(help="Your own images: a folder, a list or an .npz. May be repeated.")
    ] = None,
    survey: Annotated[
        list[Path] | None, typer.Option(help="A survey, or a folder of surveys, to show. May be repeated.")
    ] = None,
    name: Annotated[list[str] | None, typer.Option(help="A host name it is reached by, behind a proxy.")] = None,
    root_path: Annotated[str, typer.Option(help="The sub-path under which a proxy serves it: /tools/explorer.")] = "",
    *,
    mcp: Annotated[bool, typer.Option("--mcp", help="Serve the API to MCP clients, too.")] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Serve the live explorer on this machine, and its API."""
    from explorer.app import free_port, read_root_path, serve
    from explorer.data.datasets import open_dataset

    if missing := [str(folder) for folder in survey or () if not folder.is_dir()]:
        raise ExplorerError(
            f"--survey {missing[0]} is not a folder; give the folder of a survey, or one that holds surveys."
        )
    read_root_path(root_path)
    free_port(host, port)  # a wrong address is reported before the models load
    described = any(option is not None for option in (arch, mean, std, size, classes))
    loaded = (
        load_models(models or [], arch, mean, std, "auto", weights=weights, size=size, classes=classes)
        if models or described
        else None
    )
    tell_warnings(loaded or [])
    opened = [open_dataset(folder) for folder in data or ()]
    serve(
        host,
        port,
        models=loaded,
        data=opened,
        surveys=survey or (),
        names=name or (),
        root_path=root_path,
        mcp=mcp,
        open_browser=open_browser,
    )


@app.command()
def doctor(*, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Check the installation; print the command that repairs it."""
    from explorer.cli import tables
    from explorer.doctor import examine, healthy

    findings = examine()
    records = [vars(finding) for finding in findings]
    deliver_records(records, lambda: [tables.findings_text(findings)], as_json=as_json, as_csv=as_csv)
    if not healthy(findings):
        raise typer.Exit(1)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code.

    Args:
        arguments: The arguments; ``sys.argv`` by default.

    Returns:
        Never.
    """
    forgive_encoding()
    arguments = [_at_home(text) for text in (sys.argv[1:] if arguments is None else arguments)]
    command = typer.main.get_command(app)
    warnings.simplefilter("ignore", ExplorerWarning)  # results hold the warnings
    try:
        code = command.main(arguments, prog_name="explorer", standalone_mode=False)
    except ExplorerError as error:
        _fail(str(error))
    except Complaint as error:
        _fail(error.format_message())  # type: ignore[attr-defined]  # all of typer's complaints have it
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(130)
    except OSError as error:  # a full disk behind stdout; where files are read and written, errors are ours
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115  # Python would complain once more at its end
        _fail(f"{error.strerror or error}: {error.filename or 'the output could not be written'}.", code=1)
    except ModuleNotFoundError as error:
        _fail(f"the package {error.name} is not installed; 'explorer doctor' shows how to get it.", code=1)
    sys.exit(code if isinstance(code, int) else 0)


def _at_home(text: str) -> str:
    """``~`` at the start of an argument or of an option's value, which not every shell replaces."""
    option, equals, value = text.partition("=") if text.startswith("--") else ("", "", text)
    return f"{option}{equals}{os.path.expanduser(value)}" if value.startswith("~") else text  # noqa: PTH111


def _fail(message: str, code: int = 2) -> NoReturn:
    """One line on stderr, then the end."""
    print(f"explorer: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
