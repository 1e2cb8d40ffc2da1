"""The engine for several workers or machines: shards through Ray Data. Needs the extra ``stability-explorer[ray]``.

The workers call the same function as the local engine on the same shards; only the process that was started writes.
"""

from __future__ import annotations

import io
import json
import logging
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError
from explorer.models import Classifier
from explorer.models.memory import kept_memory
from explorer.survey.engine import Engine, compute
from explorer.survey.plan import Plan
from explorer.survey.scan import Columns

if TYPE_CHECKING:
    import ray

MAX_WORKERS = 1024
CONNECT_TIMEOUT = 10.0  # s until a cluster that does not answer is given up


def ray_workers(workers: int = 2) -> Engine:
    """An engine for ``run`` that spreads the shards over Ray workers.

    The workers run on the cluster that the variable ``RAY_ADDRESS`` names, otherwise on this machine. Image folders
    must have the same path on every machine.

    Args:
        workers: Number of workers, 1 to 1024.

    Returns:
        The engine.

    Raises:
        ExplorerError: If the package ray is missing, the cluster does not answer, or ``workers`` is out of range.
    """
    if not 1 <= workers <= MAX_WORKERS:
        raise ExplorerError(f"The number of workers is 1 to {MAX_WORKERS:,}, not {workers}.")
    if find_spec("ray") is None:
        raise ExplorerError(
            "The engine ray needs the package ray (pip install 'ray[data]'); the local one needs nothing."
        )

    def engine(
        models: Sequence[Classifier], data: Dataset, plan: Plan, shards: Sequence[int]
    ) -> Iterable[tuple[int, Columns | None, dict[int, str]]]:
        return _spread(models, data, plan, shards, min(workers, max(1, len(shards))))

    return engine


def _spread(
    models: Sequence[Classifier], data: Dataset, plan: Plan, shards: Sequence[int], workers: int
) -> Iterator[tuple[int, Columns | None, dict[int, str]]]:
    """The shards as they finish."""
    if not shards:
        return
    with cluster():
        import ray
        import ray.data

        device = models[0].device.type
        shared = ray.put(([model.to("cpu") for model in models], data, plan))
        for model in models:
            model.to(device)
        found = ray.data.from_items(
            [{"shard": shard} for shard in shards], override_num_blocks=len(shards)
        ).map_batches(
            _Worker,
            fn_constructor_args=(shared, device, max(1, torch.get_num_threads() // workers)),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=0 if device == "cuda" else 1,
            num_gpus=1 if device == "cuda" else 0,
        )
        for row in found.iter_rows():
            if row["error"]:
                raise ExplorerError(row["error"])
            unread = {int(image): why for image, why in json.loads(row["unread"]).items()}
            yield int(row["shard"]), _unpack(row["columns"]), unread


class _Worker:
    """One worker: the models and the data, kept from shard to shard."""

    def __init__(self, shared: ray.ObjectRef, device: str, threads: int) -> None:
        import ray

        torch.set_num_threads(threads)  # the answers do not depend on it
        models, self._data, self._plan = ray.get(shared)
        self._models = [model.to(device) for model in models]

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        shard, error = int(batch["shard"][0]), ""
        columns: Columns | None = None
        unread: dict[int, str] = {}
        try:
            with kept_memory():
                columns, unread = compute(self._models, self._data, self._plan, shard)
        except ExplorerError as sentence:  # a sentence for the user, which Ray would wrap into its own words
            error = str(sentence)
        return {"shard": [shard], "columns": [_pack(columns)], "unread": [json.dumps(unread)], "error": [error]}


@contextmanager
def cluster() -> Iterator[None]:
    """Connect to the running cluster, or start one on this machine for the duration of the block.

    Yields:
        None.

    Raises:
        ExplorerError: If no cluster answers or Ray does not start.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # read when ray is imported: nothing is reported to anybody
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it talks to its developers
    import ray
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False  # the run has its own
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    if ray.is_initialized():
        yield
        return
    where = os.environ.get("RAY_ADDRESS")
    silent = ExplorerError(
        f"No Ray cluster answers at {where}; check RAY_ADDRESS." if where else "Ray does not start here."
    )
    if where and not _answers(where):
        raise silent
    here: dict[str, Any] = {} if where else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **here)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise silent from error
    try:
        yield
    finally:
        ray.shutdown()


def _answers(address: str) -> bool:
    """Whether a server answers at HOST:PORT; Ray itself takes minutes to give up. True for addresses of other forms."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return True
    try:
        socket.create_connection((host, int(port)), CONNECT_TIMEOUT).close()
    except (OSError, OverflowError):
        return False
    return True


def _pack(columns: Columns | None) -> bytes:
    """The columns as bytes without any pickle."""
    if columns is None:
        return b""
    sink = io.BytesIO()
    np.savez(sink, allow_pickle=False, **columns)
    return sink.getvalue()


def _unpack(data: bytes) -> Columns | None:
    if not data:
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return dict(found)
