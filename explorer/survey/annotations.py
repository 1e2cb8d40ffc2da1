"""What people note on a survey's cases: a star, tags, a note. One JSON file, written whole or not at all.

``annotations.json`` is ``{case: {"star": bool, "tags": [text, ...], "note": text}}``, the case's number as text; only
cases with something noted are in it. It lies in the survey's folder or, where that is not ours to write in (the surveys
that travel with the explorer), in the cache folder under the plan's key.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from explorer.data.published import cache_folder
from explorer.errors import ExplorerError
from explorer.survey.cases import condition_of
from explorer.survey.query import Survey
from explorer.survey.shipped import EXAMPLES

ANNOTATIONS = "annotations.json"
MAX_NOTE = 2000
MAX_TAGS = 12
MAX_TAG = 40
MAX_MARKED = 20_000
"""Cases of one survey that may carry marks."""

_writing = threading.Lock()


@dataclass(frozen=True)
class Annotation:
    """What is noted on one case."""

    star: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""

    def __bool__(self) -> bool:
        return bool(self.star or self.tags or self.note)

    def to_dict(self) -> dict[str, Any]:
        """{"star", "tags", "note"}."""
        return {**asdict(self), "tags": list(self.tags)}


def annotations_file(survey: Survey) -> Path:
    """Where the survey's marks are kept."""
    folder = survey.folder.resolve()
    if EXAMPLES not in folder.parents and os.access(folder, os.W_OK):
        return folder / ANNOTATIONS
    return cache_folder() / "marks" / f"{survey.plan.key[:32]}.json"


def read_annotations(survey: Survey) -> dict[int, Annotation]:
    """The marks by case; ExplorerError where the file is damaged."""
    path = annotations_file(survey)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {
            int(case): make_annotation(one.get("star"), one.get("tags"), one.get("note")) for case, one in raw.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, RecursionError, ExplorerError) as error:
        raise ExplorerError(f"{path} cannot be read as marks; mend it or move it away.") from error


def make_annotation(star: Any, tags: Any, note: Any) -> Annotation:
    """A mark of values from anywhere, its texts tidied; ExplorerError where they are of another kind or too long."""
    if not isinstance(star, bool) or not isinstance(note, str) or not isinstance(tags, Sequence):
        raise ExplorerError("A mark is a star (true or false), a list of tags and a note.")
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
        raise ExplorerError("The tags of a mark are a list of words.")
    tidy = tuple(dict.fromkeys(" ".join(tag.split()) for tag in tags if tag.strip()))
    if len(tidy) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in tidy):
        raise ExplorerError(f"A case takes at most {MAX_TAGS} tags of at most {MAX_TAG} characters.")
    if len(note) > MAX_NOTE:
        raise ExplorerError(f"A note takes at most {MAX_NOTE} characters.")
    return Annotation(star, tidy, note.strip())


def put_annotation(survey: Survey, case: int, mark: Annotation) -> None:
    """Keep a mark in place of the case's former one; an empty one takes it away. ExplorerError as one sentence."""
    condition_of(survey.plan, case)
    path = annotations_file(survey)
    with _writing:
        marks = read_annotations(survey)
        marks.pop(case, None)
        if mark:
            marks[case] = mark
        if len(marks) > MAX_MARKED:
            raise ExplorerError(f"At most {MAX_MARKED:,} cases of a survey can be marked.")
        text = json.dumps({str(key): marks[key].to_dict() for key in sorted(marks)}, indent=1, ensure_ascii=False)
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except (OSError, UnicodeEncodeError) as error:
            part.unlink(missing_ok=True)
            raise ExplorerError(f"The mark could not be written to {path}.") from error
