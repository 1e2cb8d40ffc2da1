// The ribbons of a clip: runs of equal answers, and a colour for each answer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { coloursOf, runsOf } from "../../explorer/web/panel/ribbon.js";

test("runs end where the answer changes", () => {
  assert.deepEqual(runsOf(["cat", "cat", "dog", "cat"]), [
    [0, 2],
    [2, 3],
    [3, 4],
  ]);
  assert.deepEqual(runsOf([]), []);
});

test("the eight most frequent answers have colours of their own, the others share grey", () => {
  const answers = Array.from({ length: 10 }, (_, i) => Array(10 - i).fill(`class ${i}`)).flat();
  const colours = coloursOf(answers);
  const own = Array.from({ length: 8 }, (_, i) => colours.get(`class ${i}`));
  assert.equal(new Set(own).size, 8);
  assert.ok(!own.includes("grey"));
  assert.deepEqual([colours.get("class 8"), colours.get("class 9")], ["grey", "grey"]);
  assert.equal(coloursOf(["b", "a"]).get("a"), coloursOf(["a", "b"]).get("a"));
});
