"""What remedies gain and lose, on the page "Methods" and in the documentation: what the file holds."""

from __future__ import annotations

import json
from pathlib import Path

from docs.tools.tables import remedies_measured as as_markdown
from explorer.app.methods.remedies import FILE, remedies_measured
from explorer.models.naming import split_remedies
from explorer.models.remedies import REMEDIES, canonical


def test_every_remedy_stands_in_the_table_with_its_price_and_verdict() -> None:
    found = remedies_measured()
    assert found is not None
    assert found["command"] == "python tools/remedies_table.py"
    for table in found["tables"]:
        alone, *around = table["rows"]
        assert (alone["written"], alone["passes"], alone["clean"]["difference"]) == ("", 1, None)
        assert [row["title"] for row in around] == [one.title for one in REMEDIES.values()]
        for row in around:
            _, tail = split_remedies(table["model"] + row["written"])
            assert canonical(tail) == row["written"]
            for key in ("clean", "noise"):
                change = row[key]["difference"]
                assert abs(row[key]["accuracy"] - alone[key]["accuracy"] - change["value"]) < 1e-9
                assert change["low"] <= change["value"] <= change["high"]
            assert row["attacked"]["low"] <= row["attacked"]["accuracy"] <= row["attacked"]["high"]
        assert as_markdown().count("\n| `+") == len(around)


def test_where_nothing_was_measured_nothing_is_shown(tmp_path: Path) -> None:
    assert remedies_measured(tmp_path / "none.json") is None
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    kept["tables"][0]["rows"][1]["name"] = "of another version"
    (tmp_path / "old.json").write_text(json.dumps(kept), encoding="utf-8")
    old = remedies_measured(tmp_path / "old.json")
    assert old is not None
    assert old["tables"][0]["rows"][1]["written"].startswith("+smoothing")
