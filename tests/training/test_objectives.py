"""Each method's objective against small cases worked out by hand, BANG against a loop over samples."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped]
from torch import Tensor, nn

from explorer.distortions import find_distortion
from explorer.errors import ExplorerError
from explorer.models import Card, Classifier
from explorer.training import METHODS, bang, lipschitz, read_options, stability, stability_mix


class SmallNet(nn.Module):
    """Convolution with BatchNorm, convolution, linear: enough for gradients to mix and travel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 3, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(3)
        self.conv2 = nn.Conv2d(3, 4, 3, stride=2)
        self.fc = nn.Linear(4 * 4 * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.relu(self.conv2(F.relu(self.bn1(self.conv1(x))))).flatten(1))


def classifier(net: nn.Module, mean: float = 0.0, std: float = 1.0, classes: int = 5) -> Classifier:
    names = tuple(str(i) for i in range(classes))
    return Classifier(net, Card("a/b/c", "a", "b", "c", names, 10, 1, (mean,), (std,)))


@pytest.fixture
def batch() -> tuple[Tensor, Tensor, torch.Generator]:
    torch.manual_seed(3)
    return torch.rand(6, 1, 10, 10), torch.tensor([0, 1, 2, 3, 4, 0]), torch.Generator().manual_seed(1)


def test_stability_term_by_hand() -> None:
    # P(.|x) = (1/4, 3/4), P(.|x') = (1/2, 1/2): cross-entropy ln 2, entropy of P(.|x) = ln 4 - 3/4 ln 3
    clean, distorted = torch.tensor([[0.0, math.log(3)]]), torch.zeros(1, 2)
    entropy = math.log(4) - 0.75 * math.log(3)
    found = stability.stability_term(clean, distorted, loss="cross_entropy")
    assert float(found) == pytest.approx(math.log(2), abs=1e-6)
    assert float(stability.stability_term(clean, distorted)) == pytest.approx(math.log(2) - entropy, abs=1e-6)
    assert float(stability.stability_term(clean, clean)) == pytest.approx(0, abs=1e-6)


def test_jensen_shannon_is_the_mean_divergence_to_the_mixture() -> None:
    generator = torch.Generator().manual_seed(0)
    clean, distorted = (3 * torch.randn(7, 10, generator=generator) for _ in range(2))
    p, q = (logits.double().softmax(1).numpy() for logits in (clean, distorted))
    expected = (jensenshannon(p, q, axis=1) ** 2).mean()  # SciPy's is the square root of it
    found = stability.stability_term(clean, distorted, loss="jensen_shannon")
    assert float(found) == pytest.approx(expected, rel=1e-5)
    assert float(found) == pytest.approx(float(stability.stability_term(distorted, clean, loss="jensen_shannon")))
    far = torch.tensor([[200.0, 0.0]], requires_grad=True)
    most = stability.stability_term(far, -far, loss="jensen_shannon")
    assert most.item() == pytest.approx(math.log(2))
    most.backward()
    assert far.grad is not None
    assert bool(far.grad.isfinite().all())
    with pytest.raises(ExplorerError, match="use one of kl, cross_entropy, jensen_shannon"):
        stability.stability_term(clean, distorted, loss="l2")


def test_stability_total_is_task_plus_alpha_times_term(batch) -> None:
    x, y, generator = batch
    loss = METHODS["stability"].objective(classifier(SmallNet()), x, y, generator, alpha=0.25, sigma=0.3)
    task, term = loss.parts["task"].item(), loss.parts["stability"].item()
    assert loss.total.item() == pytest.approx(task + 0.25 * term, rel=1e-6)
    assert task == pytest.approx(F.cross_entropy(loss.logits, y).item(), rel=1e-6)


def test_stability_term_has_a_gradient_through_both_branches() -> None:
    """A stop_gradient over the whole term is a known bug of a public port: the term then does nothing."""
    clean = torch.tensor([[0.3, -0.2, 0.1]], requires_grad=True)
    distorted = torch.tensor([[-0.4, 0.6, 0.2]], requires_grad=True)
    both = torch.autograd.grad(stability.stability_term(clean, distorted), [clean, distorted])
    assert all(float(g.abs().sum()) > 0.01 for g in both)
    # d KL / d distorted = q - p, by hand
    torch.testing.assert_close(both[1], distorted.softmax(1) - clean.softmax(1))
    one = torch.autograd.grad(
        stability.stability_term(clean, distorted, detach_clean=True), [clean, distorted], allow_unused=True
    )
    assert one[0] is None
    torch.testing.assert_close(one[1], both[1])


def test_stability_objective_moves_the_weights(batch) -> None:
    x, y, generator = batch
    net = SmallNet()
    loss = METHODS["stability"].objective(classifier(net), x, y, generator, alpha=1.0, sigma=0.2)
    grads = torch.autograd.grad(loss.parts["stability"], list(net.parameters()))
    assert all(float(g.abs().sum()) > 0 for g in grads[:1] + grads[-2:])


def test_slopes_by_hand() -> None:
    clean, distorted = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[4.0, 6.0], [0.0, 1.0]])
    step = torch.tensor([[[[3.0, 4.0]]], [[[0.0, 2.0]]]])
    assert lipschitz.slopes(clean, distorted, step).tolist() == [1.0, 0.5]


@pytest.mark.parametrize(("squared", "expected"), [(False, 3.0 - 0.5), (True, (3.0 - 0.5) ** 2)])
def test_lipschitz_penalty_of_a_known_slope(squared: bool, expected: float) -> None:
    """f(z) = 3 z for one pixel has slope 3 everywhere, on the normalised input."""

    class Triple(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return 3 * z.flatten(1)

    model = classifier(Triple(), mean=0.5, std=0.1, classes=1)
    x, y, generator = torch.rand(8, 1, 1, 1), torch.zeros(8, dtype=torch.long), torch.Generator().manual_seed(0)
    loss = METHODS["lipschitz"].objective(model, x, y, generator, lam=2.0, bound=0.5, sigma=0.1, squared=squared)
    assert loss.parts["penalty"].item() == pytest.approx(expected, rel=1e-4)
    assert (loss.total - loss.parts["task"]).item() == pytest.approx(2 * expected, rel=1e-4)


def test_gaussian_control_noises_the_stated_fraction() -> None:
    seen = {}

    class Watch(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            seen["x"] = z
            return torch.zeros(len(z), 2)

    x = torch.full((10, 1, 50, 50), 0.5)
    generator = torch.Generator().manual_seed(0)
    METHODS["gaussian"].objective(
        classifier(Watch(), classes=2), x, torch.zeros(10, dtype=torch.long), generator, sigma=0.1, fraction=0.3
    )
    spread = seen["x"].flatten(1).std(1)
    assert (spread > 0).sum() == 3
    assert spread[:3].mean().item() == pytest.approx(0.1, rel=0.05)


def test_bang_scales_by_hand() -> None:
    # norms 5, 1, 0: K = 5; s_2 = 5 ** (0.8 * (1 - 1/5)) ; the largest and the zero gradient stay 1
    gradients = torch.tensor([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]])
    scales = bang.gradient_scales(gradients, torch.tensor([0.8, 0.8, 0.8]))
    torch.testing.assert_close(scales, torch.tensor([1.0, 5 ** (0.8 * 0.8), 1.0]))
    assert bang.gradient_scales(torch.zeros(2, 3), torch.ones(2)).tolist() == [1.0, 1.0]


def slow_bang_gradients(
    net: SmallNet, x: Tensor, y: Tensor, epsilon: float, beta: float, ratio: float
) -> dict[str, Tensor]:
    """BANG by the book: keep each layer's input and output gradient, then one sample after the other."""
    inputs: dict[str, Tensor] = {}
    outputs: dict[str, Tensor] = {}
    layers = {name: m for name, m in net.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))}
    hooks = []
    for name, layer in layers.items():

        def keep(_: nn.Module, given: tuple[Tensor, ...], made: Tensor, name: str = name) -> None:
            inputs[name], outputs[name] = given[0], made

        hooks.append(layer.register_forward_hook(keep))
    logits = net(x)
    correct = logits.argmax(1) == y
    d = dict(zip(outputs, torch.autograd.grad(F.cross_entropy(logits, y), list(outputs.values())), strict=True))
    for hook in hooks:
        hook.remove()
    result: dict[str, Tensor] = {}
    for name, layer in layers.items():
        norms = [float(g.norm()) for g in d[name]]
        largest = max(norms)
        for i, k in enumerate(norms):
            e = epsilon if correct[i] else epsilon * ratio
            s = (largest / k) ** (e * (1 - k / largest)) if k > 0 else 1.0
            out = layer(inputs[name][i : i + 1].detach())
            grads = torch.autograd.grad((out * d[name][i : i + 1] * s * beta).sum(), list(layer.parameters()))
            for (key, _), grad in zip(layer.named_parameters(), grads, strict=True):
                result[f"{name}.{key}"] = result.get(f"{name}.{key}", torch.zeros(())) + grad
    return result


def test_bang_equals_a_loop_over_samples(batch) -> None:
    x, y, generator = batch
    net = SmallNet()
    y[0] = int(net(x).argmax(1)[0])  # at least one right and one wrong answer
    y[1] = (int(net(x).argmax(1)[1]) + 1) % 5
    expected = slow_bang_gradients(net, x, y, epsilon=0.855, beta=0.4, ratio=0.5)
    loss = METHODS["bang"].objective(classifier(net), x, y, generator, epsilon=0.855, beta=0.4, ratio=0.5)
    loss.total.backward()
    plain = SmallNet()
    plain.load_state_dict(net.state_dict())
    for name, parameter in net.named_parameters():
        if name in expected:
            torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-4, atol=1e-7)
    F.cross_entropy(plain(x), y).backward()
    # What travels down is the original gradient: BatchNorm, below two adjusted layers, learns as in plain training ...
    torch.testing.assert_close(net.bn1.weight.grad, plain.bn1.weight.grad, rtol=1e-4, atol=1e-7)
    # ... while the convolution's own weights do not.
    adjusted, original = net.conv1.weight.grad, plain.conv1.weight.grad
    assert adjusted is not None
    assert original is not None
    assert not torch.allclose(adjusted, original, rtol=1e-2)


def test_bang_leaves_the_network_as_it_was(batch) -> None:
    x, y, generator = batch
    net = SmallNet().eval()
    before = net(x)
    METHODS["bang"].objective(classifier(net), x, y, generator)
    torch.testing.assert_close(net(x), before)
    assert "forward" not in vars(net.conv1)


@pytest.mark.parametrize("method", METHODS)
def test_every_objective_is_finite_seeded_and_differentiable(method: str, batch) -> None:
    x, y, _ = batch
    net = SmallNet()
    totals = []
    for seed in (5, 5):
        loss = METHODS[method].objective(classifier(net), x, y, torch.Generator().manual_seed(seed))
        totals.append(float(loss.total.detach()))
        net.zero_grad()
        loss.total.backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
        assert loss.logits.shape == (6, 5)
    assert totals[0] == pytest.approx(totals[1], rel=1e-6)


def test_options_are_read_from_the_objectives_signature() -> None:
    assert read_options("stability", {"alpha": "0.5", "detach_clean": "true"})["alpha"] == 0.5
    with pytest.raises(ExplorerError, match="--alpha is not an option of the method standard"):
        read_options("standard", {"alpha": "1"})
    with pytest.raises(ExplorerError, match="needs a number"):
        read_options("stability", {"alpha": "much"})
    with pytest.raises(ExplorerError, match="no training method named 'magic'"):
        read_options("magic", {})
    with pytest.raises(ExplorerError, match="Unknown stability loss"):
        stability.stability_term(torch.zeros(1, 2), torch.zeros(1, 2), loss="l2")


def test_mix_gives_each_group_its_own_recipe_and_each_image_its_own_noise() -> None:
    x = torch.full((12, 1, 10, 10), 0.5)
    x[:, :, :5] = 0.3
    names = stability_mix.MIXES["all"]

    def made(seed: int, **options: int) -> Tensor:
        return stability_mix.mixed(x, torch.Generator().manual_seed(seed), names, **{"steps": 2, "group": 4} | options)

    assert torch.equal(made(0), made(0))
    assert not torch.equal(made(0), made(1))
    for seed in range(20):
        y = made(seed)
        assert y.shape == x.shape
        assert float(y.min()) >= 0
        assert float(y.max()) <= 1
    noise = stability_mix.mixed(x, torch.Generator().manual_seed(0), ("gaussian_noise",), steps=1, group=12)
    assert not torch.equal(noise[0], noise[1])


def test_mix_draws_amounts_from_nothing_to_the_published_strongest() -> None:
    distortion = find_distortion("gaussian_noise")
    assert stability_mix.far_end(distortion, 32) == 0.1
    assert stability_mix.far_end(find_distortion("contrast"), 32) == 0.15
    x = torch.full((1, 1, 64, 64), 0.5)
    stds = [
        float(stability_mix.mixed(x, torch.Generator().manual_seed(s), ("gaussian_noise",), steps=1, group=1).std())
        for s in range(60)
    ]
    assert max(stds) < 0.105
    assert max(stds) > 0.08
    assert min(stds) < 0.02


def test_mix_is_stability_training_on_its_images(batch) -> None:
    x, y, generator = batch
    loss = METHODS["stability_mix"].objective(classifier(SmallNet()), x, y, generator, alpha=0.5, mix="corruptions")
    term = loss.parts["stability"].item()
    assert loss.total.item() == pytest.approx(loss.parts["task"].item() + 0.5 * term, rel=1e-6)
    assert term > 0
    with pytest.raises(ExplorerError, match="Unknown mix 'some'; choose one of relatives, corruptions, all"):
        METHODS["stability_mix"].objective(classifier(SmallNet()), x, y, generator, mix="some")
