"""Data sets in the app: browsing, filtering, stepping, the next disagreement, downloads with cancel and resume."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from PIL import Image

from explorer import fit
from explorer.analysis import compare_image
from explorer.app.context import Context, make_context
from explorer.app.dataset_catalog import BROWSED, DatasetCatalog
from explorer.app.jobs import HANDLERS, StoppedError
from explorer.app.pictures import Pictures
from explorer.data import images
from explorer.data.datasets import Dataset, load_dataset, open_dataset, open_folder
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from tests.support.app_page import AppPage, artifacts, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

browser_test = pytest.mark.browser
DIGITS = ["digits/lenet/standard", "digits/lenet/stability"]
STRONG = {"steps": [["gaussian_noise", 0.5]], "seed": 3, "against": None, "quantised": True}


def silent(done: int, total: int) -> None:
    pass


# ---- the catalog -----------------------------------------------------------------------------------------------------


@pytest.fixture
def catalog() -> DatasetCatalog:
    """One data set of seven rows: classes a a b a b c a."""
    x = np.arange(7, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2) * 30
    labels = np.array([0, 0, 1, 0, 1, 2, 0])
    return DatasetCatalog([Dataset("mine", "test", x, labels, ("a", "b", "c", "d"), (0.0,), (1.0,))])


def rows(found: dict[str, Any]) -> list[int]:
    return [item["index"] for item in found["items"]]


@pytest.mark.parametrize(
    ("question", "expected", "start"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6], 0),
        ({"start": 5}, [5, 6], 5),
        ({"label": "a"}, [0, 1, 3, 6], 0),
        ({"label": "a", "start": 2, "count": 1}, [3], 2),
        ({"label": "d"}, [], 0),
        ({"row": 5, "count": 2}, [4, 5], 4),
        ({"label": "b", "row": 3, "count": 1}, [4], 1),
        ({"label": "c", "row": 6, "count": 1}, [5], 0),
        ({"after": 2, "count": 1}, [3], 3),
        ({"after": 6, "count": 1}, [0], 0),
        ({"label": "b", "after": 2, "count": 1}, [4], 1),
        ({"label": "b", "after": 4, "count": 1}, [2], 0),
        ({"before": 0, "count": 1}, [6], 6),
        ({"label": "b", "before": 4, "count": 1}, [2], 0),
        ({"label": "c", "random": True, "count": 1}, [5], 0),
    ],
)
def test_rows_are_found_by_place_row_neighbour_and_class(
    catalog: DatasetCatalog, question: dict[str, Any], expected: list[int], start: int
) -> None:
    found = catalog.browse({"dataset": "mine", **question}, silent)
    assert (rows(found), found["start"], found["rows"]) == (expected, start, 7)
    for item in found["items"]:
        assert item["label"] == "aababca"[item["index"]]
        decoded = images.load_image(_png(item["thumb"]))
        assert int(images.to_uint8(decoded)[0, 0, 0, 0]) == 30 * item["index"]


def _png(url: str) -> bytes:
    import base64

    return base64.b64decode(url.removeprefix("data:image/png;base64,"))


@pytest.mark.parametrize(
    "question",
    [
        {"dataset": "nothing"},
        {"dataset": "../../etc"},
        {"dataset": None},
        {"dataset": ["mine"]},
        {"dataset": "mine", "label": "e"},
        {"dataset": "mine", "label": ["a"]},
        {"dataset": "mine", "label": {}},
        {"dataset": "mine", "start": -1},
        {"dataset": "mine", "start": 7},
        {"dataset": "mine", "start": "0"},
        {"dataset": "mine", "start": True},
        {"dataset": "mine", "row": 7},
        {"dataset": "mine", "row": 1e300},
        {"dataset": "mine", "after": None},
        {"dataset": "mine", "before": -1},
        {"dataset": "mine", "count": 0},
        {"dataset": "mine", "count": 10**9},
    ],
    ids=str,
)
def test_whatever_is_asked_of_the_catalog_gets_one_sentence(catalog: DatasetCatalog, question: dict[str, Any]) -> None:
    with pytest.raises(ExplorerError, match=r"^[A-Za-z].{10,300}$"):
        catalog.browse(question, silent)


def test_the_catalogue_says_what_is_here_and_what_has_to_be_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalog: DatasetCatalog
) -> None:
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    listed = {entry["name"]: entry for entry in catalog.catalogue()}
    assert json.loads(json.dumps(listed)) == listed
    assert [name for name, entry in listed.items() if entry["here"]] == ["mine", "digits"]
    assert (listed["mine"]["rows"], listed["mine"]["classes"]) == (7, ["a", "b", "c", "d"])
    assert (listed["cifar10"]["bytes"], listed["cifar10"]["kept"]) == (170_052_171, 0)
    assert listed["digits"]["bytes"] == 0
    assert listed["digits"]["rows"] == len(load_dataset("digits"))
    part = tmp_path / "downloads" / "cifar10" / "cifar-10-binary.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(123))
    np.savez(tmp_path / "mnist.npz", x_test=np.zeros((3, 28, 28), np.uint8), y_test=np.zeros(3, int))
    listed = {entry["name"]: entry for entry in catalog.catalogue()}
    assert listed["cifar10"]["kept"] == 123
    assert listed["mnist"]["here"]


# ---- a folder of one's own -------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of pictures in several sizes, one of them no picture at all."""
    rng = np.random.default_rng(5)
    for name, sides in (("cats", [(40, 60), (300, 200)]), ("dogs", [(64, 64)])):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i, side in enumerate(sides):
            Image.fromarray(rng.integers(0, 256, (*side, 3), np.uint8)).save(tmp_path / "pets" / name / f"{i}.png")
    (tmp_path / "pets" / "dogs" / "9.png").write_bytes(
        (tmp_path / "pets" / "dogs" / "0.png").read_bytes()[:2000]  # its header is right, the rest is missing
    )
    (tmp_path / "pets" / ".hidden").mkdir()
    return tmp_path / "pets"


def test_a_folder_gives_each_model_its_size_straight_from_the_file(folder: Path) -> None:
    data = open_folder(folder)
    assert (len(data), data.size, data.classes, data.labels.tolist()) == (4, 40, ("cats", "dogs"), [0, 0, 1, 1])
    catalog = DatasetCatalog([data])
    pictures = Pictures([(32, 3), (28, 1)], catalog)
    for takes in pictures.inputs:
        _, cat = pictures.find({"dataset": "pets", "index": 1}, takes)
        assert torch.equal(cat.pixels, fit(images.load_image(folder / "cats" / "1.png"), *takes))
        assert (cat.class_name, cat.shipped) == ("cats", False)
    batch, labels = data.fitted(32, 3).batch([2, 0])
    assert batch.shape == (2, 3, 32, 32)
    assert labels.tolist() == [1, 0]
    found = catalog.browse({"dataset": "pets"}, silent)
    assert [("thumb" in item, "error" in item) for item in found["items"]] == [(True, False)] * 3 + [(False, True)]
    assert found["items"][3]["error"].startswith("dogs/9.png: The image file is damaged")
    with pytest.raises(ExplorerError, match=r"dogs/9.png: .*damaged"):
        pictures.find({"dataset": "pets", "index": 3}, (32, 3))


def test_a_folder_without_classes_has_rows_of_unknown_class(folder: Path) -> None:
    data = open_dataset(str(folder / "cats"))
    assert (len(data), data.classes) == (2, ())
    catalog = DatasetCatalog([data])
    assert [item["label"] for item in catalog.browse({"dataset": "cats"}, silent)["items"]] == [None, None]
    assert catalog.catalogue()[0]["classes"] == []
    assert Pictures([(32, 3)], catalog).find({"dataset": "cats", "index": 0}, (32, 3))[1].class_name is None
    with pytest.raises(ExplorerError, match="one sub-folder per class"):
        load_dataset(str(folder / "cats"))


def test_a_huge_folder_costs_nothing_until_its_rows_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = images.load_fitted

    def noted(path: Path, takes: Any) -> list[torch.Tensor]:
        opened.append(path.name)
        return real(path, takes)

    monkeypatch.setattr(images, "load_fitted", noted)
    data = open_folder(folder, side=16)
    assert opened == []
    data.batch([1])
    data.batch([1])
    assert opened == ["1.png"]


# ---- the jobs --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def context() -> Context:
    return make_context(DIGITS)


def digit_state(**changes: Any) -> dict[str, Any]:
    return {"picture": {"dataset": "digits", "index": 0}, "models": DIGITS, "recipe": STRONG} | changes


DATA = load_dataset("digits")


def answers(context: Context, row: int, recipe: dict[str, Any] = STRONG) -> set[int]:
    """What the models call a row, asked one by one through the core."""
    _, models = context.workspace.choose(DIGITS)
    found = compare_image(models, DATA.batch([row])[0], Recipe.from_dict(recipe))
    return {int(answer.distorted.argmax()) for answer in found.models}


def test_the_next_disagreement_is_the_first_one_and_the_search_goes_round(context: Context) -> None:
    apart = [row for row in range(360) if len(answers(context, row)) > 1]
    assert 2 <= len(apart) < 300, f"{len(apart)} disagreements make no test"

    def ask(**more: Any) -> dict[str, Any]:
        return HANDLERS["disagree"](context, {"state": digit_state(), "dataset": "digits", **more}, silent)

    first, second = apart[:2]
    found = ask(after=first)["item"]
    assert (found["index"], found["label"]) == (second, str(int(DATA.labels[second])))
    assert found["thumb"].startswith("data:image/png")
    assert ask(after=apart[-1])["item"]["index"] == first
    assert ask(after=second, back=True)["item"]["index"] == first
    wanted = str(int(DATA.labels[apart[-1]]))
    of_class = [row for row in apart if DATA.labels[row] == int(wanted)]
    assert ask(after=359, label=wanted)["item"]["index"] == of_class[0]


def test_without_a_disagreement_all_rows_were_looked_at(context: Context) -> None:
    told: list[tuple[int, int]] = []
    clean = STRONG | {"steps": []}
    ones = [row for row in range(360) if DATA.labels[row] == 0]
    assert all(len(answers(context, row, clean)) == 1 for row in ones)
    question = {"state": digit_state(recipe=clean), "dataset": "digits", "after": 0, "label": "0"}
    assert HANDLERS["disagree"](context, question, lambda *far: told.append(far)) == {"item": None}
    assert told
    assert told[-1][0] <= told[-1][1]


def test_a_search_can_be_stopped_and_bad_questions_are_explained(context: Context) -> None:
    def stop(done: int, total: int) -> None:
        raise StoppedError

    question = {"state": digit_state(recipe=STRONG | {"steps": []}), "dataset": "digits", "after": 0}
    with pytest.raises(StoppedError):
        HANDLERS["disagree"](context, question, stop)
    for change in (
        {"after": -1},
        {"after": "0"},
        {"after": 360},
        {"dataset": "nothing"},
        {"label": "ten"},
        {"state": None},
        {"state": digit_state(models=DIGITS[:1])},
    ):
        with pytest.raises(ExplorerError, match=r"^[A-Za-z].{10,300}$"):
            HANDLERS["disagree"](context, question | change, silent)


def test_only_published_data_sets_are_downloaded(context: Context) -> None:
    for name in (None, "digits", "http://127.0.0.1/x", "../x", ["mnist"]):
        with pytest.raises(ExplorerError):
            HANDLERS["download"](context, {"dataset": name}, silent)


# ---- in the browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A visitor's own data set: 3 blue pictures and 50 red ones, no two alike."""
    root = tmp_path_factory.mktemp("own") / "colours"
    for name, colour, many in (("blue", (20, 40, 220), 3), ("red", (220, 30, 20), 50)):
        (root / name).mkdir(parents=True)
        for i in range(many):
            Image.new("RGB", (48, 40), (colour[0], colour[1] + i, colour[2])).save(root / name / f"{i:02}.png")
    return root


@pytest.fixture(scope="module")
def url(own_folder: Path) -> Iterator[str]:
    with serving("--port", "7920", "--data", str(own_folder)) as address:
        yield address


@pytest.fixture
def visitor(browser: Browser, url: str) -> Iterator[AppPage]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = AppPage(context, url)
    yield page
    context.close()
    assert page.complaints == []
    assert page.foreign == set()


def open_window(page: Page, dataset: str) -> None:
    page.get_by_role("button", name="Data set").click()
    page.wait_for_selector("dialog.browser")
    if page.locator("dialog.browser select").first.input_value() != dataset:
        page.locator("dialog.browser select").first.select_option(dataset)
    page.wait_for_function(
        "name => document.querySelector('dialog.browser select').value === name"
        " && !document.querySelector('.browsed').hasAttribute('aria-busy')",
        arg=dataset,
    )


def until_rows(page: Page, words: str) -> None:
    page.wait_for_function(
        "words => document.querySelector('dialog.browser .foot').textContent.includes(words)", arg=words
    )


def until_row(page: Page, row: int) -> None:
    page.wait_for_function("row => document.querySelector('.rows-of-data input').value === String(row)", arg=row)


@browser_test
def test_pictures_are_found_by_keyboard_and_class(browser: Browser, url: str) -> None:
    for theme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 1024, "height": 768}, color_scheme=theme)  # type: ignore[arg-type]
        visitor = AppPage(context, url)
        page = visitor.page
        open_window(page, "digits")
        until_rows(page, "1 to 40 of 360")
        page.screenshot(path=artifacts() / f"browser-{theme}.png")
        page.get_by_label("Class of the pictures").select_option("3")
        three = [row for row in range(360) if DATA.labels[row] == 3]
        until_rows(page, f"of {len(three)}")
        page.locator(".row-of-data").first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        at = page.evaluate("document.activeElement.dataset.row")
        assert int(at) == three[9]  # eight in a line
        page.keyboard.press("Enter")
        until_row(page, three[9])
        page.wait_for_function("document.querySelector('.facts').innerText.includes('true class')")
        assert page.locator(".facts").inner_text().split()[-1] == "3"
        page.get_by_role("button", name="Next row").press("Enter")
        until_row(page, three[10])
        page.screenshot(path=artifacts() / f"browser-rail-{theme}.png")
        assert visitor.complaints == []
        assert visitor.foreign == set()
        context.close()


@browser_test
def test_pages_turn_and_a_row_is_gone_to(visitor: AppPage) -> None:
    page = visitor.page
    open_window(page, "digits")
    until_rows(page, "1 to 40 of 360")
    page.locator(".row-of-data").first.focus()
    page.keyboard.press("PageDown")
    until_rows(page, f"{BROWSED + 1} to {2 * BROWSED} of 360")
    page.keyboard.press("PageUp")
    until_rows(page, "1 to 40 of 360")
    page.get_by_label("Go to row").fill("359")
    page.get_by_label("Go to row").press("Enter")
    until_rows(page, "321 to 360 of 360")
    page.wait_for_function("document.activeElement.dataset.row === '359'")
    assert page.get_by_role("button", name="Next", exact=True).is_disabled()
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.browser", state="detached")


@browser_test
def test_rows_are_stepped_through_in_the_rail(visitor: AppPage) -> None:
    page = visitor.page
    before = visitor.hash
    page.get_by_role("button", name="cat", exact=True).click()
    page.wait_for_selector(".rows-of-data", state="hidden")  # the cat is no row
    before = visitor.until_other_hash(before)
    open_window(page, "digits")
    page.locator(".row-of-data").first.click()
    until_row(page, 0)
    before = visitor.until_other_hash(before)  # the rail is ahead of the picture
    page.get_by_role("button", name="Previous row").click()
    until_row(page, 359)
    before = visitor.until_other_hash(before)
    page.get_by_label("Row", exact=True).fill("12")
    page.get_by_label("Row", exact=True).press("Enter")
    visitor.until_other_hash(before)
    expected = DATA.images[12, ..., 0]
    assert np.array_equal(np.asarray(visitor.pixels("clean")[2]).reshape(28, 28, 4)[..., 0], expected)
    page.get_by_label("Row", exact=True).fill("360")
    page.get_by_label("Row", exact=True).press("Enter")
    visitor.until_notice("digits has the rows 0 to 359")
    until_row(page, 12)
    page.get_by_role("button", name="cat", exact=True).click()
    page.wait_for_selector(".rows-of-data", state="hidden")


@browser_test
def test_the_next_disagreement_is_shown_and_the_models_do_disagree(visitor: AppPage, context: Context) -> None:
    page = visitor.page
    open_window(page, "digits")
    page.locator(".row-of-data").first.click()
    until_row(page, 0)
    visitor.write_recipe("gaussian_noise=0.5;seed=3")
    visitor.until_recipe("gaussian_noise=0.5;seed=3")
    expected = next(row for row in range(1, 360) if len(answers(context, row)) > 1)
    page.locator(".rows-of-data").get_by_role("button", name="Next disagreement").click()
    until_row(page, expected)
    page.wait_for_function(
        "() => new Set([...document.querySelectorAll('.card .answer')].map(one => one.innerText.split('→')[1]))"
        ".size === 2"
    )


@browser_test
def test_a_search_is_stopped_by_its_button(visitor: AppPage) -> None:
    page = visitor.page
    open_window(page, "digits")
    page.locator(".row-of-data").first.click()
    until_row(page, 0)
    before = visitor.hash
    visitor.write_recipe("clean")
    visitor.until_other_hash(before)
    page.get_by_label("Class", exact=True).select_option("0")  # on which clean models agree
    button = page.locator(".rows-of-data").get_by_role("button", name=re.compile("disagreement|Stop"))
    button.click()
    visitor.until_notice("the models agree on every picture of the class 0 of Digits")
    page.get_by_label("Class", exact=True).select_option("")

    def slowly(route: Route) -> None:
        time.sleep(0.3)
        route.continue_()

    page.route("**/component_server/**", slowly)
    button.click()
    page.wait_for_function("document.querySelector('.rows-of-data').textContent.includes('Stop searching')")
    button.click()
    page.wait_for_function("document.querySelector('.rows-of-data').textContent.includes('Next disagreement')")
    page.unroute_all(behavior="wait")
    until_row(page, 0)


@browser_test
def test_what_was_only_looked_at_in_the_window_leaves_the_rail_alone(visitor: AppPage, own_folder: Path) -> None:
    page = visitor.page
    open_window(page, "digits")
    page.get_by_label("Class of the pictures").select_option("3")
    page.wait_for_function("document.querySelector('.row-of-data').title.endsWith(': 3')")
    before = visitor.hash
    page.locator(".row-of-data").first.click()
    visitor.until_other_hash(before)
    classes = page.get_by_label("Class", exact=True)
    assert classes.input_value() == "3"  # a class that was chosen with its picture goes on in the rail
    button = page.locator(".rows-of-data").get_by_role("button", name="Next disagreement")
    assert button.is_enabled()
    for dataset in ("stl10", own_folder.name):  # not here; of other classes
        open_window(page, dataset)
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog.browser", state="detached")
        assert (classes.input_value(), button.is_enabled()) == ("3", True)
    open_window(page, "digits")
    page.get_by_label("Class of the pictures").select_option("5")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.browser", state="detached")
    assert classes.input_value() == "3"
    with page.expect_request(lambda request: '"handler":"disagree"' in (request.post_data or "")) as sent:
        button.click()
    assert '"dataset":"digits"' in (sent.value.post_data or "")
    assert '"label":"3"' in (sent.value.post_data or "")
    page.wait_for_function("document.querySelector('.rows-of-data').textContent.includes('Next disagreement')")


@browser_test
def test_a_folder_of_ones_own_is_browsed_with_its_classes(visitor: AppPage) -> None:
    page = visitor.page
    page.get_by_role("button", name="Data set").click()
    until_rows(page, "1 to 40 of 53")  # people's own comes first
    page.get_by_label("Class of the pictures").select_option("blue")
    until_rows(page, "1 to 3 of 3")
    before = visitor.hash
    page.locator(".row-of-data").nth(2).click()
    visitor.until_other_hash(before)
    until_row(page, 2)
    assert visitor.pixels("clean")[:2] == [32, 32]
    assert visitor.pixels("clean")[2][:3] == [20, 42, 220]
    before = visitor.hash
    page.get_by_role("button", name="Next row").click()
    until_row(page, 0)  # round the end of the blue ones
    before = visitor.until_other_hash(before)
    page.locator("#family input").click()  # other models look at it, too: what people brought stays
    page.locator("#family [role=option]", has_text="Digits").click()
    visitor.until_other_hash(before)
    assert visitor.pixels("clean")[:2] == [28, 28]
    until_row(page, 0)


# ---- downloads in the browser ----------------------------------------------------------------------------------------


@dataclass
class SlowHost:
    """Serves files in drops, so that a download can be watched."""

    files: dict[str, bytes]
    drop: int = 20_000
    pause: float = 0.05
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def slow_host() -> Iterator[SlowHost]:
    rng = np.random.default_rng(9)
    host = SlowHost({})
    for split, many in (("train", 60_000), ("t10k", 10_000)):
        x = np.zeros((many, 28, 28), np.uint8)
        x[:1000] = rng.integers(0, 256, (1000, 28, 28), np.uint8)  # compresses to about a megabyte
        y = (np.arange(many) % 10).astype(np.uint8)
        for what, array, magic in (("images-idx3", x, 0x803), ("labels-idx1", y, 0x801)):
            body = np.array([magic, *array.shape], ">i4").tobytes() + array.tobytes()
            host.files[f"/{split}-{what}-ubyte.gz"] = gzip.compress(body, 1, mtime=0)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            wish = self.headers.get("Range")
            host.asked.append((self.path, wish))
            body = host.files[self.path]
            start = int(wish.removeprefix("bytes=").rstrip("-")) if wish else 0
            self.send_response(206 if wish else 200)
            if wish:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            try:
                for at in range(start, len(body), host.drop):
                    self.wfile.write(body[at : at + host.drop])
                    time.sleep(host.pause)
            except OSError:  # the download was cancelled
                pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    host.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield host
    server.shutdown()
    server.server_close()


SERVE = """
import json, sys
from dataclasses import replace
from explorer.data.published import PUBLISHED, File
PUBLISHED["mnist"] = replace(PUBLISHED["mnist"], files=tuple(File(*one) for one in json.loads(sys.argv[1])))
from explorer.app import serve
serve(port=7925)
"""


@pytest.fixture
def app_with_slow_host(slow_host: SlowHost, tmp_path: Path) -> Iterator[str]:
    """The app, to which MNIST's files are those of the slow host."""
    files = [
        [slow_host.address + name, len(body), hashlib.sha256(body).hexdigest()]
        for name, body in slow_host.files.items()
    ]
    environment = {name: value for name, value in os.environ.items() if name != "EXPLORER_DATA"}
    environment |= {"EXPLORER_CACHE": str(tmp_path / "cache"), "PYTHONUNBUFFERED": "1", "no_proxy": "127.0.0.1"}
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, json.dumps(files)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield found[0]
                    return
            raise AssertionError("the app ended: " + "".join(said))
        finally:
            process.terminate()


@browser_test
def test_a_download_is_watched_cancelled_and_goes_on(
    browser: Browser, app_with_slow_host: str, slow_host: SlowHost, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visitor = AppPage(context, app_with_slow_host)
    page = visitor.page
    size = sum(map(len, slow_host.files.values()))
    open_window(page, "mnist")
    pane = page.locator(".download")
    words = f"{size / 1e6:.1f} MB"
    assert f"MNIST is not on this machine. It can be downloaded from 127.0.0.1: {words}" in pane.inner_text()
    assert slow_host.asked == []  # nothing is asked for before the person does
    page.get_by_role("button", name=f"Download {words}").click()
    page.wait_for_function("document.querySelector('.download progress')?.value > 100000")
    page.screenshot(path=artifacts() / "download.png")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_function("document.querySelector('.download')?.textContent.includes('Go on with the download')")
    assert not (tmp_path / "cache" / "mnist.npz").exists()
    slow_host.pause = 0.0
    before = len(slow_host.asked)
    page.get_by_role("button", name="Go on").click()
    until_rows(page, "1 to 40 of 10,000")
    assert slow_host.asked[before][1] is not None, "it began again instead of going on"
    assert "MNIST is here now." in visitor.notice
    assert sorted(path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()) == ["mnist.npz"]
    page.locator(".row-of-data").nth(3).click()
    until_row(page, 3)
    assert visitor.complaints == []
    assert visitor.foreign == set()
    context.close()


@browser_test
def test_a_download_with_other_contents_is_refused_in_plain_words(
    browser: Browser, app_with_slow_host: str, slow_host: SlowHost, tmp_path: Path
) -> None:
    name = next(iter(slow_host.files))
    slow_host.files[name] = slow_host.files[name][:-9] + b"tampered!"
    slow_host.pause = 0.0
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visitor = AppPage(context, app_with_slow_host)
    page = visitor.page
    open_window(page, "mnist")
    page.locator(".download button").click()
    page.wait_for_selector(".download [role=alert]")
    assert "not the published ones" in page.locator(".download [role=alert]").inner_text()
    page.screenshot(path=artifacts() / "download-refused.png")
    assert not list((tmp_path / "cache").rglob("*.npz"))
    assert visitor.complaints == []
    context.close()
