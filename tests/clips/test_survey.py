"""A clip as a survey: what a query reads is what the frames were answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.cli import main
from explorer.clips import survey_clip
from explorer.data.datasets import open_dataset
from explorer.data.image_files import ImageFiles
from explorer.errors import ExplorerError
from explorer.survey import Store, Survey, accuracy
from tests.support.clips import animated, wandering

MODELS = ["digits/lenet/standard", "digits/lenet/stability"]
CLIP = animated(wandering(8), "WEBP")


def test_frames_become_images_of_a_survey(tmp_path: Path) -> None:
    survey_clip(MODELS, CLIP, ["gaussian_noise=0.2:0.4", "contrast=0.3"], tmp_path / "out", label="3", every=2)
    data = open_dataset(tmp_path / "out" / "frames")
    assert len(data) == 4
    assert isinstance(data.images, ImageFiles)
    found = Survey(tmp_path / "out" / "survey")
    table = accuracy(found).to_frame()
    assert set(table["n"]) == {4}
    assert {"gaussian_noise", "contrast"} <= set(table["distortion"])


def test_from_the_command_line_into_a_new_folder_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "clip.webp").write_bytes(CLIP)
    asked = [
        "frames",
        str(tmp_path / "clip.webp"),
        "--models",
        ",".join(MODELS),
        "--recipe",
        "jpeg=20;seed=1",
        "--label",
        "3",
    ]
    for _ in range(2):
        with pytest.raises(SystemExit) as left:
            main([*asked, "--survey", str(tmp_path / "out")])
        told = capsys.readouterr()
        if left.value.code:
            assert "not empty" in told.err, "the second time"
        else:
            assert "flip rate" in told.out
    assert Store(tmp_path / "out" / "survey").plan.rows == 8


def test_wrong_requests_are_one_sentence(tmp_path: Path) -> None:
    for label, part in (("dog", "no class"), (None, "say what the clip shows")):
        with pytest.raises(ExplorerError, match=part):
            survey_clip(MODELS, CLIP, ["jpeg=20"], tmp_path / "out", label=label)
