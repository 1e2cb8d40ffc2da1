"""The frame and the common parts of pages that open from a file, without a network and without the explorer.

A policy in the page forbids every request, and every script but those it was written with. Pages are Jinja2 templates
with automatic escaping; Python passes plain data and finished text.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from explorer.reports.tables import Table
from explorer.web import stylesheets
from explorer.web.bundle import bundle

MADE_WITH = ("explorer", "python", "torch", "torchvision", "numpy", "pillow")
"""Whose versions a page tells."""


@cache
def templates() -> Environment:
    """The templates of this package.

    Returns:
        A Jinja environment that escapes all text and refuses undefined names.
    """
    return Environment(
        loader=PackageLoader("explorer.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def fill(template: str, **values: Any) -> str:
    """Fill a template.

    Args:
        template: Its file name in ``templates``.
        values: Values of its names; text is escaped.

    Returns:
        HTML.
    """
    return templates().get_template(template).render(**values)


def document(
    template: str, *, styles: Sequence[str], scripts: Sequence[str] = (), data: str = "", **values: Any
) -> str:
    """A page, as HTML.

    Args:
        template: The template of its body, which extends ``page.html``.
        styles: Files of ``web/styles`` without ``.css``, beside those of the panel.
        scripts: Entry modules below ``web``, run in order.
        data: JSON that the scripts find in #frozen; it must not be able to end its element.
        values: What the template names; text is escaped.

    Returns:
        HTML that asks no host for anything.
    """
    style = stylesheets.css(*stylesheets.PANEL, *styles)
    modules = [bundle(entry) for entry in ("report/colours.js", *scripts)]
    return fill(
        template,
        policy=Markup(_policy(modules, style)),  # noqa: S704  # hashes only
        style=Markup(style),  # noqa: S704  # our own
        modules=[Markup(module) for module in modules],  # noqa: S704  # the same
        data=Markup(data),  # noqa: S704  # the caller has made it safe
        **values,
    )


def _policy(scripts: Iterable[str], style: str) -> str:
    """A policy without requests, and only with these scripts and styles."""
    allowed = " ".join(_fingerprint(script) for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_fingerprint(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _fingerprint(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def model_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """Prepare a model's card for ``parts.html``.

    Args:
        card: ``Card.to_dict()``.

    Returns:
        The values that the template names.
    """
    rows = [
        [str(result["recipe"]), f"{100 * result['accuracy']:.2f} %", f"{result['n']:,}", str(result["seed"])]
        for result in card["results"]
    ]
    training = {key: value for key, value in card["training"].items() if key != "options"}
    settings = {**card["training"].get("options", {}), **training, **card["versions"]}
    return {
        **{key: card[key] for key in ("name", "method", "arch", "data", "command", "sha256")},
        "measured": Table(["accuracy under", "", "images", "seed"], rows) if rows else None,
        "settings": [f"{key} {'none' if value is None else value}" for key, value in settings.items()],
    }
