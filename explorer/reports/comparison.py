"""One self-contained HTML page of a comparison: the same live view and curves, frozen, and everything in numbers.

It opens from a file, without a network and without the explorer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from explorer.panel import curves_module, panel_module
from explorer.reports.document import document, model_card, table

START = """
const { answer, curves } = JSON.parse(document.getElementById("frozen").textContent);
const { mount, mountCurves } = window.stability;
const state = { models: answer.models.map(({ name }) => name) };
mount(document.getElementById("panel"), { ask: async () => answer, state });
if (curves) {
  const charts = mountCurves(document.getElementById("curves"));
  charts.paint(curves);
  charts.at(curves.at ?? null);
}
"""


def report(answer: Mapping[str, Any], curves: Mapping[str, Any] | None, about: Mapping[str, Any]) -> str:
    """The page, as HTML.

    ``answer`` as ``panel.js`` paints it, ``curves`` as ``curves.js`` does (None: the chain has no step). ``about``:
    {"recipe", "python", "command", "json", "link": str, "cards": [Card.to_dict()], "versions": {name: version},
    "made": ISO date}. Whatever these texts hold is shown as text. ValueError where a number is not finite.
    """
    scripts = [
        f"{panel_module()}\nwindow.stability = {{ ...window.stability, mount }};\n",
        f"{curves_module()}\nwindow.stability = {{ ...window.stability, mountCurves }};\n",
        START,
    ]
    frozen = _json({"answer": answer, "curves": curves})
    lead = (
        f"{_verdict(answer)} Recipe <b>{escape(str(about['recipe']))}</b>, pixels #{escape(answer['image_hash'])}, "
        f"made {escape(str(about['made']))} with Stability Explorer."
    )
    parts = [
        f"<h1>{escape(_headline(answer))}</h1>",
        f'<p class="lead">{lead}</p>',
        '<div id="panel"></div>',
        _without_script(answer),
        *(["<h2>While the distortion grows</h2>", '<div class="box" id="curves"></div>'] if curves else []),
        "<h2>The numbers</h2>",
        answers_table(answer),
        _layers(answer),
        _probabilities(answer),
        *(_flips(curves) if curves else []),
        "<h2>The models</h2>",
        *(model_card(card) for card in about["cards"]),
        "<h2>How to get the same again</h2>",
        _again(about),
    ]
    return document(_headline(answer), parts, styles=["report.css"], scripts=scripts, data=frozen)


def _json(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


# ---- what it says ---------------------------------------------------------------------------------------------------


def _headline(answer: Mapping[str, Any]) -> str:
    first = answer["models"][0]
    return f"{first['clean'][0]['label']} → {first['distorted'][0]['label']}"


def _verdict(answer: Mapping[str, Any]) -> str:
    """Which models changed their answer, and which held it, in a sentence each."""
    names = _names(answer["models"])
    said = []
    for flipped, word in ((True, "Flipped"), (False, "Held")):
        found = [name for name, model in zip(names, answer["models"], strict=True) if model["flipped"] == flipped]
        said.append(f"{word}: {escape(', '.join(found)) or 'none'}.")
    return " ".join(said)


def _names(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """The models' titles; the whole names of those whose titles are the same."""
    titles = [model["title"] for model in models]
    return [title if titles.count(title) == 1 else model["name"] for title, model in zip(titles, models, strict=True)]


def before(answer: Mapping[str, Any]) -> str:
    """What the distorted picture is compared with: the clean one or a pinned one."""
    return "pinned" if answer.get("pinned") else "clean"


def _without_script(answer: Mapping[str, Any]) -> str:
    pictures = "".join(
        f'<img src="{escape(answer["images"][which])}" alt="{word} picture">'
        for which, word in (("clean", before(answer)), ("distorted", "distorted"))
    )
    return f"<noscript><p>Scripts are switched off: here are the pictures; the numbers follow.</p>{pictures}</noscript>"


def answers_table(answer: Mapping[str, Any]) -> str:
    """The models' answers as one HTML table, for readers without scripts."""
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
    psnr = "∞" if moved["psnr"] is None else f"{moved['psnr']:.2f}"
    ssim = "–" if moved["ssim"] is None else f"{moved['ssim']:.4f}"
    pinned = answer.get("pinned")
    pin = f" Pinned, and compared with in place of the clean picture: {escape(pinned)}." if pinned else ""
    label = "" if answer.get("label") is None else f" True class: {escape(str(answer['label']))}."
    distance = (
        f'<p class="soft">The input moved by PSNR {psnr} dB, SSIM {ssim}, L2 {moved["l2"]:.4g}, L∞ '
        f"{moved['linf']:.4g}; {escape(answer['pixels'])} pixels, {int(answer['side'])} px.{label}{pin}</p>"
    )
    return f'<div class="box wide">{table(head, rows)}{distance}</div>'


def _layers(answer: Mapping[str, Any]) -> str:
    """Feature distance layer by layer; models of different architectures have layers of different names."""
    names = list(dict.fromkeys(layer for model in answer["models"] for layer in model["feature_distance"]))
    if not names:
        return ""
    found = [model["feature_distance"] for model in answer["models"]]
    rows = [
        [name, *(f"{d[name]['l2']:.4g} ({d[name]['cosine']:.3f})" if name in d else "–" for d in found)]
        for name in names
    ]
    head = ["feature distance: L2 (1 − cosine)", *_names(answer["models"])]
    return f'<div class="box wide">{table(head, rows)}</div>'


def _probabilities(answer: Mapping[str, Any]) -> str:
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
    return f'<div class="box wide">{table(head, rows)}</div>'


def _flips(curves: Mapping[str, Any]) -> list[str]:
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
    return [f'<div class="box wide">{table(head, rows)}</div>']


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


def _again(about: Mapping[str, Any]) -> str:
    link = str(about["link"])
    shown = escape(link)
    if link.startswith(("http://", "https://")):
        shown = f'<a href="{shown}" rel="noreferrer">{shown}</a>'
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    blocks = "".join(
        f"<h3>{title}</h3><pre>{escape(str(about[key]))}</pre>"
        for title, key in (("Recipe", "recipe"), ("Python", "python"), ("Command line", "command"), ("JSON", "json"))
    )
    return f"<h3>Link</h3><p>{shown}</p>{blocks}<p>Versions: {escape(versions)}.</p>"
