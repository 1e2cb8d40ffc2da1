"""The tables of the site, made from the registries when it is built: what is registered is listed, and nothing else.

Each function returns a Markdown table; ``TABLES`` names them as the pages include them.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape

from docs.tools import drawing


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """A Markdown table; the last ``numbers`` columns are aligned to the right."""
    rule = ["---"] * (len(header) - numbers) + ["---:"] * numbers
    return "\n".join(f"| {' | '.join(map(_cell, cells))} |" for cells in [header, rule, *rows]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _number(value: float) -> str:
    return f"{value:.4g}"


def distortions() -> str:
    """Every distortion: what it does, the range and unit of its amount, the amount that changes nothing."""
    from explorer.distortions import DISTORTIONS

    rows = []
    for one in DISTORTIONS.values():
        low, high = one.limits if one.reach is not None else (one.low, one.high)
        unit = "of full scale" if one.unit == "n/255" else one.unit
        amount = f"{_number(low)} to {_number(high)} {unit}<br>off at {_number(one.identity)}"
        rows.append((f"`{one.name}`<br>{one.family}", f"{one.help}<br>*{one.source}*", amount))
    return markdown(("name, family", "what it does, source", "amount"), rows)


def distortion_details() -> str:
    """What exactly each distortion computes: the rest of its docstring, after the help."""
    from explorer.distortions import DISTORTIONS

    parts = []
    for one in DISTORTIONS.values():
        text = inspect.cleandoc(one.function.__doc__ or "").partition("\nArgs:")[0].partition("\n\n")[2].strip()
        if text:
            parts.append(f"`{one.name}`\n: {_plain(text)}\n")
    return "\n".join(parts)


def _plain(text: str) -> str:
    """The prose of a docstring as Markdown: its signs mean themselves, except in ``code``."""
    pieces = text.split("``")
    pieces[::2] = [re.sub(r"([\\*_<>\[\]$^~])", r"\\\1", piece) for piece in pieces[::2]]
    return " ".join("`".join(pieces).split())


def severities() -> str:
    """The published severities 1 to 5 of each distortion that has some, in its unit, by data set."""
    from explorer.distortions import DISTORTIONS

    rows = [
        (f"`{one.name}`", one.unit, data_set, *map(_number, five))
        for one in DISTORTIONS.values()
        for data_set, five in (one.severities or {}).items()
    ]
    return markdown(("distortion", "unit", "data set", "1", "2", "3", "4", "5"), rows, numbers=5)


def methods() -> str:
    """Every training method: its title, what it does, and its options with their defaults."""
    from explorer.models import METHODS

    rows = []
    for name, one in METHODS.items():
        options = [f"`--{option.replace('_', '-')} {value}`" for option, value in one.options.items()]
        rows.append((f"`{name}`", one.title, one.summary, "<br>".join(options) or "none"))
    return markdown(("method", "title", "what it does", "options and their defaults"), rows)


def method_cards() -> str:
    """Every training method as a section: idea, formulas, cost, what to beware of, and its paper."""
    from explorer.app.methods.formulas import mathml
    from explorer.models import METHODS

    parts = []
    for one in METHODS.values():
        parts.append(f"### {one.title}\n\n{one.summary}\n")
        if one.formulas:
            lines = [
                f'<div class="math"><math display="block" aria-label="{escape(formula.spoken)}">'
                f"{mathml(formula.text)}</math></div>"
                for formula in one.formulas
            ]
            parts.append("\n".join(["```{raw} html", *lines, "```", "", one.symbols, ""]))
        parts.append("\n\n".join(filter(None, (one.cost, one.caution))) + "\n")
        if one.source is not None:
            arxiv = (
                f", [arXiv {one.source.arxiv}](https://arxiv.org/abs/{one.source.arxiv})" if one.source.arxiv else ""
            )
            parts.append(f"{one.source.authors} {one.source.year}, *{one.source.title}*{arxiv}.\n")
    return "\n".join(parts)


def remedies() -> str:
    """Every remedy around a model: how it is written, what it does, and the forward passes of one answer."""
    from explorer.models.remedies import REMEDIES

    rows = [
        (f"`{one.write(one.settings)}`<br>{one.title}", f"{one.help}<br>*{one.source}*", f"{one.copies(one.settings)}")
        for one in REMEDIES.values()
    ]
    return markdown(("written behind a model, with its defaults", "what it does, source", "passes"), rows, numbers=1)


def remedies_measured() -> str:
    """What each remedy gains and loses around a network, as its tool measured it."""
    from explorer.app.methods.remedies import remedies_measured as measured

    found = measured()
    if found is None:
        return "Not measured yet.\n"
    parts = []
    for table in found["tables"]:
        rows = [
            (
                f"`{row['written']}`" if row["written"] else row["title"],
                f"{row['passes']}",
                *(cell for key in ("clean", "noise") for cell in (_percent(row[key]), _gap(row[key]["difference"]))),
                _percent(row["attacked"]),
                " ".join(row["attacked"]["signs"]) or "no sign of masking",
            )
            for row in table["rows"]
        ]
        head = ("around it", "passes", "clean", "change", table["noise"], "change", "attacked", "verdict")
        words = f"`{table['model']}`, n = {table['n']}, attacks of {table['size']:.3g} in the L-infinity norm:"
        parts.append(f"{words}\n\n{markdown(head, rows)}")
    return "\n".join([*parts, f"Measured by `{found['command']}`.\n"])


def _percent(one: dict[str, float]) -> str:
    return f"{100 * one['accuracy']:.1f} ({100 * one['low']:.1f} to {100 * one['high']:.1f})"


def _gap(one: dict[str, float] | None) -> str:
    return "–" if one is None else f"{100 * one['value']:+.1f} ({100 * one['low']:+.1f} to {100 * one['high']:+.1f})"


def doubts() -> str:
    """Every score of doubt: what it measures, and the forward passes that it costs beside the answer's own."""
    from explorer.analysis.doubt import DOUBTS

    rows = [(f"`{one.name}`", f"{one.help}<br>*{one.source}*", str(one.passes)) for one in DOUBTS.values()]
    return markdown(("score", "what it measures, source", "passes"), rows, numbers=1)


def architectures() -> str:
    """Every architecture: the input it was designed for, and its parameters with ten classes."""
    from explorer.models import ARCHITECTURES

    rows = []
    for name, one in sorted(ARCHITECTURES.items()):
        net = one.build(classes=10, in_channels=one.channels)
        count = sum(parameter.numel() for parameter in net.parameters())
        rows.append((f"`{name}`", one.help, f"{one.channels}×{one.size}×{one.size}", f"{count:,}"))
    return markdown(("architecture", "what it is", "input", "parameters"), rows, numbers=2)


def datasets() -> str:
    """Every named data set: test images, their classes and channels, and the size of the download."""
    from explorer.data.datasets import DATASETS
    from explorer.data.downloads import megabytes
    from explorer.data.published import PUBLISHED

    rows = []
    for name, one in DATASETS.items():
        known = PUBLISHED.get(name)
        where = f"{megabytes(known.size)} from {known.host}" if known is not None else "none: comes along"
        rows.append((f"`{name}`", one.help, ", ".join(one.classes), str(one.channels), f"{one.rows:,}", where))
    return markdown(("data set", "what it holds", "classes", "channels", "test images", "download"), rows)


def models() -> str:
    """The shipped models with their measured accuracies, as ``explorer models --markdown`` prints them."""
    from explorer.cli.tables import models_markdown
    from explorer.models import list_models

    return models_markdown(list_models()) + "\n"


def gains() -> str:
    """What the shipped models gain and lose, as ``explorer models --gains --markdown`` prints it."""
    from explorer.cli.tables import models_markdown
    from explorer.models import list_models

    return models_markdown(list_models(), gains=True) + "\n"


def published() -> str:
    """Values that others published, or that their public weights reach."""
    from explorer.models import method_title
    from explorer.models.methods import published_values

    rows = []
    for one in published_values():
        about = "about " if one.about else ""
        condition = "clean" if one.distortion is None else f"`{one.distortion}` {about}{_number(one.amount or 0)}"
        source = f"{one.source.short} ({one.provenance})"
        network = f"{one.arch}, {one.setting}"
        rows.append((one.data, method_title(one.method), network, condition, source, f"{100 * one.accuracy:.2f}"))
    return markdown(("data", "method", "network and setting", "condition", "source", "accuracy, %"), rows, numbers=1)


def views() -> str:
    """The ready-made tables of a survey."""
    from explorer.survey import VIEWS

    return markdown(("table", "what it shows"), [(f"`{name}`", text) for name, text in VIEWS.items()])


def benchmarks() -> str:
    """What ``make bench`` measures."""
    from benchmarks.run import MEASURES, PAGES

    measures: dict[str, Callable[..., object]] = {**MEASURES, **PAGES}
    rows = [(f"`{name}`", " ".join((one.__doc__ or "").split())) for name, one in measures.items()]
    return markdown(("part", "what it measures"), rows)


def endpoints() -> str:
    """The endpoints of the HTTP API, from the docstrings that its callers see."""
    from explorer.app.api import Api

    parts = []
    for name, one in vars(Api).items():
        if inspect.iscoroutinefunction(one) and not name.startswith("_"):
            about, _, rest = inspect.cleandoc(one.__doc__ or "").partition("\nParameters:\n")
            arguments = [f"- `{line.strip().replace(':', '`:', 1)}" for line in rest.partition("\n\n")[0].splitlines()]
            returns = (rest or about).partition("Returns:\n")[2].strip()
            parts.append("\n".join([f"### /{name}", "", about.partition("\nReturns:")[0].strip(), "", *arguments, ""]))
            parts.append(f"Returns: {returns}.\n")
    return "\n".join(parts)


def parts() -> str:
    """The parts of the package, from the highest floor to the lowest, with the first sentence of their docstrings."""
    graph = drawing.parts()
    rows = []
    for part in (part for row in reversed(drawing.floors(graph)) for part in row):
        folder = drawing.PACKAGE / part
        path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        rows.append((f"`{part}`", _plain(text.partition("\n\n")[0])))
    return markdown(("part", "what it is"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "distortions": distortions,
    "distortion_details": distortion_details,
    "severities": severities,
    "methods": methods,
    "remedies": remedies,
    "remedies_measured": remedies_measured,
    "doubts": doubts,
    "method_cards": method_cards,
    "architectures": architectures,
    "datasets": datasets,
    "models": models,
    "gains": gains,
    "published": published,
    "views": views,
    "benchmarks": benchmarks,
    "endpoints": endpoints,
    "parts": parts,
}
