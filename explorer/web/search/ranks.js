// How the nearest pictures change their places: which stay, which leave and which come.

/** @import { Ranked } from "./types.d.ts" */

/** @type {(ranked: Ranked) => { stay: [picture: number, from: number, to: number][]; left: number[]; came: number[]; same: boolean }} */
export function movesOf({ before, after }) {
  const places = new Map(after.map((picture, place) => [picture, place]));
  /** @type {[number, number, number][]} */
  const stay = before.flatMap((picture, from) => {
    const to = places.get(picture);
    return to === undefined ? [] : [[picture, from, to]];
  });
  const known = new Set(before);
  return {
    stay,
    left: before.filter((picture) => !places.has(picture)),
    came: after.filter((picture) => !known.has(picture)),
    same: before[0] === after[0],
  };
}

// A question that is asked again as often as its subject changes: one is under way, and of those told meanwhile only the
// last is asked. `answered(answer)` is called with the answer to what was asked last or before it.
/** @type {<Q, A>(ask: (question: Q) => Promise<A>, answered: (answer: A, question: Q) => void) => (question: Q) => void} */
export function latest(ask, answered) {
  /** @type {{ question: any } | null} */
  let next = null;
  let busy = false;
  /** @type {(question: any) => Promise<void>} */
  async function go(question) {
    busy = true;
    const answer = await ask(question);
    busy = false;
    answered(answer, question);
    const waiting = next;
    next = null;
    if (waiting) void go(waiting.question);
  }
  return (question) => {
    if (busy) next = { question };
    else void go(question);
  };
}
