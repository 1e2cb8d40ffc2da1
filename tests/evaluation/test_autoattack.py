from __future__ import annotations

import importlib.util
import json

import pytest

from explorer.errors import ExplorerError
from explorer.evaluation import AutoAttack, evaluate, run_suite
from explorer.reports.sheets import sheet

NAMES = ["digits/lenet/standard", "digits/lenet/bang"]


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ExplorerError, match=r"needs the package pyautoattack: pip install pyautoattack"):
        run_suite(NAMES[0], "digits", "autoattack", limit=2)


@pytest.mark.slow
def test_no_network_is_stronger_under_autoattack_than_under_fgsm() -> None:
    pytest.importorskip("pyautoattack")
    found = run_suite(NAMES, "digits", "autoattack", limit=6)
    assert isinstance(found, AutoAttack)
    assert (found.name, found.n, found.amount) == ("autoattack", 6, 0.3)
    assert [one.model for one in found.summaries] == NAMES
    for one in found.summaries:
        weaker = evaluate(one.model, "digits", f"fgsm=0.3;against={one.model}", limit=6)
        assert one.accuracy <= weaker.accuracy
        assert one.clean == evaluate(one.model, "digits", limit=6).accuracy
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["summaries"][0]["model"] == NAMES[0]
    assert sheet(found).tables[0].rows[0][0] == NAMES[0]
    assert found.figure() is not None
