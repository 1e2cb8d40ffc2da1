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
from explorer.widgets.curves import Charts, key_of
from explorer.widgets.debouncer import Debouncer
from explorer.widgets.panel import Panel
from explorer.widgets.snapshot import line, snapshot
from explorer.widgets.state import WidgetState, make_state

PAUSE = 0.12  # s without a movement before the line in the curves follows
REST = 0.3  # s without a movement before curves are computed
STORE = 1.0  # s without a movement before what is stored in the notebook is renewed


class RefusedError(ExplorerError, traitlets.TraitError):
    """A value that a trait does not take; the widget stays as it was."""


class _Kept(traitlets.Any):
    """A trait that is set by one thread at a time: sliders are answered beside the cell that runs."""

    def set(self, obj: Any, value: Any) -> None:
        with obj._lock:  # noqa: SLF001  # the widget's own
            super().set(obj, value)


class Explorer(widgets.VBox):
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
        self._live = self._alive = False
        self._displays: list[Any] = []
        self._displayed_in = -1
        self._charts = Charts()
        self._later = Debouncer(self._when_quiet)
        self._panel = Panel(self._seen)
        self._panel.layout = widgets.Layout(flex="1 1 0", min_width="0")
        self._controls = Controls(self._ask)
        gap = widgets.Layout(grid_gap="14px", width="100%", align_items="flex-start")
        self._top = widgets.HBox([self._controls.box, self._panel], layout=gap)
        super().__init__([self._top], **layout)
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
            state = make_state(**wanted, before=self._shown)
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
        self._panel.push(self._painted, live=self._live)
        self._controls.paint(state)
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

    def _seen(self, dark: bool) -> None:
        """A page has drawn the panel: from now on there are curves."""
        if self._charts.figure is None:
            self._charts.dark = dark
        self._alive = True
        self._later.nudge()

    def _when_quiet(self, stop: Callable[[], None]) -> None:
        state, step_index = self._shown, self._controls.touched
        if self._alive:
            if not state.request.recipe.steps:
                self._show_charts(on=False)
            else:
                # Plotly takes longer to move one line than the panel to show an answer: not during a drag
                self._later.quiet(PAUSE if self._charts.drawn == key_of(state.request, step_index) else REST, stop)
                self._charts.paint(state.request, step_index, stop)
                self._show_charts(on=True)
        if self._displays:
            self._later.quiet(STORE, stop)
            self._store()

    def _show_charts(self, *, on: bool) -> None:
        figure = self._charts.figure
        wanted = (self._top, figure) if on and figure is not None else (self._top,)
        if wanted != self.children:
            self.children = wanted

    # ---- in the notebook --------------------------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        from IPython import get_ipython
        from IPython.display import HTML, display

        shell = get_ipython()
        count = -1 if shell is None else shell.execution_count
        if count >= 0 and self._displayed_in == count:
            return  # show() has displayed it, and is the cell's last line
        self._displayed_in = count
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        self._displays.append(display(HTML(snapshot(self._painted, self._panel.snapshot_class)), display_id=True))

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        _, metadata = self._panel._repr_mimebundle_()  # what Colab wants to know of widgets like this one
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), "application/vnd.jupyter.widget-view+json": view}, metadata

    def __repr__(self) -> str:
        return line(self._painted) if hasattr(self, "_painted") else "Explorer"

    def _store(self) -> None:
        """Renew what is stored in the notebook for readers without a kernel."""
        from IPython.display import HTML

        shown = HTML(snapshot(self._painted, self._panel.snapshot_class))
        for handle in self._displays:
            if handle is not None:
                handle.update(shown)
