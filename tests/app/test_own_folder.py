"""One folder, with everything that folders have: the app measures what evaluate and survey do, to the last image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from explorer.app.context import Context, make_context
from explorer.app.jobs import HANDLERS
from explorer.data.datasets import load_dataset
from explorer.distortions import Recipe
from explorer.evaluation import evaluate
from explorer.evaluation.sample import Sample
from explorer.models import Classifier
from explorer.survey import Survey, make_plan, run
from tests.evaluation.test_folders_measured import grey

READ, LIMIT = 77, 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """80 noisy pictures of several sizes and formats, half of them hard to tell; three damaged."""
    rng = np.random.default_rng(0)
    for i in range(80):
        name, level = [("Cat", 0), ("fire_truck", 20), ("DOG", 40)][i % 3]
        path = tmp_path / "own" / name / f"{i}{['.png', '.jpg', '.webp'][i // 3 % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        side = (8, 8, 5, 31, 64)[i % 5]
        pixels = level + rng.normal(rng.uniform(-12, 12), 5, (side, side + i % 4, 3))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        if i in (4, 17, 40):
            path.write_bytes(path.read_bytes()[:30])
    (tmp_path / "own" / "readme.txt").write_text("words")
    return tmp_path / "own"


@pytest.fixture
def model() -> Classifier:
    found = grey()
    found.card = replace(found.card, data="own")
    return found


@pytest.fixture
def context(folder: Path, model: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setenv("EXPLORER_CACHE", str(tmp_path / "cache"))
    return make_context([model], [load_dataset(str(folder))])


def asked(context: Context, job: str, **question: Any) -> dict[str, Any]:
    found: dict[str, Any] = HANDLERS[job](context, {"data": "own", **question}, lambda *_: None)
    return found


def answers(survey: Survey) -> dict[int, bool]:
    rows = survey.sql("select image, correct from rows order by image")
    return dict(zip(rows.image.tolist(), rows.correct.tolist(), strict=True))


@pytest.mark.filterwarnings("ignore::explorer.errors.ExplorerWarning")
@pytest.mark.parametrize("limit", [None, LIMIT])
def test_evaluate_survey_and_app_agree_to_the_last_image(
    context: Context, folder: Path, model: Classifier, tmp_path: Path, limit: int | None
) -> None:
    chart = asked(context, "accuracy", distortion="gaussian_noise", reach="whole", images=limit or 80)
    amount = chart["amounts"][3]
    recipe = Recipe((("gaussian_noise", amount),), seed=chart["seed"])
    found = evaluate(model, str(folder), recipe, limit=limit)
    assert 0.3 < found.accuracy < 0.95
    assert found.n == READ if limit is None else LIMIT - 3 <= found.n <= LIMIT
    assert (chart["n"], chart["models"][0]["accuracy"][3]) == (found.n, found.accuracy)

    data = load_dataset(str(folder))
    run([model], data, make_plan([model], data, [f"gaussian_noise={amount!r}"], limit=limit), tmp_path / "out")
    distortions, seeds = [("gaussian_noise", [amount])], [chart["seed"]]
    told = asked(context, "survey_run", models=[model.name], distortions=distortions, seeds=seeds, limit=limit)
    in_app = context.surveys.find(told["survey"]).survey
    sample = Sample.of([model], data, limit)
    rows = [row for part, _, _ in sample.batches() for row in part]
    one_by_one = dict(zip(rows, sample.correct(recipe)[0].tolist(), strict=True))
    assert answers(Survey(tmp_path / "out")) == answers(in_app) == one_by_one
    assert sum(one_by_one.values()) == round(found.accuracy * found.n)
    assert told["unread"] == (limit or 80) - found.n
