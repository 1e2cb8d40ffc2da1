"""Measure what each remedy around a model gains and loses, for the page "Methods" and the documentation.

    .venv/bin/python tools/remedies_table.py

It puts every registered remedy around each model of ``ASKED``, measures all of them on the same images, clean, under
noise and under the attacks of ``explorer masking``, and writes ``explorer/app/methods/remedies.json``. Minutes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from explorer import load_dataset, load_model
from explorer.distortions import Recipe
from explorer.evaluation import masking
from explorer.evaluation.evaluate import correct_answers
from explorer.evaluation.masking import Verdict
from explorer.evaluation.statistics import compare_paired, wilson_interval
from explorer.models.remedies import REMEDIES
from explorer.provenance import versions

OUT = Path(__file__).parents[1] / "explorer" / "app" / "methods" / "remedies.json"
IMAGES, ATTACKED = 200, 20
"""Images that are asked about; of these the first that are attacked."""

ASKED = {"mnist/lenet/standard": ("gaussian_noise=0.5", 0.2)}
"""Per model the noise, and the size of the attacks in the L-infinity norm."""

SETTINGS = {
    "smoothing": {"n": 10}, "average": {"n": 6}, "crops": {"n": 6}, "bits": {"depth": 1}, "median": {"width": 3},
}  # fmt: skip
"""Settings other than their defaults: copies so few that attacks through all of them take minutes, and what suits
MNIST."""


def main() -> None:
    """Measure, and write the file."""
    tables = [_table(name, *how) for name, how in ASKED.items()]
    about = {"command": "python tools/remedies_table.py", "versions": versions("explorer", "python", "torch", "pillow")}
    OUT.write_text(json.dumps(about | {"tables": tables}, indent=1) + "\n", encoding="utf-8")


def _table(name: str, noise: str, size: float) -> dict[str, Any]:
    base = load_model(name, device="cpu")
    around = [
        load_model(name + one.write(one.check(SETTINGS.get(one.name, {}))), device="cpu") for one in REMEDIES.values()
    ]
    models = [base, *around]
    data = load_dataset(base.card.data)
    found = {}
    for key, recipe in (("clean", "clean"), ("noise", noise)):
        right, _ = correct_answers(models, data, Recipe.parse(recipe), limit=IMAGES)
        found[key] = [
            _share(one.mean(), len(one)) | {"difference": _gap(right[0], one) if i else None}
            for i, one in enumerate(right)
        ]
        print(name, key, [round(one["accuracy"], 3) for one in found[key]], flush=True)
    judged = masking(models, data, size=size, limit=ATTACKED, restarts=1).verdicts
    verdicts = {one.model: one for one in judged}
    rows = [
        {
            "name": "" if i == 0 else model.card.remedies[0]["name"],
            "written": model.name.removeprefix(name),
            "passes": model.card.passes,
            **{key: found[key][i] for key in found},
            "attacked": _attacked(verdicts[model.name]),
        }
        for i, model in enumerate(models)
    ]
    return {"model": name, "noise": noise, "size": size, "rows": rows}


def _share(accuracy: float, n: int) -> dict[str, Any]:
    low, high = wilson_interval(round(accuracy * n), n)
    return {"accuracy": float(accuracy), "low": low, "high": high, "n": n}


def _gap(first: Any, second: Any) -> dict[str, float]:
    paired = compare_paired(second & ~first, first & ~second, first & second)
    low, high = paired.interval
    return {"value": paired.difference, "low": low, "high": high}


def _attacked(found: Verdict) -> dict[str, Any]:
    low, high = found.worst_interval
    return {"accuracy": found.worst, "low": low, "high": high, "n": found.n, "signs": list(found.signs)}


if __name__ == "__main__":
    main()
