"""Clips: answers to every frame of a video, real video codecs as distortions, and the most telling neighbours."""

from explorer.clips.encoding import VIDEO_CODECS, Encoding, encoded, read_encoding
from explorer.clips.frames import frames
from explorer.clips.reading import Clip, Frame, open_clip
from explorer.clips.results import FrameAnswers, Frames, TellingPair
from explorer.clips.survey import survey_clip

__all__ = [
    "VIDEO_CODECS",
    "Clip",
    "Encoding",
    "Frame",
    "FrameAnswers",
    "Frames",
    "TellingPair",
    "encoded",
    "frames",
    "open_clip",
    "read_encoding",
    "survey_clip",
]
