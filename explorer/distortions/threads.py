"""Work on the images of a batch in several threads: plain loops, and images that are computed alone.

Libraries round differently for batches of different sizes and for different numbers of threads: another kernel, sums in
another order. Ten steps along the sign of a gradient make several per cent of confidence out of the last bit. What must
be the same everywhere is therefore computed one image at a time, each on one torch thread, and several images at once
where torch has several threads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor

PARALLEL_FROM = 64
"""Batches of at least this many images are drawn and coded by a thread pool."""


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, thread_name_prefix="explorer")


def for_each(function: Callable[[int], None], count: int) -> None:
    """Calls ``function(i)`` for every i below ``count``, in threads where the batch is large.

    Args:
        function: Called once per image, in no particular order.
        count: Number of images.
    """
    workers = torch.get_num_threads()
    if count < PARALLEL_FROM or workers == 1:
        for i in range(count):
            function(i)
        return
    block = -(-count // (4 * workers))

    def run(start: int) -> None:
        for i in range(start, min(start + block, count)):
            function(i)

    list(_pool(workers).map(run, range(0, count, block)))


def each_alone(function: Callable[[int, Tensor], Tensor], x: Tensor) -> Tensor:
    """Maps every image of a batch by itself, each on one torch thread.

    The calling thread takes part in the work; helper threads join it where torch has more than one thread. The result
    depends neither on how many there are nor on the rest of the batch. After an error no further image is begun.

    Args:
        function: Maps the index and the image (1, C, H, W) to its result; runs without gradients and autocast.
        x: Images (N, C, H, W).

    Returns:
        The results, concatenated in order.
    """
    found: dict[int, Tensor] = {}
    todo = iter(range(len(x)))

    def work() -> None:
        try:
            with _one_thread(), torch.no_grad(), torch.autocast("cpu", enabled=False):
                for i in todo:
                    # in the plainest layout: strides and alignment decide about the kernel, too
                    found[i] = function(i, x[i : i + 1].clone(memory_format=torch.contiguous_format))
        except BaseException:
            deque(todo, maxlen=0)
            raise

    threads = torch.get_num_threads()
    helpers = [_pool(threads).submit(work) for _ in range(min(threads, len(x)) - 1)]
    try:
        work()
    finally:
        wait([helper for helper in helpers if not helper.cancel()])
    for helper in helpers:
        if not helper.cancelled():
            helper.result()
    return torch.cat([found[i] for i in range(len(x))])


@contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread for what the calling thread does; other threads keep theirs."""
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
