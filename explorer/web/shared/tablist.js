// A row of tabs with a panel each: one is open, the arrow keys go along the row.

import { keyTarget, make } from "./dom.js";

// `tabs`: [{ name, title, help }]; `choose(name)` is called for a click or a key; ids are made from the names.
/** @type {<T extends { name: string; title: string; help: string }>(tabs: T[], options: { label: string; tabId: (name: string) => string; panelId: (name: string) => string; panelClass: string; choose: (name: string) => void }) => { list: HTMLElement; panels: Record<string, HTMLElement>; paint: (open: string | null) => void }} */
export function makeTabs(tabs, { label, tabId, panelId, panelClass, choose }) {
  const list = make("div", { class: "tabs", role: "tablist", "aria-label": label });
  const made = tabs.map(({ name, title, help }, i) => {
    const tab = make("button", { role: "tab", id: tabId(name), title: help, "aria-controls": panelId(name) }, title);
    const panel = make("section", {
      id: panelId(name),
      class: panelClass,
      role: "tabpanel",
      "aria-labelledby": tabId(name),
    });
    tab.addEventListener("click", () => choose(name));
    tab.addEventListener("keydown", (event) => {
      const to = keyTarget(event.key, i, tabs.length);
      if (to === undefined) return;
      event.preventDefault();
      choose(tabs[to].name);
      made[to].tab.focus();
    });
    list.append(tab);
    return { name, tab, panel };
  });

  // `open`: the name of the open tab, or null.
  /** @type {(open: string | null) => void} */
  function paint(open) {
    made.forEach(({ name, tab, panel }, i) => {
      tab.setAttribute("aria-selected", String(name === open));
      tab.tabIndex = name === open || (!open && i === 0) ? 0 : -1;
      panel.hidden = name !== open;
    });
  }

  return { list, panels: Object.fromEntries(made.map(({ name, panel }) => [name, panel])), paint };
}
