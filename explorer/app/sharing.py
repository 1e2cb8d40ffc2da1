"""A comparison as Python, as a command and as JSON."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from explorer.analysis import ComparisonRequest
from explorer.analysis.doubt import Threshold
from explorer.data.imagenet import imagenet_classes
from explorer.data.inputs import OWN
from explorer.models import Card
from explorer.models.external import default_classes
from explorer.models.functions import is_function

FILE = "picture.png"
"""Stands for a picture that only this explorer has."""

NAMES = "classes.txt"
"""Stands for the names of many classes of a model of one's own."""

IMAGENET = "imagenet"
FEW = 20  # classes whose names are written out


def shares(request: ComparisonRequest, limit: Threshold | None = None) -> dict[str, Any]:
    """Write a question for the command line, for Python and as JSON.

    What exists only in this explorer gets a name to be replaced: ``picture.png`` for a picture or a row of the
    visitor's own, ``name.safetensors`` for a model of their own.

    Args:
        request: The question.
        limit: How much doubt is too much.

    Returns:
        {"command", "python", "json", "uploaded", "notes"}. ``uploaded``: whether the picture was uploaded; ``notes``:
        what has to be corrected, one sentence each.
    """
    names = [model.name for model in request.models]
    external = [model.card for model in request.models if model.card.external]
    files = ",".join(_file_name(model.card) for model in request.models)
    image = _image_name(request)
    command = ["explorer", "compare", image, "--models", files, "--recipe", str(request.recipe)]
    if external:
        built = is_function(external[0].name)
        command += ["--size", str(external[0].size)] if built else ["--arch", external[0].arch]
        command += ["--mean", _numbers(external[0].mean), "--std", _numbers(external[0].std)]
        command += ["--classes", called] if (called := _classes(external[0])) else []
    shared: dict[str, Any] = {"picture": image, "models": names, "recipe": request.recipe.to_dict()}
    arguments = _arguments(request)
    if (pinned := request.reference) is not None:
        state = f"{_image_name(pinned)}|{pinned.recipe}"
        command += ["--pin", state]
        shared["reference"] = {"picture": _image_name(pinned), "recipe": pinned.recipe.to_dict()}
        labelled = pinned.label is not None and not pinned.picture.shipped  # else the name brings the class
        arguments += f", reference={f'explorer.compare({_arguments(pinned)})' if labelled else repr(state)}"
    if limit is not None:
        command += ["--doubt", str(limit)]
        shared["doubt"] = {"score": limit.doubt.name, "limit": limit.limit}
        arguments += f", doubt={str(limit)!r}"
    notes = _notes(request, external)
    python = [
        *(f"# {note}" for note in notes),
        "import explorer",
        *(["from explorer.data.imagenet import imagenet_classes"] if IMAGENET in map(_classes, external) else []),
        f"models = [{', '.join(_model_python(model.card) for model in request.models)}]",
        f"comparison = explorer.compare({arguments})",
    ]
    return {
        "command": " ".join(map(_word, command)),
        "python": "\n".join(python),
        "json": shared,
        "uploaded": request.picture.name == OWN,
        "notes": notes,
    }


def _notes(request: ComparisonRequest, external: Sequence[Card]) -> list[str]:
    """What has to be corrected in the texts before they run elsewhere."""
    notes = [
        f"{card.name} is a model of your own: for Python and the terminal, replace its name by the path of its file."
        for card in external
        if not is_function(card.name)
    ]
    notes += [
        f"{card.name} has {len(card.classes):,} classes: write their names into {NAMES}, one a line."
        for card in external
        if _classes(card) == NAMES
    ]
    if not request.picture.shipped and request.picture.name != OWN:
        data, _, _ = request.picture.name.rpartition(":")
        notes.append(f"{data} is a data set of your own: for Python and the terminal save the clean pixels as {FILE}.")
    return notes


def _arguments(request: ComparisonRequest) -> str:
    """The arguments of ``explorer.compare``; a name of the package brings its class with it."""
    label = "" if request.label is None or request.picture.shipped else f", label={request.label}"
    return f"models, {_image_name(request)!r}, {str(request.recipe)!r}{label}"


def _image_name(request: ComparisonRequest) -> str:
    return request.picture.name if request.picture.shipped else FILE


def _file_name(card: Card) -> str:
    if not card.external or is_function(card.name):
        return card.name
    return f"{card.base}.safetensors{card.name.removeprefix(card.base)}"


def _model_python(card: Card) -> str:
    if not card.external:
        return repr(card.name)
    how = f"mean={card.mean!r}, std={card.std!r}"
    if called := _classes(card):
        listed = {IMAGENET: "imagenet_classes()", NAMES: f"open({NAMES!r}).read().splitlines()"}
        how += f", classes={listed.get(called, repr(card.classes))}"
    if is_function(card.name):
        return f"explorer.load_model({card.name!r}, {how}, size={card.size})"
    return f"explorer.load_model({_file_name(card)!r}, arch={card.arch!r}, {how})"


def _classes(card: Card) -> str:
    """What ``--classes`` says of a network of one's own; nothing where they are called so without it."""
    if card.classes == default_classes(len(card.classes), card.channels):
        return ""
    if len(card.classes) == 1000 and card.classes == imagenet_classes():
        return IMAGENET
    joined = ",".join(card.classes)
    return joined if len(card.classes) <= FEW and joined.count(",") < len(card.classes) else NAMES


def _numbers(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


def _word(text: str) -> str:
    """A word of a command as shells of all systems read it: cmd.exe knows no single quotes."""
    if re.fullmatch(r"[\w@:./-]+", text):
        return text
    return f'"{text}"' if re.fullmatch(r"[\w@:./=+,;|() -]+", text) else shlex.quote(text)
