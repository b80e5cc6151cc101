// How a search is started, paused, stepped and told of.
// @ts-check

import { CERTAIN, percent } from "./confidence.js";
import { median } from "./numbers.js";
import { button, element, labelled } from "./page.js";
import { inSlices } from "./work.js";

// `make` gives a new search with `generation` and `breed()`. `show` is called after a slice of
// work that ended a generation, and when the search pauses; `live.running` tells which.
export function liveSearch({ model, make, show }) {
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
export function seedField(model, status) {
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
export function standing({ generation, elites, history }) {
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
