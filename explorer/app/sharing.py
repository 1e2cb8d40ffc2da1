"""A state of the page written for Python, the command line and programs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from explorer.app.workspace import LoadedRequest
from explorer.data.datasets import SOURCES
from explorer.models import Card


def shares(request: LoadedRequest, state: Mapping[str, Any], own: Collection[str] = ()) -> dict[str, Any]:
    """A state, loaded as ``request``, for the command line, as Python and as JSON: {"command", "python", "json", "own",
    "notes"}.

    ``own`` says that the picture is the visitor's own. What only this explorer has stands there under a name to be
    put right: ``picture.png`` for a picture or a row of one of the ``own`` data sets, ``name.safetensors`` for a model
    of one's own; ``notes`` says so, one sentence each.
    """
    names = [model.name for model in request.models]
    known = frozenset(SOURCES) - set(own)  # the data sets whose rows mean the same elsewhere
    picture = state["picture"]
    image = _image_name(picture, known)
    outside = [model.card for model in request.models if model.method == "outside"]
    files = [_file_name(model.card) for model in request.models]
    command = ["explorer", "compare", image, "--models", ",".join(files), "--recipe", str(request.recipe)]
    if outside:
        command += ["--arch", outside[0].arch]
        command += ["--mean", _numbers(outside[0].mean), "--std", _numbers(outside[0].std)]
    shared: dict[str, Any] = {"picture": image, "models": names, "recipe": request.recipe.to_dict()}
    arguments = ["models", repr(image), repr(str(request.recipe)), *_label(picture, known, request.label)]
    if request.pinned is not None:
        other = state["reference"]["picture"]
        pinned, chain = _image_name(other, known), str(request.pinned)
        command += ["--pin", f"{pinned}|{chain}"]
        shared["reference"] = {"picture": pinned, "recipe": request.pinned.to_dict()}
        told = _label(other, known, request.pinned_label)
        reference = f"explorer.compare({', '.join(['models', repr(pinned), repr(chain), *told])})" if told else None
        arguments.append(f"reference={reference or repr(f'{pinned}|{chain}')}")
    notes = _notes(picture, known, outside)
    python = [
        *(f"# {note}" for note in notes),
        "import explorer",
        f"models = [{', '.join(_model_python(model.card) for model in request.models)}]",
        f"comparison = explorer.compare({', '.join(arguments)})",
    ]
    return {
        "command": " ".join(map(_word, command)),
        "python": "\n".join(python),
        "json": shared,
        "own": "token" in picture,
        "notes": notes,
    }


def _notes(picture: Mapping[str, Any], known: frozenset[str], outside: Sequence[Card]) -> list[str]:
    """What has to be put right in the texts before they run elsewhere."""
    notes = [
        f"{card.name} is a model of your own: for Python and the terminal put in the path of its file."
        for card in outside
    ]
    if "dataset" in picture and picture["dataset"] not in known:
        notes.append(
            f"{picture['dataset']} is a data set of your own: for Python and the terminal save the clean pixels as "
            "picture.png."
        )
    return notes


def _file_name(card: Card) -> str:
    return f"{card.name}.safetensors" if card.method == "outside" else card.name


def _model_python(card: Card) -> str:
    if card.method != "outside":
        return repr(card.name)
    return f"explorer.load_model({_file_name(card)!r}, arch={card.arch!r}, mean={card.mean!r}, std={card.std!r})"


def _numbers(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


def _word(text: str) -> str:
    """A word of a command as shells of all systems read it: cmd.exe knows no single quotes."""
    if re.fullmatch(r"[\w@:./-]+", text):
        return text
    return f'"{text}"' if re.fullmatch(r"[\w@:./=+,;| -]+", text) else shlex.quote(text)


def _image_name(picture: Mapping[str, Any], known: frozenset[str]) -> str:
    if picture.get("dataset") in known:
        return f"{picture['dataset']}:{picture['index']}"
    return str(picture.get("sample", "picture.png"))


def _label(picture: Mapping[str, Any], known: frozenset[str], label: int | None) -> list[str]:
    """The argument that says the true class; rows of known data sets bring theirs."""
    return [] if label is None or picture.get("dataset") in known else [f"label={label}"]
