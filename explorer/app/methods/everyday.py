"""The table of Zheng et al. 2016 as it was measured: ``tools/everyday_table.py`` writes ``everyday.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from explorer.models import Card, method_title

FILE = Path(__file__).with_name("everyday.json")
CONDITIONS = {"original": "Original", "jpeg": "JPEG 50", "thumbnail": "Thumbnail", "crop": "Crop by 10 px"}


def everyday_table(cards: Sequence[Card], path: Path = FILE) -> dict[str, Any] | None:
    """The stored table, a column per model and a row per condition.

    Args:
        cards: The models that are here, which name the columns.
        path: The file.

    Returns:
        {"models", "rows", "n", "seed", "title", "command", "versions"}; None where nothing was measured. The cells of a
        row hold, per model, top-1 and top-5 with 95 % intervals, the paired differences to the first model (None for
        itself), and the instability.
    """
    if not path.is_file():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    result, known = kept["result"], {card.name: card for card in cards}
    names = list(dict.fromkeys(row["model"] for row in result["rows"]))
    cells = {(row["condition"], row["model"]): row for row in result["rows"]}
    recipes = dict.fromkeys((row["condition"], row["recipe"]) for row in result["rows"])
    return {
        "models": [_column(name, known.get(name)) for name in names],
        "rows": [
            {
                "condition": CONDITIONS.get(condition, condition),
                "recipe": recipe,
                "cells": [_cell(cells[condition, name]) for name in names],
            }
            for condition, recipe in recipes
        ],
        **{key: result[key] for key in ("n", "seed")},
        **{key: kept[key] for key in ("title", "command", "versions")},
    }


def _column(name: str, card: Card | None) -> dict[str, str]:
    method = name.rpartition("/")[2] if card is None else card.method
    return {"name": name, "method": method, "title": method_title(method)}


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    low, high = row["interval"]
    low5, high5 = row["top5_interval"]
    return {
        "top1": {"accuracy": row["accuracy"], "low": low, "high": high},
        "top5": {"accuracy": row["top5"], "low": low5, "high": high5},
        "difference": _difference(row, "difference"),
        "difference5": _difference(row, "top5_difference"),
        "instability": row["instability"],
    }


def _difference(row: Mapping[str, Any], key: str) -> dict[str, float] | None:
    if row[key] is None:
        return None
    low, high = row[f"{key}_interval"]
    return {"value": row[key], "low": low, "high": high}
