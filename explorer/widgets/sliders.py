"""One distortion of the chain: its title, a slider in its own unit, and a button that takes it out."""

from __future__ import annotations

import ipywidgets as widgets

from explorer.distortions import Distortion
from explorer.widgets.lifetime import close_whole


class Step:
    """``box`` holds the widgets; ``amount`` is what the slider says, in the distortion's unit."""

    def __init__(self, distortion: Distortion, side: int, index: int) -> None:
        """``side``: of the models' input in px, on which the range of some distortions depends."""
        self.distortion, self.side, self.index = distortion, side, index
        self._times = 255 if distortion.unit == "n/255" else 1
        mild, _ = distortion.span(side)
        self._low, self._high = distortion.ends(side)
        step = distortion.step * self._times
        self.slider = widgets.FloatSlider(
            mild * self._times,
            min=self._low * self._times,
            max=self._high * self._times,
            step=step,
            readout_format=".0f" if step >= 1 else f".{len(f'{step:g}'.partition('.')[2]) or 2}f",
            layout=widgets.Layout(width="auto"),
            tooltip=distortion.help,
        )
        unit = {"n/255": ", /255", "px": ", px", "°": ", °", "bits": ", bits"}.get(distortion.unit, "")
        title = widgets.Label(
            f"{distortion.title} ({distortion.symbol}{unit})",
            tooltip=f"{distortion.help} Amount: {distortion.unit}.",
            layout=widgets.Layout(flex="1 1 auto", width="auto"),
        )
        self.remove = widgets.Button(
            description="✕", tooltip=f"Take {distortion.title} out", layout={"width": "32px", "padding": "0"}
        )
        self.box = widgets.VBox([widgets.HBox([title, self.remove]), self.slider])
        self.box.add_class("stability-step")

    @property
    def amount(self) -> float:
        """The slider's value on its own steps, without the rounding errors that browsers add."""
        mild, _ = self.distortion.span(self.side)
        value = self.slider.value / self._times
        stepped = round(mild + round((value - mild) / self.distortion.step) * self.distortion.step, 12)
        return min(max(stepped, self._low), self._high)

    def show(self, amount: float) -> None:
        """Move the slider to an amount, unless it is there.

        Args:
            amount: Amount in the distortion's unit.
        """
        value = amount * self._times
        if abs(self.slider.value - value) > 1e-6 * self.slider.step:
            self.slider.value = min(max(value, self.slider.min), self.slider.max)

    def close(self) -> None:
        """End its widgets."""
        close_whole(self.box)
