"""The suite of perturbation sequences: means, pairs, and the same numbers by hand."""

from __future__ import annotations

import pytest

import explorer
from explorer.data.images import quantise
from explorer.distortions import image_seed
from explorer.distortions.sequences import SEQUENCES
from explorer.evaluation import Perturbations

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]


@pytest.fixture(scope="module")
def found() -> Perturbations:
    made = explorer.run_suite(MODELS, "digits", "perturbations", limit=3, seed=3)
    assert isinstance(made, Perturbations)
    return made


def test_a_row_is_what_the_definition_gives(found: Perturbations) -> None:
    model, data = explorer.load_model(MODELS[1]), explorer.load_dataset("digits", "test")
    x = quantise(data.batch(range(3))[0])
    for name in ("translate", "speckle_noise"):
        family = SEQUENCES[name]
        flipped = pairs = 0
        for i in range(3):
            answers = model(family.frames(x[i : i + 1], [image_seed(3, i)])[0]).argmax(1).tolist()
            before = [answers[0]] * (len(answers) - 1) if family.noise else answers[:-1]
            flipped += sum(a != b for a, b in zip(before, answers[1:], strict=True))
            pairs += len(answers) - 1
        (row,) = (row for row in found.rows if (row.model, row.sequence) == (MODELS[1], name))
        assert row.flip_probability == pytest.approx(flipped / pairs)
        assert row.interval[0] <= row.flip_probability <= row.interval[1]


def test_means_leave_out_the_extra_families(found: Perturbations) -> None:
    for one in found.summaries:
        counted = [row.flip_probability for row in found.rows if row.model == one.model and not row.extra]
        assert len(counted) == 10
        assert one.flip_probability == pytest.approx(sum(counted) / 10)
        assert one.interval[0] - 1e-9 <= one.flip_probability <= one.interval[1] + 1e-9
    first, second = found.summaries
    assert first.difference is None
    assert second.difference == pytest.approx(second.flip_probability - first.flip_probability)
    assert (second.flip_rate is None) == any(
        row.flip_probability == 0 for row in found.rows if row.model == MODELS[0] and not row.extra
    )
    assert found.severities == "CIFAR-10-P"
    assert len(found.records()) == 2 * len(SEQUENCES)
