import assert from "node:assert/strict";
import { test } from "node:test";
import {
  apartOf,
  aroundOf,
  curveOf,
  foundAt,
  friendsOf,
  intervalsAt,
  makeBootstrap,
  makeRun,
  missedOf,
  stepFrom,
  thresholdFor,
  wilson,
} from "../../explorer/web/search/pairs.js";

/** @type {(values: ArrayBufferView<ArrayBuffer>) => string} */
const encode = ({ buffer }) => btoa(String.fromCharCode(...new Uint8Array(buffer)));

// Every pair of a square table of distances: rows are originals, columns are copies.
/** @type {(table: number[][], listed?: number) => import("../../explorer/web/search/types.d.ts").PairRun} */
function runOf(table, listed = Infinity) {
  const n = table.length;
  const copies = table.map((row, i) => ({ i, d: row[i] })).sort((a, b) => a.d - b.d);
  const others = table
    .flatMap((row, i) => row.map((d, j) => ({ i, j, d })))
    .filter(({ i, j }) => i !== j)
    .sort((a, b) => a.d - b.d);
  const kept = others.slice(0, listed);
  return makeRun({
    model: "pixels",
    distortion: 0,
    pictures: n,
    positives: encode(Float64Array.from(copies, ({ d }) => d)),
    order: encode(Int32Array.from(copies, ({ i }) => i)),
    friends: encode(Int32Array.from(copies, ({ d }) => others.filter((one) => one.d <= d).length)),
    negatives: encode(Float64Array.from(kept, ({ d }) => d)),
    left: encode(Int32Array.from(kept, ({ i }) => i)),
    right: encode(Int32Array.from(kept, ({ j }) => j)),
    total: others.length,
    average_precision: 0,
    bits: false,
    bins: { high: 1, copies: [], others: [] },
  });
}

const TABLE = [
  [0.1, 0.5, 0.9],
  [0.4, 0.2, 0.7],
  [0.3, 0.8, 0.6],
];

test("a threshold finds the pairs that are as near or nearer", () => {
  const run = runOf(TABLE);
  assert.deepEqual(foundAt(run, 0.3), {
    ...{ copies: 2, friends: 1, pairs: 3, known: true },
    ...{ precision: 2 / 3, recall: 2 / 3 },
  });
  assert.equal(foundAt(run, 0.05).pairs, 0);
  assert.deepEqual(
    curveOf(run).map(({ precision }) => precision),
    [1, 1, 3 / 6],
  );
});

test("false friends that were not sent are counted up to the last copy found", () => {
  const run = runOf(TABLE, 1);
  assert.deepEqual({ ...foundAt(run, 0.6), recall: 1 }, { ...foundAt(runOf(TABLE), 0.6), known: false, recall: 1 });
  assert.equal(intervalsAt(run, 0.6, makeBootstrap(3, 20)).precision, null);
});

test("the threshold of a precision is the largest that keeps it", () => {
  const run = runOf(TABLE);
  assert.equal(thresholdFor(run, 0.99), 0.2);
  assert.equal(thresholdFor(run, 0.5), 0.6);
  const hopeless = runOf([
    [0.9, 0.1],
    [0.2, 0.8],
  ]);
  assert.equal(thresholdFor(hopeless, 0.99), -1);
  assert.equal(foundAt(hopeless, -1).pairs, 0);
});

test("copies of one distance are taken together", () => {
  const run = runOf([
    [0, 0],
    [1, 0],
  ]);
  assert.deepEqual(curveOf(run), [{ recall: 1, precision: 2 / 3, distance: 0 }]);
  assert.equal(thresholdFor(run, 0.9), -1);
});

test("a step takes one more pair or one fewer, copies and others alike", () => {
  const run = runOf(TABLE);
  assert.equal(stepFrom(run, 0.2, 1), 0.3);
  assert.equal(stepFrom(run, 0.3, -1), 0.2);
  assert.equal(stepFrom(run, 0.2, 3), 0.5);
  assert.equal(stepFrom(run, 0.1, -2), -1);
  assert.equal(stepFrom(run, 0.9, 1), 0.9);
});

test("the wall begins at the threshold, on both sides", () => {
  const { taken, left } = aroundOf(runOf(TABLE), 0.3, 2);
  assert.deepEqual(taken, [
    { copy: false, left: 2, right: 0, text: "0.300" },
    { copy: true, left: 1, right: 1, text: "0.200" },
  ]);
  assert.deepEqual(
    left.map(({ copy, text }) => [copy, text]),
    [
      [false, "0.400"],
      [false, "0.500"],
    ],
  );
  assert.deepEqual(
    missedOf(runOf(TABLE), 0.3, 9).map(({ left: picture }) => picture),
    [2],
  );
  assert.deepEqual(
    friendsOf(runOf(TABLE), 0.4, 9).map(({ left: picture }) => picture),
    [2, 1],
  );
});

test("what one model has right and another wrong, in both directions", () => {
  const other = [
    [0.7, 0.2, 0.9],
    [0.8, 0.1, 0.75],
    [0.95, 0.85, 0.3],
  ];
  const [a, b] = [runOf(TABLE), runOf(other)];
  const there = apartOf(a, 0.3, b, 0.3, 9); // a finds copies 0 and 1 and takes (2, 0); b finds 1 and 2 and takes (0, 1)
  assert.deepEqual([there.copies, there.friends], [1, 1]);
  assert.deepEqual(
    there.pairs.map(({ copy, left, right }) => [copy, left, right]),
    [
      [true, 0, 0],
      [false, 0, 1],
    ],
  );
  const back = apartOf(b, 0.3, a, 0.3, 9);
  assert.deepEqual(
    back.pairs.map(({ copy, left, right }) => [copy, left, right]),
    [
      [true, 2, 2],
      [false, 2, 0],
    ],
  );
});

test("intervals hold the value, and shrink with more pictures", () => {
  /** @type {(n: number) => number[][]} */
  const table = (n) =>
    Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => (((i * 31 + j * 17) % 97) + (i === j ? 0 : 40)) / 97),
    );
  const widths = [20, 60].map((n) => {
    const { precision, recall } = intervalsAt(runOf(table(n)), 0.6, makeBootstrap(n));
    assert.ok(precision && precision.low <= precision.value && precision.value <= precision.high);
    assert.ok(recall.low <= recall.value && recall.value <= recall.high);
    return recall.high - recall.low;
  });
  assert.ok(widths[1] < widths[0]);
  assert.deepEqual(makeBootstrap(5, 3), makeBootstrap(5, 3));
});

test("where every draw agrees the interval says what so few pairs leave open", () => {
  const { precision } = intervalsAt(runOf(TABLE), 0.2, makeBootstrap(3));
  assert.deepEqual(precision, wilson(2, 2));
  assert.ok(precision && precision.low < 0.5 && precision.high === 1);
});
