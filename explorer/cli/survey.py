"""``explorer survey``: whole data sets under distortions, from the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from explorer.cli.inputs import read_names, read_numbers
from explorer.cli.networks import Networks, describes_networks
from explorer.cli.options import AsCsv, AsJson, Models, Out
from explorer.cli.output import (
    check_outs,
    deliver,
    deliver_records,
    print_csv,
    print_json,
    print_parts,
    progress_bar,
    tell_warnings,
    written,
)
from explorer.errors import ExplorerError
from explorer.numbers import counted

survey = typer.Typer(
    help="Find failure cases over a whole data set: run, show, report, doubt, export.", no_args_is_help=True
)

Folder = Annotated[Path, typer.Argument(help="The folder of a survey.", metavar="DIR")]
ENGINES = ("local", "ray")
WIDE = 14  # columns that fit a terminal; of more only these are shown
TOLD = (
    "case", "image", "distortion", "amount", "model", "label", "prediction", "margin_true", "other_prediction",
    "other_margin_true", "feature_l2", "l2", "gain",
)  # fmt: skip
SHOWN = 20  # rows of a table in the terminal where no limit is given


@survey.command()
@describes_networks
def run(
    models: Models,
    data: Annotated[
        str, typer.Option(help="A known data set, a folder of class folders, a .csv or .jsonl list, an .npz.")
    ],
    distortions: Annotated[
        list[str], typer.Option(help="Names, separated by commas; with amounts of their own jpeg=50:20.")
    ],
    out: Annotated[Path, typer.Option(help="The folder for the rows; an unfinished survey there is finished.")],
    amounts: Annotated[
        str | None, typer.Option(help="Amounts for distortions without own ones; else severities 1 to 5.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds of random distortions, separated by commas.")] = "0",
    against: Annotated[
        str | None, typer.Option(help="The model all attacks are crafted on; else each on itself.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many images: a stratified sample, or a benchmark's first.")
    ] = None,
    precision: Annotated[str, typer.Option(help="float32, or bfloat16, which pays on a GPU.")] = "float32",
    on: Annotated[
        str, typer.Option(help="What is distorted: the networks' input, or the photograph at its own size.")
    ] = "input",
    engine: Annotated[
        str, typer.Option(help="local, or ray: several workers, here or where RAY_ADDRESS says.")
    ] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Workers of --engine ray.")] = 2,
    *,
    floats: Annotated[bool, typer.Option("--float", help="Do not round distorted pixels to 8 bits.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it will take.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    networks: Networks,
) -> None:
    """Ask models about every image of a data set under every distortion; stop it and run it again as you like."""
    from explorer.data.datasets import open_dataset
    from explorer.evaluation.sample import Sample
    from explorer.survey import cost, make_plan, ray_workers
    from explorer.survey import run as run_survey
    from explorer.survey.plan import images_of

    if engine not in ENGINES:
        raise ExplorerError(f"There is no engine {engine!r}; there are {' and '.join(ENGINES)}.")
    numbers = read_numbers("--seeds", seeds) or []
    if any(number != int(number) for number in numbers):
        raise ExplorerError(f"--seeds takes whole numbers separated by commas, not {seeds!r}.")
    loaded = networks.load(models)
    tell_warnings(loaded)
    dataset = images_of(open_dataset(data), loaded)
    plan = make_plan(
        loaded,
        dataset,
        read_names(distortions),
        amounts=read_numbers("--amounts", amounts),
        seeds=[int(number) for number in numbers],
        against=against,
        quantised=not floats,
        limit=limit,
        precision=precision,
        on=on,
    )
    side = plan.working_side
    copies = (
        [] if side is None else [f"Photographs of more than {side:,} px are distorted as a copy of that long side."]
    )
    if dry_run:
        from explorer.survey import finished_images

        takes = cost(loaded, dataset, plan, finished_images(plan, out))
        forecast: dict[str, Any] = {"rows": takes.rows, "bytes": takes.bytes, "minutes": takes.seconds / 60}
        forecast |= {} if side is None else {"working_side": side}
        left = f"{takes.bytes / 1e6:,.1f} MB and {takes.seconds / 60:,.1f} minutes to go"
        words = f"{counted(takes.rows, 'row')}, about {left}"
        print_json(forecast) if as_json else print_csv([forecast]) if as_csv else print_parts(words, *copies)
        return
    with progress_bar(f"{counted(len(plan.conditions), 'condition')}, {counted(plan.rows, 'image')}") as progress:
        spread = ray_workers(workers) if engine == "ray" else None
        store = run_survey(loaded, dataset, plan, out, progress=progress, engine=spread)
    sample = Sample.of(loaded, dataset, limit, photographs=plan.photographs)
    sample.unread = store.unread()
    found = {"folder": str(out), "rows": plan.answers, "unread": sample.unread}
    found |= {"sample": sample.words, "warnings": sample.notes} | ({} if side is None else {"working_side": side})
    if as_json:
        print_json(found)
    elif as_csv:
        print_csv([found])
    else:
        print_parts(
            *([f"{dataset.name}: {sample.words}"] if sample.words else []),
            *(f"Note: {note}" for note in [*copies, *sample.notes]),
            f"Finished: {out}. Look at it with: explorer survey show {out}",
        )


@survey.command()
def show(
    folder: Folder,
    view: Annotated[str, typer.Option(help="A ready-made table; --list names them.")] = "quadrants",
    sql: Annotated[str | None, typer.Option(help="A query over rows, such as: select count(*) from rows.")] = None,
    baseline: Annotated[str | None, typer.Option(help="The model to compare with; else the survey's first.")] = None,
    other: Annotated[str | None, typer.Option(help="The model compared; else the survey's second.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows at most.")] = None,
    *,
    listed: Annotated[bool, typer.Option("--list", help="List the ready-made tables.")] = False,
    out: Out = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Ask a survey: a ready-made table, or SQL."""
    from explorer.cli import tables
    from explorer.results import plain_records
    from explorer.survey import VIEWS, Survey
    from explorer.survey.frame import View

    if listed:
        head = ["view", "what it shows"]
        if as_json:
            print_json(VIEWS)
        elif as_csv:
            print_csv([dict(zip(head, row, strict=True)) for row in VIEWS.items()])
        else:
            print_parts(tables.plain_table(head, list(VIEWS.items())))
        return
    check_outs(out)
    found = Survey(folder)
    frame = View.of(found.sql(sql), "query") if sql else found.view(view, baseline=baseline, other=other, limit=limit)
    for path in out or ():
        written(frame.save(path))
    if as_json or as_csv:
        records = plain_records(frame if limit is None else frame.head(limit))
        print_json(records) if as_json else print_csv(records)
        return
    shown = frame.head(limit or SHOWN)
    rest = len(frame) - len(shown)
    more = [f"{counted(rest, 'more row')}; --limit {len(frame)} shows all, --json gives all."] if rest > 0 else []
    if frame.title == "differences":
        tests = int(frame.p.notna().sum())
        more.append(
            f"{tests} tests: chance alone brings up to {0.05 * tests:.1f} p below 0.05; p_holm counts them all."
        )
    if len(frame.columns) > WIDE:
        shown = shown[[name for name in TOLD if name in shown.columns]]
        more.append(f"{len(frame.columns) - len(shown.columns)} more columns; --json and --sql give all.")
    print_parts(tables.plain_table(list(shown.columns), shown.itertuples(index=False, name=None)), *more)


Baseline = Annotated[str | None, typer.Option(help="The model to compare with; else the survey's first.")]
Other = Annotated[str | None, typer.Option(help="The model compared; else the survey's second.")]


@survey.command()
def report(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The page to write.")] = Path("survey.html"),
    baseline: Baseline = None,
    other: Other = None,
    data: Annotated[
        str | None, typer.Option(help="Where the pictures are, if the survey is of a folder or a file.")
    ] = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Write what a survey found as one HTML page that opens anywhere, without a network."""
    from datetime import UTC, datetime

    from explorer.files import write_whole
    from explorer.reports.survey import survey_report
    from explorer.survey import Survey, data_of
    from explorer.survey.report import findings

    opened = Survey(folder)
    found = findings(opened, baseline=baseline, other=other, data=data_of(opened, data) if data else None)
    page = survey_report(found, datetime.now(UTC).date().isoformat())
    write_whole(out, page)
    words = [*([found.missing] if found.missing else []), f"Written: {out}"]
    record = {"file": str(out), "missing": found.missing}
    deliver_records([record], lambda: words, as_json=as_json, as_csv=as_csv)


@survey.command()
def doubt(
    folder: Folder,
    distortion: Annotated[str | None, typer.Option(help="Only the rows of this one; else all.")] = None,
    out: Out = None,
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Measure how well an answer's own doubt tells the failures of a survey, beside the control p (1 - p).

    Of its rows; 'explorer doubt' measures the scores that ask a network anew. JSON holds ROC and risk-coverage curves.
    """
    from explorer.survey import Survey
    from explorer.survey.doubt import survey_doubts

    check_outs(out)
    deliver(survey_doubts(Survey(folder), distortion), out, as_json=as_json, as_csv=as_csv)


@survey.command()
def export(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    format: Annotated[str, typer.Option(help="csv, parquet or fiftyone.")] = "csv",  # noqa: A002  # the option's name
    *,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Write all rows, with stars, tags and notes, into one file for other programs."""
    from explorer.survey import Survey
    from explorer.survey.export import export as write

    count = write(Survey(folder), format, out)
    record, words = {"file": str(out), "rows": count}, f"Written: {out}, {counted(count, 'row')}."
    deliver_records([record], lambda: [words], as_json=as_json, as_csv=as_csv)
