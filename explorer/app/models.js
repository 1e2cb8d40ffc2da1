// Which models answer, and which picture they are asked about: the two go together, since models of one family take the
// same input and know the same classes.

export function makeModels({ list, state, catalogue, families, family, card, title, mark, fit, changed, undo, notice, make }) {
  function chooseFamily(key) {
    if (!families[key] || key === state.family) return;
    enterFamily(key);
    const { data, channels } = family();
    const own = catalogue.datasets.find(({ name, here }) => here && data.includes(name))?.name;
    if (!suits(family(), state.picture)) {
      // Digit models get a digit, the others a photograph; what people brought stays.
      if (own && channels === 1) state.picture = { dataset: own, index: 0 };
      else if (state.picture.dataset) state.picture = { sample: catalogue.samples[0]?.sample };
      mark(state.picture);
    }
    changed();
  }

  function enterFamily(key) {
    state.family = key;
    state.models = [...family().defaults];
    state.against = null;
    fit();
  }

  function choosePicture(picture) {
    state.picture = picture;
    const wanted = suits(family(), picture) ? null : catalogue.families.find((candidate) => suits(candidate, picture));
    if (wanted) enterFamily(wanted.key);
    changed();
  }

  // Whether these models are the ones to ask about a picture: those trained on its data set, where there are any.
  function suits(candidate, { dataset, sample }) {
    if (sample) return candidate.channels === 3;
    if (!dataset) return true;
    if (catalogue.families.some(({ data }) => data.includes(dataset))) return candidate.data.includes(dataset);
    const grey = catalogue.datasets.find(({ name }) => name === dataset)?.channels === 1;
    return !grey || candidate.channels === 1;
  }

  function addModel(name) {
    if (card(name) && !state.models.includes(name)) {
      state.models.push(name);
      const order = family().models.map((model) => model.name);
      state.models = [state.models[0], ...state.models.slice(1).sort((a, b) => order.indexOf(a) - order.indexOf(b))];
      changed();
    }
    return null; // the menu shows its prompt again
  }

  function removeModel(name) {
    state.models = state.models.filter((other) => other !== name);
    changed();
    notice.show(`${title(name)} removed.`, { undo });
  }

  function makeBaseline(name) {
    state.models = [name, ...state.models.filter((other) => other !== name)];
    changed();
  }

  function paint() {
    list.replaceChildren(
      ...state.models.map((name, i) => {
        const { title: text, subtitle, method, help } = card(name);
        const chip = make("li", { "data-method": method, title: `${name}: ${help}` });
        chip.append(make("span", { class: "dot" }), make("span", { class: "name" }, text));
        if (subtitle) chip.append(make("small", {}, subtitle));
        if (i === 0) chip.append(make("small", { class: "end" }, "baseline"));
        else {
          const pin = make("button", { class: "plain end quiet", "aria-label": `Make ${text} the baseline`, title: "Make it the baseline" }, "pin");
          pin.addEventListener("click", () => makeBaseline(name));
          const remove = make("button", { class: "plain icon", "aria-label": `Remove ${text}`, title: "Remove" }, "×");
          remove.addEventListener("click", () => removeModel(name));
          chip.append(pin, remove);
        }
        return chip;
      }),
    );
  }

  return { paint, chooseFamily, choosePicture, suits, addModel };
}
