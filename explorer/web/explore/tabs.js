// The tabs under the panel. A view is made when its tab is first opened, and gets answers while it is open and on
// screen.

/** @import { News, View, ViewParts } from "../types.d.ts" */

import { makeTabs } from "../shared/tablist.js";
import { makeAttacksView } from "./tabs/attacks.js";
import { makeCurvesView } from "./tabs/curves.js";
import { makeFramesView } from "./tabs/frames.js";
import { makeNetworkView } from "./tabs/network.js";
import { makeWeaknessView } from "./tabs/weakness.js";

/** @type {{ name: string; title: string; help: string; make: (parts: ViewParts) => View }[]} */
export const VIEWS = [
  {
    name: "curves",
    title: "Curves",
    help: "What every model answers while one distortion grows",
    make: makeCurvesView,
  },
  {
    name: "weakness",
    title: "Weak spots",
    help: "Which distortion breaks which model soonest",
    make: makeWeaknessView,
  },
  {
    name: "network",
    title: "In the network",
    help: "How far the change moves the picture, layer by layer, and what the answer rests on",
    make: makeNetworkView,
  },
  {
    name: "attacks",
    title: "Attacks",
    help: "Whether a change made against one model fools the others",
    make: makeAttacksView,
  },
  {
    name: "frames",
    title: "Frames",
    help: "A clip or the live camera: does the answer hold from frame to frame?",
    make: makeFramesView,
  },
];

/** @type {(options: { element: HTMLElement; opened: (name: string) => void; parts: Omit<ViewParts, "element"> }) => { show: (name: string) => void; update: (news: News) => void; open: () => string | null; bring: (file: File) => void }} */
export function makeTabbedViews({ element, opened, parts }) {
  /** @type {Record<string, View>} */
  const made = {};
  /** @type {string | null} */
  let open = null;
  let onScreen = false; // or nearly so
  /** @type {News | null} */
  let pending = null; // an answer that came while the views were out of sight
  const tabs = makeTabs(VIEWS, {
    label: "A closer look",
    tabId: (name) => `tab-${name}`,
    panelId: (name) => `view-${name}`,
    panelClass: "view",
    choose: show,
  });
  element.append(tabs.list, ...Object.values(tabs.panels));
  new IntersectionObserver(
    (entries) => {
      onScreen = entries[entries.length - 1].isIntersecting;
      if (onScreen && pending) update(pending);
    },
    { rootMargin: "800px" },
  ).observe(element);
  tabs.paint(null);

  /** @type {(name: string) => void} */
  function show(name) {
    const view = VIEWS.find((one) => one.name === name);
    if (open === name || !view) return;
    if (open) made[open].hide?.();
    open = name;
    tabs.paint(open);
    made[name] ??= view.make({ element: tabs.panels[name], ...parts });
    opened(name);
  }

  // news: { answer, question, live }; live: a slider is being dragged, so only cheap parts should follow
  /** @type {(news: News) => void} */
  function update(news) {
    pending = onScreen ? null : news;
    if (onScreen && open) made[open].update(news);
  }

  // A file for the tab "Frames".
  /** @type {(file: File) => void} */
  function bring(file) {
    show("frames");
    made.frames.open?.(file);
  }

  return { show, update, open: () => open, bring };
}
