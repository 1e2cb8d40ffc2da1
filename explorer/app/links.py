"""Parsing of the page's address.

The address holds the whole state: ``?picture=digits:7&models=A,B&recipe=jpeg=30;seed=7`` and, where they are used,
``off`` (steps that are switched off, ``index:name=amount``), ``pin`` (the pinned state, ``picture|recipe``), ``watch``
(classes shown besides the likeliest, by index), ``doubt`` (a score and how much of it is too much) and ``tab``.
Addresses are not trusted: valid parts are used, and a sentence reports each invalid part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from explorer.analysis.doubt import Threshold
from explorer.app.validation import MAX_WATCHED
from explorer.app.workspace import Workspace
from explorer.data.fitting import CENTRE
from explorer.distortions import Recipe
from explorer.distortions.recipe import INPUT, PHOTOGRAPH
from explorer.errors import ExplorerError
from explorer.models.families import Family
from explorer.models.naming import split_names, split_remedies

MAX_LINK = 20_000
"""Characters of an address that are read."""

MAX_PARTS = 30
"""Parameters, models and steps of an address that are read: a little more than the page can show."""

OWN = "own"
"""The picture's name where it is the visitor's own; its pixels are in the address's fragment, which stays in the
browser."""

LIBRARIES = ("timm:", "torchvision:")
"""How the names of networks begin that a visitor can add."""

GRADIO = {"__theme", "view", "deep_link", "__sign"}
"""Parameters that are Gradio's own."""

FAILURES = {"place", "survey", "pair", "find", "pane"}
"""Parameters of the page "Failures", which reads them itself and asks for what they say like for anything else."""

SEARCH = {"within", "by", "under", "most"}
"""Those of the page "Search", likewise."""

METHODS = {"data", "distortion", "reach", "images"}
"""Those of the page "Methods", likewise."""


def read_link(workspace: Workspace, query: Any, *, max_models: int, max_steps: int) -> dict[str, Any]:
    """Read what an address asks for.

    Args:
        workspace: The models and pictures that are here.
        query: The address's query, without the ``?``, from the browser.
        max_models: Models that the page can show.
        max_steps: Steps of a recipe that the page can show.

    Returns:
        {"state": {...}, "messages": [sentences]}. ``state`` has the page's form and holds what the address gives
        correctly of family, models, picture, steps, seed, against, quantised, on, window, reference, watched, doubt and
        tab, and the first ``network`` of a library that is to be added; ``messages`` name what was left out.
    """
    reader = _Reader(workspace, max_models, max_steps)
    if not isinstance(query, str) or len(query) > MAX_LINK:
        reader.messages.append("The address is too long to be one of ours; the explorer opened as usual.")
        return {"state": {}, "messages": reader.messages}
    given: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True)[:MAX_PARTS]:
        given.setdefault(key, value)
    for key, read in reader.parts.items():  # in this order: the recipe asks which family it is
        if key in given:
            read(given.pop(key))
    others = GRADIO | FAILURES | SEARCH | METHODS
    reader.messages += [
        f"The address says {_quoted(key)}, which means nothing here." for key in given if key not in others
    ]
    return {"state": reader.state, "messages": reader.messages}


class _Reader:
    """Reads the parameters one after another; ``state`` is what was understood, ``messages`` say what was not."""

    def __init__(self, workspace: Workspace, max_models: int, max_steps: int) -> None:
        self.state: dict[str, Any] = {}
        self.messages: list[str] = []
        self.parts: dict[str, Callable[[str], None]] = {
            "models": self.models,
            "picture": self.picture,
            "recipe": self.recipe,
            "off": self.off,
            "pin": self.pin,
            "watch": self.watch,
            "doubt": self.doubt,
            "tab": self.tab,
        }
        self._workspace, self._max_models, self._max_steps = workspace, max_models, max_steps

    def models(self, text: str) -> None:
        """The models named, without those unknown, doubled, too many or of another family than the first."""
        parts = dict.fromkeys(self._around(part.strip()) for part in split_names(text)[:MAX_PARTS])
        known = {card.name: family for family in self._workspace.families.values() for card in family.cards}
        names: list[str] = []
        for name in parts:
            if name not in known and name.startswith(LIBRARIES):
                self.messages.append(f"{name[:60]} was not added here yet: add it under Models, Add a network.")
                self.state.setdefault("network", name)
            elif name not in known:
                self.messages.append(f"There is no model named {_quoted(name)} here; it was left out.")
            elif names and known[name] is not known[names[0]]:
                self.messages.append(f"{name} does not know the same classes as {names[0]}; it was left out.")
            elif len(names) == self._max_models:
                self.messages.append(f"At most {self._max_models} models can be shown; {name} was left out.")
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
            self.messages.append(f"The page shows at most {self._max_steps} distortions; the others were left out.")
        against = recipe.against
        family = self._workspace.families.get(self.state.get("family", ""))
        if against is not None and family and against not in {card.name for card in family.cards}:
            self.messages.append(f"The attacked model {_quoted(against)} is not one of these models; another one is.")
            against = None
        steps = [{"name": name, "amount": amount, "on": True} for name, amount in recipe.steps[: self._max_steps]]
        rest = {"seed": recipe.seed, "quantised": recipe.quantised, "on": recipe.on, "against": against}
        self.state |= {"steps": steps, **rest, "window": list(recipe.window)}

    def off(self, text: str) -> None:
        """Steps that are switched off, ``index:name=amount``, each at its index."""
        steps = self.state.setdefault("steps", [])
        for part in text.split(",")[:MAX_PARTS]:
            index, _, step = part.partition(":")
            found = self._attempt(lambda step=step: Recipe.parse(step).steps)  # type: ignore[misc]
            if found and index.isdecimal() and len(index) < 3 and len(steps) < self._max_steps:
                steps.insert(int(index), {"name": found[0][0], "amount": found[0][1], "on": False})

    def pin(self, text: str) -> None:
        """The pinned state, ``picture|recipe``; the page puts a visitor's own picture in, where it has it."""
        where, _, chain = text.partition("|")
        pinned = self._attempt(lambda: {"picture": self._find(where), "recipe": Recipe.parse(chain).to_dict()})
        if pinned:
            self.state["reference"] = pinned

    def watch(self, text: str) -> None:
        """The classes shown besides the likeliest, by their indices."""
        families = self._workspace.families
        count = len(families.get(self.state.get("family", ""), self._workspace.first[0]).classes)
        parts = list(dict.fromkeys(text.split(",")[:MAX_PARTS]))
        known = [int(part) for part in parts if part.isdecimal() and len(part) < 6 and int(part) < count]
        if len(known) < len(parts) or len(known) > MAX_WATCHED:
            self.messages.append(f"The classes {_quoted(text)} are too many, or these models do not know all of them.")
        self.state["watched"] = known[:MAX_WATCHED]

    def doubt(self, text: str) -> None:
        """How much doubt is too much, ``score=limit``."""
        limit = self._attempt(lambda: Threshold.parse(text))
        if limit:
            self.state["doubt"] = {"score": limit.doubt.name, "limit": limit.limit}

    def tab(self, text: str) -> None:
        """The open tab; the page knows which there are."""
        if text.isalpha():
            self.state["tab"] = text

    def _around(self, name: str) -> str:
        """The name as its card has it; a model that is here with a remedy around it is added where it is not."""
        if split_remedies(name)[1]:
            return self._attempt(lambda: self._workspace.put_around(name)) or name
        return name

    def _attempt(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except ExplorerError as error:
            self.messages.append(str(error))
            return None

    def _find(self, text: str) -> dict[str, Any] | None:
        """A bundled photograph or ``dataset:row`` as the page names it; None for a visitor's own."""
        if text == OWN:
            return None
        dataset, colon, row = text.rpartition(":")
        picture: dict[str, Any] = {"sample": text}
        if colon:
            if not row.isdecimal() or len(row) > 12:
                raise ExplorerError(f"The picture {_quoted(text)} is not known; write a row of a data set as digits:7.")
            picture = {"dataset": dataset, "index": int(row)}
        family = self._fitting(picture) or next(iter(self._workspace.families.values()))
        self._workspace.pictures.find(picture, family.takes)
        return picture

    def _fitting(self, picture: Mapping[str, Any]) -> Family | None:
        """The family trained on the picture's data set."""
        name = picture.get("dataset")
        return next((family for family in self._workspace.families.values() if name in family.data), None)

    def _piece_by_piece(self, text: str) -> Recipe:
        chain, *options = text.split(";")
        steps: list[tuple[str, float]] = []
        for step in chain.split(",")[:MAX_PARTS]:
            read = self._attempt(lambda step=step: Recipe.parse(step))  # type: ignore[misc]
            steps += read.steps if read else ()
        parts: dict[str, Any] = {}
        for option in options[:MAX_PARTS]:
            key = option.partition("=")[0].strip()
            alone = f"clean;{option}" + (f";on={PHOTOGRAPH}" if key == "window" else "")
            read = self._attempt(lambda alone=alone: Recipe.parse(alone))  # type: ignore[misc]
            if read:
                known = {"seed": read.seed, "against": read.against, "pixels": read.quantised, "on": read.on}
                parts[key] = (known | {"window": read.window})[key]
        rest = parts.get("seed", 0), parts.get("against"), parts.get("pixels", True)
        try:
            return Recipe(tuple(steps), *rest, parts.get("on", INPUT), parts.get("window", CENTRE))
        except ExplorerError as error:  # an attack on the photograph, a window without one
            self.messages.append(str(error))
            return Recipe(tuple(steps), *rest)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "...")
