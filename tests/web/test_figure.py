"""The figure that leaves the page: standalone, exact to the pixel, in the page's colours."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from explorer.palette import Theme, css_variables
from explorer.web import stylesheets
from explorer.web.bundle import bundle
from explorer.web.stylesheets import method_variables
from tests.support.bare_page import bare_page
from tests.support.curve_data import curves
from tests.web.test_panel import SURE, SWAYED, answer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
SVG = "{http://www.w3.org/2000/svg}"


def picture(*colours: tuple[int, int, int]) -> str:
    """A data URL of a picture two pixels wide."""
    image = Image.new("RGB", (2, len(colours) // 2))
    image.putdata(colours)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


CLEAN = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (10, 20, 30)]
DISTORTED = [(200, 1, 2), (3, 100, 5), (7, 8, 90), (250, 251, 252)]


def said(*models: dict[str, Any], **changes: Any) -> dict[str, Any]:
    own = answer(SWAYED)
    own["images"] = {"clean": picture(*CLEAN), "distorted": picture(*DISTORTED)}
    return own | {"recipe": "gaussian_noise=0.1,jpeg=30;seed=7", "models": [*own["models"], *models]} | changes


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    html = f"<style>{stylesheets.css(*stylesheets.PANEL)}</style>"
    with bare_page(browser, html) as page:
        page.evaluate(
            """async (source) => {
              window.module = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
            }""",
            bundle("panel/figure.js"),
        )
        yield page


def draw(page: Page, own: dict[str, Any], along: dict[str, Any] | None = None, *, dark: bool = False) -> str:
    script = "([a, c, dark]) => { document.body.className = dark ? 'dark' : ''; return module.figure(a, c); }"
    return str(page.evaluate(script, [own, along, dark]))


def rasterise(page: Page, svg: str, scale: int) -> Image.Image:
    data = page.evaluate(
        """async ([svg, scale]) => {
          const blob = await module.rasterise(svg, scale);
          const bytes = new Uint8Array(await blob.arrayBuffer());
          return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
        }""",
        [svg, scale],
    )
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_it_stands_alone_and_says_everything(page: Page) -> None:
    svg = draw(page, said(answer(SURE)["models"][0]), curves(at=0.25))
    tree = ET.fromstring(svg)  # noqa: S314  # our own drawing
    assert "var(" not in svg
    links = [value for element in tree.iter() for key, value in element.attrib.items() if key.endswith("href")]
    assert len(links) == 2
    assert all(link.startswith("data:image/png;base64,") for link in links)
    words = " ".join("".join(element.itertext()) for element in tree.iter(f"{SVG}text"))
    for part in ("cat→dog", "flipped", "holds", "0123456789abcdef", "60 %", "+0.40", "Confidence in “cat”", "8-bit"):
        assert part in words, part
    assert "gaussian_noise=0.1,jpeg=30;seed=7" in words
    assert len([element for element in tree.iter() if element.get("class") == "curve"]) == 6
    without = draw(page, said())
    assert "Confidence in" not in without


def test_the_pictures_pixels_are_in_it_exactly(page: Page) -> None:
    svg = draw(page, said())
    tree = ET.fromstring(svg)  # noqa: S314  # our own drawing
    for scale in (1, 3):
        shot = rasterise(page, svg, scale).convert("RGB")
        assert shot.size == tuple(scale * int(float(tree.get(key, "0"))) for key in ("width", "height"))
        for image, colours in zip(tree.iter(f"{SVG}image"), (CLEAN, DISTORTED), strict=True):
            x, y, side = (float(image.get(key, "nan")) for key in ("x", "y", "width"))
            for i, colour in enumerate(colours):
                for within in (0.03, 0.5, 0.97):  # up to their edges: nothing is smoothed
                    place = [(x + (i % 2 + within) * side / 2) * scale, (y + (i // 2 + within) * side / 2) * scale]
                    assert shot.getpixel((int(place[0]), int(place[1]))) == colour


def test_bars_are_as_long_as_the_probabilities(page: Page) -> None:
    tree = ET.fromstring(draw(page, said()))  # noqa: S314  # our own drawing
    bars = {
        kind: [float(rect.get("width", "nan")) for rect in tree.iter(f"{SVG}rect") if rect.get("class") == kind]
        for kind in ("clean", "distorted")
    }
    full = bars["clean"][1]  # the clean answer, second of the distorted ones, was certain
    assert [bar / full for bar in bars["distorted"]] == pytest.approx(sorted(SWAYED.values(), reverse=True))
    assert bars["clean"] == pytest.approx([0, full, 0, 0, 0])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_its_colours_are_those_of_the_page(page: Page, theme: Theme) -> None:
    svg = draw(page, said(), curves(), dark=theme == "dark")
    assert "var(" not in svg
    assert "tabindex" not in svg
    assert f'fill="{method_variables(theme, "standard")["--fill"]}"' in svg
    assert f'fill="{css_variables(theme)["--card"]}"' in svg
    for method in ("standard", "stability", "lipschitz", "bang", "gaussian", "unheard-of"):
        computed = page.evaluate(
            """([method, dark]) => {
              document.body.className = dark ? 'dark' : '';
              document.body.innerHTML = '<div class=stability-colours><i></i></div>';
              document.querySelector('i').dataset.method = method;
              const style = getComputedStyle(document.querySelector('i'));
              return Object.fromEntries(['--fill', '--ink', '--card', '--text', '--soft', '--line', '--edge',
                '--track', '--bg', '--on-ink', '--paper'].map((name) => [name, style.getPropertyValue(name)]));
            }""",
            [method, theme == "dark"],
        )
        assert css_variables(theme) | method_variables(theme, method) == computed


def test_labels_are_text_and_the_largest_case_fits(page: Page) -> None:
    evil = "<script>window.broken = 1</script>"
    model = answer({evil: 0.9, "cat": 0.1}, title=evil, name=evil)["models"][0]
    svg = draw(page, said(*[model] * 11, label=evil, recipe=evil * 20, pixels=evil), curves(title=evil), dark=True)
    tree = ET.fromstring(svg)  # noqa: S314  # our own drawing
    assert not list(tree.iter(f"{SVG}script"))
    assert len([one for one in tree.iter() if one.get("class") == "badge"]) == 12
    image = rasterise(page, svg, 1)
    assert image.height > 1200
    assert page.evaluate("window.broken") is None
    tops = [
        float(one.get("y", "0")) + float(one.get("height", "0"))
        for one in tree.iter(f"{SVG}rect")
        if one.get("rx") == "12"
    ]
    assert max(tops) < image.height


def test_the_same_drawing_in_the_two_modes_differs_in_colours_only(page: Page) -> None:
    light, dark = (draw(page, said(), curves(), dark=dark) for dark in (False, True))
    assert re.sub(r"#[0-9a-f]{3,6}\b", "#", light) == re.sub(r"#[0-9a-f]{3,6}\b", "#", dark)
    assert light != dark
