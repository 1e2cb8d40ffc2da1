"""The server's side of the page "Search": what curves are drawn from, the pixels behind it, what is refused."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer import load_dataset
from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS, StoppedError
from explorer.app.search.collection import MAX_COLLECTIONS
from explorer.app.search.page import Search
from explorer.errors import ExplorerError
from explorer.search import embed, precision_recall
from tests.support.questions import DIGITS, silent

UNDER = [["thumbnail", 13.0], ["gaussian_noise", 0.4]]
OPEN: dict[str, Any] = {"dataset": "digits", "models": [*DIGITS, "pixels", "dhash"], "limit": 40}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield make_context(DIGITS)


@pytest.fixture(scope="module")
def run(context: Context) -> str:
    return str(ask(context, "search_open", **OPEN)["run"])


def ask(context: Context, handler: str, progress: Any = silent, **question: Any) -> dict[str, Any]:
    return HANDLERS[handler](context, question, progress)


def answer(context: Context, name: str, **question: Any) -> dict[str, Any]:
    return Search(context.collections).answer({"ask": name, **question})


def unpacked(text: str, form: str) -> Any:
    return np.frombuffer(base64.b64decode(text), form)


def test_what_is_sent_are_all_pairs_exactly(context: Context, run: str) -> None:
    seen: list[tuple[int, int]] = []
    found = ask(context, "search_copies", lambda *far: seen.append(far), run=run, under=UNDER)
    assert [one["title"] for one in found["under"]] == ["Thumbnail", "Gaussian noise"]
    assert len(found["runs"]) == len(UNDER) * len(OPEN["models"])
    assert seen[-1] == (320, 320)
    data = load_dataset("digits").select(slice(40))
    for one in found["runs"]:
        name, amount = UNDER[one["distortion"]]
        originals = embed(one["model"], data, cache=False).vectors.astype(np.float64)
        copies = embed(one["model"], data, recipe=f"{name}={amount}", cache=False)
        squares = ((originals[:, None] - copies.vectors.astype(np.float64)[None]) ** 2).sum(2)
        apart = copies.distance(1 - squares / 2)
        mine, others = np.diag(apart), apart[~np.eye(40, dtype=bool)]
        order = unpacked(one["order"], "<i4")
        assert np.allclose(unpacked(one["positives"], "<f8"), mine[order], atol=1e-6)
        assert np.allclose(unpacked(one["negatives"], "<f8"), np.sort(others), atol=2e-4)
        left, right = (unpacked(one[side], "<i4") for side in ("left", "right"))
        assert np.allclose(apart[left, right], np.sort(others), atol=2e-4)
        assert one["average_precision"] == pytest.approx(precision_recall(mine, others).average_precision, abs=0.01)
        within = [(others <= distance + 1e-5).sum() for distance in mine[order]]
        assert np.abs(unpacked(one["friends"], "<i4") - within).max() <= 1
        assert (sum(one["bins"]["copies"]), sum(one["bins"]["others"])) == (40, 40 * 39)


def upload(context: Context, seed: int, size: tuple[int, int] = (210, 150)) -> str:
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(data, "PNG")
    return context.workspace.pictures.bring(data.getvalue())["token"]


@pytest.mark.parametrize("within", ["digits", "samples", "tokens"])
def test_a_copy_opens_in_the_live_view_with_its_very_pixels(context: Context, within: str) -> None:
    models = DIGITS if within == "digits" else ["pixels", "dhash"]
    pictures: dict[str, Any] = {"samples": True} if within == "samples" else {"dataset": "digits", "limit": 12}
    if within == "tokens":
        pictures = {"tokens": [upload(context, seed) for seed in range(3)]}
    run = ask(context, "search_open", models=models, **pictures)["run"]
    under = ["gaussian_noise", 0.2]
    asked = {"run": run, "picture": 2, "under": under}
    there = answer(context, "relatives", **asked, models=models)
    state = answer(context, "case", **asked)["state"]
    recipe = {key: state[key] for key in ("seed", "against", "quantised", "on")}
    recipe["steps"] = [[step["name"], step["amount"]] for step in state["steps"]]
    shown = context.workspace.answer({"picture": state["picture"], "models": DIGITS, "recipe": recipe})
    assert shown["image_hash"] == there["hash"]
    assert (state.get("models"), there["query"][:15]) == (DIGITS if within == "digits" else None, "data:image/png;")
    (drawn,) = answer(context, "thumbs", run=run, wanted=[[2, 0]], under=[under])["thumbs"]
    small = Image.open(io.BytesIO(base64.b64decode(drawn.partition(",")[2])))
    assert max(small.size) == (28 if within == "digits" else 128)


def test_relatives_are_the_nearest_others(context: Context, run: str) -> None:
    found = answer(context, "relatives", run=run, picture=3, under=["gaussian_noise", 0.4], models=["pixels"])
    (ranked,) = found["models"]
    originals = embed("pixels", load_dataset("digits").select(slice(40)), cache=False)
    order = np.argsort(-(originals.vectors @ originals.vectors[3]), kind="stable")
    assert ranked["before"] == [int(i) for i in order if i != 3][:30]
    assert 3 not in ranked["after"]
    assert ranked["after"] != ranked["before"]
    assert ranked["itself"] == 0


def test_duplicates_come_in_groups_with_one_to_keep(context: Context) -> None:
    sizes = [(0, (140, 100)), (1, (210, 150)), (0, (280, 200)), (2, (210, 150)), (0, (210, 150))]
    tokens = [upload(context, seed, size) for seed, size in sizes]
    run = ask(context, "search_open", tokens=tokens, models=["pixels", "dhash"])["run"]
    found = ask(context, "search_duplicates", run=run, model="pixels")
    (group,) = found["groups"]
    assert [(one["picture"], one["width"], one["keep"]) for one in group] == [
        (2, 280, True),
        (4, 210, False),
        (0, 140, False),
    ]
    assert 0 < found["threshold"] < found["high"]
    assert "widest gap" in " ".join(found["notes"])
    assert ask(context, "search_duplicates", run=run, model="pixels", threshold=0.0)["groups"] == []
    wide = ask(context, "search_duplicates", run=run, model="dhash", threshold=64)
    assert (wide["bits"], [len(group) for group in wide["groups"]], wide["notes"]) == (True, [5], [])


def test_a_search_can_be_cancelled(context: Context) -> None:
    def stop(*_: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        ask(context, "search_open", stop, **OPEN)


def test_what_was_opened_is_known_to_its_visitor_alone_and_not_for_ever(context: Context, run: str) -> None:
    small = {"dataset": "digits", "models": ["pixels"], "limit": 2}
    keys = {ask(context, "search_open", **small)["run"] for _ in range(2)}
    assert len(keys) == 2
    assert all(len(key) >= 32 for key in keys)
    answer(context, "thumbs", run=run, wanted=[[0, -1]])
    for _ in range(MAX_COLLECTIONS):
        ask(context, "search_open", **small)
    with pytest.raises(ExplorerError, match="choose them again"):
        answer(context, "thumbs", run=next(iter(keys)), wanted=[[0, -1]])


@pytest.mark.parametrize(
    ("handler", "change", "word"),
    [
        ("search_open", {"dataset": "/etc"}, "no such data set here"),
        ("search_open", {"dataset": "../digits"}, "no such data set here"),
        ("search_open", {"tokens": ["a", "b"]}, "choose it again"),
        ("search_open", {"tokens": ["a"]}, "2 to 60 pictures of your own"),
        ("search_open", {"models": []}, "Choose 1 to"),
        ("search_open", {"models": ["../x.pth"]}, "no model named"),
        ("search_open", {"models": [DIGITS[0], "cifar10/resnet20/standard"]}, "one family"),
        ("search_open", {"limit": 1}, "2 to 2,000 pictures"),
        ("search_open", {"limit": True}, "2 to 2,000 pictures"),
        ("search_copies", {"run": "x" * 32}, "choose them again"),
        ("search_copies", {"run": 7}, "reload"),
        ("search_copies", {"under": []}, "1 to 8 distortions"),
        ("search_copies", {"under": [["fgsm", 0.1]]}, "attack"),
        ("search_copies", {"under": [["nothing", 1]]}, "nothing"),
        ("search_copies", {"under": [["jpeg", "<b>"]]}, "1 to 8 distortions"),
        ("search_duplicates", {"threshold": -1}, "0 or more"),
        ("search_duplicates", {"precision": 0}, "above 0 and up to 1"),
        ("search_duplicates", {"model": ["pixels"]}, "not opened with that model"),
        ("thumbs", {"wanted": [[0, 0]] * 49}, "48 pictures"),
        ("thumbs", {"wanted": [[0, 3]]}, "reload"),
        ("thumbs", {"wanted": [[40, -1]]}, "There are 40 pictures"),
        ("relatives", {"models": ["cifar10/resnet20/bang"]}, "not opened with that model"),
        ("relatives", {"picture": 2**40}, "reload"),
        ("relatives", {"under": ["jpeg", -5]}, "jpeg"),
        ("case", {"picture": -1}, "reload"),
    ],
)
def test_nonsense_gets_one_sentence(context: Context, handler: str, change: dict[str, Any], word: str) -> None:
    run = str(ask(context, "search_open", **OPEN)["run"])
    usual: dict[str, dict[str, Any]] = {
        "search_open": OPEN,
        "search_copies": {"run": run, "under": UNDER},
        "search_duplicates": {"run": run, "model": "pixels"},
        "thumbs": {"run": run, "wanted": [[0, 0]], "under": UNDER},
        "relatives": {"run": run, "picture": 0, "under": UNDER[0], "models": ["pixels"]},
        "case": {"run": run, "picture": 0, "under": UNDER[0]},
    }
    question = usual[handler] | change
    with pytest.raises(ExplorerError, match=f"(?i){word}") as caught:
        (ask if handler in HANDLERS else answer)(context, handler, **question)
    assert str(caught.value).endswith(".")
