"""The latency people feel: a slider moved in a real browser until two models' full answer is painted.

Against it, in the same page and in turns: a stock Gradio slider whose event echoes the number. Both end with the frame
that shows the new value. Then a drag, in turns with and without sweeps that follow each other on the server.
``python -m benchmarks.browser`` prints the figures.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.background import Sweeps
from benchmarks.pages import chromium, served, version

MODELS = ("cifar10/resnet20/standard", "cifar10/resnet20/stability")
ROUNDS = 80
TURNS = 4
WARM_UP = 15

RACE = """async ([rounds, both]) => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => {
    const channel = new MessageChannel(); // runs once the frame is drawn
    channel.port1.onmessage = () => resolve();
    channel.port2.postMessage(0);
  }));
  const move = (slider, value) => {
    slider.value = value;
    slider.dispatchEvent(new Event('input', { bubbles: true }));
    return slider.valueAsNumber;
  };
  const panel = document.getElementById('panel');
  const find = (selector) => document.querySelector(selector);
  const ours = async (value) => {
    const start = performance.now();
    const amount = move(find('#step-0 input[type=range]'), value);
    await new Promise((resolve) => {
      const heard = ({ detail }) => {
        if (detail.state?.recipe.steps[0][1] !== amount) return;
        panel.removeEventListener('answer', heard); // announced after the frame that shows it
        resolve();
      };
      panel.addEventListener('answer', heard);
    });
    return performance.now() - start;
  };
  const stock = async (value) => {
    const start = performance.now();
    const amount = move(find('#stock-slider input[type=range]'), value);
    while (find('#stock-number input').valueAsNumber !== amount) await frame();
    return performance.now() - start;
  };
  const times = { ours: [], stock: [] };
  for (let i = 0; i < rounds; i++) {
    const value = 0.02 + 0.005 * (i % 2 ? i % 60 : 90 - (i % 60));
    times.ours.push(await ours(value));
    await frame(); await frame();
    if (!both) continue; // a drag: the next question follows at once
    times.stock.push(await stock(value));
    await frame(); await frame();
  }
  return times;
}"""


def measure(models: Sequence[str] | None = None, rounds: int = ROUNDS) -> dict[str, Any]:
    """Medians and 95th percentiles in ms, and their ratios; ``models`` default to the app's first two."""
    import gradio as gr

    from explorer.app import build

    blocks = build(models or MODELS)
    with blocks:
        slider = gr.Slider(0, 1, 0, step=0.005, label="stock slider", elem_id="stock-slider", interactive=True)
        number = gr.Number(0, label="echo", elem_id="stock-number")
        slider.input(lambda value: value, slider, number)
    # The app answers no events but its own; these belong to the measurement.
    blocks.process_api = partial(gr.Blocks.process_api, blocks)  # type: ignore[method-assign]
    with served(blocks) as url, chromium() as context:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector(".step[data-used]")
        page.wait_for_selector("#stock-slider input[type=range]")
        page.evaluate(RACE, [WARM_UP, True])
        times = page.evaluate(RACE, [rounds, True])
        sweeps = Sweeps(url, models or MODELS)
        quiet: list[float] = []
        beside: list[float] = []
        for _ in range(TURNS):  # in turns, so that other load on the machine affects both
            quiet += page.evaluate(RACE, [rounds // 2, False])["ours"]
            with sweeps.running():
                beside += page.evaluate(RACE, [rounds // 2, False])["ours"]
        found: dict[str, Any] = {"rounds": rounds, "Chromium": version(context)}
    for name, key in (("two models answered and painted", "ours"), ("stock Gradio slider echoes a number", "stock")):
        found[f"{name}, median (ms)"] = statistics.median(times[key])
        found[f"{name}, p95 (ms)"] = _p95(times[key])
    found["ratio of medians (budget 1)"] = statistics.median(times["ours"]) / statistics.median(times["stock"])
    found["p95 against the stock median (budget 2)"] = _p95(times["ours"]) / statistics.median(times["stock"])
    found["slider beside running sweeps, median (ms)"] = statistics.median(beside)
    found["slider beside running sweeps, p95 (ms)"] = _p95(beside)
    found["sweeps finished meanwhile"] = sweeps.done
    found["ratio of medians, beside sweeps and without (budget 1.25)"] = statistics.median(beside) / statistics.median(
        quiet
    )
    found["ratio of p95, beside sweeps and without"] = _p95(beside) / _p95(quiet)
    return found


def _p95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
