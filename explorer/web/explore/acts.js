// The buttons on every model's card. They are there before what they open: `run` takes that when it is made.

/** @import { CardAct } from "../types.d.ts" */

const STABILIZE = "Train a copy to keep its answers, on pictures of your own and without labels";

/** @type {() => { acts: CardAct[]; run: { around?: (name: string) => void; stabilize?: (name: string) => void } }} */
export function makeActs() {
  /** @type {{ around?: (name: string) => void; stabilize?: (name: string) => void }} */
  const run = {};
  const acts = [
    {
      text: "Around it …",
      label: "Around this model",
      help: "Remedies without training, how far the answer holds, and whether to rely on it",
      run: (/** @type {string} */ name) => run.around?.(name),
    },
    {
      text: "Stabilize …",
      label: "Stabilize this model",
      help: STABILIZE,
      run: (/** @type {string} */ name) => run.stabilize?.(name),
    },
  ];
  return { acts, run };
}
