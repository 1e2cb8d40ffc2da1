"""The same latency in a notebook: a slider moved in JupyterLab until two models' full answer is painted.

In turns with the app's slider in the same browser: both start with the slider's own change in the page and end with the
frame that shows the new answer. ``python -m benchmarks.notebook`` prints the figures.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.browser import MODELS
from benchmarks.pages import chromium, served, version

ROUNDS = 80
TURN = 10  # moves before the other page's turn
WARM_UP = 20

RACE = """async ([values, place]) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const app = document.getElementById('step-0');
  const slider = app ? app.querySelector('input[type=range]') : document.querySelector('.stability-step .noUi-target');
  const move = (value) => {
    if (!app) return slider.noUiSlider.set(value);
    slider.value = value;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const amount = (recipe) => Number(/gaussian_noise=([^,;]+)/.exec(recipe)?.[1]);
  const times = [];
  for (const value of values) {
    const start = performance.now();
    const answered = new Promise((resolve) => {
      const heard = ({ detail }) => {
        if (amount(detail.answer?.recipe) !== value) return;
        document.removeEventListener('answer', heard); // announced after the frame that shows it
        resolve();
      };
      document.addEventListener('answer', heard);
    });
    move(value);
    await answered;
    times.push(performance.now() - start);
    await frame(); await frame();
  }
  return times;
}"""


def measure(rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians and 95th percentiles in ms, and their ratio."""
    from explorer.app import build
    from tests.support.lab import LabPage, running

    name = "latency.ipynb"
    times: dict[str, list[float]] = {"notebook": [], "app": []}
    with (
        served(build(MODELS)) as url,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as server,
        chromium() as context,
    ):
        server.write(name, ["import explorer", f"w = explorer.show(models={MODELS})"])
        lab = LabPage(context, server, name)
        lab.run_all()
        lab.widget().painted()
        lab.widget().charted()
        app = context.new_page()
        app.goto(url)
        app.wait_for_selector(".step[data-used]")
        pages = {"notebook": lab.page, "app": app}
        for first in range(-WARM_UP, rounds, TURN):
            for where, page in pages.items():
                page.bring_to_front()
                page.wait_for_timeout(1000)  # curves of the turn before are done
                found = page.evaluate(RACE, [[_amount(i) for i in range(first, first + TURN)], where])
                times[where] += found if first >= 0 else []
        told: dict[str, Any] = {"rounds": len(times["app"]), "Chromium": version(context)}
    for key, where in (("notebook", "JupyterLab"), ("app", "the app")):
        told[f"two models answered and painted in {where}, median (ms)"] = statistics.median(times[key])
        told[f"two models answered and painted in {where}, p95 (ms)"] = statistics.quantiles(times[key], n=20)[-1]
    told["ratio of medians (budget 2)"] = statistics.median(times["notebook"]) / statistics.median(times["app"])
    return told


def _amount(i: int) -> float:
    """Another one each time, on the slider's steps of 0.005."""
    return round(0.02 + 0.005 * (i % 60 if i % 2 else 90 - i % 60), 3)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
