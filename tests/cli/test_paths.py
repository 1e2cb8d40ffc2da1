"""Names and paths with signs that mean something elsewhere, through every door of the command line and of Python."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

import explorer
from explorer import cli
from explorer.errors import ExplorerError
from explorer.files import user_path
from explorer.models import checkpoint_folder
from explorer.survey import Survey

NAMES = [
    "a,b", "lr=0.1,wd=5e-4", "seed=7", "a[b]", "a(b)", "a{b}", "a b", "a;b", "a#b", "a%20b", "a'b", "a&b", "-x", "v1.5",
    "Größe 名前 фото", "~x",
]  # fmt: skip
NOT_ON_WINDOWS = ["C:\\data\\x", "a:b", "a*b?", 'a"b', "a|b"]
ELSEWHERE = pytest.mark.skipif(sys.platform == "win32", reason="no names of files on Windows")

ADDRESSES = [
    "https://a.org/cat.png",
    "http://a.org/net.pth",
    "s3://bucket/folder",
    "hf://who/net",
    "file:///tmp/cat.png",
]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str) -> str:
        with pytest.raises(SystemExit) as left:
            cli.main(arguments)
        out, err = capsys.readouterr()
        assert left.value.code == 0, err
        return out

    return call


def filled(folder: Path, name: str) -> Path:
    """A folder of this name with a model, a picture and a data set of this name in it."""
    here = folder / name
    here.mkdir()
    for method, file in (("standard", name), ("bang", "best")):
        for suffix in (".safetensors", ".json"):
            shutil.copy(checkpoint_folder() / f"digits/lenet/{method}{suffix}", here / f"{file}{suffix}")
    picture = here / f"{name}.png"
    Image.linear_gradient("L").resize((28, 28)).save(picture)
    for label in "01":
        (here / f"{name} set" / label).mkdir(parents=True)
        shutil.copy(picture, here / f"{name} set" / label / f"{name}.png")
    return here


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "home"),
    [
        *((name, False) for name in NAMES),
        *(pytest.param(name, False, marks=ELSEWHERE) for name in NOT_ON_WINDOWS),
        *((name, True) for name in ("plain", "a,b", "~x")),
    ],
)
def test_every_door_takes_every_name(
    name: str, home: bool, run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    for other in ("ab", "axb", "aXbY"):  # what a pattern or a cut name would find
        (tmp_path / other / "survey" / "rows").mkdir(parents=True)
        (tmp_path / other / "survey" / "rows" / "000000.parquet").write_text("another's")
    here = filled(tmp_path, name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    base = f"~/{name}" if home else str(here)
    model, picture, data = f"{base}/{name}.safetensors", f"{base}/{name}.png", f"{base}/{name} set"
    both = f"{model},{base}/best.safetensors"

    found = json.loads(run("compare", picture, "--models", both, "--out", f"{base}/out.json", "--json"))
    assert [answer["name"] for answer in found["models"]] == ["digits/lenet/standard", "digits/lenet/bang"]
    assert json.loads((here / "out.json").read_text(encoding="utf-8")) == found
    assert "2" in run("evaluate", model, "--data", data)
    run(
        "survey",
        "run",
        f"--models={both}",
        "--data",
        data,
        "--distortions=jpeg",
        "--amounts=50",
        f"--out={base}/survey",
    )
    assert json.loads(run("survey", "show", f"{base}/survey", "--sql", "SELECT count(*) AS n FROM rows", "--json"))
    run("survey", "export", f"{base}/survey", "--out", f"{base}/r.csv")
    assert (here / "r.csv").is_file()
    assert not Path("~").exists(), "the sign of a home is no folder"

    result = explorer.compare([model, f"{base}/best.safetensors"], picture, "jpeg=50")
    assert result.save(f"{base}/python.json") == here / "python.json"
    assert len(explorer.load_dataset(data)) == 2
    assert Survey(f"{base}/survey").plan.rows == 2


@pytest.mark.slow
@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_are_refused_plainly(address: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = "digits/lenet/standard"
    doors = [
        ["compare", address, "--models", model],
        ["compare", "digits:3", "--models", address],
        ["compare", "digits:3", "--models", model, "--out", f"{address}.json"],
        ["evaluate", model, "--data", address],
        ["survey", "run", "--models", model, "--data", address, "--distortions", "jpeg", "--out", str(tmp_path / "s")],
        ["survey", "show", address],
        ["app", "--data", address],
    ]
    for arguments in doors:
        with pytest.raises(SystemExit, match="2"):
            cli.main(arguments)
        err = capsys.readouterr().err
        assert "is an address; nothing is fetched from there" in err, arguments
        assert err.count("\n") == 1
    with pytest.raises(ExplorerError, match="is an address"):
        explorer.compare(model, address)


def test_a_drive_is_not_an_address() -> None:
    assert user_path("C:/data/cat.png") == Path("C:/data/cat.png")
    assert user_path("C:\\data\\cat.png") == Path("C:\\data\\cat.png")


def test_names_for_models_are_set_in_their_order(run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    here = filled(tmp_path, "a")
    models = f"digits/lenet/gaussian,{here}/a.safetensors,{here}/best.safetensors"
    for command in (["compare", "digits:3"], ["sweep", "digits:3", "--distortion", "jpeg", "--amounts", "20,50"]):
        found = json.loads(run(*command, "--models", models, "--name", "before", "--name", "v1.5", "--json"))
        assert [answer["name"] for answer in found["models"]] == ["digits/lenet/gaussian", "before", "v1.5"]
    rows = csv.DictReader(io.StringIO(run("compare", "digits:3", "--models", models, "--name", "before,v1.5", "--csv")))
    assert [row["model"] for row in rows] == ["digits/lenet/gaussian", "before", "v1.5"]
    with pytest.raises(SystemExit, match="2"):
        cli.main(["evaluate", models, "--data", "digits", "--name", "before"])
    assert "names the 2 networks of your own, not 1 name." in capsys.readouterr().err


def test_a_title_keeps_what_follows_a_dot(tmp_path: Path) -> None:
    path = tmp_path / "lr=0.1.safetensors"
    shutil.copy(checkpoint_folder() / "digits/lenet/bang.safetensors", path)
    assert explorer.load_model(path, arch="lenet").card.title == "lr=0.1"
