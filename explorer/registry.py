"""Named things of one type: distortions, training methods, architectures, data sets, suites, exercises, ...

A registry is a mapping from names to things, in the order of registration. What ships with the package is registered by
the modules of one package, and what others add by their entry points in the group ``explorer.plugins``; both are
imported when a registry that takes plugins is first read, so that ``import explorer`` stays cheap.

A package adds its own in ``pyproject.toml``; importing the module registers what it decorates::

    [project.entry-points."explorer.plugins"]
    mine = "my_package.my_module"
"""

from __future__ import annotations

import difflib
import logging
import threading
from collections.abc import Iterator, MutableMapping
from importlib import import_module, metadata
from typing import TypeVar

from explorer.errors import ExplorerError

GROUP = "explorer.plugins"
"""The entry-point group under which other packages name the modules that register something here."""

T = TypeVar("T")

_lock = threading.RLock()
_plugins_loaded = False


class Registry(MutableMapping[str, T]):
    """Things of one type by name.

    Args:
        noun: What one of them is called in sentences, for example "distortion".
        package: The package whose import registers those that ship with Explorer, for example
            ``explorer.distortions``. Plugins are loaded after it. None: what is registered is all there is.
    """

    def __init__(self, noun: str, package: str | None = None) -> None:
        self.noun, self._package, self._things = noun, package, dict[str, T]()
        self._ready, self._loading = package is None, False

    def add(self, name: str, thing: T) -> T:
        """Register a thing.

        Args:
            name: Its name.
            thing: The thing.

        Returns:
            The thing.

        Raises:
            ValueError: If the name is taken.
        """
        if self._package and not self._ready:
            import_module(self._package)  # what ships comes first, whichever registry a plugin was loaded for
        if name in self._things:
            raise ValueError(f"there are two {self.noun}s named {name!r}")
        self._things[name] = thing
        return thing

    def find(self, name: str) -> T:
        """Look up a thing.

        Args:
            name: Its name.

        Returns:
            The thing.

        Raises:
            ExplorerError: If there is none of that name; the sentence lists the closest names, or all of them.
        """
        known = self._filled()
        if isinstance(name, str) and name in known:
            return known[name]
        close = difflib.get_close_matches(str(name), known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"choose one of {', '.join(known)}."
        raise ExplorerError(f"There is no {self.noun} named {str(name)[:200]!r}: {hint}")

    def _filled(self) -> dict[str, T]:
        """Everything registered, loaded at the first reading; a module that reads while it is loaded sees a part."""
        if not self._ready:
            with _lock:
                if not (self._ready or self._loading):
                    self._loading = True
                    try:
                        import_module(self._package or __name__)
                        load_plugins()
                        self._ready = True
                    finally:
                        self._loading = False
        return self._things

    def __getitem__(self, name: str) -> T:
        return self._filled()[name]

    def __setitem__(self, name: str, thing: T) -> None:
        self._filled()[name] = thing

    def __delitem__(self, name: str) -> None:
        del self._filled()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._filled())

    def __len__(self) -> int:
        return len(self._filled())

    def __repr__(self) -> str:
        return f"<registry of {self.noun}s: {', '.join(self._things)}>"


def load_plugins() -> None:
    """Import the modules that installed packages name in the group ``explorer.plugins``, once per process.

    One that cannot be imported is left out: a sentence in the log names its package, and everything else works.
    """
    global _plugins_loaded  # noqa: PLW0603  # once per process
    with _lock:
        if _plugins_loaded:
            return
        _plugins_loaded = True
        for entry in metadata.entry_points(group=GROUP):
            try:
                entry.load()
            except Exception as error:  # noqa: BLE001  # an error in a plugin must not end the program
                package = entry.dist.name if entry.dist else entry.value
                why = " ".join(f"{type(error).__name__}: {error}".split())
                logging.getLogger("explorer").warning(
                    "The plugin %s of the package %s was left out: it cannot be loaded (%s).", entry.name, package, why
                )
