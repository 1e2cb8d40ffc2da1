"""Running a survey shard by shard. Finished shards are not computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from filelock import FileLock, Timeout

from explorer.data.datasets import Dataset
from explorer.errors import ExplorerError
from explorer.files import user_path
from explorer.models import Classifier
from explorer.models.memory import kept_memory
from explorer.progress import Progress
from explorer.survey.pictures import read, stream
from explorer.survey.plan import Plan, fingerprint, images_of
from explorer.survey.scan import Columns, Tick, join, scan
from explorer.survey.store import LOCK, Store, table

TRIED = 64
"""Images of a dry run at most."""


@dataclass(frozen=True)
class Cost:
    """The cost of a survey.

    Attributes:
        rows: Rows of the finished survey.
        bytes: Estimated size on disk, in bytes.
        seconds: Estimated time for the images that are not finished yet, in seconds.
    """

    rows: int
    bytes: int
    seconds: float


Engine = Callable[
    [Sequence[Classifier], Dataset, Plan, Sequence[int]], Iterable[tuple[int, Columns | None, dict[int, str]]]
]
"""Computes shards, in any order: (shard, its columns or None where no image could be read, what could not be)."""


def run(
    models: Sequence[Classifier],
    data: Dataset,
    plan: Plan,
    out: Path,
    *,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Store:
    """Compute every shard of the plan that is not finished yet.

    Args:
        models: The models of the plan, in its order.
        data: The data set of the plan, as it was given to ``make_plan``.
        plan: What to compute.
        out: Folder of the survey; created if needed.
        progress: Called with answers done and answers in all (images x conditions x models). It may raise to end the
            run; finished shards stay.
        engine: Computes shards; the local one by default.

    Returns:
        The store of the survey.

    Raises:
        ExplorerError: If ``out`` holds another survey or another run writes there, if models or data differ from the
            plan, if no image can be read, if a model returns values that are not finite, or if the disk is full.
    """
    if tuple(map(fingerprint, models)) != plan.weights:
        raise ExplorerError("The models are not those of the plan; make a new plan.")
    out = user_path(out)
    data, store = images_of(data, models), Store(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise ExplorerError(f"Another run is writing to {out}; wait for it, or give another --out.") from None
    except OSError as error:
        raise ExplorerError(f"{out} cannot be written to ({error.strerror}); give another --out.") from None
    try:
        store.begin(plan)
        done = store.finished(plan)
        left = [shard for shard in range(plan.shards) if shard not in done]
        each = len(plan.conditions) * len(models)
        count = sum(len(plan.images_of(shard)) for shard in done) * each
        if progress:
            progress(count, plan.answers)
        for shard, columns, unread in (engine or local)(models, data, plan, left):
            store.put(plan, shard, columns, unread)
            count += len(plan.images_of(shard)) * each
            if progress:
                progress(count, plan.answers)
        if len(unread := store.unread()) == plan.rows:
            why = unread[min(unread)]
            raise ExplorerError(f"None of the {plan.rows:,} images of {data.name} can be measured: {why}")
    finally:
        lock.release()
    return store


def local(
    models: Sequence[Classifier], data: Dataset, plan: Plan, shards: Sequence[int], tick: Tick | None = None
) -> Iterable[tuple[int, Columns | None, dict[int, str]]]:
    """The engine of this machine: one shard after another, on all cores or on the models' device.

    Args:
        models: The models of the plan.
        data: The data set.
        plan: What to compute.
        shards: Indices of the shards to compute.
        tick: As for ``compute``.

    Yields:
        (shard, columns or None, images that could not be read).
    """
    with kept_memory():
        for shard in shards:
            yield shard, *compute(models, data, plan, shard, tick)


def compute(
    models: Sequence[Classifier], data: Dataset, plan: Plan, shard: int, tick: Tick | None = None
) -> tuple[Columns | None, dict[int, str]]:
    """Compute one shard. The result is the same on every machine of the same type.

    Args:
        models: The models of the plan.
        data: The data set.
        plan: What to compute.
        shard: Index of the shard.
        tick: Called with the number of new rows between pieces of work; what it raises ends the work.

    Returns:
        The rows (None if no image could be read) and the images that could not be read with the reasons.
    """
    rows = plan.images_of(shard)
    found: list[Columns] = []
    unread: dict[int, str] = {}
    for parts, missing in stream(data, rows, plan, models[0].takes):
        unread |= missing
        if parts:
            found.append(scan(models, parts, plan, tick))
    return (join(found) if found else None), unread


def cost(models: Sequence[Classifier], data: Dataset, plan: Plan, done: int = 0) -> Cost:
    """Measure on the first images what the plan will take.

    Args:
        models: The models of the plan.
        data: The data set.
        plan: What would be computed.
        done: Images that are finished already.

    Returns:
        The estimate.

    Raises:
        ExplorerError: If none of the first images can be read.
    """
    first = range(min(TRIED, plan.batch, plan.rows))
    parts, _ = read(images_of(data, models), first, plan, models[0].takes)
    if not parts:
        raise ExplorerError(f"None of the first {len(first)} images of {data.name} can be read.")
    tried = replace(plan, conditions=_spread(plan))
    scan(models, parts, replace(tried, conditions=tried.conditions[:1]))  # the first pass of a network is a slow one
    began = perf_counter()
    columns = scan(models, parts, tried)
    seconds = perf_counter() - began
    share = len(plan.conditions) / len(tried.conditions) / sum(len(part.rows) for part in parts)
    return Cost(
        rows=plan.answers,
        bytes=int(_encoded(tried, columns) * share * plan.rows),
        seconds=seconds * share * max(plan.rows - done, 0),
    )


def _spread(plan: Plan) -> tuple:
    """The middle amount of every distortion: a dry run tries each distortion once."""
    found = {}
    for name in dict.fromkeys(condition.distortion for condition in plan.conditions):
        same = [condition for condition in plan.conditions if condition.distortion == name]
        found[name] = same[len(same) // 2]
    return tuple(found.values())


def _encoded(plan: Plan, columns: Columns) -> int:
    """Bytes of these rows as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from explorer.survey.store import DICTIONARY

    sink = pa.BufferOutputStream()
    pq.write_table(table(plan, columns, {}), sink, compression="zstd", use_dictionary=DICTIONARY)
    return sink.getvalue().size


def finished_images(plan: Plan, out: Path) -> int:
    """Count the images of a plan that are finished in a folder.

    Args:
        plan: The plan.
        out: The survey's folder.

    Returns:
        The number of images; 0 if the folder holds nothing or another survey.
    """
    store = Store(out)
    try:
        if store.plan.key != plan.key:
            return 0
    except ExplorerError:
        return 0
    return sum(len(plan.images_of(shard)) for shard in store.finished(plan))
