import assert from "node:assert/strict";
import { test } from "node:test";
import { reached } from "../../explorer/web/explore/around.js";
import { describeChange, makeHistory } from "../../explorer/web/explore/history.js";
import { linkOf, pictureOf, recipeText } from "../../explorer/web/explore/link.js";
import { lastChosen } from "../../explorer/web/explore/models.js";
import { valueAt } from "../../explorer/web/explore/tabs/maps.js";
import { named } from "../../explorer/web/explore/tabs/titles.js";
import { tidy } from "../../explorer/web/explore/tabs/weakness_words.js";
import { freest } from "../../explorer/web/explore/tour.js";
import { choices, meant } from "../../explorer/web/explore/watched.js";
import { queryOf } from "../../explorer/web/shared/query.js";

const STEPS = [
  { name: "gaussian_noise", amount: 0.06, on: true },
  { name: "jpeg", amount: 30, on: true },
];
/** @type {import("../../explorer/web/types.d.ts").State} */
const STATE = {
  family: "cifar10",
  models: ["a/standard", "a/stability"],
  picture: { sample: "cat" },
  steps: STEPS,
  seed: 0,
  against: null,
  quantised: true,
  on: /** @type {"input"} */ ("input"),
  window: [0.5, 0.5],
  watched: [],
  doubt: null,
  reference: null,
};
const WORDS = {
  distortion: (/** @type {string} */ name) => ({ title: name.toUpperCase() }),
  title: (/** @type {string} */ name) => name.split("/")[1],
  shown: (/** @type {{ amount: number }} */ step) => step.amount,
};
const change = (/** @type {object} */ after) => describeChange(STATE, { ...STATE, ...after }, WORDS);

test("what was done is said in a few words", () => {
  assert.equal(change({ models: [...STATE.models, "a/bang"] }), "bang added");
  assert.equal(change({ models: ["a/standard"] }), "stability removed");
  assert.equal(change({ models: ["a/stability", "a/standard"] }), "stability is the baseline");
  assert.equal(change({ picture: { sample: "dog" } }), "another picture");
  assert.equal(change({ on: "photograph" }), "distorts the photograph");
  assert.equal(change({ window: [0, 0.5] }), "another part of the photograph");
  assert.equal(change({ steps: [STEPS[1]] }), "GAUSSIAN_NOISE removed");
  assert.equal(change({ steps: [...STEPS, { name: "blur", amount: 1, on: true }] }), "BLUR added");
  assert.equal(change({ steps: [STEPS[1], STEPS[0]] }), "another chain of distortions");
  assert.equal(change({ steps: [STEPS[0], { ...STEPS[1], amount: 10 }] }), "JPEG 30 → 10");
  assert.equal(change({ steps: [{ ...STEPS[0], on: false }, STEPS[1]] }), "GAUSSIAN_NOISE off");
  assert.equal(change({ seed: 7 }), "seed 7");
  assert.equal(change({ quantised: false }), "float pixels");
  assert.equal(change({ reference: { picture: STATE.picture, recipe: null } }), "pinned");
});

test("undo and redo walk through whole states; something new ends the way forward", () => {
  let state = { n: 0 };
  const past = makeHistory({
    take: () => state,
    put: (found) => {
      state = found;
    },
    describe: (before, after) => `${before.n} to ${after.n}`,
    changed: () => {},
  });
  const go = (/** @type {number} */ n) => {
    state = { n };
    past.record();
  };
  for (const n of [1, 1, 2, 3]) go(n);
  assert.deepEqual(past.list(), ["0 to 1", "1 to 2", "2 to 3"]);
  past.back(2);
  assert.deepEqual([state.n, past.next()], [1, { undo: "0 to 1", redo: "1 to 2" }]);
  past.redo();
  assert.equal(state.n, 2);
  go(9);
  assert.equal(past.next().redo, undefined);
  past.undo();
  past.undo();
  past.undo();
  assert.equal(state.n, 0);
  past.undo();
  assert.equal(state.n, 0);
});

test("an address says the whole state, and can be read by people", () => {
  const said = linkOf(STATE, { chain: "gaussian_noise=0.06,jpeg=30;seed=0", tab: "curves", own: undefined });
  assert.equal(said, "?picture=cat&models=a/standard,a/stability&recipe=gaussian_noise=0.06,jpeg=30;seed=0&tab=curves");
});

test("an address keeps steps that are off, and the pinned state", () => {
  const recipe = {
    steps: [],
    seed: 3,
    against: "a;b",
    quantised: false,
    on: /** @type {"photograph"} */ ("photograph"),
  };
  const state = {
    ...STATE,
    picture: { dataset: "digits", index: 7 },
    steps: [{ ...STEPS[0], on: false }, STEPS[1]],
    reference: { picture: { sample: "cat" }, recipe },
  };
  const query = new URLSearchParams(linkOf(state, { chain: "jpeg=30", tab: null, own: undefined }));
  assert.equal(query.get("picture"), "digits:7");
  assert.equal(query.get("off"), "0:gaussian_noise=0.06");
  assert.equal(query.get("pin"), "cat|clean;seed=3;against=a%3Bb;pixels=float;on=photograph");
  assert.equal(query.has("tab"), false);
});

test("a picture of one's own stands in the fragment, where it is small enough", async () => {
  const state = { ...STATE, picture: { token: "secret" } };
  const own = `data:image/png;base64,${btoa("pixels")}`;
  const said = linkOf(state, { chain: "clean", tab: null, own });
  assert.ok(said.startsWith("?picture=own&"));
  assert.ok(!said.includes("secret"));
  const file = pictureOf(said.slice(said.indexOf("#")));
  assert.equal(await file?.text(), "pixels");
  assert.ok(!linkOf(state, { chain: "clean", tab: null, own: own.padEnd(40_000, "A") }).includes("#"));
  for (const fragment of ["", "#top", "#pixels=<b>", `#pixels=${"A".repeat(40_000)}`])
    assert.equal(pictureOf(fragment), null);
});

test("a recipe as text", () => {
  const recipe = { steps: [["jpeg", 30]], seed: 7, against: null, quantised: true };
  assert.equal(recipeText(/** @type {any} */ (recipe)), "jpeg=30;seed=7");
  const moved = { ...recipe, on: "photograph", window: [0, 0.25] };
  assert.equal(recipeText(/** @type {any} */ (moved)), "jpeg=30;seed=7;on=photograph;window=0:0.25");
  assert.equal(recipeText(/** @type {any} */ ({ ...moved, window: [0.5, 0.5] })), "jpeg=30;seed=7;on=photograph");
});

test("a query escapes what has a meaning of its own", () => {
  const query = queryOf([
    ["a", "x&y #1"],
    ["b", "1,2;3=4"],
  ]);
  assert.equal(query, "a=x%26y%20%231&b=1,2;3=4");
  assert.deepEqual(
    [...new URLSearchParams(query)],
    [
      ["a", "x&y #1"],
      ["b", "1,2;3=4"],
    ],
  );
});

test("an amount of the server's for the screen", () => {
  assert.equal(tidy("σ = 0.048134"), "σ = 0.0481");
  assert.equal(tidy("θ = -29.71°"), "θ = −29.7°");
  assert.equal(tidy("ε = 1.5e-05"), "ε = 0.000015");
  assert.equal(tidy(null), null);
});

test("a layer's name in words", () => {
  assert.deepEqual(["stage1", "penultimate", "layer_2_out"].map(named), [
    "stage 1",
    "last before the answer",
    "layer 2 out",
  ]);
});

test("the value of a map under the cross-hair", () => {
  const map = { width: 2, height: 2, low: -1, high: 1, signed: true };
  const values = Uint8Array.from([0, 255, 127, 128]);
  const at = (/** @type {number} */ x, /** @type {number} */ y) => valueAt(map, values, { x, y });
  assert.deepEqual([at(0, 0), at(0.99, 0), at(0, 0.5)], ["−1", "+1", "0"]);
  assert.equal(valueAt({ ...map, low: 0, signed: false }, values, { x: 0.99, y: 0 }), "1");
});

test("the tour stands where it covers neither its subject nor the models", () => {
  const room = { width: 1440, height: 900 };
  const own = { width: 290, height: 150 };
  const pictures = { x: 24, y: 68, width: 300, height: 196 };
  const models = { x: 24, y: 280, width: 300, height: 190 };
  assert.deepEqual(freest(pictures, [], own, room), { x: 24, y: 276 });
  assert.deepEqual(freest(pictures, [models], own, room), { x: 336, y: 68 });
  const cards = { x: 12, y: 12, width: 1416, height: 876 };
  const inside = freest(cards, [cards], own, room);
  assert.ok(inside.x >= 6 && inside.y >= 6 && inside.x + 290 <= 1434 && inside.y + 150 <= 894);
});

test("the page opens on the family that was chosen last, unless models were named at the start", () => {
  const storage = { getItem: () => "digits-28-1-10", setItem: () => {} };
  Object.defineProperty(globalThis, "localStorage", { configurable: true, value: storage });
  const digit = { dataset: "digits", index: 0 };
  /** @type {(named: boolean) => any} */
  const catalogue = (named) => ({
    families: [
      { key: "cifar10-32-3-10", defaults: ["cifar10/a"], picture: { sample: "cat" } },
      { key: "digits-28-1-10", defaults: ["digits/a", "digits/b"], picture: digit },
    ],
    first: { named },
  });
  assert.deepEqual(lastChosen(catalogue(false)), {
    family: "digits-28-1-10",
    models: ["digits/a", "digits/b"],
    picture: digit,
  });
  assert.deepEqual(lastChosen(catalogue(true)), {});
  storage.getItem = () => "gone";
  assert.deepEqual(lastChosen(catalogue(false)), {});
});

test("a class is found by its name or by a part that only one has", () => {
  const names = choices(["tabby", "tiger cat", "crane", "crane", "catamaran"]);
  assert.deepEqual(names.slice(2, 4), ["crane", "crane (3)"]);
  assert.deepEqual([meant(names, " Tabby "), meant(names, "tiger"), meant(names, "crane (3)")], [0, 1, 3]);
  assert.equal(meant(names, "cat"), "2 classes contain “cat”: choose one from the list.");
  assert.equal(meant(names, "dog"), "No class of these models contains “dog”.");
  const address = linkOf({ ...STATE, watched: [0, 3] }, { chain: "clean", tab: null, own: undefined });
  assert.equal(new URLSearchParams(address).get("watch"), "0,3");
  const judged = linkOf(
    { ...STATE, doubt: { score: "entropy", limit: 0.5 } },
    { chain: "clean", tab: null, own: undefined },
  );
  assert.equal(new URLSearchParams(judged).get("doubt"), "entropy=0.5");
});

test("a slider bears the marks of the radii that it reaches, on both sides of the amount on screen", () => {
  const along = { amounts: [0, 1, 2, 3], distances: [2, 0, 2, 4], at: 1 };
  assert.deepEqual(reached(along, 1), [0.5, 1.5]);
  assert.deepEqual(reached(along, 3), [2.5], "the left end is nearer than that");
  assert.deepEqual(reached(along, 5), []);
});
