"""The two small finished surveys that come with the explorer."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent / "examples"
"""``README.md`` there holds the commands that made them."""


def shipped() -> list[Path]:
    """List the surveys that come with the explorer.

    Returns:
        Their folders; first the one whose images need no download (digits).
    """
    found = (plan.parent for plan in EXAMPLES.glob("*/plan.json"))
    return sorted(found, key=lambda folder: (folder.name != "digits", folder.name))
