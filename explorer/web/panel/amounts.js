// Amounts on the axis of the curves, and the keys that move along it. Nothing here touches the page.

/** @import { Curves } from "../types.d.ts" */

import { endsOf, partOf } from "../shared/chart.js";

export const KEYS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"]);

// The amount one key press further; right and up are stronger. Null: a key that means nothing here.
/** @type {(curves: Curves, amount: number, event: { key: string; shiftKey: boolean }) => number | null} */
export function stepped(curves, amount, { key, shiftKey }) {
  if (!KEYS.has(key)) return null;
  const [mild, strong] = endsOf(curves);
  if (key === "Home") return mild;
  if (key === "End") return strong;
  const small = curves.step ?? Math.abs(strong - mild) / 100;
  const size = key.startsWith("Page") || shiftKey ? Math.max(small, Math.abs(strong - mild) / 10) : small;
  const ahead = key === "ArrowRight" || key === "ArrowUp" || key === "PageUp" ? 1 : -1;
  return snapped(curves, partOf(curves, amount + ahead * size * Math.sign(strong - mild)));
}

// Which of the computed amounts is nearest to a point between 0 (left) and 1.
/** @type {(curves: Curves, part: number) => number} */
export function nearest(curves, part) {
  const far = curves.amounts.map((amount) => Math.abs(partOf(curves, amount) - part));
  return far.indexOf(Math.min(...far));
}

// The amount at a point between 0 (mild) and 1, on the slider's steps.
/** @type {(curves: Curves, part: number) => number} */
export function snapped(curves, part) {
  const [mild, strong] = endsOf(curves);
  const step = curves.step ?? Math.abs(strong - mild) / 200;
  const raw = mild + part * (strong - mild);
  const even = step ? mild + Math.round((raw - mild) / step) * step : raw;
  const inside = Math.min(Math.max(even, Math.min(mild, strong)), Math.max(mild, strong));
  return Number(inside.toPrecision(12)); // 0.1 + 0.2 is 0.3
}

// How far right of a chart's left edge an amount lies in px; far outside for null and for one beyond these curves.
/** @type {(drawn: { curves: Curves; across: number }, amount: number | null) => number} */
export function offset({ curves, across }, amount) {
  if (amount === null) return -9999;
  const [mild, strong] = endsOf(curves);
  const part = strong === mild ? 0 : (amount - mild) / (strong - mild);
  return part >= -1e-9 && part <= 1 + 1e-9 ? part * across : -9999;
}
