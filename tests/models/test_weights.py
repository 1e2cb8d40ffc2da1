"""Checkpoints as training programs write them: the network's weights are found, and nothing of the file runs."""

from __future__ import annotations

import argparse
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from explorer.errors import ExplorerError
from explorer.models import find_architecture, load_model, wrap

State = dict[str, Tensor]
Write = Callable[[State, State], object]
"""What a program saves of the network's weights and of their average."""


def built(arch: str = "resnet20", seed: int = 0) -> nn.Module:
    known = find_architecture(arch)
    torch.manual_seed(seed)
    net: nn.Module = known.build(classes=4, in_channels=known.channels)
    return net.eval()


def prefixed(prefix: str, state: State) -> State:
    return {prefix + key: value for key, value in state.items()}


def lightning(state: State, _: State) -> dict[str, Any]:
    beside = {
        "criterion.weight": torch.rand(4),
        "train_acc.confmat": torch.zeros(4, 4),
        "loss_fn.pos": torch.rand(7, 9),
    }
    return {
        "epoch": 3,
        "pytorch-lightning_version": "2.5",
        "state_dict": prefixed("model.", state) | beside,
        "hyper_parameters": {"lr": 0.1, "net": argparse.Namespace(depth=20), "path": Path("x")},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.rand(9)}}, "param_groups": [{"lr": np.float64(0.1)}]}],
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.9)}},
    }


class HistoryBuffer:
    """Of MMEngine's logs: an object with an array and bound functions."""

    def __init__(self) -> None:
        self.history, self.statistics = np.arange(5.0), {"min": getattr(np, "min")}  # noqa: B009


def mmengine(state: State, _: State) -> dict[str, Any]:
    split = {("head." if key.startswith("fc.") else "backbone.") + key: value for key, value in state.items()}
    return {"meta": {"epoch": 1}, "state_dict": split, "message_hub": {"loss": HistoryBuffer()}, "optimizer": {}}


WRITTEN: dict[str, Write] = {
    "plain": lambda state, _: state,
    "dataparallel": lambda state, _: {"net": prefixed("module.", state), "acc": 91.8, "epoch": 4},
    "compiled": lambda state, _: {"model": prefixed("_orig_mod.", state), "optimizer": {"state": {}}},
    "compiled layer": lambda state, _: {k.replace("layer1.", "layer1._orig_mod."): v for k, v in state.items()},
    "lightning": lightning,
    "lightning, compiled": lambda state, _: lightning(prefixed("_orig_mod.", state), state),
    "mmengine": mmengine,
    "averaged model": lambda state, _: prefixed("module.", state) | {"n_averaged": torch.tensor(5)},
    "only an average": lambda state, _: {"state_dict_ema": state},
    "loop": lambda state, _: {
        "model_state_dict": state,
        "loss": torch.tensor(0.1),
        "args": argparse.Namespace(a=1),
    },
    "deep": lambda state, _: {"checkpoint": {"weights": prefixed("encoder.net.", state)}},
    "half": lambda state, _: {key: v.half() if v.is_floating_point() else v for key, v in state.items()},
    "criterion at the top": lambda state, _: state | {"criterion.weight": torch.rand(4)},
}

AVERAGED: dict[str, Write] = {
    "timm": lambda state, average: {"args": argparse.Namespace(), "state_dict": state, "state_dict_ema": average},
    "lightning with an average": lambda state, average: {
        "state_dict": prefixed("ema_model.module.", average) | prefixed("model.", state)
    },
    "two students": lambda state, average: {"student": state, "other": average},
}  # fmt: skip


@pytest.mark.parametrize("program", [*WRITTEN, *AVERAGED])
def test_the_network_is_found_in_what_a_program_writes(program: str, tmp_path: Path) -> None:
    net, average = built(), built(seed=1)
    write = (WRITTEN | AVERAGED)[program]
    torch.save(write(net.state_dict(), average.state_dict()), tmp_path / "best.ckpt")
    model = load_model(tmp_path / "best.ckpt", arch="resnet20", device="cpu")
    x = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(model(x), net(x), atol=2e-2 if program == "half" else 1e-5, rtol=1e-3)
    assert model.classes == ("0", "1", "2", "3"), "the criterion's matrix is not the last layer"
    if program in AVERAGED:
        assert "several sets of weights" in model.warnings[0]
    else:
        assert model.warnings == ()


def test_an_equal_average_is_not_remarked_upon(tmp_path: Path) -> None:
    state = built().state_dict()
    torch.save({"state_dict": state, "state_dict_ema": state}, tmp_path / "best.pth")
    assert load_model(tmp_path / "best.pth", arch="resnet20").warnings == ()


def test_what_else_lies_beside_the_network_is_named(tmp_path: Path) -> None:
    state = prefixed("model.", built().state_dict()) | {"normalize.mean": torch.rand(3)}
    save_file(state, tmp_path / "best.safetensors")
    model = load_model(tmp_path / "best.safetensors", arch="resnet20", device="cpu")
    assert model.warnings == ("Of best.safetensors only model.* is used; left out is normalize.mean.",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda _: prefixed("model.", built("lenet").state_dict()),
            "lacks bn1.bias, .* and has model.* and 4 more too much; tried model",
        ),
        (lambda state: state | {"layer9.weight": torch.rand(3)}, "has layer9.weight too much; tried the keys"),
        (lambda state: {k: v for k, v in state.items() if k != "fc.bias"}, "lacks fc.bias; tried"),
        (lambda state: state | {"fc.weight": torch.rand(4, 65)}, r"fc.weight is \(4, 65\), not \(4, 64\)"),
        (lambda state: state | {"conv1.weight": torch.ones(16, 3, 3, 3, dtype=torch.int8)}, "as int8, not as plain"),
        (lambda _: built(), "holds a whole pickled network"),
        (lambda state: list(state.values()), "holds a list, not a state dict"),
    ],
)
def test_what_does_not_fit_is_named_with_what_was_tried(change: Any, said: str, tmp_path: Path) -> None:
    torch.save(change(built().state_dict()), tmp_path / "net.pth")
    with pytest.raises(ExplorerError, match=said):
        load_model(tmp_path / "net.pth", arch="resnet20")


@pytest.mark.parametrize("name", ["net.h5", "net.keras", "net.pkl", "net.npz"])
def test_files_of_other_programs_are_refused_by_name(name: str) -> None:
    with pytest.raises(ExplorerError, match=rf"{name} is a.*; save the weights of the same network in PyTorch"):
        load_model(name, arch="resnet20")


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
def test_a_program_is_refused(tmp_path: Path) -> None:
    torch.jit.trace(nn.Linear(2, 2), torch.rand(1, 2)).save(tmp_path / "net.pt")
    with pytest.raises(ExplorerError, match="TorchScript program"):
        load_model(tmp_path / "net.pt", arch="lenet")


def test_objects_of_other_programs_do_nothing(tmp_path: Path) -> None:
    ran: list[str] = []
    module = types.ModuleType("somebodys_program")

    class Logger:
        def __init__(self, *_: object) -> None:
            self.there = 1

        def __reduce__(self) -> tuple[object, tuple[str], dict[str, int]]:
            return Logger, ("x",), {"there": 1}

        def __setstate__(self, _: object) -> None:
            ran.append("ran")

    Logger.__module__, Logger.__qualname__, module.Logger = module.__name__, "Logger", Logger  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    try:
        torch.save({"model": built().state_dict(), "log": [Logger()]}, tmp_path / "net.pth")
        load_model(tmp_path / "net.pth", arch="resnet20")
        assert ran == []
        with pytest.raises(Exception, match="Logger"):  # and the program's class is not trusted afterwards
            torch.load(tmp_path / "net.pth", weights_only=True)
    finally:
        del sys.modules[module.__name__]


@pytest.mark.parametrize("values", [{"mean": (123.675,)}, {"std": (58.4, 57.1, 57.4)}])
def test_a_normalisation_in_0_to_255_is_refused_in_every_door(values: dict[str, Any], tmp_path: Path) -> None:
    net = built()
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    with pytest.raises(ExplorerError, match="counts in 0 to 255"):
        load_model(tmp_path / "net.safetensors", arch="resnet20", **values)
    with pytest.raises(ExplorerError, match="counts in 0 to 255"):
        wrap(net, size=32, channels=3, **values)
    card = load_model(tmp_path / "net.safetensors", arch="resnet20").card.to_dict() | values
    (tmp_path / "net.json").write_text(json.dumps(card))
    with pytest.raises(ExplorerError, match="counts in 0 to 255"):
        load_model(tmp_path / "net.safetensors")
