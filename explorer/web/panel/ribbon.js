// The answers of one model to the frames of a clip: a colour per answer, its confidence as the height, flips as notches,
// and below it how far the features move from frame to frame. The hand scrubs anywhere.

/** @import { Ribbon, RibbonNews } from "../types.d.ts" */

import { dot, make, svg } from "../shared/dom.js";
import { percent } from "../shared/format.js";

const HUES = [
  [210, 55, 60],
  [32, 85, 62],
  [160, 45, 50],
  [330, 45, 64],
  [52, 75, 55],
  [265, 40, 68],
  [190, 60, 42],
  [0, 55, 62],
];
const WIDE = 0.09; // share of the ribbon that a run needs for its name

// A colour for each answer, the most frequent first; beyond eight all are grey.
/** @type {(answers: string[]) => Map<string, string>} */
export function coloursOf(answers) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const ordered = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return new Map(
    ordered.map(([answer], i) => [
      answer,
      i < HUES.length ? `hsl(${HUES[i][0]} ${HUES[i][1]}% ${HUES[i][2]}%)` : "grey",
    ]),
  );
}

// Where the answer stays the same: [first frame, frame after the last].
/** @type {(answers: string[]) => [number, number][]} */
export function runsOf(answers) {
  /** @type {[number, number][]} */
  const runs = [];
  answers.forEach((answer, i) => {
    if (i && answers[i - 1] === answer) runs[runs.length - 1][1] = i + 1;
    else runs.push([i, i + 1]);
  });
  return runs;
}

// `scrub(frame, done)` is called while the hand moves along it.
/** @type {(parts: { scrub: (index: number, done: boolean) => void }) => Ribbon} */
export function makeRibbon({ scrub }) {
  const title = make("b", {});
  const words = make("small", {});
  const head = make("div", { class: "f-title" }, dot(), title, words);
  const picture = svg("svg", { class: "f-band", preserveAspectRatio: "none", "aria-hidden": "true" });
  const line = svg("svg", { class: "f-line", preserveAspectRatio: "none", "aria-hidden": "true" });
  const names = make("div", { class: "f-names", "aria-hidden": "true" });
  const cursor = make("i", { class: "f-cursor" });
  const track = make(
    "div",
    { class: "f-track", role: "slider", tabindex: "0", "aria-valuemin": "1" },
    picture,
    names,
    line,
    cursor,
  );
  const element = make("div", { class: "f-ribbon" }, head, track);
  let count = 1;
  let at = 0;
  /** @type {string[]} */
  let shown = [];

  track.addEventListener("pointerdown", (event) => {
    track.setPointerCapture(event.pointerId);
    scrub(frameAt(event), false);
  });
  track.addEventListener("pointermove", (event) => {
    if (track.hasPointerCapture(event.pointerId)) scrub(frameAt(event), false);
  });
  track.addEventListener("pointerup", (event) => scrub(frameAt(event), true));
  track.addEventListener("keydown", (event) => {
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, PageUp: at + 10, PageDown: at - 10, Home: 0, End: count - 1 }[
      event.key
    ];
    if (to === undefined) return;
    event.preventDefault();
    scrub(Math.min(Math.max(to, 0), count - 1), true);
  });

  /** @type {(event: PointerEvent) => number} */
  function frameAt({ clientX }) {
    const { left, width } = track.getBoundingClientRect();
    return Math.min(Math.max(Math.floor(((clientX - left) / width) * count), 0), count - 1);
  }

  /** @type {(news: RibbonNews) => void} */
  function paint({ name, method, text, answers, confidence, distance, farthest, colours, room }) {
    count = Math.max(room ?? answers.length, 1);
    shown = answers;
    title.textContent = name;
    words.textContent = text;
    element.dataset.method = method;
    track.setAttribute("aria-label", `Frames of ${name}`);
    track.setAttribute("aria-valuemax", String(count));
    const runs = runsOf(answers);
    picture.setAttribute("viewBox", `0 0 ${count} 100`);
    picture.replaceChildren(
      ...runs.map(([from, to]) => {
        const tops = confidence.slice(from, to).map((c, i) => `L${from + i} ${100 - 100 * c}h1`);
        return svg("path", { d: `M${from} 100${tops.join("")}V100z`, style: `fill: ${colours.get(answers[from])}` });
      }),
      svg("path", {
        class: "f-notches",
        d: runs
          .slice(1)
          .map(([from]) => `M${from} 0v22`)
          .join(""),
      }),
    );
    names.replaceChildren(
      ...runs
        .filter(([from, to]) => (to - from) / count > WIDE)
        .map(([from, to]) =>
          make(
            "span",
            { style: `left: ${(100 * from) / count}%; width: ${(100 * (to - from)) / count}%` },
            answers[from],
          ),
        ),
    );
    line.setAttribute("viewBox", `0 0 ${count} 100`);
    const points = distance.map((d, i) => `${i ? "L" : "M"}${i + 1} ${100 - 96 * (d / (farthest || 1))}`);
    line.replaceChildren(svg("path", { d: points.join("") }));
    mark(Math.min(at, count - 1), confidence);
  }

  /** @type {(index: number, confidence?: number[]) => void} */
  function mark(index, confidence = []) {
    at = index;
    cursor.style.left = `${(100 * (index + 0.5)) / count}%`;
    track.setAttribute("aria-valuenow", String(index + 1));
    const sure = confidence[index] === undefined ? "" : `, ${percent(confidence[index])}`;
    track.setAttribute("aria-valuetext", `Frame ${index + 1}: ${shown[index] ?? ""}${sure}`);
  }

  return { element, paint, mark };
}
