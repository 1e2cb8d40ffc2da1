"""The table of Zheng et al. on the page "Methods": what the file holds is what the page shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import explorer
from explorer.app.methods.everyday import CONDITIONS, FILE, everyday_table
from explorer.distortions.protocols import everyday_plan
from tests.support.app_page import window

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LITE0 = "photos/efficientnet_lite0/standard"


def test_the_file_holds_what_the_suite_measures() -> None:
    table = everyday_table(explorer.list_models())
    assert table is not None
    assert (table["models"][0]["name"], table["models"][0]["method"]) == (LITE0, "standard")
    assert [row["recipe"] for row in table["rows"]] == [str(recipe) for _, recipe in everyday_plan(table["seed"])]
    assert [row["condition"] for row in table["rows"]] == list(CONDITIONS.values())
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert f"--suite {kept['result']['name']}" in kept["command"]
    assert {"explorer", "torch", "timm", "pillow"} <= set(kept["versions"])
    cells = [cell for row in table["rows"] for cell in row["cells"]]
    assert all(cell["top1"]["low"] < cell["top1"]["accuracy"] < cell["top1"]["high"] for cell in cells)
    assert all(cell["top1"]["accuracy"] < cell["top5"]["accuracy"] for cell in cells)


def test_the_models_of_the_file_are_the_columns(tmp_path: Path) -> None:
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    own = [row for row in kept["result"]["rows"] if row["model"] == LITE0]
    other = [
        row | {"model": "photos/mine/stability", "difference": 0.02, "difference_interval": [0.01, 0.03]} for row in own
    ]
    path = tmp_path / "everyday.json"
    path.write_text(json.dumps(kept | {"result": kept["result"] | {"rows": [*own, *other]}}), encoding="utf-8")
    table = everyday_table(explorer.list_models(), path)
    assert table is not None
    assert [model["name"] for model in table["models"]] == [LITE0, "photos/mine/stability"]
    assert table["models"][1]["title"] == "Stability training"
    assert [cell["difference"] for cell in table["rows"][0]["cells"]] == [
        None,
        {"value": 0.02, "low": 0.01, "high": 0.03},
    ]
    assert everyday_table([], tmp_path / "none.json") is None


@pytest.mark.browser
def test_the_page_shows_the_numbers_of_the_file(browser: Browser, url: str) -> None:
    table = everyday_table(explorer.list_models())
    assert table is not None
    with window(browser, url) as context:
        page = context.new_page()
        page.goto(f"{url}?place=methods")
        shown = page.get_by_role("region", name="Everyday steps on photographs")
        shown.wait_for()
        for row, line in zip(table["rows"], shown.locator("tbody tr").all(), strict=True):
            assert line.locator("th").inner_text() == row["condition"]
            wanted = [f"{100 * row['cells'][0][top]['accuracy']:.1f}" for top in ("top1", "top5")]
            assert line.locator("td b").all_inner_texts()[:2] == wanted
        assert f"n = {table['n']}, seed {table['seed']}" in shown.inner_text()
