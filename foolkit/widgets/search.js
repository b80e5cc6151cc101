// What a reader sees of a search, and how it is started, paused and stepped.

const FINEST = 1e-7; // what is missing to certainty at the curve's upper edge

// A part of a drawing.
function shape(tag, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.textContent = text;
  return node;
}

// The curve: confidence against the generation, on an axis on which every line is ten times
// closer to certainty than the line below it.
function convergenceCurve(width) {
  const [left, right, top, bottom] = [64, width - 6, 8, 150];
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
    shape("line", { x1: left + 98, x2: left + 120, y1: bottom + 31, y2: bottom + 31, class: "fk-lowest" }),
    shape("text", { x: left + 125, y: bottom + 35 }, "lowest of the ten"));
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

// ---- Ten tiles, one a class ------------------------------------------------------------------

// `make` wraps a tile's picture and words, for widgets whose tiles can be pressed.
function tenTiles(label, make = (digit, ...parts) => parts) {
  return CLASS_COLOURS.map((_, digit) => {
    const canvas = picture(label(digit)), name = element("span"), text = element("span");
    const node = element("li", {}, ...make(digit, canvas, name, text));
    return {
      canvas, node,
      show(pixels, answer, confidence) {
        const sure = confidence >= CERTAIN;
        paint(canvas, pixels);
        name.textContent = `“${answer}”${sure ? " ✓" : ""}`;
        text.textContent = percent(confidence);
        node.classList.toggle("fk-sure", sure);
      },
    };
  });
}

const tileList = (tiles, label) => element(
  "ol", { class: "fk-tiles", role: "list", "aria-label": label }, ...tiles.map((tile) => tile.node));

// ---- Start, pause, step, restart -------------------------------------------------------------

// `make` gives a new search with `generation` and `breed()`. `show` is called after a slice of
// work that ended a generation, and when the search pauses; `live.running` tells which.
function liveSearch({ model, make, show }) {
  let busy = null, drawn = -1;
  const live = { search: null, running: false, work, run, restart, stop };

  function* generations(of, count) { // a pause waits for the end of the generation
    for (let n = 0; n < count && (live.running || count === 1); n++) yield* of.breed();
  }
  async function work(count) { // one at a time: a step waits for the work before it
    const of = live.search;
    while (busy) await busy;
    busy = inSlices(generations(of, count), () => {
      if (of !== live.search) return false; // it was restarted
      if (of.generation > drawn) {
        drawn = of.generation;
        show();
      }
    });
    try { await busy; } finally { busy = null; }
  }
  function run(now) {
    if (now === live.running) return;
    live.running = now;
    startButton.textContent = now ? "Pause" : "Start";
    stepButton.disabled = now;
    model.set("running", now);
    model.save_changes();
    if (now) work(Infinity);
    else if (live.search.generation >= 0) show();
  }
  function restart() {
    run(false);
    live.search = make();
    drawn = -1;
    return work(1); // the first, random population: generation 0
  }
  function stop() {
    live.running = false;
    live.search = null;
  }

  const startButton = button("Start", () => run(!live.running), { class: "fk-main" });
  const stepButton = button("Step", () => work(1));
  live.buttons = [startButton, stepButton, button("Restart", () => restart())];
  return live;
}

// The seed's field: a number that is none is refused in words.
function seedField(model, status) {
  const seed = element("input", { type: "number", min: 0, max: 999999, step: 1 });
  const show = () => { seed.value = model.get("seed"); };
  seed.addEventListener("change", () => {
    const value = Math.floor(Number(seed.value));
    if (!(value >= 0 && value <= 999999)) {
      status.say("The seed is a whole number from 0 to 999999.");
      show();
      return;
    }
    model.set("seed", value);
    model.save_changes();
  });
  show();
  return { node: labelled("seed ", seed), show };
}

// How a search of ten elites stands, in words: for the status line and for the curve.
function standing({ generation, elites, history }) {
  const count = elites.filter((elite) => elite.confidence >= CERTAIN).length;
  const middle = percent(median(history.at(-1)));
  return {
    count,
    status: `Generation ${generation}: ${count} of 10 digits at 99.99 % or more (marked ✓); `
      + `median ${middle}.`,
    curve: `Confidence against generation: after ${generation} generations the median of the ten `
      + `is ${middle}, and ${count} of 10 have reached 99.99 %.`,
  };
}
