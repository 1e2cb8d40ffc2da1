"""ONNX files: PyTorch's logits, fixed and free batches, what the file says, and what such a network cannot do."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

import explorer
from explorer.analysis.evidence import evidence
from explorer.errors import ExplorerError
from explorer.models import load_model
from explorer.models.onnx import OnnxNetwork
from explorer.survey.plan import fingerprint

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.filterwarnings("ignore")  # torch.onnx and the exporter talk to their developers
CLASSES = ["cat", "dog", "bird", "frog", "ship"]


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5)
    ).eval()


def export(net: nn.Module, path: Path, side: int = 48, *, batch: int | None = None, external: bool = False) -> Path:
    x = torch.rand(batch or 2, 3, side, side)
    shapes = None if batch else ({0: torch.export.Dim("batch")},)
    program = torch.onnx.export(net, (x,), dynamo=True, dynamic_shapes=shapes, verbose=False)
    assert program is not None
    program.save(path, external_data=external)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = export(network(), tmp_path_factory.mktemp("onnx") / "net.onnx")
    path.with_suffix(".json").write_text(json.dumps({"classes": CLASSES, "mean": [0.5] * 3, "std": [0.25] * 3}))
    return path


@pytest.mark.parametrize("batch", [None, 1, 3])
def test_logits_are_pytorchs(batch: int | None, tmp_path: Path) -> None:
    net = network()
    model = load_model(export(net, tmp_path / "net.onnx", batch=batch), mean=(0.5,), std=(0.25,), device="cpu")
    x = torch.rand(7, 3, 48, 48)
    with torch.no_grad():
        assert (model(x) - net((x - 0.5) / 0.25)).abs().max() < 1e-4
    assert (model.size, model.channels, model.classes) == (48, 3, ("0", "1", "2", "3", "4"))


def test_the_file_beside_it_says_what_it_was_trained_with(file: Path) -> None:
    model = load_model(str(file))
    assert (model.name, model.classes, model.card.mean) == ("net", tuple(CLASSES), (0.5, 0.5, 0.5))
    assert load_model(file, classes=list("abcde")).classes == tuple("abcde")
    found = explorer.compare([model], "cat", "gaussian_noise=0.1;seed=1")
    assert found.models[0].name == "net"
    with pytest.raises(ExplorerError, match="takes pictures of 48 px, not of 32 px"):
        load_model(file, size=32)
    with pytest.raises(ExplorerError, match="holds its architecture itself"):
        load_model(file, arch="resnet20")


def test_a_transform_fits_photographs(file: Path, tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(file.read_bytes())
    said = {"transform": {"resize": 56, "interpolation": "bicubic"}}
    path.with_suffix(".json").write_text(json.dumps(said))
    assert load_model(path).takes.resize == 56
    path.with_suffix(".json").write_text(json.dumps({"transform": {"resize": 5, "interpolation": "bicubic"}}))
    with pytest.raises(ExplorerError, match="does not suit an input of 48 px"):
        load_model(path)
    path.with_suffix(".json").write_text(json.dumps({"labels": []}))
    with pytest.raises(ExplorerError, match=r"own.json must be a JSON object of classes, mean"):
        load_model(path)


def test_without_gradients_there_are_no_attacks_and_no_maps(file: Path) -> None:
    model = load_model(file)
    with pytest.raises(ExplorerError, match=r"net is an ONNX file, which has no gradients, .* cannot be attacked"):
        explorer.compare([model], "cat", "fgsm=0.01;against=net")
    x = torch.rand(1, 3, 48, 48)
    with pytest.raises(ExplorerError, match="is an ONNX file"):
        evidence(model, x, x)
    found = explorer.weaknesses([model], "cat", goal="break")
    assert not {one.distortion for one in found} & {"fgsm", "pgd_linf"}
    with pytest.raises(ExplorerError, match="is an ONNX file, which has no gradients, so that it cannot be trained"):
        explorer.stabilize(model, list(torch.rand(10, 3, 48, 48)), under="jpeg=10")


def test_it_travels_to_other_processes_and_is_told_from_another_file(file: Path, tmp_path: Path) -> None:
    net = OnnxNetwork(file)
    again = pickle.loads(pickle.dumps(net))  # noqa: S301  # as Ray does with its own
    x = torch.rand(2, 3, 48, 48)
    assert torch.equal(net(x), again(x))
    other = network()
    with torch.no_grad():
        other[0].weight[0, 0, 0, 0] += 1  # type: ignore[index, operator]
    assert fingerprint(load_model(file)) != fingerprint(load_model(export(other, tmp_path / "net.onnx")))


def test_external_data_is_read_from_its_own_folder_only(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    net = network()
    path = export(net, tmp_path / "in" / "net.onnx", external=True)
    data = path.with_name("net.onnx.data")
    assert data.is_file()
    assert load_model(path).size == 48
    data.rename(tmp_path / "elsewhere.data.x")
    content = path.read_bytes()
    assert b"net.onnx.data" in content
    (tmp_path / "elsewhere.data.x").rename(tmp_path / "t.onnx.da")
    path.write_bytes(content.replace(b"net.onnx.data", b"../t.onnx.da\0"[:13].replace(b"\0", b"t")))
    (tmp_path / "t.onnx.da").rename(tmp_path / "t.onnx.dat")
    with pytest.raises(ExplorerError, match=r"cannot open net\.onnx"):
        load_model(path)


def test_what_cannot_be_read_is_said(tmp_path: Path, file: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(ExplorerError, match=r"onnxruntime cannot open bad\.onnx"):
        load_model(tmp_path / "bad.onnx")
    with pytest.raises(ExplorerError, match="There is no file"):
        load_model(tmp_path / "absent.onnx")

    class Last(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((1, 2))

    program = torch.onnx.export(Last(), (torch.rand(1, 48, 48, 3),), dynamo=True, verbose=False)
    assert program is not None
    program.save(tmp_path / "last.onnx")
    with pytest.raises(ExplorerError, match="channels first"):
        load_model(tmp_path / "last.onnx")
