"""The functions that the page calls: JSON object in, JSON response out.

Everything the browser sends is validated, and every error is answered with one sentence.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import torch
from starlette.responses import Response

from explorer import defaults
from explorer.app.context import Context
from explorer.app.failures.page import Failures
from explorer.app.idle import low_priority_thread
from explorer.app.jobs import Jobs, StoppedError
from explorer.app.jobs.scheduler import POLL
from explorer.app.links import read_link
from explorer.app.methods.page import Methods
from explorer.app.pictures import PictureGoneError
from explorer.app.search.page import Search
from explorer.app.sharing import shares
from explorer.app.validation import parse_recipe
from explorer.defaults import MAX_MODELS, MAX_STEPS
from explorer.distortions import Recipe
from explorer.errors import ExplorerError

log = logging.getLogger(__name__)


class Endpoints:
    """The page's functions, and the threads that answer them. One instance serves all visitors.

    Slider requests are answered by a few threads with one torch thread each: small networks gain nothing from more,
    and visitors do not slow each other down by more than their share.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._failures = Failures(context.workspace, context.surveys)
        self._methods = Methods(context.workspace)
        self._search = Search(context.collections)
        self._jobs = Jobs(context, one_sentence)
        self._pool = ThreadPoolExecutor(
            os.cpu_count() or 2, "explorer", initializer=torch.set_num_threads, initargs=(1,)
        )
        # Large photographs take seconds to decode, one after another: not in the threads that sliders wait for.
        self._readers = ThreadPoolExecutor(1, "explorer-reader", initializer=low_priority_thread)
        # Nor what is asked of surveys: some of it takes a tenth of a second.
        self._queries = ThreadPoolExecutor(2, "explorer-survey", initializer=low_priority_thread)

    @property
    def functions(self) -> tuple[Callable[[Any], Awaitable[Response]], ...]:
        """Those that the page calls by name."""
        page = (self.ask, self.open_picture, self.read_recipe, self.read_link, self.share, self.failures, self.methods)
        brought = (self.open_clip, self.open_frame)
        return (*page, *brought, self.search, self.start_job, self.poll_job, self.cancel_job)

    async def ask(self, state: Any) -> Response:
        """Answer a state of the page.

        Args:
            state: The state, as in ``Workspace.answer``, from the browser.

        Returns:
            What the panel draws, or {"error"}.
        """
        with self._context.idle:
            return await self._run(self._context.workspace.answer, state)

    async def open_picture(self, upload: Any) -> Response:
        """Take in an uploaded picture.

        Args:
            upload: The upload, of one file, from the browser.

        Returns:
            {"token", "thumb"} or {"error"}.
        """
        return await self._run(self._take_picture, upload, self._readers)

    async def open_clip(self, upload: Any) -> Response:
        """Take in an uploaded clip.

        Args:
            upload: The upload, of one file, from the browser.

        Returns:
            {"clip", "name"} or {"error"}.
        """
        films = self._context.workspace.pictures.films
        return await self._run(lambda given: films.bring(*_one_file(given)), upload, self._readers)

    async def open_frame(self, upload: Any) -> Response:
        """Take in a frame of a running camera.

        Args:
            upload: The upload, of one file, from the browser.

        Returns:
            {"token"} or {"error"}.
        """
        films = self._context.workspace.pictures.films
        with self._context.idle:
            return await self._run(lambda given: films.bring_frame(_one_file(given)[1]), upload)

    async def read_recipe(self, text: Any) -> Response:
        """Turn the text of a recipe into its JSON form.

        Args:
            text: The text, from the browser.

        Returns:
            The recipe, or {"error"}.
        """
        return await self._run(lambda given: parse_recipe(given).to_dict(), text)

    async def read_link(self, query: Any) -> Response:
        """Read what the page's address asks for.

        Args:
            query: The address's query, from the browser.

        Returns:
            {"state", "messages"} as in ``links.read_link``, and where networks were added, "known" as in
            ``Workspace.known``.
        """
        workspace = self._context.workspace

        def read(text: Any) -> dict[str, Any]:
            found = read_link(workspace, text, max_models=MAX_MODELS, max_steps=MAX_STEPS)
            return found | ({"known": workspace.known} if workspace.added else {})

        return await self._run(read, query)

    async def share(self, state: Any) -> Response:
        """Write a state for Python, the command line and programs.

        Args:
            state: The state, from the browser.

        Returns:
            The texts as in ``sharing.shares``, or {"error"}.
        """
        workspace = self._context.workspace
        return await self._run(lambda given: shares(loaded := workspace.load(given), loaded.doubt), state)

    async def failures(self, question: Any) -> Response:
        """Answer a question of the page "Failures".

        Args:
            question: {"ask": name, ...}, from the browser.

        Returns:
            The answer, or {"error"}.
        """
        return await self._run(self._failures.answer, question, self._queries)

    async def methods(self, question: Any) -> Response:
        """Answer a question of the page "Methods".

        Args:
            question: {"ask": name, ...}, from the browser.

        Returns:
            The answer, or {"error"}.
        """
        return await self._run(self._methods.answer, question, self._queries)

    async def search(self, question: Any) -> Response:
        """Answer a question of the page "Search".

        Args:
            question: {"ask": name, ...}, from the browser.

        Returns:
            The answer, or {"error"}.
        """
        return await self._run(self._search.answer, question, self._queries)

    async def start_job(self, question: Any) -> Response:
        """Begin a long request.

        Args:
            question: {"handler": name of the handler, "group": who asks, ...}, from the browser.

        Returns:
            {"job": token} or {"error"}.
        """
        return _json(one_sentence(self._jobs.start, question))

    async def poll_job(self, question: Any) -> Response:
        """Report the progress of a job; waits a while for a change.

        Args:
            question: {"job": token}, from the browser.

        Returns:
            {"done", "total"}, {"result"} or {"error"}.
        """
        try:
            job = self._jobs.find(question)
        except ExplorerError as error:
            return _json({"error": str(error)})
        before, end = job.to_dict(), perf_counter() + POLL
        while job.to_dict() == before and job.answer is None and perf_counter() < end:  # noqa: ASYNC110  # a thread
            await asyncio.sleep(0.02)
        return _json(job.to_dict())

    async def cancel_job(self, question: Any) -> Response:
        """End a job.

        Args:
            question: {"job": token}, from the browser.

        Returns:
            An empty object.
        """
        return _json(self._jobs.cancel(question))

    def warm(self) -> None:
        """Load what the first screen shows and answer it once, while the rest starts: no visitor waits for it."""
        family, names = self._context.workspace.first
        recipe = Recipe.parse(defaults.RECIPE).to_dict()
        state = {"picture": family.picture, "models": names, "recipe": recipe}
        self._pool.submit(one_sentence, self._context.workspace.answer, state)

    def close(self) -> None:
        """End the threads."""
        self._jobs.close()
        for pool in (self._pool, self._readers, self._queries):
            pool.shutdown(wait=False, cancel_futures=True)

    def _take_picture(self, upload: Any) -> dict[str, str]:
        return self._context.workspace.pictures.bring(_one_file(upload)[1])

    async def _run(
        self, function: Callable[[Any], dict[str, Any]], argument: Any, pool: ThreadPoolExecutor | None = None
    ) -> Response:
        loop = asyncio.get_running_loop()
        return _json(await loop.run_in_executor(pool or self._pool, one_sentence, function, argument))


def _one_file(upload: Any) -> tuple[str, bytes]:
    """The one file of an upload, (name, bytes)."""
    files = getattr(upload, "files", None)
    if not files or len(files) != 1:
        raise ExplorerError("Send one file at a time.")
    return str(files[0][0]), files[0][1]


def _json(answer: Mapping[str, Any]) -> Response:
    try:
        text = json.dumps(answer, allow_nan=False)
    except ValueError:  # features so large that their distance overflows, say
        text = json.dumps({"error": "A model's numbers for this picture are not finite; is its normalisation right?"})
    return Response(text, media_type="application/json")


def one_sentence(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Call a function, and turn its errors into one sentence; unexpected ones are logged in full.

    Args:
        function: What to call.
        *arguments: Its arguments.

    Returns:
        What it returns, or {"error"}; with "gone" if a picture is asked for that is not kept any more.
    """
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
        return {"error": "An unexpected error occurred; the terminal that runs the explorer shows the details."}
