// The download of a data set. It goes on while its window is closed; there is one at a time.

/** @import { Catalogue, DataSet, Download, Downloads, Jobs, Notice, Progress } from "../types.d.ts" */

import { renewDatasets } from "../shared/datasets.js";

// `changed()`: the list of data sets, or what of them is here, is another; `failed(name, sentence)` says whether it could
// tell about it.
/** @type {(parts: { catalogue: Catalogue; jobs: Jobs; notice: Notice; changed: () => void; failed: (name: string, sentence: string) => boolean }) => Downloads} */
export function makeDownloads({ catalogue, jobs, notice, changed, failed }) {
  /** @type {Download | null} */
  let running = null; // { name, done, total, paint }

  /** @type {Downloads["start"]} */
  async function start({ name, title, kept }) {
    /** @type {Download} */
    const mine = { name, done: kept, total: 0, paint: null };
    running = mine;
    changed();
    /** @type {Progress} */
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
    /** @type {DataSet[]} */
    const datasets = found?.datasets ?? catalogue.datasets;
    for (const one of catalogue.datasets) one.kept = datasets.find((other) => other.name === one.name)?.kept ?? 0;
    changed();
  }

  // A download may have come, here or on another page.
  async function refresh() {
    const found = await jobs.run("datasets", {}, { key: "datasets" });
    if (found?.datasets) renew(found.datasets);
  }

  /** @type {(datasets: DataSet[]) => void} */
  function renew(datasets) {
    /** @type {(list: DataSet[]) => string} */
    const state = (list) => JSON.stringify(list.map(({ here, kept }) => [here, kept]));
    const before = state(catalogue.datasets);
    renewDatasets(catalogue.datasets, datasets);
    if (before !== state(datasets) && !running) changed();
  }

  return {
    start,
    stop,
    refresh,
    of: (name) => (running?.name === name ? running : null),
    busy: () => running !== null,
  };
}
