"""Remedies around a model: one name everywhere, the same bits alone and in a batch, and attacks that know of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import median_filter as scipys  # type: ignore[import-untyped]
from torch import Tensor

from explorer import Recipe, load_model
from explorer.analysis import evidence
from explorer.app.links import read_link
from explorer.app.sharing import shares
from explorer.app.workspace import Workspace
from explorer.cli import main
from explorer.cli.inputs import read_model_names
from explorer.data.datasets import load_dataset
from explorer.distortions import apply
from explorer.errors import ExplorerError
from explorer.models import Classifier, save_model
from explorer.models import inference as inputs
from explorer.models.functions import is_function
from explorer.models.naming import split_remedies
from explorer.models.remedies import REMEDIES, RemediedClassifier
from explorer.models.remedies.median import median_filter
from explorer.models.sources import takes_path
from explorer.stabilizing import stabilize
from explorer.survey.plan import fingerprint

BASE = "digits/lenet/standard"
SMOOTHED = f"{BASE}+smoothing(sigma=0.25,n=20)"


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def batch() -> tuple[Tensor, Tensor]:
    """Twenty digits that the network names rightly, as it takes them, and their classes."""
    model = load_model(BASE)
    x, labels = load_dataset("digits", "test").batch(slice(0, 30))
    x = torch.nn.functional.interpolate(x, model.size) if x.shape[-1] != model.size else x
    right = inputs.predictions(model, x) == labels
    return x[right][:20], labels[right][:20]


def loaded(name: str) -> RemediedClassifier:
    model = load_model(name, device="cpu")
    assert isinstance(model, RemediedClassifier)
    return model


@pytest.mark.parametrize("name", REMEDIES)
def test_answers_have_the_same_bits_alone_in_a_batch_and_with_any_threads(name: str, batch) -> None:
    x = batch[0][:5]
    torch.set_num_threads(1)
    model = loaded(f"{BASE}+{name}")
    whole, features = inputs.answer(model, x)
    torch.set_num_threads(3)
    alone = torch.cat([inputs.logits(loaded(model.name), image) for image in x.split(1)])
    assert torch.equal(whole, alone)
    assert torch.equal(whole, inputs.logits(model, x))
    assert features["penultimate"].shape == load_model(BASE).features(x)["penultimate"].shape
    assert model.card.passes == REMEDIES[name].copies(REMEDIES[name].settings)
    assert model.card.title.endswith(model.name.removeprefix(BASE))


@pytest.mark.parametrize("name", REMEDIES)
def test_most_answers_to_clean_pictures_stay(name: str, batch) -> None:
    x, labels = batch[0][:8], batch[1][:8]
    assert (inputs.predictions(loaded(f"{BASE}+{name}"), x) == labels).float().mean() > 0.8


@pytest.mark.parametrize("name", REMEDIES)
def test_an_attack_goes_through_the_remedy(name: str, batch) -> None:
    x, labels = batch[0][:4], batch[1][:4]
    model = loaded(f"{BASE}+{name}" + ("(n=8)" if "n" in REMEDIES[name].settings else ""))
    recipe = Recipe.parse("pgd_linf=0.3;against=it")
    attacked = apply(recipe, x, target=inputs.target_of(model, labels))
    assert (inputs.predictions(model, attacked) == labels).sum() <= 1
    assert torch.equal(attacked[:1], apply(recipe, x[:1], target=inputs.target_of(model, labels[:1])))


def test_without_the_gradient_of_the_identity_a_quantiser_would_hide(batch) -> None:
    x, labels = batch[0][:4], batch[1][:4]
    model = loaded(f"{BASE}+bits(depth=1)")
    place = x.clone().requires_grad_()
    shown = place.mul(1).round()  # what the remedy does: its own gradient is zero everywhere
    (hidden,) = torch.autograd.grad(model.within(shown).sum(), place)
    (found,) = torch.autograd.grad(model(place).gather(1, labels[:, None]).sum(), place)
    assert not hidden.any()
    assert found.flatten(1).any(1).all()


def test_smoothing_answers_by_votes_and_its_gradient_is_that_of_the_mean_probability(batch) -> None:
    x = batch[0][:2]
    model = loaded(SMOOTHED)
    noise = model.net._draws(range(20)).normal(1, 28, 28)
    inside = [model.within(image + 0.25 * noise) for image in x.split(1)]
    votes = torch.stack([torch.bincount(one.argmax(1), minlength=10) / 20 for one in inside])
    assert torch.allclose(inputs.logits(model, x).softmax(1).float(), votes, atol=1e-5)
    place = x.clone().requires_grad_()
    mean = torch.stack([one.softmax(1).mean(0) for one in inside])
    assert torch.allclose(model(place).exp(), mean, atol=1e-6)
    other = loaded(f"{SMOOTHED[:-1]},seed=1)")
    assert not torch.equal(other.features(x)["penultimate"], model.features(x)["penultimate"])


def test_names_are_whole_and_read_back() -> None:
    model = loaded(f"{BASE}+jpeg+smoothing(n=7, sigma=.5)")
    assert model.name == f"{BASE}+jpeg(quality=75)+smoothing(sigma=0.5,n=7)"
    assert loaded(model.name).card == model.card
    assert (model.card.base, model.card.passes, model.card.results) == (BASE, 7, [])
    assert read_model_names([f"{SMOOTHED},{BASE}"]) == [SMOOTHED, BASE]
    assert split_remedies("a+b.pth") == ("a+b.pth", "")
    assert takes_path("a.pth+jpeg(quality=75)")
    assert not takes_path(SMOOTHED)
    assert is_function("nets:make+jpeg(quality=75)"), "its code does not run where a survey names it"


@pytest.mark.parametrize(
    ("tail", "sentence"),
    [
        ("+smoothin(n=3)", "There is no remedy named 'smoothin': did you mean smoothing?"),
        ("+jpeg(q=3)", "jpeg has no setting 'q'; it has quality."),
        ("+jpeg(quality=3,quality=4)", "+jpeg(quality=3,quality=4) gives a setting twice; give each once."),
        ("+jpeg(quality=3.5)", "quality of jpeg is a whole number from 1 to 100, not '3.5'."),
        ("+smoothing(sigma=nan)", "sigma of smoothing is a number from 0.001 to 2, not 'nan'."),
        ("+smoothing(sigma)", "sigma of smoothing is a number from 0.001 to 2, not ''."),
    ],
)
def test_what_does_not_fit_is_one_sentence(tail: str, sentence: str) -> None:
    with pytest.raises(ExplorerError) as error:
        load_model(BASE + tail)
    assert str(error.value) == sentence


def test_the_model_within_is_what_is_saved_trained_and_explained(tmp_path: Path, batch) -> None:
    model = loaded(SMOOTHED)
    with pytest.raises(ExplorerError, match=f"no checkpoint of its own; save {BASE}"):
        save_model(model, tmp_path)
    with pytest.raises(ExplorerError, match="so there is no class-evidence map; ask"):
        evidence(model, batch[0][:1], batch[0][:1])
    with pytest.raises(ExplorerError, match=f"train {BASE}, and put the remedy around it"):
        stabilize(model, "digits", under="gaussian_noise=0:0.2", steps=1)
    assert fingerprint(model) != fingerprint(loaded(f"{BASE}+smoothing(sigma=0.5,n=20)"))


def test_a_path_and_a_network_of_ones_own_take_remedies(tmp_path: Path, batch) -> None:
    from explorer.models import checkpoint_folder, wrap
    from explorer.models.remedies import put_around

    path = tmp_path / "best.safetensors"
    path.write_bytes((checkpoint_folder() / f"{BASE}.safetensors").read_bytes())
    named: Classifier = load_model(f"{path}+median(width=3)", arch="lenet", device="cpu")
    assert named.name == "best+median(width=3)"
    own = put_around(wrap(load_model(BASE).net.train(), size=28, channels=1, name="own"), "+median(width=3)")
    assert torch.equal(inputs.predictions(own, batch[0]), inputs.predictions(named, batch[0]))


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    with pytest.raises(SystemExit) as end:
        main([*words])
    assert end.value.code == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_line_takes_and_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    names = f"{BASE},{SMOOTHED}"
    found = printed(capsys, "evaluate", names, "--data", "digits", "--limit", "10", "--json")
    assert [one["name"] for one in found["models"]] == names.split(",", 1)
    assert [one["name"] for one in printed(capsys, "remedies", "--json")] == list(REMEDIES)
    certified = printed(capsys, "certify", "digits:7", "--models", SMOOTHED, "--n0", "20", "--json")["models"]
    assert [(one["model"], one["n"]) for one in certified] == [(BASE, 20)]


def test_a_link_adds_it_and_what_is_shared_names_it() -> None:
    workspace = Workspace([BASE])
    query = f"models={BASE},{BASE}%2Bsmoothing(n=20)&picture=digits:7&recipe=fgsm=0.1;seed=0;against={SMOOTHED}"
    found = read_link(workspace, query.replace(SMOOTHED, SMOOTHED.replace("+", "%2B")), max_models=4, max_steps=4)
    assert (found["messages"], found["state"]["models"]) == ([], [BASE, SMOOTHED])
    assert found["state"]["against"] == SMOOTHED
    recipe = Recipe.parse(f"fgsm=0.1;against={SMOOTHED}")
    state = {"picture": found["state"]["picture"], "models": [BASE, SMOOTHED], "recipe": recipe.to_dict()}
    assert [one["name"] for one in workspace.answer(state)["models"]] == [BASE, SMOOTHED]
    assert f'--models "{BASE},{SMOOTHED}"' in shares(workspace.load(state))["command"]
    refused = read_link(workspace, f"models={BASE}%2Bsmoothing(n=5000)", max_models=4, max_steps=4)["messages"]
    assert refused[0].endswith("asks its network 5,000 times for one answer; the explorer shows up to 1,000.")


@pytest.mark.parametrize("width", [2, 3, 4, 9])
def test_the_median_is_scipys_which_the_paper_of_feature_squeezing_used(width: int) -> None:
    x = torch.rand(2, 3, 12, 8, generator=torch.Generator().manual_seed(0))
    expected = [[scipys(plane, width, mode="reflect") for plane in image] for image in x.numpy()]
    assert torch.equal(median_filter(x, width), torch.tensor(np.array(expected)))
