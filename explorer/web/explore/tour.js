// The first-visit tour of four steps, and the help window, from which it can be taken again.

/** @import { Act, Box, XY } from "../types.d.ts" */

import { openDialog } from "../shared/dialog.js";
import { byId, make, smallButton, targetOf } from "../shared/dom.js";
import { remember, remembered } from "../shared/memory.js";

const SEEN = "stability-explorer-tour";

const STOPS = [
  {
    at: "#pictures",
    title: "1 · A picture",
    text: "Pick one, or bring your own: upload, paste, camera, or a row of a data set. It stays on this machine.",
  },
  {
    at: "#chain",
    title: "2 · A small change",
    text: "Drag the slider, or focus it and press the arrow keys. Every model sees exactly the same changed pixels.",
  },
  {
    at: ".stability-panel .cards",
    title: "3 · The answers",
    text: "Outlined bars: the clean picture. Filled bars: the changed one. When the likeliest class is another, the card says “flipped”.",
  },
  {
    at: "#more",
    title: "4 · A closer look",
    text: "Curves show where each model breaks; the other tabs search the weakest spot and look inside the network. Share, above, takes it along.",
  },
];

const GUARDED = ".stability-panel .card, #rail > .box:has(#models)"; // what the tour does not cover if it can help it
const [GAP, EDGE] = [12, 6]; // px beside the subject, and at the edges of the window

const KEYS = [
  [
    "Arrow keys",
    "move the focused slider, the line on a focused curve, or the part of a photograph that networks take",
  ],
  ["Ctrl + Z", "undo"],
  ["Ctrl + Shift + Z", "redo"],
  ["Ctrl + V", "take the picture in the clipboard"],
  ["Esc", "close a window, end the tour"],
  ["In Failures", "arrow keys go from case to case, Enter opens one here, S stars it, N takes tags and a note"],
  ["In Methods", "arrow keys move the line on the chart; on the published values, from one to the next"],
  ["?", "this help"],
];

const WORDS = [
  [
    "clean, distorted",
    "The picture as it came, and after the chain of distortions. Clean is an outline, distorted is a fill, everywhere.",
  ],
  ["flipped", "The likeliest class of the distorted picture is not that of the clean one (or of the pinned one)."],
  ["confidence, margin", "The probability of the likeliest class; and that minus the second's."],
  ["feature distance", "How far the picture moved inside the network, in its penultimate layer."],
  ["flip point", "The smallest amount of a distortion at which a model's answer changes."],
  [
    "severity 1 to 5",
    "The strengths that CIFAR-10-C published for this kind of distortion, or ImageNet-C where pictures are larger than 64 px.",
  ],
  ["baseline", "The first model; the others are read against it."],
  [
    "survey, case",
    "Models asked about a whole data set under many distortions; a case is one of its pictures under one of them.",
  ],
  [
    "fails",
    "A model fails a case where its answer is wrong; where the true class is not known, where it differs from its clean answer.",
  ],
  ["p", "How often chance alone would split the images between two equal models this unevenly or more (McNemar)."],
  ["pin", "Keep the present picture as the one that later ones are compared with, in place of the clean one."],
];

/** @type {(parts: { explore: Act }) => { leave: Act; help: Act; firstVisit: Act }} */
export function makeTour({ explore }) {
  /** @type {HTMLElement | null} */
  let box = null;
  /** @type {HTMLElement | null} */
  let marked = null;

  function end() {
    const help = document.querySelector("#tools [aria-label=Help]");
    if (box?.contains(document.activeElement) && help instanceof HTMLElement) help.focus();
    box?.remove();
    marked?.classList.remove("toured");
    box = marked = null;
    remember(SEEN, "yes");
  }

  /** @type {(i: number, focus?: boolean) => void} */
  function go(i, focus = true) {
    end();
    const stop = STOPS[i];
    marked = document.querySelector(stop?.at ?? "none");
    if (!marked) return;
    const last = i === STOPS.length - 1;
    const next = smallButton(last ? "Done" : "Next", null, () => (last ? end() : go(i + 1)));
    next.classList.add("strong");
    const back = i ? [smallButton("Back", null, () => go(i - 1))] : [];
    box = make(
      "div",
      { class: "tour", role: "dialog", "aria-live": "polite", "aria-label": `Tour, step ${i + 1} of ${STOPS.length}` },
      make("b", {}, stop.title),
      make("p", {}, stop.text),
      make("div", { class: "sources" }, next, ...back, ...(last ? [] : [smallButton("Skip", null, end)])),
    );
    byId("explore").prepend(box); // near the start for those who go by Tab
    marked.classList.add("toured");
    if (focus) marked.scrollIntoView({ block: "nearest" });
    position();
    if (focus) next.focus({ preventScroll: true });
  }

  function position() {
    if (!box || !marked) return;
    const guarded = [...document.querySelectorAll(GUARDED)].map((element) => element.getBoundingClientRect());
    const { width, height } = box.getBoundingClientRect();
    const { x, y } = freest(
      marked.getBoundingClientRect(),
      guarded,
      { width, height },
      { width: innerWidth, height: innerHeight },
    );
    box.style.left = `${x}px`;
    box.style.top = `${y}px`;
  }

  document.addEventListener("keydown", (event) => event.key === "Escape" && box && end());
  // Who drags a slider before the tour has spoken of it needs no tour.
  document.addEventListener("input", (event) => {
    if (box && marked?.matches(STOPS[0].at) && event.isTrusted && targetOf(event).closest("#chain")) end();
  });
  for (const event of ["scroll", "resize"]) window.addEventListener(event, () => box && position(), { passive: true });

  function help() {
    /** @type {(pairs: string[][]) => HTMLElement} */
    const list = (pairs) =>
      make("dl", { class: "help" }, ...pairs.flatMap(([word, text]) => [make("dt", {}, word), make("dd", {}, text)]));
    const tour = smallButton("Take the tour", null, () => {
      dialog.close();
      explore(); // where its stops are
      go(0);
    });
    const dialog = openDialog("Help", make("h3", {}, "Keys"), list(KEYS), make("h3", {}, "Words"), list(WORDS), tour);
  }

  return {
    leave: () => box && end(),
    help,
    // On the first visit; the focus stays where it is.
    firstVisit: () => remembered(SEEN) || document.body.dataset.page !== "explore" || go(0, false),
  };
}

// Where in the room a box of this size covers the target and what is guarded least; among equals the nearest to the target.
/** @type {(target: Box, guarded: Box[], own: { width: number; height: number }, room: { width: number; height: number }) => { x: number; y: number }} */
export function freest(target, guarded, own, room) {
  /** @type {(at: number, length: number, most: number) => number} */
  const within = (at, length, most) => Math.max(EDGE, Math.min(at, most - length - EDGE));
  const [right, under] = [target.x + target.width + GAP, target.y + target.height + GAP];
  const [left, over] = [target.x - own.width - GAP, target.y - own.height - GAP];
  const corners = [0, room.height].flatMap((y) => [0, room.width].map((x) => [x, y]));
  const places = [[target.x, under], [right, target.y], [target.x, over], [left, target.y], ...corners]
    .map(([x, y]) => ({ x: within(x, own.width, room.width), y: within(y, own.height, room.height), ...own }))
    .map((place) => ({
      ...place,
      covers: 4 * shared(place, target) + guarded.reduce((sum, element) => sum + shared(place, element), 0),
      away: Math.hypot(centre(place).x - centre(target).x, centre(place).y - centre(target).y),
    }));
  const { x, y } = places.reduce((best, place) =>
    place.covers < best.covers || (place.covers === best.covers && place.away < best.away) ? place : best,
  );
  return { x, y };
}

/** @type {(box: Box) => XY} */
function centre({ x, y, width, height }) {
  return { x: x + width / 2, y: y + height / 2 };
}

// The area that two boxes have in common.
/** @type {(a: Box, b: Box) => number} */
function shared(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}
