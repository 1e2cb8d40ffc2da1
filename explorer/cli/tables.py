"""Results, models and distortions as tables: for the terminal (rich) and for the README (Markdown)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from explorer.reports import tables as text
from explorer.reports.tables import short

if TYPE_CHECKING:
    from rich.console import RenderableType

    from explorer.distortions import Distortion
    from explorer.doctor import Finding
    from explorer.models import Card
    from explorer.results import Result


def model_rows(cards: Sequence[Card]) -> tuple[list[str], list[list[str]]]:
    """The table of models as text.

    Args:
        cards: Cards of the models; those that libraries bring have a table of their own.

    Returns:
        Titles of the columns, and rows; one column per recipe that the cards hold, accuracies in per cent.
    """
    cards = [card for card in cards if not card.source]  # not those of others, measured on other data
    fullest_first = sorted(cards, key=lambda card: -len(card.results))  # its order of recipes is the table's
    recipes = list(dict.fromkeys(result["recipe"] for card in fullest_first for result in card.results))
    titles = [
        recipe.replace("gaussian_noise=", "σ ").replace("thumbnail", "thumb").replace("=", " ") for recipe in recipes
    ]
    rows = []
    for card in cards:
        found = {result["recipe"]: f"{100 * result['accuracy']:.1f}" for result in card.results}
        counts = sorted({result["n"] for result in card.results})
        accuracies = [found.get(recipe, "") for recipe in recipes]
        rows.append([card.name, *accuracies, ", ".join(f"{n:,}" for n in counts)])
    return ["model", *titles, "n"], rows


def gain_rows(cards: Sequence[Card], against: Card | None = None) -> tuple[list[str], list[list[str]]]:
    """What each model gains and loses most against the standard one of its data set.

    Args:
        cards: Cards of the models.
        against: The model to compare with, instead.

    Returns:
        Titles of the columns, and rows: points with their 95 % interval; counts of differences by interval and test.
    """
    from explorer.evaluation.gains import baseline_of, condition_title, gains

    rows = []
    for card in cards:
        if against is not None and (card.data == against.data) <= (card.name == against.name):
            continue
        known = [gain for gain in gains(card, against or baseline_of(card, cards)) if gain.difference is not None]
        if not known:
            continue
        cells = []
        for sign in (1, -1):
            same = [gain for gain in known if gain.sign == sign]
            best = max(same, key=lambda gain: sign * (gain.difference or 0), default=None)
            low, high = (best.interval if best else None) or (0, 0)
            points = f"{_points(best.difference or 0)} ({_points(low)} to {_points(high)})" if best else "none"
            cells.append(f"{points}: {condition_title(best.recipe)}" if best else points)
            cells.append(f"{len(same)} ({sum(gain.holm for gain in same)})")
        gained, more, lost, fewer = cells
        how = "paired" if all(gain.paired for gain in known) else "not paired"
        rows.append([card.name, gained, lost, f"{more} / {fewer} of {len(known)}", how])
    return ["model", "largest gain", "largest loss", "gained / lost (after Holm's correction)", "interval"], rows


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def models_table(cards: Sequence[Card]) -> Table:
    """The shipped models with their measured accuracies.

    Args:
        cards: Cards of the models.

    Returns:
        The table.
    """
    header, rows = model_rows(cards)
    return drawn(text.Table(header, rows, 1, "accuracy on the test set, in %"))


def offers_table(offers: Sequence[dict[str, Any]]) -> Table:
    """Networks that timm and torchvision publish.

    Args:
        offers: What ``explorer.models.offers.Offer.to_dict`` returned of each, with its bytes.

    Returns:
        The table.
    """
    rows = [
        [
            one["name"],
            f"{one['size']} px",
            f"{one['classes']:,}",
            f"{one['bytes'] / 1e6:,.1f}",
            one["licence"],
            "" if one["accuracy"] is None else f"{100 * one['accuracy']:.1f} %",
            "yes" if one["here"] else "",
        ]
        for one in offers
    ]
    return plain_table(["model", "input", "classes", "MB", "licence", "accuracy (reported)", "here"], rows)


def library_models_table(cards: Sequence[Card]) -> Table:
    """The models that installed libraries bring.

    Args:
        cards: Cards of models; the others are left out.

    Returns:
        A table of what each takes and knows, under which licence it may be used, and which accuracy is reported of it.
    """
    rows = [
        [
            card.name,
            str(card.source.get("licence", "not stated")),
            f"{card.size} px",
            f"{len(card.classes):,}",
            f"{100 * card.source['accuracy']:.1f}" if "accuracy" in card.source else "–",
        ]
        for card in cards
        if card.source
    ]
    caption = "reported: accuracy in % on ImageNet"
    return drawn(text.Table(["model", "licence", "input", "classes", "reported"], rows, 2, caption))


def models_markdown(cards: Sequence[Card], *, gains: bool = False) -> str:
    """The table of models in Markdown.

    Args:
        cards: Cards of the models.
        gains: What they gain and lose, instead of the accuracies.

    Returns:
        Markdown.
    """
    header, rows = gain_rows(cards) if gains else model_rows(cards)
    rows = [[f"`{name}`", *rest] for name, *rest in rows]
    rule = "|".join(["---", *["---" if gains else "---:"] * (len(header) - 1)])
    first, *rest = (f"| {' | '.join(cells)} |" for cells in [header, *rows])
    return "\n".join([first, f"|{rule}|", *rest])


def distortions_table(distortions: Sequence[Distortion]) -> Table:
    """The registered distortions, family by family.

    Args:
        distortions: The distortions.

    Returns:
        A table of what each does, its range, its identity and the published five severities by data set.
    """
    rows = []
    for d in distortions:
        facts = [f"{short(d.low)} to {short(d.high)} {d.unit}".rstrip(), f"off at {short(d.identity)}"]
        if d.reach is not None:
            facts.append(f"in recipes to {short(d.reach)}")
        for data_set, five in (d.severities or {}).items():
            facts.append(f"{data_set} 1-5: {' '.join(map(short, five))}")
        rows.append([d.family, d.name, f"{d.help}\n{'  ·  '.join(facts)}"])
    return drawn(text.Table(["family", "name", "what it does  ·  amount"], rows, 3, unbroken=(0, 1)))


def result_parts(result: Result) -> list[RenderableType]:
    """Prepare a result for the terminal.

    Args:
        result: The result.

    Returns:
        Its heading if it has one, its tables and its notes.
    """
    from explorer.reports.sheets import sheet

    found = sheet(result)
    return [*([found.heading] if found.heading else []), *map(drawn, found.tables), *found.notes]


def plain_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Make a table of any columns, such as those of a query.

    Args:
        header: Titles of the columns.
        rows: Values.

    Returns:
        The table.
    """
    return drawn(text.plain_table(header, rows))


def drawn(table: text.Table) -> Table:
    """Prepare a table for the terminal.

    Args:
        table: The table as text.

    Returns:
        A table without a frame; numbers are aligned right and never broken into two lines.
    """
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, caption=table.caption or None)
    for i, title in enumerate(table.head):
        number = i >= table.left
        unbroken = max((len(line) for row in table.rows for line in row[i].split("\n")), default=0) if number else None
        made.add_column(
            title,
            justify="right" if number else "left",
            overflow="fold",
            no_wrap=i in table.unbroken,
            min_width=unbroken,
        )
    for row in table.rows:
        made.add_row(*row)
    return made


def findings_text(findings: Sequence[Finding]) -> Text:
    """The report of ``explorer doctor``.

    Args:
        findings: What was found.

    Returns:
        One line each; below each problem, unbroken, the command that solves it.
    """
    marks = {"ok": ("ok", "green"), "optional": ("absent", "yellow"), "broken": ("BROKEN", "bold red")}
    lines = Text()
    for finding in findings:
        word, style = marks[finding.status]
        lines.append(f"{finding.area:9}").append(f"{word:8}", style).append(f"{finding.what}\n")
        if finding.fix:
            lines.append(f"{'':17}{finding.fix}\n", "bold")
    lines.rstrip()
    return lines
