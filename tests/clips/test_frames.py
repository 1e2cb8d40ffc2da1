"""A clip against its frames, compared one by one; pairs, noise, labels, the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import clips
from explorer.analysis import measures
from explorer.cli import main
from explorer.clips.results import blocks, paired, ratio
from explorer.data.images import load_fitted
from explorer.distortions import Recipe, apply, image_seed
from explorer.errors import ExplorerError
from explorer.models import load_model
from tests.support.clips import animated, wandering

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]
FRAMES = wandering()
CLIP = animated(FRAMES, "WEBP")


def by_hand(name: str, recipe: Recipe, *, fresh: bool) -> np.ndarray:
    """Probabilities of each frame, asked alone (F, K)."""
    rows = []
    for i, frame in enumerate(FRAMES):
        (x,) = load_fitted(frame, [load_model(name).takes])
        x = apply(recipe, x, seeds=[image_seed(recipe.seed, i) if fresh else recipe.seed])
        rows.append(measures.log_probabilities(load_model(name)(x).detach()).exp().numpy()[0])
    return np.stack(rows)


@pytest.mark.parametrize("noise", ["fixed", "fresh"])
def test_every_frame_is_answered_as_it_is_alone(noise: str) -> None:
    recipe = Recipe.parse("gaussian_noise=0.2;seed=3")
    found = explorer.frames(MODELS, CLIP, recipe, noise=noise)
    for name in MODELS:
        one, p = found[name], by_hand(name, recipe, fresh=noise == "fresh")
        assert one.answers.tolist() == p.argmax(1).tolist()
        assert one.confidence == pytest.approx(p.max(1), abs=1e-5)
        assert one.change == pytest.approx(np.abs(p[1:] - p[:-1]).sum(1) / 2, abs=1e-5)
        flips = sum(a != b for a, b in zip(one.answers[:-1], one.answers[1:], strict=True))
        assert one.flips == flips
        assert one.flip_rate == flips / 11
        assert one.interval[0] <= one.flip_rate <= one.interval[1]
    assert found.times.tolist() == pytest.approx([0.05 * i for i in range(12)])


def test_parts_of_a_clip_meet_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = explorer.frames(MODELS, CLIP, "gaussian_noise=0.2", noise="fresh")
    monkeypatch.setattr("explorer.models.inference.batch_size", lambda *_: 5)
    parts = explorer.frames(MODELS, CLIP, "gaussian_noise=0.2", noise="fresh")
    for a, b in zip(whole.models, parts.models, strict=True):
        assert a.answers.tolist() == b.answers.tolist()
        assert a.feature_l2 == pytest.approx(b.feature_l2, rel=1e-3)
        assert a.top5_distance.tolist() == b.top5_distance.tolist()
    assert whole.rms == pytest.approx(parts.rms, rel=1e-5)
    assert [pair.frame for pair in whole.pairs] == [pair.frame for pair in parts.pairs]


def test_telling_pairs_flip_first_and_hold_their_pixels() -> None:
    found = explorer.frames(MODELS, CLIP, "gaussian_noise=0.3", noise="fresh")
    flipped = [bool(found[pair.model].flipped[pair.frame - 1]) for pair in found.pairs]
    assert flipped == sorted(flipped, reverse=True)
    assert any(flipped)
    scores = [pair.score for pair, one in zip(found.pairs, flipped, strict=True) if one]
    assert scores == sorted(scores, reverse=True)
    for pair in found.pairs:
        rms = float(((pair.after.float() - pair.before.float()) / 255).square().mean().sqrt())
        assert rms == pytest.approx(pair.rms, rel=1e-4)
        assert pair.change == pytest.approx(found[pair.model].change[pair.frame - 1])


def test_a_still_clip_has_no_flips_under_fixed_noise(tmp_path: Path) -> None:
    for i in range(6):
        Image.fromarray(FRAMES[0]).save(tmp_path / f"{i}.png")
    fixed = explorer.frames(MODELS, tmp_path, "gaussian_noise=0.2")
    fresh = explorer.frames(MODELS, tmp_path, "gaussian_noise=0.2", noise="fresh")
    assert [one.flips for one in fixed.models] == [0, 0]
    assert fixed.rms.max() == 0 < fresh.rms.min()


def test_accuracy_and_its_neighbours() -> None:
    found = explorer.frames(MODELS, CLIP, label="3")
    for name in MODELS:
        right = found[name].answers == 3
        pm = found.pm_accuracy(name, k=2)
        assert pm.first == right.mean()
        assert pm.second == np.mean([all(right[max(0, i - 2) : i + 3]) for i in range(12)])
    with pytest.raises(ExplorerError, match="true class"):
        explorer.frames(MODELS, CLIP).pm_accuracy(MODELS[0])


def test_runs_of_neighbours_are_one_cluster() -> None:
    assert blocks(9).tolist() == [0, 3, 6]
    runs = np.repeat([True, False, True, False], 25)
    mixed = np.tile([True, False], 50)
    wide, narrow = (paired(one, one).first_interval for one in (runs, mixed))
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])
    gap = paired(mixed, np.zeros(100, bool))
    assert gap.difference == -0.5
    assert gap.interval[1] < 0


def test_means_and_ratios_are_drawn_by_runs_of_neighbours() -> None:
    runs, mixed = np.repeat([0, 15, 0, 15], 25), np.tile([0, 15], 50)
    of_runs, of_mixed, twice = ratio(runs), ratio(mixed), ratio(mixed, np.roll(mixed, 1) // 15)
    assert of_runs is not None
    assert of_mixed is not None
    assert of_runs[0] == of_mixed[0] == 7.5
    wide, narrow = of_runs[1], of_mixed[1]
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])
    assert twice is not None
    assert twice[0] == 15
    assert ratio(mixed, 0 * mixed) is None, "no flip of the first model: no ratio to it"


def test_json_has_n_and_interval_of_each_measure() -> None:
    found = explorer.frames(MODELS, CLIP, "gaussian_noise=0.3", noise="fresh", label="3").to_dict()
    for one in found["models"]:
        assert one["n"] == one["frames"] - 1 == one["steady"]["n"] - 1
        measured = {"top5_distance": one["top5_distance_mean"], "change": one["change_mean"]}
        for name, mean in measured.items():
            low, high = one[f"{name}_interval"]
            assert mean == pytest.approx(np.mean(one[name]))
            assert low <= mean <= high
    first, second = found["models"]
    assert second["relative_flip_rate"] == pytest.approx(second["flips"] / first["flips"])
    gap = np.mean(second["top5_distance"]) - np.mean(first["top5_distance"])
    assert second["top5_distance_difference"] == pytest.approx(gap)
    assert second["top5_distance_difference_interval"][0] <= gap


def test_wrong_requests_are_one_sentence() -> None:
    for wrong in ({"noise": "other"}, {"label": "dog"}, {"label": 99}, {"codec": "h264=99"}, {"every": 20}):
        with pytest.raises(ExplorerError):
            explorer.frames(MODELS, CLIP, **wrong)


def test_the_command_line_says_what_python_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "clip.webp"
    path.write_bytes(CLIP)
    with pytest.raises(SystemExit) as left:
        main(["frames", str(path), "--models", ",".join(MODELS), "--recipe", "jpeg=20", "--codec", "av1=60", "--json"])
    assert left.value.code == 0
    said = json.loads(capsys.readouterr().out)
    found = clips.frames(MODELS, path, "jpeg=20", codec="av1=60").to_dict()
    assert said == json.loads(json.dumps(found))
    assert said["codec"] == "av1=60"
    for one in said["models"]:
        assert one["frames"] == len(one["answers"]) == len(one["confidence"]) == 12
        assert len(one["feature_distance"]) == 11
        assert one["flip_rate"] == one["flips"] / 11
