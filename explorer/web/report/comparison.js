// The script of a comparison's report: the live view and the curves, frozen, from the JSON that the page carries.

/** @import { Answer, Curves } from "../types.d.ts" */

import { mountCurves } from "../panel/curves.js";
import { mount } from "../panel/panel.js";
import { byId } from "../shared/dom.js";

/** @type {{ answer: Answer; curves: Curves | null }} */
const { answer, curves } = JSON.parse(byId("frozen").textContent);
const state = { models: answer.models.map(({ name }) => name) };
mount(byId("panel"), { ask: async () => answer, state });
if (curves) {
  const charts = mountCurves(byId("curves"));
  charts.paint(curves);
  charts.at(curves.at ?? null);
}
