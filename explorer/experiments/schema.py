"""Reading an experiment: a TOML file, checked word by word, as frozen records.

The format is described in ``experiments/README.md``. Unknown keys are refused with one
sentence that names the key, so that a typo cannot silently define another experiment.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.evaluation.suites import SUITES
from explorer.experiments.grid import Cell, expand
from explorer.experiments.validation import TRAIN, Evaluate, Published, Reference, read_tables
from explorer.models.methods import published_values


@dataclass(frozen=True)
class Measures:
    """What is measured on each trained model.

    Attributes:
        split: "test", or "validation": the training images that the run held out.
        limit: The first images only; None for all.
        recipes: On which accuracies are measured.
        suites: Which suites are run.
        suite_limit: The first images only, for suites; None for ``limit``.
        theorem: Images on which local slopes are measured (``explorer.evaluation.slopes``), 0 for none.
        bound: What slopes are compared with, but for Lipschitz runs, which are compared with their own bound.
        sigma: The noise of the slopes; both are those of the file's first Lipschitz run.
    """

    split: str = "test"
    limit: int | None = None
    recipes: tuple[str, ...] = ("clean",)
    suites: tuple[str, ...] = ()
    suite_limit: int | None = None
    theorem: int = 0
    bound: float = 0.1
    sigma: float = 0.1


@dataclass(frozen=True)
class PublishedValues:
    """Published accuracies beside the runs that ``where`` describes.

    Attributes:
        title: What their row is called.
        source: Who reports them.
        provenance: A key of ``PROVENANCE``.
        where: A method, options and training settings; a run fits that agrees with all of them.
        values: In per cent, by recipe. The name of a suite stands for its mean, "suite: column" for another column.
        note: What is known of them.
    """

    title: str
    source: str
    provenance: str
    where: dict[str, Any]
    values: dict[str, tuple[float, ...]]
    note: str = ""

    def fits(self, cell: Cell) -> bool:
        """Whether the values describe a run.

        Args:
            cell: The run.

        Returns:
            True if it agrees with all of ``where``.
        """
        return all(cell.setting(key) == value for key, value in self.where.items())


@dataclass(frozen=True)
class Experiment:
    """A whole file.

    Attributes:
        path: The file.
        title: Its title.
        paper: The paper it is about.
        about: Text on the page.
        cells: Every run.
        measures: What is measured.
        published: What was published.
    """

    path: Path
    title: str
    paper: str
    about: str
    cells: tuple[Cell, ...]
    measures: Measures
    published: tuple[PublishedValues, ...] = field(default=())

    @property
    def stem(self) -> str:
        """The file's name without its ending: that of its folders and pages."""
        return self.path.stem


def read_experiment(path: Path) -> Experiment:
    """Read the experiment in a TOML file.

    Args:
        path: The file.

    Returns:
        The experiment.

    Raises:
        ExplorerError: If the file cannot be read, or if something in it is wrong; the sentence names the key.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ExplorerError(
            f"There is no file {path}; an experiment is a TOML file, see experiments/README.md."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ExplorerError(f"{path} cannot be read ({error}).") from error
    except tomllib.TOMLDecodeError as error:
        raise ExplorerError(f"{path.name} is not valid TOML: {error}.") from None
    try:
        return _experiment(path, raw)
    except ExplorerError as error:
        raise ExplorerError(f"{path.name}: {error}") from None


def _experiment(path: Path, raw: Mapping[str, Any]) -> Experiment:
    file = read_tables(raw)
    head, shared = file.experiment, file.train.model_dump(exclude_unset=True)
    if not file.runs:
        raise ExplorerError("there is no [[runs]]; give at least one, with a method.")
    cells: dict[str, Cell] = {}
    for number, run in enumerate(file.runs, 1):
        where = f"[[runs]] number {number}"
        varied = [key for key in TRAIN if isinstance(raw["runs"][number - 1].get(key), list)]
        given = {key: getattr(run, key) for key in TRAIN if key in run.model_fields_set}
        for cell in expand(
            method=run.method,
            title=run.title,
            options=run.options,
            settings={**shared, **{key: value if key in varied else value[0] for key, value in given.items()}},
            varied=varied,
            seeds=head.seeds if run.seeds is None else run.seeds,
            where=where,
        ):
            if cell.id in cells:
                raise ExplorerError(f"{cell.title}, seed {cell.config.seed}, appears in two [[runs]]; remove one.")
            cells[cell.id] = cell
    rows: dict[tuple[str, str, str], str] = {}
    for cell in cells.values():
        if rows.setdefault((cell.title, cell.config.data, cell.config.arch), cell.row) != cell.row:
            raise ExplorerError(f"two different settings are both called {cell.title!r}; give one of them a title.")
    measures = _measures(file.evaluate, cells.values())
    if measures.split == "validation" and (bare := [c for c in cells.values() if not c.config.holdout]):
        raise ExplorerError(f'split = "validation" needs held-out images, but {bare[0].title} has none; set holdout.')
    published = tuple(
        _published(one, f"[[published]] number {i}", measures, tuple(cells.values()))
        for i, one in enumerate(file.published, 1)
    )
    return Experiment(path, head.title, head.paper, head.about, tuple(cells.values()), measures, published)


def _measures(tables: Evaluate, cells: Iterable[Cell]) -> Measures:
    for text in tables.recipes:
        if Recipe.parse(text).against is not None:
            raise ExplorerError(f"the recipe {text} names a model; attacks are crafted on each model itself here.")
    for name in tables.suites:
        if name not in SUITES:
            raise ExplorerError(f"there is no suite {name!r} for [evaluate]; known are {', '.join(SUITES)}.")
    found = tables.model_dump() | {"recipes": tuple(tables.recipes), "suites": tuple(tables.suites)}
    first = next((cell.config.options for cell in cells if cell.config.method == "lipschitz"), None)
    if first is not None and first["bound"] > 0:
        found |= {"bound": first["bound"], "sigma": first["sigma"]}
    return Measures(**found)


def _published(table: Published, where: str, measures: Measures, cells: Sequence[Cell]) -> PublishedValues:
    for recipe in table.values:
        if recipe.partition(": ")[0] not in (*measures.recipes, *measures.suites):
            raise ExplorerError(f"values in {where} speak of {recipe}, but no such recipe or suite is in [evaluate].")
    values = {recipe: tuple(found) for recipe, found in table.values.items()}
    made = PublishedValues(table.title, table.source, table.provenance, table.where, values, table.note)
    fitting = [cell for cell in cells if made.fits(cell)]
    if not fitting:
        raise ExplorerError(f"no run fits the conditions of {where} ({table.where}); correct its where.")
    if table.reference is None:
        if not values:
            raise ExplorerError(f"{where} has neither values nor from; give one of them.")
        return made
    stated = _stated(table.reference, fitting, measures.recipes)
    if not stated:
        raise ExplorerError(f"no method here states values for the source that from in {where} names; correct it.")
    return replace(made, values=stated | values)


def _stated(wanted: Reference, cells: Sequence[Cell], recipes: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """The values in per cent that the methods' own files state for these runs, by recipe."""
    known = [
        value
        for value in published_values([cell.config.data for cell in cells], method=cells[0].config.method)
        if value.source.key == wanted.source and value.setting.startswith(wanted.setting)
    ]
    found = {}
    for text in recipes:
        steps = Recipe.parse(text).steps
        if len(steps) <= 1:
            name, amount = steps[0] if steps else (None, None)
            found[text] = tuple(
                round(100 * value.accuracy, 4)
                for value in known
                if value.distortion == name and (amount is None or math.isclose(amount, value.amount or 0.0))
            )
    return {text: values for text, values in found.items() if values}
