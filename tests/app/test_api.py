"""The API: through the real gradio_client and through plain HTTP, with good questions and bad ones."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from explorer import Recipe, compare, defaults, fit, flip_point, load_image, load_model, sweep
from explorer.data.datasets import load_dataset
from explorer.distortions import DISTORTIONS
from explorer.models import list_models
from tests.support.app_server import Server
from tests.support.pictures import data_url, png
from tests.support.questions import DIGITS as MODELS

pytestmark = pytest.mark.usefixtures("one_thread")  # the app answers with one, and numbers are compared bit by bit

ENDPOINTS = {"/compare", "/sweep", "/flip_point", "/models", "/distortions"}
PASSWORDS = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Any]:
    from gradio_client import Client  # type: ignore[import-untyped]

    opened = Client(server.url, verbose=False, analytics_enabled=False, download_files=False)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def ask(client: Any) -> Ask:
    return lambda endpoint, **arguments: client.predict(api_name=endpoint, **arguments)


@pytest.fixture(scope="module")
def models() -> list[Any]:
    return [load_model(name, device="cpu") for name in MODELS]


def seven() -> tuple[Any, int]:
    from explorer.data.datasets import load_dataset

    x, labels = load_dataset("digits").batch([7])
    return x, int(labels[0])


def photo(folder: Path) -> Path:
    """A picture whose every pixel differs from its neighbours, as a lossless file."""
    path = folder / "photo.png"
    Image.effect_noise((61, 47), 80).convert("RGB").save(path)
    return path


# ---- what it says of itself ------------------------------------------------------------------------------------------


def test_there_are_five_endpoints_and_every_argument_has_a_type_and_a_description(server: Server, client: Any) -> None:
    found = client.view_api(return_format="dict", print_info=False)
    assert set(found["named_endpoints"]) == ENDPOINTS
    assert found["unnamed_endpoints"] == {}
    _, told = server.ask("/gradio_api/info")
    for name, endpoint in told["named_endpoints"].items():
        assert endpoint["description"].endswith("."), name
        for parameter in endpoint["parameters"]:
            assert parameter["type"], (name, parameter["parameter_name"])
            assert parameter["type"]["description"].endswith("."), (name, parameter["parameter_name"])
        assert endpoint["returns"][0]["type"]["description"], name


def test_models_and_distortions_are_those_of_the_core(ask: Ask) -> None:
    cards = {card.name: json.loads(json.dumps(card.to_dict())) for card in list_models()}
    for card in cards.values():
        del card["reference"]
    assert {card["name"]: card for card in ask("/models")} == cards
    distortions = ask("/distortions")
    assert [distortion["name"] for distortion in distortions] == list(DISTORTIONS)
    assert distortions[0]["high"] == DISTORTIONS[distortions[0]["name"]].high


# ---- the same numbers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", ["gaussian_noise=0.3,jpeg=40;seed=11", f"fgsm=8/255;seed=1;against={MODELS[1]}"])
def test_app_api_and_core_give_the_same_numbers(ask: Ask, models: list[Any], recipe: str) -> None:
    from explorer.app.workspace import Workspace

    image, label = seven()
    core = compare(models, image, Recipe.parse(recipe), label=label).to_dict()
    assert ask("/compare", image="digits:7", models=MODELS, recipe=recipe) == core

    chain = Recipe.parse(recipe).to_dict()
    page = Workspace(MODELS).answer({"picture": {"dataset": "digits", "index": 7}, "models": MODELS, "recipe": chain})
    close(core, {key: page[key] for key in core})


def close(expected: Any, found: Any) -> None:
    """The page keeps the clean answers and asks about one picture, not two at once: equal but for the last digits."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            close(value, found[key])
    elif isinstance(expected, list):
        assert len(expected) == len(found)
        for a, b in zip(expected, found, strict=True):
            close(a, b)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
    else:
        assert found == expected


def test_a_sweep_is_that_of_the_core(ask: Ask, models: list[Any]) -> None:
    image, label = seven()
    recipe = Recipe.parse("jpeg=40;seed=3")
    amounts = [0.0, 0.1, 0.25, 0.5]
    core = sweep(models, image, "gaussian_noise", amounts=amounts, recipe=recipe, label=label, seeds=3).to_dict()
    found = ask(
        "/sweep",
        image="digits:7",
        distortion="gaussian_noise",
        models=MODELS,
        recipe="jpeg=40;seed=3",
        amounts=amounts,
        seeds=3,
    )
    assert found == json.loads(json.dumps(core))
    assert found["models"][0]["band"]["n"] == 3


def test_a_flip_point_is_that_of_the_core(ask: Ask, models: list[Any]) -> None:
    image, _ = seven()
    core = flip_point(models, image, "brightness", tolerance=0.01)
    assert ask("/flip_point", image="digits:7", distortion="brightness", models=MODELS, tolerance=0.01) == core


def test_an_attack_goes_away_from_the_true_class_in_every_endpoint(ask: Ask, models: list[Any]) -> None:
    data = load_dataset("digits")
    x, labels = data.batch(slice(None))
    with torch.inference_mode():
        row = int((models[0](x).argmax(dim=1) != labels).nonzero()[0])  # where true class and answer are two
    recipe = Recipe(against=MODELS[0])
    core = flip_point(models, x[row : row + 1], "fgsm", recipe=recipe, label=int(labels[row]))
    assert core != flip_point(models, x[row : row + 1], "fgsm", recipe=recipe)
    assert ask("/flip_point", image=f"digits:{row}", distortion="fgsm", models=MODELS, recipe=str(recipe)) == core


def test_without_models_those_answer_that_the_app_opened_with(ask: Ask) -> None:
    assert [answer["name"] for answer in ask("/compare", image="cat")["models"]] == list(defaults.MODELS)


def test_a_picture_comes_as_a_file_or_inside_the_text(ask: Ask, models: list[Any], tmp_path: Path) -> None:
    from gradio_client import handle_file

    path = photo(tmp_path)
    image = fit(load_image(path), models[0].size, models[0].channels)
    core = compare(models, image, Recipe.parse("gaussian_noise=0.2")).to_dict()
    asked = {"models": MODELS, "recipe": "gaussian_noise=0.2"}
    assert ask("/compare", image=handle_file(path), **asked) == core
    assert ask("/compare", image=data_url(path.read_bytes()), **asked) == core


def test_both_pictures_come_along_when_asked_for(ask: Ask) -> None:
    from explorer.data.images import image_hash

    found = ask("/compare", image="cat", recipe="gaussian_noise=0.2", pictures=True)
    distorted = load_image(base64.b64decode(found["images"]["distorted"].partition(",")[2]))
    assert image_hash(distorted) == found["image_hash"]
    assert set(found["images"]) == {"clean", "distorted"}


# ---- what makes no sense ---------------------------------------------------------------------------------------------

BAD = {
    "/etc/passwd": "no image named",
    "../../etc/passwd": "no image named",
    "file:///etc/passwd": "no image named",
    "http://127.0.0.1/cat.png": "no image named",
    "": "no image named",
    "digits:100000": "has the rows 0 to 359",
    "nowhere:7": "no such data set",
    "/etc:7": "no such data set",
    "x" * 1001: "at most 1000 characters",
    "data:image/png;base64,!!!": "damaged",
    "data:text/html;base64,PGh0bWw+": "web page",
    "data:nonsense": "begins with data:image/png;base64,",
    data_url(png()[:60]): "damaged or incomplete",
}


@pytest.mark.parametrize("image", BAD, ids=[text[:30] for text in BAD])
def test_an_image_that_is_none_is_refused_in_one_sentence(server: Server, image: str) -> None:
    status, told = server.run("compare", image, MODELS, "clean", False)
    assert status == 400
    assert BAD[image] in told["error"]
    assert "\n" not in told["error"]
    assert "Traceback" not in server.said


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "http://127.0.0.1:9/a.png", "https://example.org/a.png", "", "..", None, 7, ["/etc/passwd"]]
)
def test_a_file_is_opened_only_where_it_was_uploaded(server: Server, path: Any) -> None:
    status, told = server.run(
        "compare", PASSWORDS | {"path": path, "url": "http://127.0.0.1:9/b.png"}, MODELS, "clean", False
    )
    assert (status, "uploaded here" in told["error"]) == (400, True)


def test_another_file_in_the_folder_of_uploads_is_no_upload(server: Server) -> None:
    folder = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")
    folder.mkdir(parents=True, exist_ok=True)
    stray = folder / "explorer-test-stray.png"
    stray.write_bytes(png())
    try:
        _, told = server.run(
            "compare", {"path": str(stray), "meta": {"_type": "gradio.FileData"}}, MODELS, "clean", False
        )
    finally:
        stray.unlink()
    assert "uploaded here" in told["error"]


@pytest.mark.parametrize(
    ("endpoint", "arguments", "sentence"),
    [
        ("compare", ("cat", ["no/such/model"], "clean", False), "no model named"),
        ("compare", ("cat", "digits/lenet/standard", "clean", False), "list of names"),
        ("compare", ("cat", [], "clean", False), "Add a model"),
        ("compare", ("cat", MODELS * 7, "clean", False), "At most 12"),
        (
            "compare",
            ("cat", [MODELS[0], "cifar10/resnet20/standard"], "clean", False),
            "cannot be compared side by side",
        ),
        ("compare", ("cat", MODELS, "no_such=1", False), "no distortion named"),
        ("compare", ("cat", MODELS, "jpeg=1e9", False), "out of range"),
        ("compare", ("cat", MODELS, ",".join(["jpeg=50"] * 9), False), "at most 8"),
        ("compare", ("cat", MODELS, "x" * 1001, False), "one line of text"),
        ("compare", ("cat", MODELS, None, False), "one line of text"),
        ("compare", ("cat", MODELS, f"fgsm=8/255;against={'x' * 50}", False), "against="),
        ("compare", (7, MODELS, "clean", False), "given by its name"),
        ("compare", ("cat",), "takes 4 values, and 1 were sent"),
        ("sweep", ("cat", "no_such", MODELS, "clean", None, 1), "no distortion named"),
        ("sweep", ("cat", ["jpeg"], MODELS, "clean", None, 1), "given by its name"),
        ("sweep", ("cat", "jpeg", MODELS, "clean", [], 1), "at least one amount"),
        ("sweep", ("cat", "jpeg", MODELS, "clean", [50] * 130, 1), "at most 129"),
        ("sweep", ("cat", "jpeg", MODELS, "clean", ["50"], 1), "must be a number"),
        ("sweep", ("cat", "jpeg", MODELS, "clean", [10**400], 1), "must be a number"),
        ("sweep", ("cat", "jpeg", MODELS, "clean", [float("nan")], 1), "out of range"),
        ("sweep", ("cat", "jpeg", MODELS, "clean", None, 17), "1 to 16"),
        ("sweep", ("cat", "jpeg", MODELS, "clean", None, True), "1 to 16"),
        ("flip_point", ("cat", "jpeg", MODELS, "clean", -1), "above 0"),
        ("flip_point", ("cat", "jpeg", MODELS, "clean", "a"), "must be a number"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_one_sentence(
    server: Server, endpoint: str, arguments: tuple[Any, ...], sentence: str
) -> None:
    status, told = server.run(endpoint, *arguments)
    assert status == 400
    assert sentence in told["error"]
    assert "\n" not in told["error"]
    assert "Traceback" not in server.said


def test_the_client_library_hears_the_same_sentence(ask: Ask) -> None:
    with pytest.raises(Exception, match=r"^There is no distortion named 'no_such'"):
        ask("/compare", image="cat", recipe="no_such=1")


def test_arguments_that_do_not_exist_are_refused_in_one_sentence(server: Server) -> None:
    status, told = server.ask("/gradio_api/call/v2/compare", {"imgae": "cat"})
    assert (status, told["error"].count(".")) == (404, 1)
    assert "Traceback" not in server.said
