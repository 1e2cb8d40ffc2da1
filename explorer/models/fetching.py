"""Reports of the downloads that timm and torchvision make themselves: their bars tell a caller how far they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from explorer.progress import Progress

_told: ContextVar[Progress | None] = ContextVar("told", default=None)


@contextmanager
def reported(progress: Progress) -> Iterator[None]:
    """Report the downloads of weights in this block, made by this thread.

    Args:
        progress: Called with bytes done and bytes in all; what it raises ends the download.

    Yields:
        Nothing.
    """
    before = _told.set(progress)
    try:
        yield
    finally:
        _told.reset(before)


def from_the_hub(repository: str, file: str) -> str | None:
    """Download a file with the Hugging Face Hub's own downloader, which checks it, keeps it and resumes.

    Args:
        repository: Such as ``timm/resnet50.a1_in1k``.
        file: Name of the file in it.

    Returns:
        Path of the file; None where the repository has none of that name.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError
    from huggingface_hub.utils import tqdm

    try:
        return str(hf_hub_download(repository, file, tqdm_class=_telling(tqdm)))
    except EntryNotFoundError:
        return None


def from_an_address(url: str, path: Path, hash_prefix: str | None) -> Path:
    """Download a file with torch.hub's own downloader, which checks its hash.

    Args:
        url: Its address.
        path: Where it goes.
        hash_prefix: How the SHA-256 of its bytes begins; None where that is not stated.

    Returns:
        The path.
    """
    from torch import hub

    made: Any = hub
    made.tqdm = _telling(made.tqdm)  # where nobody listens it is the same bar
    path.parent.mkdir(parents=True, exist_ok=True)
    hub.download_url_to_file(url, str(path), hash_prefix)
    return path


@cache
def _telling(bar: type[Any]) -> type[Any]:
    """A class of bars that also tell the listener of the thread that made them; itself where it is one already."""
    if getattr(bar, "tells", False):
        return bar

    class Telling(bar):  # type: ignore[misc]
        tells = True

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._progress, self._arrived = _told.get(), int(kwargs.get("initial") or 0)
            self._whole = int(kwargs.get("total") or 0)
            super().__init__(*args, **kwargs | ({"disable": True} if self._progress else {}))

        def update(self, n: float | None = 1) -> bool | None:
            self._arrived += int(n or 0)
            if self._progress:
                self._progress(self._arrived, max(self._whole, self._arrived))
            shown: bool | None = super().update(n)
            return shown

    return Telling
