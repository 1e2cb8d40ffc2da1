// As much of node's own modules as the tests here use.

declare module "node:test" {
  export function test(name: string, run: () => unknown): void;
}

declare module "node:assert/strict" {
  const assert: {
    ok(value: unknown, message?: string): asserts value;
    equal(found: unknown, wanted: unknown, message?: string): void;
    deepEqual(found: unknown, wanted: unknown, message?: string): void;
  };
  export default assert;
}
