"""Every result: a short text, HTML with its figure, JSON, a table, a Plotly figure, and whole files of each."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer import Recipe
from explorer.analysis import FlipPoints, Weaknesses
from explorer.data import images
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.evaluation import Evaluations, doubts, evaluate_many, masking
from explorer.evaluation.slopes import measure_slopes
from explorer.figures import Figure
from explorer.results import FORMATS, Result
from explorer.search import (
    all_pairs,
    embed,
    find_duplicates,
    find_relatives,
    pair_study,
    precision_recall,
    rank_triplets,
    triplets_of_classes,
)
from explorer.survey import VIEWS, Survey, shipped, statistics
from explorer.survey.report import findings
from tests.support.clips import animated, wandering

NAMES = ("digits/lenet/standard", "digits/lenet/stability")
NOISE = Recipe.parse("gaussian_noise=0.3;seed=5")


@cache
def models() -> tuple[Any, ...]:
    return tuple(explorer.load_model(name, device="cpu") for name in NAMES)


@cache
def digits() -> Any:
    return explorer.load_dataset("digits")


@cache
def clip() -> bytes:
    return animated(wandering(), "WEBP")


@cache
def seven() -> torch.Tensor:
    return digits().batch([7])[0]


@cache
def stabilized() -> Any:
    start = "digits/lenet/standard"
    return explorer.stabilize(start, "digits", under="gaussian_noise=0:0.3", steps=3, keep=0, control=False).report


MADE: dict[str, Callable[[], Any]] = {
    "comparison": lambda: explorer.compare(models(), seven(), NOISE),
    "comparisons": lambda: explorer.compare(models(), digits().batch(range(3))[0], NOISE),
    "sweep": lambda: explorer.sweep(models(), seven(), "gaussian_noise", amounts=[0, 0.2, 0.4]),
    "sweep of several seeds": lambda: explorer.sweep(
        models(), seven(), "gaussian_noise", amounts=[0, 0.2, 0.4], seeds=2
    ),
    "flip points": lambda: explorer.flip_point(models(), seven(), "brightness"),
    "weaknesses": lambda: explorer.weaknesses(models(), seven(), distortions=["brightness", "jpeg"]),
    "weakness": lambda: explorer.weaknesses(models(), seven(), distortions=["brightness"])[0],
    "transfer": lambda: explorer.transfer(models(), seven(), "fgsm", 0.2),
    "evaluation": lambda: explorer.evaluate(models()[0], digits(), NOISE, limit=20),
    "evaluations": lambda: evaluate_many(models(), digits(), NOISE, limit=20),
    "corruptions": lambda: explorer.run_suite(models(), digits(), "corruptions", limit=2),
    "adversarial": lambda: explorer.run_suite(models(), digits(), "adversarial", limit=2),
    "calibration": lambda: explorer.run_suite(models(), digits(), "calibration", limit=2),
    "line search": lambda: explorer.run_suite(models(), digits(), "line-search", limit=2),
    "zheng": lambda: explorer.run_suite(models(), digits(), "zheng", limit=2),
    "frames": lambda: explorer.frames(models(), clip(), NOISE, noise="fresh", label=3),
    "perturbations": lambda: explorer.run_suite(models(), digits(), "perturbations", limit=1),
    "certified": lambda: explorer.run_suite(models(), digits(), "certified", limit=2),
    "doubts": lambda: doubts(models(), digits(), names=["margin"], size=0, recipe="gaussian_noise=0.5", limit=60),
    "verdicts": lambda: masking(models()[:1], digits(), limit=4, restarts=1),
    "certificates": lambda: explorer.certify(models(), seven(), n=100),
    "certificate": lambda: explorer.certify(models(), seven(), n=100)[0],
    "study of pairs": lambda: pair_study(NAMES, digits().select(slice(8)), "jpeg=20"),
    "copies": lambda: all_pairs(*(embed(models()[0], digits().select(slice(8)), recipe=one) for one in (None, NOISE))),
    "precision and recall": lambda: precision_recall([0.1, 0.2, 0.4], [0.3, 0.9, 1.2]),
    "triplets": lambda: rank_triplets(NAMES, triplets_of_classes(digits().select(slice(20)), 2), "jpeg=20", k=5),
    "relatives": lambda: find_relatives(models()[0], seven(), digits().select(slice(8)), NOISE),
    "duplicates": lambda: find_duplicates("pixels", digits().select(slice(20)), threshold=0.7),
    "autoattack": lambda: explorer.run_suite(models(), digits(), "autoattack", limit=2),
    "slopes": lambda: measure_slopes(models()[0], digits(), 1.0, limit=2),
    "stabilization": stabilized,
    "findings": lambda: findings(Survey(shipped()[0])),
    **{f"view {name}": partial(lambda name: Survey(shipped()[0]).view(name, limit=60), name) for name in VIEWS},
    "accuracy of a pair": lambda: statistics.accuracy(Survey(shipped()[0])),
    "instability of a pair": lambda: statistics.instability(Survey(shipped()[0])),
    "standing": lambda: statistics.standing(Survey(shipped()[0])),
    "matrix of answers": lambda: statistics.confusion(Survey(shipped()[0]), NAMES[0]),
}
"""Every result type, made by the function that people call."""


@cache
def made(name: str) -> Any:
    return MADE[name]()


every_result = pytest.mark.parametrize("name", MADE)
# Views differ in their rows only: one of them stands for all where time is short.
drawn_result = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in {f"view {view}" for view in list(VIEWS)[1:]} else name
        for name in MADE
    ],
)


@every_result
def test_the_text_is_short_and_holds_the_numbers(name: str) -> None:
    found = made(name)
    assert repr(found) == str(found)
    lines = str(found).splitlines()
    assert 1 <= len(lines) <= 8
    assert max(map(len, lines)) <= 200
    assert re.search(r"\d", str(found))


@every_result
def test_the_dictionary_is_json_and_finite(name: str) -> None:
    said = made(name).to_dict()
    assert json.loads(json.dumps(said, allow_nan=False)) == json.loads(json.dumps(said))


@every_result
def test_the_frame_is_tidy(name: str) -> None:
    found = made(name)
    frame, records = found.to_frame(), found.records()
    assert len(frame) == len(records) > 0
    assert all(list(record) == list(records[0]) for record in records)
    assert list(frame.columns) == list(records[0])
    for value in (value for record in records for value in record.values()):
        assert value is None or isinstance(value, str | bool | int | float | list), value


@every_result
def test_the_figure_is_plotlys_and_names_its_axes(name: str) -> None:
    figure = made(name).figure()
    assert isinstance(figure, Figure)
    assert len(figure.data) > 0
    assert any(axis.title.text for axis in figure.select_xaxes())
    assert any(axis.title.text for axis in figure.select_yaxes())


@drawn_result
def test_a_notebook_shows_the_figure_and_the_numbers(name: str) -> None:
    html = made(name)._repr_html_()
    assert "<script" not in html
    assert not re.findall(r"(?:src|href)=\"(?!data:)", html)
    (picture,) = re.findall(r'src="(data:image/png;base64,[^"]+)"', html)
    assert min(_png(picture).size) > 100
    cells = re.findall(r"<td>([^<]*)</td>", html)
    assert sum(bool(re.search(r"\d", cell)) for cell in cells) > 0
    assert not re.search(r"(?<!background: )#[0-9a-f]{3,6}\b|color:", re.sub(r'src="[^"]*"', "", html)), "a colour"


@pytest.mark.slow
@drawn_result
def test_every_format_holds_the_result(name: str, tmp_path: Path) -> None:
    found = made(name)
    for ending in FORMATS:
        assert found.save(tmp_path / f"x{ending}") == tmp_path / f"x{ending}"
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == json.loads(json.dumps(found.to_dict()))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "x.csv").read_text(encoding="utf-8"))))
    assert len(rows) == len(found.records())
    assert list(rows[0]) == list(found.records()[0])
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 200
        colours = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)
    assert len(colours) > 4, "an empty picture"
    drawn = ET.parse(tmp_path / "x.svg").getroot()  # noqa: S314  # our own file
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(drawn.iter())) > 30
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert re.search(r"<td[^>]*>[^<]*\d", page), "no number"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"x{ending}" for ending in FORMATS)


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_result_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    once, again = (made("comparison").save(tmp_path / f"{i}{ending}").read_bytes() for i in range(2))
    assert once == again


def test_numbers_in_table_json_and_page_are_those_of_the_result(tmp_path: Path) -> None:
    found = made("comparison")
    frame = found.to_frame().set_index("model")
    page = found.save(tmp_path / "x.html").read_text(encoding="utf-8")
    for answer in found.models:
        assert frame.loc[answer.name, "confidence"] == answer.confidence
        assert frame.loc[answer.name, "feature_l2"] == answer.feature_distance["penultimate"].l2
        assert f"<td>{answer.confidence:.4f}</td>" in page
        assert answer.card.sha256 in page
    swept = made("sweep")
    table = swept.to_frame()
    for curves in swept.models:
        own = table[table.model == curves.name]
        assert own.amount.tolist() == list(swept.amounts)
        assert own.confidence.tolist() == curves.confidence.tolist()


def test_pixels_are_kept_to_the_last_bit(tmp_path: Path) -> None:
    found = made("comparison")
    kept = np.asarray(Image.open(found.save_pixels(tmp_path / "x.png")))
    assert np.array_equal(kept, images.to_uint8(found.distorted)[0, ..., 0])
    floats: Any = explorer.compare(models(), seven(), "gaussian_noise=0.3;seed=5;pixels=float")
    assert np.array_equal(np.load(floats.save_pixels(tmp_path / "x.npy")), floats.distorted[0].numpy())
    with pytest.raises(ExplorerError, match=r"save them as \.npy"):
        floats.save_pixels(tmp_path / "y.png")
    with pytest.raises(ExplorerError, match=r"end it with \.png"):
        found.save_pixels(tmp_path / "y.jpg")


def test_networks_of_ones_own_get_a_page_with_what_was_noticed(tmp_path: Path) -> None:
    nets = [torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, count)).eval() for count in (3, 4)]
    with pytest.warns(ExplorerWarning, match="3 classes and Sequential 2 with 4"):
        found: Any = explorer.compare(nets, seven(), NOISE)
    assert "Note: Sequential answers with 3 classes" in found.save(tmp_path / "x.html").read_text(encoding="utf-8")
    assert "Note: Sequential answers with 3 classes" in found._repr_html_()
    assert len(found.to_frame()) == 2
    assert found.save(tmp_path / "x.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["x.gif", "x", "x.html.bak", ""])
def test_another_ending_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExplorerError, match=r"end it with \.html, \.json, \.csv, \.png or \.svg"):
        made("evaluation").save(tmp_path / name)


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ExplorerError, match=r"not there does not exist, so x\.csv"):
        made("evaluation").save(tmp_path / "not there" / "x.csv")
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(ExplorerError, match="is a folder"):
        made("evaluation").save(tmp_path / "x.csv")


def test_what_cannot_be_made_leaves_the_old_file(tmp_path: Path) -> None:
    never = FlipPoints("jpeg", "quality", {NAMES[0]: None}, (100.0, 1.0), Recipe(), ("Standard",), ("standard",))
    (tmp_path / "x.png").write_bytes(b"old")
    with pytest.raises(ExplorerError, match="no flip point to draw"):
        never.save(tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
    assert "never" in never.save(tmp_path / "x.html").read_text(encoding="utf-8"), "a page needs no figure"


def test_flip_points_are_a_mapping_and_sequences_are_sequences() -> None:
    points = made("flip points")
    assert list(points) == list(NAMES)
    assert dict(points) == points == points.to_dict()["flip_points"]
    assert isinstance(made("weaknesses"), Weaknesses)
    assert isinstance(made("evaluations"), Evaluations)
    first, *others = made("weaknesses")
    assert [first, *others] == list(made("weaknesses")[:])


def test_every_result_type_is_here() -> None:
    """A result type that is added must be added above, too."""

    def below(kind: type) -> set[type]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    here = {type(made(name)) for name in MADE}  # which imports their modules
    known = {kind for kind in below(Result) if kind.__module__.startswith("explorer.")}
    bases = {
        kind
        for kind in known
        if kind.__module__ in {"explorer.results", "explorer.evaluation.results", "explorer.survey.view"}
    }
    assert known - bases == here


def test_a_result_of_another_package_gets_what_all_have(tmp_path: Path) -> None:
    class Own(Result):
        def __str__(self) -> str:
            return "Own: 1"

        def to_dict(self) -> dict[str, Any]:
            return {"a": 1}

        def records(self) -> list[dict[str, Any]]:
            return [{"name": "a", "value": 1.5}]

    assert "<td>1.5</td>" in Own()._repr_html_()
    assert Own().save(tmp_path / "x.csv").read_text(encoding="utf-8") == "name,value\na,1.5\n"
    with pytest.raises(ExplorerError, match=r"has no figure; save it as \.json or \.csv"):
        Own().save(tmp_path / "x.png")


def _png(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))
