// What an address says of the page Search: the open tab, the pictures and the models. What was computed is not in it.

/** @import { SearchChosen } from "./types.d.ts" */

import { queryOf } from "../shared/query.js";

export const PANES = ["copies", "relatives", "cleanup"];

/** @type {(query: URLSearchParams) => SearchChosen} */
export function readAddress(query) {
  const pane = query.get("pane") ?? "";
  return {
    pane: PANES.includes(pane) ? pane : PANES[0],
    within: query.get("within") || null,
    by: query.get("by")?.split(",").filter(Boolean) ?? null,
    under: readUnder(query.get("under")),
    most: /^\d{1,5}$/.test(query.get("most") ?? "") ? Number(query.get("most")) : null,
  };
}

// "jpeg=50,crop=10" as pairs; null where nothing of it can be read.
/** @type {(text: string | null) => [string, number][] | null} */
export function readUnder(text) {
  const pairs = (text ?? "").split(",").map((part) => part.split("="));
  /** @type {[string, number][]} */
  const found = pairs.flatMap(([name, amount]) =>
    /^\w+$/.test(name) && amount?.trim() && Number.isFinite(Number(amount)) ? [[name, Number(amount)]] : [],
  );
  return found.length ? found : null;
}

/** @type {(chosen: SearchChosen) => string} */
export function addressOf({ pane, within, by, under, most }) {
  return queryOf([
    ["place", "search"],
    ["pane", pane === PANES[0] ? null : pane],
    ["within", within],
    ["by", by?.join() || null],
    ["most", most],
    ["under", under?.map((one) => one.join("=")).join() || null],
  ]);
}
