"""The frame of every page that opens from a file, without a network and without the explorer, and what pages share.

A policy in the page forbids every request, and every script but those it was written with.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from explorer.panel import panel_css, read

COLOURS = """
const wanted = matchMedia("(prefers-color-scheme: dark)");
const colours = () => document.documentElement.classList.toggle("dark", wanted.matches);
wanted.addEventListener("change", colours);
addEventListener("beforeprint", () => document.documentElement.classList.remove("dark"));
addEventListener("afterprint", colours);
colours();
"""
"""The script that follows the reader's light or dark, and prints light."""


def document(
    title: str,
    parts: Sequence[str],
    *,
    styles: Sequence[str],
    scripts: Sequence[str] = (),
    kind: str = "",
    data: str = "",
) -> str:
    """The page, as HTML. ``parts``: its body as markup. ``styles``: names of style sheets of this package.

    ``scripts``: modules, run in order after ``COLOURS``; ``kind``: a class of its own. ``data``: JSON that the scripts
    find in #frozen; it must not be able to end its element.
    """
    style = panel_css() + "".join(map(read, styles))
    modules = [COLOURS, *scripts]
    body = "\n".join(parts)
    frozen = f'<script type="application/json" id="frozen">{data}</script>\n' if data else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(modules, style)}">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>{escape(title)} · Stability Explorer</title>
<style>{style}</style>
</head>
<body>
<main class="report {kind} stability-colours">
{body}
</main>
{frozen}{"".join(f'<script type="module">{script}</script>' for script in modules)}
</body>
</html>
"""


def _policy(scripts: Iterable[str], style: str) -> str:
    """No request to anywhere; only these very scripts and styles."""
    allowed = " ".join(_fingerprint(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_fingerprint(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _fingerprint(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def model_card(card: Mapping[str, Any]) -> str:
    """What a model's card (``Card.to_dict()``) tells, as a box."""
    rows = [
        [str(result["recipe"]), f"{100 * result['accuracy']:.2f} %", f"{result['n']:,}", str(result["seed"])]
        for result in card["results"]
    ]
    measured = table(["accuracy under", "", "images", "seed"], rows) if rows else '<p class="soft">Not measured.</p>'
    training = {key: value for key, value in card["training"].items() if key != "options"}
    settings = {**card["training"].get("options", {}), **training, **card["versions"]}
    details = [f"{key} {'none' if value is None else value}" for key, value in settings.items()]
    made = f"Method {card['method']}, architecture {card['arch']}, trained on {card['data']}."
    return (
        f'<div class="box card-of" data-method="{escape(card["method"])}"><h3><i></i>{escape(card["name"])}</h3>'
        f"<p>{escape(made)}</p>"
        f"<pre>{escape(card['command']) or 'The command it was trained with is not known.'}</pre>"
        f'<div class="wide">{measured}</div>'
        f'<p class="soft">{escape(", ".join(details))}</p>'
        f'<p class="hash">sha256 {escape(card["sha256"]) or "unknown"}</p></div>'
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column names its rows."""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(value)}</td>" for value in rest)}</tr>'
        for first, *rest in rows
    )
    return f'<table class="numbers"><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table>'
