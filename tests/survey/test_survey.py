"""The survey: rows equal to the core's answers, whole or absent shards, nothing computed twice, nothing mixed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import explorer.survey.engine as running
from explorer import load_dataset, load_model
from explorer.analysis import compare_image
from explorer.data.datasets import open_dataset
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.survey import QUADRANTS, VIEWS, Plan, Survey, cost, finished_images, make_plan, run
from explorer.survey.plan import fingerprint

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]
DISTORTIONS = ["gaussian_noise=0.2:0.5", "jpeg=50", "fgsm=8/255"]


@pytest.fixture(scope="module")
def models() -> list[Classifier]:
    return [load_model(name, device="cpu") for name in MODELS]


@pytest.fixture(scope="module")
def plan(models: list[Classifier]) -> Plan:
    return make_plan(models, load_dataset("digits"), DISTORTIONS, seeds=(0, 3), limit=40)


@pytest.fixture(scope="module")
def done(models: list[Classifier], plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Survey:
    folder = tmp_path_factory.mktemp("survey") / "digits"
    run(models, load_dataset("digits"), plan, folder)
    return Survey(folder)


def rows(folder: Path) -> pd.DataFrame:
    return Survey(folder).sql('SELECT * FROM rows ORDER BY "case", model')


def test_every_image_condition_and_model_has_one_row(done: Survey, plan: Plan) -> None:
    assert len(plan.conditions) == 2 * 2 + 1 + 1  # only what is random has every seed
    assert len(rows(done.folder)) == plan.answers == 40 * 6 * 2
    assert done.sql('SELECT count(DISTINCT ("case", model)) AS n FROM rows').n[0] == plan.answers


@pytest.mark.parametrize("condition", range(6))
def test_rows_are_the_answers_of_compare_to_the_same_hash(
    done: Survey, plan: Plan, models: list[Classifier], condition: int
) -> None:
    data = load_dataset("digits")
    asked = plan.conditions[condition]
    for image in (0, 17, 39):
        x, labels = data.batch([image])
        wanted = {
            name: compare_image(models, x, plan.recipe(asked, image, name), label=int(labels[0])) for name in MODELS
        }  # an attack is crafted on each
        found = done.sql(
            'SELECT * FROM rows WHERE "case" = ? ORDER BY model DESC', [condition * plan.rows + image]
        )  # standard sorts behind stability
        assert list(found.model) == MODELS
        assert list(found.hash) == [wanted[name].image_hash for name in MODELS]
        assert set(found.image_seed) == {plan.recipe(asked, image).seed}
        for i, (_, row) in enumerate(found.iterrows()):
            asked_alone = wanted[row.model]
            answer = asked_alone.models[i]
            assert row.l2 == pytest.approx(asked_alone.input.l2, rel=1e-5)
            assert row.ssim == pytest.approx(asked_alone.input.ssim, rel=1e-5)
            assert row.flipped == answer.flipped
            assert row.confidence == pytest.approx(answer.confidence, abs=1e-5)
            assert row.margin == pytest.approx(answer.margin, abs=1e-5)
            assert row.kl == pytest.approx(answer.kl, abs=1e-5)
            assert row.feature_l2 == pytest.approx(answer.feature_distance["penultimate"].l2, rel=1e-3, abs=1e-5)
            assert row.feature_cosine == pytest.approx(
                answer.feature_distance["penultimate"].cosine, rel=1e-3, abs=1e-6
            )
            assert row.layers == pytest.approx([d.l2 for d in answer.feature_distance.values()], rel=1e-3, abs=1e-5)


def test_a_second_run_computes_nothing(
    done: Survey, models: list[Classifier], plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "compute", lambda *_: pytest.fail("a finished shard was computed again"))
    told: list[tuple[int, int]] = []
    run(models, load_dataset("digits"), plan, done.folder, progress=lambda *news: told.append(news))
    assert told == [(plan.answers, plan.answers)]
    assert finished_images(plan, done.folder) == 40


def test_another_plan_is_never_mixed_in(done: Survey, models: list[Classifier], plan: Plan) -> None:
    data = load_dataset("digits")
    other = make_plan(models, data, DISTORTIONS, seeds=(0, 4), limit=40)
    with pytest.raises(ExplorerError, match=r"something else .*distortions, amounts or seeds"):
        run(models, data, other, done.folder)
    changed = load_model(MODELS[0], device="cpu")
    with torch.no_grad():
        next(changed.net.parameters()).add_(1e-3)
    with pytest.raises(ExplorerError, match="not those of the plan"):
        run([changed, models[1]], data, plan, done.folder)
    retrained = make_plan([changed, models[1]], data, DISTORTIONS, seeds=(0, 3), limit=40)
    with pytest.raises(ExplorerError, match="the models' weights"):
        run([changed, models[1]], data, retrained, done.folder)
    redrawn = replace(data, images=255 - data.images)
    with pytest.raises(ExplorerError, match="the images"):
        run(models, redrawn, make_plan(models, redrawn, DISTORTIONS, seeds=(0, 3), limit=40), done.folder)
    newer = replace(plan, versions={**plan.versions, "torch": "99"})
    with pytest.raises(ExplorerError, match="versions of the libraries"):
        run(models, data, newer, done.folder)


def test_a_broken_or_foreign_shard_is_computed_again(
    done: Survey, models: list[Classifier], plan: Plan, tmp_path: Path
) -> None:
    wanted = rows(done.folder)
    folder = shutil.copytree(done.folder, tmp_path / "copy")
    (shard,) = (folder / "rows").glob("*.parquet")
    shard.write_bytes(shard.read_bytes()[:1000])
    (folder / "rows" / "000007.part").write_bytes(b"left by a killed run")
    run(models, load_dataset("digits"), plan, folder)
    pd.testing.assert_frame_equal(rows(folder), wanted)
    assert not list((folder / "rows").glob("*.part"))


RUN = """
import os, sys
from dataclasses import replace
from pathlib import Path
from explorer import load_dataset, load_model
from explorer.survey import make_plan, run
models = [load_model(name, device="cpu") for name in {models!r}]
data = load_dataset("digits")
plan = replace(make_plan(models, data, {distortions!r}, seeds=(0, 3), limit=40), shard=4, batch=4)
for _ in sys.stdin:  # one process for each line; what all need is imported once
    gate, key = os.pipe()
    if not (child := os.fork()):
        os.read(gate, 1)
        run(models, data, plan, Path(sys.argv[1]))
        print("finished", flush=True)
        os._exit(0)
    print(child, flush=True)
    os.write(key, b".")
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of Unix")
def test_ten_kills_at_random_moments_leave_the_rows_of_an_undisturbed_run(
    models: list[Classifier], plan: Plan, tmp_path: Path
) -> None:
    small = replace(plan, shard=4, batch=4)
    data = load_dataset("digits")
    run(models, data, small, tmp_path / "whole")
    rng = np.random.default_rng(0)
    script = [sys.executable, "-c", RUN.format(models=MODELS, distortions=DISTORTIONS), str(tmp_path / "killed")]
    with subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        for _ in range(10):
            parent.stdin.write("\n")
            child = int(parent.stdout.readline())
            time.sleep(float(rng.uniform(0, 0.4)))
            with contextlib.suppress(ProcessLookupError):  # it was quicker
                os.kill(child, signal.SIGKILL)
            if parent.stdout.readline() == "finished\n":
                assert parent.stdout.readline() == "ended\n"
                # Take some shards away again, so that there is something to kill.
                for path in sorted((tmp_path / "killed" / "rows").glob("*.parquet"))[::2]:
                    path.unlink()
        parent.stdin.write("\n")
        parent.stdin.close()
        assert parent.stdout.read().split()[1:] == ["finished", "ended"]
    pd.testing.assert_frame_equal(rows(tmp_path / "killed"), rows(tmp_path / "whole"))


def test_progress_may_end_a_run_and_what_is_finished_stays(
    models: list[Classifier], plan: Plan, tmp_path: Path
) -> None:
    small = replace(plan, shard=8, batch=8)
    data = load_dataset("digits")

    def stop(count: int, total: int) -> None:
        if count >= total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(models, data, small, tmp_path / "half", progress=stop)
    assert finished_images(small, tmp_path / "half") == 24
    run(models, data, small, tmp_path / "half")
    assert finished_images(small, tmp_path / "half") == 40


def test_two_runs_do_not_write_one_survey(models: list[Classifier], plan: Plan, tmp_path: Path) -> None:
    data = load_dataset("digits")

    def again(count: int, total: int) -> None:
        if count == 0:
            with pytest.raises(ExplorerError, match="Another run"):
                run(models, data, plan, tmp_path / "one")

    run(models, data, plan, tmp_path / "one", progress=again)


def test_unreadable_images_are_listed_skipped_and_counted(models: list[Classifier], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for digit in range(10):
        (tmp_path / "own" / str(digit)).mkdir(parents=True)
        for i in range(2):
            Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(tmp_path / "own" / str(digit) / f"{i}.png")
    (tmp_path / "own" / "4" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    data = open_dataset(str(tmp_path / "own"))
    plan = make_plan(models, data, ["jpeg=50"])
    store = run(models, data, plan, tmp_path / "out")
    lost = data.images.names.index("4/0.png")  # type: ignore[attr-defined]
    assert list(store.unread()) == [lost]
    assert "4/0.png" in store.unread()[lost]
    found = rows(tmp_path / "out")
    assert sorted(set(found.image)) == [row for row in range(20) if row != lost]


def test_images_without_a_class_have_no_truth(models: list[Classifier], tmp_path: Path) -> None:
    data = load_dataset("digits")
    data = replace(data, labels=np.full(len(data), -1))
    plan = make_plan(models, data, ["gaussian_noise=0.5", "fgsm=8/255"], limit=30)
    run(models, data, plan, tmp_path / "out")
    found = rows(tmp_path / "out")
    assert found[["label", "correct", "confidence_true", "margin_true"]].isna().all().all()
    counted = Survey(tmp_path / "out").view("quadrants")
    assert counted[list(QUADRANTS)].to_numpy().sum() == 60
    fails = found[(found.distortion == "gaussian_noise") & found.flipped]
    assert (
        counted[counted.distortion == "gaussian_noise"].eval("only_baseline_fails + both_fail").sum()
        == (fails.model == MODELS[0]).sum()
    )


def test_a_model_that_gives_nan_ends_the_run_in_a_sentence(plan: Plan, tmp_path: Path) -> None:
    broken, data = load_model(MODELS[0], device="cpu"), load_dataset("digits")
    known = make_plan([broken], data, ["jpeg=50"], limit=8)
    with torch.no_grad():
        next(reversed(list(broken.net.parameters()))).fill_(torch.nan)
    with pytest.raises(ExplorerError, match="not finite"):
        make_plan([broken], data, ["jpeg=50"], limit=8)
    with pytest.raises(ExplorerError, match="not finite"):
        run([broken], data, replace(known, weights=(fingerprint(broken),)), tmp_path / "out")


def test_a_full_disk_ends_the_run_in_a_sentence_and_keeps_what_is_finished(
    models: list[Classifier], plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    small, write = replace(plan, shard=8, batch=8), pq.write_table
    written: list[Path] = []

    def fill(rows: Any, path: Path, **how: Any) -> None:
        if len(written) == 2:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        written.append(path)
        write(rows, path, **how)

    monkeypatch.setattr(pq, "write_table", fill)
    with pytest.raises(ExplorerError, match=r"No space left on device.*finished rows stay"):
        run(models, load_dataset("digits"), small, tmp_path / "out")
    assert len(list((tmp_path / "out" / "rows").iterdir())) == 2


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"distortions": ["nope"]}, "no distortion named"),
        ({"distortions": ["jpeg=500"]}, "out of range"),
        ({"distortions": []}, "No distortion is named"),
        ({"seeds": (1, 1)}, "different whole numbers"),
        ({"seeds": (-1,)}, "seed must be"),
        ({"limit": 0}, "1 or more"),
        ({"precision": "int3"}, "float32 or bfloat16"),
        ({"distortions": ["fgsm=8/255"], "against": "nobody"}, "not one of the models"),
    ],
    ids=str,
)
def test_a_plan_that_makes_no_sense_is_refused(models: list[Classifier], given: dict[str, Any], sentence: str) -> None:
    how: dict[str, Any] = {"distortions": ["gaussian_noise"]} | given
    with pytest.raises(ExplorerError, match=sentence):
        make_plan(models, load_dataset("digits"), **how)


def test_amounts_default_to_the_published_severities(models: list[Classifier]) -> None:
    from explorer.distortions import find_distortion

    data = load_dataset("digits")
    for name in ("gaussian_noise", "hue"):
        conditions = make_plan(models, data, [name]).conditions
        distortion = find_distortion(name)
        assert len(conditions) == 5
        assert distortion.severities is None or [one.amount for one in conditions] == list(
            distortion.severities_at(28) or ()
        )
    assert [one.amount for one in make_plan(models, data, ["jpeg"], amounts=[30, 10]).conditions] == [30, 10]


# ---- asking ----------------------------------------------------------------------------------------------------------


def test_quadrants_count_what_the_rows_say(done: Survey) -> None:
    found = rows(done.folder)
    a, b = (found[found.model == name].set_index("case") for name in MODELS)
    both = pd.DataFrame({"a": ~a.correct.astype(bool), "b": ~b.correct.astype(bool)})
    counted = done.view("quadrants")
    assert counted.only_baseline_fails.sum() == (both.a & ~both.b).sum()
    assert counted.only_other_fails.sum() == (~both.a & both.b).sum()
    assert counted.both_fail.sum() == (both.a & both.b).sum()
    assert counted.neither_fails.sum() == (~both.a & ~both.b).sum()
    for name in QUADRANTS:
        assert len(done.view(name)) == counted[name].sum()
    turned = done.view("quadrants", baseline=MODELS[1], other=MODELS[0])
    assert turned.only_baseline_fails.sum() == counted.only_other_fails.sum()


def test_flip_amounts_are_the_mildest_ones_that_flip(done: Survey) -> None:
    found = rows(done.folder)
    noise = found[(found.distortion == "gaussian_noise") & found.flipped]
    wanted = noise.groupby(["image", "model", "seed"]).amount.min()
    flips = done.view("flip_amounts")
    flips = flips[(flips.distortion == "gaussian_noise") & flips.flip_amount.notna()]
    assert flips.set_index(["image", "model", "seed"]).flip_amount.to_dict() == wanted.to_dict()


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_answers(done: Survey, name: str) -> None:
    assert len(done.view(name, limit=3).columns) > 2


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/elsewhere.csv'",
        "SELECT nothing FROM rows",
        "SELEKT",
        "ATTACH '/tmp/elsewhere.db'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_queries_that_make_no_sense_or_look_elsewhere_are_refused_in_a_sentence(done: Survey, query: str) -> None:
    with pytest.raises(ExplorerError, match=r"^The query cannot be answered: .+"):
        done.sql(query)


def test_folders_without_a_survey_are_named(tmp_path: Path) -> None:
    with pytest.raises(ExplorerError, match="holds no survey"):
        Survey(tmp_path)
    (tmp_path / "plan.json").write_text("[]")
    with pytest.raises(ExplorerError, match="holds no plan"):
        Survey(tmp_path)
    (tmp_path / "plan.json").write_text('{"schema": 1}')
    with pytest.raises(ExplorerError, match="damaged"):
        Survey(tmp_path)


def test_a_dry_run_says_about_what_comes(models: list[Classifier], plan: Plan, done: Survey) -> None:
    said = cost(models, load_dataset("digits"), plan)
    assert said.rows == plan.answers
    written = sum(path.stat().st_size for path in (done.folder / "rows").iterdir())
    assert 0.3 < said.bytes / written < 3
    assert said.seconds > 0
    assert cost(models, load_dataset("digits"), plan, done=40).seconds == 0
