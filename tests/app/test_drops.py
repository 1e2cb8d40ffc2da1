"""What is dropped on the page: files, and pictures dragged from other web pages."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest

from tests.support.app_page import AppPage
from tests.support.pictures import png_of

pytestmark = pytest.mark.browser

OWN = png_of(np.full((32, 32, 3), (10, 200, 90), np.uint8))
INSIDE = "data:image/png;base64," + base64.b64encode(OWN).decode()
ADDRESS = "https://example.org/cat.jpg"

DROP = """([given, selector]) => {
  const dataTransfer = new DataTransfer();
  for (const [type, text] of Object.entries(given)) dataTransfer.setData(type, text);
  const how = { dataTransfer, bubbles: true, cancelable: true };
  const events = ['dragover', 'drop'].map((name) => new DragEvent(name, how));
  return events.map((event) => !document.querySelector(selector).dispatchEvent(event));
}"""


def drop(visitor: AppPage, given: dict[str, str], on: str = "#stage") -> list[bool]:
    """Whether the page took the dragging and the drop; else the browser does what it always does."""
    return list(visitor.page.evaluate(DROP, [given, on]))


@pytest.mark.parametrize(
    "given",
    [
        {"text/uri-list": ADDRESS, "text/html": f'<img src="{ADDRESS}">'},
        {"text/uri-list": f"# a comment\r\n{ADDRESS}"},
        {"text/uri-list": "https://example.org/page", "text/html": '<a href="https://example.org/page">a page</a>'},
    ],
)
def test_an_address_is_answered_by_what_to_do_and_never_fetched(visitor: AppPage, given: dict[str, str]) -> None:
    before = visitor.hash
    assert drop(visitor, given) == [True, True]
    visitor.until_notice("copy the picture and press Ctrl + V")
    assert len(re.findall(r"[.!?](?:\s|$)", visitor.notice)) == 1
    assert visitor.hash == before


@pytest.mark.parametrize(
    "given", [{"text/uri-list": INSIDE}, {"text/uri-list": ADDRESS, "text/html": f'<img alt="a" src="{INSIDE}">'}]
)
def test_a_picture_that_is_in_its_address_is_taken(visitor: AppPage, given: dict[str, str]) -> None:
    before = visitor.hash
    drop(visitor, given)
    visitor.until_other_hash(before)
    assert visitor.pixels("clean")[2][:4] == [10, 200, 90, 255]


def test_words_and_links_may_be_dropped_into_fields(visitor: AppPage) -> None:
    assert drop(visitor, {"text/plain": "jpeg=20"}) == [False, False]
    assert drop(visitor, {"text/uri-list": ADDRESS}, "#recipe textarea") == [False, False]
    assert visitor.page.locator(".notice").is_hidden()


def test_a_thumbnail_dragged_about_on_the_page_is_no_new_picture(visitor: AppPage) -> None:
    page, before = visitor.page, visitor.hash
    page.locator(".thumb").nth(2).drag_to(page.locator("#panel"))
    assert visitor.hash == before
    assert page.locator("[data-own]").count() == 0
    drop(visitor, {"text/uri-list": ADDRESS})  # the drag is over
    visitor.until_notice("Ctrl + V")
