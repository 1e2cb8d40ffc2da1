// Copies and false friends of one model under one distortion, as sorted arrays: what a threshold on the distance finds.
// All of it is computed here, so that a threshold can be dragged without asking the server.

/** @import { Apart, Bootstrap, FoundPairs, Pair, PairRun, RawRun, Share } from "./types.d.ts" */

const Z = 1.96; // of the interval that holds 95 %

// An array that the server sent as text.
/** @type {<T>(text: string, kind: { new (buffer: ArrayBuffer): T }) => T} */
export function decode(text, kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new kind(bytes.buffer);
}

/** @type {(raw: RawRun) => PairRun} */
export function makeRun(raw) {
  const order = decode(raw.order, Int32Array);
  const rank = new Int32Array(raw.pictures).fill(-1); // of each picture's copy among the copies; -1: it has none
  order.forEach((picture, i) => {
    rank[picture] = i;
  });
  return {
    ...raw,
    positives: decode(raw.positives, Float64Array),
    friends: decode(raw.friends, Int32Array),
    negatives: decode(raw.negatives, Float64Array),
    left: decode(raw.left, Int32Array),
    right: decode(raw.right, Int32Array),
    order,
    rank,
  };
}

// How many of these rising values are at most so large.
/** @type {(sorted: ArrayLike<number>, value: number) => number} */
export function countUpTo(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

// What a threshold finds; `known`: whether its false friends are counted one by one, not only up to the last copy found.
/** @type {(run: PairRun, threshold: number) => FoundPairs} */
export function foundAt(run, threshold) {
  const copies = countUpTo(run.positives, threshold);
  const listed = countUpTo(run.negatives, threshold);
  const known = listed < run.negatives.length || run.negatives.length === run.total;
  const friends = known ? listed : Math.max(listed, copies ? run.friends[copies - 1] : 0);
  const pairs = copies + friends;
  return {
    copies,
    friends,
    pairs,
    known,
    precision: pairs ? copies / pairs : 1,
    recall: copies / run.positives.length,
  };
}

// The curve: one point for each distance that a copy has, from near to far.
/** @type {(run: PairRun) => { recall: number; precision: number; distance: number }[]} */
export function curveOf({ positives, friends }) {
  const points = [];
  for (let i = 0; i < positives.length; i++) {
    if (positives[i] === positives[i + 1]) continue; // a threshold takes all of the same distance
    const copies = i + 1;
    points.push({
      recall: copies / positives.length,
      precision: copies / (copies + friends[i]),
      distance: positives[i],
    });
  }
  return points;
}

// The largest threshold that keeps a precision: the distance of a copy, or one below all where none keeps it.
/** @type {(run: PairRun, precision: number) => number} */
export function thresholdFor({ positives, friends }, precision) {
  for (let i = positives.length - 1; i >= 0; i--) {
    if (positives[i] !== positives[i + 1] && (i + 1) / (i + 1 + friends[i]) >= precision - 1e-12) return positives[i];
  }
  return -1;
}

// The threshold that takes so many more pairs, or so many fewer.
/** @type {(run: PairRun, threshold: number, steps: number) => number} */
export function stepFrom({ positives, negatives }, threshold, steps) {
  let at = threshold;
  for (let n = Math.abs(steps); n; n--) {
    const next =
      steps > 0
        ? [positives, negatives].map((sorted) => sorted[countUpTo(sorted, at)] ?? Infinity)
        : [positives, negatives].map((sorted) => sorted[below(sorted, at) - 1] ?? -1);
    const to = steps > 0 ? Math.min(...next) : Math.max(...next);
    if (to === Infinity) return at;
    at = to;
    if (at < 0) return -1;
  }
  return at;
}

// How many of these rising values are smaller.
/** @type {(sorted: Float64Array, value: number) => number} */
function below(sorted, value) {
  let count = countUpTo(sorted, value);
  while (count && sorted[count - 1] === value) count--;
  return count;
}

// A distance as it is written: of fingerprints their bits that differ, else with three digits behind the point.
/** @type {(run: { bits: boolean }, distance: number) => string} */
export function distanceText({ bits }, distance) {
  return bits ? `${Math.floor(distance)} bit${Math.floor(distance) === 1 ? "" : "s"}` : distance.toFixed(3);
}

// ---- the wall -------------------------------------------------------------------------------------------------------

/** @type {(run: PairRun, i: number) => Pair} */
function copyAt(run, i) {
  return { copy: true, left: run.order[i], right: run.order[i], text: distanceText(run, run.positives[i]) };
}

/** @type {(run: PairRun, i: number) => Pair} */
function friendAt(run, i) {
  return { copy: false, left: run.left[i], right: run.right[i], text: distanceText(run, run.negatives[i]) };
}

// The pairs on both sides of a threshold, the nearest to it first.
/** @type {(run: PairRun, threshold: number, most: number) => { taken: Pair[]; left: Pair[] }} */
export function aroundOf(run, threshold, most) {
  const { positives, negatives } = run;
  let [p, n] = [countUpTo(positives, threshold) - 1, countUpTo(negatives, threshold) - 1];
  const taken = [];
  const left = [];
  for (let [i, j] = [p, n]; taken.length < most && (i >= 0 || j >= 0); )
    taken.push(j < 0 || (i >= 0 && positives[i] >= negatives[j]) ? copyAt(run, i--) : friendAt(run, j--));
  for (p++, n++; left.length < most && (p < positives.length || n < negatives.length); )
    left.push(
      n >= negatives.length || (p < positives.length && positives[p] <= negatives[n])
        ? copyAt(run, p++)
        : friendAt(run, n++),
    );
  return { taken, left };
}

// The copies beyond the threshold, the nearest first.
/** @type {(run: PairRun, threshold: number, most: number) => Pair[]} */
export function missedOf(run, threshold, most) {
  const from = countUpTo(run.positives, threshold);
  return indices(from, Math.min(run.positives.length, from + most)).map((i) => copyAt(run, i));
}

// The false friends within the threshold, the nearest pairs first.
/** @type {(run: PairRun, threshold: number, most: number) => Pair[]} */
export function friendsOf(run, threshold, most) {
  return indices(0, Math.min(countUpTo(run.negatives, threshold), most)).map((i) => friendAt(run, i));
}

// The pairs that one model has right and another wrong, each at its own threshold: copies that only the first finds, and
// false friends that only the second takes. The clearest come first.
/** @type {(right: PairRun, threshold: number, wrong: PairRun, other: number, most: number) => Apart} */
export function apartOf(right, threshold, wrong, other, most) {
  const found = countUpTo(right.positives, threshold);
  const theirs = countUpTo(wrong.positives, other);
  const copies = indices(0, found).filter((i) => wrong.rank[right.order[i]] >= theirs);
  const mine = countUpTo(right.negatives, threshold);
  const places = placesOf(right);
  const friends = indices(0, countUpTo(wrong.negatives, other)).filter(
    (i) => (places.get(wrong.left[i] * wrong.pictures + wrong.right[i]) ?? Infinity) >= mine,
  );
  return {
    copies: copies.length,
    friends: friends.length,
    pairs: [
      ...copies.slice(0, most).map((i) => copyAt(right, i)),
      ...friends.slice(0, most).map((i) => friendAt(wrong, i)),
    ],
  };
}

// Where a pair of different pictures stands in the list of a run; made once.
/** @type {WeakMap<PairRun, Map<number, number>>} */
const known = new WeakMap();
/** @type {(run: PairRun) => Map<number, number>} */
function placesOf(run) {
  let places = known.get(run);
  if (!places) {
    places = new Map(Array.from(run.left, (left, i) => [left * run.pictures + run.right[i], i]));
    known.set(run, places);
  }
  return places;
}

/** @type {(from: number, to: number) => number[]} */
const indices = (from, to) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

// ---- intervals ------------------------------------------------------------------------------------------------------

// How often each picture is drawn in each of some rounds, always the same draws.
/** @type {(pictures: number, rounds?: number) => Bootstrap} */
export function makeBootstrap(pictures, rounds = 200) {
  let seed = 0x9e3779b9;
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const weights = Array.from({ length: rounds }, () => {
    const drawn = new Uint8Array(pictures);
    for (let i = 0; i < pictures; i++) drawn[Math.floor(next() * pictures)]++;
    return drawn;
  });
  return { pictures, weights };
}

// 95 % intervals of precision and recall at a threshold, from draws of whole pictures: a pair counts as often as both of
// its pictures were drawn. Where all draws agree (no false friend, every copy found) the score interval of Wilson says
// what so few pairs leave open.
/** @type {(run: PairRun, threshold: number, bootstrap: Bootstrap) => { precision: Share | null; recall: Share }} */
export function intervalsAt(run, threshold, { weights }) {
  const found = foundAt(run, threshold);
  const precisions = [];
  const recalls = [];
  for (const drawn of weights) {
    let [copies, all, friends] = [0, 0, 0];
    for (let i = 0; i < run.order.length; i++) {
      all += drawn[run.order[i]];
      if (i < found.copies) copies += drawn[run.order[i]];
    }
    if (found.known) for (let i = 0; i < found.friends; i++) friends += drawn[run.left[i]] * drawn[run.right[i]];
    if (all) recalls.push(copies / all);
    if (copies + friends) precisions.push(copies / (copies + friends));
  }
  const { copies, pairs } = found;
  const recall = span(recalls, copies, run.positives.length);
  return { precision: found.known && pairs ? span(precisions, copies, pairs) : null, recall };
}

/** @type {(values: number[], hits: number, of: number) => Share} */
function span(values, hits, of) {
  if (hits === 0 || hits === of) return wilson(hits, of);
  const sorted = Float64Array.from(values).sort();
  /** @type {(share: number) => number} */
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return { value: hits / of, low: at(0.025), high: at(0.975) };
}

/** @type {(hits: number, of: number) => Share} */
export function wilson(hits, of) {
  if (!of) return { value: Number.NaN, low: 0, high: 1 };
  const share = hits / of;
  const middle = (share + Z ** 2 / (2 * of)) / (1 + Z ** 2 / of);
  const half = (Z / (1 + Z ** 2 / of)) * Math.sqrt((share * (1 - share)) / of + Z ** 2 / (4 * of ** 2));
  return { value: share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}
