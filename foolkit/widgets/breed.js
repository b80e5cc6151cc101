// Evolution live: ten elites, bred from noise while the reader watches.

const FINEST = 1e-7; // what is missing to certainty at the curve's upper edge

// The curve: confidence against the generation, on an axis on which every line is ten times
// closer to certainty than the line below it.
function convergenceCurve(width) {
  const NAMESPACE = "http://www.w3.org/2000/svg";
  const [left, right, top, bottom] = [64, width - 6, 8, 150];
  const shape = (tag, attributes, text = "") => {
    const node = document.createElementNS(NAMESPACE, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text;
    return node;
  };
  const height = (confidence) => {
    const missing = Math.max(1 - confidence, FINEST);
    return bottom - (bottom - top) * Math.log10(missing) / Math.log10(FINEST);
  };
  const svg = shape("svg", {
    viewBox: `0 0 ${width} 190`, role: "img", class: "fk-curve",
    "aria-label": "Confidence against generation",
  });
  for (const [confidence, label] of [[0, "0 %"], [0.9, "90 %"], [0.99, "99 %"], [0.999, "99.9 %"],
    [CERTAIN, "99.99 %"], [1 - 1e-5, "99.999 %"], [1 - 1e-6, "99.9999 %"]]) {
    const y = height(confidence), goal = confidence === CERTAIN;
    svg.append(
      shape("line", { x1: left, x2: right, y1: y, y2: y, class: goal ? "fk-goal" : "fk-grid" }),
      shape("text", { x: left - 5, y: y + 3.5, "text-anchor": "end", class: goal ? "fk-goal" : "" }, label));
  }
  const lines = {
    lowest: shape("polyline", { class: "fk-lowest" }),
    median: shape("polyline", { class: "fk-median" }),
  };
  const end = shape("text", { x: right, y: bottom + 15, "text-anchor": "end" });
  svg.append(lines.lowest, lines.median, end,
    shape("text", { x: left, y: bottom + 15 }, "0"),
    shape("text", { x: (left + right) / 2, y: bottom + 15, "text-anchor": "middle" }, "generation"),
    shape("line", { x1: left, x2: left + 22, y1: bottom + 31, y2: bottom + 31, class: "fk-median" }),
    shape("text", { x: left + 27, y: bottom + 35 }, "their median"),
    shape("line", { x1: left + 105, x2: left + 127, y1: bottom + 31, y2: bottom + 31, class: "fk-lowest" }),
    shape("text", { x: left + 132, y: bottom + 35 }, "the lowest of the ten"));
  return {
    node: svg,
    show(history) {
      const last = Math.max(50, history.length - 1);
      const points = (summary) => history.map((row, generation) =>
        `${(left + (right - left) * generation / last).toFixed(1)},${height(summary(row)).toFixed(1)}`).join(" ");
      lines.median.setAttribute("points", points(median));
      lines.lowest.setAttribute("points", points((row) => Math.min(...row)));
      end.textContent = last;
    },
    describe(text) { svg.setAttribute("aria-label", text); },
  };
}

export default widget("breed", "Breed ten digits from noise", ({ model, root, net }) => {
  let search = null, running = false, busy = null, told = 0, announced = -1, drawn = -1;
  const settings = () => ({
    seed: model.get("seed"), rate: model.get("rate"), eta: model.get("eta"), batch: model.get("batch"),
  });

  // ---- what is seen ----
  const tiles = CLASS_COLOURS.map((_, digit) => {
    const canvas = picture(`Elite of the ${digit}`), name = element("span"), text = element("span");
    return { canvas, name, text, node: element("li", {}, canvas, name, text) };
  });
  const counter = element("p", { class: "fk-title" });
  const curve = convergenceCurve(Math.min(544, Math.max(270, root.clientWidth - 28)));
  const status = announcement();
  const sureOnes = () => search.elites.filter((elite) => elite.confidence >= CERTAIN).length;

  function draw() {
    if (search.generation < 0) return; // nothing is judged yet
    const pixels = new Float64Array(784);
    search.elites.forEach(({ genes, confidence }, digit) => {
      const tile = tiles[digit], sure = confidence >= CERTAIN;
      paint(tile.canvas, render(genes, pixels));
      tile.name.textContent = `“${digit}”${sure ? " ✓" : ""}`;
      tile.text.textContent = percent(confidence);
      tile.node.classList.toggle("fk-sure", sure);
    });
    drawn = search.generation;
    counter.textContent = `generation ${search.generation}`;
    curve.show(search.history);
    const count = sureOnes(), middle = percent(median(search.history.at(-1)));
    curve.describe(`Confidence against generation: after ${search.generation} generations the `
      + `median of the ten is ${middle}, and ${count} of 10 have reached 99.99 %.`);
    if (count !== announced || !running) {
      announced = count;
      status.say(`Generation ${search.generation}: ${count} of 10 digits at 99.99 % or more `
        + `(marked ✓); median ${middle}.`);
    }
  }

  function tell(now = performance.now()) { // Python, at most twice a second while it runs
    if (search.generation < 0 || (running && now - told < 500)) return;
    told = now;
    model.set("generation", search.generation);
    model.set("confidence", search.elites.map((elite) => elite.confidence));
    model.set("images", toBytes(...search.elites.map(({ genes }) => render(genes, new Float64Array(784)))));
    model.save_changes();
  }

  // ---- what happens: one generation after the other, in slices ----
  function* generations(of, count) { // a pause waits for the end of the generation
    for (let n = 0; n < count && (running || count === 1); n++) yield* of.breed();
  }
  async function work(count) { // one at a time: a step waits for the work before it
    const of = search;
    while (busy) await busy;
    busy = inSlices(generations(of, count), () => {
      if (of !== search) return false; // it was restarted
      if (of.generation > drawn) {
        draw();
        tell();
      }
    });
    try { await busy; } finally { busy = null; }
  }

  function run(now) {
    if (now === running) return;
    running = now;
    startButton.textContent = running ? "Pause" : "Start";
    stepButton.disabled = running;
    model.set("running", running);
    model.save_changes();
    if (running) work(Infinity);
    else { draw(); tell(); }
  }
  function restart() {
    run(false);
    search = new MapElites(net, settings());
    drawn = announced = -1;
    return work(1); // the first, random population: generation 0
  }

  // ---- controls ----
  const startButton = button("Start", () => run(!running), { class: "fk-main" });
  const stepButton = button("Step", () => work(1));
  const rate = slider("mutation rate", {
    min: 0.01, max: 0.5, step: 0.01, value: model.get("rate"), format: (value) => value.toFixed(2),
  }, (value) => { search.rate = value; model.set("rate", value); model.save_changes(); });
  const seed = element("input", { type: "number", min: 0, max: 999999, step: 1 });
  seed.value = model.get("seed");
  seed.addEventListener("change", () => {
    const value = Math.floor(Number(seed.value));
    if (!(value >= 0 && value <= 999999)) {
      status.say("The seed is a whole number from 0 to 999999.");
      seed.value = model.get("seed");
      return;
    }
    model.set("seed", value);
    model.save_changes();
  });

  root.append(
    element("div", { class: "fk-row" }, startButton, stepButton, button("Restart", restart),
      labelled("seed ", seed), rate.node),
    counter,
    element("ol", { class: "fk-tiles", role: "list", "aria-label": "The ten elites" },
      ...tiles.map((tile) => tile.node)),
    status.node, curve.node);

  const hear = {
    "change:running": () => run(model.get("running")),
    "change:rate": () => { search.rate = model.get("rate"); rate.set(model.get("rate")); },
    "change:seed": () => { seed.value = model.get("seed"); },
    "change:eta": () => { search.eta = model.get("eta"); },
    "change:batch": () => { search.batch = model.get("batch"); },
  };
  for (const [name, listener] of Object.entries(hear)) model.on(name, listener);
  const startsAtOnce = model.get("running");
  restart().then(() => { if (startsAtOnce) run(true); });
  return () => {
    running = false;
    search = null;
    for (const [name, listener] of Object.entries(hear)) model.off(name, listener);
  };
});
