// A picture of random pixels that evolution turns into what a network calls a digit.
// @ts-check

import { CERTAIN, percent } from "./confidence.js";
import { breedOne } from "./one_goal.js";
import { button, element, lessMotion } from "./page.js";
import { paint, picture } from "./pictures.js";
import { Pixels } from "./pixels.js";
import { inSlices } from "./work.js";

/** @import { DigitNetwork } from "./network.js" */
/** @import { Champion } from "./one_goal.js" */

// `goal()` is the digit that it shall become; `shown` is called when the picture changes, `rested`
// with a sentence when the breeding ends.
/**
 * @param {DigitNetwork} net
 * @param {{ goal: () => number, shown: () => void, rested: (text: string) => void }} what
 */
export function bredNoise(net, { goal, shown, rested }) {
  const encoding = new Pixels(), image = new Float64Array(784);
  const canvas = picture("Random pixels"), said = element("p", { class: "fk-verdict" });
  const count = element("span", { class: "fk-note" });
  const start = button("", () => (running ? stop() : breed()));
  let run = 0, running = false, seed = 0, digit = goal();
  /** @type {Champion<Float32Array> | undefined} */
  let best;

  function draw() {
    if (!best) return;
    const sure = percent(best.confidence), { generation } = best;
    paint(canvas, encoding.render(best.genes, image));
    said.textContent = `“${digit}”, ${sure}`;
    count.textContent = `generation ${generation}`;
    canvas.setAttribute("aria-label", `Random pixels after ${generation} generations; the network `
      + `sees “${digit}” with ${sure} confidence`);
    shown();
  }
  // It starts from new random pixels each time.
  async function breed() {
    const mine = ++run, calm = lessMotion(); // calm: no flicker, the first picture and the last
    let drawn = -1;
    digit = goal();
    running = true;
    name();
    await inSlices(breedOne(net, { encoding, goal: digit, until: CERTAIN, seed: ++seed }), (latest) => {
      if (mine !== run) return false;
      best = latest ?? best;
      if (best && best.generation > drawn && !(calm && drawn >= 0)) {
        drawn = best.generation;
        draw();
      }
      return true;
    });
    if (mine === run) stop();
  }
  function stop() { // at the reader's wish, or because it is certain
    if (!running) return;
    run++;
    running = false;
    draw();
    name();
    if (best) rested(`The random pixels are called “${digit}” with ${percent(best.confidence)} `
      + `confidence, after ${best.generation} generations.`);
  }
  function name() { start.textContent = running ? "Stop" : `Breed “${goal()}”`; }
  name();
  return { node: canvas, said, count, start, image, breed, stop, name };
}
