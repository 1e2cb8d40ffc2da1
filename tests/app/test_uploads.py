"""Hostile and unusual files through the running app: a plain sentence or the right picture, in bounded memory."""

from __future__ import annotations

import base64
import io
import json
import secrets
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from explorer.data import decoding, images
from explorer.errors import ExplorerError
from tests.support.app_page import AppPage, artifacts, serving
from tests.support.hostile_files import HARMLESS, HOSTILE, noise, saved

if TYPE_CHECKING:
    from playwright.sync_api import Browser

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads peaks of memory from /proc")
MODELS = ["cifar10/resnet20/standard"]


@dataclass
class App:
    """The served app, spoken to as its page does, and the memory of its process."""

    url: str
    pid: int
    part: int
    opener: urllib.request.OpenerDirector

    def post(self, body: bytes, content_type: str) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  # to this machine
            f"{self.url}/gradio_api/component_server", body, {"Content-Type": content_type}
        )
        return json.loads(self.opener.open(request, timeout=120).read())

    def upload(self, data: bytes, name: str = "picture.png", copies: int = 1) -> dict[str, Any]:
        """What the page hears when it hands over this file."""
        border = secrets.token_hex(16)
        fields = {"component_id": str(self.part), "session_hash": "test", "fn_name": "open_picture"}
        body = b"".join(
            f'--{border}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        )
        for i in range(copies):
            head = f'--{border}\r\nContent-Disposition: form-data; name="file{i}"; filename="{name}"\r\n'
            body += head.encode() + b"Content-Type: image/png\r\n\r\n" + data + b"\r\n"
        return self.post(body + f"--{border}--\r\n".encode(), f"multipart/form-data; boundary={border}")

    def ask(self, token: str) -> dict[str, Any]:
        """The panel's answer to an undistorted picture."""
        recipe = {"steps": [], "seed": 0, "against": None, "quantised": True}
        question = {"picture": {"token": token}, "models": MODELS, "recipe": recipe}
        body = {"component_id": self.part, "session_hash": "test", "fn_name": "ask", "data": question}
        return self.post(json.dumps(body).encode(), "application/json")

    def memory(self, which: str) -> float:
        """MiB in use now ("VmRSS") or at most since ``forget`` ("VmHWM")."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(which)) / 1024

    def forget(self) -> float:
        """Begin a new peak; the MiB in use."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="utf-8")
        return self.memory("VmRSS")


def _pid_of(port: int) -> int:
    """The process started with this port."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if b"explorer" in words and str(port).encode() in words:
            return int(folder.name)
    return 0


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    with serving("--port", "7927", "--models", MODELS[0]) as url:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        config = json.loads(opener.open(f"{url}/config", timeout=60).read())
        part = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "panel")
        yield App(url, _pid_of(7927) if sys.platform == "linux" else 0, part, opener)


def decoded(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")).astype(int)


# ---- the reader alone ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_what_means_harm_gets_one_plain_sentence(name: str) -> None:
    make, word = HOSTILE[name]
    data = make()
    for read in (images.load_image, lambda source: images.load_fitted(source, [(32, 3)])):
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
    (fitted,) = images.load_fitted(data, [(32, 3)])
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


@linux
@pytest.mark.load
def test_hostile_files_get_their_sentence_and_cost_no_memory(app: App) -> None:
    assert "token" in app.upload(saved(noise(), "PNG"))  # what is imported at the first upload is imported now
    app.upload(b"nothing")
    start = app.forget()
    for name, (make, word) in HOSTILE.items():
        answer = app.upload(make())
        assert set(answer) == {"error"}, name
        assert any(part in answer["error"] for part in word.split("|")), (name, answer)
        assert "Traceback" not in answer["error"]
        assert app.memory("VmHWM") - start < 120, f"{name} took {app.memory('VmHWM') - start:.0f} MiB"
    assert "token" in app.upload(saved(noise(), "PNG")), "it has survived all of it"


@pytest.mark.parametrize("name", HARMLESS)
def test_unusual_files_are_shown_as_they_are_meant(app: App, name: str) -> None:
    make, places = HARMLESS[name]
    answer = app.ask(app.upload(make())["token"])
    pixels = decoded(answer["images"]["clean"])
    assert pixels.shape == (32, 32, 3)
    for x, y, colour in places:
        assert np.abs(pixels[int(31 * y), int(31 * x)] - colour).max() <= 3


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "C:\\\\x.png", "<img src=x>.svg", "a" * 200])
def test_a_name_is_only_a_name(app: App, name: str) -> None:
    data = saved(Image.new("RGB", (40, 40), (9, 200, 30)), "PNG")
    answer = app.ask(app.upload(data, name)["token"])
    assert decoded(answer["images"]["clean"])[5, 5].tolist() == [9, 200, 30]
    assert app.upload(b"x", name)["error"].startswith("The file is not a readable image")


def test_one_file_at_a_time_and_none_too_large(app: App) -> None:
    assert app.upload(saved(noise(), "PNG"), copies=2) == {"error": "Send one picture at a time."}
    assert app.upload(b"", copies=0) == {"error": "Send one picture at a time."}
    assert "larger than 50 MiB" in app.upload(bytes(decoding.MAX_BYTES + 10))["error"]
    with pytest.raises((urllib.error.HTTPError, OSError)):
        app.upload(bytes(decoding.MAX_BYTES + 4 * 2**20))
    assert "token" in app.upload(saved(noise(), "PNG"))


@linux
@pytest.mark.load
def test_large_photographs_at_once_are_decoded_one_after_another(app: App) -> None:
    photograph = saved(noise(100).resize((7900, 6200)), "JPEG", quality=60)  # 49 million pixels
    small = app.upload(saved(noise(), "PNG"))["token"]
    start = app.forget()
    answers: list[dict[str, Any]] = []
    together = [threading.Thread(target=lambda: answers.append(app.upload(photograph))) for _ in range(3)]
    for thread in together:
        thread.start()
    app.ask(small)  # sliders go on meanwhile
    before = len(answers)
    for thread in together:
        thread.join()
    assert before < len(together), "three photographs at once hold up the others"
    assert ["token" in answer for answer in answers] == [True] * len(together)
    assert app.memory("VmHWM") - start < 900, "about one photograph's worth, not three"


@pytest.mark.browser
def test_the_page_says_it_in_plain_words_and_keeps_its_picture(browser: Browser, app: App) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    visitor = AppPage(context, app.url)
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
    assert visitor.complaints == []
    assert visitor.foreign == set()
    context.close()
