"""Architectures against published parameter counts; checkpoints and external models, good and bad."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from explorer.errors import ExplorerError
from explorer.models import ARCHITECTURES, Card, Classifier, find_architecture, load_model, save_model
from explorer.models.checkpoints import halved, read_card
from explorer.models.weights import read_states

# He et al. 2015 table 6 gives 0.27, 0.46, 0.66, 0.85 million; the exact counts follow from the plan 16-16-32-64 with
# parameter-free shortcuts. LeNet and CIFAR-quick: Caffe's networks, counted by hand layer by layer.
PARAMETERS = {
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet44": 658_586,
    "resnet56": 853_018,
    "resnet20_pushpull": 269_722,  # the pull kernels follow from the push kernels
    "lenet": 520 + 25_050 + 400_500 + 5_010,
    "cifar_quick": 2_432 + 25_632 + 51_264 + 65_600 + 650,
}


def build(arch: str, **options: object) -> nn.Module:
    known = find_architecture(arch)
    torch.manual_seed(0)
    return known.build(classes=10, in_channels=known.channels, **options)


def wrap(arch: str, name: str = "some/arch/method") -> Classifier:
    known = find_architecture(arch)
    zeros, ones = (0.0,) * known.channels, (1.0,) * known.channels
    classes = tuple("abcdefghij")
    card = Card(name, "some", arch, "method", classes, known.size, known.channels, zeros, ones)
    return Classifier(build(arch), card).eval()


@pytest.mark.parametrize(("arch", "count"), PARAMETERS.items())
def test_parameter_counts_are_the_published_ones(arch: str, count: int) -> None:
    assert sum(p.numel() for p in build(arch).parameters()) == count


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_architecture_answers_with_named_features(arch: str) -> None:
    model = wrap(arch)
    x = torch.rand(2, model.channels, model.size, model.size)
    with torch.inference_mode():
        logits, features = model.answer(x)
        torch.testing.assert_close(model(x), logits)
    assert logits.shape == (2, 10)
    assert list(features)[-1] == "penultimate"
    assert features["penultimate"].ndim == 2
    assert all(len(value) == 2 for value in features.values())


def test_resnet_stages_halve_and_double() -> None:
    shapes = {k: tuple(v.shape[1:]) for k, v in wrap("resnet20").features(torch.rand(1, 3, 32, 32)).items()}
    assert shapes == {
        "stem": (16, 32, 32),
        "stage1": (16, 32, 32),
        "stage2": (32, 16, 16),
        "stage3": (64, 8, 8),
        "penultimate": (64,),
    }


def test_normalisation_is_inside_the_model() -> None:
    model = wrap("resnet20")
    card = Card(**{**model.card.to_dict(), "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.1, 0.5)})
    x = torch.rand(1, 3, 32, 32)
    by_hand = torch.stack([(x[0, 0] - 0.5) / 0.2, (x[0, 1] - 0.4) / 0.1, (x[0, 2] - 0.3) / 0.5])[None]
    torch.testing.assert_close(Classifier(model.net, card)(x), model(by_hand))


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """A folder of checkpoints with one LeNet in it."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    model = wrap("lenet", "digits/lenet/standard")
    save_model(model, tmp_path)
    return model


def test_save_and_load_by_name_gives_the_same_answers(shipped: Classifier) -> None:
    model = load_model("digits/lenet/standard", device="cpu")
    x = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(model(x), shipped(x), rtol=0, atol=0)
    assert not model.training
    assert len(model.card.sha256) == 64


def test_unknown_name_lists_near_ones(shipped: Classifier) -> None:
    with pytest.raises(ExplorerError, match="did you mean digits/lenet/standard"):
        load_model("digits/lenet/standart")


def test_an_older_card_of_an_external_model_is_read(shipped: Classifier) -> None:
    card = Card.from_dict({**shipped.card.to_dict(), "name": "mine", "method": "outside", "data": "outside"})
    assert (card.method, card.data, card.external, card.title) == ("external", "external", True, "mine")


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "digits/../digits/lenet/standard", ""])
def test_a_name_cannot_step_outside_the_folder(shipped: Classifier, name: str) -> None:
    with pytest.raises(ExplorerError, match="Unknown model"):
        load_model(name)


def test_a_changed_checkpoint_is_noticed(shipped: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "digits/lenet/standard.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ExplorerError, match="does not match its card"):
        load_model("digits/lenet/standard")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x80\x04garbage"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_that_is_no_checkpoint_is_one_sentence(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(ExplorerError, match=r"^broken\.\w+ (is damaged|holds more than plain weights)"):
        load_model(path, arch="lenet")


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("ran",)

    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ExplorerError, match="could run code"):
        load_model(tmp_path / "evil.pth", arch="lenet")


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("suffix", [".pth", ".th", ".safetensors"])
def test_external_state_dicts_open(tmp_path: Path, nested: bool, prefix: str, suffix: str) -> None:
    """As public CIFAR code saves them: DataParallel prefix, nested key, the head called linear."""
    net = build("resnet20").eval()
    state = {prefix + key.replace("fc.", "linear."): value for key, value in net.state_dict().items()}
    path = tmp_path / f"public{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": state, "epoch": 3} if nested else state, path)
    model = load_model(path, arch="resnet20", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), device="cpu")
    x = torch.rand(2, 3, 32, 32)
    z = (x - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    torch.testing.assert_close(model(x), net(z))
    assert model.classes[3] == "cat"


def test_projection_shortcuts_are_read_off_the_state(tmp_path: Path) -> None:
    net = build("resnet20", shortcut="projection").eval()
    state = {key.replace("downsample", "shortcut"): value for key, value in net.state_dict().items()}
    torch.save(state, tmp_path / "other.pth")
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(load_model(tmp_path / "other.pth", arch="resnet20", device="cpu")(x), net(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "name its architecture"),
        ({"arch": "resnet50"}, "no architecture named 'resnet50'"),
        ({"arch": "resnet56"}, "does not fit the architecture resnet56"),
        ({"arch": "lenet"}, "does not fit the architecture lenet"),
        ({"arch": "resnet20", "mean": (0.5, 0.5)}, "mean needs 1 or 3 numbers"),
        ({"arch": "resnet20", "std": (0.0,)}, "std needs numbers above 0"),
        ({"arch": "resnet20", "mean": (float("nan"),)}, "mean needs"),
        ({"arch": "resnet20", "classes": ["a", "b"]}, "answers with 10 classes, not with the 2"),
        ({"arch": "resnet20", "device": "tpu9"}, "device 'tpu9' is not available"),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(tmp_path: Path, options: dict[str, object], message: str) -> None:
    torch.save(build("resnet20").state_dict(), tmp_path / "net.pth")
    with pytest.raises(ExplorerError, match=message):
        load_model(tmp_path / "net.pth", **options)  # type: ignore[arg-type]


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    state = build("lenet").state_dict()
    state["fc2.bias"][0] = float("nan")
    torch.save(state, tmp_path / "nan.pth")
    with pytest.raises(ExplorerError, match=r"NaN or infinite weights in fc2\.bias"):
        load_model(tmp_path / "nan.pth", arch="lenet")


def test_bad_cards_are_one_sentence(tmp_path: Path) -> None:
    for content in ("[]", "{", '{"name": "x"}', json.dumps({"nonsense": 1})):
        (tmp_path / "card.json").write_text(content)
        with pytest.raises(ExplorerError, match="card"):
            read_card(tmp_path / "card.json")


def test_a_state_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 1}, tmp_path / "empty.pth")
    with pytest.raises(ExplorerError, match="holds no tensors"):
        read_states(tmp_path / "empty.pth")
    with pytest.raises(ExplorerError, match="There is no file"):
        load_model(tmp_path / "nowhere.pth")


@pytest.mark.parametrize("arch", ["resnet20", "lenet"])
def test_weights_in_16_bits_come_back_in_32_as_they_were_rounded(arch: str, tmp_path: Path) -> None:
    model = wrap(arch)
    save_model(model, tmp_path / "whole")
    card = save_model(model, tmp_path / "half", half=True)
    path = tmp_path / "half" / f"{model.name}.safetensors"
    assert path.stat().st_size < 0.6 * (tmp_path / "whole" / f"{model.name}.safetensors").stat().st_size
    assert {value.dtype for value in read_states(path)[""].values()} <= {torch.float16, torch.int64}
    back, wanted = load_model(path, device="cpu"), halved(model).net.state_dict()
    assert back.card.sha256 == card.sha256
    state = back.net.state_dict()
    assert all(state[key].dtype == value.dtype and torch.equal(state[key], value) for key, value in wanted.items())
    assert not torch.equal(state["conv1.weight"], model.net.state_dict()["conv1.weight"]), "the model itself stays"
