// The buttons at the head of the page: undo and redo with the list of what was done, the pin, sharing, help.

/** @import { Act, MadeHistory } from "../types.d.ts" */

import { make, targetOf } from "../shared/dom.js";

/** @type {(parts: { element: HTMLElement; past: MadeHistory; pin: Act; unpin: Act; pinned: () => unknown; share: { open: Act }; tour: { help: Act } }) => { paint: () => void }} */
export function makeToolbar({ element, past, pin, unpin, pinned, share, tour }) {
  /** @type {(text: string, act: Act, attributes?: Record<string, string>) => HTMLButtonElement} */
  const button = (text, act, attributes = {}) => {
    const made = make("button", { class: "tool", ...attributes }, text);
    made.addEventListener("click", act);
    element.append(made);
    return made;
  };
  const undo = button("↶", past.undo, { "aria-label": "Undo" });
  const redo = button("↷", past.redo, { "aria-label": "Redo" });
  const list = make("select", { class: "tool", "aria-label": "History" });
  element.append(list);
  const pinning = button("Pin", () => (pinned() ? unpin() : pin()), { id: "pin" });
  button("Share", share.open, { id: "share", title: "Link, Python, command line, pixels, figure, report" });
  button("?", tour.help, { "aria-label": "Help", title: "Keys, words, the tour (?)" });
  list.addEventListener("change", () => past.back(Number(list.value)));

  document.addEventListener("keydown", (event) => {
    const field = targetOf(event);
    const writing = field.matches?.("textarea, select, input:not([type=range]):not([type=radio])") && !field.readOnly;
    if (writing || document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (document.body.dataset.page !== "explore" && key !== "?") return; // nothing to undo there
    if ((event.ctrlKey || event.metaKey) && (key === "z" || key === "y")) {
      event.preventDefault();
      if (key === "y" || event.shiftKey) past.redo();
      else past.undo();
    } else if (event.key === "?" && !event.ctrlKey && !event.altKey) tour.help();
  });

  function paint() {
    const next = past.next();
    const focused = [undo, redo].some((one) => one === document.activeElement);
    undo.disabled = !next.undo;
    redo.disabled = !next.redo;
    if (focused && !document.activeElement?.matches(":enabled")) (undo.disabled ? redo : undo).focus();
    undo.title = next.undo ? `Undo: ${next.undo} (Ctrl+Z)` : "Nothing to undo";
    redo.title = next.redo ? `Redo: ${next.redo} (Ctrl+Shift+Z)` : "Nothing to redo";
    const done = past.list();
    list.disabled = !done.length;
    const options = done.map((words, i) => make("option", { value: String(done.length - i) }, `before: ${words}`));
    list.replaceChildren(make("option", { value: "0" }, "History"), ...options.reverse());
    list.title = "What was done; choose how far to go back";
    const on = Boolean(pinned());
    pinning.setAttribute("aria-pressed", String(on));
    pinning.textContent = on ? "Unpin" : "Pin";
    pinning.title = on
      ? "Compare with the clean picture again"
      : "Keep this distorted picture: later ones are compared with it in place of the clean one";
  }

  return { paint };
}
