// The page "Failures": a survey and two of its models are chosen, its cases counted by who fails them, filtered, looked
// at, noted. It keeps its state in `chosen` and asks the server; what is drawn where is in the modules beside this one.

const WHO = [
  ["only_baseline_fails", "baseline", "Right only with the other model: what it gains"],
  ["only_other_fails", "other", "Right only with the baseline: what the other model loses"],
  ["both_fail", null, "Neither model is right"],
  ["neither_fails", null, "Both models are right"],
];
const APART = ["only_baseline_fails", "only_other_fails"];
const PANES = [
  ["gallery", "Cases", "The pictures themselves"],
  ["accuracy", "Accuracy", "Accuracy against the amount of each distortion, with intervals"],
  ["confusion", "Confusion", "What the clean answer became"],
  ["map", "Map", "The cases as the baseline's features place them"],
];
const SILENT = "The explorer does not answer. Is it still running?";

export function makeFailures({ element, query, server, jobs, notice, make, openDialog, catalogue, openCase, tell, ...modules }) {
  const models = new Map(catalogue.families.flatMap((family) => family.models.map((model) => [model.name, model])));
  let surveys = null; // all that can be opened
  let survey = null; // the open one, as the server describes it
  let marks = {}; // its marks by case
  let asking = 0; // the newest question for a survey
  const chosen = { survey: query.get("survey"), pair: query.get("pair")?.split(",") ?? null, pane: PANES.some(([name]) => name === query.get("pane")) ? query.get("pane") : "gallery", ...linked(query.get("find")) };
  let begun = false;

  // ---- asking -----------------------------------------------------------------------------------------------------

  async function ask(kind, question = {}) {
    const answer = await Promise.resolve(server.failures({ ask: kind, ...question })).catch(() => null);
    return answer ?? { error: SILENT };
  }

  const about = (question = {}) => ({ survey: survey.key, pair: survey.pair, ...question });
  const side = (which) => (which === "other" ? survey.pair[1] : survey.pair[0]);
  const nameOf = (name) => {
    const known = models.get(name);
    const twins = survey.models.filter((other) => models.get(other)?.title === known?.title);
    return known && twins.length === 1 ? known.title : name;
  };
  const world = {
    ask: (kind, question) => ask(kind, about(question)),
    survey: () => survey,
    chosen,
    marks: () => marks,
    side,
    nameOf,
    methodOf: (name) => survey.methods[name],
    distortion: (name) => survey.distortions.find((one) => one.name === name),
    amountText,
    filter,
    sort,
    show,
    open,
    mark,
  };
  const parts = { make, openDialog, notice, jobs, world };

  // ---- what stands on the page ------------------------------------------------------------------------------------

  const menu = (label, help) => make("select", { class: "small-button", "aria-label": label, title: help });
  const which = menu("Survey", "The survey looked at");
  const first = menu("Baseline", "The model that the other is read against");
  const second = menu("Other model", "The model compared with the baseline");
  const swap = button("⇄", "Swap the two models", () => choosePair([...survey.pair].reverse()));
  swap.setAttribute("aria-label", "Swap the two models");
  const more = button("New survey", "Ask models about a whole data set", () => modules.openNewSurvey({ ...parts, catalogue, ran: (key) => refresh(key) }));
  const far = make("small", { role: "status" });
  const onward = button("Go on", "Finish this survey", () => modules.runSurvey({ ...parts, question: { survey: survey?.key ?? chosen.survey }, title: "Go on with the survey", ran: (key) => refresh(key) }));
  const head = make("div", { class: "f-head" }, make("h1", {}, "Failures"), labelled("Survey", which), labelled("Baseline", first), swap, labelled("Other", second), far, onward, more);
  const said = make("div", { class: "f-said", role: "status" });
  const quadrants = make("div", { class: "f-quadrants", role: "group", "aria-label": "Who fails: choose which cases are shown" });
  const counts = WHO.map(([name, which, help]) => quadrant(name, which, help));
  quadrants.append(...counts.map(({ button }) => button));
  const filters = modules.makeFailureFilters(parts);
  const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "Ways to look at the cases" });
  const body = make("div", { class: "f-body" }, filters.element, make("div", { class: "f-main" }, tabs));
  const panes = Object.fromEntries(PANES.map(([name, title, help], i) => [name, pane(name, title, help, i)]));
  const views = {
    gallery: modules.makeGallery({ element: panes.gallery.body, ...parts }),
    accuracy: modules.makeAccuracy({ element: panes.accuracy.body, ...parts }),
    confusion: modules.makeConfusion({ element: panes.confusion.body, ...parts }),
    map: modules.makeFeatureMap({ element: panes.map.body, ...parts }),
  };
  element.append(head, said, quadrants, body);
  which.addEventListener("change", () => openSurvey(which.value));
  first.addEventListener("change", () => choosePair([first.value, first.value === survey.pair[1] ? survey.pair[0] : survey.pair[1]]));
  second.addEventListener("change", () => choosePair([second.value === survey.pair[0] ? survey.pair[1] : survey.pair[0], second.value]));

  function button(text, help, act) {
    const made = make("button", { class: "small-button", title: help }, text);
    made.addEventListener("click", act);
    return made;
  }

  function labelled(text, control) {
    return make("label", {}, make("span", {}, text), control);
  }

  function quadrant(name, which, help) {
    const number = make("b", {});
    const share = make("span", { class: "share" });
    const words = make("span", { class: "words" });
    const made = make("button", { class: "f-quadrant", title: help, "data-quadrant": name }, words, number, share, make("i", {}));
    made.addEventListener("click", () => {
      const shown = chosen.filters.quadrants;
      filter({ quadrants: WHO.map(([one]) => one).filter((one) => (one === name) !== shown.includes(one)) });
    });
    return { name, which, button: made, number, share, words };
  }

  function pane(name, title, help, i) {
    const tab = make("button", { role: "tab", id: `f-tab-${name}`, title: help, "aria-controls": `f-${name}` }, title);
    const body = make("section", { id: `f-${name}`, role: "tabpanel", "aria-labelledby": `f-tab-${name}`, class: "f-pane" });
    tab.addEventListener("click", () => show(name));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: PANES.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const [other] = PANES[(to + PANES.length) % PANES.length];
      show(other);
      panes[other].tab.focus();
    });
    tabs.append(tab);
    tabs.parentElement.append(body);
    return { tab, body };
  }

  // ---- choosing ---------------------------------------------------------------------------------------------------

  // The place was entered: the list of surveys may have grown meanwhile.
  async function enter() {
    if (begun) return views[chosen.pane].shown?.();
    begun = true;
    paintPanes();
    await refresh(chosen.survey);
  }

  async function refresh(key) {
    busy(true);
    const found = await ask("surveys");
    if (found.error) return fail(found.error, () => refresh(key));
    surveys = found.surveys;
    const groups = { named: "Named at the start", made: "Made here", shipped: "Shipped" };
    const option = (one) => make("option", { value: one.key }, `${one.title} · ${count(one.images)} × ${one.conditions}${one.done < one.images ? " (unfinished)" : ""}`);
    which.replaceChildren(
      ...Object.entries(groups).flatMap(([origin, label]) => {
        const own = surveys.filter((one) => one.origin === origin);
        return own.length ? [make("optgroup", { label }, ...own.map(option))] : [];
      }),
    );
    if (found.said.length) notice.show(found.said.join(" "), { error: true });
    if (!surveys.length) return fail("There is no survey here yet. Make one: press New survey.");
    if (key && !surveys.some((one) => one.key === key)) notice.show("The survey of this address is not here; the first one is shown.", { error: true });
    await openSurvey(surveys.some((one) => one.key === key) ? key : surveys[0].key);
  }

  async function openSurvey(key) {
    const mine = ++asking;
    which.value = key;
    busy(true);
    const same = [key, null].includes(chosen.survey); // null: an address may name filters and no survey
    const pair = same ? chosen.pair : null;
    let found = await ask("open", { survey: key, pair });
    if (found.error && pair) found = await ask("open", { survey: key }); // a pair of an address, perhaps
    if (mine !== asking) return;
    if (!same) Object.assign(chosen, linked(null));
    Object.assign(chosen, { survey: key, pair: found.pair ?? null });
    if (found.error) return fail(found.error, () => openSurvey(key), unfinished(key));
    survey = found;
    marks = found.marks;
    for (const select of [first, second]) select.replaceChildren(...survey.models.map((name) => make("option", { value: name }, nameOf(name))));
    [first.value, second.value] = survey.pair;
    paintHead();
    busy(false);
    filters.fit();
    changed();
  }

  function choosePair(pair) {
    chosen.pair = pair;
    openSurvey(survey.key);
  }

  function filter(change) {
    Object.assign(chosen.filters, change);
    changed();
  }

  function sort(change) {
    Object.assign(chosen.order, change);
    changed();
  }

  function show(name) {
    chosen.pane = name;
    paintPanes();
    if (survey) views[name].update();
    views[name].shown?.();
    tell();
  }

  // Other cases are asked for: everything on the page follows.
  function changed() {
    filters.paint();
    paintQuadrants(null);
    views.gallery.update();
    if (chosen.pane !== "gallery") views[chosen.pane].update();
    tell();
  }

  // The gallery's first answer tells how many there are of each kind.
  world.counted = (answer) => paintQuadrants(answer.counts);
  world.refused = (sentence) => {
    // An address can ask for what the survey does not have.
    const { filters, order } = chosen;
    if (JSON.stringify({ filters, order }) === JSON.stringify(linked(null))) return false;
    Object.assign(chosen, linked(null));
    notice.show(`${sentence} All filters were taken off.`, { error: true });
    changed();
    return true;
  };

  async function open(item) {
    const found = await world.ask("case", { case: item.case });
    if (found.error) notice.show(found.error, { error: true });
    else openCase(found.state);
  }

  async function mark(id, change) {
    const before = marks[id];
    const wanted = { star: false, tags: [], note: "", ...before, ...change };
    marks[id] = wanted; // at once; taken back where it could not be kept
    views.gallery.marked(id);
    const found = await ask("mark", { survey: survey.key, case: id, mark: wanted });
    if (found.error) {
      notice.show(found.error, { error: true });
      if (before) marks[id] = before;
      else delete marks[id];
    } else marks[id] = found.mark;
    if (marks[id] && !marks[id].star && !marks[id].tags.length && !marks[id].note) delete marks[id];
    views.gallery.marked(id);
    filters.paint();
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  function busy(on) {
    element.toggleAttribute("aria-busy", on);
    if (on) element.setAttribute("aria-busy", "true");
    if (!on) said.replaceChildren();
    else if (!survey) said.replaceChildren(make("p", { class: "soft" }, "Opening the survey …"));
    body.hidden = quadrants.hidden = !survey;
  }

  function fail(sentence, again, going) {
    survey = null;
    busy(false);
    body.hidden = quadrants.hidden = true;
    for (const part of [first, second, swap, onward]) part.disabled = true;
    onward.hidden = !going;
    onward.disabled = !going;
    far.textContent = "";
    said.replaceChildren(make("p", { role: "alert" }, sentence), ...(again ? [button("Try again", "Ask once more", again)] : []));
    tell();
  }

  function unfinished(key) {
    const one = surveys?.find((other) => other.key === key);
    return one && one.done < one.images;
  }

  function paintHead() {
    for (const part of [first, second, swap]) part.disabled = false;
    onward.hidden = survey.done >= survey.images;
    onward.disabled = false;
    const lost = survey.unread ? `, ${count(survey.unread)} of which could not be read` : "";
    const going = survey.done < survey.images ? `${count(survey.done)} of ${count(survey.images)}` : count(survey.images);
    far.textContent = `${going} images of ${survey.data}${lost}, ${survey.conditions} conditions`;
    far.title = survey.folder;
    for (const { which, words } of counts.slice(0, 2)) words.replaceChildren("Only ", dot(which), make("b", {}, nameOf(side(which))), " fails");
    counts[2].words.textContent = "Both fail";
    counts[3].words.textContent = "Neither fails";
    counts.slice(0, 2).forEach(({ which, button }) => (button.dataset.method = world.methodOf(side(which))));
  }

  function dot(which) {
    return make("span", { class: "dot", "data-method": world.methodOf(side(which)) });
  }

  function paintQuadrants(numbers) {
    const all = numbers ? Object.values(numbers).reduce((sum, one) => sum + one, 0) : 0;
    for (const { name, button, number, share } of counts) {
      button.setAttribute("aria-pressed", String(chosen.filters.quadrants.includes(name)));
      if (!numbers) continue;
      number.textContent = count(numbers[name]);
      share.textContent = all ? `${percent(numbers[name] / all)} of ${count(all)}` : "";
      button.style.setProperty("--share", all ? numbers[name] / all : 0);
    }
  }

  function paintPanes() {
    for (const [name, { tab, body }] of Object.entries(panes)) {
      tab.setAttribute("aria-selected", String(name === chosen.pane));
      tab.tabIndex = name === chosen.pane ? 0 : -1;
      body.hidden = name !== chosen.pane;
    }
  }

  // ---- words and addresses ----------------------------------------------------------------------------------------

  function amountText(name, amount) {
    const { sign, symbol, factor } = world.distortion(name);
    const unit = symbol === sign ? "" : /^[a-z]/i.test(symbol) ? ` ${symbol}` : symbol;
    return `${sign} = ${String(Number((amount * factor).toPrecision(4))).replace("-", "−")}${unit}`;
  }

  // What the address says of this place.
  function link() {
    const strip = ({ filters, order }) => JSON.stringify({ ...Object.fromEntries(Object.entries(filters).filter(([key, value]) => value !== null && key !== "cases")), ...order });
    const find = strip(chosen);
    const said = [["place", "failures"]];
    if (chosen.survey) said.push(["survey", chosen.survey]);
    if (chosen.pair) said.push(["pair", chosen.pair.join()]);
    if (find !== strip(linked(null))) said.push(["find", find]);
    if (chosen.pane !== "gallery") said.push(["pane", chosen.pane]);
    return said.map(([key, value]) => `${key}=${encodeURIComponent(value).replace(/%(2C|2F|3A)/g, decodeURIComponent)}`).join("&");
  }

  return { enter, link };
}

// Filters and order as an address gives them, or as the page begins: where the two models part, the farthest first.
function linked(text) {
  const filters = { quadrants: [...APART], label: null, distortion: null, amount: null, model: "baseline", low: null, high: null, was: null, now: null, flipped: null, marked: null, cases: null };
  const order = { by: "apart", falling: true };
  try {
    const { by, falling, ...rest } = JSON.parse(text ?? "{}");
    for (const key of Object.keys(filters)) if (key in rest && key !== "cases") filters[key] = rest[key];
    if (!Array.isArray(filters.quadrants)) filters.quadrants = [...APART];
    if (by) Object.assign(order, { by, falling: falling === true });
  } catch {
    // somebody cut the address off: it opens as usual
  }
  return { filters, order };
}

export function count(number) {
  return number.toLocaleString("en-GB");
}

export function percent(share) {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
