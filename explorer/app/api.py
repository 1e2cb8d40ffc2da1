"""The HTTP API: endpoints for ``gradio_client`` and plain HTTP, tools for MCP clients.

Their docstrings are the documentation that callers see. They compute nothing themselves, work in threads of their own
that wait for the slider, and give the same numbers as ``explorer.compare`` and the other functions.
"""
# No "from __future__ import annotations" here: Gradio reads the annotations as types.

import asyncio
import json
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import gradio as gr
from gradio.utils import get_function_description

from explorer import analysis, defaults
from explorer.app.api_requests import FlipPointRequest, Reader, SweepRequest
from explorer.app.context import Context
from explorer.app.idle import low_priority_thread
from explorer.app.refusals import STATUS
from explorer.data import images
from explorer.distortions import DISTORTIONS
from explorer.errors import ExplorerError
from explorer.progress import Progress

WAITING = 64
"""Questions under way at once; beyond that, new ones are refused."""

UPLOADS_KEPT = 600
"""Seconds after which an uploaded file is deleted; it is read at once, and again only by its sender."""

Picture = str | dict[str, Any]
T = TypeVar("T")
log = logging.getLogger(__name__)


class RefusedError(gr.Error):
    """One sentence for the caller, and its HTTP status; nothing goes to the terminal."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence, print_exception=False)
        self.status = status

    def __str__(self) -> str:  # what MCP clients get
        return str(self.message)


class Blocks(gr.Blocks):
    """Gradio's Blocks, whose endpoints of this module get what a caller sent as it is.

    Gradio would search it for files first: fetch those that are addresses, copy the others, and keep every picture
    sent inside the text for as long as its sender's session, an hour or more. The page's own events run in the browser,
    so a request for one is an error of its sender, not of the app.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, delete_cache=(UPLOADS_KEPT, UPLOADS_KEPT), **kwargs)

    async def process_api(self, block_fn: Any, *arguments: Any, request: Any = None, **options: Any) -> Any:
        """Answer a request for an endpoint; the status of a refusal is left where the guard finds it.

        Args:
            block_fn: Gradio's record of the endpoint.
            *arguments: As of Gradio.
            request: Who asks, or a list of such.
            **options: As of Gradio.

        Returns:
            What Gradio makes of the answer.

        Raises:
            RefusedError: If there is no such endpoint, or it refuses.
        """
        try:
            if not _is_endpoint(block_fn):
                raise RefusedError("There is no such endpoint; /gradio_api/info lists them.", 404)
            return await super().process_api(block_fn, *arguments, request=request, **options)
        except RefusedError as error:
            for asked in request if isinstance(request, list) else [request]:
                if isinstance(asked, gr.Request) and asked.request is not None:
                    asked.request.scope[STATUS] = error.status
            raise

    async def preprocess_data(self, block_fn: Any, inputs: Any, state: Any, explicit_call: bool = False) -> Any:
        """The arguments of an event; untouched where it is one of the endpoints."""
        if not _is_endpoint(block_fn):
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        if len(inputs) != len(block_fn.inputs):
            raise RefusedError(
                f"/{block_fn.api_name} takes {len(block_fn.inputs)} values, and {len(inputs)} were sent."
            )
        return list(inputs)


def _is_endpoint(block_fn: Any) -> bool:
    return isinstance(getattr(block_fn.fn, "__self__", None), Api)


def add(context: Context, blocks: gr.Blocks) -> None:
    """Register the endpoints.

    Args:
        context: What they answer from.
        blocks: The Blocks under construction.
    """
    api = Api(context, blocks)
    for endpoint in (api.compare, api.sweep, api.flip_point, api.models, api.distortions):
        before = set(blocks.fns)
        gr.api(endpoint, api_name=endpoint.__name__, queue=False, concurrency_limit=None)
        (new,) = set(blocks.fns) - before
        _, arguments, results = get_function_description(endpoint)
        # MCP clients get these texts from Gradio; so that all others do, they go into the types, too.
        for field, text in zip(
            (*blocks.fns[new].inputs, *blocks.fns[new].outputs), (*arguments.values(), *results), strict=True
        ):
            field._api_info = {**field._api_info, "description": text}  # noqa: SLF001  # there is no public way


def use_json(blocks: gr.Blocks) -> None:
    """Have the MCP server of launched Blocks answer in JSON; Gradio's own way is Python's notation.

    Args:
        blocks: The launched Blocks.

    Raises:
        ExplorerError: If the MCP server has not started.
    """
    server: Any = blocks.mcp_server_obj
    if server is None:
        raise ExplorerError(
            f"The MCP server does not start: {getattr(blocks, 'mcp_error', None) or 'Gradio gives no reason'}."
        )
    server.postprocess_output_data = lambda data, _: [
        server.types.TextContent(type="text", text=json.dumps(value, ensure_ascii=False, allow_nan=False))
        for value in data
    ]


class Api:
    """The endpoints. Each raises RefusedError with one sentence for an invalid request."""

    def __init__(self, context: Context, blocks: gr.Blocks) -> None:
        self._context = context
        self._reader = Reader(context.workspace, blocks.upload_file_set)
        self._waiting = 0
        # Beside those of the page's jobs, so that a program that asks and asks holds up no visitor's curves.
        threads = min(max(1, (os.cpu_count() or 2) // 2), 4)
        self._pool = ThreadPoolExecutor(threads, "explorer-api", initializer=low_priority_thread)

    async def compare(
        self,
        image: Picture,
        models: list[str] | None = None,
        recipe: str = defaults.RECIPE,
        pictures: bool = False,
    ) -> dict[str, Any]:
        """Distort an image and ask several models about the very same pixels, clean and distorted.

        Per model: the likeliest classes clean and distorted, whether the answer flipped, confidence, margin, entropy,
        KL divergence, and how far the features moved, layer by layer.

        Parameters:
            image: A bundled photograph by name (cat), a row of a data set (digits:7), an uploaded file, or a data URL.
            models: Names as /models lists them, the baseline first; by default those that the app opens with.
            recipe: Distortions in order, for example gaussian_noise=0.1,jpeg=30;seed=7. /distortions lists them.
            pictures: Whether to add both pictures as the models see them, as data URLs of lossless PNG files.

        Returns:
            The hash of the distorted pixels, their distance from the clean ones, and what each model answers to both
        """

        def work(_: Progress) -> dict[str, Any]:
            request = self._reader.load(image, models, recipe)
            found = analysis.compare_image(request.models, request.pixels, request.recipe, label=request.label)
            urls = {"clean": images.data_url(found.clean), "distorted": images.data_url(found.distorted)}
            return found.to_dict() | ({"images": urls} if pictures else {})

        return await self._run(work)

    async def sweep(
        self,
        image: Picture,
        distortion: str,
        models: list[str] | None = None,
        recipe: str = "clean",
        amounts: list[float] | None = None,
        seeds: int = 1,
    ) -> dict[str, Any]:
        """Vary the amount of one distortion, from mild to strong, and follow every model's answer.

        Per model and amount: the answer, the confidence in the clean (or the true, where it is known) class, the margin
        and the feature distance; and the flip point, the first amount at which the answer is not the clean one.

        Parameters:
            image: A bundled photograph by name (cat), a row of a data set (digits:7), an uploaded file, or a data URL.
            distortion: The one that is varied; /distortions lists them.
            models: Names as /models lists them; by default those that the app opens with.
            recipe: The distortions that stay as they are, and the seed, for example jpeg=30;seed=7.
            amounts: In the distortion's unit, from mild to strong; by default 32 over its whole range.
            seeds: Draw random distortions with that many seeds, for the mean and the range of each curve.

        Returns:
            The amounts, their unit, and the curves of each model
        """

        def work(progress: Progress) -> dict[str, Any]:
            arguments = SweepRequest.read({"distortion": distortion, "amounts": amounts, "seeds": seeds})
            request = self._reader.load(image, models, recipe)
            return analysis.sweep(
                request.models,
                request.pixels,
                arguments.distortion,
                amounts=arguments.amounts,
                recipe=request.recipe,
                label=request.label,
                seeds=arguments.seeds,
                progress=progress,
            ).to_dict()

        return await self._run(work)

    async def flip_point(
        self,
        image: Picture,
        distortion: str,
        models: list[str] | None = None,
        recipe: str = "clean",
        tolerance: float | None = None,
    ) -> dict[str, float | None]:
        """Find the smallest amount of a distortion at which each model's answer changes.

        Parameters:
            image: A bundled photograph by name (cat), a row of a data set (digits:7), an uploaded file, or a data URL.
            distortion: The one that is varied; /distortions lists them.
            models: Names as /models lists them; by default those that the app opens with.
            recipe: The distortions that stay as they are, and the seed, for example jpeg=30;seed=7.
            tolerance: How exact, in the distortion's unit; by default a thousandth of its range.

        Returns:
            The amount per model name, in the distortion's unit; null where no amount changes the answer
        """

        def work(progress: Progress) -> dict[str, float | None]:
            arguments = FlipPointRequest.read({"distortion": distortion, "tolerance": tolerance})
            request = self._reader.load(image, models, recipe)
            return analysis.flip_point(
                request.models,
                request.pixels,
                arguments.distortion,
                recipe=request.recipe,
                label=request.label,
                tolerance=arguments.tolerance,
                progress=progress,
            ).amounts

        return await self._run(work)

    async def models(self) -> list[dict[str, Any]]:
        """List the models that can be asked, each with its card.

        Returns:
            The cards: name, method, architecture, data, classes, input, training, measured accuracies (0-1)
        """
        cards = self._context.workspace.cards
        return [{k: v for k, v in card.to_dict().items() if k != "reference"} for card in cards]  # long, and of no use

    async def distortions(self) -> list[dict[str, Any]]:
        """List the distortions with the range and unit of their amounts.

        At the amount called identity nothing changes; severities are the published amounts of severity 1 to 5, if there
        are any. Amounts of those that are per_side are stated for an image of 32 pixels and grow with the image.

        Returns:
            The distortions: name, help, unit, low, high, identity, default, severities and more
        """
        return [
            {k: v for k, v in vars(distortion).items() if k not in {"function", "of_pictures"}}
            for distortion in DISTORTIONS.values()
        ]

    # ---- how they are answered --------------------------------------------------------------------------------------

    async def _run(self, work: Callable[[Progress], T]) -> T:
        """The result of ``work`` from one of the threads; its errors as one sentence."""
        if self._waiting >= WAITING:
            raise RefusedError("The explorer is busy; try again in a minute.", 503)

        def patient(*_: int) -> None:
            self._context.idle.wait()

        def begin() -> T:
            patient()
            return work(patient)

        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, begin)
        except ExplorerError as error:
            raise RefusedError(str(error)) from None
        except Exception as error:
            log.exception("a question to the API failed")
            raise RefusedError(
                "An unexpected error occurred; the terminal that runs the explorer shows the details.", 500
            ) from error
        finally:
            self._waiting -= 1
