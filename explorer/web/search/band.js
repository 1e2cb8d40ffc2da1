// One model's thirty nearest pictures, before and after: two rows of tiles, and lines from the old places to the new.

/** @import { Embedder, Ranked, SearchWorld } from "./types.d.ts" */

import { dot, make, svg } from "../shared/dom.js";
import { movesOf } from "./ranks.js";

const PLACES = 30;
const [WIDE, TALL] = [1200, 100]; // of the lines' own measure

// `choose(picture)` makes a picture the query.
/** @type {(parts: { world: SearchWorld; model: Embedder; choose: (picture: number) => void }) => { element: HTMLElement; model: string; paint: (ranked: Ranked, query: number) => void; pictures: () => void }} */
export function makeBand({ world, model, choose }) {
  const words = make("span", { class: "soft", role: "status" });
  const rows = { before: makeRow("before"), after: makeRow("after") };
  const lines = svg("svg", { viewBox: `0 0 ${WIDE} ${TALL}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const element = make(
    "section",
    { class: "x-band", "data-method": model.method, "aria-label": model.title },
    make("h3", {}, dot(), model.title, words),
    make("small", { class: "x-side" }, "clean"),
    rows.before.element,
    lines,
    make("small", { class: "x-side" }, "distorted"),
    rows.after.element,
  );

  /** @type {(which: string) => { element: HTMLElement; tiles: Map<number, HTMLButtonElement> }} */
  function makeRow(which) {
    return {
      element: make("div", {
        class: `x-row x-${which}`,
        role: "group",
        "aria-label": `Nearest, ${which} it is distorted`,
      }),
      tiles: new Map(),
    };
  }

  // The tiles of a row by picture, each at its place; a tile that stays moves there.
  /** @type {(row: { element: HTMLElement; tiles: Map<number, HTMLButtonElement> }, order: number[], marked: number[]) => void} */
  function arrange({ element: row, tiles }, order, marked) {
    const kept = new Set(order);
    for (const [picture, tile] of tiles) {
      if (kept.has(picture)) continue;
      tile.remove();
      tiles.delete(picture);
    }
    order.forEach((picture, place) => {
      const tile = tiles.get(picture) ?? makeTile(picture);
      if (!tiles.has(picture)) row.append(tile);
      tiles.set(picture, tile);
      tile.style.setProperty("--place", String(place));
      tile.toggleAttribute("data-marked", marked.includes(picture));
      tile.setAttribute("aria-label", `Place ${place + 1}: ${world.collection().names[picture]}`);
      tile.title = `${world.collection().names[picture]}, place ${place + 1}. Makes it the query.`;
    });
  }

  /** @type {(picture: number) => HTMLButtonElement} */
  function makeTile(picture) {
    const image = make("img", { alt: "", draggable: "false" });
    image.addEventListener("load", () => image.classList.toggle("pixels", image.naturalWidth <= 48));
    const tile = make("button", { class: "x-thumb" }, image);
    tile.addEventListener("click", () => choose(picture));
    show(tile, picture);
    return tile;
  }

  /** @type {(tile: HTMLElement, picture: number) => void} */
  function show(tile, picture) {
    const image = /** @type {HTMLImageElement} */ (tile.firstElementChild);
    const url = world.thumbs.get(picture, -1);
    if (url && image.getAttribute("src") !== url) image.src = url;
  }

  /** @type {(ranked: Ranked, query: number) => void} */
  function paint(ranked, query) {
    const { stay, left, came, same } = movesOf(ranked);
    arrange(rows.before, ranked.before, left);
    arrange(rows.after, ranked.after, came);
    const step = WIDE / PLACES;
    lines.replaceChildren(
      ...stay.map(([, from, to]) =>
        svg("path", {
          d: `M${(from + 0.5) * step} 0C${(from + 0.5) * step} ${TALL / 2} ${(to + 0.5) * step} ${TALL / 2} ${(to + 0.5) * step} ${TALL}`,
          class: from === to ? "x-stays" : "x-moves",
        }),
      ),
    );
    const found =
      ranked.itself === 0
        ? "its own original is the nearest"
        : ranked.itself === null
          ? `its own original is not among the ${PLACES} nearest`
          : `its own original is at place ${ranked.itself + 1}`;
    words.textContent = `${stay.length} of ${ranked.before.length} stay, ${same ? "the first is the same" : "another one is first"}; ${found}`;
    element.dataset.query = String(query);
  }

  function pictures() {
    for (const { tiles } of Object.values(rows)) for (const [picture, tile] of tiles) show(tile, picture);
  }

  return { element, model: model.name, paint, pictures };
}
