"""One self-contained HTML page of a comparison: the same live view and curves, frozen, and everything in numbers.

It opens from a file, without a network and without the explorer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from explorer.reports.document import document, fill, model_card
from explorer.reports.tables import Table, measured
from explorer.results import distinct_titles


def report(answer: Mapping[str, Any], curves: Mapping[str, Any] | None, about: Mapping[str, Any]) -> str:
    """The page of a comparison, as HTML.

    Args:
        answer: The comparison as ``panel.js`` paints it.
        curves: The curves as ``curves.js`` paints them; None where the chain has no step, or they were not drawn.
        about: {"recipe", "made": ISO date, "cards": [Card.to_dict()], "versions": {name: version}} and, where they are
            known, the texts "link", "python", "command" and "json". Whatever these hold is shown as text.

    Returns:
        HTML that opens from a file and asks no host for anything.

    Raises:
        ValueError: A number is not finite.
    """
    names = list(zip(_names(answer["models"]), answer["models"], strict=True))
    blocks = (("Recipe", "recipe"), ("Python", "python"), ("Command line", "command"), ("JSON", "json"))
    return document(
        "comparison.html",
        styles=["report"],
        scripts=["report/comparison.js"],
        data=_json({"answer": answer, "curves": curves}),
        title=_headline(answer),
        flipped=[name for name, model in names if model["flipped"]],
        unchanged=[name for name, model in names if not model["flipped"]],
        image_hash=answer["image_hash"],
        notes=answer.get("warnings", []),
        pictures=[(before(answer), answer["images"]["clean"]), ("distorted", answer["images"]["distorted"])],
        layers=_layers(answer),
        probabilities=_probabilities(answer),
        flips=flips_table(curves) if curves else None,
        cards=[model_card(card) for card in about["cards"]],
        about={"link": "", **about},
        again=[(heading, about[key]) for heading, key in blocks if about.get(key)],
        versions=[f"{name} {version}" for name, version in about["versions"].items()],
        **_answers(answer),
    )


def _json(value: Any) -> str:
    """JSON that cannot end the script element that contains it."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# ---- what it says ---------------------------------------------------------------------------------------------------


def _headline(answer: Mapping[str, Any]) -> str:
    first = answer["models"][0]
    return f"{first['clean'][0]['label']} → {first['distorted'][0]['label']}"


def _names(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """The models' titles; the whole names of those whose titles are the same."""
    return distinct_titles([model["title"] for model in models], [model["name"] for model in models])


def before(answer: Mapping[str, Any]) -> str:
    """The caption of the picture that the distorted one is compared with.

    Args:
        answer: As in ``report``.

    Returns:
        "pinned" if a picture is pinned, else "clean".
    """
    return "pinned" if answer.get("pinned") else "clean"


def answers_html(answer: Mapping[str, Any]) -> str:
    """The models' answers for readers without scripts.

    Args:
        answer: As in ``report``.

    Returns:
        One HTML table.
    """
    return fill("answers.html", **_answers(answer))


def _answers(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What ``answers.html`` shows."""
    head = [
        "model",
        before(answer),
        "distorted",
        "",
        "confidence",
        "margin",
        "change (KL)",
        "feature distance",
        "percentile",
    ]
    rows = []
    for name, model in zip(_names(answer["models"]), answer["models"], strict=True):
        layers = list(model["feature_distance"].values())
        percentile = model["feature_percentile"]
        rows.append(
            [
                name,
                f"{model['clean'][0]['label']} {model['clean'][0]['probability']:.4f}",
                f"{model['distorted'][0]['label']} {model['distorted'][0]['probability']:.4f}",
                "◆ flipped" if model["flipped"] else "○ holds",
                f"{model['confidence']:.4f}",
                f"{model['margin']:+.4f}",
                f"{model['kl']:.4g}",
                f"{layers[-1]['l2']:.4g}" if layers else "–",
                "–" if percentile is None else f"{percentile:.1f}",
            ]
        )
    moved = answer["input"]
    change = measured(moved, psnr=".2f", ssim=".4f")
    return {
        "answers": Table(head, rows),
        "moved": {**change, "l2": f"{moved['l2']:.4g}", "linf": f"{moved['linf']:.4g}"},
        "pixels": answer["pixels"],
        "size": " × ".join(str(int(side)) for side in answer["size"]),
        "label": answer.get("label"),
        "pinned": answer.get("pinned"),
    }


def _layers(answer: Mapping[str, Any]) -> Table | None:
    """Feature distance layer by layer; models of different architectures have layers of different names."""
    names = list(dict.fromkeys(layer for model in answer["models"] for layer in model["feature_distance"]))
    if not names:
        return None
    found = [model["feature_distance"] for model in answer["models"]]
    rows = [
        [name, *(f"{d[name]['l2']:.4g} ({d[name]['cosine']:.3f})" if name in d else "–" for d in found)]
        for name in names
    ]
    head = ["feature distance: L2 (1 − cosine)", *_names(answer["models"])]
    return Table(head, rows)


def _probabilities(answer: Mapping[str, Any]) -> Table:
    """Each class's probability, clean → distorted."""
    pairs = [
        [{entry["label"]: entry["probability"] for entry in model[side]} for side in ("clean", "distorted")]
        for model in answer["models"]
    ]
    labels = list(dict.fromkeys(label for pair in pairs for side in reversed(pair) for label in side))
    rows = [
        [label, *(" → ".join(f"{side[label]:.4f}" if label in side else "–" for side in pair) for pair in pairs)]
        for label in labels
    ]
    head = [f"probability, {before(answer)} → distorted", *_names(answer["models"])]
    return Table(head, rows)


def flips_table(curves: Mapping[str, Any]) -> Table:
    """Each model's flip point, and its range over other noises.

    Args:
        curves: The curves as ``curves.js`` draws them.

    Returns:
        One row per model.
    """
    amounts = curves["amounts"]
    rows = []
    for name, model in zip(_names(curves["models"]), curves["models"], strict=True):
        band = model.get("band")
        found = [point for point in band["flip_points"] if point is not None] if band else []
        ends = sorted(found, key=lambda point: abs(point - amounts[0]))
        spread = "–"
        if ends:
            spread = f"{_amount(curves, ends[0])} to {_amount(curves, ends[-1])} ({len(ends)} of {band['n']})"
        rows.append([name, _flip(curves, model["flip_point"]), spread])
    head = [f"flip point, {curves['title']}", "on screen", f"over seeds, among the {len(amounts)} amounts drawn"]
    return Table(head, rows)


def _flip(curves: Mapping[str, Any], point: float | None) -> str:
    """A flip point in words; one that was not searched lies between two of the curves' amounts."""
    if point is None:
        return "holds throughout"
    amounts = curves["amounts"]
    if point == amounts[0]:
        return "flipped by the rest of the chain"
    if curves.get("exact") or point not in amounts:
        return _amount(curves, point)
    return f"between {_amount(curves, amounts[amounts.index(point) - 1])} and {_amount(curves, point)}"


def _amount(curves: Mapping[str, Any], value: float) -> str:
    """As the curves write it: "σ = 0.06", "σ = 2.5 px", "θ = −12°", "ε = 8/255"."""
    sign, symbol = str(curves["sign"]), str(curves["symbol"])
    number = f"{float(format(value * curves['factor'], '.3g')) + 0.0:g}".replace("-", "−")
    unit = "" if symbol == sign else f" {symbol}" if symbol[:1].isalpha() else symbol
    return f"{sign} = {number}{unit}"
