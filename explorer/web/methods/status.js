// What the page "Methods" says of its measuring, and of a download. Nothing here touches the page.

/** @import { Known, LiveValues, MeasureState, MethodGroup } from "../types.d.ts" */

import { endsOf } from "../shared/chart.js";
import { count, shownAmount } from "../shared/format.js";

const OTHERS =
  "Others' values come from other networks or other training, and from other noise: they are marks, not part of our curves.";
/** @type {(number: number) => number} */
const megabytes = (number) => Math.round(number / 1e6);

// `state`: measuring, paused, stopped, failed, done, absent (the data set is not here) or asking; `download`: { done } of
// this data set's download under way, or null. `shown`: the sources of the numbers on the chart.
/** @type {(state: MeasureState, facts: { done: number; images: number; live: LiveValues | null; error: string | null; group: MethodGroup; title: string; shown: string[] }, download: { done: number } | null) => string} */
export function statusText(state, { done, images, live, error, group, title, shown }, download) {
  if (download) return `Downloading ${group.title}: ${megabytes(download.done)} of ${megabytes(group.bytes)} MB …`;
  /** @type {Partial<Record<MeasureState, string | null>>} */
  const texts = {
    measuring: `Measuring here: ${count(Math.floor(done))} of ${count(images)} images …`,
    stopped: `Stopped after ${live?.n ? `the first ${count(live.n)}` : "no"} images.`,
    failed: error,
    done: `Measured here on the first ${count(live?.n ?? 0)} test images, seed ${live?.seed}.`,
    absent:
      error ?? `${group.title} is not on this machine, so that nothing can be measured here. ${from(shown, title)}`,
  };
  return texts[state] ?? "";
}

/** @type {(shown: string[], title: string) => string} */
function from(shown, title) {
  /** @type {Record<string, string>} */
  const names = { card: "the cards", survey: "the shipped survey" };
  const found = Object.keys(names).filter((source) => shown.includes(source));
  if (!found.length) return `No card and no shipped survey knows ${title}.`;
  return `What is shown comes from ${found.map((source) => names[source]).join(" and ")}.`;
}

// What the button beside it says; empty where there is nothing to do.
/** @type {(state: MeasureState, group: { bytes: number; host: string }, loading: boolean) => string} */
export function actText(state, { bytes, host }, loading) {
  const offer = loading ? "Cancel" : `Download ${megabytes(bytes)} MB from ${host}`;
  /** @type {Partial<Record<MeasureState, string>>} */
  const texts = { measuring: "Cancel", stopped: "Go on", failed: "Try again", absent: offer };
  return texts[state] ?? "";
}

// What has to be known to read the chart; `values` are all that could be on it, `whole` whether it spans the whole slider.
/** @type {(facts: { known: Known; group: MethodGroup; amounts: number[]; values: { amount: number }[]; whole: boolean }) => string[]} */
export function notesOf({ known, group, amounts, values, whole }) {
  const notes = [...known.messages];
  const [mild, strong] = endsOf({ amounts });
  const beyond = values.filter((one) => (one.amount - strong) * Math.sign(strong - mild) > 1e-9).length;
  const more = whole ? "they are in the table below" : "choose more under Amounts";
  const advice = `Or put ${group.data}.npz into a folder and start the explorer with EXPLORER_DATA=FOLDER.`;
  if (!group.here && group.bytes) notes.push(advice);
  if (beyond) notes.push(`${beyond} values lie beyond ${shownAmount(known, strong)}; ${more}.`);
  if (known.published.some((one) => !one.clean)) notes.push(OTHERS);
  else notes.push(`No published accuracy under ${known.title} on ${group.title} is known here.`);
  return notes;
}
