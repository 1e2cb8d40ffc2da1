// The colours that the page has now, for drawings that leave it.

/** @import { Paint } from "../types.d.ts" */

import { make } from "../shared/dom.js";

// What `draw(paint)` gives; `paint` is as in shared/chart.js and gives values in place of variables.
/** @type {<T>(draw: (paint: Paint) => T) => T} */
export function withPageColours(draw) {
  const probe = make("i");
  const scope = make("div", { class: "stability-colours", hidden: true }, probe);
  document.body.append(scope);
  try {
    return draw((name, method) => {
      if (method === undefined) probe.removeAttribute("data-method");
      else probe.dataset.method = method;
      return getComputedStyle(probe).getPropertyValue(name).trim();
    });
  } finally {
    scope.remove();
  }
}
