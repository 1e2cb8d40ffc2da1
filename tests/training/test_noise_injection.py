"""Parametric noise injection: the layer and the loss of the paper, and a checkpoint that answers alike every time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer import load_dataset, load_model
from explorer.errors import ExplorerError
from explorer.models import find_architecture, save_model
from explorer.models.architectures.noisy import STRENGTH, Noisy
from explorer.training import METHODS, TrainConfig, train
from explorer.training.noise_injection import pgd_from_random_start


@pytest.mark.parametrize(
    ("layer", "shape"), [(nn.Linear(6, 4), (3, 6)), (nn.Conv2d(2, 4, 3, stride=2, padding=1), (3, 2, 9, 9))]
)
def test_the_noise_has_the_weights_deviation_and_a_learned_strength(
    layer: nn.Linear | nn.Conv2d, shape: tuple[int, ...]
) -> None:
    noisy, x = Noisy(layer), torch.randn(shape)
    eta = torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(0))
    plain = layer.weight.detach().clone()
    noisy.eval()
    with torch.no_grad():
        shown = noisy(x)
        layer.weight.copy_(plain + STRENGTH * plain.std() * eta)
        torch.testing.assert_close(shown, layer(x))
        layer.weight.copy_(plain)
    assert torch.equal(noisy(x), noisy(x)), "one fixed draw once it is trained"
    noisy.train()
    assert not torch.equal(noisy(x), noisy(x)), "drawn anew in training"
    noisy(x).square().sum().backward()
    assert noisy.strength.grad is not None
    assert float(noisy.strength.grad) != 0
    noisy.strength.data.zero_()
    torch.testing.assert_close(noisy(x), layer(x))


def test_the_loss_weighs_clean_and_attacked_images() -> None:
    model = load_model("digits/lenet/standard", device="cpu")  # a network without noise: the same twice
    x, y = load_dataset("digits").batch(slice(0, 6))
    x = F.interpolate(x, 28)
    loss = METHODS["noise_injection"].objective(model, x, y, torch.Generator().manual_seed(1), weight=0.25, epsilon=0.1)
    attacked = pgd_from_random_start(
        model, x, y, torch.Generator().manual_seed(1), epsilon=0.1, step=0.01, steps=7
    )  # fmt: skip
    assert float((attacked - x).abs().max()) <= 0.1 + 1e-6
    clean, worst = (F.cross_entropy(model(one), y) for one in (x, attacked))
    assert worst > clean
    torch.testing.assert_close(loss.total, 0.25 * clean + 0.75 * worst)
    with pytest.raises(ExplorerError, match="a weight from 0 to 1"):
        METHODS["noise_injection"].objective(model, x, y, torch.Generator(), weight=2.0)


@pytest.mark.slow
def test_it_trains_on_digits_and_its_checkpoint_answers_as_it_did(tmp_path: Path) -> None:
    config = TrainConfig(
        method="noise_injection", arch="lenet_noisy", data="digits", epochs=2, batch_size=64, lr=0.02, flip=False,
        train_size=640, options={"epsilon": 0.05, "steps": 2},
    )  # fmt: skip
    model, _ = train(config, load_dataset("digits", "train"), tmp_path / "run", device=torch.device("cpu"))
    x, y = load_dataset("digits").batch(slice(0, 100))
    x = F.interpolate(x, 28)
    with torch.no_grad():
        told = model.eval()(x)
        assert float((told.argmax(1) == y).float().mean()) > 0.5
        save_model(model, tmp_path)
        again = load_model(tmp_path / f"{model.name}.safetensors", device="cpu")
        torch.testing.assert_close(again(x), told, rtol=1e-4, atol=1e-4)
    strengths = [float(value) for name, value in model.net.state_dict().items() if name.endswith("strength")]
    assert len(strengths) == 4
    assert any(abs(one - STRENGTH) > 1e-4 for one in strengths), "the strength is learned"


def test_a_noisy_resnet_has_a_strength_for_each_layer() -> None:
    plain, noisy = (find_architecture(name).build(classes=10, in_channels=3) for name in ("resnet20", "resnet20_noisy"))
    weights = sum(isinstance(part, nn.Conv2d | nn.Linear) for part in plain.modules())
    assert sum(isinstance(part, Noisy) for part in noisy.modules()) == weights == 20
