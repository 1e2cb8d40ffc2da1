// What the wall shows: the pairs around the threshold, the missed copies, the false friends, and those that only one of two
// models has right, each with its number.

/** @import { Pair, PairRun, SearchWorld, WallView } from "./types.d.ts" */

import { make, smallMenu } from "../shared/dom.js";
import { count } from "../shared/format.js";
import { apartOf, aroundOf, distanceText, foundAt, friendsOf, missedOf } from "./pairs.js";
import { makeWall } from "./wall.js";

const [TALL, GAP, CUT, AROUND] = [104, 8, 40, 42]; // px: of a tile, between tiles, of the line, around a tile's pictures
const ROWS = 3; // on each side of the line at most
const MOST = 60; // pairs of a wall

/** @type {(parts: { world: SearchWorld; open: (pair: Pair) => void; choose: (change: { view?: WallView; rival?: string }) => void; resized: () => void }) => { element: HTMLElement; paint: (at: { own: PairRun; at: number; other: PairRun | null; theirs: number; view: WallView }) => void }} */
export function makeViews({ world, open, choose, resized }) {
  const chips = make("div", { class: "x-chips", role: "group", "aria-label": "Pairs shown" });
  const against = smallMenu("Other model", "The model that the chosen one is compared with, pair by pair");
  const line = make("div", { class: "x-cut", "aria-hidden": "true" });
  const upper = makeWall({ world, label: "Pairs taken for copies", most: MOST, open });
  const lower = makeWall({ world, label: "Pairs not taken for copies", most: MOST, open });
  const none = make("p", { class: "x-none soft" }, "There is no such pair at this threshold.");
  const walls = make("div", { class: "x-walls" }, upper.element, line, lower.element, none);
  const element = make("div", { class: "x-right" }, chips, walls);
  against.addEventListener("change", () => choose({ rival: against.value }));
  new ResizeObserver(resized).observe(walls);
  return { element, paint };

  /** @type {ReturnType<typeof makeViews>["paint"]} */
  function paint({ own, at, other, theirs, view }) {
    const { copies, friends } = foundAt(own, at);
    const only = other && apartOf(own, at, other, theirs, MOST);
    const turned = other && apartOf(other, theirs, own, at, MOST);
    paintMenu(own.model, other?.model ?? "");
    paintChips({ own, other, view, missed: own.positives.length - copies, friends, only, turned });
    const { method } = world.model(own.model);
    const panel = own.distortion;
    const around = view === "around";
    /** @type {Record<WallView, () => Pair[]>} */
    const pairs = {
      around: () => [],
      missed: () => missedOf(own, at, MOST),
      friends: () => friendsOf(own, at, MOST),
      right: () => only?.pairs.slice(0, MOST) ?? [],
      wrong: () => turned?.pairs.slice(0, MOST) ?? [],
    };
    line.hidden = lower.element.hidden = !around;
    if (around) {
      const { rows, columns } = fitTiles();
      const { taken, left: rest } = aroundOf(own, at, 2 * rows * columns);
      const [above, below] = [taken, rest].map(({ length }) => Math.ceil(length / columns)); // rows that there are
      const upTo = Math.max(rows, 2 * rows - below); // where one side is short the other fills the wall
      taken.splice(upTo * columns);
      rest.splice(Math.max(rows, 2 * rows - above) * columns);
      upper.paint(taken.reverse(), panel, method);
      lower.paint(rest, panel, method);
      line.textContent = at < 0 ? "nothing is taken for a copy" : `taken for copies up to ${distanceText(own, at)}`;
      none.hidden = true;
      return;
    }
    const listed = pairs[view]();
    upper.paint(listed, panel, method);
    none.hidden = listed.length > 0;
  }

  // Tiles so large that whole rows of them fill the wall, with the line in the middle.
  function fitTiles() {
    const half = (walls.clientHeight - CUT) / 2;
    const rows = Math.min(ROWS, Math.max(1, Math.round(half / (TALL + GAP))));
    const tall = Math.max(80, Math.floor((half - GAP * (rows - 1)) / rows));
    walls.style.setProperty("--tall", `${tall}px`);
    walls.style.setProperty("--tile", `${tall - AROUND}px`);
    const columns = getComputedStyle(upper.element).gridTemplateColumns.split(" ").length;
    return { rows, columns };
  }

  // The models that the chosen one can be compared with.
  /** @type {(lead: string, rival: string) => void} */
  function paintMenu(lead, rival) {
    const others = world.collection().models.filter(({ name }) => name !== lead);
    const key = others.map(({ name }) => name).join(" ");
    if (against.dataset.of !== key)
      against.replaceChildren(...others.map(({ name, title }) => make("option", { value: name }, title)));
    against.dataset.of = key;
    if (against.value !== rival) against.value = rival;
  }

  /** @type {(parts: { own: PairRun; other: PairRun | null; view: WallView; missed: number; friends: number; only: ReturnType<typeof apartOf> | null; turned: ReturnType<typeof apartOf> | null }) => void} */
  function paintChips({ own, other, view, missed, friends, only, turned }) {
    const [first, second] = [world.model(own.model), other && world.model(other.model)];
    /** @type {[WallView, string, number | null, string, string][]} */
    const all = [
      ["around", "Around the threshold", null, "The pairs on both sides of it, the nearest first", ""],
      ["missed", "Missed copies", missed, "Copies that are farther than the threshold", ""],
      ["friends", "False friends", friends, "Pairs of different pictures within the threshold", ""],
    ];
    if (second && only && turned)
      all.push(
        ["right", `Only ${first.title} right`, only.copies + only.friends, apart(only, second.title), first.method],
        [
          "wrong",
          `Only ${second.title} right`,
          turned.copies + turned.friends,
          apart(turned, first.title),
          second.method,
        ],
      );
    if (chips.childElementCount !== all.length + (second ? 1 : 0))
      chips.replaceChildren(
        ...all.map(([name]) => chip(name)),
        ...(second ? [make("label", {}, "against ", against)] : []),
      );
    all.forEach(([name, text, number, help, method], i) => {
      const made = /** @type {HTMLElement} */ (chips.children[i]);
      const words = number === null ? text : `${text} ${count(number)}`;
      if (made.textContent !== words)
        made.replaceChildren(text, ...(number === null ? [] : [" ", make("b", {}, count(number))]));
      made.title = help;
      made.dataset.method = method;
      made.setAttribute("aria-pressed", String(name === view));
    });
  }

  /** @type {(found: { copies: number; friends: number }, other: string) => string} */
  function apart({ copies, friends }, other) {
    return `Copies that ${other} misses: ${count(copies)}; false friends that it takes: ${count(friends)}. Each model stands at its own threshold, of the same precision.`;
  }

  /** @type {(name: WallView) => HTMLElement} */
  function chip(name) {
    const made = make("button", { class: "x-chip" });
    made.addEventListener("click", () => choose({ view: name }));
    return made;
  }
}
