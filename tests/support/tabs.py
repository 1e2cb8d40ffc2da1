"""What the tests of the tabs under the panel share: a page with made-up answers, and how to read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


MODELS = ["data/net/standard", "data/net/stability"]
EVIL = "<img src=x onerror='window.broken = 1'>"

STUB = """async ({ sources, models, evil }) => {
  const load = (source) => import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  window.modules = Object.assign({}, ...(await Promise.all(sources.map(load))));
  const range = { low: 0, high: 1, step: 0.01, identity: 0, inverted: false };
  const usual = { symbol: 'σ', unit: 'of full scale', factor: 1, default: 0.5, adversarial: false, searched: true };
  const distortion = (title, more = {}) => ({ title, ...usual, ...more });
  window.distortions = {
    noise: distortion('Noise'), fog: distortion('Fog'), blur: distortion(evil), jpeg: distortion('JPEG'),
    fgsm: distortion('FGSM', { adversarial: true, symbol: '/255', factor: 255, default: 8 / 255 }),
    pgd: distortion('PGD', { adversarial: true }),
  };
  window.recipe = { steps: [['fog', 0.25]], seed: 0, against: null, quantised: true };
  window.question = () => ({ picture: window.picture, models: window.models, recipe: structuredClone(recipe) });
  Object.assign(window, { picture: { sample: 'cat' }, models, put: [], asked: [], cancelled: [], answers: {} });
  window.page_ = {
    question,
    state: () => ({ steps: recipe.steps.map(([name, amount]) => ({ name, amount, on: true })), models: window.models }),
    distortion: (name) => distortions[name],
    range: () => range,
    title: (name) => ({ standard: 'Standard', stability: 'Stability training' })[name.split('/').pop()] ?? name,
    method: (name) => name.split('/').pop(),
    setSteps: (steps, { against }) => put.push([steps, against]),
  };
  const running = (window.running = {});
  window.jobs_ = {
    run: (handler, question, { key = handler, progress } = {}) => {
      asked.push([handler, question]);
      progress?.(1, 2);
      running[key]?.(null);
      return new Promise((resolve) => {
        running[key] = resolve;
        const answer = answers[handler]?.(question);
        if (answer !== undefined) resolve(structuredClone(answer));
      });
    },
    cancel: (key) => (cancelled.push(key), running[key]?.(null)),
  };
  window.open_ = (name) => {
    const element = document.createElement('section');
    element.id = `view-${name}`;
    document.getElementById('here').replaceChildren(element);
    const make = modules[`make${name[0].toUpperCase()}${name.slice(1)}View`];
    window.view = make({ element, page: page_, jobs: jobs_, catalogue: { distortions } });
  };
  window.tell = (answer = null, live = false) => view.update({ answer, question: question(), live });
}"""


SILENT = "The explorer does not answer. Is it still running?"
FAIL = "error => document.dispatchEvent(new CustomEvent('answer', { detail: { error } }))"


def answer(page: Page, handler: str, said: Any) -> None:
    """Jobs of this handler answer so: an object, or the source of a function of the question."""
    source = said if isinstance(said, str) else f"() => ({json.dumps(said)})"
    page.evaluate(f"() => {{ answers.{handler} = {source}; }}")


def texts(found: Locator) -> list[str]:
    return [" ".join(text.split()) for text in found.all_inner_texts()]


def search(page: Page, goal: str = "What breaks the baseline soonest?", among: str = "all") -> None:
    page.get_by_label("Distortions to search").select_option(among)
    page.get_by_role("button", name=goal).click()
    page.wait_for_function("document.querySelector('#view-weakness .outcome').textContent !== ''")


def check_edges(page: Page) -> None:
    """A table too wide for the page shows at its edges that it goes on, and its first column stays in sight."""
    page.wait_for_selector(".edges.beyond:not(.before)")
    first = page.locator("tbody tr > :first-child").last
    before = first.bounding_box()
    page.evaluate("() => { document.querySelector('.scroll').scrollLeft = 1e4; }")
    page.wait_for_selector(".edges.before:not(.beyond)")
    after = first.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["x"] - after["x"]) < 8  # it stays in sight
    page.set_viewport_size({"width": 1100, "height": 900})
    page.wait_for_selector(".edges:not(.before):not(.beyond)")
