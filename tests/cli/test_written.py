"""Commands that write files say for other programs what they wrote and measured, and nothing else on stdout."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from explorer.evaluation.masking import ATTACKS
from explorer.models import list_models
from explorer.models.checkpoints import read_card
from explorer.models.families import masking_verdict
from explorer.survey import Survey
from tests.cli.test_forms import MODELS, called
from tests.support.tiny_experiment import TINY


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The same command's JSON and CSV."""
    forms = []
    for form in ("--json", "--csv"):
        capsys.readouterr()
        code, out, err = called(capsys, *arguments, form)
        assert code == 0, err
        forms.append(out)
    return json.loads(forms[0]), list(csv.DictReader(io.StringIO(forms[1])))


def same(records: list[dict[str, Any]], rows: list[dict[str, str]]) -> bool:
    return [{key: str(value) for key, value in record.items()} for record in records] == rows


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["train", "measure"])
def test_what_was_measured_is_a_record_for_each_recipe(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "--data", "digits", "--arch", "lenet", "--epochs", "1", "--train-size", "128", "--no-flip"]
    name, recipes = "digits/lenet/standard", 10
    if engine == "measure":
        words, recipes = ["measure", "--models", name, "--recipes", "clean,jpeg=50", "--out", "runs"], 2
    records, rows = told(capsys, *words)
    assert same(records, rows)
    assert len(records) == recipes
    assert records[0].keys() == {"model", "checkpoint", "recipe", "seed", "n", "accuracy"}
    path = Path("runs") / f"{name}.safetensors"
    assert {record["checkpoint"] for record in records} == {str(path)}
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    measured = {row["recipe"]: row["accuracy"] for row in card["results"]}
    assert all(measured[record["recipe"]] == record["accuracy"] for record in records)


def test_the_scale_of_feature_distances_is_put_into_a_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "digits/lenet/standard"
    records, rows = told(capsys, "measure", "--models", name, "--reference", "digits", "--out", str(tmp_path))
    assert same(records, rows)
    card = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    shipped = next(one for one in list_models() if one.name == name)
    quantiles = card["reference"]["penultimate"]
    assert quantiles == pytest.approx(shipped.reference["penultimate"], rel=1e-4)
    assert records == [{"model": name, "card": str(tmp_path / f"{name}.json"), "n": 360, "median": quantiles[50]}]
    assert card["reference_source"]["command"] == f"explorer measure --models {name} --reference digits"
    assert card["results"] == shipped.results


def test_a_masking_verdict_is_put_into_a_card_and_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, cards = "digits/lenet/standard", ["--cards", str(tmp_path)]
    words = ["masking", name, "--data", "digits", "--limit", "3", "--restarts", "1", "--attack-size", "0.2"]
    assert called(capsys, *words, "--source", "digits/lenet/bang", *cards)[0] == 0
    card = read_card(tmp_path / f"{name}.json")
    command = f"explorer masking {name} --data digits --source digits/lenet/bang --attack-size 0.2 --limit 3"
    assert card.masking["command"] == f"{command} --restarts 1 --seed 0"
    assert (card.masking["n"], card.masking["size"], len(card.masking["attacks"])) == (3, 0.2, len(ATTACKS))
    told = masking_verdict(card)
    assert told["verdict"] == "no sign"
    assert told["help"].startswith("No sign of masking. 0.0 % (0.0 to 56.1) of 3 images withstand all attacks of 0.2")
    assert masking_verdict(replace(card, masking={}))["verdict"] == "not measured"
    code, _, err = called(capsys, "masking", f"{name}+jpeg", "--data", "digits", *cards)
    assert code == 2
    assert "has no card of its own, so --cards goes without it" in err


@pytest.mark.slow
def test_a_surveys_page_and_table_and_an_experiments_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, page, table = tmp_path / "survey", tmp_path / "survey.html", tmp_path / "rows.csv"
    words = [*MODELS, "--data", "digits", "--distortions", "jpeg", "--limit", "4", "--out", str(folder)]
    assert called(capsys, "survey", "run", *words)[0] == 0
    records, rows = told(capsys, "survey", "report", str(folder), "--out", str(page))
    assert same(records, rows)
    assert records == [{"file": str(page), "missing": ""}]
    assert page.stat().st_size > 10_000
    records, rows = told(capsys, "survey", "export", str(folder), "--out", str(table))
    assert same(records, rows)
    assert records == [{"file": str(table), "rows": len(Survey(folder).sql("select * from rows"))}]
    file = tmp_path / "tiny.toml"
    file.write_text(TINY, encoding="utf-8")
    records, rows = told(capsys, "experiment", "page", str(file))
    assert same(records, rows)
    assert Path(records[0]["file"]).read_text(encoding="utf-8").startswith("# Tiny")
