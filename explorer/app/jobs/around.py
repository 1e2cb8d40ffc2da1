"""What stands around a model: remedies to add, how far its answer holds, and when not to rely on it."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from explorer.analysis.certify import LOOKS, running, smoothed
from explorer.analysis.doubt import DOUBTS, scores
from explorer.app.context import Context
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
    """

    look: Annotated[int, Field(ge=0, lt=len(LOOKS))]


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
        ``Certificate.to_dict()``; ``copies`` so far and ``of``.

    Raises:
        ExplorerError: If the state makes no sense, or the model is shown another one's input.
    """
    loaded, model = _one(context, request)
    within, sigma, _ = smoothed(model)
    pixels = loaded.compare().distorted
    found = []
    for one in islice(running(within, pixels, sigma, seed=loaded.recipe.seed), request.look + 1):
        found.append(one)
        progress(len(found), request.look + 1)
    return {**found[-1].to_dict(), "copies": LOOKS[request.look], "of": LOOKS[-1]}


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
