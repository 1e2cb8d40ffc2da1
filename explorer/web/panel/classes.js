/** @import { ModelAnswer, Probability } from "../types.d.ts" */
export const ROWS = 5; // classes shown of each answer

// The likeliest classes of the distorted picture, likeliest first; the clean answer is always among them.
/** @type {(model: Pick<ModelAnswer, "clean" | "distorted">) => string[]} */
export function likeliest({ clean, distorted }) {
  const labels = distorted.slice(0, ROWS).map((entry) => entry.label);
  const answer = clean[0].label;
  return labels.includes(answer) ? labels : [...labels.slice(0, ROWS - 1), answer];
}

// Probabilities by class.
/** @type {(entries: Probability[]) => Map<string, number>} */
export function byLabel(entries) {
  return new Map(entries.map(({ label, probability }) => [label, probability]));
}
