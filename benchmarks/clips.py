"""A clip: all its frames through two networks for photographs, against their bare forward passes and the decoding."""

from __future__ import annotations

import io
from collections.abc import Sequence
from time import process_time

from benchmarks.timing import Row, race

FRAMES = 300
SIDE = 224


def make_clip(count: int) -> bytes:
    """A window that wanders over a photograph, as H.264."""
    import av
    import numpy as np

    from explorer.data.images import sample_images, to_uint8

    photo = to_uint8(sample_images()["cat"]())[0]
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for i in range(count):
            top, left = (abs((i // step) % (2 * room) - room) for step, room in ((5, 70), (2, 200)))
            frame = np.ascontiguousarray(photo[top : top + SIDE, left : left + SIDE])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(stream.encode())
    return file.getvalue()


def measure_frames(_: Sequence[str], count: int = FRAMES, rounds: int = 3) -> list[Row]:
    """By processor time: what else runs on the machine does not count."""
    import torch

    from explorer import frames, load_model
    from explorer.clips import open_clip
    from explorer.clips.frames import fitted, part_size
    from explorer.models.photos import LITE0
    from explorer.models.reading import renamed

    models = [load_model(LITE0, device="cpu"), renamed(load_model(LITE0, device="cpu"), "again")]
    clip = make_clip(count)
    x = torch.cat([fitted(frame, models[0].takes) for frame in open_clip(clip)])

    def bare() -> None:
        for _ in open_clip(clip):
            pass
        with torch.inference_mode():
            for part in x.split(part_size(models)):
                for model in models:
                    model(part)

    ours = ("frames()", lambda: frames(models, clip))
    what = f"a clip of {count} frames of {SIDE} px, 2 models, processor time"
    return [race(what, ours, ("decoding and bare forwards", bare), budget=1.15, rounds=rounds, warm_up=1,
                 timer=process_time)]  # fmt: skip
