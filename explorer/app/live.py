"""The server's side of the live panel: a state from the browser in, an answer out. Nothing it sends is believed."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from starlette.responses import Response
from torch import Tensor

from explorer.analysis import CleanPass, clean_pass, compare, pinned_pass
from explorer.app.failures import Failures
from explorer.app.jobs import POLL, Jobs, Quiet, StoppedError, humble_thread
from explorer.app.links import read_link, shares
from explorer.app.methods import Methods
from explorer.app.pictures import PictureGoneError, Pictures, Recent
from explorer.app.questions import MAX_MODELS, MAX_STEPS, MAX_TEXT, check_length, mapping, read_recipe
from explorer.data import images
from explorer.data.datasets import Dataset
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.models import Card, Classifier, list_models, load_model
from explorer.models.families import Family, check_names, family_of, group
from explorer.web.answers import answer_to_paint

CLEAN_PASSES = 64
"""Clean answers kept (a few hundred kB each): one per picture and set of models in use."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Scene:
    """A state of the page, checked and loaded: what ``compare`` and ``sweep`` want.

    ``pixels``: (1, C, H, W) in [0, 1]; ``label``: index of the true class where one is known; ``clean``: the models'
    answers to the undistorted picture; ``reference``: those to a pinned state (its recipe ``pinned``, its true class
    ``pinned_label``), to be compared with in their place.
    """

    family: Family
    models: list[Classifier]
    recipe: Recipe
    pixels: Tensor
    label: int | None
    clean: CleanPass
    reference: CleanPass | None
    pinned: Recipe | None
    pinned_label: int | None
    shown: str
    """The picture that the distorted one is compared with, as a data URL."""


class Live:
    """Everything the page may ask: the models, kept loaded; the pictures; and the clean answers already computed.

    One instance serves all visitors. Questions are answered by a few threads of their own, one torch thread each: small
    networks gain nothing from more, and visitors do not slow each other down by more than their share.
    """

    def __init__(
        self,
        models: Sequence[str | Classifier] | None = None,
        data: Sequence[Dataset] = (),
        surveys: Sequence[Path] = (),
    ) -> None:
        """``models``: the models shown first, loaded or by name or path; None shows each family's first two.
        ``data``: data sets of one's own, offered beside the known ones; ``surveys``: folders of surveys, likewise.

        ExplorerError where a named model does not load, where two of either have one name, and where the models do not
        take the same input.
        """
        self._models: dict[str, Classifier] = {}
        self._loading = threading.Lock()
        opened = [model if isinstance(model, Classifier) else load_model(model) for model in models or ()]
        check_names([model.name for model in opened], "models")
        check_names([own.name for own in data], "data sets")
        self._models.update({model.name: model for model in opened})
        cards = {card.name: card for card in (*list_models(), *(model.card for model in opened))}
        if not cards:
            raise ExplorerError(
                "There are no checkpoints here; train some with 'explorer train', or name one by its path."
            )
        self.families = group(list(cards.values()))
        self.first = [model.name for model in opened]
        if opened and family_of(self.first, self.families) is None:
            raise ExplorerError("The models named do not take the same input and classes; name models of one family.")
        self.own = tuple(data)
        self.pictures = Pictures(sorted({(f.size, f.channels) for f in self.families.values()}), data)
        self._clean_passes: Recent[tuple[Any, ...], tuple[CleanPass, str]] = Recent(CLEAN_PASSES)
        self._pool = ThreadPoolExecutor(
            os.cpu_count() or 2, "explorer", initializer=torch.set_num_threads, initargs=(1,)
        )
        # Large photographs take seconds to decode, one after another: not in the threads that sliders wait for.
        self._readers = ThreadPoolExecutor(1, "explorer-reader", initializer=humble_thread)
        # Nor what is asked of surveys: some of it takes a tenth of a second.
        self._askers = ThreadPoolExecutor(2, "explorer-survey", initializer=humble_thread)
        self.surveys = Failures(self, surveys)
        self.ways = Methods(self)
        self.quiet = Quiet()
        self._jobs = Jobs(_plainly, self.quiet)

    # ---- what the page calls ------------------------------------------------------------------------------------

    async def ask(self, state: Any) -> Response:
        """The panel's answer to a state: JSON as ``panel.js`` wants it, or {"error": one sentence}."""
        with self.quiet:
            return await self._run(self.answer, state)

    async def open_picture(self, upload: Any) -> Response:
        """Take in one uploaded file: {"token", "thumb"} or {"error"}."""
        return await self._run(self.take_picture, upload, self._readers)

    async def read_recipe(self, text: Any) -> Response:
        """A recipe as text into its JSON form, or {"error"}."""
        return await self._run(self.parse_recipe, text)

    async def read_link(self, query: Any) -> Response:
        """What the page's address asks for: {"state", "said"} as in ``links.read_link``."""
        return await self._run(lambda text: read_link(self, text, max_models=MAX_MODELS, max_steps=MAX_STEPS), query)

    async def share(self, state: Any) -> Response:
        """The state for Python, the command line and programs, as in ``links.shares``, or {"error"}."""
        return await self._run(lambda asked: shares(self.scene(asked), asked, [data.name for data in self.own]), state)

    async def failures(self, question: Any) -> Response:
        """What the page "Failures" asks of surveys, {"ask": name, ...}: the answer or {"error"}."""
        return await self._run(self.surveys.answer, question, self._askers)

    async def methods(self, question: Any) -> Response:
        """What the page "Methods" asks of the training methods, {"ask": name, ...}: the answer or {"error"}."""
        return await self._run(self.ways.answer, question, self._askers)

    async def start_job(self, question: Any) -> Response:
        """Begin a long question, {"kind", "group", "state", ...}: {"job": token} or {"error"}."""
        return _json(_plainly(self._jobs.start, self, question))

    async def poll_job(self, question: Any) -> Response:
        """How far a job is, {"job"} -> {"done", "total"}, {"result"} or {"error"}; waits a while for news."""
        try:
            job = self._jobs.find(question)
        except ExplorerError as error:
            return _json({"error": str(error)})
        before, end = job.to_dict(), perf_counter() + POLL
        while job.to_dict() == before and job.answer is None and perf_counter() < end:  # noqa: ASYNC110  # a thread
            await asyncio.sleep(0.02)
        return _json(job.to_dict())

    async def cancel_job(self, question: Any) -> Response:
        """End a job, {"job"}."""
        return _json(self._jobs.cancel(question))

    async def _run(
        self, function: Callable[[Any], dict[str, Any]], argument: Any, pool: ThreadPoolExecutor | None = None
    ) -> Response:
        loop = asyncio.get_running_loop()
        return _json(await loop.run_in_executor(pool or self._pool, _plainly, function, argument))

    # ---- the same, without the browser --------------------------------------------------------------------------

    def answer(self, state: Any) -> dict[str, Any]:
        """The answer to a state {"picture", "models", "recipe", "reference"?}; ExplorerError where it is not one."""
        scene = self.scene(state)
        comparison = compare(
            scene.models, scene.pixels, scene.recipe, label=scene.label, clean=scene.clean, reference=scene.reference
        )
        return answer_to_paint(
            comparison, scene.models, scene.family, shown=scene.shown, label=scene.label, pinned=scene.pinned
        )

    def scene(self, state: Any) -> Scene:
        """What a state means, its models and pictures loaded; ExplorerError where it makes no sense."""
        state = mapping(state)
        family, models = self.choose(state.get("models"))
        recipe = read_recipe(state.get("recipe"))
        key, pixels, label = self.picture(state.get("picture"), family)
        names = tuple(model.name for model in models)
        clean, shown = self._clean_pass((key, recipe.quantised, *names), models, pixels, quantised=recipe.quantised)
        reference = pinned = pinned_label = None
        if state.get("reference") is not None:
            pinned = read_recipe(mapping(state["reference"]).get("recipe"))
            reference, shown, pinned_label = self._reference(state["reference"].get("picture"), pinned, family, models)
        return Scene(family, models, recipe, pixels, label, clean, reference, pinned, pinned_label, shown)

    def picture(self, picture: Any, family: Family) -> tuple[str, Tensor, int | None]:
        """A key, the pixels and the index of the true class, where the picture has one that the family knows."""
        key, pixels, label = self.pictures.find(picture, (family.size, family.channels))
        return key, pixels, family.classes.index(label) if label in family.classes else None

    def _reference(
        self, picture: Any, recipe: Recipe, family: Family, models: list[Classifier]
    ) -> tuple[CleanPass, str, int | None]:
        """The models' answers to the distorted pixels of a pinned state, these as a data URL, and its true class."""
        key, pixels, label = self.picture(picture, family)
        held_as = ("pinned", key, str(recipe), *(model.name for model in models))
        held = self._clean_passes.get(held_as)
        if held is None:
            answers = pinned_pass(models, pixels, recipe, label=label)
            held = (answers, images.data_url(answers.pixels))
            self._clean_passes.put(held_as, held)
        return *held, label

    def take_picture(self, upload: Any) -> dict[str, str]:
        """Read the one file of an upload, (name, bytes), or raise ExplorerError."""
        files = getattr(upload, "files", None)
        if not files or len(files) != 1:
            raise ExplorerError("Send one picture at a time.")
        return self.pictures.bring(files[0][1])

    def parse_recipe(self, text: Any) -> dict[str, Any]:
        """The JSON form of a recipe's text, or ExplorerError; chains longer than the page shows are refused."""
        if not isinstance(text, str) or len(text) > MAX_TEXT:
            raise ExplorerError("A recipe is one line of text such as gaussian_noise=0.1,jpeg=30;seed=7.")
        recipe = Recipe.parse(text)
        check_length(recipe.steps)
        return recipe.to_dict()

    def choose(self, names: Any) -> tuple[Family, list[Classifier]]:
        """The family and the loaded models of a list of names; ExplorerError where they do not go together."""
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ExplorerError("The models must be a list of names.")
        if not names:
            raise ExplorerError("Add a model to see its answer.")
        if len(names) > MAX_MODELS:
            raise ExplorerError(f"At most {MAX_MODELS} models stand side by side; remove one first.")
        known = {card.name: card for family in self.families.values() for card in family.cards}
        if unknown := [name for name in names if name not in known]:
            raise ExplorerError(
                f"There is no model named {unknown[0][:80]!r} here; the list of models shows what there is."
            )
        family = family_of(names, self.families)
        if family is None or len(set(names)) != len(names):
            raise ExplorerError("These models do not stand side by side; choose different ones of one family.")
        return family, [self._load(known[name]) for name in names]

    def warm(self) -> None:
        """Load what the first screen shows and answer it once, so that the first visitor does not wait."""
        family = family_of(self.first, self.families) or next(iter(self.families.values()))
        names = self.first or family.defaults
        picture = {"sample": next(iter(images.sample_images()))}
        for amount in (0.05, 0.1):
            recipe = Recipe((("gaussian_noise", amount),))
            self._pool.submit(
                _plainly, self.answer, {"picture": picture, "models": names, "recipe": recipe.to_dict()}
            ).result()

    def close(self) -> None:
        """End the threads."""
        self._jobs.close()
        for pool in (self._pool, self._readers, self._askers):
            pool.shutdown(wait=False, cancel_futures=True)

    def _load(self, card: Card) -> Classifier:
        with self._loading:
            if card.name not in self._models:
                self._models[card.name] = load_model(card.name)
            return self._models[card.name]

    def _clean_pass(
        self, key: tuple[Any, ...], models: list[Classifier], pixels: Tensor, *, quantised: bool
    ) -> tuple[CleanPass, str]:
        held = self._clean_passes.get(key)
        if held is None:
            clean = clean_pass(models, pixels, quantised=quantised)
            held = (clean, images.data_url(clean.pixels))
            self._clean_passes.put(key, held)
        return held


def _json(answer: Mapping[str, Any]) -> Response:
    try:
        text = json.dumps(answer, allow_nan=False)
    except ValueError:  # features so large that their distance overflows, say
        text = json.dumps({"error": "A model's numbers for this picture are not finite; is its normalisation right?"})
    return Response(text, media_type="application/json")


def _plainly(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """What the function answers; its errors as one sentence, unexpected ones in the terminal's log too."""
    try:
        return function(*arguments)
    except StoppedError:
        raise
    except PictureGoneError as error:
        return {"error": str(error), "gone": True}
    except ExplorerError as error:
        return {"error": str(error)}
    except Exception:
        log.exception("a question from the page failed")
        return {"error": "Something went wrong in the explorer; the terminal it runs in shows what."}
