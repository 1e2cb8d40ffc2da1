// The pane "Accuracy" (shares of right answers against the amount, with paired intervals and McNemar's test) and the pane
// "Confusion" (clean answer -> distorted answer). A click in either shows the cases behind it.

const [CHART_WIDE, CHART_TALL, LEFT, TOP, BOTTOM] = [340, 150, 40, 26, 40]; // px
const MATRIX = 20; // classes up to which all cells are shown

export function makeAccuracy({ element, make, world }) {
  const { chosen } = world;
  const lead = make("p", { class: "lead" });
  const body = make("div", { class: "f-charts" });
  const rows = make("tbody");
  const heads = ["Distortion", "Amount", "Cases", "Baseline", "Other", "Difference", "Only baseline fails", "Only other fails", "McNemar p"];
  const table = make("details", {}, make("summary", {}, "The same as a table"), make("div", { class: "scroll" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)))), rows)));
  element.append(lead, body, table);
  let run = 0;
  let drawn = "";

  async function update() {
    const survey = world.survey();
    const key = `${survey.key} ${survey.pair} ${survey.done}`;
    if (key === drawn) return;
    const mine = ++run;
    lead.textContent = "Resampling the images for the intervals …";
    body.setAttribute("aria-busy", "true");
    const found = await world.ask("accuracy");
    if (mine !== run) return;
    body.removeAttribute("aria-busy");
    if (found.error) {
      lead.textContent = found.error;
      body.replaceChildren();
      return;
    }
    drawn = key;
    const word = survey.labelled ? "right answers" : "answers like the clean one";
    lead.textContent = `Share of ${word} while each distortion grows, over all cases of the survey. Bars: 95 % intervals (bootstrap over images). Below each amount: what the other model gains or loses in points, bold where McNemar's test says p < 0.05. Click an amount for its cases.`;
    const clean = found.rows.find((row) => row.distortion === "clean");
    body.replaceChildren(legend(), ...survey.distortions.map((one) => chart(one, clean, found.rows.filter((row) => row.distortion === one.name))));
    rows.replaceChildren(...found.rows.map(tableRow));
  }

  function legend() {
    const part = (which) => {
      const line = svg("svg", { width: 34, height: 10, "aria-hidden": "true" });
      line.append(svg("path", { d: "M2 5h30", class: `curve ${which}` }));
      return make("span", { "data-method": world.methodOf(world.side(which)) }, line, world.nameOf(world.side(which)), make("small", {}, which === "baseline" ? " baseline" : ""));
    };
    return make("p", { class: "f-legend" }, part("baseline"), part("other"));
  }

  function chart(kind, clean, rows) {
    const points = [clean, ...rows];
    const wide = CHART_WIDE - LEFT - 14;
    const x = (i) => LEFT + (wide * (i + 0.5)) / points.length;
    const y = (share) => TOP + CHART_TALL * (1 - share);
    const [width, height] = [CHART_WIDE, TOP + CHART_TALL + BOTTOM + 16];
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `Accuracy under ${kind.title}` });
    drawing.append(text(LEFT, 13, `${kind.title} (${kind.symbol === kind.unit || kind.symbol === "/255" ? kind.unit : `${kind.symbol}, ${kind.unit}`})`, "name"));
    for (const share of [0, 0.5, 1]) drawing.append(svg("path", { d: `M${LEFT} ${y(share)}h${wide}`, class: "grid" }), text(LEFT - 6, y(share) + 4, `${100 * share} %`, "end"));
    for (const which of ["baseline", "other"]) {
      const group = svg("g", { "data-method": world.methodOf(world.side(which)) });
      const shift = which === "baseline" ? -3 : 3; // the two intervals side by side
      group.append(svg("path", { class: `curve ${which}`, d: points.map((row, i) => `${i ? "L" : "M"}${x(i) + shift} ${y(row[which])}`).join("") }));
      points.forEach((row, i) => group.append(svg("path", { class: "whisker", d: `M${x(i) + shift} ${y(row[`${which}_low`])}V${y(row[`${which}_high`])}` }), svg("circle", { cx: x(i) + shift, cy: y(row[which]), r: 2.6 })));
      drawing.append(group);
    }
    points.forEach((row, i) => {
      const step = wide / points.length;
      const amount = i ? String(Number((row.amount * kind.factor).toPrecision(3))).replace("-", "−") : "clean";
      drawing.append(text(x(i), TOP + CHART_TALL + 17, amount, "middle"), text(x(i), TOP + CHART_TALL + 34, points_of(row.difference), row.p < 0.05 ? "middle sure" : "middle"));
      const hit = svg("rect", { class: "hit", x: x(i) - step / 2, y: TOP, width: step, height: CHART_TALL + BOTTOM, tabindex: i ? 0 : -1, role: i ? "button" : "img", "aria-label": `${i ? world.amountText(kind.name, row.amount) : "Clean"}: ${sentence(row)}${i ? " Show its cases." : ""}` });
      hit.append(svg("title", {}, sentence(row)));
      if (i) {
        const go = () => {
          world.filter({ distortion: kind.name, amount: row.amount });
          world.show("gallery");
        };
        hit.addEventListener("click", go);
        hit.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          go();
        });
      }
      drawing.append(hit);
    });
    drawing.append(text(LEFT + wide / 2, height - 4, `${kind.sign}; points gained (+) or lost (−) by the other model`, "middle"));
    return make("figure", { class: "f-chart" }, drawing);
  }

  const share = (row, which) => `${(100 * row[which]).toFixed(1)} % (${(100 * row[`${which}_low`]).toFixed(1)} to ${(100 * row[`${which}_high`]).toFixed(1)})`;
  const points_of = (difference) => `${difference < 0 ? "−" : "+"}${Math.abs(100 * difference).toFixed(1)}`;
  const p_of = (p) => (p < 0.001 ? "< 0.001" : p.toFixed(3));

  function sentence(row) {
    const names = ["baseline", "other"].map((which) => `${world.nameOf(world.side(which))} ${share(row, which)}`);
    return `${names.join(", ")}; difference ${points_of(row.difference)} points (${points_of(row.difference_low)} to ${points_of(row.difference_high)}); ${row.only_baseline_fails} cases only the baseline fails, ${row.only_other_fails} only the other; McNemar p ${p_of(row.p)}${row.exact ? ", exact" : ""}; n = ${row.n}.`;
  }

  function tableRow(row) {
    const known = row.distortion === "clean" ? null : world.distortion(row.distortion);
    const cells = [known?.title ?? "Clean", known ? world.amountText(row.distortion, row.amount) : "", row.n, share(row, "baseline"), share(row, "other"), `${points_of(row.difference)} (${points_of(row.difference_low)} to ${points_of(row.difference_high)})`, row.only_baseline_fails, row.only_other_fails, `${p_of(row.p)}${row.exact ? " exact" : ""}`];
    return make("tr", {}, ...cells.map((cell, i) => make(i ? "td" : "th", i ? {} : { scope: "row" }, String(cell))));
  }

  return { update };
}

export function makeConfusion({ element, make, world }) {
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
    lead.textContent = found.error ?? "What the clean answer (row) became under the distortion (column), over the cases that the filters and the counts above keep. Click a number for its cases.";
    body.replaceChildren(...(found.error ? [] : ["baseline", "other"].map((which) => part(which, found[which]))));
  }

  function part(which, matrix) {
    const { classes } = world.survey();
    const name = world.nameOf(world.side(which));
    const off = matrix.map((row, i) => row.map((n, j) => (i === j ? 0 : n)));
    const most = Math.max(1, ...off.flat());
    const cell = (i, j, n) => {
      const made = make("button", { class: "plain", "aria-label": `${name}: ${classes[i]} became ${classes[j]}, ${n} cases`, title: `${classes[i]} → ${classes[j]}: ${n.toLocaleString("en-GB")}` }, n.toLocaleString("en-GB"));
      made.addEventListener("click", () => {
        world.filter({ model: which, was: classes[i], now: classes[j] });
        world.show("gallery");
      });
      return made;
    };
    const heading = make("h2", { "data-method": world.methodOf(world.side(which)) }, make("i", { class: "dot" }), name);
    if (classes.length > MATRIX) {
      const pairs = off.flatMap((row, i) => row.map((n, j) => [n, i, j])).filter(([n]) => n).sort((a, b) => b[0] - a[0]).slice(0, 40);
      return make("section", {}, heading, make("table", { class: "f-list" }, ...pairs.map(([n, i, j]) => make("tr", {}, make("th", { scope: "row" }, `${classes[i]} → ${classes[j]}`), make("td", {}, cell(i, j, n))))));
    }
    const head = make("tr", {}, make("th", {}, "clean ↓ → answer"), ...classes.map((one) => make("th", { scope: "col", title: one }, make("span", {}, one))));
    const rows = matrix.map((row, i) => make("tr", {}, make("th", { scope: "row", title: classes[i] }, classes[i]), ...row.map((n, j) => {
      const made = make("td", i === j ? { class: "same" } : {}, n ? cell(i, j, n) : "·");
      if (i !== j && n) made.style.setProperty("--share", Math.sqrt(n / most));
      return made;
    })));
    return make("section", { "data-method": world.methodOf(world.side(which)) }, heading, make("div", { class: "scroll" }, make("table", { class: "f-matrix" }, make("thead", {}, head), make("tbody", {}, ...rows))));
  }

  return { update };
}

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function text(x, y, words, kind) {
  return svg("text", { x, y, class: kind }, words);
}
