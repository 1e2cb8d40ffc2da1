// Which part of a photograph each model takes: thin frames over the picture, the rest dimmed for the baseline's.

/** @import { Answer } from "../types.d.ts" */

import { make } from "../shared/dom.js";

/** @type {() => { element: HTMLElement; paint: (answer: Pick<Answer, "size" | "models">) => void }} */
export function makeWindows() {
  const element = make("span", { class: "windows", hidden: true });
  let painted = "";

  /** @type {(answer: Pick<Answer, "size" | "models">) => void} */
  function paint({ size: [width, height], models }) {
    /** @type {Map<string, { window: number[]; titles: string[] }>} */
    const found = new Map(); // models that take the same part share a frame
    for (const { window, title } of models) {
      if (!window) continue;
      const key = window.map((share) => share.toFixed(3)).join();
      const frame = found.get(key) ?? { window, titles: [] };
      frame.titles.push(title);
      found.set(key, frame);
    }
    const state = JSON.stringify([width, height, ...found]);
    if (state === painted) return;
    painted = state;
    element.hidden = !found.size;
    // The picture in its square frame, as object-fit: contain lays it out.
    const [across, down] = [width, height].map((side) => (100 * side) / Math.max(width, height));
    element.style.cssText = `left: ${(100 - across) / 2}%; top: ${(100 - down) / 2}%; width: ${across}%; height: ${down}%`;
    element.replaceChildren(
      ...[...found.values()].map(({ window: [left, top, right, bottom], titles }) => {
        const [x, y, w, h] = [left, top, right - left, bottom - top].map((share) => `${(100 * share).toFixed(2)}%`);
        return make("i", {
          style: `left: ${x}; top: ${y}; width: ${w}; height: ${h}`,
          role: "img",
          "aria-label": `The part that ${titles.join(", ")} take${titles.length > 1 ? "" : "s"}`,
        });
      }),
    );
  }

  return { element, paint };
}
