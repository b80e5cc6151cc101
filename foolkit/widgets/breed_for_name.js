// A pattern bred for one name of a thousand, while the reader watches.
// @ts-check

import { percent } from "./confidence.js";
import { confidenceCurve } from "./confidence_curve.js";
import { paintLevels } from "./levels.js";
import { nameSearch } from "./name_search.js";
import { indexOfLargest } from "./numbers.js";
import { announcement, button, element } from "./page.js";
import { sleepingNetwork } from "./photo_network.js";
import { seedField } from "./seed_field.js";
import { listen, widget } from "./widget.js";

/** @import { Sent, Settings } from "./cppn.js" */
/** @import { Progress } from "./photo_breeding.js" */
/** @import { Start } from "./widget.js" */
/**
 * @typedef {object} Traits as the Python class has them
 * @property {number} goal
 * @property {number} seed
 * @property {number} size
 * @property {number} batch
 * @property {Settings} encoding
 * @property {boolean} running
 * @property {number} judged
 * @property {number} confidence
 * @property {number} confidence_large
 * @property {Sent[]} bred
 */

const LARGE = 224, DRAWN = 512; // pixels: what the network was made for, and what the reader sees
const PAUSE = 2000; // milliseconds at least from one drawing to the next

/** @param {Start<Traits>} start */
function start({ model, root, fileOf }) {
  /** @type {string[]} */
  let names = []; // of the classes, once the network is awake
  let current = 0; // which work is the current one
  let stopTask = () => {};
  /** @type {Progress | null} */
  let latest = null; // how the search stands
  /** @type {[number, number][]} */
  let curve = [];
  /** @type {[number, number][]} */
  let large = []; // what the surest came to at the larger size
  let drawn = -PAUSE, drawing = false;

  // ---- work: what begins ends what came before; it says whether it is still the latest ----
  function begin() {
    stopTask();
    stopTask = () => {};
    const mine = ++current;
    return () => mine === current;
  }
  const network = sleepingNetwork({ fileOf, say: (text) => status.say(text), woken: (all) => {
    names = all;
    search.set(names, model.get("goal"));
    status.say("Choose a name, and press “Breed”.");
  } });
  /** @type {typeof model.set} */
  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }

  // ---- what is seen ----
  const size = () => `${model.get("size")} by ${model.get("size")}`;
  const status = announcement(), counter = element("p", { class: "fk-title" }), told = element("p");
  const picture = element("canvas", { width: DRAWN, height: DRAWN, role: "img", class: "fk-photograph fk-drawn" });
  const chart = confidenceCurve(Math.min(544, Math.max(270, root.clientWidth - 28)));
  function show() {
    const { judged = 0, generation = 0, confidence = 0 } = latest ?? {};
    counter.textContent = latest ? `generation ${generation}: ${judged} images judged` : "";
    chart.show(curve, large, `Confidence in the name against images judged: ${percent(confidence)} after ${judged}, `
      + `at ${size()}. Rings: at ${LARGE} by ${LARGE}.`);
    model.set("judged", judged);
    set("confidence", confidence);
  }
  function forget() {
    latest = null;
    [curve, large] = [[], []];
    drawn = -PAUSE;
    told.textContent = "";
    picture.getContext("2d")?.clearRect(0, 0, DRAWN, DRAWN);
    picture.setAttribute("aria-label", "No pattern yet");
    model.set("confidence_large", 0);
    model.set("bred", []);
    show();
  }
  // The surest, drawn large, and judged at the size that the network was made for.
  /** @param {() => boolean} fresh */
  async function draw(fresh) {
    if (!latest || drawing) return;
    drawing = true;
    const { genome, judged } = latest, goal = model.get("goal"), { run: order } = await network.wake();
    const { confidences, levels } = await order("draw", { genome, size: LARGE, large: DRAWN }).result;
    [drawing, drawn] = [false, performance.now()];
    if (!fresh()) return;
    const answer = indexOfLargest(confidences);
    large.push([judged, confidences[goal]]);
    paintLevels(picture, levels);
    picture.setAttribute("aria-label", `The surest pattern, drawn at ${DRAWN} by ${DRAWN}`);
    told.textContent = `At ${LARGE} by ${LARGE}: “${names[goal]}”, ${percent(confidences[goal])}`
      + (answer === goal ? ", its first choice."
        : `; first choice “${names[answer]}”, ${percent(confidences[answer])}.`);
    model.set("confidence_large", confidences[goal]);
    model.set("bred", [genome]);
    show();
  }

  // ---- the search ----
  async function run() {
    const fresh = begin(), goal = model.get("goal");
    forget();
    try {
      const { run: order } = await network.wake();
      if (!fresh()) return;
      status.say(`Breeding for “${names[goal]}” …`);
      const { result, stop } = order("breed", {
        goal, seed: model.get("seed"), size: model.get("size"), batch: model.get("batch"),
        encoding: model.get("encoding"),
      }, (/** @type {Progress} */ progress) => {
        if (!fresh()) return;
        const surer = progress.confidence > (latest?.confidence ?? 0);
        latest = progress;
        curve.push([progress.judged, progress.confidence]);
        show();
        if (surer && performance.now() - drawn > PAUSE) draw(fresh);
      });
      stopTask = stop;
      await result;
    } catch (error) {
      if (!fresh()) return;
      set("running", false);
      status.say(error instanceof Error ? error.message : String(error));
    }
  }
  async function stop() {
    const fresh = begin();
    await draw(fresh);
    if (!fresh()) return;
    status.say(latest ? `Stopped after ${latest.judged} images. “${names[model.get("goal")]}”: `
      + `${percent(latest.confidence)} at ${size()}, where it was bred. ${told.textContent}` : "Stopped.");
  }

  // ---- controls ----
  const go = button("Breed", () => set("running", !model.get("running")), { class: "fk-main" });
  const search = nameSearch("a name ", (k) => set("goal", k)), seed = seedField(model, status);
  root.append(search.node, element("div", { class: "fk-row" }, seed.node, go), status.node, counter,
    element("div", { class: "fk-chosen" }, picture, element("div", { class: "fk-answers" }, told,
      element("p", { class: "fk-note" }, `Bred at ${size()}, because that is faster. Every layer of this network `
        + "slides over the picture, whatever its size, and the answer is a mean over all places. So a smaller picture "
        + "has fewer places, and each sees more of it: to the network it is another picture. The surest pattern is "
        + `therefore judged at ${LARGE} by ${LARGE} too (rings), and drawn for you at ${DRAWN} by ${DRAWN}.`))),
    chart.node);

  // ---- what it hears ----
  const touch = () => {
    if (network.sleeps()) network.wake().catch((/** @type {Error} */ error) => status.say(error.message));
  };
  root.addEventListener("pointerdown", touch);
  root.addEventListener("focusin", touch);
  const turn = () => {
    go.textContent = model.get("running") ? "Stop" : "Breed";
    if (model.get("running")) run();
    else stop();
  };
  const anew = () => { // another search than the one that is shown
    search.set(names, model.get("goal"));
    seed.show();
    begin();
    set("running", false);
    forget();
  };
  const deafen = listen(model, {
    "change:running": turn,
    ...Object.fromEntries(["goal", "seed", "size", "batch"].map((name) => [`change:${name}`, anew])),
  });
  status.say("Touch any part of this, and the network is loaded.");
  if (model.get("running")) turn();
  else forget();
  return () => {
    begin();
    deafen();
    network.end();
  };
}

export default widget("name", "Breed a pattern for a name", start, { lazy: true });
