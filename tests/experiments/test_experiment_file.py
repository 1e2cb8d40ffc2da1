"""The experiment's file: slips are named, the grid is multiplied, what is shipped can be read."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from explorer import cli
from explorer.errors import ExplorerError
from explorer.experiments.schema import read_experiment
from explorer.training import METHODS, TrainConfig
from explorer.training import runs as training_runs
from tests.support.tiny_experiment import TINY, write

HERE = Path(__file__).resolve().parents[2]
SHIPPED = sorted((HERE / "experiments").glob("*.toml"))


def test_the_grid_is_multiplied_and_every_run_has_a_name_of_its_own(tmp_path: Path) -> None:
    found = read_experiment(write(tmp_path))
    assert [(cell.title, cell.config.seed) for cell in found.cells] == [
        ("Standard", 0),
        ("Stable · sigma=0.1", 0),
        ("Stable · sigma=0.1", 1),
        ("Stable · sigma=0.3", 0),
        ("Stable · sigma=0.3", 1),
    ]
    assert len({cell.id for cell in found.cells}) == 5
    assert len({cell.row for cell in found.cells}) == 3
    assert found.cells[3].config.options == {"alpha": 1.0, "sigma": 0.3, "loss": "kl", "detach_clean": False}
    assert [cell.title for cell in found.cells if cell.answers("sigma=0.3")] == ["Stable · sigma=0.3"] * 2
    assert sum(cell.answers("stable") for cell in found.cells) == 4
    assert found.published[0].values["gaussian_noise=0.3"] == (70, 80.5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "Tiny"', 'titel = "Tiny"', r"\[experiment\] has no key 'titel'; did you mean title"),
        ("epochs = 3", "epoch = 3", r"\[train\] has no key 'epoch'; did you mean epochs"),
        ("epochs = 3", 'epochs = "four"', r"epochs in \[train\] must be a whole number, not 'four'"),
        ("epochs = 3", "epochs = [4, 5]", r"epochs in \[train\] must be a whole number"),
        ("flip = false", "flip = 0", r"flip in \[train\] must be true or false"),
        ("lr = 0.02", "lr = -1", r"lr in \[train\] must not be negative"),
        ("lr = 0.02", 'schedule = "zigzag"', "Unknown schedule 'zigzag'"),
        ('"lenet"', '"resnet19"', "no architecture named 'resnet19'"),
        ('method = "standard"', 'method = "magic"', "there is no method 'magic'"),
        ('method = "standard"', "seeds = [1]", "TOML"),
        ("sigma = [0.1, 0.3]", "sigmas = 0.1", r"stability has no option 'sigmas' \(\[\[runs\]\] number 2\)"),
        ("sigma = [0.1, 0.3]", 'sigma = "much"', "the option sigma in .* must be a number, not 'much'"),
        ("sigma = [0.1, 0.3]", "sigma = []", "empty list"),
        ("sigma = [0.1, 0.3]", "sigma = [0.1, 0.1]", "appears in two"),
        ("sigma = [0.1, 0.3] }", 'sigma = 0.1 }\n[[runs]]\nmethod = "standard"\nepochs = 5', "both called 'Standard'"),
        ('["clean", "gaussian_noise=0.3", "fgsm=8/255"]', "[]", "recipes in .* is an empty list"),
        ("seeds = [0, 1]", "seeds = [100000000000000]", "The seed 100000000000000 is too large"),
        ("seeds = [0, 1]", "seeds = 0", "must be a list of different whole numbers"),
        ("limit = 40", 'split = "train"', "split in .* must be one of test, validation"),
        ("holdout = 100", "", None),
        ("limit = 40", "limit = 0", "counts images"),
        ('"clean", ', '"clear", ', "clear"),
        ('"clean", ', '"gaussian_nose=1", ', "did you mean gaussian_noise"),
        ("limit = 40", 'suites = ["all"]', "there is no suite 'all'"),
        ('provenance = "S"', 'provenance = "R"', "provenance in .* must be one of S"),
        ("sigma = 0.3 }", "sigma = 0.7 }", "no run fits"),
        ("clean = 91.25", "clear = 91.25", "no such recipe or suite"),
        ("values = {", 'from = { source = "nobody2000" }\nvalues = {', "no method here states values"),
        (
            "values = {",
            'from = { paper = "usama2018" }\nvalues = {',
            "from in .* has no key 'paper'",
        ),
        ("values = {", 'from = "usama2018"\nvalues = {', "from in .* must name a source"),
        ("clean = 91.25", "clean = 912.5", "per cent"),
        ("[evaluate]", "[evaluation]", "the file has no key 'evaluation'; did you mean evaluate"),
        ("[[published]]", "[published]", "two brackets"),
    ],
)
def test_a_slip_is_one_sentence_that_names_the_key(tmp_path: Path, old: str, new: str, message: str | None) -> None:
    path = write(tmp_path, TINY.replace(old, new, 1))
    if message is None:  # held-out images are needed for a validation split alone
        assert read_experiment(path)
        path = write(tmp_path, TINY.replace(old, new, 1).replace("limit = 40", 'split = "validation"'))
        message = "needs held-out images"
    with pytest.raises(ExplorerError, match=message) as caught:
        read_experiment(path)
    assert str(caught.value).startswith("tiny.toml")
    assert "\n" not in str(caught.value)


def test_the_provenance_of_a_value_is_read_under_its_former_name(tmp_path: Path) -> None:
    found = read_experiment(write(tmp_path, TINY.replace("provenance =", "kind =", 1)))
    assert [one.provenance for one in found.published] == ["S"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_is_shipped_can_be_read_and_faces_the_controls(path: Path) -> None:
    found = read_experiment(path)
    noised = [cell.config for cell in found.cells if cell.config.method == "gaussian"]
    faced = {(config.arch, config.options["fraction"]) for config in noised}
    fractions = (0.5,) if path.stem.startswith("shipped") else (0.5, 1.0)  # one control is shipped
    for arch in {cell.config.arch for cell in found.cells}:
        for fraction in fractions:
            assert (arch, fraction) in faced, "noise on half and on all of the images stands in every table"
    if "choice" in path.stem:
        assert found.measures.split == "validation"


def test_values_that_a_method_states_are_named_and_not_copied() -> None:
    found = read_experiment(HERE / "experiments/lipschitz-cifar10.toml")
    (small,) = [one for one in found.published if one.title == "λ small, σ 0.1" and one.where["arch"] == "resnet20"]
    stated = [one for one in METHODS["lipschitz"].published if one.setting.startswith("λ small, σ = 0.1 ")]
    assert sorted(sum(small.values.values(), ())) == sorted(round(100 * one.accuracy, 4) for one in stated)
    assert list(small.values) == ["clean", "gaussian_noise=0.072", "gaussian_noise=0.123"]
    assert len(small.values["clean"]) == 3, "one for each of the paper's bounds"
    bang = read_experiment(HERE / "experiments/bang-mnist.toml").published[1]
    assert bang.values["fgsm_float32=0.3"] == (30.1,)
    assert bang.values["line-search: fgsm float32 broken"] == (86.1,), "the file adds what no method states"


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_command_of_a_row_means_the_same_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in the file goes through ``explorer train`` and comes back; nothing is trained."""
    seen: list[TrainConfig] = []

    def stop(config: TrainConfig, *_: object, **__: object) -> None:
        seen.append(config)
        raise ExplorerError("far enough")

    monkeypatch.setattr(training_runs, "train_model", stop)
    cells = read_experiment(path).cells
    for cell in {cell.row: cell for cell in cells}.values():
        with pytest.raises(SystemExit):
            cli.main(shlex.split(training_runs.command(cell.config))[1:])
        assert seen.pop() == cell.config
