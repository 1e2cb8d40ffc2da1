"""The widget behind ``explorer.show(...)``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import traitlets

from explorer.analysis import Comparison
from explorer.data.inputs import PictureLike
from explorer.defaults import RECIPE
from explorer.distortions import Recipe
from explorer.errors import ExplorerError
from explorer.models.reading import ModelsLike
from explorer.widgets.controls import Controls
from explorer.widgets.curves import curves_key, curves_of
from explorer.widgets.debouncer import Debouncer
from explorer.widgets.lifetime import close_whole, shown_here
from explorer.widgets.panel import Panel
from explorer.widgets.snapshot import line, snapshot
from explorer.widgets.state import WidgetState, make_state

REST = 0.3  # s without a movement before curves are computed
STORE = 1.0  # s without a movement before what is stored in the notebook is renewed


class RefusedError(ExplorerError, traitlets.TraitError):
    """A value that a trait does not take; the widget stays as it was."""


class _Kept(traitlets.Any):
    """A trait that is set by one thread at a time: sliders are answered beside the cell that runs."""

    def set(self, obj: Any, value: Any) -> None:
        with obj._lock:  # noqa: SLF001  # the widget's own
            held = obj._cross_validation_lock  # noqa: SLF001  # several are set at once: traitlets checks them at the end
            if not held:
                obj._next = None  # noqa: SLF001
            super().set(obj, value)
            if not held and self.name == "image":
                obj._changed(None)  # noqa: SLF001  # the same array with other values is no change to traitlets


class Explorer(widgets.HBox):
    """Several models answer one distorted picture, live, in a notebook.

    Everything is a trait that can be read, set and observed. An invalid value is refused with one sentence and changes
    nothing. Set several at once inside ``with w.hold_trait_notifications():``.

    Attributes:
        image: Name of a sample photograph, a row such as ``digits:7``, a path, a Pillow image, an array or a tensor.
        models: Names or loaded models.
        recipe: Text; an ``explorer.Recipe`` may be assigned.
        comparison: The ``explorer.compare`` of what is shown; read only.
    """

    image = _Kept(None)
    models = _Kept(None)
    recipe = _Kept(RECIPE)
    comparison = traitlets.Any(read_only=True)
    children: Any

    def __init__(
        self,
        image: PictureLike | None = None,
        models: ModelsLike | None = None,
        recipe: Recipe | str = RECIPE,
        **layout: Any,
    ) -> None:
        """The state to open on; by default the app's first screen. ExplorerError where it makes no sense."""
        self._lock = threading.RLock()
        self._next: tuple[WidgetState, Comparison, dict[str, Any]] | None = None
        self._shown = make_state(image, models, recipe)
        self._live = self._alive = self._closed = False
        self._frame: str | None = None  # the token of the camera's frame that is being answered
        self._displays: dict[str, Any] = {}  # by cell: what is stored there
        self._displayed_in = -1
        self._later = Debouncer(self._when_quiet)
        self._controls = Controls(self._ask)
        wide = widgets.Layout(flex="1 1 0", min_width="0")
        self._panel = Panel(self._seen, self._controls.pick, self._controls.move, self._take, layout=wide)
        gap = widgets.Layout(grid_gap="14px", width="100%", align_items="flex-start")
        super().__init__([self._controls.box, self._panel], layout=gap, **layout)
        self.add_class("stability-whole")
        comparison = self._shown.compare()
        values = {"image": self._shown.image, "models": [*self._shown.given], "recipe": str(self._shown.request.recipe)}
        self._trait_values.update(values)  # it has no observers yet
        self._show(self._shown, comparison, self._shown.paint(comparison))

    # ---- the traits -------------------------------------------------------------------------------------------------

    @traitlets.validate("image", "models", "recipe")
    def _check(self, proposal: Any) -> Any:
        """Ask the question first: what cannot be answered is not taken."""
        name, value = proposal["trait"].name, proposal["value"]
        wanted = {"image": self.image, "models": self.models, "recipe": self.recipe, name: value}
        try:
            # a picture that is assigned is read, also where it is the array that was there, with other values
            state = make_state(**wanted, before=self._shown, read=name == "image")
            comparison = state.compare()
            self._next = (state, comparison, state.paint(comparison))
        except ExplorerError as error:
            self._next = None
            raise RefusedError(str(error)) from None
        if name == "models":
            return [*state.given]
        return str(state.request.recipe) if name == "recipe" else state.image

    @traitlets.observe("image", "models", "recipe")
    def _changed(self, _: Any) -> None:
        if self._next is None:
            return  # another trait of the same change has brought it
        found, self._next = self._next, None
        self._show(*found)

    def _show(self, state: WidgetState, comparison: Comparison, painted: dict[str, Any]) -> None:
        self._shown, self._painted = state, painted
        if self._closed:
            self.set_trait("comparison", comparison)
            return
        self._controls.paint(state)
        steps, step = state.request.recipe.steps, self._controls.touched
        curve = {"curve": curves_key(state.request, step), "at": steps[step][1] if steps else None}
        self._panel.push(self._painted | curve | {"frame": self._frame}, live=self._live)
        self.set_trait("comparison", comparison)
        if self._displays and not self._live:
            self._store()
        if self._alive or (self._displays and self._live):
            self._later.nudge()

    # ---- the page ---------------------------------------------------------------------------------------------------

    def _ask(self, *, live: bool = False, **wanted: Any) -> None:
        """Somebody chose something: take it, or say in the panel why not and put the controls back."""
        with self._lock:
            self._live = live
            try:
                if len(wanted) == 1:
                    ((name, value),) = wanted.items()
                    setattr(self, name, value)
                else:
                    with self.hold_trait_notifications():
                        for name, value in wanted.items():
                            setattr(self, name, value)
            except ExplorerError as error:
                self._panel.push({"error": str(error)})
                self._controls.paint(self._shown)
            finally:
                self._live = False

    def _take(self, token: str, frame: bytes, live: bool) -> None:
        """The page's camera sent a frame."""
        with self._lock:
            self._frame = token
            try:
                self._ask(image=frame, live=live)
            finally:
                self._frame = None

    def _seen(self) -> None:
        """A page has drawn the panel: from now on there are curves."""
        self._alive = True
        self._later.nudge()

    def _when_quiet(self, stop: Callable[[], None]) -> None:
        request, step = self._shown.request, self._controls.touched
        key = curves_key(request, step)
        if self._alive and key is not None and key != self._panel.curves.get("key"):
            self._later.quiet(REST, stop)
            try:
                self._panel.curves = curves_of(request, step, stop)
            except ExplorerError as error:
                self._panel.curves = {"key": key, "error": str(error)}
        if self._displays:
            self._later.quiet(STORE, stop)
            self._store()

    # ---- in the notebook --------------------------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        from IPython import get_ipython
        from IPython.display import HTML, display

        if self._closed:
            words = f"{self!r}\n(No longer live: its cell was run again. explorer.show(...) opens another.)"
            display({"text/plain": words}, raw=True)
            return
        shell = get_ipython()
        count = -1 if shell is None else shell.execution_count
        if count >= 0 and self._displayed_in == count:
            return  # show() has displayed it, and is the cell's last line
        self._displayed_in = count
        cell = shown_here(self) or str(count)
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        stored = HTML(snapshot(self._painted, self._panel.snapshot_class))
        self._displays[cell] = display(stored, display_id=True)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        _, metadata = self._panel._repr_mimebundle_()  # what Colab wants to know of widgets like this one
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}, metadata

    def close(self) -> None:
        """End the widget in the page and free its parts; its traits still answer."""
        if not getattr(self, "_closed", True):  # it is also called for what was refused half-made
            self._closed = True
            self._later.close()
            parts, self.children = self.children, ()
            for part in parts:
                close_whole(part)
            self.layout.close()
            del self._controls, self._panel
            self._displays.clear()
        super().close()

    def __repr__(self) -> str:
        return line(self._painted) if hasattr(self, "_painted") else "Explorer"

    def _store(self) -> None:
        """Renew what is stored in the notebook for readers without a kernel."""
        from IPython.display import HTML

        shown = HTML(snapshot(self._painted, self._panel.snapshot_class))
        for handle in list(self._displays.values()):  # another thread may display it
            if handle is not None:
                handle.update(shown)
