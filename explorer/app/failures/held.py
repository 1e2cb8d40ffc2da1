"""The surveys that the page offers: those that travel with the explorer, those named at its start, those made here."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.app.failures.table import Table, load
from explorer.app.pictures import Recent
from explorer.data.datasets import Dataset
from explorer.data.published import cache_folder
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.survey import Survey, data_of, shipped
from explorer.survey.plan import data_fingerprint
from explorer.survey.store import PLAN, ROWS

if TYPE_CHECKING:
    from explorer.app.live import Live

TABLES = 6
"""Pairs of models whose cases are kept in memory."""

SURVEYS = "surveys"
"""The folder, in the cache folder, of surveys made from the page."""


@dataclass(frozen=True, eq=False)
class Held:
    """One survey: its ``key`` in the page's questions, where it comes from (shipped, named or made), how far it is."""

    key: str
    survey: Survey
    origin: str
    done: int
    """Images that are finished."""

    @property
    def stamp(self) -> tuple[Any, ...]:
        """Changes whenever rows come or go."""
        files = sorted((self.survey.folder / ROWS).glob("*.parquet"))
        return self.key, self.survey.plan.key, *((file.name, file.stat().st_mtime_ns) for file in files)

    def to_dict(self) -> dict[str, Any]:
        """What the list of surveys shows."""
        plan = self.survey.plan
        return {
            "key": self.key,
            "title": self.survey.folder.name,
            "origin": self.origin,
            "data": plan.data,
            "models": list(plan.models),
            "images": plan.rows,
            "done": self.done,
            "answers": plan.answers,
            "conditions": len(plan.conditions),
        }


@dataclass(eq=False)
class Surveys:
    """Finds them by key, and keeps what was read of them."""

    live: Live
    named: Sequence[Path] = ()
    _tables: Recent[tuple[Any, ...], Table] = field(default_factory=lambda: Recent(TABLES))
    _known: dict[str, Held] = field(default_factory=dict)
    _data: dict[str, Dataset] = field(default_factory=dict)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def home(self) -> Path:
        """Where new surveys go: beside the first one named at the start, else in the cache folder."""
        if not self.named:
            return cache_folder() / SURVEYS
        first = self.named[0].resolve()
        return first.parent if (first / PLAN).is_file() else first

    def all(self) -> tuple[list[Held], list[str]]:
        """Every survey that can be opened, in the order in which the page offers them, and a sentence per other one."""
        places = [("named", folder) for named in self.named for folder in _surveys_in(named)]
        places += [("made", folder) for folder in _surveys_in(self.home)]
        places += [("shipped", folder) for folder in shipped()]
        found: list[Held] = []
        seen: set[Path] = set()
        said = []
        for origin, folder in places:
            place = folder.resolve()
            if place in seen:
                continue
            seen.add(place)
            try:
                survey = Survey(folder)
                key = hashlib.sha256(str(place).encode()).hexdigest()[:12] if origin != "shipped" else folder.name
                found.append(Held(key, survey, origin, _done(survey)))
            except ExplorerError as error:
                said.append(str(error))
        self._known = {held.key: held for held in found}
        return found, said

    def find(self, key: Any) -> Held:
        """The survey of that key; ExplorerError where there is none (any more)."""
        if not isinstance(key, str) or len(key) > 100:
            raise ExplorerError("Choose a survey first.")
        if key not in self._known:
            self.all()
        if key not in self._known or not (self._known[key].survey.folder / PLAN).is_file():
            raise ExplorerError("This survey is not here (any more); choose another one.")
        return self._known[key]

    def table(self, held: Held, pair: tuple[str, str]) -> Table:
        """All cases for two of its models; read once, and again when rows have come."""
        held_as = (*held.stamp, *pair)
        with self._reading:  # two questions at once wait for one reading
            table = self._tables.get(held_as)
            if table is None:
                table = load(held.survey, pair)
                self._tables.put(held_as, table)
            return table

    def data(self, held: Held) -> Dataset:
        """The images it was made on, if they are here; ExplorerError, one sentence, where they are not."""
        with self._reading:
            if held.survey.plan.key not in self._data:
                self._data[held.survey.plan.key] = self._open(held)
            return self._data[held.survey.plan.key]

    def _open(self, held: Held) -> Dataset:
        plan = held.survey.plan
        for own in self.live.own:
            if own.name == plan.data and len(own) >= plan.rows and data_fingerprint(own, plan.rows) == plan.pixels:
                return own
        return data_of(held.survey)

    def models(self, names: Sequence[str]) -> list[Classifier]:
        """Those of the page that have these names, loaded; ExplorerError where one is not here."""
        return self.live.choose(list(names))[1]


def _done(survey: Survey) -> int:
    """How many images are finished, by the names of the files: none is opened."""
    shards = {int(path.stem) for path in (survey.folder / ROWS).glob("*.parquet") if path.stem.isdecimal()}
    return sum(len(survey.plan.images_of(shard)) for shard in shards if shard < survey.plan.shards)


def _surveys_in(folder: Path) -> list[Path]:
    """The folder itself where it is a survey, else the surveys right in it."""
    if (folder / PLAN).is_file():
        return [folder]
    return sorted(plan.parent for plan in folder.glob(f"*/{PLAN}"))
