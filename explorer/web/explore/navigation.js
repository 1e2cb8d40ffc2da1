// The pages of the app: Explore, one picture in detail; Failures, whole data sets; Search, copies and similar pictures;
// Methods, what training gains and loses. Each keeps what it shows while another is open; the browser's Back and Forward go between them.

import { make } from "../shared/dom.js";

const PAGES = [
  ["explore", "Explore", "One picture under distortions, live"],
  ["failures", "Failures", "Surveys of whole data sets: the cases that broke"],
  ["search", "Search", "Copies, similar pictures, and duplicates of your own: what each model finds"],
  ["methods", "Methods", "How each model was trained, and what that gains and loses"],
];

/** @type {(parts: { element: HTMLElement; address: () => string; entered: (name: string) => void }) => { go: (name: string) => void; page: () => string }} */
export function makeNavigation({ element, address, entered }) {
  const read = () => {
    const query = new URLSearchParams(location.search);
    const wanted = query.get("place"); // "page" in an address is Gradio's own
    return wanted !== null && PAGES.some(([name]) => name === wanted) ? wanted : "explore";
  };
  let page = read();
  const buttons = PAGES.map(([name, title, help]) => {
    const made = make("button", { class: "page-link", title: help }, title);
    made.addEventListener("click", () => go(name));
    return made;
  });
  element.append(...buttons);
  window.addEventListener("popstate", () => show(read()));

  /** @type {(name: string) => void} */
  function go(name) {
    if (name === page) return;
    const leave = location.href;
    show(name);
    if (location.href !== leave) window.history.replaceState(null, "", leave); // the way back
    window.history.pushState(null, "", address());
  }

  /** @type {(name: string) => void} */
  function show(name) {
    page = name;
    paint();
    entered(name);
  }

  function paint() {
    document.body.dataset.page = page;
    buttons.forEach((button, i) =>
      PAGES[i][0] === page ? button.setAttribute("aria-current", "page") : button.removeAttribute("aria-current"),
    );
  }

  paint();
  return { go, page: () => page };
}
