"""The colours can be read, and the style sheets hold no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from explorer import palette
from explorer.models.methods import METHODS, method_colours
from explorer.palette import Theme, css_variables
from explorer.web.files import FOLDER
from explorer.web.stylesheets import colours, method_variables

SHEETS = sorted((FOLDER / "styles").glob("*.css"))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it, 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("method", [*METHODS, "unheard-of"])
def test_text_in_a_methods_colour_can_be_read(method: str, theme: Theme) -> None:
    ink, general = method_variables(theme, method)["--ink"], css_variables(theme)
    assert contrast(ink, general["--card"]) >= 4.5
    assert contrast(general["--on-ink"], ink) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: Theme) -> None:
    general = css_variables(theme)
    for text in ("--text", "--soft"):
        for ground in ("--card", "--bg", "--track"):
            assert contrast(general[text], general[ground]) >= 4.5, (text, ground)


def test_colours_of_figures_can_be_read() -> None:
    assert min(contrast(colour, "#ffffff") for colour in palette.OTHERS) >= 4.5


def test_methods_have_colours_of_their_own() -> None:
    for theme in ("light", "dark"):
        inks = [getattr(method_colours(name).ink, theme) for name in METHODS]
        assert len(set(inks)) == len(inks)
    assert method_colours("unheard-of").ink == palette.GENERAL["soft"]


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_style_sheets_name_no_colour(path: Path) -> None:
    assert re.findall(r"(?:#|%23)[0-9a-fA-F]{3,8}(?![\w-])", path.read_text(encoding="utf-8")) == []


def test_every_property_that_style_sheets_use_is_defined() -> None:
    used = {name for path in SHEETS for name in re.findall(r"var\((--[\w-]+)\)", path.read_text(encoding="utf-8"))}
    own = {name for path in SHEETS for name in re.findall(r"(--[\w-]+):", path.read_text(encoding="utf-8"))}
    others = {"--body-text-color", "--font-mono", "--at", "--place"}  # Gradio's own, and where scripts put something
    assert used - own - others - set(re.findall(r"(--[\w-]+):", colours())) == set()
