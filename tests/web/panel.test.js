import assert from "node:assert/strict";
import { test } from "node:test";
import { percentileSentence } from "../../explorer/web/panel/card.js";
import { likeliest } from "../../explorer/web/panel/classes.js";
import { confidenceTitle, flipHelp, flipsAt, flipWords, modelTitle } from "../../explorer/web/panel/words.js";
import { keyTarget } from "../../explorer/web/shared/dom.js";
import { makeJobs } from "../../explorer/web/shared/jobs.js";

const MODEL = {
  name: "digits/lenet/standard",
  title: "Standard",
  method: "standard",
  followed: "7",
  flip_point: null,
  band: null,
};
const CURVES = {
  title: "Noise",
  sign: "σ",
  symbol: "σ",
  unit: "",
  factor: 1,
  amounts: [0, 0.1, 0.2],
  exact: false,
  models: [MODEL],
};
const curves = (/** @type {object} */ more = {}) => /** @type {any} */ ({ ...CURVES, ...more });
const model = (/** @type {object} */ more = {}) => /** @type {any} */ ({ ...MODEL, ...more });

test("the clean answer is always among the classes shown", () => {
  const entries = (/** @type {string[]} */ labels) => labels.map((label, i) => ({ label, probability: 1 / (i + 2) }));
  const labels = ["a", "b", "c", "d", "e", "f"];
  assert.deepEqual(likeliest({ clean: entries(["b"]), distorted: entries(labels) }), ["a", "b", "c", "d", "e"]);
  assert.deepEqual(likeliest({ clean: entries(["f"]), distorted: entries(labels) }), ["a", "b", "c", "d", "f"]);
});

test("where an answer flips: an amount where it was searched, else between two", () => {
  assert.equal(flipWords(curves(), model()), "○ holds throughout");
  assert.equal(flipsAt(curves(), 0), "flipped by the rest of the chain");
  assert.equal(flipsAt(curves(), 0.2), "flips between σ = 0.1 and σ = 0.2");
  assert.equal(flipsAt(curves({ exact: true }), 0.2), "flips at σ = 0.2");
  assert.equal(flipsAt(curves(), 0.15), "flips at σ = 0.15");
});

test("the help on a flip point tells of the seeds", () => {
  const band = (/** @type {(number | null)[]} */ points) => ({ n: points.length, flip_points: points });
  assert.equal(flipHelp(curves(), model()), "its answer never changes on this slider.");
  assert.equal(flipHelp(curves(), model({ flip_point: 0 })), "its answer is flipped by the rest of the chain.");
  assert.ok(flipHelp(curves(), model({ flip_point: 0.2 })).endsWith("σ = 0.2 for the first time."));
  assert.ok(flipHelp(curves(), model({ band: band([null, null]) })).endsWith("it holds with all 2 seeds."));
  const some = flipHelp(curves(), model({ band: band([null, 0.2, 0.1]) }));
  assert.ok(some.includes("flips with 2 of 3 seeds"));
  assert.ok(some.endsWith("lies between σ = 0.1 and σ = 0.2."));
});

test("models of one method are told apart by their architecture", () => {
  const other = model({ name: "digits/resnet/standard" });
  assert.equal(modelTitle({ models: [model()] }, model()), "Standard");
  assert.equal(modelTitle({ models: [model(), other] }, other), "Standard · resnet");
});

test("confidence is that in one class where all follow the same", () => {
  assert.equal(confidenceTitle(curves()), "Confidence in “7”");
  assert.equal(
    confidenceTitle(curves({ models: [model(), model({ followed: "1" })] })),
    "Confidence in the clean answer",
  );
});

test("a percentile in words", () => {
  assert.equal(percentileSentence(null), "no table of distances to compare with");
  assert.equal(percentileSentence(0.4), "below the distances between different images");
  assert.equal(percentileSentence(42.7), "42nd percentile of the distances between different images");
  assert.equal(percentileSentence(100), "beyond all distances between different images");
});

test("arrow keys go round a row of tabs", () => {
  assert.equal(keyTarget("ArrowRight", 2, 3), 0);
  assert.equal(keyTarget("ArrowLeft", 0, 3), 2);
  assert.equal(keyTarget("End", 0, 3), 2);
  assert.equal(keyTarget("Enter", 0, 3), undefined);
});

test("of several questions under one key the newest is answered, however slow the server is", async () => {
  const log = { open: 0, most: 0, started: /** @type {number[]} */ ([]) };
  let newest = ""; // as the server does it: the last start to arrive ends the others
  const wait = (/** @type {number} */ time) => new Promise((resolve) => setTimeout(resolve, time));
  const server = {
    start_job: async (/** @type {{ number: number }} */ { number }) => {
      log.most = Math.max(log.most, ++log.open);
      await wait(number === 1 ? 120 : 5); // the first one is long on its way
      newest = String(number);
      log.started.push(number);
      log.open -= 1;
      return { job: newest };
    },
    poll_job: async (/** @type {{ job: string }} */ { job }) => {
      await wait(20);
      return job === newest ? { result: { job } } : { error: "", cancelled: true };
    },
    cancel_job: async () => ({}),
  };
  const jobs = makeJobs({ server });
  const ask = (/** @type {number} */ number) => jobs.run("browse", { number });
  const first = ask(1);
  await wait(10); // it is on its way
  const found = await Promise.all([first, ask(2), ask(3)]);
  assert.deepEqual(found, [null, null, { job: "3" }]);
  assert.equal(log.most, 1);
  assert.deepEqual(log.started, [1, 3]);
});

test("a server that does not answer is told of in a sentence", async () => {
  const jobs = makeJobs({ server: { start_job: async () => Promise.reject(new Error("gone")) } });
  assert.deepEqual(await jobs.run("curves", {}), { error: "The explorer does not answer. Is it still running?" });
});
