"""The gallery of the page "Failures", ten thousand cases: how long it stays blank while a user scrolls through it.

A wheel that is spun at two speeds, and the scroll bar dragged to places never seen. Blank is a frame in which no case
in the window is shown with its text; a frame without any picture is counted beside it.
``python -m benchmarks.gallery`` prints the figures.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import chromium, served, version

CASES = 10_000
JUMPS = 25
SPINS = {"spun, 3,600 px a second": (60, 400), "spun, 15,000 px a second": (250, 300)}  # px a frame, frames

WATCH = """async ([step, frames, jumps]) => {
  const wall = document.querySelector('.f-scroll');
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const longest = { words: 0, pictures: 0, frame: 0, blank: 0, frames: 0 };
  let [seenWords, seenPictures, last] = [performance.now(), performance.now(), performance.now()];
  const look = () => {
    const box = wall.getBoundingClientRect();
    const inside = [...wall.querySelectorAll('.case')].filter((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return bottom > box.top && top < box.bottom;
    });
    const now = performance.now();
    longest.frame = Math.max(longest.frame, now - last);
    longest.frames++;
    last = now;
    if (inside.length) seenWords = now;
    else longest.blank++;
    if (inside.some((one) => one.querySelector('img').naturalWidth > 0)) seenPictures = now;
    longest.words = Math.max(longest.words, now - seenWords);
    longest.pictures = Math.max(longest.pictures, now - seenPictures);
  };
  for (let i = 0; i < frames; i++) {
    wall.scrollTop += step;
    await frame();
    look();
  }
  for (let i = 1; i <= jumps; i++) {
    wall.scrollTop = (wall.scrollHeight * ((i * 0.61803) % 1));
    for (const until = performance.now() + 700; performance.now() < until; ) {
      await frame();
      look();
    }
  }
  return longest;
}"""


def measure(cases: int = CASES) -> dict[str, Any]:
    """The longest blank times in ms, for each way to scroll."""
    from explorer import load_dataset, load_model
    from explorer.app import build
    from explorer.survey import make_plan, run

    names = ["digits/lenet/standard", "digits/lenet/stability"]
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "gallery"
        models, data = [load_model(name, device="cpu") for name in names], load_dataset("digits")
        amounts = ":".join(f"{0.01 * (i + 1):g}" for i in range(-(-cases // len(data))))
        run(models, data, make_plan(models, data, [f"gaussian_noise={amounts}"]), folder)
        with served(build(names, surveys=[folder])) as url, chromium() as context:
            page = context.new_page()
            found: dict[str, Any] = {"Chromium": version(context)}
            ways: dict[str, Sequence[int]] = {**{name: (*how, 0) for name, how in SPINS.items()}}
            ways[f"scroll bar dragged to {JUMPS} places"] = (0, 0, JUMPS)
            for name, how in ways.items():
                quadrants = ["only_baseline_fails", "only_other_fails", "both_fail", "neither_fails"]
                page.goto(f"{url}?place=failures&find={json.dumps({'quadrants': quadrants})}")
                page.wait_for_selector(".case img[src]")
                found["cases"] = int(page.locator(".case").first.locator("..").get_attribute("aria-setsize") or 0)
                longest = page.evaluate(WATCH, list(how))
                found[f"{name}: longest without any case (ms, budget 300)"] = longest["words"]
                found[f"{name}: longest without any picture (ms)"] = longest["pictures"]
                found[f"{name}: longest frame (ms)"] = longest["frame"]
                page.goto("about:blank")
    return found


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
