// Small pictures of what is searched: asked for when they are wanted, a few dozen at once, and kept.

/** @import { Collection, Thumbs } from "./types.d.ts" */

const DRAWN = 48; // pictures of one answer
const FLIGHTS = 2; // questions under way at once
const CACHED = 8000;

// `arrived()` is called when wanted pictures have come.
/** @type {(parts: { ask: (what: string, question: object) => Promise<any>; arrived: () => void; failed: (sentence: string) => void }) => Thumbs} */
export function makeThumbs({ ask, arrived, failed }) {
  /** @type {Map<string, string | null>} */
  const urls = new Map(); // "picture under" -> its address, null while it is asked for or where it cannot be had
  /** @type {[picture: number, under: number][]} */
  let wanted = []; // the last ones first
  /** @type {[picture: number, under: number][]} */
  let later = [];
  /** @type {string | null} */
  let run = null;
  let flights = 0;

  /** @type {(picture: number, under: number) => string | undefined} */
  function get(picture, under) {
    const key = `${picture} ${under}`;
    const known = urls.get(key);
    if (known !== undefined) return known ?? undefined;
    urls.set(key, null);
    wanted.push([picture, under]);
    if (wanted.length === 1) queueMicrotask(fetchNext);
    return undefined;
  }

  // All pictures under a distortion, once nothing else is wanted: a threshold that is dragged meets any of them.
  /** @type {(pictures: number, under: number) => void} */
  function ahead(pictures, under) {
    later = later.concat(Array.from({ length: pictures }, (_, picture) => [picture, under]));
    fetchNext();
  }

  async function fetchNext() {
    while (run && flights < FLIGHTS && (wanted.length || later.length)) {
      if (!wanted.length) {
        const next = later.splice(0, DRAWN).filter(([picture, under]) => !urls.has(`${picture} ${under}`));
        for (const [picture, under] of next) urls.set(`${picture} ${under}`, null);
        wanted = next;
        if (!wanted.length) continue;
      }
      void fetchSome(wanted.splice(-DRAWN));
    }
  }

  /** @type {(some: [picture: number, under: number][]) => Promise<void>} */
  async function fetchSome(some) {
    flights++;
    const mine = run;
    const answer = await ask("thumbs", { run, wanted: some });
    flights--;
    if (mine !== run) return;
    if (answer.error) failed(answer.error);
    else some.forEach(([picture, under], i) => urls.set(`${picture} ${under}`, answer.thumbs[i]));
    for (const old of urls.keys()) {
      if (urls.size <= CACHED) break;
      urls.delete(old);
    }
    arrived();
    fetchNext();
  }

  /** @type {(collection: Collection | null) => void} */
  function reset(collection) {
    run = collection?.run ?? null;
    urls.clear();
    wanted = [];
    later = [];
  }

  return { get, ahead, reset };
}
