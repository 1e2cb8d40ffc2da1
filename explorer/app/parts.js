// Small things that the page's modules share: elements, the line of notice, windows, files to keep.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (tag === "button") element.type = "button";
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children); // strings become text, never markup
  return element;
}

// One line at the foot of the page: what went wrong, or what was removed, with a way back. It stays until it is closed
// or something else changes; nobody has to be quick.
export function makeNotice() {
  const box = make("div", { class: "notice", role: "status" });
  document.getElementById("explore").append(box);
  const clear = () => box.replaceChildren();
  const button = (text, label, act) => {
    const made = make("button", { class: "plain", "aria-label": label }, text);
    made.addEventListener("click", () => {
      clear();
      act?.();
    });
    return made;
  };
  const show = (sentence, { undo, error } = {}) => {
    box.setAttribute("role", error ? "alert" : "status");
    box.replaceChildren(make("span", {}, sentence), ...(undo ? [button("Undo", "Undo", undo)] : []), button("×", "Close", null));
  };
  return { show, clear };
}

// A window over the page; Escape, the cross and a click beside it close it.
export function openDialog(title, ...children) {
  const close = make("button", { class: "plain icon end", "aria-label": "Close" }, "×");
  const dialog = make("dialog", { class: "window", "aria-label": title }, make("header", {}, make("h2", {}, title), close), ...children);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.getElementById("explore").append(dialog);
  dialog.showModal();
  return dialog;
}

export function saveFile(name, content) {
  const url = typeof content === "string" ? content : URL.createObjectURL(content);
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  if (content instanceof Blob) setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// Gradio builds its components one after another: wait until an element of every selector stands on the page.
export function allThere(selectors) {
  return new Promise((resolve) => {
    const look = () => {
      if (!selectors.every((selector) => document.querySelector(selector))) return;
      observer.disconnect();
      resolve();
    };
    const observer = new MutationObserver(look);
    observer.observe(document.body, { childList: true, subtree: true });
    look();
  });
}

// Light or dark: the browser's wish, until the button was pressed once.
export function wireTheme(button) {
  const dark = () => document.body.classList.contains("dark");
  const set = (on) => document.body.classList.toggle("dark", on);
  const named = new URLSearchParams(location.search).has("__theme");
  const kept = localStorage.getItem("stability-explorer-theme");
  if (kept && !named) set(kept === "dark");
  const paint = () => button.setAttribute("aria-pressed", String(dark()));
  button.addEventListener("click", () => {
    set(!dark());
    localStorage.setItem("stability-explorer-theme", dark() ? "dark" : "light");
    paint();
  });
  paint();
}

// A box with a shadow at each edge beyond which its content goes on.
export function makeEdges(scroll) {
  const box = make("div", { class: "edges" }, scroll);
  const look = () => {
    const { scrollLeft, scrollWidth, clientWidth } = scroll;
    box.classList.toggle("before", scrollLeft > 1);
    box.classList.toggle("beyond", scrollLeft + clientWidth < scrollWidth - 1);
  };
  scroll.addEventListener("scroll", look, { passive: true });
  const sizes = new ResizeObserver(look);
  for (const part of [scroll, scroll.firstElementChild]) sizes.observe(part);
  return box;
}
