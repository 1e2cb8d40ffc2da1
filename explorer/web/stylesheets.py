"""Style sheets as text: the palette's colours, then the named files of ``styles/``."""

from __future__ import annotations

from explorer import palette
from explorer.models.methods import METHODS, method_colours
from explorer.web.files import FOLDER

PANEL = ("panel", "curves")
"""The style sheets of the live view and its curves."""

APP = (
    *PANEL,
    "page",
    "browser",
    "ribbons",
    "tab_attacks",
    "tab_curves",
    "tab_frames",
    "tab_network",
    "tab_weakness",
    "failures",
    "methods",
    "stabilize",
    "search",
)
"""The style sheets of the app, in this order."""

COLOURED = ":is(.stability-panel, .stability-colours)"
DARK = ':is(.dark, [data-jp-theme-light="false"], [data-theme="dark"], .vscode-dark, [theme="dark"])'
ARROW = (
    "url(\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='8' height='5'%3E%3Cpath "
    "d='M.5.5 4 4 7.5.5' fill='none' stroke='{colour}' stroke-width='1.3'/%3E%3C/svg%3E\")"
)
"""The arrow of a menu; a picture in a style sheet cannot use a custom property, so that it is made here."""


def css(*names: str) -> str:
    """The palette and these style sheets.

    Args:
        names: Files of ``styles/`` without ``.css``, in this order.

    Returns:
        One style sheet. All colours in it are custom properties, defined below ``.stability-panel`` and
        ``.stability-colours``; ``[data-method]`` elements there have ``--fill`` and ``--ink``.
    """
    return colours() + "".join((FOLDER / f"styles/{name}.css").read_text(encoding="utf-8") for name in names)


def colours() -> str:
    """The palette as a style sheet.

    Returns:
        CSS that defines all colours as custom properties, for light and dark pages.
    """
    arrow = ARROW.format(colour=palette.GENERAL["edge"].light.replace("#", "%23"))
    light = _theme(COLOURED, "light", f"--arrow: {arrow};")
    return light + _theme(f"{DARK} {COLOURED}", "dark")


def method_variables(theme: palette.Theme, name: str) -> dict[str, str]:
    """The custom properties of elements with ``data-method="name"``.

    Args:
        theme: "light" or "dark".
        name: Name of the method; "" for one without its own colours.

    Returns:
        ``--fill`` and ``--ink`` with their values.
    """
    return palette.css_variables(theme, method_colours(name)._asdict())


def _theme(selector: str, theme: palette.Theme, more: str = "") -> str:
    rules = [f"{selector} {{ {_declarations(palette.css_variables(theme))} {more} }}"]
    # a method that has no colours of its own gets those of method_colours("")
    for name in ("", *METHODS):
        method = f'[data-method="{name}"]' if name else "[data-method]"
        rules.append(f"{selector} {method} {{ {_declarations(method_variables(theme, name))} }}")
    return "\n".join(rules) + "\n"


def _declarations(variables: dict[str, str]) -> str:
    return " ".join(f"{name}: {value};" for name, value in variables.items())
