"""What float32 hides of the shipped BANG networks: nothing, along the exact direction."""

from __future__ import annotations

import pytest

from explorer import evaluate, load_dataset
from explorer.errors import ExplorerError


def right(data: str, method: str, attack: str, size: float, limit: int) -> float:
    """Accuracy in % of a shipped LeNet, attacked on itself."""
    name = f"{data}/lenet/{method}"
    recipe = f"{attack}={size};against={name};pixels=float"
    return 100 * evaluate(name, data, recipe, limit=limit).accuracy


@pytest.mark.slow
def test_bang_on_digits_is_no_stronger_than_the_standard_network():
    exact = right("digits", "bang", "fgsm", 0.1, 200)
    assert exact == pytest.approx(right("digits", "bang", "fgsm_margin", 0.1, 200), abs=3)
    assert exact < right("digits", "standard", "fgsm", 0.1, 200)
    assert right("digits", "bang", "fgsm_float32", 0.1, 200) > exact + 10


@pytest.mark.slow
def test_bang_on_mnist_keeps_what_an_independent_computation_in_double_found():
    try:
        load_dataset("mnist")
    except ExplorerError as error:
        pytest.skip(str(error))
    for size, standard, bang in ((0.1, 79.2, 78.8), (0.2, 19.8, 23.9), (0.3, 1.5, 1.4)):
        assert right("mnist", "standard", "fgsm", size, 1000) == pytest.approx(standard, abs=0.5)
        assert right("mnist", "bang", "fgsm", size, 1000) == pytest.approx(bang, abs=0.5)
    assert right("mnist", "bang", "fgsm_float32", 0.2, 1000) > 70
