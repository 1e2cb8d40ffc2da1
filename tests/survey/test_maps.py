"""Maps of cases: the features of the very pictures, projected the same way every time."""

from __future__ import annotations

import numpy as np
import pytest

from explorer import load_dataset
from explorer.errors import ExplorerError
from explorer.models import inference as inputs
from explorer.survey import Survey, maps, models_of, open_cases, shipped
from explorer.survey.maps import MOST, features

CASES = [5, 361, 7, 365, 900, 6000, 6003, 12, 13, 2000]


@pytest.fixture(scope="module")
def survey() -> Survey:
    return Survey(shipped()[0])


def test_a_map_is_the_projection_of_the_models_features(survey: Survey) -> None:
    from sklearn.decomposition import PCA

    name = survey.plan.models[2]
    told: list[tuple[int, int]] = []
    found = features(survey, CASES, name, progress=lambda *news: told.append(news))
    assert found.cases == tuple(CASES)
    assert told == [(0, len(CASES)), (len(CASES), len(CASES))]
    (model,) = models_of(survey, [name])
    opened = open_cases(survey, CASES)
    vectors = np.concatenate(
        [
            list(inputs.answer(model, x)[1].values())[-1].flatten(1).numpy()
            for x in [one.clean for one in opened] + [one.distorted for one in opened]
        ]
    )
    pca = PCA(2, svd_solver="full")
    wanted = pca.fit_transform(vectors.astype(np.float64))
    own = np.concatenate([found.clean, found.distorted])
    for axis in range(2):
        sign = np.sign(wanted[0, axis] * own[0, axis])
        assert own[:, axis] * sign == pytest.approx(wanted[:, axis], rel=1e-3, abs=1e-3)
    assert found.explained == pytest.approx(pca.explained_variance_ratio_.sum(), rel=1e-4)


def test_it_is_the_same_every_time_and_its_order_is_the_callers(survey: Survey) -> None:
    one, two = features(survey, CASES), features(survey, CASES[::-1])
    assert one.distorted == pytest.approx(two.distorted[::-1], abs=1e-3)


def test_what_makes_no_sense_is_said(survey: Survey) -> None:
    for cases in ([1, 2], range(MOST + 1)):
        with pytest.raises(ExplorerError, match="3 to 2,000 cases"):
            features(survey, cases)
    with pytest.raises(ExplorerError, match="no map method"):
        features(survey, CASES, method="tsne")
    with pytest.raises(ExplorerError, match="no model named"):
        features(survey, CASES, "nobody")


def test_a_progress_may_end_it(survey: Survey) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features(survey, CASES, data=load_dataset("digits"), progress=stop)


def test_umap_without_its_package_is_a_sentence(survey: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "find_spec", lambda _: None)
    with pytest.raises(ExplorerError, match="pip install umap-learn"):
        features(survey, CASES, method="umap")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")  # of UMAP's
@pytest.mark.slow  # numba compiles
def test_umap_lays_out_every_case(survey: Survey) -> None:
    pytest.importorskip("umap", reason="the extra 'umap' is not installed")
    found = features(survey, CASES, method="umap")
    assert found.distorted.shape == (len(CASES), 2)
    assert np.isfinite(found.distorted).all()
    assert found.explained is None
    assert np.array_equal(features(survey, CASES, method="umap").distorted, found.distorted), "seeded"
