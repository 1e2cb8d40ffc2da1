"""``explorer.compare([my_net, other_net], images)``: any network, asked without being changed."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import explorer
from explorer.analysis import Comparison, Comparisons, channels, compare_image, evidence
from explorer.data.inputs import Picture
from explorer.distortions import Recipe, image_seed
from explorer.errors import ExplorerError, ExplorerWarning
from explorer.models import Classifier, ExternalClassifier, find_architecture, wrap
from explorer.models.external import borrowed
from tests.support.own_networks import RECIPE, SHIPPED, Net, images, net, noticed, one_sentence

# --- the same as what it stands for -----------------------------------------------------------------------------------


def test_two_networks_in_a_line_give_what_the_networks_themselves_say() -> None:
    mine, other, x = net(), net(seed=1), images(1)
    mean, std = (0.3,), (0.25,)
    models = [wrap(mine, mean=mean, std=std), wrap(other, mean=mean, std=std, name="Net 2")]
    found, said = noticed(models, x)
    assert isinstance(found, Comparison)
    assert said == ()
    assert [answer.name for answer in found.models] == ["Net", "Net 2"]
    with torch.no_grad():
        for network, answer in zip((mine, other), found.models, strict=True):
            for pixels, probability in ((found.clean, answer.clean), (found.distorted, answer.distorted)):
                expected = network((pixels - 0.3) / 0.25).softmax(1)[0]
                torch.testing.assert_close(probability.float(), expected, atol=1e-6, rtol=1e-5)


def test_models_and_recipes_in_every_form_are_the_same_question() -> None:
    models = [explorer.load_model(SHIPPED), explorer.load_model("digits/lenet/stability")]
    x, names = images(1), [model.name for model in models]
    expected = compare_image(models, x, RECIPE).to_dict()
    forms: tuple[Any, ...] = (
        models,
        tuple(models),
        names,
        [models[0], names[1]],
        dict(zip(names, models, strict=True)),
    )
    for form in forms:
        assert explorer.compare(form, x, RECIPE).to_dict() == expected
    for given in (x[0], x[0, 0], x.numpy(), Picture(x)):
        assert explorer.compare(models, given, str(RECIPE)).to_dict() == expected
    alone = explorer.compare(names[0], x, RECIPE).to_dict()
    assert alone["models"] == expected["models"][:1]
    assert explorer.compare(models[0], x, RECIPE).to_dict() == alone


def test_a_dict_names_the_models() -> None:
    shipped = explorer.load_model(SHIPPED)
    found, _ = noticed(
        {"mine": net(), "theirs": net(seed=1), "shipped": shipped, "other": "digits/lenet/bang"}, images(1)
    )
    assert [answer.name for answer in found.models] == ["mine", "theirs", "shipped", "other"]
    assert [answer.title for answer in found.models][:2] == ["mine", "theirs"]
    assert shipped.name == SHIPPED
    assert found.models[2].clean.tolist() == noticed(shipped, images(1))[0].models[0].clean.tolist()


def test_a_network_of_this_package_gives_the_numbers_of_the_loaded_one_layer_by_layer() -> None:
    loaded = explorer.load_model(SHIPPED)
    mine = find_architecture("lenet").build(classes=10)
    mine.load_state_dict(loaded.net.state_dict())
    mine.eval()
    found, said = noticed([wrap(mine, mean=loaded.card.mean, std=loaded.card.std), loaded], images(1))
    own, shipped = (answer.to_dict() for answer in found.models)
    assert said == ()
    for key in ("clean", "distorted", "feature_distance", "kl"):
        assert own[key] == shipped[key], key


def test_several_images_have_noise_of_their_own_and_each_case_opens_again() -> None:
    x, mine = images(3), net()
    found, _ = noticed([mine, SHIPPED], x)
    assert isinstance(found, Comparisons)
    assert len(found) == 3
    for i, item in enumerate(found):
        assert item.recipe.seed == image_seed(7, i)
        again, _ = noticed([mine, SHIPPED], x[i : i + 1], str(item.recipe))
        assert again.image_hash == item.image_hash
        assert again.to_dict()["models"] == item.to_dict()["models"]
    flipped = [item.models[0].flipped for item in found]
    assert found.flipped("Net").tolist() == flipped
    assert found.to_dict()["flipped"]["Net"] == sum(flipped)
    moved = found.predictions("Net") != found.predictions("Net", clean=True)
    assert moved.tolist() == flipped
    assert found[1] is list(found)[1]
    with pytest.raises(ExplorerError, match="there are Net, digits/lenet/standard"):
        found.flipped("Nut")


def test_images_in_every_form_are_the_same_images() -> None:
    x = images(2)
    floats, bytes_ = x.numpy(), x.mul(255).round().to(torch.uint8)
    forms = [
        x, x.double(), bytes_, floats, bytes_.numpy(), bytes_.permute(0, 2, 3, 1).numpy(), list(x), list(floats[:, 0]),
        [Image.fromarray(one[0].numpy()) for one in bytes_], [x, torch.zeros(2)], (x, torch.zeros(2, dtype=torch.long)),
    ]  # fmt: skip
    hashes = [[item.image_hash for item in noticed(net(), form)[0]] for form in forms]
    assert hashes == [hashes[0]] * len(forms)


def test_a_data_set_is_images_and_progress_counts_them() -> None:
    data = explorer.load_dataset("digits").select(slice(3))
    seen: list[tuple[int, int]] = []
    found = explorer.compare(net(), data, RECIPE, progress=lambda *at: seen.append(at))
    assert isinstance(found, Comparisons)
    batch, _ = noticed(net(), data.batch([0, 1, 2])[0])
    assert [item.image_hash for item in found] == [item.image_hash for item in batch]
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_pictures_are_brought_to_what_the_models_take_and_that_is_said() -> None:
    photo = Image.fromarray(np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3))
    expected = explorer.fit(explorer.load_image(photo), 28, 1)
    for models in ([net(), SHIPPED], net()):  # beside a loaded model, and by what alone fits
        found, (said,) = noticed(models, photo, Recipe())
        assert torch.equal(found.clean, expected)
        assert said == "Pictures were cut to their central square and brought to 28 x 28 px with 1 channel."
    free = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)).eval()
    assert noticed(wrap(free, size=48), "cat")[0].clean.shape == (1, 3, 48, 48)
    with pytest.raises(ExplorerError, match="more than one size; give size="):
        explorer.compare(free, "cat")


def test_names_and_classes() -> None:
    x = images(1)
    mine = wrap(net(), name="mine", classes=list("abcdefghij"))
    found, _ = noticed(mine, x)
    assert (found.models[0].name, found.models[0].title) == ("mine", "mine")
    assert found.to_dict()["models"][0]["clean"][0]["label"] in "abcdefghij"
    found, _ = noticed({"mine": net(), SHIPPED: SHIPPED}, x, "fgsm=8/255;seed=1;against=mine")
    assert [answer.name for answer in found.models] == ["mine", SHIPPED]
    assert found.input.linf > 0  # an attack on one's own network
    assert found.models[0].classes == explorer.load_model(SHIPPED).classes
    assert [answer.name for answer in noticed([net(), net(seed=1)], x)[0].models] == ["Net", "Net 2"]
    with pytest.raises(ExplorerError, match="answers with 10 classes, not with the 2 class names given"):
        explorer.wrap(net(), classes=["a", "b"])


# --- what is noticed --------------------------------------------------------------------------------------------------


def test_training_mode_stays_as_it_was_part_by_part() -> None:
    mine = Net()
    mine.bn1.eval()  # somebody froze it
    before = {key: value.clone() for key, value in mine.state_dict().items()}
    modes = [module.training for module in mine.modules()]
    found, (said,) = noticed(mine, images())
    assert "Net is in training mode" in said
    assert one_sentence(said)
    assert [module.training for module in mine.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in mine.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in mine.parameters())
    same = noticed(mine.eval(), images())[0]
    assert [one.to_dict()["models"] for one in found] == [one.to_dict()["models"] for one in same]


def test_training_mode_stays_where_the_network_fails() -> None:
    mine = Net()
    with pytest.raises(ExplorerError, match="does not take images of 32 x 32 px"):
        explorer.compare(mine, images(side=32))
    assert mine.training
    assert mine.drop.training


def test_a_network_can_be_trained_after_it_was_asked() -> None:
    class Keeping(Net):
        """Keeps tensors from one call to the next, as caches of positions and masks are kept."""

        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                self.scale, self.shift = torch.ones(1) * 2, x.sum() * 0 + 1
            return super().forward(x) * self.scale + super().forward(x * self.shift)

    mine = Keeping().eval()
    explorer.compare(mine, images(), RECIPE)
    mine.train()(images()).sum().backward()
    assert mine.fc.weight.grad is not None
    with torch.inference_mode():
        wrap(mine.eval())(images() * 1)
    mine.train()(images()).sum().backward()


def test_a_network_that_does_more_than_to_set_a_flag_is_told_of_both_changes() -> None:
    class Merging(Net):
        merged = False

        def train(self, mode: bool = True) -> Merging:
            self.merged = not mode  # as adapters do that are merged into the weights for inference
            return super().train(mode)

        def forward(self, x: Tensor) -> Any:
            assert self.merged is not self.training
            return super().forward(x)

    mine = Merging()
    wrap(mine)(images())
    assert mine.training
    assert not mine.merged


def test_threads_that_ask_the_same_network_do_not_meet() -> None:
    mine = Net()
    wrapped, x = wrap(mine), images(1)
    expected, seen = wrapped(x).detach(), list[bool]()

    def ask() -> None:
        seen.extend(torch.equal(wrapped.answer(x)[0].detach(), expected) for _ in range(40))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 160
    assert all(seen)
    assert mine.training
    assert not mine._forward_hooks
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in mine.modules())


def test_chance_in_a_network_leaves_the_random_numbers_of_its_owner_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    wrap(net(lambda y: y + torch.randn_like(y)))
    assert torch.equal(torch.rand(2), expected)


# --- the wrapped network, elsewhere -----------------------------------------------------------------------------------


def test_wrap_finds_what_a_network_takes_and_its_stages() -> None:
    model = wrap(net(), name="mine")
    assert (model.name, model.size, model.channels, model.classes[3], model.method) == ("mine", 28, 1, "3", "external")
    assert wrap(model) is model
    conv = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    body = nn.Sequential(conv, nn.Linear(4, 10)).eval()
    beside = wrap(body, like=explorer.load_model("cifar10/resnet20/standard"))
    assert (beside.size, beside.channels, beside.classes[0]) == (32, 3, "airplane")


def test_features_are_those_before_what_works_in_place() -> None:
    mine, x = net(), images(2)
    logits, features = wrap(mine).answer(x)
    assert list(features) == ["conv1", "bn1", "penultimate"]
    with torch.no_grad():
        torch.testing.assert_close(features["conv1"].detach(), mine.conv1(x))
        torch.testing.assert_close(features["bn1"].detach(), mine.bn1(mine.conv1(x)))
        torch.testing.assert_close(mine.fc(features["penultimate"]), logits.detach())
    assert float(features["bn1"].detach().min()) < 0


def test_every_probe_takes_it() -> None:
    model, x = wrap(net()), images(1)
    assert explorer.sweep([model], x, "gaussian_noise").models[0].probabilities.shape[1] == 10
    explorer.flip_point([model], x, "gaussian_noise")
    assert evidence(model, x, x.flip(3)).layer == "bn1"
    assert channels(model, x, x.flip(3), "conv1", top=2).total == 6
    data = explorer.load_dataset("digits").select(slice(8))
    assert explorer.evaluate(model, data).n == 8
    assert explorer.transfer([model, explorer.load_model(SHIPPED)], x, "fgsm", amount=8 / 255)


def test_moving_or_training_the_wrapper_does_nothing_to_the_network() -> None:
    mine = net()
    model = wrap(mine)
    assert isinstance(model, ExternalClassifier)
    assert model.net is mine
    assert list(model.parameters()) == []
    model.requires_grad_(False).double().eval()
    assert mine.fc.weight.requires_grad
    assert mine.fc.weight.dtype == torch.float32
    assert model(images(1)).dtype == torch.float32


def test_half_precision_and_output_objects() -> None:
    class Out:
        def __init__(self, logits: Tensor) -> None:
            self.logits = logits

    for last in (Out, lambda y: {"logits": y}):
        assert noticed(net(last), images())[1] == ()
    found, said = noticed(net().to(torch.bfloat16), images(1))
    assert said == ()
    assert 0 < found.models[0].confidence <= 1


def test_borrowing_is_reentrant_and_ends() -> None:
    mine = Net()
    with borrowed(mine) as one, borrowed(mine) as same:
        assert one is same
        assert not one.training
        assert mine.training
    with borrowed(mine.eval()) as one:
        assert one is mine
    assert isinstance(wrap(mine), Classifier)


def test_a_result_reads_as_text() -> None:
    with pytest.warns(ExplorerWarning, match="training mode"):
        one = explorer.compare(Net(), Picture(images(1)), RECIPE)
    text = repr(one)
    assert text.splitlines()[0] == f"{RECIPE}: pixels {one.image_hash}"
    assert "Note: Net is in training mode" in text
    assert one.to_dict()["warnings"] == list(one.warnings)
    many = explorer.compare(net(), list(images(4)), RECIPE)
    assert repr(many).splitlines()[0] == "4 images under gaussian_noise=0.3;seed=7, each with noise of its own"
    assert "of 4 answers flipped" in repr(many)
