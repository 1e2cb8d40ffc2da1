// The script of a comparison's report: the live view and the curves, frozen, from the JSON that the page carries.

import { mountCurves } from "../panel/curves.js";
import { mount } from "../panel/panel.js";

const { answer, curves } = JSON.parse(document.getElementById("frozen").textContent);
const state = { models: answer.models.map(({ name }) => name) };
mount(document.getElementById("panel"), { ask: async () => answer, state });
if (curves) {
  const charts = mountCurves(document.getElementById("curves"));
  charts.paint(curves);
  charts.at(curves.at ?? null);
}
