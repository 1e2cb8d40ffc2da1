"""What the page's address says, and what it should say to Python and to the command line.

The address holds the whole state: ``?picture=digits:7&models=A,B&recipe=jpeg=30;seed=7`` and, where they are used,
``off`` (steps that are switched off, ``place:name=amount``), ``pin`` (the pinned state, ``picture|recipe``) and
``tab``. Anybody may have written it: what can be honoured is, the rest is said in plain sentences.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from explorer.data.datasets import SOURCES
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.models import Card
from explorer.models.families import Family

if TYPE_CHECKING:
    from explorer.app.live import Live, Scene

MAX_LINK = 20_000
"""Characters of an address that are read."""

MAX_PARTS = 30
"""Parameters, models and steps of an address that are read: a little more than the page can show."""

OWN = "own"
"""The picture's name where it is the visitor's own; its pixels stand in the address's fragment, which stays in the
browser."""

GRADIO = {"__theme", "view", "deep_link", "__sign"}
"""Parameters that are Gradio's own."""

FAILURES = {"place", "survey", "pair", "find", "pane"}
"""Parameters of the page "Failures", which reads them itself and asks for what they say like for anything else."""

METHODS = {"data", "distortion", "reach", "images"}
"""Those of the page "Methods", likewise."""


def read_link(live: Live, query: Any, *, max_models: int, max_steps: int) -> dict[str, Any]:
    """What an address's query (without the ``?``) asks for: {"state": {...}, "said": [sentences]}.

    ``state`` has only the keys that the address gave rightly, of family, models, picture, steps, seed, against,
    quantised, reference and tab, in the page's own form.
    """
    reader = _Reader(live, max_models, max_steps)
    if not isinstance(query, str) or len(query) > MAX_LINK:
        reader.said.append("The address is too long to be one of ours; the explorer opened as usual.")
        return {"state": {}, "said": reader.said}
    given: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True)[:MAX_PARTS]:
        given.setdefault(key, value)
    for key, read in reader.parts.items():  # in this order: the recipe asks which family it is
        if key in given:
            read(given.pop(key))
    others = GRADIO | FAILURES | METHODS
    reader.said += [f"The address says {_quoted(key)}, which means nothing here." for key in given if key not in others]
    return {"state": reader.state, "said": reader.said}


class _Reader:
    """Reads the parameters one after another; ``state`` is what was understood, ``said`` what was not."""

    def __init__(self, live: Live, max_models: int, max_steps: int) -> None:
        self.state: dict[str, Any] = {}
        self.said: list[str] = []
        self.parts: dict[str, Callable[[str], None]] = {
            "models": self.models,
            "picture": self.picture,
            "recipe": self.recipe,
            "off": self.off,
            "pin": self.pin,
            "tab": self.tab,
        }
        self._live, self._max_models, self._max_steps = live, max_models, max_steps

    def models(self, text: str) -> None:
        """The models named, without those unknown, doubled, too many or of another family than the first."""
        known = {card.name: family for family in self._live.families.values() for card in family.cards}
        names: list[str] = []
        for name in dict.fromkeys(part.strip() for part in text.split(",")[:MAX_PARTS]):
            if name not in known:
                self.said.append(f"There is no model named {_quoted(name)} here; it was left out.")
            elif names and known[name] is not known[names[0]]:
                self.said.append(f"{name} does not take the same input as {names[0]}; it was left out.")
            elif len(names) == self._max_models:
                self.said.append(f"At most {self._max_models} models stand side by side; {name} was left out.")
            else:
                names.append(name)
        if names:
            self.state |= {"models": names, "family": known[names[0]].key}

    def picture(self, text: str) -> None:
        """A bundled photograph or a row of a data set; its family follows where no models are named."""
        picture = self._attempt(lambda: self._find(text))
        if picture is None:
            return
        self.state["picture"] = picture
        fitting = self._fitting(picture)
        if fitting and "models" not in self.state:
            self.state |= {"models": fitting.defaults, "family": fitting.key}

    def recipe(self, text: str) -> None:
        """The recipe, or as much of it as can be read."""
        try:
            recipe = Recipe.parse(text)
        except ExplorerError:
            recipe = self._piece_by_piece(text)
        if len(recipe.steps) > self._max_steps:
            self.said.append(f"The page shows at most {self._max_steps} distortions; the others were left out.")
        against = recipe.against
        family = self._live.families.get(self.state.get("family", ""))
        if against is not None and family and against not in {card.name for card in family.cards}:
            self.said.append(f"The attacked model {_quoted(against)} is not one of these models; another one is.")
            against = None
        steps = [{"name": name, "amount": amount, "on": True} for name, amount in recipe.steps[: self._max_steps]]
        self.state |= {"steps": steps, "seed": recipe.seed, "quantised": recipe.quantised, "against": against}

    def off(self, text: str) -> None:
        """Steps that are switched off, ``place:name=amount``, each at its place."""
        steps = self.state.setdefault("steps", [])
        for part in text.split(",")[:MAX_PARTS]:
            place, _, step = part.partition(":")
            found = self._attempt(lambda step=step: Recipe.parse(step).steps)  # type: ignore[misc]
            if found and place.isdecimal() and len(place) < 3 and len(steps) < self._max_steps:
                steps.insert(int(place), {"name": found[0][0], "amount": found[0][1], "on": False})

    def pin(self, text: str) -> None:
        """The pinned state, ``picture|recipe``; the page puts a visitor's own picture in, where it has it."""
        where, _, chain = text.partition("|")
        pinned = self._attempt(lambda: {"picture": self._find(where), "recipe": Recipe.parse(chain).to_dict()})
        if pinned:
            self.state["reference"] = pinned

    def tab(self, text: str) -> None:
        """The open tab; the page knows which there are."""
        if text.isalpha():
            self.state["tab"] = text

    def _attempt(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except ExplorerError as error:
            self.said.append(str(error))
            return None

    def _find(self, text: str) -> dict[str, Any] | None:
        """A bundled photograph or ``dataset:row`` as the page names it; None for a visitor's own."""
        if text == OWN:
            return None
        dataset, colon, row = text.rpartition(":")
        picture: dict[str, Any] = {"sample": text}
        if colon:
            if not row.isdecimal() or len(row) > 12:
                raise ExplorerError(f"The picture {_quoted(text)} is not known; a row of a data set reads digits:7.")
            picture = {"dataset": dataset, "index": int(row)}
        family = self._fitting(picture) or next(iter(self._live.families.values()))
        self._live.pictures.find(picture, (family.size, family.channels))
        return picture

    def _fitting(self, picture: Mapping[str, Any]) -> Family | None:
        """The family trained on the picture's data set."""
        name = picture.get("dataset")
        return next((family for family in self._live.families.values() if name in family.data), None)

    def _piece_by_piece(self, text: str) -> Recipe:
        chain, *options = text.split(";")
        steps: list[tuple[str, float]] = []
        for step in chain.split(",")[:MAX_PARTS]:
            read = self._attempt(lambda step=step: Recipe.parse(step))  # type: ignore[misc]
            steps += read.steps if read else ()
        parts: dict[str, Any] = {}
        for option in options[:MAX_PARTS]:
            read = self._attempt(lambda option=option: Recipe.parse(f"clean;{option}"))  # type: ignore[misc]
            if read:
                key = option.partition("=")[0].strip()
                parts[key] = {"seed": read.seed, "against": read.against, "pixels": read.quantised}[key]
        return Recipe(tuple(steps), parts.get("seed", 0), parts.get("against"), parts.get("pixels", True))


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")


# ---- the other way round: the same state for Python and the command line --------------------------------------------


def shares(scene: Scene, state: Mapping[str, Any], own: Collection[str] = ()) -> dict[str, Any]:
    """A state, loaded as ``scene``, for the command line, as Python and as JSON: {"command", "python", "json", "own",
    "notes"}.

    ``own`` says that the picture is the visitor's own. What only this explorer has stands there under a name to be
    put right: ``picture.png`` for a picture or a row of one of the ``own`` data sets, ``name.safetensors`` for a model
    of one's own; ``notes`` says so, one sentence each.
    """
    names = [model.name for model in scene.models]
    known = frozenset(SOURCES) - set(own)  # the data sets whose rows mean the same elsewhere
    picture = state["picture"]
    image = _image_name(picture, known)
    outside = [model.card for model in scene.models if model.method == "outside"]
    files = [_file_name(model.card) for model in scene.models]
    command = ["explorer", "compare", image, "--models", ",".join(files), "--recipe", str(scene.recipe)]
    if outside:
        command += ["--arch", outside[0].arch]
        command += ["--mean", _numbers(outside[0].mean), "--std", _numbers(outside[0].std)]
    takes = f"{scene.family.size}, {scene.family.channels}"
    label = "" if scene.label is None else f", label={scene.label}"
    reference, pin = "", []
    shared: dict[str, Any] = {"picture": image, "models": names, "recipe": scene.recipe.to_dict()}
    if scene.pinned is not None:
        other = state["reference"]["picture"]
        command += ["--pin", f"{_image_name(other, known)}|{scene.pinned}"]
        shared["reference"] = {"picture": _image_name(other, known), "recipe": scene.pinned.to_dict()}
        reference = ", reference=reference"
        pinned_label = "" if scene.pinned_label is None else f", label={scene.pinned_label}"
        pin = [
            f"other = explorer.fit({_image_python(other, known)}, {takes})",
            f"reference = pinned_pass(models, other, explorer.{scene.pinned.to_python()}{pinned_label})",
        ]
    loaded = f"[explorer.load_model(name) for name in {names!r}]"
    if outside:
        loaded = f"[{', '.join(_model_python(model.card) for model in scene.models)}]"
    notes = _notes(picture, known, outside)
    python = [
        *(f"# {note}" for note in notes),
        "import explorer",
        *(["from explorer.data.images import sample_images"] if "sample" in picture else []),
        *(["from explorer.analysis import pinned_pass"] if pin else []),
        f"models = {loaded}",
        f"image = explorer.fit({_image_python(picture, known)}, {takes})",
        *pin,
        f"comparison = explorer.compare(models, image, explorer.{scene.recipe.to_python()}{label}{reference})",
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
        return f"explorer.load_model({card.name!r})"
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


def _image_python(picture: Mapping[str, Any], known: frozenset[str]) -> str:
    if picture.get("dataset") in known:
        return f"explorer.load_dataset({picture['dataset']!r}).batch([{picture['index']}])[0]"
    if "sample" in picture:
        return f"sample_images()[{picture['sample']!r}]()"
    return "explorer.load_image('picture.png')"
