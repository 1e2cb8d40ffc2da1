"""Annotations of a survey's cases: a star, tags and a note, in one JSON file that is written whole or not at all.

``annotations.json`` is ``{case: {"star": bool, "tags": [text, ...], "note": text}}`` with the case number as text; only
annotated cases are in it. It is in the survey's folder or, if that is read-only or ships with the explorer, in the
cache folder under the plan's key.
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
from explorer.files import WriteError, write_whole
from explorer.survey.cases import condition_of
from explorer.survey.query import Survey
from explorer.survey.shipped import EXAMPLES

ANNOTATIONS = "annotations.json"
MAX_NOTE = 2000
MAX_TAGS = 12
MAX_TAG = 40
MAX_ANNOTATED = 20_000
"""Cases of one survey that may be annotated."""

_writing = threading.Lock()


@dataclass(frozen=True)
class Annotation:
    """The annotation of one case.

    Attributes:
        star: Whether the case is starred.
        tags: Short labels.
        note: Free text.
    """

    star: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""

    def __bool__(self) -> bool:
        return bool(self.star or self.tags or self.note)

    def to_dict(self) -> dict[str, Any]:
        """The annotation as a JSON object.

        Returns:
            ``{"star", "tags", "note"}``.
        """
        return {**asdict(self), "tags": list(self.tags)}


def annotations_file(survey: Survey) -> Path:
    """Path of the file that keeps a survey's annotations.

    Args:
        survey: The survey.

    Returns:
        The path, whether the file exists or not.
    """
    folder = survey.folder.resolve()
    if EXAMPLES not in folder.parents and os.access(folder, os.W_OK):
        return folder / ANNOTATIONS
    return cache_folder() / "annotations" / f"{survey.plan.key[:32]}.json"


def read_annotations(survey: Survey) -> dict[int, Annotation]:
    """Read the annotations of a survey.

    Args:
        survey: The survey.

    Returns:
        Annotation by case number.

    Raises:
        ExplorerError: If the file is damaged.
    """
    path = annotations_file(survey)
    former = path.with_name("marks.json") if path.name == ANNOTATIONS else path.parent.with_name("marks") / path.name
    if former.exists() and not path.exists():
        path = former  # as written before annotations had their name
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return {
            int(case): make_annotation(one.get("star"), one.get("tags"), one.get("note")) for case, one in raw.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, RecursionError, ExplorerError) as error:
        raise ExplorerError(f"{path} cannot be read as annotations; repair it or move it away.") from error


def make_annotation(star: Any, tags: Any, note: Any) -> Annotation:
    """Validate values from anywhere and tidy their texts.

    Args:
        star: True or False.
        tags: List of words.
        note: Text.

    Returns:
        The annotation.

    Raises:
        ExplorerError: If a value has the wrong type or is too long.
    """
    if not isinstance(star, bool) or not isinstance(note, str) or not isinstance(tags, Sequence):
        raise ExplorerError("An annotation is a star (true or false), a list of tags and a note.")
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in tags):
        raise ExplorerError("The tags of an annotation are a list of words.")
    tidy = tuple(dict.fromkeys(" ".join(tag.split()) for tag in tags if tag.strip()))
    if len(tidy) > MAX_TAGS or any(len(tag) > MAX_TAG for tag in tidy):
        raise ExplorerError(f"A case takes at most {MAX_TAGS} tags of at most {MAX_TAG} characters.")
    if len(note) > MAX_NOTE:
        raise ExplorerError(f"A note takes at most {MAX_NOTE} characters.")
    return Annotation(star, tidy, note.strip())


def put_annotation(survey: Survey, case: int, annotation: Annotation) -> None:
    """Store the annotation of one case in place of its former one.

    Args:
        survey: The survey.
        case: Number of the case.
        annotation: What to store; an empty one removes the case's annotation.

    Raises:
        ExplorerError: If there is no such case, if there are too many annotations, or if the file cannot be written.
    """
    condition_of(survey.plan, case)
    path = annotations_file(survey)
    with _writing:
        annotations = read_annotations(survey)
        annotations.pop(case, None)
        if annotation:
            annotations[case] = annotation
        if len(annotations) > MAX_ANNOTATED:
            raise ExplorerError(f"At most {MAX_ANNOTATED:,} cases of a survey can be annotated.")
        text = json.dumps(
            {str(key): annotations[key].to_dict() for key in sorted(annotations)}, indent=1, ensure_ascii=False
        )
        try:
            write_whole(path, text)
        except (WriteError, UnicodeEncodeError) as error:
            raise ExplorerError(f"The annotation could not be written to {path}.") from error
