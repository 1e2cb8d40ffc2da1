// The live side-by-side view of Stability Explorer. It knows neither Gradio nor Jupyter: it is handed one function and
// paints what that function answers.
//
//   const panel = mount(element, { ask: async (state) => answer, state })
//   panel.update(state, { live: true })    while something is being dragged: classes keep their order
//   panel.update(state)                    the drag has ended: classes are sorted again
//   panel.answer()                         what is on screen, or null
//   panel.destroy()
//
// `state` belongs to the host; the panel reads only `state.models.length`, to draw that many empty cards. One question
// is under way at a time and the newest state is asked next: nothing queues. `ask` gives
//
//   { error: "One sentence." }    or
//   { images: { clean, distorted },       data URLs of lossless pictures, as small as the models see them
//     pinned,                             the recipe of the pinned state that stands in for "clean", or null
//     side, pixels, image_hash, label,    px; "8-bit" or "float"; hex digits; the true class or null
//     input: { psnr, ssim, l2, linf },    null psnr: identical pictures
//     models: [{ name, title, subtitle, method, baseline, clean: [{ label, probability }], distorted: [...], flipped,
//                confidence, margin, kl, feature_distance: { layer: { l2, cosine } }, feature_percentile }],
//     timing: { distort, infer, ... } }   milliseconds, shown in this order
//
// Every painted answer is announced by a bubbling "answer" event with detail { answer, state, paint } (paint in ms).
// Data reaches the page as text only, never as markup.

const ROWS = 5;
const AMPLIFICATIONS = [1, 2, 4, 8, 16];
const SETTLE_MS = 700; // without a new live update: the drag has ended; `settle` of mount sets another time
const BUSY_MS = 300; // nothing turns or pulses before that
const SPEAK_MS = 1500; // at most one announcement per that time

export function mount(element, { ask, state, settle: settleAfter = SETTLE_MS }) {
  const root = h("div", { class: "stability-panel empty" });
  const message = h("p", { class: "message", role: "alert", hidden: true });
  const spoken = h("p", { class: "spoken", "aria-live": "polite" });
  const pictures = makePictures();
  const cards = h("div", { class: "cards" });
  const status = h("div", { class: "status" });
  root.append(message, pictures.element, cards, status, spoken);
  element.append(root);

  let views = []; // one per model, in the order of the answer
  let shown = null; // the answer on screen
  let asked = null; // the state it belongs to, as JSON
  let next = null; // the newest state not asked yet
  let running = false;
  let alive = true;
  let live = false;
  let settling = 0;
  let speaking = 0;

  function update(newest, { live: dragging = false } = {}) {
    clearTimeout(settling);
    live = dragging;
    if (dragging) settling = setTimeout(settle, settleAfter);
    if (JSON.stringify(newest) === asked && next === null) {
      if (!dragging && !running) settle();
      return;
    }
    next = newest;
    run();
  }

  function settle() {
    live = false;
    if (!shown || running) return;
    shown.models.forEach((model, i) => views[i].paint(model, false));
    speak();
  }

  async function run() {
    if (running) return;
    running = true;
    try {
      while (next !== null && alive) {
        const current = next;
        next = null;
        asked = JSON.stringify(current);
        if (!shown && message.hidden) drawEmptyCards(current.models?.length || 2);
        const busy = setTimeout(() => root.classList.add("busy"), BUSY_MS);
        const answer = await Promise.resolve(ask(current)).catch(() => null);
        if (!alive) return;
        clearTimeout(busy);
        root.classList.remove("busy");
        try {
          await show(answer, current);
        } catch {
          fail("The answer could not be drawn. Change something to ask again.");
        }
      }
    } finally {
      running = false;
    }
  }

  async function show(answer, current) {
    if (!answer) return fail("The explorer does not answer. Is it still running? Change something to ask again.");
    if (answer.error) return fail(String(answer.error));
    const start = performance.now();
    await pictures.load(answer.images);
    if (!alive) return;
    message.hidden = true;
    root.classList.remove("stale", "empty");
    const names = JSON.stringify(answer.models.map((model) => [model.name, model.baseline]));
    if (names !== cards.dataset.names) {
      views = answer.models.map(makeCard);
      cards.replaceChildren(...views.map((view) => view.element));
      cards.dataset.names = names;
    }
    pictures.paint(answer);
    shown = answer;
    root.classList.toggle("pinned", Boolean(answer.pinned));
    answer.models.forEach((model, i) => views[i].paint(model, live));
    if (!live) speak();
    afterNextFrame(() => {
      if (!alive) return;
      const paint = performance.now() - start;
      paintStatus(status, { ...answer.timing, paint });
      root.dispatchEvent(new CustomEvent("answer", { bubbles: true, detail: { answer, state: current, paint } }));
    });
  }

  function fail(sentence) {
    asked = null; // the same state may be asked again
    message.textContent = sentence;
    message.hidden = false;
    root.classList.add(shown ? "stale" : "empty");
    root.dispatchEvent(new CustomEvent("answer", { bubbles: true, detail: { error: sentence } }));
  }

  function drawEmptyCards(count) {
    const blank = { title: "", method: "", distorted: [], clean: [], feature_distance: {}, waiting: true };
    cards.replaceChildren(...Array.from({ length: Math.min(count, 12) }, () => makeCard(blank).element));
    root.classList.remove("empty");
  }

  function speak() {
    clearTimeout(speaking);
    speaking = setTimeout(() => {
      if (shown) spoken.textContent = shown.models.map(sentence).join(" ");
    }, SPEAK_MS);
  }

  update(state);
  return {
    update,
    answer: () => shown,
    destroy() {
      alive = false;
      clearTimeout(settling);
      clearTimeout(speaking);
      root.remove();
    },
  };
}

// ---- the three pictures and how far the input moved -----------------------------------------------------------------

function makePictures() {
  const frames = { clean: h("div", { class: "frame" }), distorted: h("div", { class: "frame" }) };
  const canvas = h("canvas", { role: "img", "aria-label": "difference, amplified" });
  canvas.title = "distorted minus clean, amplified; mid grey where nothing changed";
  const before = h("span", {}, "clean");
  const size = h("span");
  const hash = h("span", { title: "Fingerprint (SHA-256) of the pixels; every model saw exactly these" });
  const amplify = h("select", { class: "amplify", "aria-label": "amplification of the difference", title: "How strongly the difference is enlarged before it is drawn" });
  amplify.append(...AMPLIFICATIONS.map((factor) => h("option", { value: factor }, `× ${factor}`)));
  amplify.value = 2;
  const facts = Object.fromEntries(
    [
      ["psnr", "PSNR", "Peak signal-to-noise ratio in decibels, −10 log10 of the mean squared difference; ∞ for equal pictures"],
      ["ssim", "SSIM", "Structural similarity (Wang et al. 2004), 1 for equal pictures"],
      ["l2", "L2", "Length of the difference: root of the sum of squares over all pixel values in [0, 1]"],
      ["linf", "L∞", "The largest change of any single pixel value in [0, 1]"],
      ["pixels", "pixels", "8-bit: rounded to what a file could hold. float: not rounded"],
      ["label", "true class", "What the data set says the picture shows"],
    ].map(([key, name, help]) => [key, { dt: h("dt", { title: help }, name), dd: h("dd", {}, "–") }]),
  );
  const list = h("dl", {}, ...Object.values(facts).map(({ dt, dd }) => h("div", { class: "fact" }, dt, dd)));
  const element = h(
    "div",
    { class: "box see" },
    h("figure", {}, frames.clean, h("figcaption", {}, before, size)),
    h("figure", {}, frames.distorted, h("figcaption", {}, h("span", {}, "distorted"), hash)),
    h("figure", {}, h("div", { class: "frame" }, canvas), h("figcaption", {}, h("span", {}, "difference"), amplify)),
    h("div", { class: "facts" }, h("h2", {}, "How far the input moved"), list),
  );

  const held = {}; // per picture: its URL, the decoded element, its pixels
  const context = canvas.getContext("2d", { willReadFrequently: true }); // small, and drawn by us alone
  amplify.addEventListener("change", drawDifference);

  async function load(urls) {
    await Promise.all(
      ["clean", "distorted"].map(async (which) => {
        if (held[which]?.url === urls[which]) return;
        const image = h("img", { alt: `${which} picture, as the models see it`, decoding: "sync" });
        await loaded(image, urls[which]); // decode() would wait for a turn of the compositor
        held[which] = { url: urls[which], image, pixels: pixelsOf(image) };
      }),
    );
  }

  function drawDifference() {
    const [clean, distorted] = [held.clean?.pixels, held.distorted?.pixels];
    if (!clean || clean.width !== distorted?.width || clean.height !== distorted.height) return;
    if (canvas.width !== clean.width) canvas.width = clean.width;
    if (canvas.height !== clean.height) canvas.height = clean.height;
    const difference = context.createImageData(clean.width, clean.height);
    const factor = Number(amplify.value) / 2; // at × 1 the whole range from −255 to 255 fits
    for (let i = 0; i < difference.data.length; i++) {
      difference.data[i] = i % 4 === 3 ? 255 : 127.5 + factor * (distorted.data[i] - clean.data[i]);
    }
    context.putImageData(difference, 0, 0);
  }

  function paint(answer) {
    for (const which of ["clean", "distorted"]) {
      if (frames[which].firstChild !== held[which].image) frames[which].replaceChildren(held[which].image);
    }
    drawDifference();
    setText(before, answer.pinned ? "pinned" : "clean");
    before.title = answer.pinned ?? "";
    setText(size, `${answer.side} × ${answer.side}`);
    setText(hash, `#${answer.image_hash.slice(0, 4)} ${answer.image_hash.slice(4, 8)}`);
    const { psnr, ssim, l2, linf } = answer.input;
    setText(facts.psnr.dd, psnr === null ? "∞ dB" : `${psnr.toFixed(1)} dB`);
    setText(facts.ssim.dd, ssim === null ? "–" : ssim.toFixed(ssim > 0.99 ? 3 : 2));
    setText(facts.l2.dd, short(l2));
    setText(facts.linf.dd, short(linf));
    setText(facts.pixels.dd, answer.pixels);
    setText(facts.label.dd, answer.label ?? "–");
    facts.label.dt.parentElement.hidden = answer.label == null;
  }

  return { element, load, paint };
}

function loaded(image, url) {
  return new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = reject;
    image.src = url;
  });
}

function pixelsOf(image) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

// ---- one model's answer ---------------------------------------------------------------------------------------------

const HELP = {
  distance: "L2 distance between the penultimate layer's features of the clean and of the distorted picture",
  profile: "How far each layer's features turned: the angle between clean and distorted, first layer left; a full bar is 90°",
  confidence: "Probability of the answer on the distorted picture (largest softmax output)",
  margin: "Probability of the answer minus that of the runner-up, on the distorted picture",
  kl: "How much the whole answer changed: KL(clean ‖ distorted) = Σ p log(p / p′), in nats",
};

function makeCard(model) {
  const badge = h("b", { class: "badge" }, model.waiting ? "…" : "");
  const before = h("span", {}, model.waiting ? "…" : "");
  const after = h("strong");
  const rows = Array.from({ length: ROWS }, makeRow);
  const distance = h("b", {}, "–");
  const marker = h("i", { hidden: true });
  const percentile = h("small");
  const profile = h("div", { class: "profile", role: "img" });
  const figures = { confidence: h("dd", {}, "–"), margin: h("dd", {}, "–"), kl: h("dd", {}, "–") };
  const legend = h("p", { class: "legend", "aria-hidden": "true" });
  legend.append(h("span", { class: "clean" }, h("i"), h("span", { class: "as-clean" }, "clean"), h("span", { class: "as-pinned" }, "pinned")), h("span", {}, h("i"), "distorted"));
  const element = h(
    "section",
    { class: "box card", "data-method": model.method, "data-model": model.name, "aria-label": model.name },
    h(
      "header",
      {},
      h("span", { class: "dot" }),
      h("h3", { title: model.name }, model.title, model.subtitle ? h("small", {}, model.subtitle) : ""),
      model.baseline ? h("span", { class: "pin", title: "All others are read against this one" }, "baseline") : "",
      badge,
    ),
    h("p", { class: "answer" }, before, h("span", { class: "arrow" }, model.waiting ? "" : "→"), after),
    legend,
    ...rows.map((row) => row.element),
    h(
      "div",
      { class: "meter" },
      h("div", { class: "line" }, h("span", { title: HELP.distance }, "feature distance"), distance),
      h("div", { class: "track" }, marker),
      percentile,
    ),
    h(
      "div",
      { class: "foot" },
      h("div", { title: HELP.profile }, profile, h("p", { class: "profile-name" }, "layer by layer")),
      h(
        "dl",
        { class: "figures" },
        h("dt", { title: HELP.confidence }, "confidence"),
        figures.confidence,
        h("dt", { title: HELP.margin }, "margin"),
        figures.margin,
        h("dt", { title: HELP.kl }, "change (KL)"),
        figures.kl,
      ),
    ),
  );
  let order = []; // class names, as the rows show them

  function paint(now, keepOrder) {
    const clean = new Map(now.clean.map((entry) => [entry.label, entry.probability]));
    const distorted = new Map(now.distorted.map((entry) => [entry.label, entry.probability]));
    const top = now.distorted[0].label;
    setText(badge, now.flipped ? "flipped" : "holds");
    badge.classList.toggle("flipped", now.flipped);
    setText(before, now.clean[0].label);
    setText(after, top);
    const sorted = ranked(clean, distorted);
    const previous = order;
    if (!keepOrder || !order.length) order = sorted;
    else if (!order.includes(top)) {
      const least = order.reduce((a, b) => ((distorted.get(a) ?? 0) <= (distorted.get(b) ?? 0) ? a : b));
      order = order.map((label) => (label === least ? top : label)); // the answer is always among the rows
    }
    element.classList.toggle("resort", order.join("\n") !== previous.join("\n"));
    rows.forEach((row, i) => row.paint(order[i], clean.get(order[i]) ?? 0, distorted.get(order[i]) ?? 0));
    const layers = Object.entries(now.feature_distance);
    setText(distance, layers.length ? short(layers.at(-1)[1].l2) : "–");
    marker.hidden = now.feature_percentile === null;
    marker.style.left = `${now.feature_percentile ?? 0}%`;
    setText(percentile, percentileSentence(now.feature_percentile));
    paintProfile(profile, layers);
    setText(figures.confidence, `${Math.round(100 * now.confidence)} %`);
    setText(figures.margin, signed(now.margin));
    setText(figures.kl, short(now.kl));
  }

  return { element, paint };
}

function makeRow() {
  const label = h("span", { class: "label" });
  const clean = h("i", { class: "clean" });
  const distorted = h("i", { class: "distorted" });
  const number = h("span");
  const bars = h("span", { class: "bars" }, distorted, clean);
  const element = h("div", { class: "row blank" }, label, bars, h("span", { class: "number" }, number, h("small", {}, "%")));
  function paint(name, before, after) {
    element.classList.toggle("blank", name === undefined);
    if (name === undefined) return;
    setText(label, name);
    label.title = name;
    clean.style.width = `${(100 * before).toFixed(2)}%`;
    distorted.style.width = `${(100 * after).toFixed(2)}%`;
    setText(number, `${Math.round(100 * after)}`);
    element.title = `${name}: ${(100 * before).toFixed(2)} % clean, ${(100 * after).toFixed(2)} % distorted`;
  }
  return { element, paint };
}

// The five likeliest classes of the distorted picture, likeliest first; the clean answer is always among them.
function ranked(clean, distorted) {
  const labels = [...distorted.keys()].slice(0, ROWS);
  const answer = clean.keys().next().value;
  return labels.includes(answer) ? labels : [...labels.slice(0, ROWS - 1), answer];
}

function paintProfile(profile, layers) {
  while (profile.children.length < layers.length) profile.append(h("i"));
  while (profile.children.length > layers.length) profile.lastChild.remove();
  layers.forEach(([name, { l2, cosine }], i) => {
    const angle = (Math.acos(Math.min(1, Math.max(-1, 1 - cosine))) * 180) / Math.PI;
    profile.children[i].style.setProperty("--part", `${Math.min(100, angle / 0.9).toFixed(1)}%`);
    profile.children[i].title = `${name}: turned by ${angle.toFixed(0)}°, L2 distance ${short(l2)}`;
  });
  profile.setAttribute("aria-label", layers.map((_, i) => profile.children[i].title).join("; "));
}

function paintStatus(status, timing) {
  const names = Object.keys(timing);
  if (status.dataset.names !== names.join()) {
    status.dataset.names = names.join();
    status.replaceChildren(...names.map((name) => h("span", {}, `${name} `, h("b"))), h("span", {}, "ms"));
  }
  names.forEach((name, i) => setText(status.children[i].lastChild, timing[name].toFixed(timing[name] < 99.95 ? 1 : 0)));
}

// ---- words and numbers ----------------------------------------------------------------------------------------------

function sentence(model) {
  const [before, after] = [model.clean[0].label, model.distorted[0].label];
  const change = model.flipped ? `flipped from ${before} to ${after}` : `holds ${after}`;
  return `${model.title}: ${change}, ${Math.round(100 * model.confidence)} percent.`;
}

function percentileSentence(value) {
  if (value === null) return "no table of distances to compare with";
  if (value >= 100) return "beyond all distances between different images";
  const whole = Math.floor(value);
  if (whole < 1) return "below the distances between different images";
  return `${ordinal(whole)} percentile of the distances between different images`;
}

function ordinal(n) {
  const last = n % 100 > 10 && n % 100 < 14 ? 0 : n % 10;
  return `${n}${["th", "st", "nd", "rd"][last] ?? "th"}`;
}

function short(x) {
  if (x === 0) return "0";
  if (x < 0.001) return "< 0.001";
  return x.toFixed(x < 0.0995 ? 3 : x < 9.995 ? 2 : x < 99.95 ? 1 : 0);
}

function signed(x) {
  return `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(2)}`;
}

// ---- the page -------------------------------------------------------------------------------------------------------

function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined || value === null) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== "")); // strings become text, never markup
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Once the browser has drawn; a hidden page draws nothing, so a timer stands in.
function afterNextFrame(then) {
  let done = false;
  const once = () => {
    if (!done) then();
    done = true;
  };
  const timer = setTimeout(once, 250);
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      clearTimeout(timer);
      once();
    };
    channel.port2.postMessage(0);
  });
}
