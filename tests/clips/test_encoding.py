"""Real video codecs as distortions: the encoder's own bytes, the quality setting, odd sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.clips import VIDEO_CODECS, encoded, open_clip, read_encoding
from explorer.errors import ExplorerError
from tests.support.clips import animated, wandering


@pytest.mark.parametrize("name", ["h264", "vp9", "av1"])
def test_worse_quality_changes_pixels_more(name: str) -> None:
    codec, frames = VIDEO_CODECS[name], wandering(6)
    clip, errors = open_clip(animated(frames, "WEBP")), []
    for crf in (codec.low, codec.default, codec.high):
        out = list(encoded(clip, read_encoding(f"{name}={crf}")))
        assert [frame.time for frame in out] == [frame.time for frame in clip]
        assert [frame.pixels.shape for frame in out] == [(96, 96, 3)] * 6
        errors.append(np.mean([np.abs(a.pixels.astype(int) - b).mean() for a, b in zip(out, frames, strict=True)]))
    assert errors[0] < errors[1] < errors[2]
    assert errors[0] < 3


def test_odd_and_small_frames_keep_their_size() -> None:
    frames = tuple(frame[:35, :51] for frame in wandering(3))
    for name in VIDEO_CODECS:
        out = list(encoded(open_clip(animated(frames, "WEBP")), read_encoding(name)))
        assert [frame.pixels.shape for frame in out] == [(35, 51, 3)] * 3
        assert np.abs(out[2].pixels.astype(int) - frames[2]).mean() < 12


@pytest.mark.parametrize("name", ["vp9", "av1"])  # x264 decides otherwise now and then
def test_the_same_setting_gives_the_same_pixels(name: str) -> None:
    clip = encoded(open_clip(animated(wandering(4), "WEBP")), read_encoding(f"{name}=40"))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(clip, clip, strict=True))


@pytest.mark.parametrize("text", ["h264=52", "av1=0", "vp9=x", "h264=-1", "h265=20"])
def test_wrong_settings_are_said(text: str) -> None:
    with pytest.raises(ExplorerError):
        read_encoding(text)


def test_frames_that_a_codec_does_not_take_are_said(tmp_path: Path) -> None:
    for i, side in enumerate((96, 80)):
        Image.fromarray(wandering(1)[0][:side]).save(tmp_path / f"{i}.png")
    with pytest.raises(ExplorerError, match="differ in size"):
        list(encoded(open_clip(tmp_path), read_encoding("vp9")))
    line = (np.zeros((1, 60_000, 3), np.uint8), np.ones((1, 60_000, 3), np.uint8))
    with pytest.raises(ExplorerError, match="AV1 takes no frames of 60000 x 1 px"):
        list(encoded(open_clip(animated(line, "GIF")), read_encoding("av1")))
