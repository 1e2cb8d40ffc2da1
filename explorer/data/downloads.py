"""Downloads over HTTP: resumed where they stopped, and verified before they count as present.

Partial data lies in ``<file>.part`` beside the file; the next attempt asks the server for the rest only. The file
itself appears in one step after its hash was verified, so that a file that exists is complete.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import os
import shutil
import tarfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from explorer.errors import ExplorerError
from explorer.progress import Progress, silent

TIMEOUT = 15.0
"""Seconds without a single byte after which a connection counts as broken."""

TRIES = 4
"""Connections one after the other that brought nothing new, before it is given up."""

PAUSE = 0.5  # s before a broken connection is tried again
PIECE = 1 << 18  # bytes read, written or hashed between two calls of progress: a few ms
MEGABYTE = 10**6

_busy: set[Path] = set()
_busy_lock = threading.Lock()


class _BrokenError(Exception):
    """The connection broke; what has arrived is kept."""


def download(
    url: str,
    path: Path,
    *,
    size: int,
    sha256: str | None = None,
    md5: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Download a file and verify its hash.

    An interrupted download resumes where it stopped if the server supports that; otherwise it starts over. Bytes with a
    wrong hash are deleted.

    Args:
        url: http or https address.
        path: Where the file goes.
        size: Its size in bytes.
        sha256: Its hash; this or ``md5`` is required.
        md5: Its hash.
        progress: Called with bytes done and bytes in all; what it raises ends the download.

    Returns:
        ``path``.

    Raises:
        ExplorerError: If the server does not answer or sends other bytes than expected, or if the disk is full.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ExplorerError("Only http and https addresses are downloaded.")
    if (sha256 is None) == (md5 is None):
        raise ExplorerError("Give the sha256 or the md5 of the file: one of them is needed to check it.")
    progress = progress or silent
    path = Path(path)
    part = path.with_name(path.name + ".part")
    with _alone(part), _plain_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if _held(part) > size:
            part.unlink()
        missing = size - _held(part)
        if shutil.disk_usage(path.parent).free < missing:
            raise ExplorerError(f"The disk of {path.parent} is too full: {megabytes(missing)} more are needed there.")
        _fill(url, part, size, progress)
        _check(part, size, hashlib.sha256() if sha256 else hashlib.md5(usedforsecurity=False), sha256 or md5, progress)
        part.replace(path)
    return path


def megabytes(number: int) -> str:
    """Format a number of bytes.

    Args:
        number: Bytes.

    Returns:
        Text such as "170 MB".
    """
    value = number / MEGABYTE
    return f"{value / 1000:.1f} GB" if value >= 1000 else f"{value:.0f} MB" if value >= 10 else f"{value:.1f} MB"


def _held(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


@contextlib.contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Two downloads into one file would damage each other; one of another process is detected by the hash."""
    key = part.absolute()
    with _busy_lock:
        if key in _busy:
            raise ExplorerError(f"{part.stem} is being downloaded already; wait until that has finished.")
        _busy.add(key)
    try:
        yield
    finally:
        with _busy_lock:
            _busy.discard(key)


@contextlib.contextmanager
def _plain_disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        why = "the disk is full" if full else f"{type(error).__name__}: is it a folder one may write to"
        raise ExplorerError(f"{path.name} cannot be written to {path.parent} ({why}).") from error


def _fill(url: str, part: Path, size: int, progress: Progress) -> None:
    """Ask until all bytes are in ``part``; ends early only by an error."""
    host, fruitless, last = urlsplit(url).hostname, 0, "it ended early"
    while (have := _held(part)) < size:
        if fruitless == TRIES:
            kept = f" {megabytes(have)} are kept: asking again goes on from there." if have else ""
            raise ExplorerError(
                f"{part.stem} could not be downloaded from {host} ({last}); check the connection.{kept}"
            )
        if fruitless:
            time.sleep(PAUSE)
        progress(have, size)
        try:
            _receive(url, part, size, progress)
        except _BrokenError as error:
            last = str(error)
        fruitless = 0 if _held(part) > have else fruitless + 1


def _receive(url: str, part: Path, size: int, progress: Progress) -> None:
    """One connection: append what it brings. A server that ignores the wish for the rest begins again."""
    have = _held(part)
    headers = {"User-Agent": "stability-explorer", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        response = _opener().open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)  # noqa: S310  # checked
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            part.unlink()
            raise _BrokenError("the server has no such rest") from None
        if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise _BrokenError(f"the server answers {error.code}") from None
        raise ExplorerError(
            f"{part.stem} cannot be downloaded from {urlsplit(url).hostname} (the server answers {error.code})."
        ) from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise _BrokenError(_reason(error)) from None
    with response:
        start = have if response.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        _check_offer(response, part, start, size)
        with part.open("ab" if start else "wb") as file:
            for piece in _pieces(response):
                if file.tell() + len(piece) > size:
                    file.truncate(0)
                    raise ExplorerError(f"{part.stem}: the server sends more than the {size} bytes it should have.")
                file.write(piece)
                progress(file.tell(), size)


def _check_offer(response: Any, part: Path, start: int, size: int) -> None:
    """Refuse, before a byte is read, a file of another length than expected, or another part of it than asked for."""
    content_range = response.headers.get("Content-Range", "")
    if start and not content_range.replace(" ", "").startswith(f"bytes{start}-"):
        part.unlink()
        raise _BrokenError("the server sends another part than asked for")
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and start + int(length) != size:
        raise ExplorerError(
            f"{part.stem}: the server offers {start + int(length)} bytes, expected are {size}; the file has changed."
        )


def _pieces(response: Any) -> Iterator[bytes]:
    while True:
        try:
            piece = response.read1(PIECE)
        except (http.client.HTTPException, OSError) as error:
            raise _BrokenError(_reason(error)) from None
        if not piece:
            return
        yield piece


def _reason(error: BaseException) -> str:
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"nothing came for {TIMEOUT:g} seconds"
    return "the connection broke" if isinstance(cause, ConnectionError) else "no connection"


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https alone, also after a redirect; proxies as the environment names them."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _check(part: Path, size: int, digest: Any, expected: str | None, progress: Progress) -> None:
    with part.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            progress(size, size)
    if digest.hexdigest() != (expected or "").lower():
        part.unlink()
        raise ExplorerError(
            f"{part.stem} was downloaded but its contents are not the published ones ({digest.name} differs); they "
            "were thrown away. Ask again later, or over another network."
        )


def unpack(
    archive: Path, wanted: Mapping[str, int], *, progress: Progress | None = None
) -> Iterator[tuple[str, bytes]]:
    """Read files out of a ``.tar.gz`` archive. Nothing is written to disk.

    Links, devices, absolute paths and all other members are ignored.

    Args:
        archive: The archive.
        wanted: Exact size in bytes by name in the archive.
        progress: Called with bytes done and bytes in all.

    Yields:
        (name, contents).

    Raises:
        ExplorerError: If the archive is damaged, or if a wanted file is missing or has another size.
    """
    progress = progress or silent
    total, left = archive.stat().st_size, dict(wanted)
    try:
        with archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|gz") as tar:
            for member in tar:
                size = left.get(member.name)
                if size is None or not member.isreg():
                    continue
                if member.size != size:
                    raise ExplorerError(f"{archive.name}: {member.name} has {member.size} bytes, expected are {size}.")
                file = tar.extractfile(member)
                assert file is not None  # noqa: S101  # only links and devices have none
                contents = bytearray()
                while piece := file.read(PIECE):
                    contents += piece
                    progress(raw.tell(), total)
                del left[member.name]
                yield member.name, bytes(contents)
                if not left:
                    return
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise ExplorerError(f"{archive.name} is a damaged archive; delete it and download it again.") from error
    raise ExplorerError(f"{archive.name} holds no {', '.join(left)}.")


def remove(path: Path) -> None:
    """Delete a file if it exists.

    Args:
        path: The file.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108
