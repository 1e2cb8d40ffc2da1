// Long questions. `run` gives the result, { error } or, where a newer question under the same key overtook it or it was
// cancelled, null; `progress(done, total)` is called while it is worked on.

export function makeJobs({ server }) {
  const here = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const latest = new Map(); // key -> the newest question's { token }
  const starting = new Map(); // key -> the newest start, answered or not
  const silent = { error: "The explorer does not answer. Is it still running?" };
  const call = (name, question) => Promise.resolve(server[name](question)).catch(() => null);

  async function run(kind, question, { key = kind, progress } = {}) {
    cancel(key);
    const mine = { token: null };
    latest.set(key, mine);
    const overtaken = () => latest.get(key) !== mine;
    await starting.get(key); // of two under way at once the older might arrive last, and would end the newer
    if (overtaken()) return null;
    starting.set(key, call("start_job", { ...question, kind, group: `${here}:${key}` }));
    const started = await starting.get(key);
    if (!started?.job) return overtaken() ? null : started?.error ? started : silent;
    mine.token = started.job;
    if (overtaken()) {
      call("cancel_job", { job: mine.token });
      return null;
    }
    for (;;) {
      const news = await call("poll_job", { job: mine.token });
      if (overtaken()) return null;
      if (news?.total !== undefined) {
        progress?.(news.done, news.total);
        continue;
      }
      latest.delete(key);
      if (!news) return silent;
      return news.cancelled ? null : news.result ?? { error: news.error };
    }
  }

  function cancel(key) {
    const running = latest.get(key);
    latest.delete(key);
    if (running?.token) call("cancel_job", { job: running.token });
  }

  return { run, cancel };
}
