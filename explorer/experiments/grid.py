"""The runs of an experiment: every combination of what a file lists, each with a name that stays its own."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from explorer.errors import ExplorerError
from explorer.models import METHODS, find_architecture, method_title
from explorer.training import TrainConfig, default_options

USUAL = {f.name: f.default for f in fields(TrainConfig)}
NAMED = ("train_size", "trained", "epochs")
"""Settings that a folder's name tells beside the method's options, where they are not the defaults."""

LONGEST = 80  # letters of a folder's name before the hash


@dataclass(frozen=True)
class Cell:
    """One run.

    Attributes:
        id: Name of its folder. It is made of the settings that differ from the trainer's defaults, so that a setting
            added later changes no name.
        title: What its row of a table is called.
        config: Its settings, with all options of the method.
    """

    id: str
    title: str
    config: TrainConfig

    @property
    def row(self) -> str:
        """The same for all seeds of one setting: what a row of a table shows."""
        return _hash(replace(self.config, seed=0))

    def setting(self, key: str) -> Any:
        """Look up a setting.

        Args:
            key: A training setting or an option of the method.

        Returns:
            Its value; None if there is none.
        """
        return self.config.options.get(key, getattr(self.config, key, None))

    def answers(self, text: str) -> bool:
        """Whether a text of ``--only`` matches this run.

        Args:
            text: A part of its id or title, or ``name=value`` of a setting.

        Returns:
            True if it matches.
        """
        name, equals, value = text.partition("=")
        known = self.config.options | asdict(self.config)
        if equals and name in known:
            return spelled(known[name]) == value.lower()
        return text.lower() in self.id.lower() or text.lower() in self.title.lower()


def expand(
    *,
    method: Any,
    title: str,
    options: Mapping[str, Any],
    settings: Mapping[str, Any],
    varied: Sequence[str],
    seeds: Sequence[int],
    where: str,
) -> list[Cell]:
    """Make all combinations of the lists in a [[runs]].

    Args:
        method: Name of a method, or several.
        title: What the rows are called; "" for the method's title.
        options: Options of the method, or lists of them.
        settings: Training settings; lists for those in ``varied``.
        varied: Settings that are lists.
        seeds: Seeds of each combination.
        where: What errors call the position in the file.

    Returns:
        The runs.

    Raises:
        ExplorerError: If a method, an option or an architecture does not exist, or if a value is of the wrong type.
    """
    methods = method if isinstance(method, list) else [method]
    lists = {key: settings[key] if key in varied else [settings[key]] for key in settings}
    cells = []
    for name in methods:
        given = _options(name, options, where)
        for chosen in _product(lists):
            _check(chosen, where)
            for values in _product(given):
                full = _config(name, default_options(name) | values, chosen, where)
                # A title of its own says what all rows share; without one, the options do.
                shown = [key for key in values if not title or len(given[key]) > 1]
                stated = [f"{key}={spelled(values[key])}" for key in shown]
                stated += [f"{key}={spelled(chosen[key])}" for key in varied if key not in ("arch", "data")]
                row = " · ".join([title or method_title(name), *([", ".join(stated)] if stated else [])])
                cells += [_cell(row, replace(full, seed=seed)) for seed in seeds]
    return cells


def _config(method: str, options: dict[str, Any], settings: Mapping[str, Any], where: str) -> TrainConfig:
    try:
        return TrainConfig(method=method, options=options, **settings)
    except ExplorerError as error:
        raise ExplorerError(f"{where}: {error}") from None


def _options(method: Any, given: Mapping[str, Any], where: str) -> dict[str, list[Any]]:
    """The options of a method as lists of values of the right type."""
    if not isinstance(method, str) or method not in METHODS:
        raise ExplorerError(f"there is no method {method!r} for {where}; known are {', '.join(METHODS)}.")
    defaults = default_options(method)
    lists: dict[str, list[Any]] = {}
    for key, value in given.items():
        if key not in defaults:
            known = ", ".join(defaults) or "none"
            raise ExplorerError(f"{method} has no option {key!r} ({where}); its options are: {known}.")
        value_type = type(defaults[key])
        values = value if isinstance(value, list) else [value]
        if not values:
            raise ExplorerError(f"the option {key} in {where} is an empty list; give at least one value.")
        for one in values:
            number = value_type is float and isinstance(one, int) and not isinstance(one, bool)
            if type(one) is not value_type and not number:
                wanted = {bool: "true or false", float: "a number", int: "a whole number"}.get(
                    value_type, "a text in quotes"
                )
                raise ExplorerError(f"the option {key} in {where} must be {wanted}, not {one!r}.")
        lists[key] = [value_type(one) for one in values]
    return lists


def _check(settings: Mapping[str, Any], where: str) -> None:
    if "arch" in settings:
        find_architecture(settings["arch"])
    for key in ("epochs", "batch_size"):
        if settings.get(key, 1) < 1:
            raise ExplorerError(f"{key} in {where} must be 1 or more.")


def _product(lists: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]


def _cell(title: str, config: TrainConfig) -> Cell:
    usual = default_options(config.method)
    parts = [config.method, config.arch]
    parts += [f"{key}{spelled(value)}" for key, value in config.options.items() if value != usual[key]]
    parts += [f"{key}{spelled(getattr(config, key))}" for key in NAMED if getattr(config, key) != USUAL[key]]
    words = re.sub(r"[^a-z0-9._-]+", "-", "-".join(parts).lower())[:LONGEST]
    return Cell(f"{words}-seed{config.seed}-{_hash(config)}", title, config)


def _hash(config: TrainConfig) -> str:
    """Eight hex digits of everything in the configuration that differs from the defaults."""
    stated = {key: value for key, value in asdict(config).items() if value != USUAL.get(key)}
    options = default_options(config.method)
    stated["options"] = {key: value for key, value in config.options.items() if value != options[key]}
    stated |= {"method": config.method, "arch": config.arch, "data": config.data}
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:8]


def spelled(value: Any) -> str:
    """Format a setting.

    Args:
        value: Its value.

    Returns:
        Text such as 0.1, true or kl.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value).lower()
