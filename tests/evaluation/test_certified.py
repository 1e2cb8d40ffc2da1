"""Randomized smoothing's guarantee: the published formula, and no picture within a radius that refutes it."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import binom, norm  # type: ignore[import-untyped]

import explorer
from benchmarks.certified import certified_images, main, refuted, violations
from explorer.analysis.certify import LOOKS, certificate, count_votes, largest_radius, lower_bound, running
from explorer.errors import ExplorerError
from explorer.models import load_model
from tests.support.networks import formula, grey

MODEL = "digits/lenet/stability"


def test_the_radius_of_a_linear_model_is_below_its_true_distance_and_near_it() -> None:
    """For a half-space the smoothed model's true radius is the distance to the plane (Cohen et al. 2019, section 3)."""
    direction = torch.ones(16) / 4
    model = formula(lambda p: torch.stack([0 * p[:, 0], p @ direction - 1.5], 1))
    x = grey(0.5)  # at a distance of 0.5 from the plane
    found = certificate(model, x, sigma=0.5, n=20_000, alpha=0.001)
    assert found.answer == "high"
    assert 0.47 < found.radius < 0.5
    assert found.radius == pytest.approx(0.5 * norm.ppf(found.low))
    assert certificate(model, x, sigma=0.5, n=20_000, alpha=0.001) == found, "the same seed, the same votes"
    assert certificate(model, grey(0.375), sigma=0.5).abstained, "on the plane nothing is stated"


def test_the_bound_is_clopper_and_pearsons() -> None:
    low = lower_bound(95, 100, 0.001)
    assert binom.sf(94, 100, low) == pytest.approx(0.001)  # were the share just that, so many votes would be that rare
    assert lower_bound(0, 100, 0.001) == 0
    assert largest_radius(0.25, 100_000, 0.001) == pytest.approx(0.953, abs=5e-4)  # where the published logs end


def test_votes_do_not_depend_on_threads_and_count_every_copy() -> None:
    model, x = load_model(MODEL, device="cpu"), torch.zeros(1, 1, 28, 28)
    before = torch.get_num_threads()
    found = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        found.append(count_votes(model, x, 0.5, 130, "test"))
    torch.set_num_threads(before)
    assert torch.equal(*found)
    assert int(found[0].sum()) == 130


def test_a_running_certificate_shares_its_error_among_its_looks() -> None:
    model = formula(lambda p: torch.stack([0 * p[:, 0], p.mean(1) + 10], 1))
    found = list(running(model, grey(0.5), alpha=0.001))
    assert [one.n0 + one.n for one in found] == list(LOOKS)
    assert {one.alpha for one in found} == {0.001 / len(LOOKS)}
    radii = [one.radius for one in found]
    assert radii == sorted(radii)
    assert found[0].n0 + found[0].n == 10, "the first number comes within ten forward passes"


@pytest.fixture(scope="module")
def suite() -> explorer.evaluation.CertifiedAccuracy:
    names = [MODEL, "digits/lenet/standard+smoothing(sigma=0.5,n=100)"]
    return explorer.run_suite(names, "digits", "certified", limit=6)


def test_the_suite_certifies_every_image_as_it_is_certified_alone(suite) -> None:
    from explorer.data.datasets import load_dataset
    from explorer.data.inputs import read_picture
    from explorer.distortions import image_seed

    model = load_model(MODEL, device="cpu")
    x = read_picture("digits:3", model.takes).pixels
    alone, row = certificate(model, x, seed=image_seed(0, 3)), suite.rows[3]
    assert (row.radius, row.label) == (alone.radius, str(load_dataset("digits", "test").labels[3]))
    first, second = suite.summaries
    assert (first.sigma, first.n, second.sigma, second.n) == (0.25, 1000, 0.5, 100)
    held = [one.radius for one in suite.rows[:6] if one.correct]
    assert first.mean_radius == pytest.approx(math.fsum(held) / 6)
    assert [at.radius for at in first.curve] == [0.0, 0.25, 0.5]
    assert first.curve[1].accuracy == sum(radius >= 0.25 for radius in held) / 6
    radii, shares = suite.curve(MODEL)
    assert shares == sorted(shares, reverse=True)
    assert (radii[0], shares[0]) == (0.0, first.curve[0].accuracy)
    assert {trace.line.shape for trace in suite.figure().data} == {"vh"}, "a share holds up to its radius, then falls"


def test_numbers_that_make_no_sense_are_refused() -> None:
    model, x = formula(lambda p: p), grey(0.5)
    with pytest.raises(ExplorerError, match="above 0, not 0"):
        certificate(model, x, sigma=0)
    with pytest.raises(ExplorerError, match="at least one copy"):
        certificate(model, x, n=0)
    for alpha in (0.0, 0.6, 1 - 1e-16):  # the last one's bound would round to 1, its radius to infinity
        with pytest.raises(ExplorerError, match="above 0 and at most"):
            certificate(model, x, alpha=alpha)


def test_no_attack_within_a_radius_refutes_it_and_one_beyond_would_be_noticed() -> None:
    model = load_model(MODEL, device="cpu")
    of = certified_images(model, 8, 0.25, 300)
    assert len(of.x) >= 6
    assert not any(found for seed in (0, 1) for _, found in violations(model, of, 0.25, seed))
    other = of.x[next(i for i in range(len(of.x)) if of.answers[i] != of.answers[0])][None]
    assert refuted(model, other, int(of.answers[0]), 0.25, "test")


def test_the_search_for_refutations_ends_where_nothing_is_certified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["certified", "--images", "2", "--n", "1"])
    with pytest.raises(SystemExit, match="None of 2 images is certified"):
        main()
