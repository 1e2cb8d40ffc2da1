"""The page of an experiment: one Markdown file with everything that is known so far, and what is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from explorer.experiments import tables
from explorer.experiments.lines import Line, lines_of, tables_of
from explorer.experiments.schema import Experiment
from explorer.experiments.store import Results, covers
from explorer.experiments.validation import PROVENANCE
from explorer.files import write_whole

SPLIT = {"test": "the test set", "validation": "training images that each run held out, not the test set"}


def write_page(experiment: Experiment, folder: Path) -> Path:
    """Write ``<stem>.md`` and its charts, whole or not at all.

    Args:
        experiment: The experiment.
        folder: Folder of ``<stem>.jsonl``, and of the page.

    Returns:
        Path of the page.
    """
    lines = lines_of(experiment, Results(folder / f"{experiment.stem}.jsonl").rows())
    target = folder / f"{experiment.stem}.md"
    write_whole(target, "\n\n".join(_parts(experiment, lines, folder)) + "\n")
    return target


def _parts(experiment: Experiment, lines: Sequence[Line], folder: Path) -> Iterator[str]:
    yield f"# {experiment.title}"
    if experiment.paper:
        yield f"After {experiment.paper}."
    if experiment.about:
        yield experiment.about
    left = sum(len(line.cells) - len(line.rows) - line.diverged for line in lines)
    short = sum(not covers(row, experiment.measures) for line in lines for row in line.rows)
    state = f"**{left} of {len(experiment.cells)} runs {'is' if left == 1 else 'are'} not yet run.** " if left else ""
    state += f"**Of {short} not everything is measured yet.** " if short else ""
    yield (
        f"{state}Accuracy in % on {SPLIT[experiment.measures.split]}; of several seeds the mean, with the smallest and "
        "the largest in brackets. σ is the standard deviation of gaussian noise on pixels in [0, 1]. This page is "
        f"written by `explorer experiment page {name_of(experiment)}`."
    )
    recipes, groups = experiment.measures.recipes, tables_of(lines)
    for (data, arch), group in groups.items():
        if len(groups) > 1:
            yield f"## {arch}, {data}"
        yield from _group(experiment, group, recipes)
    yield from _curves(experiment, groups, folder)
    yield from _published(experiment)
    yield from _circumstances(experiment, lines)


def _group(experiment: Experiment, group: Sequence[Line], recipes: Sequence[str]) -> Iterator[str]:
    yield tables.accuracies(group, recipes, experiment.published)
    if gaps := tables.differences(group, recipes):
        yield "### Gains and losses"
        yield (
            "Points more (▲) or fewer (▼) than the standard run of the same network and data, where the 95 % interval "
            "leaves out 0; ≈ where it does not. Rows that say which images were right are paired, and an exact test "
            "has to agree; others have the wider interval of independent shares. Chance alone marks up to 5 % of these "
            f"{sum(map(gaps.count, '▲▼≈'))} differences. What another training seed changes is not in the interval."
        )
        yield gaps
    if experiment.measures.split == "validation" and (chosen := tables.best(group, recipes)):
        yield "### Best settings"
        yield "By the mean over all columns of the first table, on held-out images."
        yield chosen
    if means := tables.sensitivity(group, recipes):
        yield "### Sensitivity"
        yield (
            "The mean over the runs that have a partner at every other value of the setting, equal in all else; in "
            "brackets their range."
        )
        yield means
    if shares := tables.instability(group):
        yield "### Instability"
        yield (
            "Share of images in % that are classified correctly under some of a distortion's amounts (none among them) "
            "and wrongly under others (Cidon et al. 2021); less is better."
        )
        yield shares
    for name in experiment.measures.suites:
        if found := tables.suite(group, name, experiment.published):
            yield f"### Suite: {name}"
            count = {row["suites"][name]["n"] for line in group for row in line.rows if name in row.get("suites", {})}
            yield f"{tables.SUITE_WORDS[name]} n = {', '.join(f'{n:,}' for n in sorted(count))}."
            yield found
    if slopes := tables.theorem(group):
        yield "### Theorem 1, measured"
        yield (
            "A network of slope at most L keeps its answer within m / (√2 L) around an image, with m the margin of the "
            "true class over the next. Where f gives probabilities and is one-hot at the image, m is 1, and this is "
            "the paper's radius √2 / (2 L). So the paper's takes two assumptions, the one-hot answer and the slope L "
            "everywhere; the radius by the margin, whose quantiles over the images stand here, takes the second only, "
            "and so fits logits. Training ensures neither: the loss asks for a slope below L along random noise. Here "
            "the local slope of the logits (of the probabilities, where those were trained) around correctly "
            "classified images is estimated along 16 noise directions and by gradient ascent, in the units of "
            "normalised input, and each image is attacked within both radii. Answers that flip within the radius by "
            "the margin show where the second assumption fails. L in brackets: not trained for a slope, held to this "
            "one for comparison."
        )
        yield slopes


def _curves(experiment: Experiment, groups: dict[tuple[str, str], list[Line]], folder: Path) -> Iterator[str]:
    try:
        from explorer.experiments.curves import curves_of, write_curves
    except ModuleNotFoundError as error:  # a bare GPU machine trains and measures; the page can be written elsewhere
        yield f"No curves: the package {error.name} is not installed where this page was written."
        return
    drawn = [
        one
        for key, group in groups.items()
        for one in curves_of(key, group, experiment.measures.recipes, experiment.published)
    ]
    names = write_curves(experiment.stem, experiment.title, drawn, folder)
    if names:
        yield "## Curves"
        yield f"Interactive: [{experiment.stem}.html]({experiment.stem}.html)."
    for name, one in zip(names, drawn, strict=True):
        yield f"![{one.figure.layout.title.text}]({name})" + (f"\n\n{one.note}" if one.note else "")


def _published(experiment: Experiment) -> Iterator[str]:
    if not experiment.published:
        return
    found = dict.fromkeys(known.provenance for known in experiment.published)
    yield "## Published values"
    yield "; ".join(f"{one}: {PROVENANCE[one]}" for one in found) + "."
    noted = [f"- {known.title}, {known.source}: {known.note}" for known in experiment.published if known.note]
    if noted:
        yield "\n".join(dict.fromkeys(noted))


def _circumstances(experiment: Experiment, lines: Sequence[Line]) -> Iterator[str]:
    rows = [row for line in lines for row in line.rows]
    yield "## How this was made"
    if rows:
        versions = _distinct(", ".join(f"{name} {number}" for name, number in row["versions"].items()) for row in rows)
        hours = sum(row["seconds"] + row["seconds_measuring"] for row in rows) / 3600
        last = max(row["finished"] for row in rows)[:10]
        facts = [
            ("images measured (n)", _distinct(f"{one['n']:,}" for row in rows for one in row["results"])),
            ("seeds", _distinct(str(row["seed"]) for row in rows)),
            ("steps", _distinct(f"{row['steps']:,}" for row in rows)),
            ("hardware", _distinct(row["hardware"] for row in rows)),
            ("precision", _distinct("bfloat16 autocast" if row["bf16"] else "float32" for row in rows)),
            ("versions", versions),
            ("commit", _distinct(row["commit"] or "not known" for row in rows)),
            (
                "training and measuring",
                f"{hours:.2f} hours in all, last on {last}",
            ),
        ]
        yield "\n".join(f"- {name}: {value}" for name, value in facts)
    yield f"```sh\nexplorer experiment run {name_of(experiment)}\n```"
    commands = [f"# {line.title}{_seeds(line)}\n{line.rows[0]['command']}" for line in lines if line.rows]
    if commands:
        yield "<details><summary>Each run alone</summary>"
        yield "```sh\n" + "\n".join(commands) + "\n```"
        yield "</details>"


def _seeds(line: Line) -> str:
    seeds = [str(row["seed"]) for row in line.rows]
    return f" (--seed {', '.join(seeds)})" if seeds != ["0"] else ""


def _distinct(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(values))


def name_of(experiment: Experiment) -> str:
    """The path of the experiment's file in commands.

    Args:
        experiment: The experiment.

    Returns:
        The file with its folder.
    """
    return f"{experiment.path.resolve().parent.name}/{experiment.path.name}"
