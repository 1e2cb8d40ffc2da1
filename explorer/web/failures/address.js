// What the address says of the page "Failures". Nothing here touches the page.

/** @import { Chosen, Filters, Find, Side } from "../types.d.ts" */

import { queryOf } from "../shared/query.js";

const APART = ["only_baseline_fails", "only_other_fails"];
// The two models that are compared.
/** @type {Side[]} */
export const SIDES = ["baseline", "other"];
const PANES = ["gallery", "accuracy", "confusion", "map"];

// Filters that keep all cases on which the two models part.
/** @type {Filters} */
export const NO_FILTERS = {
  quadrants: APART,
  label: null,
  distortion: null,
  amount: null,
  model: "baseline",
  low: null,
  high: null,
  was: null,
  now: null,
  flipped: null,
  annotation: null,
  cases: null,
};

// Filters and order as an address gives them, or as the page begins: where the two models part, the farthest first.
/** @type {(text: string | null) => Find} */
export function readFind(text) {
  const filters = { ...NO_FILTERS, quadrants: [...APART] };
  const order = { by: "apart", falling: true };
  try {
    const { by, falling, marked, ...rest } = JSON.parse(text ?? "{}");
    rest.annotation ??= marked; // its name in older addresses
    const named = Object.keys(filters).filter((key) => rest[key] !== undefined && key !== "cases");
    Object.assign(filters, Object.fromEntries(named.map((key) => [key, rest[key]])));
    if (!Array.isArray(filters.quadrants)) filters.quadrants = [...APART];
    if (by) Object.assign(order, { by, falling: falling === true });
  } catch {
    // an incomplete address: the page opens as usual
  }
  return { filters, order };
}

// The same as text; what is not set is left out, and cases picked on the map are too many for an address.
/** @type {(find: Find) => string} */
function findOf({ filters, order }) {
  const set = Object.entries(filters).filter(([key, value]) => value !== null && key !== "cases");
  return JSON.stringify({ ...Object.fromEntries(set), ...order });
}

/** @type {(chosen: Find) => boolean} */
export function isAsUsual(chosen) {
  const usual = readFind(null);
  return JSON.stringify([chosen.filters, chosen.order]) === JSON.stringify([usual.filters, usual.order]);
}

// What is chosen on the page, as `query` (URLSearchParams) says it.
/** @type {(query: URLSearchParams) => Chosen} */
export function readAddress(query) {
  const pane = query.get("pane") ?? "";
  return {
    survey: query.get("survey"),
    pair: query.get("pair")?.split(",") ?? null,
    pane: PANES.includes(pane) ? pane : PANES[0],
    ...readFind(query.get("find")),
  };
}

/** @type {(chosen: Chosen) => string} */
export function addressOf(chosen) {
  const find = findOf(chosen);
  /** @type {[string, string | null | undefined][]} */
  const parts = [
    ["place", "failures"],
    ["survey", chosen.survey],
    ["pair", chosen.pair?.join()],
    ["find", find === findOf(readFind(null)) ? null : find],
    ["pane", chosen.pane === PANES[0] ? null : chosen.pane],
  ];
  return queryOf(parts);
}
