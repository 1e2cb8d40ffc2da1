"""Clips and frames of cameras in the app: the core's numbers, the pixels in the panel, and bounds on what is kept."""

from __future__ import annotations

import numpy as np
import pytest

import explorer
from explorer.app import films
from explorer.app.context import Context, make_context
from explorer.app.films import Films
from explorer.app.jobs import HANDLERS
from explorer.data.images import to_uint8
from explorer.errors import ExplorerError
from explorer.progress import silent
from tests.support.clips import animated, coded, wandering
from tests.support.pictures import png, png_of

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]
RECIPE = {"steps": [["gaussian_noise", 0.3]], "seed": 3, "against": None, "quantised": True, "on": "input"}
TEXT = "gaussian_noise=0.3;seed=3"


@pytest.fixture(scope="module")
def context() -> Context:
    return make_context()


@pytest.mark.parametrize("codec", ["", "av1=50"])
def test_the_job_says_what_python_says_and_the_panel_shows_those_pixels(context: Context, codec: str) -> None:
    clip, pictures = coded(wandering()), context.workspace.pictures
    token = pictures.films.bring("walk.mp4", clip)["clip"]
    asked = {"state": {"models": MODELS, "recipe": RECIPE}, "clip": token, "codec": codec}
    told = HANDLERS["frames"](context, asked, silent)
    found = explorer.frames(MODELS, clip, TEXT, codec=codec or None).to_dict()
    for ours, core in zip(told["models"], found["models"], strict=True):
        assert ours["answers"] == core["answers"]
        assert ours["confidence"] == pytest.approx(core["confidence"], abs=1e-5)
        assert ours["flips"] == core["flips"]
    assert [pair["frame"] for pair in told["pairs"]] == [pair["frame"] for pair in found["pairs"]]
    assert all(pair[key].startswith("data:image/png") for pair in told["pairs"] for key in ("before", "after", "gap"))
    for index in (0, 7):
        state = {"models": MODELS, "recipe": RECIPE, "picture": {"token": f"{told['film']}:{index}"}}
        shown = context.workspace.answer(state)
        for one, core in zip(shown["models"], found["models"], strict=True):
            assert one["distorted"][0]["label"] == core["answers"][index]
            assert one["distorted"][0]["probability"] == pytest.approx(core["confidence"][index], abs=1e-5)


def test_fresh_noise_is_that_of_python_and_of_the_panel(context: Context) -> None:
    clip, pictures = coded(wandering()), context.workspace.pictures
    token = pictures.films.bring("walk.mp4", clip)["clip"]
    asked = {"state": {"models": MODELS, "recipe": RECIPE}, "clip": token, "noise": "fresh"}
    told = HANDLERS["frames"](context, asked, silent)
    found = explorer.frames(MODELS, clip, TEXT, noise="fresh")
    state = {"models": MODELS, "recipe": RECIPE}
    for index in (0, 7):
        picture = {"token": f"{told['film']}:{index}", "draw": index}
        shown = context.workspace.answer(state | {"picture": picture})
        assert shown["recipe"] == TEXT, "the page's own recipe"
        for one, core, job in zip(shown["models"], found.models, told["models"], strict=True):
            assert one["distorted"][0]["probability"] == pytest.approx(core.confidence[index], abs=1e-5)
            assert job["confidence"][index] == pytest.approx(core.confidence[index], abs=1e-5)
    for wrong in (-1, 1.5, "0", True, 2**60):
        with pytest.raises(ExplorerError, match="frame"):
            context.workspace.answer(state | {"picture": {"token": f"{told['film']}:0", "draw": wrong}})
    with pytest.raises(ExplorerError, match="fixed and fresh"):
        HANDLERS["frames"](context, asked | {"noise": "other"}, silent)


def test_frames_that_are_not_there_are_said(context: Context) -> None:
    state = {"models": MODELS, "recipe": RECIPE}
    with pytest.raises(ExplorerError, match="no longer held"):
        HANDLERS["frames"](context, {"state": state, "clip": "x", "codec": ""}, silent)
    token = context.workspace.pictures.films.bring("a.webp", animated(wandering(3), "WEBP"))["clip"]
    photograph = {"models": MODELS, "recipe": RECIPE | {"on": "photograph"}}
    with pytest.raises(ExplorerError, match="Acts on"):
        HANDLERS["frames"](context, {"state": photograph, "clip": token, "codec": ""}, silent)
    for wrong in (f"{token}/:0", f"{token}/:99", "live:x", ":", "a:b"):
        with pytest.raises(ExplorerError, match="no longer held"):
            context.workspace.answer(state | {"picture": {"token": wrong}})
    for bad in (b"", png(), b"<html>"):
        with pytest.raises(ExplorerError):
            context.workspace.pictures.films.bring("x", bad)


def test_a_camera_s_frame_is_the_picture_that_it_is(context: Context) -> None:
    pixels = wandering(1)[0]
    live = context.workspace.pictures.films.bring_frame(png_of(pixels))["token"]
    uploaded = context.workspace.pictures.bring(png_of(pixels))["token"]
    state = {"models": MODELS, "recipe": RECIPE}
    one, other = (context.workspace.answer(state | {"picture": {"token": token}}) for token in (live, uploaded))
    assert one["image_hash"] == other["image_hash"]
    with pytest.raises(ExplorerError, match="too large"):
        context.workspace.pictures.films.bring_frame(png(side=600))


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "MAX_LIVE", 5)
    monkeypatch.setattr(films, "MAX_FRAMES", 4)
    store, takes = Films(), explorer.load_model(MODELS[0]).takes
    tokens = [store.bring_frame(png((i, 0, 0), 8))["token"] for i in range(9)]
    held = [store.find(token, takes) for token in tokens]
    assert [one is not None for one in held] == [False] * 4 + [True] * 5
    token = store.bring("walk.mp4", coded(wandering(12)))["clip"]
    film = store.film(token, "", takes, silent)
    assert len(film.times) == 4
    assert "one of 3 frames" in film.notes[0]
    endless = store.bring("a.gif", animated(wandering(6), "GIF"))["clip"]  # does not say how many frames it has
    assert store.film(endless, "", takes, silent).notes == ("The clip is long: its first 4 frames are shown.",)
    shown = store.find(f"{token}/:3", takes)
    assert shown is not None
    assert np.array_equal(to_uint8(shown)[0], film.pixels[3])
