"""Querying a survey: SQL over its files with DuckDB, and ready-made tables for common questions.

``rows`` has one row per image, condition and model; the columns are those of ``store.schema``. A case is an image under
a condition; a model *fails* a case where its answer is wrong, or, where the true class is not known, where it is not
its answer to the clean image.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import ExplorerError
from explorer.files import user_path
from explorer.numbers import counted
from explorer.survey.plan import Plan
from explorer.survey.store import ROWS, Store

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

    from explorer.survey.frame import View

QUADRANTS = ("only_baseline_fails", "only_other_fails", "both_fail", "neither_fails")
"""What a case can be for two models, in the order in which it is shown."""

VIEWS: dict[str, str] = {
    "accuracy": "Accuracy and share of flipped answers, per model, distortion and amount.",
    "differences": "Accuracy of two models per condition: paired difference, interval, exact test, Holm's correction.",
    "extremes": "Each model's largest gain and largest loss against the baseline, where interval and test agree.",
    "quadrants": "How many cases only the baseline fails, only the other, both, neither; per distortion and amount.",
    "only_baseline_fails": "Cases that the baseline fails and the other model does not.",
    "only_other_fails": "Cases that the other model fails and the baseline does not.",
    "both_fail": "Cases that both models fail.",
    "neither_fails": "Cases that neither model fails.",
    "flip_amounts": "The first amount at which each model's answer to an image is not its clean one.",
    "largest_jumps": "The largest feature distances for the smallest changes of the input.",
    "instability": "Share of images whose answer is right under some conditions and wrong under others (Cidon).",
    "near_misses": "Right answers by the smallest margin, and wrong ones by the smallest.",
    "confusion": "How often the clean answer became which other one.",
}
"""The ready-made tables by name, each with what it shows."""

COMPUTED: dict[str, Callable[[Survey, tuple[str, str]], pd.DataFrame]] = {}
"""The views that are no SQL; the module that computes one puts it here."""

# Macros rather than views: they take the two models. `mild` orders amounts from weak to strong where low is strong.
_MACROS = """
CREATE MACRO fails(correct, flipped) AS NOT coalesce(correct, NOT flipped);
CREATE MACRO quadrant(a, b) AS CASE WHEN a AND b THEN 'both_fail' WHEN a THEN 'only_baseline_fails'
  WHEN b THEN 'only_other_fails' ELSE 'neither_fails' END;
CREATE MACRO pairs(baseline, other) AS TABLE
  SELECT a.*, b.prediction AS other_prediction, b.confidence AS other_confidence, b.margin_true AS other_margin_true,
    b.correct AS other_correct, b.flipped AS other_flipped, b.feature_l2 AS other_feature_l2,
    quadrant(fails(a.correct, a.flipped), fails(b.correct, b.flipped)) AS quadrant
  FROM (SELECT * FROM rows WHERE model = baseline) a JOIN
    (SELECT "case", prediction, confidence, margin_true, correct, flipped, feature_l2 FROM rows WHERE model = other) b
    USING ("case");
CREATE MACRO accuracy() AS TABLE
  SELECT model, distortion, amount, count(*) AS n, avg(correct::INT) AS accuracy, avg(clean_correct::INT) AS clean,
    avg(flipped::INT) AS flipped, avg(feature_l2) AS feature_l2, avg(kl) AS kl
  FROM rows GROUP BY ALL ORDER BY distortion, amount, model;
CREATE MACRO quadrants(baseline, other) AS TABLE
  SELECT distortion, amount, count(*) AS n, count(*) FILTER (a AND NOT b) AS only_baseline_fails,
    count(*) FILTER (b AND NOT a) AS only_other_fails, count(*) FILTER (a AND b) AS both_fail,
    count(*) FILTER (NOT a AND NOT b) AS neither_fails
  FROM (SELECT "case", distortion, amount, fails(correct, flipped) AS a FROM rows WHERE model = baseline)
    JOIN (SELECT "case", fails(correct, flipped) AS b FROM rows WHERE model = other) USING ("case")
  GROUP BY ALL ORDER BY distortion, amount;
CREATE MACRO flip_amounts() AS TABLE
  SELECT image, model, distortion, seed, min_by(amount, mild) FILTER (flipped) AS flip_amount
  FROM rows JOIN amounts USING (distortion, amount) GROUP BY ALL ORDER BY image, distortion, seed, model;
CREATE MACRO largest_jumps() AS TABLE
  SELECT *, feature_l2 / l2 AS gain FROM rows WHERE l2 > 0 ORDER BY gain DESC;
CREATE MACRO instability() AS TABLE
  SELECT model, distortion, count(*) AS n, avg((some_right AND some_wrong)::INT) AS instability FROM (
    SELECT image, model, distortion, bool_or(correct) OR bool_or(clean_correct) AS some_right,
      bool_or(NOT correct) OR bool_or(NOT clean_correct) AS some_wrong
    FROM rows WHERE correct IS NOT NULL GROUP BY ALL) GROUP BY ALL ORDER BY distortion, model;
CREATE MACRO near_misses() AS TABLE
  SELECT * FROM rows WHERE margin_true IS NOT NULL ORDER BY abs(margin_true);
CREATE MACRO confusion() AS TABLE
  SELECT model, clean_prediction, prediction, count(*) AS n FROM rows GROUP BY ALL ORDER BY model, n DESC;
"""


class Survey:
    """A finished or growing survey to query. Each method opens the files again, so that new rows count."""

    def __init__(self, folder: str | Path) -> None:
        """ExplorerError where there is no survey in ``folder``."""
        self.folder = user_path(folder)
        self.store = Store(self.folder)
        self.plan: Plan = self.store.plan

    def __repr__(self) -> str:
        plan = self.plan
        models, conditions = counted(len(plan.models), "model"), counted(len(plan.conditions), "condition")
        return (
            f"Survey({str(self.folder)!r}: {models}, {counted(plan.rows, 'image')} of {plan.data}, {conditions}, "
            f"{len(list(self._files()))} of {plan.shards} shards)"
        )

    def unread(self) -> dict[int, str]:
        """The images that could not be read.

        Returns:
            Row in the data set to a sentence that says why.
        """
        return self.store.unread()

    def sql(self, query: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        """Query ``rows`` and the macros of ``VIEWS``, for example ``SELECT * FROM pairs('A', 'B')``.

        Args:
            query: The SQL text.
            values: Values for its ``?`` placeholders.

        Returns:
            The result.

        Raises:
            ExplorerError: If the query fails; the sentence holds DuckDB's own words.
        """
        import duckdb

        with self.connect() as connection:
            try:
                return connection.execute(query, list(values)).df()
            except duckdb.Error as error:
                first = str(error).partition("\n")[0]
                raise ExplorerError(f"The query cannot be answered: {first}") from None

    def view(
        self, name: str, *, baseline: str | None = None, other: str | None = None, limit: int | None = None
    ) -> View:
        """A ready-made table of ``VIEWS``.

        Args:
            name: Name of the view.
            baseline: First model; the survey's first one by default.
            other: Second model; the survey's second one by default.
            limit: Largest number of rows.

        Returns:
            The table.

        Raises:
            ExplorerError: If there is no such view or model.
        """
        from explorer.survey.frame import View

        if name not in VIEWS:
            raise ExplorerError(f"There is no view named {name!r}; there are {', '.join(VIEWS)}.")
        if name in COMPUTED:
            found = COMPUTED[name](self, self.pair(baseline, other))
            return View.of(found if limit is None else found.head(limit), name)
        query, values = f"SELECT * FROM {name}()", list[Any]()  # noqa: S608  # one of the names above
        if name in {*QUADRANTS, "quadrants"}:
            values = list(self.pair(baseline, other))
            query = "SELECT * FROM quadrants(?, ?)"
            if name in QUADRANTS:
                query = 'SELECT * FROM pairs(?, ?) WHERE quadrant = ? ORDER BY "case"'
                values.append(name)
        if limit is not None:
            query, values = f"{query} LIMIT ?", [*values, limit]
        return View.of(self.sql(query, values), name)

    def pair(self, baseline: str | None = None, other: str | None = None) -> tuple[str, str]:
        """The two models to compare.

        Args:
            baseline: First model; the survey's first one by default.
            other: Second model; the survey's second one by default.

        Returns:
            Their names.

        Raises:
            ExplorerError: If they are not two different models of the survey.
        """
        models = self.plan.models
        first = baseline or models[0]
        second = other or next((name for name in models if name != first), "")
        for name in (first, second):
            if name not in models:
                wanted = f"no model named {name!r}" if name else "only one model"
                raise ExplorerError(f"The survey has {wanted}; it has {', '.join(models)}.")
        if first == second:
            raise ExplorerError("Two different models are compared; name another one.")
        return first, second

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Open a connection that knows ``rows`` and the macros and reads no file outside the survey's folder.

        Returns:
            The connection; the caller closes it.

        Raises:
            ExplorerError: If the survey holds no finished rows yet.
        """
        import duckdb

        files = [str(path) for path in self._files()]
        if not files:
            raise ExplorerError(f"{self.folder} holds no finished rows yet; continue the survey.")
        connection = duckdb.connect(
            config={"allow_community_extensions": "false", "autoinstall_known_extensions": "false"}
        )
        connection.execute("SET enable_progress_bar = false")
        # $1 in a view is not allowed: the names are quoted here, and come from our own folder listing
        listed = ", ".join(_quoted(_literal(file)) for file in files)
        # a folder called seed=7 is a name, no column
        connection.execute(f"CREATE VIEW rows AS FROM read_parquet([{listed}], hive_partitioning = false)")
        connection.execute("CREATE TABLE amounts (distortion VARCHAR, amount DOUBLE, mild INT)")
        connection.executemany("INSERT INTO amounts VALUES (?, ?, ?)", self.mildness())
        connection.execute(_MACROS)
        rows = str(self.folder / ROWS)
        allowed = ", ".join(map(_quoted, (rows, _literal(rows))))
        connection.execute("SET allowed_directories = [$folder]".replace("$folder", allowed))
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection

    def _files(self) -> list[Path]:
        return sorted((self.folder / ROWS).glob("*.parquet"))

    def mildness(self) -> list[tuple[str, float, int]]:
        """Order every amount of the plan from mild to strong.

        Returns:
            (distortion, amount, position).
        """
        from explorer.distortions import find_distortion

        found = []
        for name in dict.fromkeys(condition.distortion for condition in self.plan.conditions):
            identity = find_distortion(name).identity
            amounts = {condition.amount for condition in self.plan.conditions if condition.distortion == name}
            ordered = sorted(amounts, key=lambda amount: (abs(amount - identity), amount))
            found += [(name, amount, i) for i, amount in enumerate(ordered)]
        return found


def _literal(path: str) -> str:
    """A path in which ``*``, ``?`` and ``[`` are no patterns, so that other folders do not match."""
    return re.sub(r"[*?[]", r"[\g<0>]", path)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
