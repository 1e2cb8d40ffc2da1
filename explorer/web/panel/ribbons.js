// A ribbon for each model, and the running strip of a camera's last answers.

/** @import { LiveFrame, Ribbon, Ribbons } from "../types.d.ts" */

import { make } from "../shared/dom.js";
import { counted } from "../shared/format.js";
import { coloursOf, makeRibbon } from "./ribbon.js";

const STRIP = 100; // answers in the running strip

/** @type {(parts: { scrub: (index: number, done: boolean) => void }) => Ribbons} */
export function makeRibbons({ scrub }) {
  const element = make("div", { class: "f-ribbons" });
  /** @type {Ribbon[]} */
  let all = [];

  /** @type {Ribbons["rows"]} */
  function rows(count) {
    if (count !== undefined && count !== all.length) {
      while (all.length < count) all.push(makeRibbon({ scrub }));
      all = all.slice(0, count);
      element.replaceChildren(...all.map((row) => row.element));
    }
    return all;
  }

  // What the models answered to the camera's frames: the last hundred while it runs, otherwise all that are kept.
  /** @type {Ribbons["live"]} */
  function live(camera, title) {
    const last = camera.frames().at(-1);
    if (!last) return "";
    const going = camera.running() && !camera.held();
    // what was asked of other models before is of no use beside these
    const same = camera.frames().filter((one) => namesOf(one) === namesOf(last));
    const shown = going ? same.slice(-STRIP) : same;
    const colours = coloursOf(shown.flatMap(({ models }) => models.map(({ label }) => label)));
    const farthest = Math.max(...shown.flatMap(({ models }) => models.map(({ distance }) => distance)));
    const second = shown.filter(({ time }) => time > last.time - 1000);
    rows(last.models.length).forEach((row, i) => {
      const answers = shown.map(({ models }) => models[i].label);
      row.paint({
        ...{ name: title(last.models[i]), method: last.models[i].method, answers, colours, farthest },
        confidence: shown.map(({ models }) => models[i].confidence),
        distance: shown.slice(1).map(({ models }) => models[i].distance),
        text: `${counted(flipsOf(second, i), "flip")} in the last second, ${flipsOf(shown, i)} in ${shown.length} frames`,
        room: going ? STRIP : undefined,
      });
      row.mark(answers.length - 1);
    });
    if (!camera.running()) return "The camera is off; its last ten seconds can be stepped through.";
    return going ? `${second.length} frames a second` : "Held: step back anywhere.";
  }

  return { element, rows, live };
}

/** @type {(frame: LiveFrame) => string} */
function namesOf({ models }) {
  return models.map(({ name }) => name).join();
}

/** @type {(frames: LiveFrame[], i: number) => number} */
function flipsOf(frames, i) {
  return frames.slice(1).filter(({ models }, j) => models[i].label !== frames[j].models[i].label).length;
}
