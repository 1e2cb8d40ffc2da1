"""What remedies around a model gain and lose: ``tools/remedies_table.py`` measures it and writes ``remedies.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from explorer.data.datasets import dataset_title
from explorer.distortions import Recipe
from explorer.evaluation.gains import condition_title
from explorer.models.remedies import REMEDIES

FILE = Path(__file__).with_name("remedies.json")


def remedies_measured(path: Path = FILE) -> dict[str, Any] | None:
    """The stored measurements, a table per network.

    Args:
        path: The file.

    Returns:
        {"tables", "command", "versions"}; None where nothing was measured. A table: {"model", "data", "noise", "size",
        "n", "rows"}; a row: {"title", "written", "passes", "clean", "noise", "attacked"}, the first that of the network
        alone. Cells are {"accuracy", "low", "high", "n"} with 95 % intervals; "clean" and "noise" with "difference" to
        the first row, paired, "attacked" with the "signs" of masking.
    """
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {
        "tables": [_table(one) for one in kept["tables"]],
        **{key: kept[key] for key in ("command", "versions")},
    }


def _table(kept: dict[str, Any]) -> dict[str, Any]:
    titles = {one.name: one.title for one in REMEDIES.values()}
    rows = [{"title": titles.get(row["name"], "nothing around it")} | row for row in kept["rows"]]
    return {
        "model": kept["model"],
        "data": dataset_title(kept["model"].partition("/")[0]),
        "noise": condition_title(Recipe.parse(kept["noise"])),
        "size": kept["size"],
        "n": rows[0]["clean"]["n"],
        "rows": rows,
    }
