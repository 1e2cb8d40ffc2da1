"""Figures: axes with names, the panel's colours, exact pixels, outputs that need no script and no network."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from PIL import Image

import explorer
from explorer import figures
from explorer.data import images
from explorer.errors import ExplorerError
from explorer.figures.display import PLOTLY, bundle
from explorer.figures.style import DASHES
from explorer.models.methods import method_colours
from explorer.search import precision_recall
from explorer.web.files import modules
from tests.support.networks import picture, resnet

MODELS = ("test/resnet20/standard", "test/resnet20/stability")


@pytest.fixture(scope="module")
def swept() -> explorer.analysis.Sweep:
    models = [resnet(name, seed=i) for i, name in enumerate(MODELS)]
    amounts = [0.0, 0.1, 0.2, 0.3]
    return explorer.sweep(models, picture(32), "gaussian_noise", amounts=amounts, seeds=2)


def every_figure(swept: explorer.analysis.Sweep) -> dict[str, go.Figure]:
    return {
        "curves": figures.curves(swept),
        "lines": figures.lines({"standard": ([0, 1], [2, 3])}, x="noise σ (pixel units)", y="accuracy (%)"),
        "bars": figures.bars({"standard": {"a": 1.0, "b": 2.0}}, x="set (name)", y="accuracy (%)"),
        "heatmap": figures.heatmap([[1.0, 2.0]], ["r"], ["a", "b"], x="layer (name)", y="model (name)", unit="L2"),
        "pictures": figures.pictures(torch.rand(2, 3, 8, 8), ["one", "two"]),
    }


def test_the_dashes_are_the_panels_own():
    (text,) = re.findall(r"const DASHES = (\[.*?\]);", modules()["shared/chart.js"].decode())
    theirs = [pattern.replace(" ", "px,") + "px" if pattern else "solid" for pattern in json.loads(text)]
    assert theirs == list(DASHES)


@pytest.mark.parametrize("what", ["confidence", "margin", "feature_distance"])
def test_curves_show_the_numbers_of_the_sweep(swept, what):
    figure = figures.curves(swept, what)
    factor = 100 if what == "confidence" else 1
    drawn = [trace for trace in figure.data if trace.mode == "lines" and trace.line.width]
    assert [trace.name for trace in drawn] == ["Standard", "Stability training"]
    for trace, model in zip(drawn, swept.models, strict=True):
        assert list(trace.x) == list(swept.amounts)
        assert list(trace.y) == (getattr(model, what) * factor).tolist()
        assert trace.line.color == method_colours(model.method).ink.light
    assert drawn[0].line.dash != drawn[1].line.dash
    assert "σ" in figure.layout.xaxis.title.text


def test_curves_mark_the_flip_point_on_the_line(swept):
    figure = figures.curves(swept)
    marks = [trace for trace in figure.data if trace.marker.symbol == "diamond"]
    for mark, model in zip(marks, swept.models, strict=True):
        if model.flip_point is None:
            assert list(mark.x) == []
        else:
            place = swept.amounts.index(model.flip_point)
            assert list(mark.x) == [model.flip_point]
            assert mark.y[0] == pytest.approx(100 * float(model.confidence[place]))


def test_curves_begin_with_the_mild_end_on_the_left():
    along = explorer.sweep([resnet(MODELS[0])], picture(32), "jpeg", amounts=[100, 50, 10])
    assert figures.curves(along).layout.xaxis.range == (100, 10)


def test_curves_of_something_else_are_refused(swept):
    with pytest.raises(ExplorerError, match="choose one of confidence, margin, feature_distance"):
        figures.curves(swept, "entropy")


@pytest.mark.parametrize("name", ["curves", "lines", "bars", "heatmap", "pictures"])
def test_every_axis_has_a_name(swept, name):
    figure = every_figure(swept)[name]
    across = [axis.title.text for axis in figure.select_xaxes()]
    up = [axis.title.text for axis in figure.select_yaxes()]
    assert all(across)
    assert up[0]
    assert all(up) or name == "pictures"  # one for each row of pictures


@pytest.mark.parametrize("name", ["curves", "lines", "bars", "heatmap", "pictures"])
def test_stored_outputs_hold_a_picture_and_fetch_nothing(swept, name):
    stored = bundle(every_figure(swept)[name])
    assert set(stored) == {PLOTLY, "image/png", "text/plain"}
    static = Image.open(io.BytesIO(base64.b64decode(stored["image/png"])))
    assert min(static.size) > 100
    assert len(np.unique(np.asarray(static.convert("RGB")).reshape(-1, 3), axis=0)) > 4, "an empty picture"
    text = json.dumps(stored, allow_nan=False)
    assert "http" not in text
    assert len(text) < 120_000


def test_the_same_figure_gives_the_same_bytes(swept):
    assert figures.png(figures.curves(swept)) == figures.png(figures.curves(swept))


def test_a_static_picture_shows_what_the_figure_says():
    low, high = (figures.lines({"standard": ([0, 1], [0, up])}, x="x (px)", y="y (%)") for up in (1, 2))
    assert figures.png(low) != figures.png(high)


def test_pictures_are_exact():
    batch = images.quantise(torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    figure = figures.pictures(batch, ["a", "b", "c"])
    for trace, pixels in zip(figure.data, batch, strict=True):
        shown = Image.open(io.BytesIO(base64.b64decode(trace.source.partition(",")[2])))
        assert np.array_equal(np.asarray(shown), images.to_uint8(pixels[None])[0])
    assert [note.text for note in figure.layout.annotations] == ["a", "b", "c"]
    static = np.asarray(Image.open(io.BytesIO(figures.png(figure))).convert("RGB")).reshape(-1, 3)
    colours = {tuple(colour) for colour in static.tolist()}
    assert {tuple(colour) for colour in images.to_uint8(batch).reshape(-1, 3).tolist()} <= colours


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ExplorerError, match="An axis needs a name"):
        figures.lines({"a": ([0], [1])}, x="", y="accuracy (%)")
    with pytest.raises(ExplorerError, match="2 x values and 1 y values"):
        figures.lines({"a": ([0, 1], [1])}, x="x (px)", y="y (%)")
    with pytest.raises(ExplorerError, match="at least one line"):
        figures.lines({}, x="x (px)", y="y (%)")
    with pytest.raises(ExplorerError, match="list of numbers"):
        figures.lines({"a": ([0], ["b"])}, x="x (px)", y="y (%)")  # type: ignore[list-item]
    with pytest.raises(ExplorerError, match="not both"):
        figures.bars({"a": 1.0, "b": {"c": 2.0}}, x="x (px)", y="y (%)")
    with pytest.raises(ExplorerError, match="they must fit"):
        figures.heatmap([[1.0]], ["a"], ["b", "c"], x="x (px)", y="y (px)", unit="L2")
    with pytest.raises(ExplorerError, match="2 pictures and 1 captions"):
        figures.pictures(torch.rand(2, 3, 8, 8), ["one"])
    with pytest.raises(ExplorerError, match="instead of 0 to 1"):
        figures.pictures(torch.full((1, 3, 8, 8), 2.0))


def test_colours_follow_the_method_a_name_speaks_of():
    figure = figures.lines(
        {name: ([0, 1], [0, 1]) for name in ("Stability training", "digits/lenet/bang", "mine", "yours")},
        x="x (px)",
        y="y (%)",
    )
    inks = [trace.line.color for trace in figure.data]
    assert inks[:2] == [method_colours("stability").ink.light, method_colours("bang").ink.light]
    assert len(set(inks)) == 4


def test_one_threshold_runs_along_all_curves():
    same, different = [0.1, 0.2, 0.4], [0.15, 0.3, 0.9]
    curves = {"pixels": precision_recall(same, different), "standard": precision_recall([0.3, 0.5], different)}
    figure = figures.thresholds(curves)
    (slider,) = figure.layout.sliders
    assert [step.label for step in slider.steps] == ["0.1", "0.2", "0.3", "0.4", "0.5"]
    told, points = slider.steps[1].args
    assert list(points) == [2, 3]
    assert told["text"] == [["2 copies, 1 others"], []]  # of the second curve nothing is that near
    assert (told["x"], told["y"]) == ([[66.667], []], [[66.667], []])
    assert slider.active == 2
    assert figure.data[2].text == ("2 copies, 1 others",)
    assert len(figure.static("png")) > 1000
    with pytest.raises(ExplorerError, match="at least one curve"):
        figures.thresholds({})
