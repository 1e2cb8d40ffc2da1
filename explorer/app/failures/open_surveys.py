"""The surveys that the page offers: those shipped, those named when the app was started, and those made in it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.app.cache import LruCache
from explorer.app.failures.table import Table, load
from explorer.app.workspace import Workspace
from explorer.data.datasets import Dataset
from explorer.data.published import cache_folder
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.survey import Survey, data_of, shipped
from explorer.survey.cases import surveyed
from explorer.survey.store import PLAN, ROWS

TABLES = 6
"""Pairs of models whose cases are kept in memory."""

SURVEYS = "surveys"
"""The folder, in the cache folder, of surveys made from the page."""


@dataclass(frozen=True, eq=False)
class OpenSurvey:
    """One survey.

    Attributes:
        key: Its name in the page's questions.
        survey: The survey itself.
        origin: Where it comes from: "shipped", "named" or "made".
        done: How many of its images are finished.
    """

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
        """Describe the survey for the list of surveys.

        Returns:
            A JSON object.
        """
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
class OpenSurveys:
    """Finds surveys by key, and keeps what was read of them.

    Attributes:
        workspace: Where their models and the user's own data sets are.
        named: Surveys, or folders of surveys, that were named when the app was started.
    """

    workspace: Workspace
    named: Sequence[Path] = ()
    _tables: LruCache[tuple[Any, ...], Table] = field(default_factory=lambda: LruCache(TABLES))
    _known: dict[str, OpenSurvey] = field(default_factory=dict)
    _data: dict[str, Dataset] = field(default_factory=dict)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def home(self) -> Path:
        """Where new surveys go: beside the first one named at the start, else in the cache folder."""
        if not self.named:
            return cache_folder() / SURVEYS
        first = self.named[0].resolve()
        return first.parent if (first / PLAN).is_file() else first

    def all(self) -> tuple[list[OpenSurvey], list[str]]:
        """List the surveys, in the order in which the page offers them.

        Returns:
            Those that can be opened, and one sentence for each that cannot.
        """
        folders = [("named", folder) for named in self.named for folder in _surveys_in(named)]
        folders += [("made", folder) for folder in _surveys_in(self.home)]
        folders += [("shipped", folder) for folder in shipped()]
        found: list[OpenSurvey] = []
        seen: set[Path] = set()
        messages = []
        for origin, folder in folders:
            path = folder.resolve()
            if path in seen:
                continue
            seen.add(path)
            try:
                survey = Survey(folder)
                key = hashlib.sha256(str(path).encode()).hexdigest()[:12] if origin != "shipped" else folder.name
                found.append(OpenSurvey(key, survey, origin, _done(survey)))
            except ExplorerError as error:
                messages.append(str(error))
        self._known = {opened.key: opened for opened in found}
        return found, messages

    def find(self, key: Any) -> OpenSurvey:
        """Find a survey.

        Args:
            key: What the browser names.

        Returns:
            The survey.

        Raises:
            ExplorerError: If there is none of that key (any more).
        """
        if not isinstance(key, str) or len(key) > 100:
            raise ExplorerError("Choose a survey first.")
        if key not in self._known:
            self.all()
        if key not in self._known or not (self._known[key].survey.folder / PLAN).is_file():
            raise ExplorerError("This survey is no longer available; choose another one.")
        return self._known[key]

    def table(self, opened: OpenSurvey, pair: tuple[str, str]) -> Table:
        """Read all cases for two models of a survey; once, and again when rows have been added.

        Args:
            opened: The survey.
            pair: Names of the baseline and the other model.

        Returns:
            The cases.

        Raises:
            ExplorerError: As in ``table.load``.
        """
        cache_key = (*opened.stamp, *pair)
        with self._reading:  # two questions at once wait for one reading
            table = self._tables.get(cache_key)
            if table is None:
                table = load(opened.survey, pair)
                self._tables.put(cache_key, table)
            return table

    def data(self, opened: OpenSurvey) -> Dataset:
        """Find the images on which a survey was made.

        Args:
            opened: The survey.

        Returns:
            The data set.

        Raises:
            ExplorerError: If they are not here.
        """
        with self._reading:
            if opened.survey.plan.key not in self._data:
                self._data[opened.survey.plan.key] = self._open(opened)
            return self._data[opened.survey.plan.key]

    def _open(self, opened: OpenSurvey) -> Dataset:
        plan = opened.survey.plan
        for own in self.workspace.user_data:
            if own.name == plan.data and (data := surveyed(plan, own)) is not None:
                return data
        return data_of(opened.survey)

    def models(self, names: Sequence[str]) -> list[Classifier]:
        """Load models by name.

        Args:
            names: Their names.

        Returns:
            The models, in this order.

        Raises:
            ExplorerError: If one is not here.
        """
        return self.workspace.choose(list(names))[1]


def _done(survey: Survey) -> int:
    """How many images are finished, by the names of the files: none is opened."""
    shards = {int(path.stem) for path in (survey.folder / ROWS).glob("*.parquet") if path.stem.isdecimal()}
    return sum(len(survey.plan.images_of(shard)) for shard in shards if shard < survey.plan.shards)


def _surveys_in(folder: Path) -> list[Path]:
    """The folder itself where it is a survey, else the surveys right in it."""
    if (folder / PLAN).is_file():
        return [folder]
    return sorted(plan.parent for plan in folder.glob(f"*/{PLAN}"))
