// The cases as a wall of pictures: only the cells on screen are elements. What a cell says comes in blocks, its picture
// is drawn by the server when the cell comes on screen, and kept a while; what is on screen now goes before what was.

/** @import { Case, CasesAnswer, GalleryCell, GalleryPane, PaneParts } from "../types.d.ts" */

import { make, smallButton, smallMenu, targetOf } from "../shared/dom.js";
import { count } from "../shared/format.js";
import { makeCell } from "./cell.js";

const BLOCK = 100; // cases described by one answer
const DRAWN = 24; // pictures of one answer: few, so that the first ones are there soon
const CACHED = 6000; // pictures kept in the browser
const AHEAD = 2; // rows above and below the screen that have elements, too
const [WIDE, TALL, GAP] = [226, 104, 8]; // px of a cell at least, and between cells
const FLIGHTS = 2; // questions for pictures under way at once

const ORDERS = [
  ["apart", "Models apart", "How far the two models' margins are from each other"],
  ["margin", "Margin", "Probability of the true class minus the largest other one, of the model chosen at the left"],
  ["confidence", "Confidence", "Of the answer, of the model chosen at the left"],
  ["feature_l2", "Feature distance", "How far the distortion moved the picture inside the model chosen at the left"],
  ["kl", "KL divergence", "Of the distorted answer from the clean one, of the model chosen at the left"],
  ["amount", "Amount", "From mild to strong"],
  ["case", "Survey's order", "By distortion, amount, seed and row"],
];

/** @type {(parts: PaneParts) => GalleryPane} */
export function makeGallery({ element, notice, world }) {
  const { chosen } = world;
  const where = make("small", { role: "status" });
  const order = smallMenu(
    "Sorted by",
    "What the cases are sorted by",
    ...ORDERS.map(([by, text, help]) => make("option", { value: by, title: help }, text)),
  );
  const way = smallButton("", "Largest or smallest first", () => world.sort({ falling: !chosen.order.falling }));
  const keys = make("small", { class: "soft end" }, "Enter opens · S stars · N notes");
  const scroll = make("div", {
    class: "f-scroll",
    role: "list",
    "aria-label": "Cases; arrow keys move, Enter opens one in the live view, S stars it, N notes",
    tabindex: -1,
  });
  const sheet = make("div", { class: "f-sheet" });
  const empty = make("p", { class: "f-empty", hidden: "" });
  scroll.append(sheet);
  element.append(
    make("div", { class: "f-line" }, where, make("label", {}, "Sorted by ", order), way, keys),
    empty,
    scroll,
  );

  let run = 0; // the newest question; answers to older ones are dropped
  let total = 0; // cases that can be scrolled to
  let columns = 1;
  /** @type {Map<number, Case[] | null>} */
  let blocks = new Map(); // number -> items, null while asked for
  /** @type {Map<number, GalleryCell>} */
  const cells = new Map(); // index -> { item, node, image }
  /** @type {Map<number, string | null>} */
  const pictures = new Map(); // case -> data URL, the one used last at the end; null where it cannot be drawn
  let flights = 0;
  /** @type {Set<number>} */
  let pending = new Set(); // cases under way
  let current = 0; // the index of the case that Tab comes to
  /** @type {string | null} */
  let broken = null; // why pictures cannot be drawn
  let cached = ""; // survey and pixels that `pictures` are of

  order.addEventListener("change", () =>
    world.sort({
      by: order.value,
      falling: order.value === "apart" || order.value === "feature_l2" || order.value === "kl",
    }),
  );
  scroll.addEventListener("scroll", () => paint(), { passive: true });
  scroll.addEventListener("keydown", onKey);
  new ResizeObserver(() => fit()).observe(scroll);

  // ---- asking -----------------------------------------------------------------------------------------------------

  // Other cases are wanted: from the top.
  async function update() {
    const mine = ++run;
    order.value = chosen.order.by;
    way.textContent = chosen.order.falling ? "Largest first" : "Smallest first";
    if (chosen.order.by === "case") way.textContent = chosen.order.falling ? "Backwards" : "Forwards";
    scroll.setAttribute("aria-busy", "true");
    const answer = await describe(0);
    if (mine !== run) return;
    scroll.removeAttribute("aria-busy");
    if (answer.error) {
      if (!world.refused(answer.error)) say(answer.error);
      return;
    }
    const survey = world.survey();
    if (cached !== survey.key) {
      cached = survey.key;
      pictures.clear();
    }
    broken = survey.missing;
    if (broken) notice.show(broken, { error: true });
    world.counted(answer);
    blocks = new Map([[0, answer.items]]);
    pending = new Set();
    total = answer.shown;
    current = 0;
    clear();
    scroll.scrollTop = 0;
    const rest =
      answer.shown < answer.total
        ? `; the first ${count(answer.shown)} can be scrolled through, filters show the others`
        : "";
    where.textContent = `${count(answer.total)} of ${count(survey.cases)} cases${rest}`;
    if (!total) say("No case is left: remove a filter, or press one of the four counts above.", false);
    else empty.hidden = true;
    scroll.hidden = !total;
    fit();
  }

  /** @type {(sentence: string, alert?: boolean) => void} */
  function say(sentence, alert = true) {
    empty.hidden = false;
    empty.setAttribute("role", alert ? "alert" : "status");
    empty.textContent = sentence;
    total = 0;
    scroll.hidden = true;
  }

  /** @type {(block: number) => Promise<CasesAnswer>} */
  const describe = (block) =>
    world.ask("cases", { filters: chosen.filters, order: chosen.order, start: block * BLOCK, count: BLOCK });

  /** @type {(block: number) => Promise<void>} */
  async function fetchBlock(block) {
    if (blocks.has(block)) return;
    blocks.set(block, null);
    const mine = run;
    const answer = await describe(block);
    if (mine !== run) return;
    if (answer.error) blocks.delete(block);
    else blocks.set(block, answer.items);
    if (!answer.error) paint();
  }

  /** @type {(index: number) => Case | undefined} */
  const itemAt = (index) => blocks.get(Math.floor(index / BLOCK))?.[index % BLOCK];

  // Ask for the pictures on screen, then for those of the next screen.
  function draw() {
    if (broken) return;
    while (flights < FLIGHTS) {
      const [from, to] = visible(0);
      const screen = to - from;
      const ahead = [
        [from, to],
        [to, to + screen],
        [from - screen, from],
      ];
      const wanted = ahead.map(([a, b]) => missing(a, b)).find((list) => list.length);
      if (!wanted) return;
      fetchPictures(wanted.slice(0, DRAWN));
    }
  }

  /** @type {(from: number, to: number) => number[]} */
  function missing(from, to) {
    const found = [];
    for (let index = Math.max(0, from); index < Math.min(total, to); index++) {
      const item = itemAt(index);
      if (item && !pictures.has(item.case) && !pending.has(item.case)) found.push(item.case);
    }
    return found;
  }

  /** @type {(cases: number[]) => Promise<void>} */
  async function fetchPictures(cases) {
    flights++;
    cases.forEach((one) => pending.add(one));
    const survey = world.survey().key;
    const answer = await world.ask("pictures", { cases });
    flights--;
    cases.forEach((one) => pending.delete(one));
    if (survey !== cached) return draw();
    if (answer.error) {
      cases.forEach((one) => pictures.set(one, null));
      notice.show(answer.error, { error: true });
    } else for (const [id, url] of Object.entries(answer.pictures)) pictures.set(Number(id), url);
    for (const old of pictures.keys()) {
      if (pictures.size <= CACHED) break;
      pictures.delete(old);
    }
    for (const cell of cells.values()) showPicture(cell);
    draw();
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  function fit() {
    const width = scroll.clientWidth;
    if (!width) return;
    const fits = Math.max(1, Math.floor((width + GAP) / (WIDE + GAP)));
    if (fits !== columns) clear();
    columns = fits;
    sheet.style.height = `${Math.ceil(total / columns) * (TALL + GAP)}px`;
    paint();
  }

  /** @type {(more: number) => [from: number, to: number]} */
  function visible(more) {
    const [first, last] = [scroll.scrollTop, scroll.scrollTop + scroll.clientHeight].map((y) =>
      Math.floor(y / (TALL + GAP)),
    );
    return [Math.max(0, first - more) * columns, Math.min(total, (last + 1 + more) * columns)];
  }

  function clear() {
    cells.clear();
    sheet.replaceChildren();
  }

  function paint() {
    if (!total || !scroll.clientHeight) return;
    const [from, to] = visible(AHEAD);
    for (const [index, { node }] of cells) {
      if ((index < from || index >= to) && !node.contains(document.activeElement)) {
        node.remove();
        cells.delete(index);
      }
    }
    const width = (scroll.clientWidth - GAP * (columns - 1)) / columns;
    for (let index = from; index < to; index++) {
      const item = itemAt(index);
      if (!item) fetchBlock(Math.floor(index / BLOCK));
      else if (!cells.has(index)) {
        const cell = makeCell({ item, index, total, world, focused, noted });
        showPicture(cell);
        cell.node.style.width = `${width}px`;
        cell.node.style.transform = `translate(${(index % columns) * (width + GAP)}px, ${Math.floor(index / columns) * (TALL + GAP)}px)`;
        cells.set(index, cell);
        sheet.append(cell.node);
      }
    }
    tabStop();
    draw();
  }

  // The case that has the focus.
  /** @type {(index: number) => void} */
  function focused(index) {
    current = index;
    tabStop();
  }

  const noted = () => cells.get(current)?.button.focus({ preventScroll: true }); // the window of a note was closed

  function tabStop() {
    const [from, to] = visible(0);
    if (!cells.has(current) || current < from || current >= to)
      current = Math.min(total - 1, Math.ceil(from / columns) * columns);
    for (const [index, { button }] of cells) button.tabIndex = index === current ? 0 : -1;
  }

  /** @type {(cell: GalleryCell) => void} */
  function showPicture(cell) {
    cell.showPicture(broken ? null : pictures.get(cell.item.case));
  }

  /** @type {(id: number) => void} */
  function annotated(id) {
    for (const cell of cells.values()) if (cell.item.case === id) cell.showAnnotation();
  }

  // ---- keys ---------------------------------------------------------------------------------------------

  /** @type {(event: KeyboardEvent) => void} */
  function onKey(event) {
    const target = targetOf(event);
    const at = Number(target.dataset?.index);
    if (!target.matches(".case") || event.ctrlKey || event.metaKey || event.altKey) return;
    const cell = cells.get(at);
    const page = Math.max(1, Math.floor(scroll.clientHeight / (TALL + GAP))) * columns;
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      Home: 0,
      End: total - 1,
      PageDown: Math.min(total - 1, at + page),
      PageUp: Math.max(0, at - page),
    }[event.key];
    if (event.key === "s" || event.key === "S") cell?.star.click();
    else if (event.key === "n" || event.key === "N") cell?.note.click();
    else if (to === undefined) return;
    else if (to >= 0 && to < total) goTo(to);
    event.preventDefault();
  }

  /** @type {(index: number) => Promise<void>} */
  async function goTo(index) {
    const top = Math.floor(index / columns) * (TALL + GAP);
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (top + TALL > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = top + TALL - scroll.clientHeight;
    current = index;
    if (!itemAt(index)) {
      const mine = run;
      await fetchBlock(Math.floor(index / BLOCK));
      if (mine !== run) return;
    }
    paint();
    cells.get(index)?.button.focus({ preventScroll: true });
  }

  return { update, annotated, shown: fit };
}
