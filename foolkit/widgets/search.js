// How a search is started, paused, stepped and told of.
// @ts-check

import { CERTAIN, percent } from "./confidence.js";
import { median } from "./numbers.js";
import { button } from "./page.js";
import { inSlices } from "./work.js";

/** @import { Elite } from "./evolution.js" */
/** @import { Model } from "./widget.js" */
/** @typedef {{ generation: number, breed(): Generator<void, void> }} Search */

// `make` gives a new search with `generation` and `breed()`. `show` is called after a slice of
// work that ended a generation, and when the search pauses; `live.running` tells which.
/**
 * @template {Search} S
 * @template {{ running: boolean }} T
 * @param {{ model: Model<T>, make: () => S, show: () => void }} what
 */
export function liveSearch({ model, make, show }) {
  /** @type {Promise<void> | null} */
  let busy = null;
  let drawn = -1, stopped = false;
  const startButton = button("Start", () => run(!live.running), { class: "fk-main" });
  const stepButton = button("Step", () => { work(1); });
  const buttons = [startButton, stepButton, button("Restart", () => { restart(); })];
  const live = { search: make(), running: false, buttons, run, restart, stop };

  /**
   * @param {S} of
   * @param {number} count
   * @returns {Generator<void, void>}
   */
  function* generations(of, count) { // a pause waits for the end of the generation
    for (let n = 0; n < count && (live.running || count === 1); n++) yield* of.breed();
  }
  /** @param {number} count */
  async function work(count) { // one at a time: a step waits for the work before it
    const of = live.search;
    while (busy) await busy;
    busy = inSlices(generations(of, count), () => {
      if (stopped || of !== live.search) return false; // it was restarted
      if (of.generation > drawn) {
        drawn = of.generation;
        show();
      }
      return true;
    });
    try { await busy; } finally { busy = null; }
  }
  /** @param {boolean} now */
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
    stopped = true;
  }
  return live;
}

// How a search of ten elites stands, in words: for the status line and for the curve.
/**
 * @template Genes
 * @param {{ generation: number, elites: Elite<Genes>[], history: number[][] }} search
 */
export function standing({ generation, elites, history }) {
  const count = elites.filter((elite) => elite.confidence >= CERTAIN).length;
  const middle = percent(median(history[history.length - 1]));
  return {
    count,
    status: `Generation ${generation}: ${count} of 10 digits at 99.99 % or more (marked ✓); `
      + `median ${middle}.`,
    curve: `Confidence against generation: after ${generation} generations the median of the ten `
      + `is ${middle}, and ${count} of 10 have reached 99.99 %.`,
  };
}
