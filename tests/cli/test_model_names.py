"""Models given by path: folders tell files of one name apart, and a path may contain commas."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from explorer.cli import main
from explorer.cli.inputs import load_models, read_model_names
from explorer.errors import ExplorerError
from explorer.models import checkpoint_folder
from explorer.models.reading import read_models

DESCRIBED = ("resnet20", "0.4914,0.4822,0.4465", "0.2023,0.1994,0.2010", "cpu")


def copied(method: str, path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(checkpoint_folder() / f"cifar10/resnet20/{method}.safetensors", path)
    return str(path)


def test_files_of_one_name_are_called_by_their_folders(tmp_path: Path) -> None:
    one = copied("standard", tmp_path / "a/best.safetensors")
    other = copied("stability", tmp_path / "b/best.safetensors")
    assert [model.name for model in load_models([one, other], *DESCRIBED)] == ["a/best", "b/best"]
    assert [model.name for model in load_models([one], *DESCRIBED)] == ["best"]
    shipped = [checkpoint_folder() / f"digits/lenet/{name}.safetensors" for name in ("standard", "bang")]
    assert [model.name for model in read_models(shipped)] == ["digits/lenet/standard", "digits/lenet/bang"]


def test_a_path_may_contain_commas_and_equals_signs(tmp_path: Path) -> None:
    path = copied("standard", tmp_path / "lr=0.1,wd=5e-4/best,last.safetensors")
    assert read_model_names([f"digits/lenet/bang,{path}, digits/lenet/standard"]) == [
        "digits/lenet/bang", path, "digits/lenet/standard",
    ]  # fmt: skip
    assert load_models([path], *DESCRIBED)[0].name == "best,last"


def test_a_normalisation_that_counts_to_255_is_refused_for_files_too(tmp_path: Path) -> None:
    path = copied("standard", tmp_path / "best.safetensors")
    with pytest.raises(ExplorerError, match="divide mean and std by 255"):
        load_models([path], "resnet20", "123.675,116.28,103.53", "58.4,57.1,57.4", "cpu")


def test_two_sets_of_weights_in_a_file_are_remarked_upon(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (load_file(checkpoint_folder() / f"digits/lenet/{name}.safetensors") for name in ("standard", "bang"))
    torch.save({"state_dict": one, "state_dict_ema": other}, tmp_path / "best.pth")
    with pytest.raises(SystemExit, match="0"):
        main(["evaluate", str(tmp_path / "best.pth"), "--arch", "lenet", "--data", "digits", "--limit", "20"])
    assert "Note: best.pth holds several sets of weights" in capsys.readouterr().err


def test_networks_of_libraries_are_listed_without_a_download(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import timm

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = []
    for words in ("timm:test_efficientnet.r160", "torchvision:resnet50:"):
        with pytest.raises(SystemExit) as end:
            main(["models", words, "--json"])
        assert end.value.code == 0
        found += json.loads(capsys.readouterr().out)
    by_name = {one["name"]: one for one in found}
    tiny = by_name["timm:test_efficientnet.r160_in1k"]
    assert (tiny["size"], tiny["classes"], tiny["licence"]) == (160, 1000, "apache-2.0")
    state = timm.create_model("test_efficientnet").state_dict()
    assert tiny["bytes"] == sum(4 * value.numel() for value in state.values())
    second = by_name["torchvision:resnet50:IMAGENET1K_V2"]
    assert (second["size"], second["accuracy"], second["here"]) == (224, pytest.approx(0.80858), False)
    with pytest.raises(SystemExit):
        main(["models", "resnet", "--limit", "2"])
    assert "more; --limit" in capsys.readouterr().out
