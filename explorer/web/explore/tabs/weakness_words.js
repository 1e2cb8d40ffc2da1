// What the tab "Weak spots" says of what it found. Nothing here touches the page.

/** @import { Distortion, Goal, Range, RecipeStep, Weakness } from "../../types.d.ts" */

import { plain } from "../../shared/format.js";

// An amount as the server tells it, for the screen: "σ = 0.04813" becomes "σ = 0.0481", "-29.71°" gets a true minus.
/** @type {(shown: string | null) => string | null} */
export function tidy(shown) {
  if (shown === null) return null;
  return shown.replace(/-?\d+(\.\d+)?(e[-+]?\d+)?/g, (text) => plain(Number(text), 3));
}

// How far along its slider an amount lies, 0 to 1 from the mild end, so that different units can be compared.
/** @type {(range: Range, amount: number) => number} */
export function along({ low, high, identity, inverted }, amount) {
  const strong = low < identity && identity < high ? (amount < identity ? low : high) : inverted ? low : high;
  return strong === identity ? 0 : Math.abs((amount - identity) / (strong - identity));
}

// The outcome of a search in a sentence. `baseline` is the title of the model that "break" is about.
/** @type {(rows: Weakness[], question: { goal: Goal; chain: RecipeStep[]; baseline: string }) => string} */
export function summary(rows, { goal, chain, baseline }) {
  const found = rows.filter(({ amount }) => amount !== null).sort((a, b) => lengthOf(a) - lengthOf(b));
  const [one, many, whom] = goal === "break" ? ["breaks", "break", baseline] : ["separates", "separate", "the models"];
  if (chain.length && found.some((row) => row.share === 0)) {
    return `The distortions that are on already ${many} ${whom} by themselves.`;
  }
  if (rows.length === 1) {
    const [{ title, amount, shown }] = rows;
    if (amount !== null) return `${title} ${one} ${whom} at ${tidy(shown)}.`;
    return `${title} never ${one} ${whom} on this picture, up to the slider’s end.`;
  }
  if (!found.length) {
    return `None of these ${rows.length} distortions ${one} ${whom} on this picture, up to the sliders’ ends.`;
  }
  const part = `${found.length} of ${rows.length} distortions ${found.length === 1 ? one : many} ${whom}`;
  return `${part}. The smallest change of the picture is by ${found[0].title}, ${tidy(found[0].shown)}.`;
}

/** @type {(row: Weakness) => number} */
const lengthOf = ({ input }) => input?.l2 ?? Infinity;

// What the table is about.
/** @type {(question: { goal: Goal; chain: RecipeStep[]; baseline: string }, distortionOf: (name: string) => Distortion) => string} */
export function captionOf({ goal, chain, baseline }, distortionOf) {
  const others = "The least that changes the answer of some models and not of others";
  const what = goal === "break" ? `The least that changes the answer of ${baseline}` : others;
  const shown = chain.map(([name, amount]) => {
    const { title, factor, symbol } = distortionOf(name);
    return `${title} ${plain(amount * factor, 3)} ${symbol}`;
  });
  return `${what}, ${shown.length ? `on top of ${shown.join(", ")}` : "from the clean picture"}`;
}

// Rows by one of their values; what was not found stays at the end.
/** @type {(a: { values: Record<string, number | string | null> }, b: { values: Record<string, number | string | null> }, by: string, down: boolean) => number} */
export function compareRows(a, b, by, down) {
  const [x, y] = [a.values[by], b.values[by]];
  if (x === null || y === null) return Number(x === null) - Number(y === null);
  const order = typeof x === "string" ? x.localeCompare(String(y)) : x - Number(y);
  return order * (down ? -1 : 1);
}
