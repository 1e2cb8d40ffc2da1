// The tabs under the panel. A view is made when its tab is first opened, and hears of answers while it is open and on
// screen. kinds: [{ name, title, help, make }]

export function makeViews({ element, kinds, opened, parts }) {
  const { make } = parts;
  const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "A closer look" });
  const made = {};
  let open = null;
  let onScreen = false; // or nearly so
  let pending = null; // an answer that came while the views were out of sight

  const panes = kinds.map(({ name, title, help }, i) => {
    const tab = make("button", { role: "tab", id: `tab-${name}`, title: help, "aria-controls": `view-${name}` }, title);
    tab.addEventListener("click", () => show(name));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: kinds.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const other = kinds[(to + kinds.length) % kinds.length].name;
      show(other);
      document.getElementById(`tab-${other}`).focus();
    });
    tabs.append(tab);
    const pane = make("section", { id: `view-${name}`, class: "view", role: "tabpanel", "aria-labelledby": `tab-${name}` });
    return { name, tab, pane };
  });
  element.append(tabs, ...panes.map(({ pane }) => pane));
  new IntersectionObserver((entries) => {
    onScreen = entries.at(-1).isIntersecting;
    if (onScreen && pending) update(pending);
  }, { rootMargin: "800px" }).observe(element);
  paint();

  function show(name) {
    if (open === name || !kinds.some((kind) => kind.name === name)) return;
    if (open) made[open]?.hide?.();
    open = name;
    paint();
    const { pane } = panes.find((other) => other.name === name);
    made[name] ??= kinds.find((kind) => kind.name === name).make({ element: pane, ...parts });
    opened(name);
  }

  function paint() {
    panes.forEach(({ name, tab, pane }, i) => {
      tab.setAttribute("aria-selected", String(name === open));
      tab.tabIndex = name === open || (!open && i === 0) ? 0 : -1;
      pane.hidden = name !== open;
    });
  }

  // news: { answer, question, live }; live: somebody is dragging, only what costs nothing should follow
  function update(news) {
    pending = onScreen ? null : news;
    if (onScreen) made[open]?.update(news);
  }

  return { show, update, open: () => open };
}
