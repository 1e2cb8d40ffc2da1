// The pane "Confusion": clean answer -> distorted answer. A click on a number shows the cases behind it.

/** @import { Pane, PaneParts, Side } from "../types.d.ts" */

import { dot, make } from "../shared/dom.js";
import { count, counted } from "../shared/format.js";
import { SIDES } from "./address.js";

const MATRIX = 20; // classes up to which all cells are shown

/** @type {(parts: PaneParts) => Pane} */
export function makeConfusion({ element, world }) {
  const { chosen } = world;
  const lead = make("p", { class: "lead" });
  const body = make("div", { class: "f-matrices" });
  element.append(lead, body);
  let run = 0;

  async function update() {
    const mine = ++run;
    body.setAttribute("aria-busy", "true");
    const found = await world.ask("confusion", { filters: chosen.filters });
    if (mine !== run) return;
    body.removeAttribute("aria-busy");
    lead.textContent =
      found.error ??
      "What the clean answer (row) became under the distortion (column), over the cases that the filters and the counts above keep. Click a number for its cases.";
    body.replaceChildren(...(found.error ? [] : SIDES.map((which) => part(which, found[which]))));
  }

  /** @type {(which: Side, matrix: number[][]) => HTMLElement} */
  function part(which, matrix) {
    const { classes } = world.survey();
    const name = world.nameOf(world.side(which));
    const off = matrix.map((row, i) => row.map((n, j) => (i === j ? 0 : n)));
    const most = Math.max(1, ...off.flat());
    /** @type {(i: number, j: number, n: number) => HTMLElement} */
    const cell = (i, j, n) => {
      const made = make(
        "button",
        {
          class: "plain",
          "aria-label": `${name}: ${classes[i]} became ${classes[j]}, ${counted(n, "case")}`,
          title: `${classes[i]} → ${classes[j]}: ${count(n)}`,
        },
        count(n),
      );
      made.addEventListener("click", () => {
        world.filter({ model: which, was: classes[i], now: classes[j] });
        world.show("gallery");
      });
      return made;
    };
    const heading = make("h2", { "data-method": world.methodOf(world.side(which)) }, dot(), name);
    if (classes.length > MATRIX) {
      const pairs = off
        .flatMap((row, i) => row.map((n, j) => [n, i, j]))
        .filter(([n]) => n)
        .sort((a, b) => b[0] - a[0])
        .slice(0, 40);
      return make(
        "section",
        {},
        heading,
        make(
          "table",
          { class: "f-list" },
          ...pairs.map(([n, i, j]) =>
            make(
              "tr",
              {},
              make("th", { scope: "row" }, `${classes[i]} → ${classes[j]}`),
              make("td", {}, cell(i, j, n)),
            ),
          ),
        ),
      );
    }
    const head = make(
      "tr",
      {},
      make("th", {}, "clean ↓ → answer"),
      ...classes.map((one) => make("th", { scope: "col", title: one }, make("span", {}, one))),
    );
    const rows = matrix.map((row, i) =>
      make(
        "tr",
        {},
        make("th", { scope: "row", title: classes[i] }, classes[i]),
        ...row.map((n, j) => {
          const made = make("td", i === j ? { class: "same" } : {}, n ? cell(i, j, n) : "·");
          if (i !== j && n) made.style.setProperty("--share", String(Math.sqrt(n / most)));
          return made;
        }),
      ),
    );
    return make(
      "section",
      { "data-method": world.methodOf(world.side(which)) },
      heading,
      make(
        "div",
        { class: "scroll" },
        make("table", { class: "f-matrix" }, make("thead", {}, head), make("tbody", {}, ...rows)),
      ),
    );
  }

  return { update };
}
