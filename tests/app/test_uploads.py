"""Hostile and unusual files through the running app: a plain sentence or the right picture, one decoded at a time."""

from __future__ import annotations

import base64
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.app.dataset_catalog import DatasetCatalog
from explorer.app.pictures import Pictures
from explorer.data import decoding, images
from explorer.data.fitting import Takes
from explorer.errors import ExplorerError
from tests.support.app_page import AppPage, artifacts
from tests.support.app_server import Panel, Server
from tests.support.hostile_files import HARMLESS, HOSTILE, noise, saved

MODELS = ["cifar10/resnet20/standard"]


@pytest.fixture(scope="module")
def panel(server: Server) -> Panel:
    return Panel(server)


def shown(panel: Panel, token: str) -> np.ndarray:
    """The pixels (H, W, 3) of the picture with this token, as the panel shows it undistorted."""
    recipe = {"steps": [], "seed": 0, "against": None, "quantised": True}
    _, told = panel.ask({"picture": {"token": token}, "models": MODELS, "recipe": recipe})
    picture = Image.open(io.BytesIO(base64.b64decode(told["images"]["clean"].partition(",")[2])))
    return np.asarray(picture.convert("RGB")).astype(int)


# ---- the reader alone ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_what_means_harm_gets_one_plain_sentence(name: str) -> None:
    make, word = HOSTILE[name]
    data = make()
    for read in (images.load_image, lambda source: images.load_fitted(source, [Takes(32, 3)])):
        with pytest.raises(ExplorerError, match=word) as caught:
            read(data)
        sentence = str(caught.value)
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert "alert" not in sentence


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_only_unusual_gives_the_right_picture(name: str) -> None:
    make, places = HARMLESS[name]
    data = make()
    full = images.to_uint8(images.load_image(data))[0]
    (fitted,) = images.load_fitted(data, [Takes(32, 3)])
    small = images.to_uint8(fitted)[0]
    for picture in (full, small):
        height, width = picture.shape[:2]
        for x, y, colour in places:
            found = picture[int(y * (height - 1)), int(x * (width - 1))].astype(int)
            assert np.abs(found - colour).max() <= 3, (x, y, found)


@pytest.mark.parametrize("codec", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "TGA", "JPEG2000"])
def test_damaged_bytes_never_end_in_anything_but_a_sentence(codec: str) -> None:
    rng = np.random.default_rng(7)
    whole = np.frombuffer(saved(noise(24), codec), np.uint8)
    outcomes = set()
    for _ in range(60):
        data = whole.copy()
        for place in rng.integers(0, len(data), rng.integers(1, 6)):
            data[place] = rng.integers(0, 256)
        if rng.random() < 0.3:
            data = data[: rng.integers(1, len(data))]
        try:
            x = images.load_image(data.tobytes())
        except ExplorerError as error:
            outcomes.add(str(error))
        else:
            assert x.shape[:2] == (1, 3)
            assert 0 <= float(x.min()) <= float(x.max()) <= 1
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in outcomes)


# ---- through the running app -----------------------------------------------------------------------------------------


def test_hostile_files_get_their_sentence_and_the_app_goes_on(panel: Panel) -> None:
    for name, (make, word) in HOSTILE.items():
        _, answer = panel.upload(make())
        assert set(answer) == {"error"}, name
        assert any(part in answer["error"] for part in word.split("|")), (name, answer)
        assert "Traceback" not in answer["error"]
    assert "token" in panel.upload(saved(noise(), "PNG"))[1], "it has survived all of it"


@pytest.mark.parametrize("name", HARMLESS)
def test_unusual_files_are_shown_as_they_are_meant(panel: Panel, name: str) -> None:
    make, places = HARMLESS[name]
    pixels = shown(panel, panel.upload(make())[1]["token"])
    assert pixels.shape == (32, 32, 3)
    for x, y, colour in places:
        assert np.abs(pixels[int(31 * y), int(31 * x)] - colour).max() <= 3


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "C:\\\\x.png", "<img src=x>.svg", "a" * 200])
def test_a_name_is_only_a_name(panel: Panel, name: str) -> None:
    data = saved(Image.new("RGB", (40, 40), (9, 200, 30)), "PNG")
    assert shown(panel, panel.upload(data, name)[1]["token"])[5, 5].tolist() == [9, 200, 30]
    assert panel.upload(b"x", name)[1]["error"].startswith("The file is not a readable image")


def test_one_file_at_a_time_and_none_too_large(panel: Panel) -> None:
    for copies in (0, 2):
        assert panel.upload(saved(noise(), "PNG"), copies=copies)[1] == {"error": "Send one file at a time."}
    assert "larger than 50 MiB" in panel.upload(bytes(decoding.MAX_BYTES + 10))[1]["error"]
    try:
        status, _ = panel.upload(bytes(decoding.MAX_BYTES + 4 * 2**20))
    except OSError:  # the app hung up before all of it was sent
        status = 413
    assert status == 413
    assert "token" in panel.upload(saved(noise(), "PNG"))[1]


def test_pictures_are_decoded_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that three large photographs take the memory of one; ``benchmarks/load.py`` measures it in the served app."""
    pictures = Pictures([Takes(32, 3)], DatasetCatalog())
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    real = images.load_fitted

    def watched(*arguments: Any) -> Any:
        begun.release()
        go_on.acquire()
        return real(*arguments)

    monkeypatch.setattr(images, "load_fitted", watched)
    with ThreadPoolExecutor(3) as visitors:
        tokens = [visitors.submit(pictures.bring, saved(noise(), "PNG")) for _ in range(3)]
        for _ in tokens:
            begun.acquire()
            assert not begun.acquire(timeout=0.1), "two at once"
            go_on.release()
    assert len({token.result()["token"] for token in tokens}) == 3


@pytest.mark.browser
def test_the_page_says_it_in_plain_words_and_keeps_its_picture(visitor: AppPage) -> None:
    before = visitor.hash
    for name in ("100-megapixel-png", "svg", "html", "empty", "profile-bomb", "truncated-jpeg"):
        make, word = HOSTILE[name]
        visitor.page.evaluate("document.querySelector('.notice').replaceChildren()")
        visitor.upload(f"{name}.png", make())
        visitor.until_notice(word)
        assert visitor.hash == before
    visitor.page.screenshot(path=artifacts() / "upload-refused.png")
    visitor.upload("../<img src=x onerror=alert(1)>.png", HARMLESS["rotated-jpeg"][0]())
    visitor.until_other_hash(before)
    pixels = np.asarray(visitor.pixels("clean")[2]).reshape(32, 32, 4)
    assert pixels[16, 4, 0] > 240
    assert pixels[16, 27, 2] > 240
    assert visitor.page.locator("img[src=x]").count() == 0
