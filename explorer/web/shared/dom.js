// Elements: one way to make them, and what several parts of the page do with them.

/** @import { Attributes, Child } from "../types.d.ts" */

const SVG = "http://www.w3.org/2000/svg";

// An HTML element. An attribute that is false, null or undefined is left out, true has no value. Strings among the
// children become text, never markup.
/** @type {<K extends keyof HTMLElementTagNameMap>(tag: K, attributes?: Attributes, ...children: Child[]) => HTMLElementTagNameMap[K]} */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (element instanceof HTMLButtonElement) element.type = "button";
  return dress(element, attributes, children);
}

// An SVG element, likewise.
/** @type {<K extends keyof SVGElementTagNameMap>(tag: K, attributes?: Attributes, ...children: Child[]) => SVGElementTagNameMap[K]} */
export function svg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

/** @type {<E extends Element>(element: E, attributes: Attributes, children: Child[]) => E} */
function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.filter((child) => child !== "").map((child) => (typeof child === "number" ? String(child) : child)),
  );
  return element;
}

// The element of that id, which has to be on the page.
/** @type {(id: string) => HTMLElement} */
export function byId(id) {
  return find(document, `#${CSS.escape(id)}`);
}

// The first element of that selector below another, which has to be there.
/** @type {<E extends HTMLElement>(root: ParentNode, selector: string) => E} */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`There is no ${selector} on the page.`);
  return /** @type {any} */ (found);
}

// The target of an event; the caller knows its type.
/** @type {(event: Event) => HTMLInputElement} */
export function targetOf({ target }) {
  return /** @type {any} */ (target);
}

/** @type {(text: string, help: string | null, act: () => unknown) => HTMLButtonElement} */
export function smallButton(text, help, act) {
  const made = make("button", { class: "small-button", title: help }, text);
  made.addEventListener("click", act);
  return made;
}

/** @type {(label: string, help: string, ...options: Child[]) => HTMLSelectElement} */
export function smallMenu(label, help, ...options) {
  return make("select", { class: "small-button", "aria-label": label, title: help }, ...options);
}

/** @type {(text: string, control: Child) => HTMLLabelElement} */
export function labelled(text, control) {
  return make("label", {}, make("span", {}, text), control);
}

// The symbol of a method: a dot in its colour, which an element around it names by data-method.
export function dot() {
  return make("i", { class: "dot" });
}

/** @type {(element: Element, text: string) => void} */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @type {(name: string, content: string | Blob) => void} */
export function saveFile(name, content) {
  const url = typeof content === "string" ? content : URL.createObjectURL(content);
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  if (content instanceof Blob) setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// A box with a shadow at each edge beyond which its content goes on.
/** @type {(scroll: HTMLElement) => HTMLDivElement} */
export function makeEdges(scroll) {
  const box = make("div", { class: "edges" }, scroll);
  const update = () => {
    const { scrollLeft, scrollWidth, clientWidth } = scroll;
    box.classList.toggle("before", scrollLeft > 1);
    box.classList.toggle("beyond", scrollLeft + clientWidth < scrollWidth - 1);
  };
  scroll.addEventListener("scroll", update, { passive: true });
  const sizes = new ResizeObserver(update);
  for (const part of [scroll, ...scroll.children]) sizes.observe(part);
  return box;
}

// Which of these elements has the focus; -1: none.
/** @type {(elements: Element[]) => number} */
export function focusedAmong(elements) {
  return elements.findIndex((element) => element.matches(":focus"));
}

// Where an arrow key leads among `count` things in a line, round the ends; undefined for other keys.
/** @type {(key: string, index: number, count: number) => number | undefined} */
export function keyTarget(key, index, count) {
  const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: count - 1 }[key];
  return to === undefined ? undefined : (to + count) % count;
}
