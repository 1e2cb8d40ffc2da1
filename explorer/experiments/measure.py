"""What an experiment measures on one trained model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.data.dataset import Dataset, data_fingerprint
from explorer.distortions import Recipe, find_distortion
from explorer.evaluation import wilson_interval
from explorer.evaluation.evaluate import correct_answers
from explorer.evaluation.slopes import measure_slopes
from explorer.evaluation.suites import SUITES
from explorer.experiments.schema import Measures
from explorer.models import Classifier
from explorer.models.right import pack
from explorer.progress import Progress, silent
from explorer.training import TrainConfig
from explorer.training.runs import data_set, held_out


def images_of(config: TrainConfig, measures: Measures) -> Dataset:
    """The images that a run is measured on.

    Args:
        config: Settings of the run.
        measures: What is measured; ``split`` decides.

    Returns:
        The test set, or the images that the run held out of its training images.
    """
    return held_out(config) if measures.split == "validation" else data_set(config.data, "test")


def measure(
    model: Classifier,
    dataset: Dataset,
    config: TrainConfig,
    measures: Measures,
    *,
    known: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure everything that the file asks for. Attacks are crafted on the model itself.

    Args:
        model: The trained model.
        dataset: The images.
        config: How it was trained.
        measures: What to measure.
        known: An earlier row of this very model, of which is kept what was measured in the same way.
        progress: Counts recipes, suites and the slopes.

    Returns:
        A JSON object: ``results`` by recipe (accuracies in [0, 1] with 95 % Wilson intervals), ``instability``,
        ``suites`` and ``theorem``.
    """
    found = reusable(known or {}, measures)
    recipes = [] if "results" in found else measures.recipes
    suites = [name for name in measures.suites if name not in found["suites"]]
    theorem = bool(measures.theorem) and "theorem" not in found
    steps = len(recipes) + len(suites) + theorem

    report = progress or silent

    def begin(done: int) -> None:
        report(done, steps)

    if recipes:
        correct: dict[str, NDArray[np.bool_]] = {}
        found["results"] = []
        images = data_fingerprint(dataset, min(len(dataset), measures.limit or len(dataset)))
        for done, text in enumerate(recipes):
            begin(done)
            recipe = Recipe.parse(text)
            if recipe.adversarial:
                recipe = replace(recipe, against=model.name)
            answers = correct[text] = correct_answers([model], dataset, recipe, limit=measures.limit)[0][0]
            n, count = len(answers), int(answers.sum())
            interval = [round(edge, 6) for edge in wilson_interval(count, n)]
            row = {"recipe": text, "seed": recipe.seed, "n": n, "accuracy": round(count / n, 6), "interval": interval}
            row |= {"images": images, "right": pack(answers)}
            found["results"].append(row)
        found["instability"] = instabilities(correct)
    for done, name in enumerate(suites, len(recipes)):
        begin(done)
        suite = SUITES[name]([model], dataset, limit=measures.suite_limit or measures.limit)
        found["suites"][name] = _short(suite.summaries[0].to_dict()) | {"n": suite.n, "seed": suite.seed}
    if theorem:
        begin(steps - 1)
        found["theorem"] = _theorem(model, dataset, config, measures)
    return found


def reusable(known: dict[str, Any], measures: Measures) -> dict[str, Any]:
    """The parts of an earlier row that can be kept.

    Args:
        known: The row.
        measures: What is measured now.

    Returns:
        What was measured in the same way; ``suites`` is always there, maybe empty.
    """
    then = known.get("measures", {})
    found: dict[str, Any] = {"suites": {}}
    if then.get("split") != measures.split:
        return found
    limit = then.get("limit")
    if limit == measures.limit and {one["recipe"] for one in known["results"]} >= set(measures.recipes):
        found |= {"results": known["results"], "instability": known["instability"]}
    if (then.get("suite_limit") or limit) == (measures.suite_limit or measures.limit):
        found["suites"] = {name: one for name, one in known.get("suites", {}).items() if name in measures.suites}
    if "theorem" in known and all(then.get(key) == getattr(measures, key) for key in ("theorem", "bound", "sigma")):
        found["theorem"] = known["theorem"]
    return found


def _theorem(model: Classifier, dataset: Dataset, config: TrainConfig, measures: Measures) -> dict[str, Any]:
    options = config.options if config.method == "lipschitz" and config.options["bound"] > 0 else {}
    slopes = measure_slopes(
        model,
        dataset,
        options.get("bound", measures.bound),
        sigma=options.get("sigma", measures.sigma),
        softmax=options.get("softmax", False),
        limit=measures.theorem,
    )
    return slopes.to_dict() | {"trained_for": bool(options)}


def instabilities(correct: dict[str, NDArray[np.bool_]]) -> list[dict[str, Any]]:
    """Instability per distortion (Cidon et al. 2021): the share of images correct under some conditions only.

    Args:
        correct: Which images (n,) were classified correctly, by recipe. The conditions of a distortion are the clean
            image and every recipe that is this distortion alone, as in ``explorer.survey.instability``.

    Returns:
        {"distortion", "conditions", "n", "instability" in [0, 1]} each; nothing without the clean images.
    """
    clean = correct.get("clean")
    conditions: dict[str, list[NDArray[np.bool_]]] = {}
    for text, which in correct.items():
        steps = Recipe.parse(text).steps
        if len(steps) == 1 and not find_distortion(steps[0][0]).adversarial:
            conditions.setdefault(steps[0][0], []).append(which)
    if clean is None:
        return []
    found = []
    for name, answers in conditions.items():
        together = np.stack([clean, *answers])
        share = float((together.any(0) & ~together.all(0)).mean())
        found.append({"distortion": name, "conditions": len(together), "n": len(clean), "instability": round(share, 6)})
    return found


def _short(value: Any) -> Any:
    """Numbers to six decimals, throughout; the differences from a first model, which there is none, left out."""
    if isinstance(value, dict):
        return {k: _short(v) for k, v in value.items() if k not in ("difference", "difference_interval")}
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value
