"""The two small finished surveys that travel with the explorer, so that there is something to look at at once."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent / "examples"
"""``README.md`` there holds the commands that made them."""


def shipped() -> list[Path]:
    """The folders of the shipped surveys, the one whose images are always at hand (digits) first."""
    found = (plan.parent for plan in EXAMPLES.glob("*/plan.json"))
    return sorted(found, key=lambda folder: (folder.name != "digits", folder.name))
