// Networks of timm and torchvision by name: a window to search them, and to add one, downloaded where it is not here.

/** @import { AddedNetwork, Jobs, Network, Notice } from "../types.d.ts" */

import { openDialog } from "../shared/dialog.js";
import { make, smallButton } from "../shared/dom.js";
import { count, megabytes } from "../shared/format.js";

const REST_MS = 250; // typing has stopped

// `added(found)` puts the network beside the others.
/** @type {(parts: { element: HTMLElement; jobs: Jobs; notice: Notice; added: (found: AddedNetwork) => void }) => { open: (text?: string) => void }} */
export function makeNetworks({ element, jobs, notice, added }) {
  /** @type {string | null} */
  let adding = null; // goes on while the window is closed
  element.append(smallButton("Add a network", "A published network of timm or torchvision, by its name", () => open()));

  /** @type {(text?: string) => void} */
  function open(text = "") {
    const field = make("input", {
      type: "search",
      value: text,
      "aria-label": "Network",
      placeholder: "timm:resnet50 or torchvision:inception_v3",
      spellcheck: "false",
    });
    const told = make("p", { class: "soft", role: "status" });
    const list = make("ul", { class: "networks" });
    const dialog = openDialog("Add a network", field, told, list);
    dialog.addEventListener("close", () => jobs.cancel("networks"));
    let waiting = 0;
    field.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(search, REST_MS);
    });
    search();
    field.focus();

    async function search() {
      if (!list.children.length) told.textContent = "Reading what the libraries offer …";
      const found = await jobs.run("networks", { text: field.value }, { key: "networks" });
      if (!found || !dialog.open) return;
      told.textContent =
        found.error ??
        (found.total > found.items.length
          ? `${count(found.items.length)} of ${count(found.total)} networks; type more of the name.`
          : `${count(found.total)} network${found.total === 1 ? "" : "s"}.`);
      /** @type {Network[]} */
      const items = found.items ?? [];
      list.replaceChildren(...items.map(makeRow));
      weigh(items.filter(({ bytes }) => bytes === null).map(({ name }) => name));
    }

    // timm does not state how large its files are: it is found out after the names are on screen.
    /** @type {(names: string[]) => Promise<void>} */
    async function weigh(names) {
      for (let i = 0; i < names.length && dialog.open; i += 5) {
        const found = await jobs.run("weigh", { names: names.slice(i, i + 5) }, { key: "networks" });
        if (!found?.bytes) return;
        for (const [name, bytes] of Object.entries(found.bytes)) {
          const size = list.querySelector(`[data-name="${CSS.escape(name)}"] .size`);
          if (size) size.textContent = megabytes(bytes);
        }
      }
    }

    /** @type {(network: Network) => HTMLLIElement} */
    function makeRow({ name, size, licence, here, bytes, accuracy }) {
      const facts = [`${size} px`, licence, accuracy === null ? null : `${(100 * accuracy).toFixed(1)} % reported`];
      const about = make("small", {}, facts.filter(Boolean).join(" · "));
      const where = make("small", {}, here ? "here" : "to be downloaded");
      const weight = make("small", { class: "size" }, bytes === null ? "" : megabytes(bytes));
      const act = smallButton("Add", `Add ${name} to the models`, () => add(name, row, act));
      act.disabled = adding !== null;
      const row = make(
        "li",
        { "data-name": name },
        make("div", {}, make("b", {}, name), about),
        make("div", { class: "end" }, where, weight),
        act,
      );
      return row;
    }

    /** @type {(name: string, row: HTMLElement, act: HTMLButtonElement) => Promise<void>} */
    async function add(name, row, act) {
      adding = name;
      jobs.cancel("networks");
      for (const button of list.querySelectorAll("button")) button.disabled = true;
      const bar = make("progress", { "aria-label": "Download" });
      const far = make("small", { role: "status" }, "Loading …");
      let stopped = false;
      const stop = smallButton("Cancel", "Stop loading", () => {
        stopped = true;
        jobs.cancel("add_network");
        done();
      });
      const line = make("div", { class: "turn" }, bar, far, stop);
      row.querySelector("[role=alert]")?.remove();
      row.append(line);
      /** @type {(arrived: number, total: number) => void} */
      const progress = (arrived, total) => {
        if (!total) return;
        [bar.value, bar.max] = [arrived, total];
        far.textContent = arrived >= total ? "Loading …" : `${megabytes(arrived)} of ${megabytes(total)}`;
      };
      const found = await jobs.run("add_network", { name }, { key: "add_network", progress });
      if (stopped) return;
      done();
      if (found?.families) {
        dialog.close();
        added(found);
      } else if (dialog.open) {
        row.append(make("p", { role: "alert" }, found?.error ?? "This was cancelled."));
        act.focus();
      } else notice.show(found?.error ?? "This was cancelled.", { error: true });

      function done() {
        adding = null;
        line.remove();
        for (const button of list.querySelectorAll("button")) button.disabled = false;
      }
    }
  }

  return { open };
}
