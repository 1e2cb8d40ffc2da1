// The first-visit tour of four steps, and the help window, from which it can be taken again.

import { openDialog } from "../shared/dialog.js";
import { byId, make, smallButton } from "../shared/dom.js";

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

const KEYS = [
  ["Arrow keys", "move the focused slider, or the line on a focused curve"],
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
  ["McNemar's p", "How often chance alone would split the failures of two equally good models at least this unevenly."],
  ["pin", "Keep the present picture as the one that later ones are compared with, in place of the clean one."],
];

/** @type {() => { start: () => void; help: () => void; firstVisit: () => void }} */
export function makeTour() {
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
    localStorage.setItem(SEEN, "yes");
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

  // Under the thing in question where there is room, else beside it, else over it.
  function position() {
    if (!box || !marked) return;
    const [target, own] = [marked.getBoundingClientRect(), box.getBoundingClientRect()];
    const under = target.bottom + own.height + 16 < innerHeight;
    const beside = !under && target.right + own.width + 24 < innerWidth;
    const left = beside ? target.right + 12 : Math.max(12, Math.min(target.left, innerWidth - own.width - 12));
    const top = under ? target.bottom + 10 : beside ? target.top : Math.max(60, target.top - own.height - 12);
    box.style.left = `${left}px`;
    box.style.top = `${top}px`;
  }

  document.addEventListener("keydown", (event) => event.key === "Escape" && box && end());
  for (const event of ["scroll", "resize"]) window.addEventListener(event, () => box && position(), { passive: true });

  function help() {
    /** @type {(pairs: string[][]) => HTMLElement} */
    const list = (pairs) =>
      make("dl", { class: "help" }, ...pairs.flatMap(([word, text]) => [make("dt", {}, word), make("dd", {}, text)]));
    const tour = smallButton("Take the tour", null, () => {
      dialog.close();
      go(0);
    });
    const dialog = openDialog("Help", make("h3", {}, "Keys"), list(KEYS), make("h3", {}, "Words"), list(WORDS), tour);
  }

  return {
    start: () => go(0),
    help,
    // On the first visit; the focus stays where it is.
    firstVisit: () => localStorage.getItem(SEEN) || document.body.dataset.page !== "explore" || go(0, false),
  };
}
