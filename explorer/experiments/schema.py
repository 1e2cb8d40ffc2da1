"""Reading an experiment: a TOML file, checked word by word, as frozen records.

What may stand in the file is described in ``experiments/README.md``. Whatever is not known there is refused with one
sentence that names the key, so that a slip of the pen cannot silently become another experiment.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.evaluation.suites import SUITES
from explorer.experiments.grid import Cell, expand
from explorer.training import TrainConfig

TRAIN = {f.name: f.default for f in fields(TrainConfig) if f.name not in ("method", "options", "seed")}
"""What a file may say of the training, with the trainer's defaults."""

KINDS = {
    "S": "stated in the paper",
    "C": "from the author's code",
    "M": "measured by us on the author's public weights",
}
"""Where a published value comes from; a recalled one has no place beside measured numbers."""

SPLITS = ("test", "validation")


@dataclass(frozen=True)
class Measures:
    """What is measured on each trained model: recipes on the first ``limit`` images of a split, suites on as many or
    on the first ``suite_limit``.

    ``validation`` are the training images that the run held out. ``theorem``: images on which local slopes are measured
    (``explorer.evaluation.slopes``), 0 for none. Each Lipschitz run is held to the bound it was trained for, all others
    to ``bound``, with noise of ``sigma``: those of the file's first Lipschitz run.
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
    """Published accuracies in per cent, by recipe, beside the runs that ``where`` describes.

    A suite's name stands for its mean, "suite: column" for another column of its table.

    ``where`` holds a method, options and training settings; a run fits that agrees with all of them. ``kind``: a key
    of ``KINDS``.
    """

    title: str
    source: str
    kind: str
    where: dict[str, Any]
    values: dict[str, tuple[float, ...]]
    note: str = ""

    def fits(self, cell: Cell) -> bool:
        """Whether the values stand beside this run."""
        return all(cell.setting(key) == value for key, value in self.where.items())


@dataclass(frozen=True)
class Experiment:
    """A whole file: what it is about, every run, what is measured, what was published."""

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
    """The experiment in a TOML file; ExplorerError in one sentence where it cannot be read or something is wrong."""
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
    _known(raw, ("experiment", "train", "runs", "evaluate", "published"), "the file")
    head = _table(raw, "experiment")
    _known(head, ("title", "paper", "about", "seeds"), "[experiment]")
    title = _text(head.get("title"), "title in [experiment]")
    shared = _train(_table(raw, "train", needed=False), "[train]")
    runs = _tables(raw, "runs")
    if not runs:
        raise ExplorerError("there is no [[runs]]; give at least one, with a method.")
    seeds = _seeds(head.get("seeds", [0]), "seeds in [experiment]")
    cells: dict[str, Cell] = {}
    for number, run in enumerate(runs, 1):
        for cell in _run(run, shared, seeds, f"[[runs]] number {number}"):
            if cell.id in cells:
                raise ExplorerError(f"{cell.title}, seed {cell.config.seed}, stands in two [[runs]]; leave one out.")
            cells[cell.id] = cell
    rows: dict[tuple[str, str, str], str] = {}
    for cell in cells.values():
        if rows.setdefault((cell.title, cell.config.data, cell.config.arch), cell.row) != cell.row:
            raise ExplorerError(f"two different settings are both called {cell.title!r}; give one of them a title.")
    measures = _measures(_table(raw, "evaluate", needed=False))
    first = next((cell.config.options for cell in cells.values() if cell.config.method == "lipschitz"), None)
    if first is not None and first["bound"] > 0:
        measures = replace(measures, bound=first["bound"], sigma=first["sigma"])
    if measures.split == "validation" and (bare := [c for c in cells.values() if not c.config.holdout]):
        raise ExplorerError(f'split = "validation" needs held-out images, but {bare[0].title} has none; set holdout.')
    published = tuple(
        _published(one, f"[[published]] number {i}", measures, tuple(cells.values()))
        for i, one in enumerate(_tables(raw, "published"), 1)
    )
    paper, about = (_text(head.get(key, ""), f"{key} in [experiment]", empty=True) for key in ("paper", "about"))
    return Experiment(path, title, paper, about, tuple(cells.values()), measures, published)


def _run(run: Mapping[str, Any], shared: Mapping[str, Any], seeds: Sequence[int], where: str) -> list[Cell]:
    _known(run, ("method", "title", "seeds", "options", *TRAIN), where)
    if "method" not in run:
        raise ExplorerError(f'{where} has no method; name one, for example method = "stability".')
    own = _train({k: v for k, v in run.items() if k in TRAIN}, where, lists=True)
    options = run.get("options", {})
    if not isinstance(options, dict):
        raise ExplorerError(f"options in {where} must be a table, such as options = {{ sigma = 0.1 }}.")
    title = _text(run.get("title", ""), f"title in {where}", empty=True)
    return expand(
        method=run["method"],
        title=title,
        options=options,
        settings={**shared, **own},
        varied=[key for key, value in own.items() if isinstance(value, list)],
        seeds=_seeds(run["seeds"], f"seeds in {where}") if "seeds" in run else seeds,
        where=where,
    )


def _train(raw: Mapping[str, Any], where: str, *, lists: bool = False) -> dict[str, Any]:
    """Training settings with their types checked; lists of them where they may be multiplied."""
    _known(raw, tuple(TRAIN), where)
    for key, value in raw.items():
        for one in value if lists and isinstance(value, list) else [value]:
            _typed(one, TRAIN[key], f"{key} in {where}", listed=lists)
        if value == []:
            raise ExplorerError(f"{key} in {where} is an empty list; give at least one value.")
    numbers = {k: [float(one) for one in v] if isinstance(v, list) else float(v) for k, v in raw.items()
               if isinstance(TRAIN[k], float)}  # fmt: skip
    return {**raw, **numbers}


def _typed(value: Any, default: Any, name: str, *, listed: bool) -> None:
    """ExplorerError unless the value is of the default's kind; None stands for a text, a whole number is a number."""
    kind = str if default is None else type(default)
    wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes"}[kind]
    fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
    if not fits or (isinstance(value, bool) and kind is not bool):
        lists = " (or a list of them)" if listed else ""
        raise ExplorerError(f"{name} must be {wanted}{lists}, not {value!r}.")
    if kind in (int, float) and value < 0:
        raise ExplorerError(f"{name} must not be negative, not {value!r}.")


def _measures(raw: Mapping[str, Any]) -> Measures:
    _known(raw, ("split", "limit", "recipes", "suites", "suite_limit", "theorem"), "[evaluate]")
    split = raw.get("split", "test")
    if split not in SPLITS:
        raise ExplorerError(f"split in [evaluate] must be one of {', '.join(SPLITS)}, not {split!r}.")
    for key in ("limit", "suite_limit"):
        count = raw.get(key)
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
            raise ExplorerError(f"{key} in [evaluate] counts images; it must be a whole number from 1, not {count!r}.")
    recipes = _texts(raw.get("recipes", ["clean"]), "recipes in [evaluate]")
    for text in recipes:
        if Recipe.parse(text).against is not None:
            raise ExplorerError(f"the recipe {text} names a model; attacks are crafted on each model itself here.")
    suites = _texts(raw.get("suites", []), "suites in [evaluate]")
    for name in suites:
        if name not in SUITES:
            raise ExplorerError(f"there is no suite {name!r} for [evaluate]; known are {', '.join(SUITES)}.")
    theorem = raw.get("theorem", 0)
    _typed(theorem, 0, "theorem in [evaluate]", listed=False)
    if not recipes:
        raise ExplorerError('recipes in [evaluate] is an empty list; give at least one, such as "clean".')
    return Measures(split, raw.get("limit"), recipes, suites, raw.get("suite_limit"), theorem)


def _published(raw: Mapping[str, Any], where: str, measures: Measures, cells: Sequence[Cell]) -> PublishedValues:
    _known(raw, ("title", "source", "kind", "where", "values", "note"), where)
    texts = {key: _text(raw.get(key), f"{key} in {where}") for key in ("title", "source", "kind")}
    if texts["kind"] not in KINDS:
        told = ", ".join(f"{key} ({words})" for key, words in KINDS.items())
        raise ExplorerError(f"kind in {where} must be one of {told}, not {texts['kind']!r}.")
    beside, raw_values = _table(raw, "where", of=where), _table(raw, "values", of=where)
    values: dict[str, tuple[float, ...]] = {}
    for recipe, found in raw_values.items():
        if recipe.partition(": ")[0] not in (*measures.recipes, *measures.suites):
            raise ExplorerError(f"values in {where} speak of {recipe}, but no such recipe or suite is in [evaluate].")
        listed = found if isinstance(found, list) else [found]
        for one in listed:
            if isinstance(one, bool) or not isinstance(one, int | float) or not 0 <= one <= 100:
                raise ExplorerError(f"{recipe} in the values of {where} must be per cent from 0 to 100, not {one!r}.")
        values[recipe] = tuple(float(one) for one in listed)
    made = PublishedValues(
        **texts, where=dict(beside), values=values, note=_text(raw.get("note", ""), f"note in {where}", empty=True)
    )
    if not any(made.fits(cell) for cell in cells):
        raise ExplorerError(f"no run fits what {where} stands beside ({beside}); correct its where.")
    return made


# ---- plain values --------------------------------------------------------------------------------------------------


def _known(raw: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    for key in raw:
        if key not in names:
            close = difflib.get_close_matches(key, names, n=2)
            hint = f"did you mean {' or '.join(close)}?" if close else f"it may hold {', '.join(names)}."
            raise ExplorerError(f"{where} has no key {key!r}; {hint}")


def _table(raw: Mapping[str, Any], key: str, *, needed: bool = True, of: str = "") -> dict[str, Any]:
    found = raw.get(key, None if needed else {})
    if not isinstance(found, dict):
        raise ExplorerError(f"{key} in {of} must be a table." if of else f"there must be a table [{key}].")
    return found


def _tables(raw: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = raw.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ExplorerError(f"{key} must be written with two brackets: [[{key}]].")
    return found


def _text(value: Any, name: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (empty or value.strip()):
        raise ExplorerError(f"{name} must be a text in quotes" + (f", not {value!r}." if value is not None else "."))
    return value.strip()


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ExplorerError(f"{name} must be a list of texts, not {value!r}.")
    if len(set(value)) != len(value):
        raise ExplorerError(f"{name} must not name the same twice.")
    return tuple(value)


def _seeds(value: Any, name: str) -> tuple[int, ...]:
    whole = isinstance(value, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in value)
    if not whole or not value or min(value) < 0 or len(set(value)) != len(value):
        raise ExplorerError(f"{name} must be a list of different whole numbers from 0 on, not {value!r}.")
    return tuple(value)
