// The page's state as an address: what `links.py` reads. Nothing here touches the page.

/** @import { Picture, Recipe, State } from "../types.d.ts" */

import { queryOf } from "../shared/query.js";

/** @type {[number, number]} */
export const CENTRE = [0.5, 0.5]; // where a network's part of a photograph lies, as shares of the free room
const MAX_OWN = 30_000; // characters of a picture that an address may carry: one of 100 px, about

// The address's query and fragment. `chain` is the recipe as the server writes it; `own` the visitor's picture as a data
// URL, which is in the fragment: that part of an address stays in the browser.
/** @type {(state: State, more: { chain: string; tab: string | null; own: string | undefined }) => string} */
export function linkOf(state, { chain, tab, own }) {
  /** @type {[string, string][]} */
  const parts = [
    ["picture", pictureName(state.picture)],
    ["models", state.models.join()],
    ["recipe", chain],
  ];
  const off = state.steps.map((step, i) => (step.on ? null : `${i}:${step.name}=${step.amount}`)).filter(Boolean);
  if (off.length) parts.push(["off", off.join()]);
  if (state.reference)
    parts.push(["pin", `${pictureName(state.reference.picture)}|${recipeText(state.reference.recipe)}`]);
  if (state.watched.length) parts.push(["watch", state.watched.join()]);
  if (state.doubt) parts.push(["doubt", `${state.doubt.score}=${state.doubt.limit}`]);
  if (tab) parts.push(["tab", tab]);
  return `?${queryOf(parts)}${state.picture.token && own && own.length < MAX_OWN ? `#pixels=${own.split(",")[1]}` : ""}`;
}

/** @type {(picture: Picture | null) => string} */
function pictureName(picture) {
  if (!picture || picture.token) return "own";
  return picture.sample ?? `${picture.dataset}:${picture.index}`;
}

// As Recipe's own text form.
/** @type {(recipe: Recipe) => string} */
export function recipeText({ steps, seed, against, quantised, on, window = CENTRE }) {
  const chain = steps.map(([name, amount]) => `${name}=${amount}`).join() || "clean";
  const escaped = against?.replace(/%/g, "%25").replace(/;/g, "%3B");
  const rest = `${quantised ? "" : ";pixels=float"}${on === "photograph" ? `;on=${on}` : ""}${window.join(":") === CENTRE.join(":") ? "" : `;window=${window.join(":")}`}`;
  return `${chain};seed=${seed}${escaped ? `;against=${escaped}` : ""}${rest}`;
}

// The picture of the fragment of an address, as a file; null where there is none.
/** @type {(fragment: string) => File | null} */
export function pictureOf(fragment) {
  const found = /^#pixels=([A-Za-z0-9+/=]+)$/.exec(fragment);
  if (!found || found[1].length > MAX_OWN) return null;
  const bytes = Uint8Array.from(atob(found[1]), (letter) => letter.charCodeAt(0));
  return new File([bytes], "picture.png", { type: "image/png" });
}
