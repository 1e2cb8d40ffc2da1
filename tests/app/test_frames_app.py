"""The tab "Frames" in a real browser: a clip that is scrubbed, and the live camera, which sees a clip made here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

import explorer
from tests.support.app_page import START, AppPage
from tests.support.camera import filming
from tests.support.clips import coded, wandering

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MODELS = ["cifar10/resnet20/standard", "cifar10/resnet20/stability"]
ADDRESS = f"{START}&tab=frames"
COUNT = 10


@pytest.fixture(scope="module")
def clip() -> bytes:
    return coded(wandering(COUNT))


def words(page: Page) -> list[str]:
    return page.locator(".f-title small").all_inner_texts()


def until_ribbons(page: Page, part: str = "flip") -> None:
    page.wait_for_function(
        "part => { const all = [...document.querySelectorAll('.f-title small')];"
        " return all.length === 2 && all.every((one) => one.textContent.includes(part)); }",
        arg=part,
    )


def test_a_clip_is_answered_as_python_answers_it_and_scrubbed(browser: Browser, url: str, clip: bytes) -> None:
    found = explorer.frames(MODELS, clip, "gaussian_noise=0.06;seed=0")
    with AppPage.visiting(browser, url + ADDRESS) as visit:
        page = visit.page
        page.set_input_files("#clip", {"name": "walk.mp4", "mimeType": "video/mp4", "buffer": clip})
        until_ribbons(page, f"in {COUNT - 1}:")
        for one, text in zip(found.models, words(page), strict=True):
            assert text.startswith(f"{one.flips} flip")
        flipped = [pair for pair in found.pairs if found[pair.model].flipped[pair.frame - 1]]
        assert page.locator(".f-pair").count() == (len(flipped) or 3)
        track = page.locator(".f-track").first
        for index in (1, 4):  # the panel shows the very frame
            before = visit.hash
            track.focus()
            for _ in range(index - int(track.get_attribute("aria-valuenow") or 1) + 1):
                page.keyboard.press("ArrowRight")
            visit.until_other_hash(before)
            page.wait_for_function(
                "label => document.querySelector('.card .answer')?.textContent.includes(label)",
                arg=found.models[0].classes[int(found.models[0].answers[index])],
            )
        assert track.get_attribute("aria-valuenow") == "5"
        band = "document.querySelector('.f-band path').getAttribute('d')"
        drawn = page.evaluate(band)
        visit.write_recipe("contrast=0.3;seed=0")  # another recipe: the ribbons follow
        other = explorer.frames(MODELS, clip, "contrast=0.3;seed=0")
        page.wait_for_function(f"drawn => {band} !== drawn", arg=drawn)
        assert words(page)[0].startswith(f"{other.models[0].flips} flip")
        visit.write_recipe("gaussian_noise=0.2;seed=4")
        page.get_by_label("Noise", exact=True).select_option("fresh")
        fresh = explorer.frames(MODELS, clip, "gaussian_noise=0.2;seed=4", noise="fresh")
        page.wait_for_function(
            "text => document.querySelector('.f-title small').textContent.startsWith(text)",
            arg=f"{fresh.models[0].flips} flip",
        )
        assert "seed=4" in visit.recipe, "the page's own seed"
        page.set_input_files("#clip", {"name": "no.mp4", "mimeType": "video/mp4", "buffer": b"no clip at all"})
        visit.until_notice("not a clip")


@pytest.fixture(scope="module")
def camera(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with filming(browser, tmp_path_factory.mktemp("camera")) as found:
        yield found


def test_the_live_camera_runs_is_held_and_stepped_through(camera: Browser, url: str) -> None:
    with AppPage.visiting(camera, url + ADDRESS, permissions=["camera"]) as visit:
        page = visit.page
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.get_by_role("button", name="Live camera").click()
        until_ribbons(page, "in 12 frames")  # frame after frame, without a hand
        assert "frames a second" in page.locator("#view-frames [role=status]").inner_text()
        assert all(address.startswith(url.rstrip("/")) for address in asked), "frames never leave the machine"
        page.get_by_role("button", name="Hold").click()
        page.wait_for_function("document.querySelector('#view-frames [role=status]').textContent.startsWith('Held')")
        seen, count = visit.hash, words(page)
        track = page.locator(".f-track").first
        track.focus()
        page.keyboard.press("Home")  # up to ten seconds ago
        visit.until_other_hash(seen)
        assert track.get_attribute("aria-valuenow") == "1"
        assert words(page) == count, "nothing was taken while it was held"
        page.get_by_role("button", name="Hold").click()
        page.wait_for_function(
            "before => document.querySelector('.f-title small').textContent !== before", arg=count[0]
        )
        page.get_by_role("button", name="Stop the camera").click()
        page.wait_for_function("document.querySelector('#view-frames [role=status]').textContent.includes('is off')")
