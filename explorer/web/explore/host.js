// The page that Gradio builds: when its controls are there, and whether it is light or dark.

import { remember, remembered } from "../shared/memory.js";

const THEME = "stability-explorer-theme";

// Gradio builds its components one after another: wait until the page has an element for every selector.
/** @type {(selectors: string[]) => Promise<void>} */
export function allThere(selectors) {
  return new Promise((resolve) => {
    const check = () => {
      if (!selectors.every((selector) => document.querySelector(selector))) return;
      observer.disconnect();
      resolve();
    };
    const observer = new MutationObserver(check);
    observer.observe(document.body, { childList: true, subtree: true });
    check();
  });
}

/** @type {() => boolean} */
export const isDark = () => document.body.classList.contains("dark");

// Light or dark: the browser's wish, until the button was pressed once.
/** @type {(button: HTMLElement) => void} */
export function wireTheme(button) {
  /** @type {(on: boolean) => void} */
  const set = (on) => document.body.classList.toggle("dark", on);
  const named = new URLSearchParams(location.search).has("__theme");
  const kept = remembered(THEME);
  if (kept && !named) set(kept === "dark");
  const paint = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    set(!isDark());
    remember(THEME, isDark() ? "dark" : "light");
    paint();
  });
  paint();
}
