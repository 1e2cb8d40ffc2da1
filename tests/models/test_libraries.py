"""Networks of timm and torchvision by name: their logits, transforms, cards, and what is wrong said in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import models

import explorer
from explorer.cli import main
from explorer.data import images
from explorer.data.inputs import read_picture
from explorer.errors import ExplorerError
from explorer.models import Classifier, load_model

TORCHVISION = [
    "resnet18", "mobilenet_v3_small", "squeezenet1_1", "shufflenet_v2_x0_5", "mnasnet0_5", "googlenet",
]  # fmt: skip
TIMM = ["resnet18.a1_in1k", "mobilenetv3_small_050", "vit_tiny_patch16_224", "mobilevit_xxs", "vit_tiny_patch16_384"]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twenty photographs as files, of several shapes."""
    folder, found = tmp_path_factory.mktemp("photographs"), []
    for name, load in images.sample_images().items():
        picture = Image.fromarray(images.to_uint8(load())[0])
        wide, high = picture.size
        for shape in ((wide, high), (400, 260), (231, 320)):
            path = folder / f"{name}-{shape[0]}.png"
            picture.resize(shape).save(path)
            found.append(path)
    return found[:20]


def random_weights(net: torch.nn.Module, path: Path) -> torch.nn.Module:
    """A network with random weights, in BatchNorm's statistics as well, saved to a file."""
    generator = torch.Generator().manual_seed(0)
    for name, value in net.state_dict().items():
        if name.endswith("running_mean"):
            value.copy_(torch.randn(value.shape, generator=generator) / 10)
        elif name.endswith("running_var"):
            value.copy_(0.5 + torch.rand(value.shape, generator=generator))
    state = {key: value.contiguous().clone() for key, value in net.state_dict().items()}
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    return net.eval()


def compared(model: Classifier, net: torch.nn.Module, transform: Any, photographs: list[Path]) -> None:
    for path in photographs:
        with torch.no_grad():
            theirs = net(transform(Image.open(path).convert("RGB"))[None])
            ours = model(read_picture(path, model.takes).pixels)
        assert (ours - theirs).abs().max() < 1e-4, path.name


@pytest.mark.slow
@pytest.mark.parametrize("arch", TORCHVISION)
def test_torchvisions_transform_and_logits(arch: str, photographs: list[Path], tmp_path: Path) -> None:
    settings = {"init_weights": False, "transform_input": True} if arch == "googlenet" else {}
    net = random_weights(models.get_model(arch, weights=None, **settings), tmp_path / f"{arch}.pth")
    weights = models.get_model_weights(arch).DEFAULT
    model = load_model(f"torchvision:{arch}", weights=tmp_path / f"{arch}.pth", device="cpu")
    compared(model, net, weights.transforms(), photographs)


@pytest.mark.slow
@pytest.mark.parametrize("arch", TIMM)
def test_timms_transform_and_logits(arch: str, photographs: list[Path], tmp_path: Path) -> None:
    from timm.data import create_transform, resolve_data_config

    net = random_weights(timm.create_model(arch, pretrained=False), tmp_path / "net.safetensors")
    model = load_model(f"timm:{arch}@{tmp_path / 'net.safetensors'}", device="cpu")
    compared(model, net, create_transform(**resolve_data_config(model=net)), photographs)


@pytest.mark.slow
def test_a_transform_that_squashes(photographs: list[Path], tmp_path: Path) -> None:
    from timm.data import create_transform

    model = load_model(f"timm:resnet18@{save(tmp_path)}", device="cpu")
    takes = model.takes._replace(resize=240, squash=True)
    theirs = create_transform((3, 224, 224), crop_pct=224 / 240, crop_mode="squash", interpolation=takes.interpolation)
    theirs.transforms = theirs.transforms[:2]  # before it becomes a tensor
    for path in photographs:
        wanted = images.load_image(theirs(Image.open(path).convert("RGB")))
        assert torch.equal(read_picture(path, takes).pixels, wanted)


def save(folder: Path, arch: str = "resnet18") -> Path:
    path = folder / f"{arch}.pth"
    torch.save(timm.create_model(arch, pretrained=False).state_dict(), path)
    return path


def test_the_card_says_what_it_is(tmp_path: Path) -> None:
    path = save(tmp_path)
    card = load_model("timm:resnet18.a1_in1k", weights=path, device="cpu").card
    assert (card.name, card.title, card.size) == (f"timm:resnet18.a1_in1k@{path}", "resnet18", 224)
    assert card.source["licence"] == "apache-2.0"
    assert "accuracy" not in card.source  # that is of other weights
    assert len(card.classes) == 1000
    assert type(card).from_dict(json.loads(json.dumps(card.to_dict()))) == card


@pytest.mark.slow
def test_from_the_command_line_beside_the_embedded_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = "photos/efficientnet_lite0/standard,timm:resnet18"
    with pytest.raises(SystemExit) as end:
        main(["compare", "cat", "--models", names, "--weights", str(save(tmp_path)), "--recipe", "jpeg=10", "--json"])
    assert end.value.code == 0
    found = json.loads(capsys.readouterr().out)["models"]
    assert [one["name"] for one in found] == [
        "photos/efficientnet_lite0/standard",
        f"timm:resnet18@{tmp_path}/resnet18.pth",
    ]
    with pytest.raises(SystemExit) as end:
        main(["compare", "cat", "--models", names, "--weights", "a.pth,b.pth"])
    assert end.value.code == 2
    assert "there are 1, but 2 files were given" in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_a_survey_reads_them_again(tmp_path: Path) -> None:
    """A name with its file is all that a plan needs."""
    path = save(tmp_path)
    model = load_model("timm:resnet18", weights=path, device="cpu")
    assert load_model(model.name, device="cpu").card == model.card


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("timm:resnt18", r"timm has no network 'resnt18'.*did you mean resnet18"),
        ("timm:resnet18.nothing", r"timm has no network 'resnet18.nothing'.*did you mean resnet18\."),
        ("torchvision:resnt18", r"torchvision has no network 'resnt18'.*did you mean resnet18"),
        ("torchvision:resnet18:V9", r"has no weights 'V9' for torchvision:resnet18:V9"),
        ("timm:vit_base_patch16_224.dino", "gives features, not classes"),
        ("torchvision:fcn_resnet50", "has no network"),
    ],
)
def test_names_that_do_not_exist(name: str, said: str) -> None:
    with pytest.raises(ExplorerError, match=said):
        load_model(name, device="cpu")


def test_without_a_connection_a_sentence_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(*_: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("explorer.models.libraries.getaddrinfo", offline)
    with pytest.raises(ExplorerError, match=r"resnet18-f37072fd.pth cannot be read.*--weights FILE"):
        load_model("torchvision:resnet18", device="cpu")
    with pytest.raises(ExplorerError, match=r"timm/resnet18.a1_in1k/resolve/main/model.safetensors cannot be read"):
        load_model("timm:resnet18", device="cpu")


def test_weights_that_were_downloaded_before_need_no_connection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("asked the network")

    monkeypatch.setattr("explorer.models.libraries.getaddrinfo", never)
    net = timm.create_model("mobilenetv3_small_050")
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: str(tmp_path / "model.safetensors"))
    found = load_model("timm:mobilenetv3_small_050", device="cpu")
    assert torch.equal(found.net.state_dict()["conv_stem.weight"], net.state_dict()["conv_stem.weight"])
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    weights = models.SqueezeNet1_1_Weights.DEFAULT
    path = tmp_path / "hub" / "checkpoints" / weights.url.rpartition("/")[2]
    path.parent.mkdir(parents=True)
    torch.save(models.squeezenet1_1(weights=None).state_dict(), path)
    assert load_model("torchvision:squeezenet1_1", device="cpu").card.source["accuracy"] == pytest.approx(0.58178)


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, "mobilenetv3_small_050")
    with pytest.raises(ExplorerError, match="does not fit the architecture resnet18"):
        load_model("timm:resnet18", weights=path, device="cpu")
    with pytest.raises(ExplorerError, match="weights goes with a network such as timm"):
        load_model("digits/lenet/standard", weights=path)
    with pytest.raises(ExplorerError, match="brings its weights"):
        load_model("photos/efficientnet_lite0/standard", weights=path)


@pytest.mark.slow
def test_published_classes_of_other_sets_are_named(tmp_path: Path) -> None:
    net = timm.create_model("resnetv2_50x1_bit.goog_in21k", pretrained=False)
    torch.save(net.state_dict(), tmp_path / "net.pth")
    model = load_model("timm:resnetv2_50x1_bit.goog_in21k", weights=tmp_path / "net.pth", device="cpu")
    assert len(set(model.classes)) == len(model.classes) == 21843
    assert explorer.compare([model], "cat", "jpeg=30").models[0].name == model.name
