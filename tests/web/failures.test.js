import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, isAsUsual, readAddress, readFind } from "../../explorer/web/failures/address.js";
import { tagsOf } from "../../explorer/web/failures/cell.js";
import { inside } from "../../explorer/web/failures/map.js";

const read = (/** @type {string} */ query) => readAddress(new URLSearchParams(query));

test("an address without a word of it opens the page as usual", () => {
  const chosen = read("");
  assert.equal(chosen.survey, null);
  assert.equal(chosen.pane, "gallery");
  assert.deepEqual(chosen.filters.quadrants, ["only_baseline_fails", "only_other_fails"]);
  assert.ok(isAsUsual(chosen));
  assert.equal(addressOf(chosen), "place=failures");
});

test("filters, order, pair and pane come back from their address", () => {
  const chosen = { ...read(""), survey: "shipped/digits", pair: ["a/standard", "a/bang"], pane: "map" };
  Object.assign(chosen.filters, {
    label: "3",
    distortion: "jpeg",
    amount: 30,
    flipped: false,
    quadrants: ["both_fail"],
  });
  chosen.order = { by: "margin", falling: false };
  assert.ok(!isAsUsual(chosen));
  const again = read(addressOf(chosen));
  assert.deepEqual(again, chosen);
});

test("cases picked on the map do not travel", () => {
  const chosen = read("");
  chosen.filters.cases = [1, 2, 3];
  assert.equal(addressOf(chosen), "place=failures");
  assert.equal(readFind('{"cases":[1,2]}').filters.cases, null);
});

test("the filter of annotations is read under its former name, too", () => {
  assert.equal(readFind('{"marked":"tag:odd"}').filters.annotation, "tag:odd");
  assert.equal(readFind('{"annotation":"star","marked":"note"}').filters.annotation, "star");
  assert.ok(!addressOf(read('find={"marked":"star"}')).includes("marked"));
});

test("an address that was cut off, or that asks for nonsense, opens as usual", () => {
  for (const find of ['{"label":', "[]", '{"nonsense":1}', '{"quadrants":"all"}']) {
    assert.deepEqual(readFind(find), readFind(null), find);
  }
  assert.equal(read("pane=nothing").pane, "gallery");
});

test("a point is inside a loop where a ray from it crosses the loop an odd number of times", () => {
  /** @type {[number, number][]} */
  const loop = [
    [0, 0],
    [10, 0],
    [10, 10],
    [5, 5],
    [0, 10],
  ];
  assert.equal(inside([2, 2], loop), true);
  assert.equal(inside([5, 7], loop), false);
  assert.equal(inside([1, 8], loop), true);
  assert.equal(inside([11, 5], loop), false);
});

test("tags are separated by commas", () => {
  assert.deepEqual(tagsOf(" thin stroke, ,mislabelled,"), ["thin stroke", "mislabelled"]);
});
