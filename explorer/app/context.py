"""The state that the app's parts share, made once at the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from explorer.app.cache import LruCache
from explorer.app.failures.open_surveys import OpenSurveys
from explorer.app.idle import IdleGate
from explorer.app.search.collection import Collections
from explorer.app.workspace import Workspace
from explorer.data.datasets import Dataset
from explorer.evaluation.running import RunningAccuracy
from explorer.models import Classifier

MAX_CHARTS = 200
"""Measured charts of the page "Methods" that are kept in memory (a few kB each)."""


@dataclass(frozen=True, eq=False)
class Context:
    """The state of one running app.

    Attributes:
        workspace: Models, pictures and data sets.
        surveys: The surveys that the page "Failures" offers.
        accuracies: What was measured for the page "Methods" so far, by data set, distortion and range of amounts.
        collections: The pictures that visitors opened on the page "Search", each known to its visitor alone.
        idle: Where long work waits while a visitor moves a slider.
    """

    workspace: Workspace
    surveys: OpenSurveys
    collections: Collections
    accuracies: LruCache[tuple[str, str, str], RunningAccuracy] = field(default_factory=lambda: LruCache(MAX_CHARTS))
    idle: IdleGate = field(default_factory=IdleGate)


def make_context(
    models: Sequence[str | Classifier] | None = None, data: Sequence[Dataset] = (), surveys: Sequence[Path] = ()
) -> Context:
    """Make the state of a new app.

    Args:
        models: The models shown first, as in ``Workspace``.
        data: The user's own data sets.
        surveys: Surveys, or folders of surveys, that the page "Failures" offers beside the shipped ones.

    Returns:
        The context.

    Raises:
        ExplorerError: As in ``Workspace``.
    """
    workspace = Workspace(models, data)
    return Context(workspace, OpenSurveys(workspace, tuple(surveys)), Collections(workspace))
