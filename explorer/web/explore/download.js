// The download of a data set. It goes on while its window is closed; there is one at a time.

import { renewDatasets } from "../shared/datasets.js";

// `changed()`: the list of data sets, or what of them is here, is another; `failed(name, sentence)` says whether it could
// tell about it.
export function makeDownloads({ catalogue, jobs, notice, changed, failed }) {
  let running = null; // { name, done, total, paint }

  async function start({ name, title, kept }) {
    const mine = { name, done: kept, total: 0, paint: null };
    running = mine;
    changed();
    const progress = (done, total) => {
      Object.assign(mine, { done, total });
      mine.paint?.();
    };
    const found = await jobs.run("download", { dataset: name }, { key: "download", progress });
    if (running !== mine) return; // cancelled
    running = null;
    if (found?.datasets) {
      renew(found.datasets);
      notice.show(`${title} is here now.`);
    } else if (!found?.error || !failed(name, found.error)) {
      notice.show(found?.error ?? "The download was stopped.", { error: true });
    }
  }

  async function stop() {
    running = null;
    jobs.cancel("download");
    const found = await jobs.run("datasets", {}, { key: "datasets" });
    for (const one of found?.datasets ? catalogue.datasets : []) {
      one.kept = found.datasets.find((other) => other.name === one.name)?.kept ?? 0;
    }
    changed();
  }

  // A download may have come, here or on another page.
  async function look() {
    const found = await jobs.run("datasets", {}, { key: "datasets" });
    if (found?.datasets) renew(found.datasets);
  }

  function renew(datasets) {
    const state = (list) => JSON.stringify(list.map(({ here, kept }) => [here, kept]));
    const before = state(catalogue.datasets);
    renewDatasets(catalogue.datasets, datasets);
    if (before !== state(datasets) && !running) changed();
  }

  return { start, stop, look, of: (name) => (running?.name === name ? running : null), busy: () => running !== null };
}
