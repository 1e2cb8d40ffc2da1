"""What stands around a model: remedies to add, how far its answer holds, and when not to rely on it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from explorer.analysis.certify import LOOKS, next_look, smoothed
from explorer.analysis.doubt import DOUBTS, scores
from explorer.analysis.slider import distances_along
from explorer.analysis.varied import varied
from explorer.app.context import Context
from explorer.app.jobs.curves import StepRequest, step_of
from explorer.app.jobs.registry import job
from explorer.app.validation import MAX_TEXT, Request, Sentence, StateRequest
from explorer.app.workspace import LoadedRequest
from explorer.errors import ExplorerError
from explorer.evaluation.radii import radii
from explorer.models import Classifier
from explorer.models.remedies import REMEDIES
from explorer.progress import Progress

WRONG = "The page asked for something that does not exist; reload it."


class RemedyRequest(Request):
    """A model with a remedy around it.

    Attributes:
        name: Its name, such as ``digits/lenet/standard+jpeg(quality=75)``.
    """

    wrong = WRONG

    name: Annotated[str, Field(max_length=MAX_TEXT), Sentence("Name a model and a remedy.")]


class ModelRequest(StateRequest):
    """One model of a state.

    Attributes:
        model: Its name.
    """

    wrong = WRONG

    model: Annotated[str, Field(max_length=MAX_TEXT)]


class LookRequest(ModelRequest):
    """A certificate so far.

    Attributes:
        look: Which look, from 0.
        so_far: What the look before returned as such: class and votes; nothing at the first.
    """

    look: Annotated[int, Field(ge=0, lt=len(LOOKS))]
    so_far: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _follows(self) -> Self:
        if (self.look == 0) != (self.so_far is None):
            raise ExplorerError(WRONG)
        return self


class AlongRequest(StepRequest):
    """Distances along a slider."""

    wrong = WRONG


@job("remedies", RemedyRequest)
def remedies(context: Context, request: RemedyRequest, progress: Progress) -> dict[str, Any]:
    """List the remedies.

    Returns:
        {"items": [{"name", "title", "help", "source", "written", "passes"}]}.
    """
    shown = ("name", "title", "help", "source", "written", "passes")
    return {"items": [{key: one.to_dict()[key] for key in shown} for one in REMEDIES.values()]}


@job("add_remedy", RemedyRequest)
def add_remedy(context: Context, request: RemedyRequest, progress: Progress) -> dict[str, Any]:
    """Put a remedy around a model and offer it beside the others.

    Returns:
        {"name", "family", "families", "distortions"}, the latter as the page knew them before.

    Raises:
        ExplorerError: If there is no such model or remedy, or it would cost too much.
    """
    name = context.workspace.put_around(request.name)
    family, _ = context.workspace.choose([name])
    return {"name": name, "family": family.key, **context.workspace.known}


@job("certificate", LookRequest)
def certificate(context: Context, request: LookRequest, progress: Progress) -> dict[str, Any]:
    """Certify the smoothed answer to the distorted picture, with as many copies as the look has.

    Returns:
        ``Certificate.to_dict()``; ``copies`` so far and ``of``; ``so_far``, which the next look is asked with.

    Raises:
        ExplorerError: If the state makes no sense, or the model is shown another one's input.
    """
    loaded, model = _one(context, request)
    within, sigma, _ = smoothed(model)
    pixels = loaded.compare().distorted
    before = None
    if request.so_far is not None:
        before = request.so_far[0], request.so_far[1]
        if before[0] >= len(within.classes) or before[1] > LOOKS[request.look - 1]:
            raise ExplorerError(WRONG)
    found, so_far = next_look(within, pixels, sigma, seed=loaded.recipe.seed, look=request.look, so_far=before)
    return {**found.to_dict(), "copies": LOOKS[request.look], "of": LOOKS[-1], "so_far": list(so_far)}


@job("distances_along", AlongRequest)
def along(context: Context, request: AlongRequest, progress: Progress) -> dict[str, Any]:
    """Measure how far every amount of a slider lies from the picture on screen.

    Returns:
        {"amounts", "distances", "at"}: amounts from low to high, the L2 distances on [0, 1] pixels, and the amount that
        is shown.

    Raises:
        ExplorerError: If the state makes no sense.
    """
    loaded = context.workspace.load(request.state)
    step_index = step_of(loaded.recipe, request)
    if step_index is None:
        raise ExplorerError("Add a distortion to see distances along its slider.")
    line = varied(
        loaded.models, loaded.pixels, loaded.recipe.steps[step_index][0], loaded.recipe, step_index=step_index,
        label=loaded.label,
    )  # fmt: skip
    amounts, distances = distances_along(line, progress)
    return {"amounts": amounts, "distances": distances, "at": line.recipe.steps[step_index][1]}


@job("radii", ModelRequest)
def distances(context: Context, request: ModelRequest, progress: Progress) -> dict[str, Any]:
    """Find an adversarial picture near the distorted one, and estimate how far the answer holds.

    Returns:
        {"adversarial", "estimate", "slope"}.

    Raises:
        ExplorerError: As ``certificate``.
    """
    loaded, model = _one(context, request)
    return vars(radii(model, loaded.compare().distorted, seed=loaded.recipe.seed, progress=progress))


@job("doubt", ModelRequest)
def doubt(context: Context, request: ModelRequest, progress: Progress) -> dict[str, Any]:
    """Score the answers to the clean and to the distorted picture.

    Returns:
        {"scores": [{"name", "title", "help", "passes", "clean", "distorted"}]}.

    Raises:
        ExplorerError: As ``certificate``.
    """
    loaded, model = _one(context, request)
    shown = loaded.compare()
    found = []
    for done, one in enumerate(DOUBTS.values()):
        clean, distorted = (float(scores(one.name, model, x)) for x in (shown.clean, shown.distorted))
        about = {"name": one.name, "title": one.title, "help": one.help, "passes": one.passes}
        found.append({**about, "clean": clean, "distorted": distorted})
        progress(done + 1, len(DOUBTS))
    return {"scores": found}


def _one(context: Context, request: ModelRequest) -> tuple[LoadedRequest, Classifier]:
    loaded = context.workspace.load(request.state)
    model = next((one for one in loaded.models if one.name == request.model), None)
    if model is None:
        raise ExplorerError(WRONG)
    if model.any_size:
        raise ExplorerError(f"{model.name} is shown another model's input here; make it the baseline.")
    return loaded, model
