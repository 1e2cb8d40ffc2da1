// Windows over the page, and the line of notice at its foot.

/** @import { Act, Child, Notice } from "../types.d.ts" */

import { byId, make } from "./dom.js";

// One line at the foot of the page: what went wrong, or what was removed, with a way back. It stays until it is closed
// or something else changes; no time limit.
/** @type {() => Notice} */
export function makeNotice() {
  const box = make("div", { class: "notice", role: "status" });
  byId("explore").append(box);
  const clear = () => box.replaceChildren();
  /** @type {(text: string, label: string, act: Act | null) => HTMLButtonElement} */
  const button = (text, label, act) => {
    const made = make("button", { class: "plain", "aria-label": label }, text);
    made.addEventListener("click", () => {
      clear();
      act?.();
    });
    return made;
  };
  /** @type {Notice["show"]} */
  const show = (sentence, { undo, error } = {}) => {
    box.setAttribute("role", error ? "alert" : "status");
    box.replaceChildren(
      make("span", {}, sentence),
      ...(undo ? [button("Undo", "Undo", undo)] : []),
      button("×", "Close", null),
    );
  };
  return { show, clear };
}

// A window over the page; Escape, the cross and a click beside it close it.
/** @type {(title: string, ...children: Child[]) => HTMLDialogElement} */
export function openDialog(title, ...children) {
  const close = make("button", { class: "plain icon end", "aria-label": "Close" }, "×");
  const dialog = make(
    "dialog",
    { class: "window", "aria-label": title },
    make("header", {}, make("h2", {}, title), close),
    ...children,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  byId("explore").append(dialog);
  dialog.showModal();
  return dialog;
}

// A window that lists sentences.
/** @type {(title: string, sentences: string[]) => void} */
export function openList(title, sentences) {
  const list = make("ul", { class: "messages" }, ...sentences.map((sentence) => make("li", {}, sentence)));
  openDialog(title, list);
}
