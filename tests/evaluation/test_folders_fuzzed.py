"""Whatever a folder holds: evaluate, survey and the app's chart never differ, and raise only an ExplorerError."""

from __future__ import annotations

import io
import json
import os
import string
import sys
import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.data.datasets import load_dataset
from explorer.distortions import Recipe
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.evaluation import evaluate
from explorer.evaluation.running import RunningAccuracy
from explorer.evaluation.sample import Sample
from explorer.survey import Survey, make_plan, run
from tests.evaluation.test_folders_measured import NAMES, SIDE, grey

RECIPE = Recipe.parse("gaussian_noise=0.02;seed=3")
LINKS = sys.platform != "win32"  # which asks for rights

CLASSES = st.sampled_from([*NAMES, "Fire_truck", "CAT"])
SPLITS = st.sampled_from([*NAMES, "train", "Val", "test", "seg_test", "images", "archive"])
ODD = st.sampled_from([*NAMES, "__MACOSX", ".hidden", "labels", "9", "a.png", "猫", "e\u0301", "\udcff", "\n"])
TEXTS = st.text(string.ascii_letters + " é.-_=,;#%'\"", min_size=1, max_size=6).filter(lambda text: text.strip(" ."))
PICTURES = ["png", "png", "png", "jpg", "webp", "gif", "tif", "small", "wide", "cut", "flipped", "empty"]
OTHERS = ["text", "wrong ending", "rubbish", "link up", "link round", "dead link", "json", "settings", "list"]
KINDS = st.sampled_from([*PICTURES, *OTHERS])


@st.composite
def trees(draw: st.DrawFn) -> list[tuple[str, str, int]]:
    """Things in folders up to four deep: (folder, kind, a number that says more)."""
    parts = draw(st.sampled_from([CLASSES, CLASSES, SPLITS, ODD, st.one_of(CLASSES, SPLITS, ODD, TEXTS)]))
    inside = st.lists(ODD, max_size=2)
    paths = st.tuples(st.lists(parts, min_size=1, max_size=3), inside).map(lambda both: "/".join(both[0] + both[1]))
    folders = draw(st.lists(paths, min_size=1, max_size=5))
    return draw(st.lists(st.tuples(st.sampled_from(folders), KINDS, st.integers(0, 60)), min_size=1, max_size=14))


def picture(kind: str, value: int) -> bytes:
    form, sides = {"jpg": "JPEG", "webp": "WEBP", "gif": "GIF", "tif": "TIFF"}.get(kind, "PNG"), (SIDE, SIDE)
    sides = {"small": (3, 3), "wide": (SIDE * 3, SIDE + value % 3)}.get(kind, sides)
    made = io.BytesIO()
    Image.new("RGB", sides, (value,) * 3).save(made, form)
    found = made.getvalue()
    if kind == "cut":
        return found[: value * 2]
    if kind == "flipped":
        return found[:value] + bytes([found[value] ^ (1 << value % 8)]) + found[value + 1 :]
    return found


def put(root: Path, folder: str, kind: str, number: int, i: int) -> None:
    here = root / folder
    here.mkdir(parents=True, exist_ok=True)
    if kind in ("link up", "link round", "dead link"):
        target = {"link up": root, "link round": here, "dead link": root / "nowhere"}[kind]
        (here / f"link {i}{'.png' if number % 2 else ''}").symlink_to(target)
    elif kind == "list":
        files = [str(path.relative_to(root)) for path in root.rglob("*.png")] + ["gone.png"]
        rows = [json.dumps({"file": file, "label": NAMES[j % 4]}) for j, file in enumerate(files)]
        (root / "list.jsonl").write_text("\n".join(rows))
    elif kind in ("settings", "json"):
        text = ['{"size": 8}', '{"size": 0}', "[]", '{"cat": "dog"}', '{"9": "cat", "labels": "dog"}'][number % 5]
        (root / ("dataset.json" if kind == "settings" else "classes.json")).write_text(text)
    else:
        ending = {"text": ".txt", "wrong ending": ".jpg", "rubbish": ".DS_Store", "jpg": ".JPG"}.get(kind, f".{kind}")
        ending = ".png" if kind in ("small", "wide", "cut", "flipped", "empty") else ending
        made = b"" if kind in ("empty", "rubbish") else b"words" if kind == "text" else picture(kind, number)
        (here / f"{i}{ending}").write_bytes(made)


def build(root: Path, tree: list[tuple[str, str, int]]) -> None:
    root.mkdir()
    for i, (folder, kind, number) in enumerate(tree):
        try:
            put(root, folder, kind, number, i)
        except (OSError, UnicodeError):  # names that this file system does not hold, or not side by side
            continue


def measured(folder: Path, limit: int, out: Path) -> tuple[object, object, object]:
    """By evaluate, survey and chart: which images are right, and how many; or the sentence that says why not."""
    model = grey()

    def by_evaluate() -> tuple[dict[int, bool], int]:
        sample = Sample.of([model], load_dataset(folder), limit)
        rows = [row for part, _, _ in sample.batches() for row in part]
        correct = sample.correct(RECIPE)[0].tolist()
        found = evaluate(model, folder, RECIPE, limit=limit)
        assert (found.n, round(found.accuracy * found.n)) == (len(rows), sum(correct))
        return dict(zip(rows, correct, strict=True)), len(rows)

    def by_survey() -> tuple[dict[int, bool], int]:
        data = load_dataset(folder)
        plan = make_plan([model], data, ["gaussian_noise=0.02"], seeds=[3], limit=limit)
        run([model], data, plan, out)
        rows = Survey(out).sql("select image, correct from rows where correct is not null order by image")
        return dict(zip(rows.image.tolist(), map(bool, rows.correct), strict=True)), len(rows)

    def by_chart() -> tuple[float, int]:
        (curve,) = RunningAccuracy((model,), load_dataset(folder), "gaussian_noise", (0.02,), 3).up_to(limit)
        return curve.accuracy[0], curve.n

    def told(ask: object) -> object:
        try:
            return ask()  # type: ignore[operator]
        except ExplorerError as error:
            return str(error)

    return told(by_evaluate), told(by_survey), told(by_chart)


TWO = [("cat", "png", 0), ("dog", "png", 40)]


@pytest.mark.slow
@pytest.mark.skipif(not LINKS, reason="links need rights there")
@settings(max_examples=40, deadline=None)
@example([*TWO, ("cat", "link up", 0), ("", "link round", 1), ("dog/deep", "link round", 2)], 9)
@example([*TWO, ("cat/\udcff", "png", 0), ("cat", "cut", 20), ("dog", "flipped", 50)], 9)
@example([("cat", "cut", 0), ("cat", "png", 0), ("dog", "empty", 0)], 1)
@example([*TWO, ("\n", "png", 0)], 9)
@example([("train/cat", "png", 0), ("Val/dog", "png", 40), ("Val/10", "png", 0), ("", "list", 0)], 2)
@given(trees(), st.integers(1, 14))
def test_evaluate_survey_and_chart_never_differ_and_never_break(tree: list[tuple[str, str, int]], limit: int) -> None:
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore", ExplorerWarning)
        root = Path(name)
        build(root / "own", tree)
        for i, given_as in enumerate((root / "own", root / "own" / "list.jsonl")):
            if not given_as.exists():
                continue
            one, other, chart = measured(given_as, limit, root / f"out {i}")
            assert isinstance(one, str) == isinstance(other, str) == isinstance(chart, str), (one, other, chart)
            if isinstance(one, tuple) and isinstance(chart, tuple):
                assert one == other
                right, n = one
                assert chart == (sum(right.values()) / n, n)
            assert not isinstance(one, str) or os.linesep not in one
