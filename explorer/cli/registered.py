"""Help that names what is registered, plugins included, without loading it before help is requested."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand


class RegisteredCommand(TyperCommand):
    """A command in whose help ``{methods}``, ``{architectures}``, ``{datasets}`` and ``{distortions}`` become names."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        for option in self.get_params(ctx):
            text = getattr(option, "help", None)
            if text and "{" in text:
                option.help = text.format(**_names())  # type: ignore[attr-defined]  # options have it, arguments may not
        super().format_options(ctx, formatter)


def _names() -> dict[str, str]:
    from explorer.data.datasets import DATASETS
    from explorer.distortions import DISTORTIONS
    from explorer.models import ARCHITECTURES, METHODS

    def listed(names: Iterable[str]) -> str:
        return ", ".join(names)

    return {
        "methods": listed(METHODS),
        "architectures": listed(ARCHITECTURES),
        "datasets": listed(DATASETS),
        "distortions": listed(DISTORTIONS),
    }
