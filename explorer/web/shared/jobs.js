// Long questions. `run` gives the result, { error } or, where a newer question under the same key superseded it or it was
// cancelled, null; `progress(done, total)` is called while it is worked on.

/** @import { Jobs, Server } from "../types.d.ts" */

import { ask, SILENT } from "./server.js";

/** @type {(parts: { server: Server }) => Jobs} */
export function makeJobs({ server }) {
  const here = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
  /** @type {Map<string, { token: string | null }>} */
  const latest = new Map(); // key -> the newest question's { token }
  /** @type {Map<string, Promise<{ job?: string; error?: string }>>} */
  const starting = new Map(); // key -> the newest start, answered or not

  /** @type {Jobs["run"]} */
  async function run(handler, question, { key = handler, progress } = {}) {
    cancel(key);
    /** @type {{ token: string | null }} */
    const mine = { token: null };
    latest.set(key, mine);
    const superseded = () => latest.get(key) !== mine;
    await starting.get(key); // of two under way at once the older might arrive last, and would end the newer
    if (superseded()) return null;
    const start = ask(server, "start_job", { ...question, handler, group: `${here}:${key}` });
    starting.set(key, start);
    const started = await start;
    if (!started.job) return superseded() ? null : started.error ? started : { error: SILENT };
    mine.token = started.job;
    if (superseded()) {
      ask(server, "cancel_job", { job: mine.token });
      return null;
    }
    for (;;) {
      const news = await ask(server, "poll_job", { job: mine.token });
      if (superseded()) return null;
      if (news.total !== undefined) {
        progress?.(news.done, news.total);
        continue;
      }
      latest.delete(key);
      return news.cancelled ? null : (news.result ?? { error: news.error });
    }
  }

  /** @type {Jobs["cancel"]} */
  function cancel(key) {
    const running = latest.get(key);
    latest.delete(key);
    if (running?.token) ask(server, "cancel_job", { job: running.token });
  }

  return { run, cancel };
}
