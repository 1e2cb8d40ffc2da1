"""Exports: every row, every annotation, whole files or none, and no more memory for more rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import explorer.survey.export as exporting
from explorer.cli import app
from explorer.errors import ExplorerError
from explorer.survey import Survey, shipped
from explorer.survey.annotations import Annotation, put_annotation
from explorer.survey.export import FORMATS, export


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    found = Survey(shutil.copytree(shipped()[0], tmp_path_factory.mktemp("survey") / "digits"))
    put_annotation(
        found, 7, Annotation(star=True, tags=("crooked", 'a "4", or 9'), note="line one\nline two, with a comma")
    )
    return found


def rows(survey: Survey) -> pd.DataFrame:
    return survey.sql('SELECT * EXCLUDE (layers) FROM rows ORDER BY "case", model')


@pytest.mark.slow
@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_tables_hold_every_row_and_every_mark(survey: Survey, name: str, tmp_path: Path) -> None:
    out = tmp_path / f"rows.{name}"
    assert export(survey, name, out) == survey.plan.answers
    found = (
        pd.read_csv(out, dtype={"hash": str, "image_hash": str, "note": str}) if name == "csv" else pd.read_parquet(out)
    )
    found = found.astype({"model": str, "distortion": str})
    own = found.sort_values(["case", "model"], ignore_index=True)
    wanted = rows(survey)
    assert len(own) == len(wanted)
    for column in wanted.columns:
        if wanted[column].dtype.kind == "f":
            np.testing.assert_allclose(
                own[column].to_numpy(float), wanted[column].to_numpy(float), rtol=1e-6, atol=1e-12
            )
        else:
            assert list(own[column].astype(str)) == list(wanted[column].astype(str))
    annotated = own[own["case"] == 7]
    assert annotated.star.all()
    assert not own[own["case"] != 7].star.any()
    tags = annotated.tags.iloc[0]
    assert list(json.loads(tags) if name == "csv" else tags) == ["crooked", 'a "4", or 9']
    assert set(annotated.note) == {"line one\nline two, with a comma"}
    layers = own["layers"].iloc[0]
    assert len(json.loads(layers) if name == "csv" else layers) == len(survey.plan.layers[0])


@pytest.mark.slow
def test_fiftyone_samples_are_one_per_case_with_every_model(survey: Survey, tmp_path: Path) -> None:
    out = tmp_path / "samples.json"
    assert export(survey, "fiftyone", out) == survey.plan.answers
    found = json.loads(out.read_text(encoding="utf-8"))
    assert len(found["samples"]) == survey.plan.answers / len(survey.plan.models)
    assert found["key"] == survey.plan.key
    sample = next(sample for sample in found["samples"] if sample["case"] == 7)
    assert sample["tags"] == ["crooked", 'a "4", or 9', "starred"]
    wanted = survey.sql('SELECT * FROM rows WHERE "case" = 7').set_index("model")
    for model in survey.plan.models:
        own = sample[model.replace("/", "_")]
        assert own["_cls"] == "Classification"
        assert own["label"] == survey.plan.classes[wanted.loc[model, "prediction"]]
        assert own["confidence"] == pytest.approx(wanted.loc[model, "confidence"])
    assert sample["ground_truth"]["label"] == survey.plan.classes[wanted.label.iloc[0]]


@pytest.mark.slow
def test_rows_come_in_pieces(survey: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FORMATS:
        export(survey, name, tmp_path / f"whole.{name}")
    monkeypatch.setattr(exporting, "BATCH_ROWS", 1234)
    sizes = [table.num_rows for table in exporting._batches(survey, {})]
    assert max(sizes) <= 1234
    for name in FORMATS:
        export(survey, name, tmp_path / f"pieces.{name}")
        if name == "parquet":
            pd.testing.assert_frame_equal(
                pd.read_parquet(tmp_path / "pieces.parquet"), pd.read_parquet(tmp_path / "whole.parquet")
            )
        else:
            assert (tmp_path / f"pieces.{name}").read_bytes() == (tmp_path / f"whole.{name}").read_bytes()


def test_a_failed_export_leaves_the_old_file(survey: Survey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "rows.csv"
    out.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_text", fail)
    with pytest.raises(ExplorerError, match="No space left on device"):
        export(survey, "csv", out)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
    assert out.read_text() == "old"


def test_what_makes_no_sense_is_said(survey: Survey, tmp_path: Path) -> None:
    with pytest.raises(ExplorerError, match="no export format 'xml'; there are csv, parquet, fiftyone"):
        export(survey, "xml", tmp_path / "out.xml")
    with pytest.raises(ExplorerError, match="among the survey's own rows"):
        export(survey, "parquet", survey.folder / "rows" / "000009.parquet")
    done = CliRunner().invoke(app, ["survey", "export", str(survey.folder), "--out", str(tmp_path / "a.csv")])
    assert done.exit_code == 0, done.output
    assert f"{survey.plan.answers:,} rows" in done.output
