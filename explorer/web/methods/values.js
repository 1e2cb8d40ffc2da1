// The numbers of the page "Methods" in words. Nothing here touches the page.

/** @import { MethodsData, PublishedValue, ValuesAt } from "../types.d.ts" */

import { count, interval, percent, shownAmount } from "../shared/format.js";

/** @type {Record<string, string>} */
export const SOURCE_LABELS = {
  live: "Measured here",
  survey: "Shipped survey",
  card: "Cards of the models",
  stated: "Published by others",
  measured: "Weights of others, measured by us",
};

/** @type {(a: number, b: number) => boolean} */
export const near = (a, b) => Math.abs(a - b) < 1e-9 * Math.max(1, Math.abs(a));

// Where the axis begins, so that curves close to 100 % can be told apart; it is written at the axis.
/** @type {(shares: number[]) => number} */
export function axisStart(shares) {
  return [0.9, 0.75, 0.5].find((low) => Math.min(1, ...shares) > low) ?? 0;
}

// Every number at an amount: rows of { model, cells: { source: text } }, and lines on what others published.
/** @type {(amount: number, data: Pick<MethodsData, "models" | "live" | "points" | "published">) => ValuesAt} */
export function valuesAt(amount, { models, live, points, published }) {
  const i = live ? live.amounts.findIndex((one) => near(one, amount)) : -1;
  const rows = models.map((model) => {
    const measured = live?.models.find((one) => one.name === model.name);
    /** @type {Record<string, string>} */
    const cells = {};
    if (i >= 0 && measured)
      cells.live = interval({ accuracy: measured.accuracy[i], low: measured.low[i], high: measured.high[i] });
    for (const one of points.filter((point) => point.model === model.name && near(point.amount, amount))) {
      cells[one.source] = interval(one);
    }
    return { model, cells };
  });
  const groups = new Map(); // of one method, network and source
  for (const one of published.filter((value) => near(value.amount, amount))) {
    const key = [one.method, one.arch, one.source.short].join();
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return { rows: rows.filter(({ cells }) => Object.keys(cells).length), others: [...groups.values()].map(summary) };
}

// Published values of one method, network and source at one amount, in a line.
/** @type {(values: PublishedValue[]) => ValuesAt["others"][number]} */
function summary(values) {
  const [{ method, provenance, title, arch, source }] = values;
  const shares = values.map((one) => one.accuracy);
  const [least, most] = [Math.min(...shares), Math.max(...shares)].map((share) => percent(share, 1));
  const range = values.length === 1 ? least : `${least} to ${most} in ${values.length} settings`;
  return { method, mark: provenance, text: `${title} · ${arch}: ${range}`, source: source.short };
}

// A published value in sentences; `archs` are the architectures of our own models.
/** @type {(value: PublishedValue, data: Pick<MethodsData, "distortion" | "archs">) => string[]} */
export function sentencesOf(value, { distortion, archs }) {
  const { source } = value;
  const where = value.clean ? "clean images" : `${value.about ? "about " : ""}${shownAmount(distortion, value.amount)}`;
  const ours = value.same_as && archs.includes(value.same_as);
  const n = value.n ? `n = ${count(value.n)}` : `n not ${value.provenance === "stated" ? "stated" : "kept"}`;
  return [
    `${percent(value.accuracy, 1)}: ${value.title}, ${value.arch}, on ${where}.`,
    `${value.setting.replace(/^[a-z]/, (letter) => letter.toUpperCase())}.`,
    value.certain,
    ours ? "The same architecture as ours, trained otherwise." : "Another architecture than ours.",
    `${source.authors} ${source.year}, arXiv ${source.arxiv}; ${n}.`,
  ];
}

// Heights for labels beside the ends of lines: in order, at least `gap` apart, and between `top` and `bottom` where they
// fit. ends: [{ y }]; gives them with `at`, from the top down.
/** @type {<E extends { y: number }>(ends: E[], room: { top: number; bottom: number; gap?: number }) => (E & { at: number })[]} */
export function spread(ends, { top, bottom, gap = 17 }) {
  const placed = ends.map((one) => ({ ...one, at: one.y })).sort((a, b) => a.y - b.y);
  for (const [i, one] of placed.entries()) one.at = Math.max(one.at, i ? placed[i - 1].at + gap : top);
  const over = Math.max(0, (placed.at(-1)?.at ?? 0) - bottom);
  for (let i = placed.length - 1; i >= 0; i--) {
    placed[i].at = Math.min(placed[i].at, placed[i + 1] ? placed[i + 1].at - gap : placed[i].at - over);
  }
  return placed;
}
