import assert from "node:assert/strict";
import { test } from "node:test";
import { remember, remembered } from "../../explorer/web/shared/memory.js";

test("with storage blocked a choice lasts as long as the page", () => {
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    get: () => {
      throw new DOMException("The operation is insecure.", "SecurityError");
    },
  });
  assert.equal(remembered("theme"), null);
  remember("theme", "dark");
  assert.equal(remembered("theme"), "dark");
});

test("where the browser keeps it, that is what counts", () => {
  const kept = new Map([["tour", "yes"]]);
  const storage = {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => kept.set(key, value),
  };
  Object.defineProperty(globalThis, "localStorage", { configurable: true, value: storage });
  assert.equal(remembered("tour"), "yes");
  remember("theme", "light");
  assert.equal(kept.get("theme"), "light");
});
