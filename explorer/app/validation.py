"""Validation of what browsers and programs send: it is parsed into small models; errors are one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from explorer.analysis.doubt import Threshold
from explorer.defaults import MAX_STEPS
from explorer.distortions import Recipe, image_seed
from explorer.distortions.recipe import MAX_SEED
from explorer.errors import ExplorerError

MAX_TEXT = 1000
"""Characters of a recipe or a name that are read."""

MAX_WATCHED = 5
"""Classes that a page shows besides the likeliest."""

UNKNOWN = "The page sent an unknown request; reload it."


@dataclass(frozen=True)
class Sentence:
    """What the sender reads if a field of a request is wrong; part of the metadata of the field's type.

    Attributes:
        text: The sentence.
    """

    text: str


class Request(BaseModel):
    """A JSON object from outside. Types are taken literally: true is not a number, and "7" is not one either.

    Attributes:
        wrong: What the sender reads if a field without a ``Sentence`` is wrong.
    """

    model_config = ConfigDict(strict=True, frozen=True)
    wrong: ClassVar[str] = UNKNOWN

    @classmethod
    def read(cls, value: Any) -> Self:
        """Check what was sent.

        Args:
            value: The parsed JSON, or a request of this class, which is returned.

        Returns:
            The request.

        Raises:
            ExplorerError: If it is not an object, or one of its fields is wrong.
        """
        if isinstance(value, cls):
            return value
        try:
            return cls.model_validate(mapping(value))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            cause = first.get("ctx", {}).get("error")
            if isinstance(cause, ExplorerError):  # raised by a validator
                raise cause from None
            field = cls.model_fields.get(str(first["loc"][0])) if first["loc"] else None
            sentences = (one.text for one in (field.metadata if field else ()) if isinstance(one, Sentence))
            raise ExplorerError(next(sentences, cls.wrong)) from None


class StateRequest(Request):
    """A request about the page's present state.

    Attributes:
        state: The state, which ``Workspace.load`` checks.
    """

    state: Any = None


def answer_by_name(answers: Mapping[str, Callable[[Any], dict[str, Any]]], question: Any) -> dict[str, Any]:
    """Answer a question by the function that it names.

    Args:
        answers: The functions by name.
        question: {"ask": name, ...} from the browser.

    Returns:
        What the function returns for the question.

    Raises:
        ExplorerError: If there is no such function.
    """
    name = mapping(question).get("ask")
    if not isinstance(name, str) or name not in answers:
        raise ExplorerError(UNKNOWN)
    return answers[name](question)


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value if it is a JSON object.

    Args:
        value: What was sent.

    Returns:
        The value.

    Raises:
        ExplorerError: If it is not an object.
    """
    if not isinstance(value, Mapping):
        raise ExplorerError("The page sent a malformed request; reload it.")
    return value


def read_recipe(value: Any) -> Recipe:
    """Read the JSON form of a recipe; its size is checked before its meaning.

    Args:
        value: What was sent.

    Returns:
        The recipe.

    Raises:
        ExplorerError: If it is not a recipe, or has more steps than the page shows.
    """
    steps = mapping(value).get("steps")
    if not isinstance(steps, list) or not all(isinstance(step, list) and len(step) == 2 for step in steps):
        raise ExplorerError("The steps of a recipe must be a list of pairs of a distortion's name and an amount.")
    check_length(steps)
    if any(
        isinstance(text, str) and len(text) > MAX_TEXT for text in (value.get("against"), *(name for name, _ in steps))
    ):
        raise ExplorerError("A name in this recipe is too long.")
    return Recipe.from_dict(value)


def read_drawn(state: Mapping[str, Any]) -> Recipe:
    """Read the recipe of a state, for a frame with fresh noise with the frame's own draws.

    Args:
        state: {"recipe", "picture": {..., "draw"?}}; ``draw``: the place of the frame, 0 or more.

    Returns:
        The recipe; with a draw its seed is ``image_seed(seed, draw)``, as ``explorer.frames`` draws.

    Raises:
        ExplorerError: If it is not a recipe, or the draw is no such number.
    """
    recipe, picture = read_recipe(state.get("recipe")), state.get("picture")
    draw = picture.get("draw") if isinstance(picture, Mapping) else None
    if draw is None:
        return recipe
    if not isinstance(draw, int) or isinstance(draw, bool) or not 0 <= draw <= MAX_SEED:
        raise ExplorerError("The page asked for a frame that does not exist; choose it again.")
    return replace(recipe, seed=image_seed(recipe.seed, draw))


def read_watched(value: Any, classes: int) -> list[int]:
    """Read which classes are to be shown besides the likeliest.

    Args:
        value: What was sent; None for none.
        classes: How many classes the models know.

    Returns:
        Their indices.

    Raises:
        ExplorerError: If it is not a short list of such indices.
    """
    if value is None:
        return []
    listed = isinstance(value, list) and len(value) <= MAX_WATCHED
    if not listed or not all(type(one) is int and 0 <= one < classes for one in value):
        raise ExplorerError(f"The classes to show are at most {MAX_WATCHED} indices from 0 to {classes - 1}.")
    return list(value)


def read_doubt(value: Any) -> Threshold | None:
    """Read how much doubt is too much.

    Args:
        value: {"score", "limit"} as it was sent; None for none.

    Returns:
        The threshold.

    Raises:
        ExplorerError: If there is no such score, or the limit is not a number.
    """
    if value is None:
        return None
    score, limit = (mapping(value).get(key) for key in ("score", "limit"))
    if not isinstance(score, str) or len(score) > MAX_TEXT:
        raise ExplorerError("The page named no score of doubt; reload it.")
    return Threshold.parse(f"{score}={limit}")


def parse_recipe(text: Any) -> Recipe:
    """Read a recipe written as text, as long as the page can show it.

    Args:
        text: What was sent.

    Returns:
        The recipe.

    Raises:
        ExplorerError: If it is not a recipe, or has more steps than the page shows.
    """
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise ExplorerError("A recipe is one line of text such as gaussian_noise=0.1,jpeg=30;seed=7.")
    recipe = Recipe.parse(text)
    check_length(recipe.steps)
    return recipe


def check_length(steps: Sequence[Any]) -> None:
    """Refuse more steps than the page shows.

    Args:
        steps: The steps of a recipe.

    Raises:
        ExplorerError: If there are too many.
    """
    if len(steps) > MAX_STEPS:
        raise ExplorerError(f"The page shows at most {MAX_STEPS} distortions in a chain; this one has {len(steps)}.")
