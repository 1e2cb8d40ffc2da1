"""Where Gradio keeps what is uploaded: the usual folder, or one of our own where that cannot be used."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_own: list[tempfile.TemporaryDirectory[str]] = []  # removed when Python ends


def upload_folder() -> str:
    """Choose the folder for Gradio, which reads ``$GRADIO_TEMP_DIR`` when it is imported.

    Its usual one is ``gradio`` below the temporary folder, which all users of a machine share: it belongs to whoever
    was there first, who could read what others upload, and nobody else can start an app.

    Returns:
        The stated or the usual folder where it can be written to, the usual one only if nobody else owns it; otherwise
        a private one.
    """
    stated = os.environ.get("GRADIO_TEMP_DIR")
    folder = Path(stated or Path(tempfile.gettempdir()) / "gradio")
    if _usable(folder, owned=not stated):
        return str(folder)
    _own.append(tempfile.TemporaryDirectory(prefix="stability-explorer-", ignore_cleanup_errors=True))
    return _own[-1].name


def _usable(folder: Path, *, owned: bool) -> bool:
    """Whether files can be written there and, on request, whether it is this user's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        owner = folder.stat().st_uid
    except OSError:  # a file is in the way, or a folder above is somebody else's
        return False
    foreign = os.name == "posix" and owner != os.geteuid()
    return os.access(folder, os.W_OK | os.X_OK) and not (owned and foreign)
