// Elements: one way to make them, and what several parts of the page do with them.

const SVG = "http://www.w3.org/2000/svg";

// An HTML element. An attribute that is false, null or undefined is left out, true has no value. Strings among the
// children become text, never markup.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (tag === "button") element.type = "button";
  return dress(element, attributes, children);
}

// An SVG element, likewise.
export function svg(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== ""));
  return element;
}

export const byId = (id) => document.getElementById(id);

export function smallButton(text, help, act) {
  const made = make("button", { class: "small-button", title: help }, text);
  made.addEventListener("click", act);
  return made;
}

export function smallMenu(label, help, ...options) {
  return make("select", { class: "small-button", "aria-label": label, title: help }, ...options);
}

export function labelled(text, control) {
  return make("label", {}, make("span", {}, text), control);
}

// What stands for a method: a dot in its colour, which an element around it names by data-method.
export function dot() {
  return make("i", { class: "dot" });
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function saveFile(name, content) {
  const url = typeof content === "string" ? content : URL.createObjectURL(content);
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  if (content instanceof Blob) setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// A box with a shadow at each edge beyond which its content goes on.
export function makeEdges(scroll) {
  const box = make("div", { class: "edges" }, scroll);
  const update = () => {
    const { scrollLeft, scrollWidth, clientWidth } = scroll;
    box.classList.toggle("before", scrollLeft > 1);
    box.classList.toggle("beyond", scrollLeft + clientWidth < scrollWidth - 1);
  };
  scroll.addEventListener("scroll", update, { passive: true });
  const sizes = new ResizeObserver(update);
  for (const part of [scroll, scroll.firstElementChild]) sizes.observe(part);
  return box;
}

// Where an arrow key leads among `count` things in a line, round the ends; undefined for other keys.
export function keyTarget(key, index, count) {
  const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: count - 1 }[key];
  return to === undefined ? undefined : (to + count) % count;
}
