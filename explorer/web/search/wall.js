// Pairs as tiles: an original beside a copy, its own (outlined) or that of another picture (filled). The tiles stay while
// the threshold is dragged; only what they show changes.

/** @import { Pair, SearchWorld } from "./types.d.ts" */

import { make, targetOf } from "../shared/dom.js";

const SMALL = 48; // px up to which pixels are shown as squares

// `open(pair)` is called for a click; tiles are drawn for at most `most` pairs.
/** @type {(parts: { world: SearchWorld; label: string; most: number; open: (pair: Pair) => void }) => { element: HTMLElement; paint: (pairs: Pair[], under: number, method: string) => void }} */
export function makeWall({ world, label, most, open }) {
  const element = make("div", { class: "x-wall", role: "group", "aria-label": label });
  const tiles = Array.from({ length: most }, makeTile);
  element.append(...tiles.map(({ node }) => node));
  element.addEventListener("keydown", onKey);
  return { element, paint };

  function makeTile() {
    const pictures = [makePicture(), makePicture()];
    const words = make("span", { class: "x-words" });
    const node = make(
      "button",
      { class: "x-tile", hidden: true },
      make("span", { class: "x-pair" }, ...pictures),
      words,
    );
    /** @type {{ pair: Pair | null }} */
    const held = { pair: null };
    node.addEventListener("click", () => held.pair && open(held.pair));
    return { node, pictures, words, held };
  }

  function makePicture() {
    const image = make("img", { alt: "", draggable: "false" });
    image.addEventListener("load", () => image.classList.toggle("pixels", image.naturalWidth <= SMALL));
    return image;
  }

  /** @type {(pairs: Pair[], under: number, method: string) => void} */
  function paint(pairs, under, method) {
    element.setAttribute("data-method", method);
    tiles.forEach(({ node, pictures, words, held }, i) => {
      const pair = pairs[i];
      if (node.hidden !== !pair) node.hidden = !pair;
      held.pair = pair ?? null;
      if (!pair) return;
      show(pictures[0], world.thumbs.get(pair.left, -1));
      show(pictures[1], world.thumbs.get(pair.right, under));
      const { names } = world.collection();
      const title = pair.copy
        ? `${names[pair.left]} and its copy, distance ${pair.text}. Opens the copy in the live view.`
        : `${names[pair.left]}, and the copy of ${names[pair.right]}: different pictures at distance ${pair.text}. Opens that copy in the live view.`;
      const { left, right } = node.dataset;
      if (node.title === title && left === String(pair.left) && right === String(pair.right)) return;
      words.textContent = `${pair.copy ? "copy" : "other"} ${pair.text}`;
      node.dataset.kind = pair.copy ? "copy" : "other";
      node.dataset.left = String(pair.left);
      node.dataset.right = String(pair.right);
      node.title = title;
      node.setAttribute("aria-label", title);
    });
  }

  /** @type {(image: HTMLImageElement, url: string | undefined) => void} */
  function show(image, url) {
    if (image.getAttribute("src") === (url ?? null)) return;
    if (url) image.src = url;
    else image.removeAttribute("src");
  }

  /** @type {(event: KeyboardEvent) => void} */
  function onKey(event) {
    const on = tiles.filter(({ node }) => !node.hidden).map(({ node }) => node);
    const from = on.indexOf(/** @type {any} */ (targetOf(event)));
    const columns = getComputedStyle(element).gridTemplateColumns.split(" ").length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (from < 0 || by === undefined || !on[from + by]) return;
    event.preventDefault();
    on[from + by].focus();
  }
}
