// One threshold for all cards: an answer with more doubt than that is "unsure".

/** @import { Catalogue, State } from "../types.d.ts" */

import { make, setText } from "../shared/dom.js";
import { short } from "../shared/format.js";

// It stands behind the elements of `beside`. `changed` and `moved(done)` ask the server anew.
/** @type {(parts: { state: State; catalogue: Catalogue; beside: HTMLElement; changed: () => void; moved: (done: boolean) => void }) => { paint: () => void }} */
export function makeUnsure({ state, catalogue, beside, changed, moved }) {
  const scores = [{ name: "", title: "never" }, ...catalogue.doubts];
  const menu = make(
    "select",
    { class: "small-button", "aria-label": "Score of doubt" },
    ...scores.map(({ name, title }) => make("option", { value: name }, title)),
  );
  const slider = make("input", { type: "range", step: "any", "aria-label": "Doubt from which an answer is unsure" });
  const value = make("b", {});
  beside.append(make("label", { class: "unsure" }, "Unsure above", menu), slider, value);
  const score = () => catalogue.doubts.find(({ name }) => name === state.doubt?.score);

  menu.addEventListener("change", () => {
    const chosen = catalogue.doubts.find(({ name }) => name === menu.value);
    state.doubt = chosen ? { score: chosen.name, limit: (chosen.span[0] + chosen.span[1]) / 2 } : null;
    changed();
  });
  slider.addEventListener("input", () => set(false));
  slider.addEventListener("change", () => set(true));

  /** @type {(done: boolean) => void} */
  function set(done) {
    if (!state.doubt) return;
    state.doubt = { ...state.doubt, limit: Number(slider.valueAsNumber.toPrecision(3)) };
    setText(value, short(state.doubt.limit));
    moved(done);
  }

  function paint() {
    const chosen = score();
    menu.value = chosen?.name ?? "";
    menu.title = chosen?.help ?? "Judge each answer by a score of doubt and a threshold";
    slider.hidden = value.hidden = !chosen;
    if (!chosen || !state.doubt) return;
    const { limit } = state.doubt;
    [slider.min, slider.max] = [Math.min(chosen.span[0], limit), Math.max(chosen.span[1], limit)].map(String);
    slider.value = String(limit);
    setText(value, short(limit));
  }

  paint();
  return { paint };
}
