"""Clips as people have them, and files that are damaged, huge or something else."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from explorer.clips import open_clip, reading
from explorer.errors import ExplorerError
from tests.support.clips import animated, coded, shown_by, wandering

FRAMES = wandering()
Pixels = NDArray[np.uint8]


@pytest.mark.parametrize(
    ("codec", "container"),
    [("libx264", "mp4"), ("libx264", "mov"), ("libvpx-vp9", "webm"), ("libsvtav1", "mp4"), ("mpeg4", "mp4")],
)
def test_videos(codec: str, container: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip.{container}"
    path.write_bytes(coded(FRAMES, codec, container))
    clip = open_clip(path)
    read = list(clip)
    assert clip.name == path.name
    assert clip.count == len(read) == len(FRAMES)
    assert clip.notes == []
    assert [frame.index for frame in read] == list(range(12))
    assert [frame.time for frame in read] == pytest.approx([i / 25 for i in range(12)], abs=2e-3)
    for frame, made in zip(read, FRAMES, strict=True):
        assert frame.pixels.dtype == np.uint8
        assert np.abs(frame.pixels.astype(int) - made).mean() < 6, "another picture"
    again = list(clip)
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(read, again, strict=True))


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        ((0, 1, -1, 0), lambda frame: np.rot90(frame, -1)),  # as phones write portrait
        ((0, -1, 1, 0), lambda frame: np.rot90(frame, 1)),
        ((-1, 0, 0, -1), lambda frame: np.rot90(frame, 2)),
        ((-1, 0, 0, 1), lambda frame: frame[:, ::-1]),  # mirrored, as front cameras do
        ((0, 1, 1, 0), lambda frame: frame.swapaxes(0, 1)),
        ((0.7, 0.7, -0.7, 0.7), lambda frame: frame),  # 45 degrees: said
    ],
)
def test_frames_are_read_upright(matrix: tuple[float, float, float, float], turned: Callable[[Pixels], Pixels]) -> None:
    wide = tuple(frame[:64] for frame in FRAMES[:3])
    clip = open_clip(shown_by(coded(wide), matrix))
    for frame, made in zip(clip, wide, strict=True):
        assert np.abs(frame.pixels.astype(int) - turned(made)).mean() < 6
    assert [("aslant" in note) for note in clip.notes] == ([True] if matrix[0] == 0.7 else [])


def test_ten_bits_odd_sides_and_any_frame_rate() -> None:
    odd = tuple(np.ascontiguousarray(frame[:35, :51]) for frame in FRAMES[:4])
    for frames, pixels in ((FRAMES[:4], "yuv420p10le"), (odd, "yuv444p")):
        shown = (0, 10, 500, 9000)
        read = list(open_clip(coded(frames, pixels=pixels, shown=shown)))
        assert [round(1000 * frame.time) for frame in read] == list(shown)
        for frame, made in zip(read, frames, strict=True):
            assert np.abs(frame.pixels.astype(int) - made).mean() < 6


def test_what_players_show_otherwise_is_said() -> None:
    for part, said in (("HDR", {"color_trc": 16}), ("not square", {"sample_aspect_ratio": Fraction(4, 3)})):
        clip = open_clip(coded(FRAMES[:3], **said))
        assert len(list(clip)) == 3
        assert [part in note for note in clip.notes] == [True]


def test_colours_of_hd_are_those_of_bt_709() -> None:
    red = np.zeros((720, 64, 3), np.uint8)
    red[..., 0] = 255
    (frame, *_) = open_clip(coded((red,) * 2))  # coded by BT.601, without saying so
    assert frame.pixels[9, 9, 0] == 255
    assert frame.pixels[9, 9, 1] > 15, "players take it as BT.709"


def test_webp_and_folders_are_exact_and_gifs_close(tmp_path: Path) -> None:
    for i, frame in enumerate(FRAMES):
        Image.fromarray(frame).save(tmp_path / f"frame{i}.png")  # frame10 comes after frame9
    (tmp_path / "notes.txt").write_text("no picture")
    for source in (animated(FRAMES, "WEBP"), tmp_path):
        assert all(np.array_equal(a.pixels, b) for a, b in zip(open_clip(source), FRAMES, strict=True))
    gif = list(open_clip(animated(FRAMES, "GIF")))
    assert [frame.time for frame in gif] == pytest.approx([0.05 * i for i in range(12)])
    assert max(np.abs(a.pixels.astype(int) - b).mean() for a, b in zip(gif, FRAMES, strict=True)) < 12


def test_every_so_many_frames() -> None:
    clip = open_clip(animated(FRAMES, "WEBP")).every(5)
    read = list(clip)
    assert [frame.index for frame in read] == [0, 1, 2]
    assert np.array_equal(read[2].pixels, FRAMES[10])
    with pytest.raises(ExplorerError, match="every frame"):
        clip.every(0)


def test_what_is_not_a_clip_is_said_in_one_sentence(tmp_path: Path) -> None:
    video, single = coded(FRAMES), animated(FRAMES[:1], "GIF")
    empty, folder = tmp_path / "empty.mp4", tmp_path / "folder"
    empty.touch()
    folder.mkdir()
    bad: dict[str, Path | bytes] = {
        "empty": empty,
        "no pictures": folder,
        "cannot be opened": tmp_path / "none.mp4",
        "not a clip": b"#EXTM3U\nhttp://127.0.0.1/secret.ts\n",  # a play list would be fetched by FFmpeg
        "single picture": single,
        "damaged": video[: len(video) // 2],
    }
    for part, source in bad.items():
        with pytest.raises(ExplorerError, match=part) as caught:
            list(open_clip(source))
        assert str(caught.value).count("\n") == 0


def test_a_webm_that_breaks_off_gives_what_is_there() -> None:
    whole = coded(wandering(40), "libvpx-vp9", "webm")
    clip = open_clip(whole[: len(whole) // 2])
    count = len(list(clip))
    assert 2 <= count < 36
    assert [str(count) in note and "incomplete" in note for note in clip.notes] == [True]
    assert len(list(clip)) == count
    assert len(clip.notes) == 1, "said once"


def test_limits_on_length_size_and_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    video = coded(FRAMES)
    monkeypatch.setattr(reading, "MAX_FRAMES", 5)
    clip = open_clip(video)
    assert len(list(clip)) == 5
    assert "first 5" in clip.notes[0]
    monkeypatch.setattr(reading, "MAX_SECONDS", -1.0)
    assert list(clip) == []
    assert "Decoding took" in clip.notes[0]
    assert list(clip.every(12)) == [], "also while frames are left out"
    monkeypatch.setattr(reading, "MAX_PIXELS", 96 * 95)
    for source in (video, animated(FRAMES, "WEBP")):
        with pytest.raises(ExplorerError, match="96 x 96 px"):
            list(open_clip(source))
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    path = tmp_path / "clip.mp4"
    path.write_bytes(video)
    with pytest.raises(ExplorerError, match="larger than"):
        open_clip(path)


def test_damage_never_ends_in_a_traceback() -> None:
    for whole in (
        coded(FRAMES),
        coded(FRAMES, "libvpx-vp9", "webm"),
        animated(FRAMES, "GIF"),
        animated(FRAMES, "WEBP"),
    ):
        generator = np.random.default_rng(0)
        for _ in range(12):
            data = bytearray(whole)
            for at in generator.integers(16, len(data), 20):
                data[at] = generator.integers(256)
            try:
                assert all(frame.pixels.ndim == 3 for frame in open_clip(bytes(data)))
            except ExplorerError as error:
                assert len(str(error)) < 200  # noqa: PT017  # any of several sentences
