"""The page of an experiment and its plan: what is there, what is not yet, published values beside ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer import cli
from explorer.experiments.grid import Cell
from explorer.experiments.lines import baseline_of, lines_of
from explorer.experiments.measure import images_of, instabilities
from explorer.experiments.page import write_page
from explorer.experiments.schema import Experiment, read_experiment
from explorer.experiments.store import Results
from explorer.models.right import pack
from explorer.training.runs import held_out
from explorer.training.trainer import _split

HERE = Path(__file__).resolve().parents[2]

TEXT = """
[experiment]
title = "A small grid"
seeds = [0, 1]

[train]
data = "digits"
arch = "lenet"
epochs = 1
batch_size = 32
holdout = 50

[[runs]]
method = "standard"

[[runs]]
method = "lipschitz"
options = { lam = [1.0, 3.0], bound = [0.1, 0.3] }

[evaluate]
split = "SPLIT"
recipes = ["clean", "gaussian_noise=0.1", "gaussian_noise=0.3", "jpeg=20"]
suites = ["corruptions"]
theorem = 100

[[published]]
title = "λ medium"
source = "a paper"
provenance = "S"
where = { method = "lipschitz", lam = 3.0 }
values = { clean = 88.5, "gaussian_noise=0.3" = [60, 63.25], corruptions = 71.5 }
note = "L is not known."
"""


def row(cell: Cell, experiment: Experiment, accuracies: tuple[float, ...]) -> dict[str, Any]:
    """What a finished run leaves, with chosen numbers."""
    from dataclasses import asdict

    results = [
        {"recipe": recipe, "seed": 0, "n": 360, "accuracy": value, "interval": [0, 1]}
        for recipe, value in zip(experiment.measures.recipes, accuracies, strict=True)
    ]
    theorem = {"bound": 0.1, "trained_for": cell.config.method == "lipschitz", "granted": 7.071, "flipped": 0.5}
    theorem |= {"margin_05": 3.8}  # rows from before say less
    theorem |= dict.fromkeys(
        ("sampled_median", "attacked_median", "attacked_max", "above_sampled", "above_attacked"), 1.0
    )
    return {
        "cell": cell.id, "title": cell.title, "seed": cell.config.seed, "settings": asdict(cell.config),
        "measures": asdict(experiment.measures), "results": results, "images": 1387, "steps": 10,
        "instability": [{"distortion": "gaussian_noise", "conditions": 3, "n": 360, "instability": 0.125}],
        "suites": {"corruptions": {"mean": 0.75, "by_distortion": {"fog": 0.5, "snow": 1.0}, "n": 360}},
        "theorem": theorem, "seconds": 36.0, "seconds_measuring": 36.0, "hardware": "a machine", "bf16": False,
        "versions": {"explorer": "1"}, "command": "explorer train --method x", "commit": "abc",
        "finished": "2026-01-02T00:00:00+00:00",
    }  # fmt: skip


def tiny(folder: Path, split: str = "test") -> Experiment:
    path = folder / "grid.toml"
    path.write_text(TEXT.replace("SPLIT", split), encoding="utf-8")
    return read_experiment(path)


def page(experiment: Experiment, folder: Path, rows: list[dict[str, Any]]) -> str:
    results = Results(folder / "grid.jsonl")
    for one in rows:
        results.append(one)
    return write_page(experiment, folder).read_text(encoding="utf-8")


def table_rows(text: str, first: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(f"| {first}")]


def test_before_any_run_every_cell_says_so_and_published_values_stand(tmp_path: Path) -> None:
    text = page(tiny(tmp_path), tmp_path, [])
    assert "**10 of 10 runs are not yet run.**" in text
    assert table_rows(text, "Standard") == ["| Standard | 0 of 2" + 4 * " | not yet run" + " |"]
    published = "| *published: λ medium, a paper (S)* |  | *88.5* | – | *60–63.25* | – |"
    lines = text.splitlines()
    assert lines[lines.index(published) - 1].startswith("| Lipschitz loss · lam=3, bound=0.3 |"), "beside the last"
    assert "- λ medium, a paper: L is not known." in text
    assert not list(tmp_path.glob("*.png"))


def test_means_ranges_gains_and_losses(tmp_path: Path) -> None:
    experiment = tiny(tmp_path)
    cells = experiment.cells
    rows = [
        row(cells[0], experiment, (0.9, 0.5, 0.4, 0.8)),
        row(cells[1], experiment, (0.92, 0.54, 0.4, 0.8)),
        row(cells[2], experiment, (0.88, 0.7, 0.6, 0.8)),
        {"cell": cells[4].id, "settings": {}, "failed": "Training diverged."},
    ]
    text = page(experiment, tmp_path, rows)
    assert "| Standard | 2 | 91.0 (90.0–92.0) | 52.0 (50.0–54.0) | 40.0 (40.0–40.0) | 80.0 (80.0–80.0) |" in text
    assert "| Lipschitz loss · lam=1, bound=0.1 | 1 of 2 | 88.0 | 70.0 | 60.0 | 80.0 |" in text
    assert "| Lipschitz loss · lam=1, bound=0.1 | ≈ −3.0 | ▲ 18.0 | ▲ 20.0 | ≈ 0.0 |" in text
    assert "| Lipschitz loss · lam=1, bound=0.3 | 0 of 2, 1 diverged | diverged | diverged" in text
    assert "**6 of 10 runs are not yet run.**" in text
    assert "| Lipschitz loss · lam=1, bound=0.1 | 12.5 |" in text
    assert "| Lipschitz loss · lam=1, bound=0.1 | 75.0 | 50.0 | 100.0 |" in text
    assert "| *published: λ medium, a paper (S)* | *71.5* | – | – |" in text
    slopes = "1.000 | 1.000 | 1.000 | 100 | 100 | 7.071 | 50 | 3.800 | – | – | – |"
    assert f"| Lipschitz loss · lam=1, bound=0.1 | 0.1 | {slopes}" in text
    assert "| Standard | (0.1) |" in text
    for fact in (
        "n): 360",
        "hardware: a machine",
        "commit: abc",
        "0.06 hours",
        "last on 2026-01-02",
        "# Standard (--seed 0, 1)",
    ):
        assert fact in text


def test_runs_that_say_which_images_were_right_are_compared_image_by_image(tmp_path: Path) -> None:
    """2 points of 360 images are no difference between shares, but 7 images lost and none gained are one."""
    experiment = tiny(tmp_path)
    rows = [row(experiment.cells[i], experiment, (0.9, 0.5, 0.4, 0.8)) for i in (0, 2)]
    for i, one in enumerate(rows):
        one["results"][0] |= {"accuracy": 1 - i * 7 / 360, "images": "ab", "right": pack(np.arange(360) >= 7 * i)}
        one["results"][1] |= {"accuracy": 0.9 - i * 7 / 360}
    text = page(experiment, tmp_path, rows)
    assert "| Lipschitz loss · lam=1, bound=0.1 | ▼ 1.9 | ≈ −1.9 | ≈ 0.0 | ≈ 0.0 |" in text


def test_curves_are_still_pictures_and_a_page_without_a_network(tmp_path: Path) -> None:
    experiment = tiny(tmp_path)
    text = page(experiment, tmp_path, [row(experiment.cells[2], experiment, (0.88, 0.7, 0.6, 0.8))])
    picture = tmp_path / "grid-digits-lenet-gaussian_noise.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"({picture.name})" in text
    html = (tmp_path / "grid.html").read_text(encoding="utf-8")
    assert html.count("draw(0, ") == 1
    assert f'src="{picture.name}"' in html, "the still picture stays where Plotly does not load"
    assert 'integrity="sha256-' in html
    data = json.loads(html.split("draw(0, ")[1].split(");\n")[0])["data"]
    assert (data[0]["x"], data[0]["y"]) == ([0.0, 0.1, 0.3], [88.0, 70.0, 60.0])
    assert data[-1]["name"] == "published: λ medium"
    before = picture.read_bytes()
    write_page(experiment, tmp_path)
    assert picture.read_bytes() == before, "the same results give the same picture"


def test_what_was_measured_stays_on_the_page_when_more_is_asked_for(tmp_path: Path) -> None:
    experiment = tiny(tmp_path)
    page(experiment, tmp_path, [row(experiment.cells[0], experiment, (0.9, 0.5, 0.4, 0.8))])
    path = tmp_path / "grid.toml"
    path.write_text(path.read_text().replace('"jpeg=20"]', '"jpeg=20", "jpeg=5"]').replace("theorem = 100", ""))
    text = write_page(read_experiment(path), tmp_path).read_text(encoding="utf-8")
    assert "| Standard | 1 of 2 | 90.0 | 50.0 | 40.0 | 80.0 | not yet measured |" in text
    assert "**9 of 10 runs are not yet run.** **Of 1 not everything is measured yet.**" in text
    assert "Theorem" not in text
    path.write_text(path.read_text().replace("[evaluate]", "[evaluate]\nlimit = 50"))
    text = write_page(read_experiment(path), tmp_path).read_text(encoding="utf-8")
    assert "| Standard | 0 of 2 | not yet run" in text, "numbers of other images do not count"


def test_sensitivity_is_the_mean_over_the_others(tmp_path: Path) -> None:
    experiment = tiny(tmp_path)
    clean = {"lam=1, bound=0.1": 0.8, "lam=1, bound=0.3": 0.9, "lam=3, bound=0.1": 0.7, "lam=3, bound=0.3": 0.6}
    rows = [
        row(cell, experiment, (clean[cell.title.partition(" · ")[2]], 0.5, 0.5, 0.5))
        for cell in experiment.cells
        if cell.config.method == "lipschitz"
    ]
    text = page(experiment, tmp_path, rows)
    assert "| Lipschitz loss | lam = 1 | 4 | 85.0 (80.0–90.0) |" in text
    assert "| Lipschitz loss | bound = 0.3 | 4 | 75.0 (60.0–90.0) |" in text
    assert "Best settings" not in text, "nothing is chosen on the test set"


def test_sensitivity_compares_only_what_differs_in_nothing_else(tmp_path: Path) -> None:
    """A poor run elsewhere, or one that is missing, must not speak through another setting."""
    text = (
        TEXT.replace("SPLIT", "test")
        + """
[[runs]]
method = "lipschitz"
title = "Head alone"
init = "digits/lenet/standard"
trained = "head"
options = { lam = 1.0, bound = 0.1 }
"""
    )
    (tmp_path / "grid.toml").write_text(text, encoding="utf-8")
    experiment = read_experiment(tmp_path / "grid.toml")
    own = [cell for cell in experiment.cells if cell.config.method == "lipschitz"]
    rows = [
        row(cell, experiment, (0.4 if cell.config.trained == "head" else 0.8, 0.5, 0.5, 0.5))
        for cell in own
        if not cell.title.endswith("lam=3, bound=0.3")
    ]
    found = table_rows(page(experiment, tmp_path, rows).split("### Sensitivity")[1], "Lipschitz loss")
    assert [line.split(" | ")[1:4] for line in found[:4]] == [
        ["lam = 1", "2", "80.0"],
        ["lam = 3", "2", "80.0"],
        ["bound = 0.1", "2", "80.0"],
        ["bound = 0.3", "2", "80.0"],
    ]
    assert not any("trained" in line for line in found), "the head alone has no partner that differs in nothing else"


def test_the_baseline_shares_what_was_varied(tmp_path: Path) -> None:
    text = TEXT.replace("SPLIT", "test").replace('"standard"\n', '"standard"\nlr = [0.01, 0.1]\n')
    text = text.replace('"lipschitz"\n', '"lipschitz"\nlr = [0.01, 0.1]\n', 1)
    (tmp_path / "grid.toml").write_text(text, encoding="utf-8")
    lines = lines_of(read_experiment(tmp_path / "grid.toml"), [])
    for line in lines:
        base = baseline_of(line, lines)
        if base is not None and line.cell.config.method != "standard":
            assert base.cell.config.lr == line.cell.config.lr


def test_what_was_measured_and_not_there_is_no_missing_measure(tmp_path: Path) -> None:
    """A search that breaks no image has no smallest step."""
    broken = {"direction": "fgsm", "broken": 0.0, "epsilon": None, "zero_gradients": 1.0}
    other = broken | {"broken": 1.0, "epsilon": 40.0, "zero_gradients": 0.0}
    text = (
        TEXT.replace("SPLIT", "test").replace('["corruptions"]', '["line-search"]').replace(", corruptions = 71.5", "")
    )
    (tmp_path / "grid.toml").write_text(text, encoding="utf-8")
    experiment = read_experiment(tmp_path / "grid.toml")
    rows = [row(cell, experiment, (0.8, 0.5, 0.5, 0.5)) for cell in experiment.cells[::2]]
    for one, search in zip(rows, (other, broken), strict=False):
        one["suites"] = {"line-search": {"searches": [search], "n": 40, "seed": 0}}
    found = page(experiment, tmp_path, rows[:2]).split("### Suite: line-search")[1]
    assert table_rows(found, "Lipschitz loss · lam=1, bound=0.1")[0].split(" | ")[1:3] == ["0.0", "–"]


def test_on_held_out_images_the_best_setting_is_named(tmp_path: Path) -> None:
    experiment = tiny(tmp_path, "validation")
    wanted = next(cell for cell in experiment.cells if cell.title.endswith("lam=3, bound=0.1"))
    rows = [
        row(cell, experiment, (0.8 if cell is wanted else 0.7, 0.5, 0.5, 0.6))
        for cell in experiment.cells
        if cell.config.seed == 0
    ]
    text = page(experiment, tmp_path, rows)
    assert "| Lipschitz loss | Lipschitz loss · lam=3, bound=0.1 | 60.0 | 4 of 4 |" in text
    assert "not the test set" in text


def test_validation_images_are_those_the_trainer_holds_out(tmp_path: Path) -> None:
    experiment = tiny(tmp_path, "validation")
    config = experiment.cells[1].config
    held = images_of(config, experiment.measures)
    assert len(held) == 50
    from explorer.data.datasets import load_dataset

    _, _, pixels, labels = _split(config, load_dataset("digits", "train"))
    assert torch.equal(pixels, torch.from_numpy(held_out(config).images).permute(0, 3, 1, 2))
    assert labels.tolist() == held.labels.tolist()


def test_instability_counts_what_is_right_under_some_conditions() -> None:
    import numpy as np

    rights = {
        "clean": np.array([True, True, True, False]),
        "jpeg=50": np.array([True, False, True, False]),
        "jpeg=20": np.array([True, False, True, True]),
        "jpeg=20,gaussian_noise=0.1": np.array([False] * 4),
        "fgsm=1/255": np.array([False] * 4),
    }
    assert instabilities(rights) == [{"distortion": "jpeg", "conditions": 3, "n": 4, "instability": 0.5}]
    assert instabilities({key: value for key, value in rights.items() if key != "clean"}) == []


def test_instability_is_that_of_surveys(tmp_path: Path) -> None:
    import explorer
    from explorer.experiments.measure import measure
    from explorer.experiments.schema import Measures
    from explorer.survey import Survey, instability, make_plan
    from explorer.survey import run as survey_run
    from explorer.training import TrainConfig

    models = [explorer.load_model(f"digits/lenet/{method}", device="cpu") for method in ("standard", "bang")]
    data = explorer.load_dataset("digits").select(slice(80))
    survey_run(models, data, make_plan(models, data, ["gaussian_noise=0.3:0.5"]), tmp_path / "survey")
    theirs = instability(Survey(tmp_path / "survey")).iloc[0]
    asked = Measures(recipes=("clean", "gaussian_noise=0.3", "gaussian_noise=0.5"))
    for model, column in zip(models, ("baseline", "other"), strict=True):
        (ours,) = measure(model, data, TrainConfig(), asked)["instability"]
        assert ours["instability"] == pytest.approx(theirs[column], abs=1e-6)
        assert ours["n"] == theirs["images"] == 80


def test_the_baseline_has_as_many_training_images() -> None:
    experiment = read_experiment(HERE / "experiments/lipschitz-mnist.toml")
    lines = lines_of(experiment, [])
    few = next(line for line in lines if line.title.endswith("lam=1, bound=0.1, sigma=0.1, train_size=5500"))
    base = baseline_of(few, lines)
    assert base is not None
    assert base.title == "Standard · train_size=5500"


# ---- the plan -------------------------------------------------------------------------------------------------------


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["experiment", *map(str, words)])
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.mark.slow
def test_the_plan_tells_what_is_done_and_what_the_rest_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = tiny(tmp_path)
    Results(tmp_path / "results/grid.jsonl").append(row(experiment.cells[0], experiment, (0.9, 0.5, 0.4, 0.8)))
    path = tmp_path / "grid.toml"
    path.write_text(path.read_text().replace('suites = ["corruptions"]\n', "").replace(", corruptions = 71.5", ""))
    assert run("plan", path, "--work", tmp_path, "--json", "--device", "cpu") == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["state"] for one in found["runs"]] == ["finished", *["open"] * 9]
    assert found["runs"][0]["seconds"] == 0
    assert all(0 < one["seconds"] < 600 for one in found["runs"][1:])
    assert found["seconds"] == pytest.approx(sum(one["seconds"] for one in found["runs"]))
    assert found["absent"] == []
    assert not (tmp_path / "grid").exists(), "a dry run leaves nothing"


def test_the_plan_says_that_data_are_absent_and_downloads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path))
    assert run("plan", HERE / "experiments/lipschitz-stl10.toml", "--work", tmp_path) == 0
    out = capsys.readouterr().out
    assert "STL-10 is not here: 'run' downloads it (2.6 GB)" in out
    assert "25 of 25 runs are left." in out
