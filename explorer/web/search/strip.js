// The distances of one model: how many copies and how many other pairs lie where, and the threshold between them, which
// is dragged, or moved by the arrow keys from pair to pair.

/** @import { PairRun } from "./types.d.ts" */

import { make, svg } from "../shared/dom.js";
import { plain } from "../shared/format.js";
import { stepFrom } from "./pairs.js";

const [WIDE, TALL, LEFT, RIGHT, TOP, BOTTOM] = [560, 46, 10, 10, 14, 20];
const KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };

// `drag(distance)` is called for every move.
/** @type {(parts: { drag: (distance: number) => void }) => { element: HTMLElement; show: (run: PairRun, method: string) => void; paint: (threshold: number) => void }} */
export function makeStrip({ drag }) {
  const drawing = svg("svg", { viewBox: `0 0 ${WIDE} ${TOP + TALL + BOTTOM}` });
  const element = make("div", { class: "x-strip" }, drawing);
  const across = WIDE - LEFT - RIGHT;
  const line = svg("path", { class: "x-line" });
  const grip = svg("circle", { class: "x-grip", r: 7, cy: TOP });
  const hit = svg("rect", {
    ...{ class: "hit", x: 0, y: 0, width: WIDE, height: TOP + TALL + 4, role: "slider", tabindex: 0 },
    "aria-label": "Threshold: the largest distance of a pair that counts as copies; arrow keys move it by one pair",
  });
  /** @type {PairRun | null} */
  let shown = null;
  let at = 0;

  /** @type {(event: PointerEvent) => void} */
  const move = (event) => {
    if (!shown) return;
    const { left, width } = hit.getBoundingClientRect();
    const share = (((event.clientX - left) / width) * WIDE - LEFT) / across;
    drag(Math.min(1, Math.max(0, share)) * shown.bins.high);
  };
  hit.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    hit.setPointerCapture(event.pointerId);
    move(event);
  });
  hit.addEventListener("pointermove", (event) => hit.hasPointerCapture(event.pointerId) && move(event));
  hit.addEventListener("keydown", (event) => {
    const steps = /** @type {Record<string, number>} */ (KEYS)[event.key];
    if (!shown || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = event.key === "Home" ? 0 : event.key === "End" ? shown.bins.high : steps && stepFrom(shown, at, steps);
    if (to === undefined) return;
    event.preventDefault();
    drag(Math.max(0, to));
  });

  /** @type {(run: PairRun, method: string) => void} */
  function show(run, method) {
    if (run === shown) return;
    shown = run;
    const { high, copies, others } = run.bins;
    const step = across / copies.length;
    /** @type {(counts: number[]) => string} */
    const outline = (counts) => {
      const most = Math.max(...counts, 1);
      const steps = counts.map((n) => `V${(TOP + TALL * (1 - n / most)).toFixed(1)}h${step.toFixed(2)}`);
      return `M${LEFT} ${TOP + TALL}${steps.join("")}V${TOP + TALL}`;
    };
    drawing.setAttribute("data-method", method);
    drawing.replaceChildren(
      svg("path", { class: "x-others", d: `${outline(others)}Z` }, svg("title", {}, "Pairs of different pictures")),
      svg("path", { class: "x-copies", d: outline(copies) }, svg("title", {}, "Pictures and their copies")),
      svg("path", { d: `M${LEFT} ${TOP + TALL}h${across}`, stroke: "var(--edge)" }),
      ...[0, 0.25, 0.5, 0.75, 1].map((share) =>
        svg(
          "text",
          {
            x: LEFT + across * share,
            y: TOP + TALL + 14,
            "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle",
          },
          plain(high * share, 3),
        ),
      ),
      line,
      grip,
      hit,
    );
    hit.setAttribute("aria-valuemin", "0");
    hit.setAttribute("aria-valuemax", plain(high, 3));
  }

  /** @type {(threshold: number) => void} */
  function paint(threshold) {
    if (!shown) return;
    at = threshold;
    const x = LEFT + across * Math.min(1, Math.max(0, threshold) / shown.bins.high);
    line.setAttribute("d", `M${x.toFixed(1)} ${TOP}V${TOP + TALL}`);
    grip.setAttribute("cx", x.toFixed(1));
    hit.setAttribute("aria-valuenow", plain(Math.max(0, threshold), 4));
    hit.setAttribute("aria-valuetext", threshold < 0 ? "nothing is found" : `distance ${plain(threshold, 4)}`);
  }

  return { element, show, paint };
}
