import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, readAddress } from "../../explorer/web/search/address.js";
import { stopFrom } from "../../explorer/web/search/curves.js";
import { csvOf, factsOf, jsonOf } from "../../explorer/web/search/groups.js";
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
import { latest, movesOf } from "../../explorer/web/search/ranks.js";

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

test("groups are written with what is kept, and a name cannot become a formula", () => {
  const member = { picture: 0, hash: "ab", width: 4, height: 3, file_bytes: 5, distance: 0, keep: true };
  const groups = [
    [
      { ...member, name: 'a,"b".jpg' },
      { ...member, name: "=1+1.jpg", keep: false, distance: 0.25 },
    ],
  ];
  assert.equal(
    csvOf(groups, [1]),
    'group,name,keep,distance,width,height,file_bytes,hash\r\n1,"a,""b"".jpg",false,0,4,3,5,ab\r\n1,./=1+1.jpg,true,0.25,4,3,5,ab\r\n',
  );
  const written = JSON.parse(
    jsonOf({ model: "m", threshold: 0.3, high: 1, bits: false, rule: "r", notes: [], groups }, [0]),
  );
  assert.deepEqual(
    written.pictures.map((/** @type {{ keep: boolean }} */ { keep }) => keep),
    [true, false],
  );
  assert.equal(factsOf({ ...groups[0][0], file_bytes: 212_400, width: 640 }), "640 × 3 px · 212 kB");
});

test("ranks: who stays, who leaves, who comes", () => {
  const { stay, left, came, same } = movesOf({ name: "m", before: [4, 2, 9], after: [2, 4, 7], itself: 0 });
  assert.deepEqual(stay, [
    [4, 0, 1],
    [2, 1, 0],
  ]);
  assert.deepEqual([left, came, same], [[9], [7], false]);
});

test("of questions asked while one is under way only the last is asked", async () => {
  /** @type {number[]} */
  const asked = [];
  /** @type {number[]} */
  const answered = [];
  /** @type {(() => void)[]} */
  const waiting = [];
  const ask = latest(
    (/** @type {number} */ question) => {
      asked.push(question);
      return new Promise((/** @type {(value: number) => void} */ resolve) =>
        waiting.push(() => resolve(10 * question)),
      );
    },
    (answer) => answered.push(answer),
  );
  for (const question of [1, 2, 3]) ask(question);
  assert.deepEqual(asked, [1]);
  waiting[0]();
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([asked, answered], [[1, 3], [10]]);
});

test("an address says what is searched, and nonsense in it is left out", () => {
  const read = (/** @type {string} */ query) => readAddress(new URLSearchParams(query));
  const chosen = { pane: "relatives", within: "digits", by: ["a/b", "pixels"], under: [["jpeg", 5]], most: 60 };
  assert.deepEqual(read(addressOf(/** @type {any} */ (chosen))), chosen);
  const empty = { pane: "copies", within: null, by: null, under: null, most: null };
  assert.deepEqual(read("pane=<b>&under=jpeg,=3,x y=2,crop=&most=-3"), empty);
});

test("an arrow key leads from precision to precision, finer near the top", () => {
  assert.equal(stopFrom(0.99, "ArrowUp"), 0.991);
  assert.equal(stopFrom(0.99, "ArrowDown"), 0.985);
  assert.equal(stopFrom(0.9934, "ArrowUp"), 0.994);
  assert.equal(stopFrom(1, "ArrowRight"), 1);
  assert.equal(stopFrom(0.3, "Home"), 0);
  assert.equal(stopFrom(0.3, "x"), undefined);
});
